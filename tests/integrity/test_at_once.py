"""Two screens and three command lines at one store at once: nobody sees an error, nothing is lost, all see the same."""

import itertools
import os
import subprocess
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from botdesk import accounts, audit, tokens
from botdesk.audit import Filter, Outcome
from botdesk.desk import Desk
from tests.terminal import Terminal
from tests.tui.program import command, environ, started

SECONDS = float(os.environ.get("SECONDS") or 1)
"""How long they work, at least; a minute is what is promised."""

CTRL_Q, CTRL_S, ESCAPE = "\x11", "\x13", "\x1b"
ERRORS = (b"NO ANSWER", b"REWRITTEN", b"busy", b"unknown", b"failed", b"cannot", b"Traceback")
BODY = slice(1, -3)
"""The lines of a screen that tell of the desk, and not of what was done at this one."""

Going = Callable[[], bool]


@pytest.mark.dear
def test_two_screens_and_three_command_lines_work_at_once_and_end_seeing_the_same(place: str, tmp_path: Path) -> None:
    variables = environ(tmp_path)
    Desk.open(place).close()
    with started(place, variables, size=(120, 40)) as left, started(place, variables, size=(120, 40)) as right:
        end = time.monotonic() + SECONDS
        with ThreadPoolExecutor(5) as crowd:
            going: Going = lambda: time.monotonic() < end  # noqa: E731
            screens = [crowd.submit(_type, screen, name, going) for screen, name in ((left, "left"), (right, "right"))]
            lines = [crowd.submit(_command, place, variables, tmp_path, f"line-{one}", going) for one in "abc"]
            made = {name for future in screens + lines for name in future.result()}
        _see_the_same(left, right, sorted(made))
        for screen in (left, right):
            assert not [word for word in ERRORS if word in screen.raw]
            screen.send(CTRL_Q)
            assert screen.wait_exit() == 0
    with Desk.open(place) as desk:
        assert {line.account.name for line in desk.ask(accounts.page, limit=100_000).rows} == made
        assert {line.account for line in desk.ask(tokens.listed)} == {name for name in made if name.startswith("line-")}
        assert desk.ask(audit.page, Filter(outcome=Outcome.DENIED)).total == 0
        assert desk.ask(audit.verify).holds


def _type(screen: Terminal, who: str, going: Going) -> list[str]:
    """Create accounts by keyboard; each one is opened, and left again."""
    screen.wait_for("by name")
    made: list[str] = []
    while going() or not made:
        made.append(f"{who}-job-{len(made)}")
        screen.send("n")
        screen.wait_for("New service account")
        screen.send(made[-1])
        screen.wait_for(made[-1])
        screen.send(CTRL_S)
        screen.wait_for(f"created {made[-1]}")
        screen.wait_for("no live token")
        screen.settle()
        screen.send(ESCAPE)
        screen.wait_gone("no live token")
    return made


def _command(store: str, variables: dict[str, str], folder: Path, who: str, going: Going) -> list[str]:
    """Create accounts by command, issue a token to each, and change each."""
    made: list[str] = []
    for number in itertools.takewhile(lambda number: going() or not number, itertools.count()):
        made.append(f"{who}-job-{number}")
        secret = f"file:{folder / made[-1]}"
        for words in (
            ("account", "create", made[-1], "--scope", "catalog:read"),
            ("token", "issue", made[-1], "--label", "first", "--to", secret),
            ("account", "modify", made[-1], "--description", f"the work of {who}"),
        ):
            done = subprocess.run(
                command("--store", store, *words), env=variables, capture_output=True, text=True, timeout=120
            )
            assert (done.returncode, "botdesk:" in done.stderr) == (0, False), done.stderr
    return made


def _see_the_same(left: Terminal, right: Terminal, made: list[str]) -> None:
    """Wait until both show the first accounts there are, how many there are, and nothing else."""

    def shown(screen: Terminal) -> list[str]:
        return screen.text.splitlines()[BODY]

    for screen in (left, right):
        screen.settle()
        screen.send("g")
        screen.wait_for(f"{len(made)} accounts")
        screen.wait_until(lambda screen=screen: all(map(str.__contains__, shown(screen)[1:], made)), seconds=90)  # type: ignore[misc]
    end = time.monotonic() + 90
    while shown(left) != shown(right):
        assert time.monotonic() < end, "\n".join(shown(left) + shown(right))
        left.pump()
        right.pump()
