"""What is the same on every screen: keys, help, palette, themes, what is remembered, what is told."""

import asyncio
import threading
from pathlib import Path
from typing import Any

import pytest
from textual import events
from textual.binding import Binding
from textual.pilot import Pilot
from textual.widgets import Static

from botdesk import accounts, errors, verified
from botdesk.desk import Desk
from botdesk.testing import open_desk
from botdesk.tui.app import BotdeskApp
from botdesk.tui.base import SEVERITIES, DeskScreen
from botdesk.tui.memory import Memory
from botdesk.tui.screens.accounts import AccountsScreen
from botdesk.tui.themes import THEMES
from botdesk.tui.watch import Watch
from tests.integrity import house
from tests.stores import Stores
from tests.tui.stage import (
    app_of,
    click,
    complaints,
    names,
    opened,
    press,
    said,
    settle,
    shown,
    type_ahead,
    warned,
    window,
)


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
@pytest.mark.parametrize("key", ["1", "2", "3", "4", "enter"])
async def test_help_tells_every_key_of_the_screen(path: str, key: str, size: tuple[int, int]) -> None:
    async with opened(path, size=size) as pilot:
        await press(pilot, key)
        screen = pilot.app.screen
        wanted = {found.binding.tooltip for found in screen.active_bindings.values() if found.binding.tooltip}
        await press(pilot, "question_mark")
        seen = shown(pilot)
        assert "page down and page up show the rest" in seen
        for _ in range(8):
            await press(pilot, "pagedown")
            seen += shown(pilot)
        missing = {tooltip for tooltip in wanted if " ".join(tooltip.split()[:4]) not in " ".join(seen.split())}
        assert missing == set()
        await press(pilot, "escape")
        assert pilot.app.screen is screen


@pytest.mark.parametrize("key", ["1", "2", "3", "4", "5", "6"])
async def test_help_cuts_no_key_and_no_name_off(path: str, key: str) -> None:
    async with opened(path) as pilot:
        await press(pilot, key, "question_mark")
        for _ in range(4):
            lines = [line for line in shown(pilot).splitlines() if line.startswith("│")]
            assert not [line for line in lines if "…" in line[:30]]
            await press(pilot, "pagedown")


async def test_what_enter_does_is_told_by_the_list(path: str) -> None:
    async with opened(path) as pilot:
        for key, told in (("1", "enter Open "), ("3", "enter Detail "), ("5", "enter Open account ")):
            await press(pilot, key)
            assert told in shown(pilot).splitlines()[-1]


async def test_nothing_is_faint_on_the_row_of_the_cursor(path: str) -> None:
    async with opened(path) as pilot:
        await press(pilot, "3")
        colours = [
            {part.style.color for part in window(pilot, "events").render_line(line) if part.text.strip() and part.style}
            for line in (2, 3)
        ]
        assert [len(found) for found in colours] == [1, 2]


async def test_keys_that_are_typed_ahead_reach_what_the_keys_before_them_opened(path: str) -> None:
    async with opened(path) as pilot:
        app_of(pilot).patience = 60
        await type_ahead(pilot, "slash", *"ingest", "enter", "i", *"laptop", "ctrl+s")
        assert "'laptop' of metrics-ingest" in shown(pilot)


async def test_a_key_that_fails_takes_what_was_typed_after_it_along_and_no_later_key(path: str) -> None:
    class Frail(BotdeskApp):
        async def action_quit(self) -> None:
            raise errors.InvalidInput("it failed")

    app = Frail(lambda: open_desk(path), poll=0)
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await settle(pilot)
        app.patience = 60
        await type_ahead(pilot, "j", "ctrl+q", "j", "j")
        assert complaints(pilot) == "it failed"
        assert window(pilot, "accounts").cursor == 1
        await press(pilot, "j")
        assert window(pilot, "accounts").cursor == 2
    app.desk.close()


async def test_a_key_is_not_held_back_for_longer_than_a_moment(path: str) -> None:
    async with opened(path) as pilot:
        begun, ended = asyncio.Event(), asyncio.Event()

        async def long() -> None:
            begun.set()
            await ended.wait()

        app_of(pilot).carry_out(long)
        await begun.wait()
        pilot.app.post_message(events.Key("4", "4"))
        while not pilot.app.screen.query("#persons"):
            await asyncio.sleep(0.01)
        ended.set()


def test_work_that_looks_for_its_widgets_while_the_screens_are_taken_down_is_no_crash(path: str) -> None:
    class Late(Static):
        screen_before: DeskScreen

        def on_unmount(self) -> None:
            self.screen_before.refresh_soon()

    app = BotdeskApp(lambda: open_desk(path), poll=0)

    async def leave(pilot: Pilot[Any]) -> None:
        await settle(pilot)
        assert isinstance(app.screen, DeskScreen)
        late = Late()
        late.screen_before = app.screen
        await app.screen.mount(late)
        app.exit()

    app.run(headless=True, auto_pilot=leave)
    app.desk.close()
    assert app.return_code == 0


def test_every_key_says_what_it_does() -> None:
    from botdesk.tui.screens import access, account, audit, people
    from botdesk.tui.screens import accounts as list_of_accounts

    screens: list[type[DeskScreen]] = [
        access.AccessScreen,
        account.AccountScreen,
        audit.AuditScreen,
        people.PeopleScreen,
        list_of_accounts.AccountsScreen,
        DeskScreen,
    ]
    for screen in screens:
        for binding in screen.BINDINGS:
            assert isinstance(binding, Binding)
            assert binding.description
            assert binding.tooltip


async def test_the_palette_offers_what_the_keys_do(path: str) -> None:
    async with opened(path) as pilot:
        await press(pilot, "ctrl+p", "modify")
        await pilot.pause(0.3)
        await settle(pilot)
        assert "e  Change name, purpose, scopes, rotation" in shown(pilot)
        await press(pilot, "enter")
        assert "Modify catalog-sync" in shown(pilot)


async def test_as_many_keys_are_shown_as_fit_and_help_always(path: str) -> None:
    async with opened(path, size=(60, 15)) as pilot:
        for key in ("1", "2", "3", "4", "1", "enter"):
            await press(pilot, key)
            assert "? Keys" in shown(pilot).splitlines()[-1]


@pytest.mark.parametrize("size", [(60, 20), (40, 10)])
async def test_where_not_all_screens_can_be_named_the_current_one_is_and_each_has_its_key(
    path: str, size: tuple[int, int]
) -> None:
    async with opened(path, size=size) as pilot:
        await press(pilot, "4")
        title = shown(pilot).splitlines()[0]
        assert title.removeprefix(" botdesk ").split()[:7] == ["1", "2", "3", "4", "People", "5", "6"]
        await click(pilot, "#title", title.index("6"))
        assert "6 Migrations" in shown(pilot).splitlines()[0]


@pytest.mark.parametrize("size", [(60, 15), (40, 10), (200, 60)])
async def test_every_screen_and_dialog_can_be_opened_at_any_size(path: str, size: tuple[int, int]) -> None:
    ways = ("n", "i", "e", "d", "D", "a", "question_mark")
    async with opened(path, size=size) as pilot:
        for key in ("1", "2", "3", "4", "1"):
            await press(pilot, key)
        for key in ways:
            await press(pilot, key)
            assert "esc" in shown(pilot)
            await press(pilot, "escape", "escape")
        await pilot.resize_terminal(80, 24)
        await settle(pilot)
        assert names(pilot)[0] in shown(pilot)


@pytest.mark.parametrize("size", [(60, 15), (40, 10)])
@pytest.mark.parametrize("keys", [("n",), ("i",), ("a",), ("i", "farm", "ctrl+s", "f"), ("i", "farm", "ctrl+s", "x")])
async def test_the_field_that_is_typed_into_is_in_view(path: str, keys: tuple[str, ...], size: tuple[int, int]) -> None:
    async with opened(path) as pilot:
        await press(pilot, *keys)
        await pilot.resize_terminal(*size)
        await settle(pilot)
        for _ in range(5):
            dialog = pilot.app.screen
            assert dialog.focused is not None
            assert dialog.find_widget(dialog.focused).visible_region.height >= 1
            await press(pilot, "tab" if keys[-1] not in "fx" else "x")
        await press(pilot, "escape", "f" if keys[-1] in "fx" else "escape")


async def test_theme_screen_filter_and_head_are_remembered(path: str, tmp_path: Path) -> None:
    memory = Memory.load(tmp_path / "state" / "tui.json")
    async with opened(path, memory=memory) as pilot:
        await press(pilot, "T", "slash", "metr", "enter", "3")
        app_of(pilot).poll_soon()
        await settle(pilot)
        again = Memory.load(memory.path)
    assert (again.theme, again.screen, again.filters) == (THEMES[1].name, "audit", {"accounts": "metr"})
    assert memory.path.stat().st_mode & 0o777 == 0o600
    async with opened(path, memory=again) as pilot:
        assert pilot.app.theme == THEMES[1].name
        assert window(pilot, "events").rows
        await press(pilot, "1")
        assert names(pilot) == ["metrics-ingest"]
        assert "filter 'metr'" in said(pilot)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"theme": 3, "filters": [], "heads": {"x": 1}}', "\x00" * 9])
async def test_a_damaged_memory_is_forgotten(path: str, tmp_path: Path, text: str) -> None:
    (tmp_path / "tui.json").write_text(text)
    async with opened(path, memory=Memory.load(tmp_path / "tui.json")) as pilot:
        assert len(names(pilot)) == 3


def test_a_head_that_another_program_saw_later_is_not_set_back(tmp_path: Path) -> None:
    kept = tmp_path / "tui.json"
    first = Memory(kept, heads={"one": f"50:{'a' * 64}"})
    first.save()
    second = Memory.load(kept)
    first.heads["one"] = f"100:{'b' * 64}"
    first.save()
    second.heads["two"], second.theme = f"7:{'c' * 64}", "another"
    second.save()
    again = Memory.load(kept)
    assert again.heads == {"one": f"100:{'b' * 64}", "two": f"7:{'c' * 64}"}
    assert again.theme == "another"


def test_what_has_not_changed_is_not_written_again(tmp_path: Path) -> None:
    kept = tmp_path / "tui.json"
    memory = Memory(kept, theme="another")
    memory.save()
    kept.unlink()
    memory.save()
    assert not kept.exists()
    memory.filters["accounts"] = "metr"
    memory.save()
    assert Memory.load(kept).filters == {"accounts": "metr"}


def location(path: str) -> str:
    """What the store is known by to who looks at its history."""
    with open_desk(path) as desk:
        return desk.location


async def test_a_history_that_was_rewritten_since_last_time_is_an_alarm(path: str, tmp_path: Path) -> None:
    memory = Memory(tmp_path / "tui.json", heads={location(path): f"3:{'0' * 64}"})
    async with opened(path, memory=memory) as pilot:
        assert "HISTORY REWRITTEN OR CUT SHORT" in shown(pilot).splitlines()[1]
        assert "no longer holds event 3" in complaints(pilot)
    assert Memory.load(memory.path).heads[location(path)].startswith("3:0")


@pytest.mark.parametrize("how", ["cut short", "rewritten"])
async def test_a_history_that_is_cut_or_rewritten_while_one_looks_is_an_alarm_and_not_remembered(
    path: str, tmp_path: Path, how: str
) -> None:
    memory = Memory(tmp_path / "tui.json")
    async with opened(path, memory=memory) as pilot:
        seen = app_of(pilot).desk.head()
        if how == "rewritten":
            house.rewrite(path, lambda event: event | {"source": "elsewhere"})
            with open_desk(path) as desk:
                desk.run(accounts.create, "another-bot")
        else:
            with house.tampering(path) as sql:
                sql(f"DELETE FROM event WHERE sequence = {seen.sequence}")
        app_of(pilot).poll_soon()
        await settle(pilot)
        assert "HISTORY REWRITTEN OR CUT SHORT" in shown(pilot).splitlines()[1]
        assert f"no longer holds event {seen.sequence}" in complaints(pilot)
        app_of(pilot).poll_soon()
        await settle(pilot)
        assert complaints(pilot).count("no longer holds") == 1
        assert Memory.load(memory.path).heads[location(path)] == str(seen)
        verified.forget(tmp_path, location(path))
        await press(pilot, "T", "slash", "metr", "enter")
    memory.save()
    async with opened(path, memory=Memory.load(memory.path)) as pilot:
        assert "HISTORY REWRITTEN" not in shown(pilot), "what was forgotten on purpose is no alarm any more"
        assert pilot.app.theme == THEMES[1].name


GONE = {
    "sqlite": ("replaced or removed", "put it back, or start again"),
    "postgresql": ("the database serve", "try again in a moment"),
}
"""What is said of a store that is not there any more, at once and when one goes on."""


async def test_a_store_that_goes_away_is_told_and_so_is_its_return(path: str, stores: Stores) -> None:
    async with opened(path) as pilot:
        with stores.away(path):
            app_of(pilot).poll_soon()
            await settle(pilot)
            assert "NO ANSWER FROM THE STORE" in shown(pilot)
            assert "looking every second whether it is back" in said(pilot)
            assert GONE[stores.engine][0] in " ".join(shown(pilot).split())
            assert len(names(pilot)) == 3
            await press(pilot, "3")
            assert "not read" in said(pilot)
            assert "nothing matches" not in shown(pilot)
            assert complaints(pilot) == "", "the alarm tells it"
            await press(pilot, "1", "d", "ctrl+s")
            assert GONE[stores.engine][1] in complaints(pilot)
            pilot.app.clear_notifications()
        app_of(pilot).poll_soon()
        await settle(pilot)
        assert "NO ANSWER" not in shown(pilot)
        assert "the store answers again" in said(pilot)


class SlowWatch(Watch):
    """A watch whose looks take as long as they are held."""

    def __init__(self) -> None:
        super().__init__(None)
        self.held = threading.Event()

    def look(self, desk: Desk) -> bool:
        """Look, and answer once it is let go."""
        found = super().look(desk)
        self.held.wait(60)
        return found


async def test_a_change_is_shown_however_often_it_is_looked_for(path: str) -> None:
    async with opened(path) as pilot:
        app_of(pilot).history = slow = SlowWatch()
        slow.begin(app_of(pilot).desk)
        with open_desk(path, seed=9) as other:
            other.run(accounts.create, "archive-bot")
        for _ in range(3):
            app_of(pilot).poll_soon()
            await pilot.pause()
        slow.held.set()
        await settle(pilot)
        assert names(pilot)[0] == "archive-bot"


async def test_before_anything_is_read_nothing_is_said_of_it(path: str) -> None:
    ready = threading.Event()

    def opener() -> Desk:
        ready.wait(60)
        return open_desk(path)

    app = BotdeskApp(opener, poll=0)
    async with app.run_test(size=(80, 24)) as pilot:
        for key in ("2", "1"):
            await pilot.press(key)
            assert said(pilot).strip() == "loading …"
            assert "nobody" not in shown(pilot)
        await pilot.press("i")
        assert "nothing is read yet" in said(pilot)
        ready.set()
        await settle(pilot)
        assert "3 accounts" in shown(pilot)
        assert "loading" not in said(pilot)
    app.desk.close()


async def test_the_keys_that_stop_programs_elsewhere_say_what_leaves(path: str) -> None:
    async with opened(path) as pilot:
        for key in ("ctrl+c", "ctrl+z"):
            await press(pilot, "j", key)
            assert "q leaves botdesk" in said(pilot)
        await press(pilot, "i", "farm", "ctrl+s", "ctrl+c")
        assert "esc leaves this; ctrl+q leaves botdesk" in warned(pilot)
        assert complaints(pilot) == ""


async def test_a_screen_that_meets_the_loss_first_leaves_it_to_the_alarm(path: str, stores: Stores) -> None:
    async with opened(path) as pilot:
        with stores.away(path):
            await press(pilot, "3")
            assert "NO ANSWER FROM THE STORE" in shown(pilot)
            assert "looking every second" in said(pilot)
            assert complaints(pilot) == ""


@pytest.mark.parametrize("key", ["1", "2", "3", "4", "5", "6", "enter"])
async def test_help_begins_with_the_way_out_and_to_every_command(path: str, key: str) -> None:
    async with opened(path) as pilot:
        await press(pilot, key, "question_mark")
        line = next(line for line in shown(pilot).splitlines() if "quit" in line)
        for words in ("1–6 screens", "esc back", "^p every command", "q quit"):
            assert words in line


async def test_verifying_is_found_from_anywhere(path: str) -> None:
    async with opened(path) as pilot:
        for keys in (("enter",), ("4",), ("3",)):
            await press(pilot, *keys, "ctrl+p", "verif")
            await pilot.pause(0.3)
            await settle(pilot)
            await press(pilot, "enter")
            assert "the chain holds" in shown(pilot)
            assert "checked at" in said(pilot)


async def test_nothing_of_a_list_is_left_beside_a_dialog(path: str) -> None:
    async with opened(path) as pilot:
        for keys in (("n",), ("i",), ("d",), ("question_mark",), ("3", "enter")):
            await press(pilot, *keys)
            lines = shown(pilot).splitlines()
            top, bottom = (next(at for at, line in enumerate(lines) if sign in line) for sign in "╭╰")
            assert {(line[0], line[79:]) for line in lines[top + 1 : bottom]} == {("│", "│")}
            await press(pilot, "escape", "1")


async def test_one_thing_is_done_at_a_time(path: str) -> None:
    async with opened(path) as pilot:
        await press(pilot, "n")
        below = app_of(pilot).screen_stack[-2]
        assert isinstance(below, AccountsScreen)
        below.action_issue()
        await settle(pilot)
        assert "New service account" in shown(pilot)


async def test_times_that_go_by_are_shown_though_nothing_changes(path: str) -> None:
    from datetime import timedelta

    async with opened(path) as pilot:
        with open_desk(path, seed=9) as other:
            other.run(accounts.create, "archive-bot")
        clock = app_of(pilot).desk.clock
        clock.forward(timedelta(minutes=1))  # type: ignore[attr-defined]
        app_of(pilot).poll_soon()
        await settle(pilot)
        assert names(pilot)[0] == "archive-bot"


def test_every_error_has_its_severity() -> None:
    def below(kind: type[errors.BotdeskError]) -> set[type[errors.BotdeskError]]:
        return {kind}.union(*(below(each) for each in kind.__subclasses__()))

    ours = {kind for kind in below(errors.BotdeskError) if kind.__module__ == "botdesk.errors"}
    assert set(SEVERITIES) == ours - {errors.BotdeskError}


async def test_the_list_has_the_keys_again_when_a_dialog_took_them_while_the_terminal_was_not_looked_at(
    path: str,
) -> None:
    async with opened(path) as pilot:
        pilot.app.post_message(events.AppBlur())
        await settle(pilot)
        screen = pilot.app.screen
        assert isinstance(screen, DeskScreen)
        screen.action_help()
        await settle(pilot)
        pilot.app.post_message(events.AppFocus())
        await settle(pilot)
        await press(pilot, "escape")
        assert pilot.app.focused is window(pilot, "accounts")
        await press(pilot, "j")
        assert window(pilot, "accounts").cursor == 1
