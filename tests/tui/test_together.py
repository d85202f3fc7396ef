"""Two people, one account: what another changes meanwhile is shown, and nothing is changed over it unseen."""

from collections.abc import Callable
from typing import Any

import pytest
from textual.pilot import Pilot

from botdesk import accounts, audit, grants, people, tokens
from botdesk.access import Level, Standing
from botdesk.desk import Desk
from botdesk.testing import open_desk
from tests.tui.stage import accounts_of, app_of, complaints, opened, press, said, settle, shown, warned

Step = Callable[[Desk], Any]


@pytest.fixture
def path(copied: str) -> str:
    """The store, with a token of catalog-sync; emil is an admin, too."""
    with open_desk(copied) as desk, desk.begin() as tx:
        people.add(tx, "emil", standing=Standing.ADMIN)
        tokens.deliver(tx, tokens.issue(tx, "catalog-sync", "farm").token.id, to="clipboard")
    return copied


def meanwhile(path: str, step: Step) -> None:
    """Let emil do something at a desk of his own."""
    with open_desk(path, operator="emil", seed=99) as desk:
        step(desk)


def emil_modifies(desk: Desk) -> None:
    desk.run(accounts.modify, "catalog-sync", description="theirs")


def emil_gives(desk: Desk) -> None:
    desk.run(grants.give, "catalog-sync", "person:ben", Level.VIEW)


def emil_rotates(desk: Desk) -> None:
    desk.run(tokens.rotate, desk.ask(tokens.listed, "catalog-sync")[0].token.id)


async def look_at_the_head(pilot: Pilot[str]) -> None:
    """What the program does every second."""
    app_of(pilot).poll_soon()
    await settle(pilot)


async def test_a_stale_modification_is_refused_and_looking_again_keeps_both_changes(path: str) -> None:
    async with opened(path, size=(120, 40)) as pilot:
        await press(pilot, "e", "tab", "tab", "tab", "end", " deploy:write")
        meanwhile(path, emil_modifies)
        await press(pilot, "ctrl+s")
        assert "was changed since you looked: emil modified catalog-sync: description none → theirs" in warned(pilot)
        assert "ctrl+r looks again" in warned(pilot)
        assert "deploy:write" in shown(pilot)
        assert accounts_of(path)["catalog-sync"].account.scopes == "catalog:read"
        await press(pilot, "ctrl+r")
        assert warned(pilot) == "this is how it is now"
        assert "theirs" in shown(pilot)
        await press(pilot, "ctrl+s")
        assert "modified catalog-sync" in said(pilot)
    account = accounts_of(path)["catalog-sync"].account
    assert (account.description, account.scopes) == ("theirs", "catalog:read deploy:write")


async def test_what_both_typed_is_told_and_mine_stays_until_i_say_so(path: str) -> None:
    async with opened(path, size=(120, 40)) as pilot:
        await press(pilot, "e", "tab", "tab", "mine")
        meanwhile(path, emil_modifies)
        await look_at_the_head(pilot)
        assert "emil modified catalog-sync" in warned(pilot)
        await press(pilot, "ctrl+r")
        assert warned(pilot) == "Description is now 'theirs'"
        await press(pilot, "ctrl+s")
    assert accounts_of(path)["catalog-sync"].account.description == "mine"


async def test_the_kind_that_another_chose_is_taken_over(path: str) -> None:
    async with opened(path, size=(120, 40)) as pilot:
        await press(pilot, "e")
        meanwhile(path, lambda desk: desk.run(accounts.modify, "catalog-sync", purpose=accounts.Purpose.METRICS))
        await press(pilot, "ctrl+r", "tab", "tab", "mine", "ctrl+s")
    account = accounts_of(path)["catalog-sync"].account
    assert (account.purpose, account.description) == (accounts.Purpose.METRICS, "mine")


@pytest.mark.parametrize(
    ("keys", "step", "told"),
    [
        (("enter", "a", "right", "tab"), emil_gives, "emil gave person ben view on catalog-sync"),
        (("enter", "a", "right"), emil_modifies, "emil modified catalog-sync"),
        (("a", "right"), emil_modifies, "emil modified catalog-sync"),
        (("enter", "o"), emil_rotates, "emil issued token 'farm' to catalog-sync"),
        (("enter", "o"), emil_modifies, "emil modified catalog-sync"),
    ],
    ids=["give, given", "give, modified", "give from the list, modified", "rotate, rotated", "rotate, modified"],
)
async def test_giving_and_rotating_are_refused_until_one_looked(
    path: str, keys: tuple[str, ...], step: Step, told: str
) -> None:
    async with opened(path, size=(120, 40)) as pilot:
        await press(pilot, *keys)
        meanwhile(path, step)
        before = _changes(path)
        await press(pilot, "ctrl+s")
        assert told in warned(pilot).replace("\n", " ")
        assert "ctrl+r looks again" in warned(pilot)
        assert _changes(path) == before
        await press(pilot, "ctrl+r")
        assert warned(pilot) == "this is how it is now"


def _changes(path: str) -> int:
    with open_desk(path) as desk:
        return desk.head().sequence


async def test_a_grant_that_another_changed_is_not_withdrawn_unseen(path: str) -> None:
    meanwhile(path, emil_gives)
    async with opened(path) as pilot:
        await press(pilot, "enter", "tab", "w")
        meanwhile(path, lambda desk: desk.run(grants.give, "catalog-sync", "person:ben", Level.MANAGE))
        await press(pilot, "y")
        assert "was changed since you looked: emil gave person ben manage" in complaints(pilot)
        with open_desk(path) as desk:
            assert [line.level for line in desk.ask(grants.listed, "catalog-sync")] == [Level.MANAGE]


@pytest.mark.parametrize("size", [(80, 24), (120, 40)], ids=["small", "large"])
async def test_a_banner_tells_what_another_changed_until_one_says_seen(path: str, size: tuple[int, int]) -> None:
    async with opened(path, size=size) as pilot:
        await press(pilot, "enter")
        assert "r: seen" not in shown(pilot)
        for step in (emil_gives, emil_modifies):
            meanwhile(path, step)
            await look_at_the_head(pilot)
        assert "r: seen · emil modified catalog-sync: description none → theirs" in shown(pilot)
        await press(pilot, "r")
        assert "r: seen" not in shown(pilot)


async def test_a_banner_tells_the_whole_of_a_longer_change_in_a_small_terminal(path: str) -> None:
    words = "copies the catalog of every night into the warehouse"
    async with opened(path) as pilot:
        await press(pilot, "enter")
        meanwhile(path, lambda desk: desk.run(accounts.modify, "catalog-sync", description=words))
        await look_at_the_head(pilot)
        assert f"→ {words}" in " ".join(line.strip() for line in shown(pilot).splitlines()[1:3])


async def test_no_banner_for_what_one_did_oneself_or_a_bot_does(path: str) -> None:
    async with opened(path) as pilot:
        await press(pilot, "enter", "a", "right", "ctrl+s", "e", "tab", "tab", "mine", "ctrl+s")
        await look_at_the_head(pilot)
        assert accounts_of(path)["catalog-sync"].account.description == "mine"
        assert "r: seen" not in shown(pilot)


@pytest.mark.parametrize("key", ["e", "i"])
async def test_an_account_that_goes_out_of_reach_below_a_dialog_is_refused_once_and_left(path: str, key: str) -> None:
    """A refusal is on record and so a change: following it would go on for ever."""
    meanwhile(path, lambda desk: desk.run(grants.give, "catalog-sync", "person:ben", Level.MANAGE))
    async with opened(path, operator="ben") as pilot:
        await press(pilot, "enter", key)
        meanwhile(path, lambda desk: desk.run(grants.withdraw, "catalog-sync", "person:ben"))
        for _ in range(6):
            await look_at_the_head(pilot)
        assert _denied(path) <= 2
        assert complaints(pilot).count("catalog-sync is out of your reach by now") == 1
        await press(pilot, "escape")
        assert "no service accounts yet" in shown(pilot)
        for _ in range(3):
            await look_at_the_head(pilot)
        assert _denied(path) <= 4


def _denied(path: str) -> int:
    with open_desk(path) as desk:
        return desk.ask(audit.page, audit.Filter(outcome=audit.Outcome.DENIED)).total
