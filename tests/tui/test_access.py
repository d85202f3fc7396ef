"""Who may reach what, both ways round."""

import re

import pytest
from textual.pilot import Pilot

from botdesk import grants, people
from botdesk.access import Level, Standing
from botdesk.testing import open_desk
from tests.tui.stage import click, complaints, opened, press, said, shown, window


@pytest.fixture
def path(copied: str) -> str:
    """The store, with a grant in it."""
    with open_desk(copied) as desk:
        desk.run(grants.give, "catalog-sync", "role:platform", Level.OPERATE)
    return copied


async def test_access_is_shown_both_ways_round(path: str) -> None:
    async with opened(path) as pilot:
        await press(pilot, "2")
        assert "Who can reach catalog-sync, and why?" in shown(pilot)
        assert whys(pilot) == [("ada", "creator"), ("ada", "admin"), ("ben", "role platform")]
        await press(pilot, "b", "j")
        assert "What can ben reach, and why?" in shown(pilot)
        reaches = [(line.found.account, line.found.level) for line in window(pilot, "right").rows]
        assert reaches == [("catalog-sync", Level.OPERATE)]
        await press(pilot, "b")
        assert "ACCOUNT" in shown(pilot)


def whys(pilot: Pilot[str]) -> list[tuple[str, str]]:
    """Who can reach the account, a line for each reason."""
    return [(line.found.person.name, line.found.reasons[line.place].why) for line in window(pilot, "right").rows]


async def test_who_gains_and_who_loses_is_told_before_it_is_done(path: str) -> None:
    async with opened(path) as pilot:
        await press(pilot, "2", "j", "a", "right")
        assert "ben gains operate on metrics-ingest" in shown(pilot)
        await press(pilot, "tab", "right")
        assert "ben gains manage on metrics-ingest" in shown(pilot)
        await press(pilot, "escape", "k", "w")
        assert "ben loses operate on catalog-sync" in shown(pilot)
        await press(pilot, "n", "4", "tab", "x", "right")
        assert "ben loses operate on catalog-sync" in shown(pilot)
        await press(pilot, "escape", "m", "right")
        assert "nobody gains or loses by it" in shown(pilot)
        await press(pilot, "escape", "D")
        assert "ben loses operate on catalog-sync" in shown(pilot)
        await press(pilot, "n", "tab", "j", "e", "tab", "left")
        assert "ben gains manage on every account" in shown(pilot)
    with open_desk(path) as desk:
        assert [line.grantee for line in desk.ask(grants.listed)] == ["role:platform"]


async def test_access_is_given_and_withdrawn_from_here(path: str) -> None:
    async with opened(path) as pilot:
        await press(pilot, "2", "j", "a", "right", "ctrl+s")
        assert "gave role platform operate on metrics-ingest" in said(pilot)
        await press(pilot, "a", "left", "ctrl+s", "w")
        assert "Withdraw whose access to metrics-ingest" in shown(pilot)
        await press(pilot, "r", "ctrl+s", "y")
        assert "role platform has no grant on metrics-ingest any more" in said(pilot)
        await press(pilot, "w", "y")
        assert "has no grant on metrics-ingest any more" in said(pilot)
        await press(pilot, "w")
        assert "there is no grant on metrics-ingest" in complaints(pilot)


async def test_a_person_is_given_access_while_people_are_at_the_left(path: str) -> None:
    async with opened(path) as pilot:
        await press(pilot, "2", "b", "tab", "j", "tab", "j", "a", "tab", "right", "ctrl+s")
        assert "gave person ben manage on catalog-sync" in said(pilot)


async def test_the_person_at_the_left_is_picked_among_many(path: str) -> None:
    with open_desk(path, seed=9) as desk:
        for number in range(10):
            desk.run(people.add, f"p{number}", standing=Standing.MEMBER)
    async with opened(path) as pilot:
        await press(pilot, "2", "b", "j", "a")
        assert "› person ben" in shown(pilot)
        assert "nobody gains or loses by it" in shown(pilot)


async def test_an_account_is_opened_from_either_list(path: str) -> None:
    async with opened(path) as pilot:
        await press(pilot, "2", "enter")
        assert "no live token" in shown(pilot)
        await press(pilot, "escape", "b", "tab", "enter")
        assert "no live token" in shown(pilot)


async def test_an_orphan_is_pointed_out(path: str) -> None:
    with open_desk(path) as desk:
        desk.run(people.add, "root", standing=Standing.ADMIN)
        desk.run(people.disable, "ada")
    async with opened(path, operator="root") as pilot:
        await press(pilot, "2")
        assert "orphan" in shown(pilot)
        assert "Only admins can manage it: H hands it over" in shown(pilot)
        await press(pilot, "H")
        assert "Hand catalog-sync over to" in shown(pilot)
        await press(pilot, "right")
        assert "catalog-sync can be managed by somebody again" in shown(pilot)
        await press(pilot, "ctrl+s")
        assert "catalog-sync is in the hands of ben now" in said(pilot)
        assert "Only admins" not in shown(pilot)
        assert whys(pilot) == [("ben", "owner"), ("ben", "role platform"), ("root", "admin")]
        await press(pilot, "enter")
        assert "by ada, owned by ben" in shown(pilot)


async def test_what_a_leaving_person_leaves_behind_is_told_first(path: str) -> None:
    with open_desk(path) as desk:
        desk.run(people.add, "root", standing=Standing.ADMIN)
    async with opened(path, operator="root") as pilot:
        await press(pilot, "4", "d")
        assert "ada loses manage on every account" in shown(pilot)
        assert "nightly-build can be managed by nobody any more" in shown(pilot)
        await press(pilot, "n", "k")
        await press(pilot, "4", "G", "d", "escape")
        with open_desk(path) as desk:
            desk.run(people.disable, "root")
    async with opened(path) as pilot:
        await press(pilot, "4", "d")
        assert "last active admin" in complaints(pilot)


async def test_only_an_admin_hands_an_account_over(path: str) -> None:
    with open_desk(path, seed=9) as desk:
        desk.run(grants.give, "catalog-sync", "person:ben", Level.MANAGE)
    async with opened(path, operator="ben") as pilot:
        await press(pilot, "2", "H")
        assert "it takes an admin, and ben is a member" in said(pilot)
        await press(pilot, "enter", "H")
        assert "it takes an admin, and ben is a member" in said(pilot)


@pytest.mark.parametrize("turned", [(), ("b", "tab")], ids=["by account", "by person"])
async def test_who_does_not_manage_an_account_is_told_before_a_dialog_opens(path: str, turned: tuple[str, ...]) -> None:
    async with opened(path, operator="ben") as pilot:
        await press(pilot, "2", *turned)
        for key in ("a", "w"):
            await press(pilot, key)
            assert "it takes 'manage' on catalog-sync, you have 'operate'" in said(pilot)


async def test_names_are_filtered_and_screens_are_clicked(path: str) -> None:
    async with opened(path) as pilot:
        top = shown(pilot).splitlines()[0]
        await click(pilot, "#title", top.index("Access"))
        await press(pilot, "slash", "night", "enter")
        assert [line.account.name for line in window(pilot, "left").rows] == ["nightly-build"]
        await press(pilot, "escape", "slash", "nobody", "enter")
        assert "nothing matches" in shown(pilot)


async def test_where_there_is_little_room_the_level_is_told_before_the_reason(path: str) -> None:
    async with opened(path, size=(60, 20)) as pilot:
        await press(pilot, "2")
        assert "LEVEL" in shown(pilot)
        assert "WHY" not in shown(pilot)


async def test_in_a_tiny_terminal_the_level_is_told(path: str) -> None:
    async with opened(path, size=(40, 10)) as pilot:
        assert "STATE" in shown(pilot), "rather than who manages it"
        await press(pilot, "2")
        assert re.search(r"│ ben +operate", shown(pilot))
        await press(pilot, "b", "j")
        assert re.search(r"│ catalog-sync +operate", shown(pilot))
        await press(pilot, "1", "enter", "tab")
        assert re.search(r"role platform +operate", shown(pilot))
