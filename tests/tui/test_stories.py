"""What people do in the terminal program, by keyboard alone, on a real store."""

import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from textual.pilot import Pilot
from textual.widgets import Input, Static

from botdesk import accounts, audit, errors, grants, people, tokens
from botdesk.access import Level, Standing
from botdesk.desk import Desk
from botdesk.testing import Clock, open_desk
from botdesk.tui.app import BotdeskApp
from botdesk.tui.base import SEVERITIES, DeskScreen
from botdesk.tui.memory import Memory
from botdesk.tui.widgets.bars import StatusLine
from botdesk.tui.widgets.window import Window
from tests.terminal import Terminal
from tests.tui.scenes import press, settle

Pressing = Callable[..., object]


@asynccontextmanager
async def opened(
    path: Path,
    *,
    operator: str = "ada",
    size: tuple[int, int] = (80, 24),
    memory: Memory | None = None,
    poll: float = 0,
) -> AsyncIterator[Pilot[None]]:
    """The program on the store at `path`."""
    clock = Clock()
    app = BotdeskApp(lambda: open_desk(path, operator=operator, clock=clock, seed=7), memory=memory, poll=poll)
    async with app.run_test(size=size) as pilot:
        await settle(pilot)
        yield pilot
    if app.is_open:
        app.desk.close()


def window(pilot: Pilot[None], name: str) -> Window:
    """A list of the screen that is shown."""
    return pilot.app.screen.query_one(f"#{name}", Window)


def said(pilot: Pilot[None]) -> str:
    """What the status line says."""
    return pilot.app.screen.query_one(StatusLine).render().plain


def accounts_of(path: Path) -> dict[str, accounts.Line]:
    """The accounts that the store holds, by name."""
    with open_desk(path) as desk:
        return {line.account.name: line for line in desk.ask(accounts.page, accounts.Filter(removed=True)).rows}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A store with three accounts, two people and a role."""
    store = tmp_path / "desk.db"
    with open_desk(store) as desk, desk.begin() as tx:
        for name in ("catalog-sync", "metrics-ingest", "nightly-build"):
            accounts.create(tx, name, scopes="catalog:read")
        people.add(tx, "ben")
        people.create_role(tx, "platform")
        people.add_member(tx, "platform", "ben")
    return store


async def test_the_first_start_says_who_is_the_first_admin_and_teaches(tmp_path: Path) -> None:
    async with opened(tmp_path / "new.db") as pilot:
        assert "made ada the first admin" in said(pilot)
        assert "creates the first one" in window(pilot, "accounts").empty


async def test_an_account_is_created_by_keyboard_and_the_cursor_goes_to_it(path: Path) -> None:
    async with opened(path) as pilot:
        await press(pilot, "n", "deploy-bot", "tab", "right", "tab", "Rolls", "tab", "deploy:write", "ctrl+s")
        assert window(pilot, "accounts").row.account.name == "deploy-bot"
    made = accounts_of(path)["deploy-bot"].account
    assert (made.purpose, made.description, made.scopes) == (accounts.Purpose.CATALOG, "Rolls", "deploy:write")


async def test_a_wrong_name_is_told_with_a_hint_and_nothing_typed_is_lost(path: Path) -> None:
    async with opened(path) as pilot:
        await press(pilot, "n", "Deploy_Bot", "ctrl+s")
        assert "try 'deploy-bot'" in str(pilot.app.screen.query_one("#dialog-error", Static).render())
        assert pilot.app.screen.query_one("#name", Input).value == "Deploy_Bot"
        await press(pilot, "escape")
        assert pilot.app.screen.query_one("#name", Input).value == "Deploy_Bot"
        await press(pilot, "escape")
        assert isinstance(pilot.app.screen, DeskScreen)


async def test_typing_filters_the_list_and_escape_takes_it_back(path: Path) -> None:
    async with opened(path) as pilot:
        await press(pilot, "slash", "metr")
        assert [line.account.name for line in window(pilot, "accounts").rows] == ["metrics-ingest"]
        await press(pilot, "enter", "escape")
        assert len(window(pilot, "accounts").rows) == 3


async def test_sorting_goes_through_the_columns_and_turns_round(path: Path) -> None:
    async with opened(path) as pilot:
        await press(pilot, "S")
        assert window(pilot, "accounts").rows[0].account.name == "nightly-build"
        await press(pilot, "s")
        assert "by purpose" in said(pilot)


async def test_marked_accounts_are_disabled_together_and_enabled_again(path: Path) -> None:
    async with opened(path) as pilot:
        await press(pilot, "space", "space", "d", "holidays", "ctrl+s")
        assert "disabled 2 accounts" in said(pilot)
        assert {name for name, line in accounts_of(path).items() if line.state == "disabled"} == {
            "catalog-sync",
            "metrics-ingest",
        }
        await press(pilot, "g", "d")
    assert accounts_of(path)["catalog-sync"].state == "active"


async def test_removing_asks_for_the_name(path: Path) -> None:
    async with opened(path) as pilot:
        await press(pilot, "D", "catalog", "ctrl+s")
        assert accounts_of(path)["catalog-sync"].state == "active"
        await press(pilot, "-sync", "ctrl+s")
    assert accounts_of(path)["catalog-sync"].state == "removed"


async def test_an_account_is_modified(path: Path) -> None:
    async with opened(path) as pilot:
        await press(pilot, "e", "-two", "ctrl+s")
        assert "modified catalog-sync-two" in said(pilot)
    assert "catalog-sync-two" in accounts_of(path)


async def test_access_is_given_and_withdrawn(path: Path) -> None:
    async with opened(path) as pilot:
        await press(pilot, "enter", "a", "tab", "right", "ctrl+s")
        assert "role platform may manage catalog-sync" in said(pilot)
        await press(pilot, "tab", "w", "y")
        assert "has no grant" in said(pilot)
    with open_desk(path) as desk:
        assert desk.ask(grants.listed) == []
        wanted = audit.Filter(action="grant")
        assert [event.action for event in desk.ask(audit.page, wanted).rows] == ["grant:withdrawn", "grant:given"]


async def test_a_token_goes_to_a_file_and_is_rotated_and_revoked(path: Path, tmp_path: Path) -> None:
    target = tmp_path / "secret"
    async with opened(path) as pilot:
        await press(pilot, "enter", "i", "farm", "ctrl+s", "f", str(target), "enter", "enter")
        assert target.stat().st_mode & 0o777 == 0o600
        await press(pilot, "o", "ctrl+s", "x", "sh -c 'cat > /dev/null'", "enter", "enter", "enter")
        with open_desk(path) as desk:
            assert [line.state for line in desk.ask(tokens.listed)] == ["active", "retiring"]
        await press(pilot, "x", "leaked", "ctrl+s")
    with open_desk(path) as desk:
        ended = [line.token.revoked_reason for line in desk.ask(tokens.listed) if line.state == "revoked"]
    assert ended == ["leaked"]


async def test_a_failed_handoff_may_be_tried_again_elsewhere(path: Path, tmp_path: Path) -> None:
    there = tmp_path / "there"
    there.write_text("taken")
    async with opened(path) as pilot:
        await press(pilot, "i", "farm", "ctrl+s", "f", str(there), "enter")
        assert "is there already" in str(pilot.app.screen.query_one("#dialog-error", Static).render())
        await press(pilot, "escape", "f", str(tmp_path / "other"), "enter")
        assert "written to" in str(pilot.app.screen.query_one("#handoff-said", Static).render())
    assert there.read_text() == "taken"
    assert accounts_of(path)["catalog-sync"].live == 1


async def test_people_and_roles_are_kept_by_keyboard(path: Path) -> None:
    async with opened(path) as pilot:
        await press(pilot, "4", "n", "cleo", "tab", "Cleo", "tab", "right", "ctrl+s")
        assert "let cleo in as auditor" in said(pilot)
        await press(pilot, "G", "e", "tab", "left", "ctrl+s", "d", "y")
        await press(pilot, "tab", "n", "payments", "tab", "Money", "ctrl+s", "m", "ctrl+s", "D", "y")
    with open_desk(path) as desk:
        cleo = desk.ask(people.find, "cleo")
        assert (cleo.full_name, cleo.standing, cleo.disabled_at is None) == ("Cleo", Standing.MEMBER, False)
        actions = [event.action for event in desk.ask(audit.page, audit.Filter(action="role")).rows]
    assert {"role:created", "role:member-added", "role:removed"} <= set(actions)


async def test_the_last_admin_cannot_be_disabled_and_the_reason_is_shown(path: Path) -> None:
    async with opened(path) as pilot:
        await press(pilot, "4", "d", "y")
        assert any("last active admin" in str(note.message) for note in pilot.app._notifications)


async def test_access_is_shown_both_ways_round(path: Path) -> None:
    with open_desk(path) as desk:
        desk.run(grants.give, "catalog-sync", "role:platform", Level.OPERATE)
    async with opened(path) as pilot:
        await press(pilot, "2")
        reached = {found.person.name: found.reasons[0].why for found in window(pilot, "right").rows}
        assert reached == {"ada": "creator", "ben": "role platform"}
        await press(pilot, "b", "j")
        assert [(found.account, found.level) for found in window(pilot, "right").rows] == [
            ("catalog-sync", Level.OPERATE)
        ]


async def test_the_audit_is_filtered_and_an_event_is_shown_with_its_hash(path: Path) -> None:
    async with opened(path, size=(120, 40)) as pilot:
        await press(pilot, "3", "f", "metrics-ingest", "ctrl+s")
        assert [event.account for event in window(pilot, "events").rows] == ["metrics-ingest"]
        assert "the chain holds" in str(pilot.app.screen.query_one("#verdict", Static).render())
        assert window(pilot, "events").row.hash in str(pilot.app.screen.query_one("#detail-text", Static).render())


async def test_a_broken_record_is_told_in_the_audit(path: Path) -> None:
    import pysqlite3

    connection = pysqlite3.connect(str(path))
    connection.execute("UPDATE account SET scopes = 'everything' WHERE name = 'catalog-sync'")
    connection.commit()
    connection.close()
    async with opened(path) as pilot:
        await press(pilot, "3")
        assert "THE RECORD IS BROKEN" in str(pilot.app.screen.query_one("#verdict", Static).render())


async def test_a_key_that_is_refused_says_why(path: Path) -> None:
    with open_desk(path) as desk:
        desk.run(grants.give, "catalog-sync", "person:ben", Level.VIEW)
    async with opened(path, operator="ben") as pilot:
        await press(pilot, "i")
        assert "it takes 'operate' on catalog-sync, you have 'view'" in said(pilot)
        assert [line.account.name for line in window(pilot, "accounts").rows] == ["catalog-sync"]


async def test_a_change_by_another_is_on_the_screen_within_two_seconds_and_the_cursor_stays(path: Path) -> None:
    async with opened(path, poll=1.0) as pilot:
        await press(pilot, "j")
        held = window(pilot, "accounts").row.account.id
        with open_desk(path, seed=9) as other:
            other.run(accounts.create, "archive-bot")
        end = time.monotonic() + 2
        while time.monotonic() < end and len(window(pilot, "accounts").rows) < 4:
            await pilot.pause(0.05)
        assert window(pilot, "accounts").rows[0].account.name == "archive-bot"
        assert window(pilot, "accounts").row.account.id == held


async def test_theme_screen_filter_and_head_are_remembered(path: Path, tmp_path: Path) -> None:
    memory = Memory.load(tmp_path / "state" / "tui.json")
    async with opened(path, memory=memory) as pilot:
        await press(pilot, "T", "slash", "metr", "enter", "3")
    memory.save()
    again = Memory.load(memory.path)
    assert (again.theme, again.screen, again.filters) == ("botdesk-light", "audit", {"accounts": "metr"})
    assert memory.path.stat().st_mode & 0o777 == 0o600
    async with opened(path, memory=again) as pilot:
        assert pilot.app.theme == "botdesk-light"
        assert window(pilot, "events").rows
        await press(pilot, "1")
        assert [line.account.name for line in window(pilot, "accounts").rows] == ["metrics-ingest"]


async def test_a_history_that_was_rewritten_since_last_time_is_an_alarm(path: Path, tmp_path: Path) -> None:
    memory = Memory(tmp_path / "tui.json", heads={str(path): f"3:{'0' * 64}"})
    async with opened(path, memory=memory) as pilot:
        assert isinstance(pilot.app, BotdeskApp)
        assert "HISTORY REWRITTEN" in pilot.app.who
        assert any("no longer holds event 3" in str(note.message) for note in pilot.app._notifications)
    assert memory.heads[str(path)].startswith("3:0")


HOSTILE = "[red]x[/red] [@click=app.bell]y[/] [/x] =1+1"


async def test_markup_in_data_is_drawn_as_it_is(tmp_path: Path) -> None:
    store = tmp_path / "desk.db"
    with open_desk(store) as desk, desk.begin() as tx:
        bot = accounts.create(tx, "odd-bot", description=HOSTILE)
        issued = tokens.issue(tx, bot.id, HOSTILE)
        tokens.deliver(tx, issued.token.id, to=f"file:/{HOSTILE}")
        people.add(tx, "ben", full_name=HOSTILE)
        people.create_role(tx, "odd", description=HOSTILE)
        accounts.disable(tx, bot.id, reason=HOSTILE)
    async with opened(store, size=(120, 40)) as pilot:
        for keys in (
            ["1"],
            ["enter"],
            ["tab"],
            ["tab"],
            ["escape", "2"],
            ["3"],
            ["enter"],
            ["escape", "4"],
            ["1", "d"],
        ):
            await press(pilot, *keys)
            picture = pilot.app.export_screenshot()
            assert "crashed" not in picture
        await press(pilot, "3", "slash", "odd")
        assert "[@click=app.bell]" in pilot.app.export_screenshot().replace("&#160;", " ")


def test_escape_codes_that_got_into_the_store_do_not_reach_the_terminal(tmp_path: Path) -> None:
    import pysqlite3

    store, evil = tmp_path / "desk.db", "\x1b]0;pwned\x07\u202e\u200b\x9b31m"
    with Desk.open(store) as desk:
        desk.run(accounts.create, "odd-bot", description="plain")
    connection = pysqlite3.connect(str(store))
    connection.execute("UPDATE account SET description = ?, name = ?", (f"{evil}far", f"odd{evil}"))
    connection.execute("UPDATE person SET full_name = ?", (evil,))
    connection.commit()
    connection.close()
    environ = {"HOME": str(tmp_path), "PATH": "/usr/bin:/bin", "TERM": "xterm-256color", "LANG": "C.UTF-8"}
    argv = [sys.executable, "-m", "botdesk", "--store", str(store)]
    with Terminal(argv, environ, columns=120, lines=40) as terminal:
        terminal.wait_for("odd␛]0;pwned␇")
        terminal.send("\r")
        terminal.wait_for("MADE")
        for key in ("\x1b", "2", "3", "4"):
            terminal.send(key)
            terminal.settle()
        terminal.send("q")
        assert terminal.wait_exit() == 0
    for raw in (b"\x1b]0;pwned", "\u202e".encode(), "\u200b".encode(), "\x9b".encode()):
        assert raw not in terminal.raw


def test_a_store_that_cannot_be_opened_is_told_after_the_terminal_is_restored(tmp_path: Path) -> None:
    store = tmp_path / "desk.db"
    store.write_bytes(b"this is no database, whatever its name says" * 50)
    store.chmod(0o600)
    before = store.read_bytes()
    environ = {"HOME": str(tmp_path), "PATH": "/usr/bin:/bin", "TERM": "xterm-256color", "LANG": "C.UTF-8"}
    with Terminal([sys.executable, "-m", "botdesk", "--store", str(store)], environ) as terminal:
        assert terminal.wait_exit() == 8
    last = terminal.raw.rsplit(b"\x1b[?1049l", 1)[-1]
    assert b"botdesk: " in last
    assert b"hint: " in last
    assert b"Traceback" not in terminal.raw
    assert store.read_bytes() == before


def test_every_error_has_its_severity() -> None:
    def below(kind: type[errors.BotdeskError]) -> set[type[errors.BotdeskError]]:
        return {kind}.union(*(below(each) for each in kind.__subclasses__()))

    ours = {kind for kind in below(errors.BotdeskError) if kind.__module__ == "botdesk.errors"}
    assert set(SEVERITIES) == ours - {errors.BotdeskError}
