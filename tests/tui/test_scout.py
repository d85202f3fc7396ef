"""The first rows are there before the desk is open, where a processor has nothing to do."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import cast

import pytest

from botdesk import accounts, people, settings
from botdesk.desk import Desk
from botdesk.errors import AccessDenied, StoreError
from botdesk.tui import scout
from botdesk.tui.app import BotdeskApp
from botdesk.tui.screens.accounts import AccountsScreen
from botdesk.tui.widgets.window import Window
from tests.raw import raw
from tests.stores import Stores
from tests.terminal import Terminal
from tests.tui.program import environ, started
from tests.tui.stage import settle

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
say = json.dumps
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
print(say({{"found": found, "took": took, "left": left}}))
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
    with Desk.open(path) as desk:
        desk.run(people.add, "carl")
        desk.run(people.disable, "carl")
    before = head(path)
    assert sent(path, tmp_path, acting_as="carl")["found"] is None
    assert head(path) == before
    with pytest.raises(AccessDenied):
        Desk.open(path, acting_as="carl")
    assert head(path) != before


def test_a_desk_that_is_taken_as_it_is_records_no_refusal_and_lets_nothing_be_written(path: str) -> None:
    before = head(path)
    for operator, acting_as in (("nobody", None), ("ben", "carl")):
        with pytest.raises(AccessDenied):
            Desk.open(path, as_is=True, operator=operator, acting_as=acting_as)
    with Desk.open(path, as_is=True) as desk:
        with pytest.raises(StoreError, match="read alone"):
            desk.run(accounts.create, "one-more")
        with pytest.raises(StoreError, match="read alone"):
            desk.ready()
        assert len(desk.ask(accounts.page).rows) == 3
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
    patient = f"{SLOW}; scout.LONGEST_SECONDS = {SLOW_SECONDS}"
    took = sent(path, tmp_path, before=patient, waits=False)["took"]
    assert isinstance(took, float)
    assert took < SLOW_SECONDS / 2


@pytest.mark.parametrize(
    "amiss",
    [
        "signal.signal(signal.SIGCHLD, signal.SIG_IGN)",
        "scout._look = lambda *_: os._exit(9)",
        "scout._look = lambda *_: os.kill(os.getpid(), signal.SIGKILL)",
        "scout.json.dumps = lambda found: '[[[\"a\", '",
    ],
)
def test_whatever_becomes_of_it_the_program_goes_on(amiss: str, path: str, tmp_path: Path) -> None:
    told = sent(path, tmp_path, before=f"import signal; {amiss}")
    assert bool(told["found"]) is ("SIGCHLD" in amiss)


def test_where_there_can_be_no_more_processes_none_is_sent(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def fail() -> int:
        raise BlockingIOError("no more")

    monkeypatch.setattr(scout, "_has_idle_processor", lambda: True)
    monkeypatch.setattr(os, "fork", fail)
    before = len(list(Path("/proc/self/fd").iterdir()))
    assert scout.Scout.sent(settings.load(store=str(tmp_path / "none.db")), acting_as=None, entry=None) is None
    assert len(list(Path("/proc/self/fd").iterdir())) == before


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


def foretold(opener: Callable[[], Desk]) -> BotdeskApp:
    """The program with a scout that found forty accounts at once, of which it tells thirty."""

    class Sent:
        async def found(self) -> scout.Found:
            rows = [(f"acc_{number}", [(f"told-{number:02}", "accent"), *[("x", "")] * 7]) for number in range(30)]
            return scout.Found(rows, 40)

    shown = BotdeskApp(opener, scout=cast("scout.Scout", Sent()), poll=0)
    shown.patience = 0.1
    return shown


class Held:
    """Opens the desk once it is let go."""

    def __init__(self, path: str) -> None:
        self.let_go = threading.Event()
        self._path = path

    def __call__(self) -> Desk:
        assert self.let_go.wait(60)
        return Desk.open(self._path)


def drawn(shown: BotdeskApp) -> str:
    return "\n".join("".join(segment.text for segment in strip) for strip in shown.screen._compositor.render_strips())


async def test_nothing_can_be_done_with_rows_that_are_foretold(path: str) -> None:
    opener = Held(path)
    shown = foretold(opener)
    async with shown.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        assert "told-00" in drawn(shown)
        window = shown.screen.query_one("#accounts", Window)
        assert window.vertical_scrollbar.position == 0
        for offset in ((0, 2), (10, 3), (10, 0)):
            await pilot.click(window, offset=offset, times=2)
        for key in ("space", "A", "enter", "i", "d", "t", "slash", "escape"):
            await pilot.press(key)
        window.action_move(1)
        window.scroll_to(y=5, animate=False)
        await pilot.pause()
        assert (window.row, window.marked, window.chosen, window.in_view) == (None, {}, [], [])
        assert isinstance(shown.screen, AccountsScreen)
        opener.let_go.set()
        await settle(pilot)
        assert "told-00" not in drawn(shown)
        assert [line.account.name for line in window.rows] == ["bens-own", "nightly-build", "weekly-report"]


async def test_where_another_screen_or_a_filter_came_first_nothing_is_foretold(path: str) -> None:
    opener = Held(path)
    shown = foretold(opener)
    (sent, shown._scout) = (shown._scout, None)
    assert sent is not None
    async with shown.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        await pilot.press("slash", "b")
        shown._foretell(sent)
        await pilot.pause()
        assert "told-00" not in drawn(shown)
        await pilot.press("escape", "escape", "3")
        shown._foretell(sent)
        await pilot.pause()
        assert "told-00" not in drawn(shown)
        assert shown.return_code is None
        opener.let_go.set()
        await settle(pilot)
        assert shown.screen.query_one("#detail").styles.border_left[0] == "solid"


def test_keys_that_are_typed_before_anything_is_shown_reach_what_they_were_meant_for(path: str, tmp_path: Path) -> None:
    with started(path, environ(tmp_path)) as terminal:
        terminal.send("/weekly")
        terminal.wait_for("1 account · by name · filter 'weekly'")
        terminal.send("\x11")
        assert terminal.wait_exit() == 0
