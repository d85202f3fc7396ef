"""The list of accounts, by keyboard and by mouse."""

from datetime import timedelta

import pytest
from textual.widgets import Input, Static

from botdesk import accounts, grants, people, verification
from botdesk.access import Level, Standing
from botdesk.testing import open_desk
from botdesk.tui.base import DEMO, DeskScreen
from botdesk.tui.screens.accounts import AccountsScreen
from botdesk.verification import Asked
from tests.tui.stage import (
    accounts_of,
    app_of,
    click,
    complaints,
    deliver,
    names,
    opened,
    paste,
    press,
    said,
    settle,
    shown,
    type_ahead,
    warned,
    window,
)


async def test_the_first_start_says_who_is_the_first_admin_and_teaches(place: str) -> None:
    async with opened(place) as pilot:
        assert "made ada the first admin" in said(pilot)
        assert "creates the first one" in shown(pilot)
        await press(pilot, "o")
        assert pilot.app.return_value == DEMO


async def test_a_created_account_is_opened_and_the_list_has_the_cursor_on_it(path: str) -> None:
    async with opened(path) as pilot:
        await press(pilot, "n", "deploy-bot", "tab", "right", "tab", "Rolls", "tab", "deploy:write", "ctrl+s")
        assert "created deploy-bot; i issues its first token" in said(pilot)
        assert "no live token: i issues one" in shown(pilot)
        await press(pilot, "escape")
        assert window(pilot, "accounts").row.account.name == "deploy-bot"
    made = accounts_of(path)["deploy-bot"].account
    assert (made.purpose, made.description, made.scopes) == (accounts.Purpose.CATALOG, "Rolls", "deploy:write")


async def test_a_name_is_judged_while_it_is_typed(path: str) -> None:
    async with opened(path) as pilot:
        await press(pilot, "n", "bot")
        assert "'bot' says little" in shown(pilot)
        await press(pilot, "-runner")
        assert "a good name" in shown(pilot)


@pytest.mark.parametrize("typed", ["a", "A" * 39 + "b", "Deploy_Bot_" * 4, "my-bot", "ab cd" * 8])
async def test_what_is_said_of_a_name_fits_below_it(path: str, typed: str) -> None:
    async with opened(path) as pilot:
        await press(pilot, "n")
        await paste(pilot, typed)
        hint = pilot.app.screen.query_one("#name-hint", Static)
        assert hint.size.height == 1
        assert len(str(hint.render())) <= hint.size.width


async def test_a_field_that_is_reached_by_tab_is_typed_anew(path: str) -> None:
    async with opened(path) as pilot:
        await press(pilot, "n", "deploy-bot", "tab", "tab", "tab", "tab", "30d", "shift+tab", "a:b", "enter", "ctrl+s")
        assert "created deploy-bot" in said(pilot)
    made = accounts_of(path)["deploy-bot"].account
    assert (made.scopes, made.rotation_days) == ("a:b", 30)


async def test_a_wrong_name_is_told_with_a_hint_and_nothing_typed_is_lost(path: str) -> None:
    async with opened(path) as pilot:
        await press(pilot, "n", "Deploy_Bot", "ctrl+s")
        assert "try 'deploy-bot'" in warned(pilot)
        await press(pilot, "x", "tab", "right")
        assert "try 'deploy-botx'" in shown(pilot)
        assert warned(pilot) == ""
        await press(pilot, "shift+tab", "end", "backspace")
        await press(pilot, "escape")
        assert "esc again throws away what you typed" in shown(pilot)
        assert pilot.app.screen.query_one("#name", Input).value == "Deploy_Bot"
        await press(pilot, "escape")
        assert isinstance(pilot.app.screen, DeskScreen)


async def test_all_that_is_wrong_is_told_at_once_each_at_its_field(path: str) -> None:
    async with opened(path) as pilot:
        await press(pilot, "n", "Deploy_Bot", "tab", "tab", "tab", 'a"b', "tab", "soon", "ctrl+s")
        assert getattr(pilot.app.focused, "id", "") == "name"
        told = [line for line in shown(pilot).splitlines() if "—" in line or "fields cannot" in line]
        assert all(part in line for part, line in zip(("Deploy_Bot", 'a"b', "'soon'", "3 fields"), told, strict=True))
        await press(pilot, "ctrl+u", "deploy-bot")
        assert "Deploy_Bot" not in warned(pilot)
        assert "'soon' is no duration" in warned(pilot), "the others are still wrong"
        await press(pilot, "ctrl+s")
        assert getattr(pilot.app.focused, "id", "") == "scopes"


async def test_what_is_wrong_is_in_view_in_the_smallest_terminal(path: str) -> None:
    async with opened(path, size=(40, 10)) as pilot:
        await press(pilot, "n", "deploy-bot", "tab", "tab", "tab", "tab", "soon", "shift+tab", "ctrl+s")
        assert "'soon' is no duration" in " ".join(shown(pilot).split())


async def test_what_the_desk_refuses_is_told_in_the_form_and_nothing_typed_is_lost(path: str) -> None:
    async with opened(path) as pilot:
        await press(pilot, "n", "catalog-sync", "tab", "tab", "Rolls", "ctrl+s")
        assert "the name 'catalog-sync' is taken" in shown(pilot)
        assert pilot.app.screen.query_one("#description", Input).value == "Rolls"
        await press(pilot, "shift+tab", "shift+tab", "end", "-two")
        assert warned(pilot) == ""
        await press(pilot, "ctrl+s")
        assert "created catalog-sync-two" in said(pilot)


async def test_typing_filters_the_list_and_escape_takes_it_back(path: str) -> None:
    async with opened(path) as pilot:
        await press(pilot, "slash", "metr")
        assert names(pilot) == ["metrics-ingest"]
        assert "Keep it" in shown(pilot)
        await press(pilot, "enter")
        assert "filter 'metr'" in said(pilot)
        await press(pilot, "escape")
        assert len(names(pilot)) == 3


async def test_a_filter_that_nothing_matches_says_how_to_get_out(path: str) -> None:
    async with opened(path) as pilot:
        await press(pilot, "slash", "zzz", "enter")
        assert "nothing matches: esc empties the filter" in shown(pilot)
        await press(pilot, "e")
        assert "no account under the cursor" in said(pilot)
        await press(pilot, "j")
        assert "no account under the cursor" not in said(pilot)


async def test_sorting_goes_through_the_columns_and_turns_round(path: str) -> None:
    async with opened(path) as pilot:
        await press(pilot, "S")
        assert names(pilot)[0] == "nightly-build"
        await press(pilot, "s")
        assert "by purpose" in said(pilot)
        await click(pilot, "#accounts", 4)
        await click(pilot, "#accounts", 4)
        assert names(pilot)[0] == "catalog-sync"
        assert "NAME ↑" in shown(pilot)
        for heading in ("PURPOSE↑", "STATE ↑", "LIV↑", "ENDS↑", "USE↑"):
            await press(pilot, "s")
            assert heading in shown(pilot), "the arrow is seen however narrow the column is"


async def test_the_cursor_moves_by_letters_arrows_and_pages(path: str) -> None:
    with open_desk(path) as desk:
        for number in range(60):
            desk.run(accounts.create, f"many-{number:02}")
    async with opened(path) as pilot:
        places = []
        for key in ("j", "down", "k", "up", "ctrl+d", "pagedown", "ctrl+u", "pageup", "G", "g", "end", "home"):
            await press(pilot, key)
            places.append(window(pilot, "accounts").cursor)
        assert places == [1, 2, 1, 0, 10, 20, 10, 0, 62, 0, 62, 0]


async def test_an_account_is_disabled_and_enabled_again(path: str) -> None:
    async with opened(path) as pilot:
        await press(pilot, "d", "holidays", "ctrl+s")
        assert "disabled catalog-sync" in said(pilot)
        assert accounts_of(path)["catalog-sync"].state == "disabled"
        assert "d Enable" in shown(pilot)
        await press(pilot, "d", "n")
        assert accounts_of(path)["catalog-sync"].state == "disabled"
        await press(pilot, "d", "y")
        assert "enabled catalog-sync" in said(pilot)
    assert accounts_of(path)["catalog-sync"].state == "active"


async def test_escape_takes_marks_back(path: str) -> None:
    async with opened(path) as pilot:
        await press(pilot, "space", "space")
        assert "2 marked" in said(pilot)
        await press(pilot, "escape")
        assert "marked" not in said(pilot)


async def test_removing_asks_for_the_name(path: str) -> None:
    async with opened(path) as pilot:
        await press(pilot, "D", "catalog", "ctrl+s")
        assert "that is not its name" in shown(pilot)
        assert accounts_of(path)["catalog-sync"].state == "active"
        await press(pilot, "-sync", "tab", "replaced", "enter")
        assert "removed catalog-sync; f shows it, u restores it for 30 days" in said(pilot)
        await press(pilot, "f", "f")
        assert names(pilot) == ["catalog-sync"]
    assert accounts_of(path)["catalog-sync"].state == "removed"


async def test_removing_warns_of_tokens_in_use_and_says_what_is_gentler(path: str) -> None:
    (token,) = deliver(path, "the farm of builders, behind the second gate")
    with open_desk(path, seed=5) as desk:
        desk.run(verification.note, token, Asked(address="10.0.0.7"))
    async with opened(path) as pilot:
        await press(pilot, "D")
        told = " ".join(shown(pilot).replace("│", " ").split())
        assert "IN USE: 'the farm of builders, behind…' was used just now from 10.0.0.7" in told
        assert "Disabling stops it too, shows who still knocks" in told
        await press(pilot, "escape", "j", "D")
        assert "IN USE" not in shown(pilot)


async def test_a_removed_account_is_found_by_its_state_and_restored_under_another_name(path: str) -> None:
    with open_desk(path) as desk:
        desk.run(grants.give, "nightly-build", "role:platform", Level.OPERATE)
        desk.run(accounts.remove, "nightly-build")
        desk.run(accounts.create, "nightly-build")
    async with opened(path) as pilot:
        assert "u Restore" not in shown(pilot).splitlines()[-1]
        await press(pilot, "slash", "state:removed nightly", "enter")
        assert names(pilot) == ["nightly-build"]
        assert "u Restore" in shown(pilot).splitlines()[-1]
        await press(pilot, "u")
        assert "can be restored until 2026-12-02 12:00 UTC" in " ".join(shown(pilot).split())
        await press(pilot, "ctrl+s")
        assert "the name 'nightly-build' is taken" in warned(pilot)
        await press(pilot, "end", "-old", "ctrl+s")
        assert "restored nightly-build-old" in said(pilot)
        await press(pilot, "escape")
        assert "nightly-build-old" in names(pilot)
        await press(pilot, "D", "catalog-sync", "ctrl+s", "slash", "state:removed", "enter")
        clock = app_of(pilot).desk.clock
        clock.forward(timedelta(days=31))  # type: ignore[attr-defined]
        await press(pilot, "r", "u")
        assert "'catalog-sync' was removed more than 30 days ago" in said(pilot)
    with open_desk(path) as desk:
        assert [line.grantee for line in desk.ask(grants.listed, "nightly-build-old")] == ["role:platform"]


async def test_a_disabled_account_shows_that_its_tokens_are_refused_and_who_still_knocks(path: str) -> None:
    farm, _ = deliver(path, "farm", "spare")
    with open_desk(path, seed=5) as desk:
        desk.run(accounts.disable, "catalog-sync")
        for _ in range(2):
            desk.run(verification.note, farm, Asked(address="10.0.0.7"))
    async with opened(path, size=(120, 40)) as pilot:
        assert "(2)" in shown(pilot).splitlines()[2]
        assert "refused   farm" in shown(pilot), "the preview"
        await press(pilot, "enter")
        assert "still knocks: 10.0.0.7 with 'farm', 2 times, last just now" in shown(pilot)
        assert "2 tokens · refused while it is disabled" in said(pilot)
        assert "active, refused: its" in shown(pilot), "the token beside the list"
        await press(pilot, "G" if window(pilot, "token-list").row.token.label == "spare" else "g", "U")
        assert "refused          2×  10.0.0.7, last just now" in shown(pilot)
        await press(pilot, "escape", "d")
        assert "2 live tokens of it work again at once" in shown(pilot)
        await press(pilot, "y")
        assert "still knocks" not in shown(pilot)
        assert "refused while" not in said(pilot)
        app_of(pilot).desk.clock.forward(timedelta(minutes=1))  # type: ignore[attr-defined]
        await press(pilot, "d", "ctrl+s")
        assert "nobody has knocked since it was disabled" in shown(pilot)


async def test_an_account_is_modified(path: str) -> None:
    async with opened(path) as pilot:
        await press(pilot, "e", "-two", "ctrl+s")
        assert "modified catalog-sync-two" in said(pilot)
    assert "catalog-sync-two" in accounts_of(path)


async def test_the_cursor_stays_on_its_row_when_others_come_before_it(path: str) -> None:
    async with opened(path) as pilot:
        await press(pilot, "j")
        with open_desk(path, seed=9) as other:
            other.run(accounts.create, "archive-bot")
        await press(pilot, "r")
        assert names(pilot)[0] == "archive-bot"
        assert window(pilot, "accounts").row.account.name == "metrics-ingest"


async def test_the_states_that_are_shown_can_be_chosen(path: str) -> None:
    with open_desk(path) as desk:
        desk.run(accounts.disable, "metrics-ingest")
        desk.run(accounts.remove, "nightly-build")
    async with opened(path) as pilot:
        seen = [names(pilot)]
        for _ in range(3):
            await press(pilot, "f")
            seen.append(names(pilot))
    assert seen == [
        ["catalog-sync", "metrics-ingest"],
        ["metrics-ingest"],
        ["nightly-build"],
        ["catalog-sync", "metrics-ingest", "nightly-build"],
    ]


async def test_the_preview_follows_the_cursor_where_there_is_room(path: str) -> None:
    async with opened(path, size=(120, 40)) as pilot:
        assert "ada created catalog-sync" in shown(pilot)
        await press(pilot, "j")
        assert "ada created metrics-ingest" in shown(pilot)
        await pilot.resize_terminal(80, 24)
        await settle(pilot)
        assert "ada created" not in shown(pilot)


async def test_the_preview_waits_until_repeated_keys_pause(path: str) -> None:
    async with opened(path, size=(120, 40)) as pilot:
        screen = pilot.app.screen
        assert isinstance(screen, AccountsScreen)
        screen.patience = 3600
        await type_ahead(pilot, "j", wait=False)
        await pilot.pause(0.3)
        assert window(pilot, "accounts").row.account.name == "metrics-ingest"
        assert "ada created catalog-sync" in shown(pilot)
        screen.patience = 0
        await press(pilot, "j")
        assert "ada created nightly-build" in shown(pilot)


async def test_rows_are_clicked_and_opened_by_a_double_click(path: str) -> None:
    async with opened(path) as pilot:
        await click(pilot, "#accounts", 5, 2)
        assert window(pilot, "accounts").row.account.name == "metrics-ingest"
        await click(pilot, "#accounts", 5, 3, times=2)
        assert "nightly-build" in shown(pilot)
        assert "Tokens" in shown(pilot)


@pytest.mark.parametrize("key", ["i", "e", "d", "D", "a"])
async def test_a_key_that_the_level_refuses_says_why(path: str, key: str) -> None:
    with open_desk(path) as desk:
        desk.run(grants.give, "catalog-sync", "person:ben", Level.VIEW)
    async with opened(path, operator="ben") as pilot:
        await press(pilot, key)
        assert f"it takes '{'operate' if key == 'i' else 'manage'}' on catalog-sync, you have 'view'" in said(pilot)
        assert names(pilot) == ["catalog-sync"]


async def test_an_auditor_creates_nothing_and_is_told_why(path: str) -> None:
    with open_desk(path) as desk:
        desk.run(people.add, "dora", standing=Standing.AUDITOR)
    async with opened(path, operator="dora") as pilot:
        await press(pilot, "n")
        assert "dora is an auditor and changes nothing" in said(pilot)


async def test_somebody_who_is_disabled_meanwhile_sees_nothing_more_and_is_told(path: str) -> None:
    async with opened(path, operator="ben") as pilot:
        with open_desk(path) as desk:
            desk.run(people.disable, "ben")
        await press(pilot, "r")
        assert "'ben' is no active person of this desk" in complaints(pilot)
        app_of(pilot).poll_soon()
        await settle(pilot)
        assert not pilot.app.is_running
        assert app_of(pilot).failure


async def test_a_filter_that_the_row_is_not_in_puts_the_cursor_on_the_first(path: str) -> None:
    with open_desk(path) as desk:
        for name in ("web-hook", "web-probe"):
            desk.run(accounts.create, name)
    async with opened(path) as pilot:
        await press(pilot, "j", "j", "slash", "web")
        assert names(pilot) == ["web-hook", "web-probe"]
        assert window(pilot, "accounts").row.account.name == "web-hook"
        await press(pilot, "backspace", "backspace", "backspace")
        assert window(pilot, "accounts").row.account.name == "web-hook"


async def test_the_advice_in_view_comes_with_the_rows_where_the_cursor_is_far_down(
    path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_desk(path) as desk, desk.begin() as tx:
        for number in range(60):
            accounts.create(tx, f"web-{number:02}")
    late: list[int] = []

    def badge(screen: AccountsScreen) -> None:
        late.append(sum(line.account.id not in screen._badged for line in screen.window.in_view))

    async with opened(path) as pilot:
        await press(pilot, *["ctrl+d"] * 3)
        held = window(pilot, "accounts").row.account.name
        monkeypatch.setattr(AccountsScreen, "_badge", badge)
        await press(pilot, "slash", "w")
        assert window(pilot, "accounts").row.account.name == held > "web-20"
        assert late
        assert not any(late)
