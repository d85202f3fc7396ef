"""What the desk offers to who came in over SSH: the desk, and nothing of the host."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from textual.pilot import Pilot

from botdesk import accounts, audit, keys, migration, people, settings, tokens
from botdesk.desk import Desk
from botdesk.errors import AccessDenied
from botdesk.recipes import Platform
from botdesk.remote import Entry
from botdesk.testing import Clock, open_desk
from botdesk.tui.app import BotdeskApp
from botdesk.tui.dialogs.handoff import HandoffDialog
from tests.public_keys import BENS
from tests.tui.stage import app_of, opened, paste, press, settle, shown

SOURCE = "ssh 203.0.113.7 SHA256:x"


@asynccontextmanager
async def entered(path: str, person: str = "ada", key: str | None = None) -> AsyncIterator[Pilot[str]]:
    """The program as it opens for who came in over SSH."""
    confined = replace(settings.load(store=path), confined=True, clipboard="osc52")
    entry = Entry(person, key, SOURCE, True)
    app = BotdeskApp(lambda: Desk.enter(entry, settings=confined, clock=Clock()), poll=0, clock=lambda: 0.0)
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        yield pilot
    app.desk.close()


async def test_a_secret_goes_to_the_clipboard_of_the_client_alone(path: str, tmp_path: Path) -> None:
    async with entered(path) as pilot:
        await press(pilot, "enter", "i", "farm", "ctrl+s")
        assert "c  clipboard  your terminal's clipboard (OSC 52)" in shown(pilot)
        assert "f file" not in shown(pilot)
        assert "x command" not in shown(pilot)
        for key in ("f", "x"):
            await press(pilot, key)
            await paste(pilot, f"{tmp_path}/made")
            await press(pilot, "enter")
        with open_desk(path, seed=3) as desk:
            assert [line.state for line in desk.ask(tokens.listed)] == ["pending"]
        await press(pilot, "c")
        assert "sent to your terminal" in shown(pilot)
        await press(pilot, "enter")
    assert not (tmp_path / "made").exists()


async def test_the_new_token_of_a_migration_goes_there_too_whatever_its_recipe_says(path: str) -> None:
    with open_desk(path) as desk:
        desk.run(migration.start, "catalog-sync", "shop build", owner="ben", platform=Platform.GITHUB_ACTIONS)
    async with entered(path) as pilot:
        await press(pilot, "6", "m", "ctrl+s")
        assert "Hand the secret over" in shown(pilot)
        assert "gh secret set" not in shown(pilot)
        await press(pilot, "x")
        assert not pilot.app.screen.query_one("#handoff-where").display
        await press(pilot, "c", "enter", "enter")
        assert "3 switch   next" in shown(pilot)
        assert "gh secret set" in shown(pilot)


@pytest.mark.parametrize("target", ["file:{made}", "command:touch {made}"])
async def test_the_program_refuses_a_target_of_the_host_whatever_the_dialog_says(
    path: str, tmp_path: Path, target: str
) -> None:
    async with entered(path) as pilot:
        await press(pilot, "enter", "i", "farm", "ctrl+s")
        dialog = pilot.app.screen
        assert isinstance(dialog, HandoffDialog)
        dialog._hand_over(target.format(made=tmp_path / "made"))
        await settle(pilot)
        assert "over ssh a secret goes to the clipboard alone" in shown(pilot)
    assert not (tmp_path / "made").exists()


async def test_no_key_and_no_command_leads_out_of_the_desk(path: str) -> None:
    async with entered(path) as pilot, opened(path) as other:
        for one in (pilot, other):
            offered = {command.title for command in app_of(one).get_system_commands(one.app.screen)}
            assert not {"Screenshot", "Save screenshot", "Demo"} & offered
        bound = {binding.action for found in pilot.app.screen.active_bindings.values() for binding in [found.binding]}
        assert not {action for action in bound if "suspend" in action or "screenshot" in action or "demo" in action}


@pytest.mark.parametrize("how", ["disabled", "key removed"])
async def test_who_is_shut_out_meanwhile_is_put_out_and_told(path: str, how: str) -> None:
    with open_desk(path) as desk:
        key = desk.run(keys.add, "ben", BENS).fingerprint
    async with entered(path, "ben", key) as pilot:
        with open_desk(path) as desk:
            desk.run(people.disable, "ben") if how == "disabled" else desk.run(keys.remove, key)
            before = desk.ask(audit.page).total
        app_of(pilot).poll_soon()
        await settle(pilot)
        assert not pilot.app.is_running
        failure = app_of(pilot).failure
    assert isinstance(failure, AccessDenied)
    assert {"disabled": "no active person", "key removed": "does not let 'ben' in"}[how] in failure.message
    with open_desk(path) as desk:
        assert desk.ask(audit.page).total == before


async def test_an_empty_desk_offers_no_demo_over_ssh(place: str) -> None:
    with open_desk(place) as desk:
        desk.run(people.add, "ben")
    async with entered(place, "ben") as pilot:
        assert "creates the first one" in shown(pilot)
        assert "demo" not in shown(pilot)
        await press(pilot, "o")
        assert pilot.app.is_running


async def test_what_is_done_here_is_recorded_as_who_came_in_and_where_from(path: str) -> None:
    async with entered(path, "ben") as pilot:
        await press(pilot, "n", "bens-bot", "ctrl+s")
        assert pilot.app.is_running
    with open_desk(path, seed=4) as desk:
        from botdesk import audit

        last = desk.ask(audit.page).rows[0]
        assert (last.actor, last.account, last.source) == ("ben", "bens-bot", SOURCE)
        assert desk.ask(accounts.line, "bens-bot").creator == "ben"
