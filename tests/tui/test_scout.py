"""The first rows are there before the desk is open, where a processor has nothing to do."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from botdesk import accounts, people
from botdesk.desk import Desk
from botdesk.errors import StoreError
from botdesk.tui import scout
from tests.raw import raw
from tests.stores import Stores
from tests.terminal import Terminal
from tests.tui.program import environ

HELD = """
import os, pathlib, sys, time

let_go, own = pathlib.Path(sys.argv[1]), os.getpid()

class Hold:
    def find_spec(self, name, path=None, target=None):
        while name == "sqlmodel" and os.getpid() == own and not let_go.exists():
            time.sleep(0.01)

sys.meta_path.insert(0, Hold())
from botdesk.tui import scout
scout._has_idle_processor = lambda: True
from botdesk.__main__ import main
sys.exit(main(sys.argv[2:]))
"""
"""Starts botdesk with a scout, and holds its own import of the store until a file is there."""

SENT = """
import asyncio, json, os, sys, time
from botdesk import settings
from botdesk.tui import scout

scout._has_idle_processor = lambda: True
{before}
sent = scout.Scout.sent(settings.load(store=sys.argv[1]), acting_as=sys.argv[2] or None, entry=None)
begun = time.monotonic()
found = asyncio.run(sent.found()) if {waits} else None
sent.recall()
took = time.monotonic() - begun
sent.recall()
try:
    os.waitpid(-1, 0)
    left = True
except ChildProcessError:
    left = False
print(json.dumps({{"found": found, "took": took, "left": left}}))
"""
"""Sends a scout, and tells what it found."""

SLOW_SECONDS = 60
SLOW = f"scout._look = lambda *_: time.sleep({SLOW_SECONDS})"


def sent(store: str, home: Path, *, acting_as: str = "", before: str = "", waits: bool = True) -> dict[str, object]:
    """What came of a scout, as the operator of these tests or in somebody's stead."""
    script = SENT.format(before=before, waits=waits)
    done = subprocess.run(
        [sys.executable, "-c", script, store, acting_as], env=environ(home), capture_output=True, timeout=60, check=True
    )
    assert done.stderr == b""
    told: dict[str, object] = json.loads(done.stdout)
    assert told["left"] is False
    return told


def names(told: dict[str, object]) -> list[str]:
    found = told["found"]
    assert isinstance(found, list)
    return [cells[0][0] for _, cells in found[0]]


@pytest.fixture
def path(place: str) -> str:
    """A desk with two accounts, of which ben, who is there as well, can reach one."""
    with Desk.open(place) as desk:
        desk.run(people.add, "ben")
        for name in ("nightly-build", "weekly-report"):
            desk.run(accounts.create, name)
        with desk.begin("ben") as tx:
            accounts.create(tx, "bens-own")
    return place


def head(path: str) -> str:
    with Desk.open(path) as desk:
        return str(desk.head())


def test_rows_are_shown_while_the_desk_is_opened_and_take_no_keys_until_then(path: str, tmp_path: Path) -> None:
    let_go = tmp_path / "let-go"
    argv = [sys.executable, "-c", HELD, str(let_go), "--store", path]
    with Terminal(argv, environ(tmp_path)) as terminal:
        terminal.wait_for("weekly-report")
        assert "bens-own" in terminal.text
        assert "loading" in terminal.text
        terminal.send("jj")
        let_go.touch()
        terminal.wait_for("3 accounts")
        terminal.send("\r")
        terminal.wait_for("weekly-report  active")
        terminal.send("q")
        assert terminal.wait_exit() == 0


def test_it_finds_what_the_operator_can_reach(path: str, tmp_path: Path) -> None:
    assert names(sent(path, tmp_path)) == ["bens-own", "nightly-build", "weekly-report"]
    assert names(sent(path, tmp_path, acting_as="ben")) == ["bens-own"]


def test_who_may_see_nothing_is_told_nothing_and_that_is_left_to_the_opening_to_record(
    path: str, tmp_path: Path
) -> None:
    before = head(path)
    assert sent(path, tmp_path, acting_as="carl")["found"] is None
    assert head(path) == before


@pytest.mark.parametrize("kept", [{"screen": "audit"}, {"filters": {"accounts": "nightly"}}])
def test_where_something_else_is_shown_first_it_looks_at_nothing(
    kept: dict[str, object], path: str, tmp_path: Path
) -> None:
    folder = tmp_path / "state" / "botdesk"
    folder.mkdir(parents=True)
    (folder / "tui.json").write_text(json.dumps(kept))
    assert sent(path, tmp_path)["found"] is None


def test_one_that_is_slow_ends_when_it_is_called_back(path: str, tmp_path: Path) -> None:
    took = sent(path, tmp_path, before=SLOW, waits=False)["took"]
    assert isinstance(took, float)
    assert took < SLOW_SECONDS / 2


def test_one_that_is_too_slow_ends_by_itself(path: str, tmp_path: Path) -> None:
    told = sent(path, tmp_path, before=f"{SLOW}; scout.LONGEST_SECONDS = 1")
    assert told["found"] is None
    assert isinstance(told["took"], float)
    assert 0.5 < told["took"] < SLOW_SECONDS / 2


def test_one_is_sent_only_where_a_processor_has_nothing_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told = tmp_path / "loadavg"
    monkeypatch.setattr(scout, "LOAD", told)
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {0, 1})
    for running, idle in [("1/312", True), ("2/312", False), ("9/312", False), ("none", False)]:
        told.write_text(f"0.20 0.18 0.12 {running} 11206\n")
        assert scout._has_idle_processor() is idle
    told.unlink()
    assert not scout._has_idle_processor()


def test_a_desk_taken_as_it_is_is_neither_made_nor_founded(tmp_path: Path, stores: Stores) -> None:
    place = stores.new(tmp_path)
    with pytest.raises(StoreError):
        Desk.open(place, as_is=True)
    if stores.engine == "sqlite":
        assert not Path(place).exists()


def test_a_desk_taken_as_it_is_is_not_upgraded(path: str, tmp_path: Path) -> None:
    with raw(path) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '0001'")
    with pytest.raises(StoreError, match="no desk of today"):
        Desk.open(path, as_is=True)
    with raw(path) as connection:
        assert connection.execute("SELECT version_num FROM alembic_version").fetchall() == [("0001",)]
    assert sent(path, tmp_path)["found"] is None
