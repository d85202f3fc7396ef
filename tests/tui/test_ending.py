"""However the program ends, the terminal is as it was, the clipboard is cleared, and no token is live undelivered."""

import os
import signal
import sys
import textwrap
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from botdesk import accounts, tokens
from botdesk.desk import Desk
from tests.terminal import Terminal
from tests.tui.program import environ, started

CTRL_S, CTRL_Q = "\x13", "\x11"
RESTORED = (b"\x1b[?1049l", b"\x1b[?25h", b"\x1b[?2004l", b"\x1b[?1003l")
"""The alternate screen left, the cursor shown, no bracketed paste, no mouse."""

ENDINGS: dict[str, tuple[Callable[[Terminal], None], int]] = {
    "SIGTERM": (lambda terminal: os.kill(terminal.pid, signal.SIGTERM), 143),
    "SIGHUP": (lambda terminal: os.kill(terminal.pid, signal.SIGHUP), 129),
    "SIGINT": (lambda terminal: os.kill(terminal.pid, signal.SIGINT), 130),
    "ctrl+q": (lambda terminal: terminal.send(CTRL_Q), 0),
}


@pytest.fixture
def path(place: str) -> str:
    """A desk with one account."""
    with Desk.open(place) as desk:
        desk.run(accounts.create, "nightly-build")
    return place


def held(path: str) -> list[tuple[str, str | None]]:
    """The states of the store's tokens, and why they ended."""
    with Desk.open(path) as desk:
        return [(str(line.state), line.token.revoked_reason) for line in desk.ask(tokens.listed)]


@contextmanager
def writing(path: str) -> Iterator[None]:
    """Another writer has its turn, and takes its time."""
    with Desk.open(path) as desk, desk.begin():
        yield


def issue(terminal: Terminal) -> None:
    """Issue a token, up to the handoff."""
    terminal.wait_for("nightly-build")
    terminal.send("i")
    terminal.wait_for("Issue a token")
    terminal.send(f"farm{CTRL_S}")
    terminal.wait_for("Hand the secret over")


@pytest.mark.parametrize("ending", ENDINGS)
def test_in_the_middle_of_a_handoff_the_token_is_revoked(tmp_path: Path, path: str, ending: str) -> None:
    end, code = ENDINGS[ending]
    with started(path, environ(tmp_path)) as terminal:
        issue(terminal)
        end(terminal)
        assert terminal.wait_exit() == code
        for sequence in RESTORED:
            assert sequence in terminal.raw
    assert held(path) == [("revoked", "not handed over")]


@pytest.mark.parametrize("ending", ["SIGHUP", "ctrl+q"])
def test_a_token_that_is_being_issued_when_the_program_is_left_is_revoked(
    tmp_path: Path, path: str, ending: str
) -> None:
    end, code = ENDINGS[ending]
    with started(path, environ(tmp_path)) as terminal:
        terminal.wait_for("nightly-build")
        terminal.send("i")
        terminal.wait_for("Issue a token")
        with writing(path):
            terminal.send(f"farm{CTRL_S}")
            terminal.wait_for("saving")
            end(terminal)
            terminal.wait_until(lambda: RESTORED[0] in terminal.raw)
        assert terminal.wait_exit() == code
    assert held(path) == [("revoked", "not handed over")]


@pytest.mark.parametrize("ending", ENDINGS)
def test_after_a_handoff_the_clipboard_is_cleared(tmp_path: Path, path: str, ending: str) -> None:
    end, code = ENDINGS[ending]
    with started(path, environ(tmp_path)) as terminal:
        issue(terminal)
        terminal.send("c")
        terminal.wait_for("The token works now")
        end(terminal)
        assert terminal.wait_exit() == code
        assert terminal.raw.endswith(b"\x1b]52;c;!\x07")
    assert held(path) == [("active", None)]


def test_a_terminal_that_goes_away_takes_the_program_with_it(tmp_path: Path, path: str) -> None:
    with started(path, environ(tmp_path)) as terminal:
        issue(terminal)
        terminal.hang_up()
        assert terminal.wait_exit() in (120, 129)  # 120 is Python's own, when it cannot flush what is gone
    assert held(path) == [("revoked", "not handed over")]


CRASHING = """
    import sys
    from botdesk import settings
    from botdesk.tui import start
    from botdesk.tui.screens.audit import AuditScreen

    def broken(self):
        raise ZeroDivisionError("of the widget")

    AuditScreen.on_mount = broken
    sys.exit(start.run(settings=settings.load()))
"""


def test_a_crash_leaves_the_terminal_as_it_was_and_says_where(tmp_path: Path, path: str) -> None:
    variables = environ(tmp_path, BOTDESK_STORE=path)
    with Terminal([sys.executable, "-c", textwrap.dedent(CRASHING)], variables) as terminal:
        terminal.wait_for("nightly-build")
        terminal.send("3")
        assert terminal.wait_exit() == 1
        after = terminal.raw.rsplit(b"\x1b[?1049l", 1)[-1]
        assert b"botdesk crashed: ZeroDivisionError" in after
        assert b"nothing that was saved is lost" in after
        for sequence in RESTORED:
            assert sequence in terminal.raw


@pytest.mark.sqlite(reason="what is damaged is the file")
def test_a_store_that_cannot_be_opened_is_told_after_the_terminal_is_restored(tmp_path: Path) -> None:
    store = tmp_path / "desk.db"
    store.write_bytes(b"this is no database, whatever its name says" * 50)
    store.chmod(0o600)
    before = store.read_bytes()
    with started(store, environ(tmp_path)) as terminal:
        assert terminal.wait_exit() == 8
    last = terminal.raw.rsplit(b"\x1b[?1049l", 1)[-1]
    assert b"botdesk: " in last
    assert b"hint: " in last
    assert b"Traceback" not in terminal.raw
    assert store.read_bytes() == before


def test_what_is_remembered_survives_a_kill(tmp_path: Path, path: str) -> None:
    variables = environ(tmp_path)
    with started(path, variables) as terminal:
        terminal.wait_for("nightly-build")
        terminal.send("3")
        terminal.wait_for("the chain holds")
        remembered = tmp_path / "state" / "botdesk" / "tui.json"
        terminal.wait_until(lambda: remembered.exists() and '"audit"' in remembered.read_text("utf-8"))
        os.kill(terminal.pid, signal.SIGKILL)
        assert terminal.wait_exit() == -signal.SIGKILL
    with started(path, variables) as terminal:
        terminal.wait_for("the chain holds")


def test_a_locked_store_is_waited_for_and_nothing_typed_is_lost(tmp_path: Path, path: str) -> None:
    with started(path, environ(tmp_path)) as terminal:
        terminal.wait_for("nightly-build")
        terminal.send("n")
        terminal.wait_for("New service account")
        terminal.send("archive-bot")
        terminal.wait_for("a good name")
        with writing(path):
            terminal.send(CTRL_S)
            terminal.wait_for("saving")
            terminal.wait_for("the store is busy", seconds=60)
        terminal.wait_for("archive-bot")
        terminal.send(CTRL_S)
        terminal.wait_for("created archive-bot")
