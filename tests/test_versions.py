"""Two people, one account: who comes second with what they saw before is told what was changed, and by whom."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from botdesk import accounts, grants, people, tokens, versions
from botdesk.access import Level, Standing
from botdesk.desk import Desk
from botdesk.errors import Conflict, InvalidInput
from botdesk.testing import open_desk
from tests.integrity import house

Step = Callable[[Desk], Any]


@pytest.fixture
def token(desk: Desk) -> str:
    """A token of ci-bot; emil, who is an admin too, is at the same desk."""
    desk.run(people.add, "emil", standing=Standing.ADMIN)
    desk.run(accounts.create, "ci-bot")
    desk.run(accounts.create, "web-hook")
    desk.run(grants.give, "ci-bot", "person:emil", Level.VIEW)
    return house.issue(desk, "ci-bot", "active")


@pytest.fixture
def emil(desk: Desk, token: str) -> Iterator[Desk]:
    with open_desk(desk.location, operator="emil", seed=2) as opened:
        yield opened


def _modify(desk: Desk, token: str, seen: int | None) -> Any:
    return desk.run(accounts.modify, "ci-bot", description="mine", seen=seen)


def _give(desk: Desk, token: str, seen: int | None) -> Any:
    return desk.run(grants.give, "ci-bot", "person:emil", Level.MANAGE, seen=seen)


def _withdraw(desk: Desk, token: str, seen: int | None) -> Any:
    return desk.run(grants.withdraw, "ci-bot", "person:emil", seen=seen)


def _rotate(desk: Desk, token: str, seen: int | None) -> Any:
    return desk.run(tokens.rotate, token, seen=seen)


WORK = (_modify, _give, _withdraw, _rotate)

OTHERS: dict[str, tuple[Callable[[Desk, str], Any], str, tuple[Any, ...]]] = {
    "the account is modified": (
        lambda desk, _: desk.run(accounts.modify, "ci-bot", description="theirs"),
        "emil modified ci-bot: description none → theirs",
        WORK,
    ),
    "the account is disabled": (
        lambda desk, _: desk.run(accounts.disable, "ci-bot", reason="noise"),
        "emil disabled ci-bot: noise",
        WORK,
    ),
    "the account is handed over": (
        lambda desk, _: desk.run(grants.hand_over, "ci-bot", "emil"),
        "emil handed ci-bot over from ada to emil",
        WORK,
    ),
    "a grant is given": (
        lambda desk, _: desk.run(grants.give, "ci-bot", "person:ada", Level.VIEW),
        "emil gave person ada view on ci-bot",
        (_give, _withdraw),
    ),
    "the token is revoked": (
        lambda desk, token: desk.run(tokens.revoke, token, reason="leaked"),
        "emil revoked token 'active' of ci-bot: leaked",
        (_rotate,),
    ),
    "the token is being rotated": (
        lambda desk, token: desk.run(tokens.rotate, token, label="theirs"),
        "emil issued token 'theirs' to ci-bot",
        (_rotate,),
    ),
    "another token is issued": (lambda desk, _: house.issue(desk, "ci-bot", "other"), "", ()),
    "another account is modified": (lambda desk, _: desk.run(accounts.modify, "web-hook", description="x"), "", ()),
    "the token is used": (lambda desk, _: desk.run(house.use, "active"), "", ()),
}


@pytest.mark.parametrize("change", OTHERS)
@pytest.mark.parametrize("work", WORK)
def test_what_was_changed_meanwhile_is_refused_and_told(
    desk: Desk, emil: Desk, token: str, change: str, work: Callable[[Desk, str, int | None], Any]
) -> None:
    act, told, stale = OTHERS[change]
    seen = desk.ask(versions.current)
    act(emil, token)
    before = desk.head()
    if work not in stale:
        work(desk, token, seen)
        return
    with pytest.raises(Conflict) as refused:
        work(desk, token, seen)
    assert refused.value.message.startswith(f"'ci-bot' was changed since you looked: {told} (2026-11-02 12:00 UTC)")
    assert refused.value.hint == "look again: botdesk account show ci-bot"
    assert desk.head() == before


@pytest.mark.parametrize("work", WORK)
def test_who_looked_last_goes_on_and_who_asks_for_nothing_too(
    desk: Desk, emil: Desk, token: str, work: Callable[[Desk, str, int | None], Any]
) -> None:
    emil.run(accounts.modify, "ci-bot", description="theirs")
    line = desk.ask(accounts.line, "ci-bot")
    assert line.version == desk.ask(tokens.line, token).version == desk.ask(grants.listed)[0].version
    work(desk, token, line.version)
    emil.run(accounts.modify, "ci-bot", description="theirs again")
    if work is _modify:
        work(desk, token, None)


def test_many_changes_are_told_newest_first_and_counted(desk: Desk, emil: Desk, token: str) -> None:
    seen = desk.ask(versions.current)
    for number in range(5):
        emil.run(accounts.modify, "ci-bot", description=f"number {number}")
    with pytest.raises(Conflict) as refused:
        _modify(desk, token, seen)
    told = refused.value.message
    assert "number 3 → number 4" in told
    assert "number 0" not in told
    assert told.endswith("; and 2 changes before")


@pytest.mark.parametrize("seen", [-1, 10_000])
def test_what_is_no_version_is_refused(desk: Desk, token: str, seen: int) -> None:
    for work in WORK:
        with pytest.raises(InvalidInput) as refused:
            work(desk, token, seen)
        assert refused.value.hint


def test_a_refused_attempt_of_somebody_makes_nothing_stale(desk: Desk, emil: Desk, token: str) -> None:
    desk.run(people.add, "ben")
    seen = desk.ask(versions.current)
    with pytest.raises(Exception, match="ci-bot"), emil.begin(actor="ben") as tx:
        accounts.modify(tx, "ci-bot", description="mine")
    _modify(desk, token, seen)
