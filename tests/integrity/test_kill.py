"""A desk that is killed at any moment has done each operation wholly, with its events, or not at all."""

import json
import os
import random
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from botdesk import audit, keeping, people, retention, tokens
from botdesk.access import Action
from botdesk.desk import Desk
from botdesk.testing import Clock, open_desk
from botdesk.tokens import TokenState
from tests.integrity import house
from tests.integrity.worker import ARCHIVE, BACKUP, PATIENCE, VERBS, Ended, Workers

KILLS = 200
GROUPS = 8
"""The kills are done in groups, so that several processes can share them."""

ABOUT_TWO_OPERATIONS = 0.01

CALLS = ",".join(
    f"?{call}"
    for call in (
        *("write", "pwrite64", "writev", "pwritev", "pwritev2", "sendfile", "copy_file_range"),
        *("fsync", "fdatasync", "msync", "sync_file_range", "ftruncate", "truncate", "fallocate"),
        *("unlink", "unlinkat", "rename", "renameat", "renameat2", "link", "linkat"),
    )
)
"""All calls by which a process can change what is on the disk."""

KILL_EVERY = int(os.environ.get("KILL_EVERY", "3"))
"""A verb is killed at every so manieth of its calls, each verb from another one on; 1 takes them all, which is slow."""

AT_EVERY_CALL = ("account create", "token rotate", "audit archive")
"""The verbs that are killed at each of their calls always."""

NOT_BY_OPERATIONS = {
    *(Action.AUDIT_VIEWED, Action.DESK_OPENED, Action.KEY_VIEWED, Action.SSH_USED),
    Action.PERSON_IMPERSONATED,
}
"""What no operation records yet, or records when it is refused alone."""


Heads = list[tuple[int, str]]


@pytest.fixture(scope="module")
def heads(furnished: Path, workers: Workers, tmp_path_factory: pytest.TempPathFactory) -> Heads:
    """The head after each operation of the whole life that `everything` tells; it is the same each time."""
    folder = tmp_path_factory.mktemp("whole")
    for name in ("first", "second"):
        store = Path(shutil.copy(furnished, folder / f"{name}.db"))
        assert workers.run("live", store=store, out=folder / name) == Ended(0, "")
    assert _said(folder / "first", "done") == _said(folder / "second", "done")
    with open_desk(furnished) as desk:
        head = desk.head()
    return [(head.sequence, head.hash), *_said(folder / "first", "done")]


def _said(file: Path, what: str) -> list[Any]:
    text = file.read_text("utf-8") if file.exists() else ""
    told = [json.loads(line) for line in text.splitlines(keepends=True) if line.endswith("\n")]
    return [tuple(said) if isinstance(said, list) else said for kind, said in told if kind == what]


@pytest.mark.parametrize("group", range(GROUPS))
def test_killed_at_a_random_moment_nothing_is_lost_or_half_done(
    furnished: Path, workers: Workers, heads: Heads, tmp_path: Path, group: int
) -> None:
    moments = random.Random(group)
    reached = set()
    for number in range(KILLS // GROUPS):
        store = Path(shutil.copy(furnished, tmp_path / f"{number}.db"))
        said = tmp_path / f"{number}.said"
        pid = workers.start("live", store=store, out=said)
        _let_live(said, moments.randrange(len(heads)))
        time.sleep(moments.uniform(0, ABOUT_TWO_OPERATIONS))
        os.kill(pid, signal.SIGKILL)
        assert workers.wait(pid).code in (-signal.SIGKILL, 0)
        reached.add(_check_life(store, said, heads))
    assert len(reached) > KILLS // GROUPS // 3


def _let_live(said: Path, operations: int) -> None:
    last = time.monotonic() + PATIENCE
    while time.monotonic() < last and not (said.exists() and said.read_bytes().count(b'["done"') >= operations):
        time.sleep(0.002)


def _check_life(store: Path, said: Path, heads: Heads) -> int:
    """Hold a killed desk against the whole life; gives how many operations it had done."""
    with open_desk(store, clock=Clock(house.LATER), seed=3) as desk:
        verdict = desk.ask(audit.verify)
        assert verdict.findings == ()
        done = heads.index((verdict.head.sequence, verdict.head.hash))
        acknowledged = _said(said, "done")
        assert acknowledged == heads[1 : len(acknowledged) + 1]
        assert len(acknowledged) <= done <= len(acknowledged) + 1
        _no_token_is_live_before_it_was_handed_over(desk.ask(tokens.listed), set(_said(said, "handed")))
        desk.run(people.add, "somebody")
    return done


def _no_token_is_live_before_it_was_handed_over(lines: list[tokens.Line], handed: set[str]) -> None:
    for line in lines:
        if line.token.delivered_to == "command:vault":
            assert line.token.id in handed
        elif not line.token.delivered_to:
            assert line.state not in tokens.LIVE


@pytest.fixture
def traced(
    needs: Callable[[str], None], lacking: Callable[[str], None], workers: Workers, tmp_path: Path
) -> Callable[..., Ended]:
    """Do a verb in a process that strace watches; with calls that it makes, it is killed on entering the last of them.

    strace counts each kind of call by itself.
    """
    needs("strace")

    def trace(
        store: Path, *, calls: Sequence[str] = (), log: Path = Path(os.devnull), job: str = "do", **args: Any
    ) -> Ended:
        gate = tmp_path / "gate"
        pid = workers.start(job, gate=gate, store=store, **args)
        options = ["-f", "-y", "-o", str(log), "-e", f"trace={CALLS}", "-p", str(pid)]
        if calls:
            options += ["-e", f"inject={calls[-1]}:signal=KILL:when={calls.count(calls[-1])}"]
        with subprocess.Popen(["strace", *options], stderr=subprocess.PIPE, text=True) as tracer:
            assert tracer.stderr
            attached = tracer.stderr.readline()
            gate.touch()
            ended = workers.wait(pid)
            tracer.communicate(timeout=PATIENCE)
        gate.unlink()
        if "attached" not in attached:
            lacking(f"strace may not trace here ({attached.strip()})")
        return ended

    return trace


@pytest.mark.parametrize("verb", VERBS)
def test_killed_at_any_call_a_verb_is_done_wholly_or_not_at_all(
    furnished: Path, workers: Workers, traced: Callable[..., Ended], tmp_path: Path, verb: str
) -> None:
    store = tmp_path / "desk" / "botdesk.db"

    def prepare() -> None:
        shutil.rmtree(store.parent, ignore_errors=True)
        store.parent.mkdir()
        if verb != "found":
            shutil.copy(furnished, store)

    prepare()
    assert traced(store, verb=verb, log=tmp_path / "log") == Ended(0, "")
    calls = _calls(tmp_path / "log")
    after = house.contents(store)
    before = after if verb == "found" else house.contents(furnished)
    outcomes = []
    step = 1 if verb in AT_EVERY_CALL else KILL_EVERY
    for number in range(1 + list(VERBS).index(verb) % step, len(calls) + 1, step):
        prepare()
        ended = traced(store, verb=verb, calls=calls[:number])
        outcomes.append(_is_done(store, before, after))
        assert ended.code == -signal.SIGKILL, ended.said
    assert outcomes == sorted(outcomes)
    assert set(outcomes) == ({True} if verb == "found" else {False, True})
    assert len(calls) > 10


def _calls(log: Path) -> list[str]:
    """The kinds of the calls that strace told, in their order."""
    return re.findall(r"^\d+ +(\w+)\(", log.read_text("utf-8"), re.MULTILINE)


def _is_done(store: Path, before: dict[str, list[house.Row]], after: dict[str, list[house.Row]]) -> bool:
    """Tell whether the verb was done, by every row of every table; the desk must be in order, and go on working."""
    with open_desk(store, clock=Clock(house.LATER), seed=2) as desk:
        assert [check.words for check in keeping.check(desk) if not check.ok] == []
        found = house.contents(store)
        assert found in (before, after)
        _check_backup(store.with_name(BACKUP), found)
        _check_archive(desk, store.with_suffix(ARCHIVE), found)
    with open_desk(store, clock=Clock(house.LATER), seed=3) as desk:
        desk.run(people.add, "somebody")
    return found == after


def _check_backup(made: Path, found: dict[str, list[house.Row]]) -> None:
    """A backup that the audit tells of is whole."""
    if any("desk:backed-up" in row for row in found["event"]):
        with open_desk(made, clock=Clock(house.LATER)) as desk:
            assert desk.ask(audit.verify).holds


def _check_archive(desk: Desk, made: Path, found: dict[str, list[house.Row]]) -> None:
    """An archive that the audit tells of is whole; else there is none, or a whole one that is not needed."""
    if any("audit:archived" in row for row in found["event"]):
        assert keeping.verify(desk, archives=[made]).holds
    elif made.exists():
        assert retention.read(made).findings == []


def test_killed_at_any_call_of_a_handoff_no_token_works_without_its_secret_and_none_ends_for_it(
    furnished: Path, traced: Callable[..., Ended], tmp_path: Path
) -> None:
    store, secret = tmp_path / "desk" / "botdesk.db", tmp_path / "secret"
    store.parent.mkdir()

    def attempt(*calls: str, log: Path = Path(os.devnull)) -> int:
        shutil.copy(furnished, store)
        secret.unlink(missing_ok=True)
        ended = traced(store, calls=calls, log=log, job="hand", out=secret)
        assert ended.code == (-signal.SIGKILL if calls else 0), ended.said
        step = _how_far(store, secret)
        for file in store.parent.iterdir():
            file.unlink()
        return step

    assert attempt(log=tmp_path / "log") == 2
    calls = _calls(tmp_path / "log")
    steps = [attempt(*calls[:number]) for number in range(1, len(calls) + 1)]
    assert steps == sorted(steps)
    assert set(steps) == {0, 1, 2}


def _how_far(store: Path, secret: Path) -> int:
    """How far a rotation got: 0 before the successor, 1 when that is pending, 2 when it works."""
    with open_desk(store, clock=Clock(house.LATER), seed=3) as desk:
        assert desk.ask(audit.verify).holds
        found = {line.token.label: line for line in desk.ask(tokens.listed)}
    if "handed" not in found:
        assert not secret.exists()
        assert found["active"].state is TokenState.ACTIVE
        return 0
    if found["handed"].state is TokenState.PENDING:
        assert found["active"].state is TokenState.ACTIVE
        return 1
    assert (found["handed"].state, found["active"].state) == (TokenState.ACTIVE, TokenState.RETIRING)
    assert re.fullmatch(rf"bdk_{found['handed'].token.id}_[0-9A-Za-z]{{49}}\n", secret.read_text())
    assert secret.stat().st_mode & 0o777 == 0o600
    return 2


def test_a_commit_is_on_the_disk_before_it_is_acknowledged(
    store: Path, traced: Callable[..., Ended], tmp_path: Path
) -> None:
    with open_desk(store):  # it keeps the log from being merged into the store when the traced process ends
        assert traced(store, verb="account create", log=tmp_path / "log") == Ended(0, "")
    calls = [
        line.split()[1].split("(")[0] for line in (tmp_path / "log").read_text("utf-8").splitlines() if "-wal" in line
    ]
    assert calls.count("pwrite64") > 2
    assert calls[-1] in ("fsync", "fdatasync")


def test_every_verb_that_writes_is_among_those_that_are_killed(
    furnished: Path, workers: Workers, tmp_path: Path
) -> None:
    recorded: set[str] = set()
    for number, verb in enumerate(VERBS):
        store = tmp_path / f"{number}.db"
        old: set[house.Row] = set()
        if verb != "found":
            shutil.copy(furnished, store)
            old = set(house.contents(store)["event"])
        assert workers.run("do", store=store, verb=verb) == Ended(0, "")
        new = set(house.contents(store)["event"]) - old
        recorded |= {value for row in new for value in row if value in set(Action)}
        with suppress(FileNotFoundError):
            (tmp_path / BACKUP).unlink()
    assert recorded == set(Action) - NOT_BY_OPERATIONS
