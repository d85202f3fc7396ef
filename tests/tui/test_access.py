"""Who may reach what, both ways round."""

from pathlib import Path

import pytest

from botdesk import grants, people
from botdesk.access import Level, Standing
from botdesk.testing import open_desk
from tests.tui.stage import click, complaints, opened, press, said, shown, window


@pytest.fixture
def path(path: Path) -> Path:
    """The store, with a grant in it."""
    with open_desk(path) as desk:
        desk.run(grants.give, "catalog-sync", "role:platform", Level.OPERATE)
    return path


async def test_access_is_shown_both_ways_round(path: Path) -> None:
    async with opened(path) as pilot:
        await press(pilot, "2")
        assert "Who can reach catalog-sync, and why?" in shown(pilot)
        reached = {found.person.name: found.reasons[0].why for found in window(pilot, "right").rows}
        assert reached == {"ada": "creator", "ben": "role platform"}
        await press(pilot, "b", "j")
        assert "What can ben reach, and why?" in shown(pilot)
        reaches = [(found.account, found.level) for found in window(pilot, "right").rows]
        assert reaches == [("catalog-sync", Level.OPERATE)]
        await press(pilot, "b")
        assert "ACCOUNT" in shown(pilot)


async def test_access_is_given_and_withdrawn_from_here(path: Path) -> None:
    async with opened(path) as pilot:
        await press(pilot, "2", "j", "a", "right", "ctrl+s")
        assert "role platform may operate metrics-ingest" in said(pilot)
        await press(pilot, "w", "right", "ctrl+s", "y")
        assert "role platform has no grant on metrics-ingest any more" in said(pilot)
        await press(pilot, "w")
        assert "there is no grant on metrics-ingest" in complaints(pilot)


async def test_a_person_is_given_access_while_people_are_at_the_left(path: Path) -> None:
    async with opened(path) as pilot:
        await press(pilot, "2", "b", "tab", "j", "tab", "j", "a", "tab", "right", "ctrl+s")
        assert "person ben may manage catalog-sync" in said(pilot)


async def test_an_account_is_opened_from_either_list(path: Path) -> None:
    async with opened(path) as pilot:
        await press(pilot, "2", "enter")
        assert "no live token" in shown(pilot)
        await press(pilot, "escape", "b", "tab", "enter")
        assert "no live token" in shown(pilot)


async def test_an_orphan_is_pointed_out(path: Path) -> None:
    with open_desk(path) as desk:
        desk.run(people.add, "root", standing=Standing.ADMIN)
        desk.run(people.disable, "ada")
    async with opened(path, operator="root") as pilot:
        await press(pilot, "2")
        assert "orphan" in shown(pilot)
        assert "Only admins can manage it" in shown(pilot)


async def test_names_are_filtered_and_screens_are_clicked(path: Path) -> None:
    async with opened(path) as pilot:
        top = shown(pilot).splitlines()[0]
        await click(pilot, "#title", top.index("Access"))
        await press(pilot, "slash", "night", "enter")
        assert [line.account.name for line in window(pilot, "left").rows] == ["nightly-build"]
        await press(pilot, "escape", "slash", "nobody", "enter")
        assert "nothing matches" in shown(pilot)
