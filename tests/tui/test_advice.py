"""Advice on the screen: what mends a line is a key away; badges beside accounts; a rotation that is watched."""

from datetime import timedelta
from pathlib import Path

import pytest

from botdesk import accounts, advice, migration, people, tokens, verification
from botdesk.bearer import Secret
from botdesk.desk import Desk
from botdesk.stages import Stage
from botdesk.testing import NOON, Clock, open_desk
from botdesk.tokens import TokenState
from botdesk.tui.screens.advice import AdviceScreen
from botdesk.verification import Asked
from tests.tui.stage import app_of, opened, press, said, shown, window

DAY = timedelta(days=1)


def issued(desk: Desk, label: str, **how: object) -> str:
    made = desk.run(tokens.issue, "nightly-build", label, **how).token.id  # type: ignore[arg-type]
    return desk.run(tokens.deliver, made, to="file:/run/secret").id


def use(desk: Desk, token: str, *scopes: str, address: str = "10.0.0.7") -> None:
    desk.run(verification.note, token, Asked(scopes=frozenset(scopes), address=address))


@pytest.fixture
def past(place: str) -> str:
    """A desk on which `nightly-build` has a scope and a token that nobody needs, and one token was revoked and came."""
    clock = Clock(NOON - 40 * DAY)
    with open_desk(place, clock=clock) as desk:
        desk.run(people.add, "ben")
        desk.run(accounts.create, "metrics-ingest", scopes="metrics:write")
        desk.run(accounts.create, "nightly-build", scopes="catalog:read deploy:write", rotation=365 * DAY)
        busy, spare, lost = (issued(desk, label, never=True) for label in ("busy", "spare", "lost"))
        clock.now = NOON - DAY
        use(desk, busy, "catalog:read")
        desk.run(tokens.revoke, lost, reason="leaked")
        use(desk, lost, address="203.0.113.9")
        assert spare
    return place


def kinds(path: str) -> list[str]:
    with open_desk(path) as desk:
        return [str(one.finding.kind) for one in desk.ask(advice.listed)]


async def test_a_key_leads_from_an_account_to_the_advice_on_it(past: str) -> None:
    with open_desk(past) as desk:
        desk.run(accounts.create, "nightly-build-two")
    async with opened(past) as pilot:
        assert "t To do" in shown(pilot).splitlines()[-1]
        await press(pilot, "t")
        assert said(pilot).endswith("there is no advice on metrics-ingest")
        await press(pilot, "j", "t")
        assert "account:nightly-build" in shown(pilot)
        assert {found.finding.account for found in window(pilot, "advice-list").rows} == {"nightly-build"}
        await press(pilot, "escape")
        await press(pilot, "1", "enter", "t")
        assert window(pilot, "advice-list").rows


async def test_a_filter_applies_at_once_though_reading_all_advice_takes_long(past: str) -> None:
    async with opened(past) as pilot:
        await press(pilot, "5")
        screen = pilot.app.screen
        assert isinstance(screen, AdviceScreen)
        screen._took = 60.0
        await press(pilot, "slash", "revoked", "enter")
        assert len(window(pilot, "advice-list").rows) == 1


async def test_the_worst_comes_first_and_is_told_in_full(past: str) -> None:
    assert kinds(past) == ["reused", "never-used", "scope-unused"]
    async with opened(past) as pilot:
        await press(pilot, "5")
        text = shown(pilot)
        assert "'lost' was revoked 1 day ago and is still presented" in text
        assert "why: a straggler was not switched" in text
        assert "m mends it: botdesk token uses" in text
        assert "3 lines · 1 urgent · 0 warning · 2 notice" in said(pilot)
        await press(pilot, "m")
        assert "refused          1×  203.0.113.9, last 1 day ago" in shown(pilot)
        await press(pilot, "escape", "slash", "spare", "enter")
        assert len(window(pilot, "advice-list").rows) == 1


async def test_a_scope_is_dropped_by_the_key_after_a_dry_run(past: str) -> None:
    async with opened(past) as pilot:
        await press(pilot, "5", "G", "m")
        assert "dropping deploy:write would have refused 0 of 1" in shown(pilot)
        await press(pilot, "y")
        assert "nightly-build has no deploy:write any more" in said(pilot)
    assert kinds(past) == ["reused", "never-used"]


async def test_a_line_is_dismissed_shown_and_recalled(past: str) -> None:
    async with opened(past) as pilot:
        await press(pilot, "5", "x", "ctrl+s")
        assert "reason" in shown(pilot)
        await press(pilot, "known", "ctrl+s")
        assert len(window(pilot, "advice-list").rows) == 2
        await press(pilot, "u")
        assert "it was not dismissed" in said(pilot)
        await press(pilot, "h")
        assert "hidden" in shown(pilot)
        window(pilot, "advice-list").cursor = 0
        await press(pilot, "u", "h")
    assert kinds(past) == ["reused", "never-used", "scope-unused"]


async def test_where_nothing_is_wrong_all_is_well(path: str) -> None:
    async with opened(path) as pilot:
        await press(pilot, "5")
        assert "all is well" in shown(pilot)


async def test_enter_opens_the_account(past: str) -> None:
    async with opened(past) as pilot:
        await press(pilot, "5", "enter")
        assert "catalog:read deploy:write" in shown(pilot)
        await press(pilot, "escape", "5")
        assert "HOW BAD" in shown(pilot)


async def test_who_may_not_mend_is_told_why(past: str) -> None:
    with open_desk(past) as desk:
        from botdesk import grants
        from botdesk.access import Level

        desk.run(grants.give, "nightly-build", "person:ben", Level.VIEW)
    async with opened(past, operator="ben") as pilot:
        await press(pilot, "5", "j", "m")
        assert "it takes 'operate' on nightly-build, you have 'view'" in said(pilot)


async def test_an_account_has_a_badge_of_how_much_advice_there_is(past: str) -> None:
    async with opened(past) as pilot:
        lines = shown(pilot).splitlines()
        assert "!! 3" in next(line for line in lines if "nightly-build" in line and "ENDED" not in line)
        assert "!" not in next(line for line in lines if "metrics-ingest" in line)


@pytest.fixture
def rotating(path: str) -> str:
    """A rotation that began yesterday; the old token was used an hour and a minute ago, from one address."""
    clock = Clock(NOON - 2 * DAY)
    with open_desk(path, clock=clock) as desk:
        old = issued(desk, "farm", lifetime=60 * DAY)
        clock.now = NOON - DAY
        new = desk.run(tokens.rotate, old, overlap=3 * DAY).token.id
        desk.run(tokens.deliver, new, to="file:/run/secret")
        clock.now = NOON - timedelta(minutes=61)
        use(desk, old, address="203.0.113.9")
    return path


def states(path: str | Path) -> dict[str, TokenState]:
    with open_desk(path) as desk:
        return {line.token.id: line.state for line in desk.ask(tokens.listed)}


async def test_a_rotation_is_watched_and_finished_once_the_new_token_is_seen(rotating: Path) -> None:
    (old, new) = sorted(states(rotating), key=lambda token: states(rotating)[token] is TokenState.ACTIVE)
    async with opened(rotating, poll=0.05) as pilot:
        await press(pilot, "G", "enter")
        tokens_shown = window(pilot, "token-list")
        tokens_shown.seek(old)
        await press(pilot, "c")
        text = shown(pilot)
        assert "203.0.113.9" in text
        assert "not used yet" in text
        await press(pilot, "f")
        assert "has not been used yet" in said(pilot)
        with open_desk(rotating, seed=9) as desk:
            use(desk, new)
        await press(pilot, "r")
        assert "f finishes it" in shown(pilot)
        await press(pilot, "f", "y")
        assert "the old 'farm' has ended" in said(pilot)
        assert app_of(pilot).screen.query("#token-list")
    assert states(rotating)[old] is TokenState.EXPIRED


async def test_a_rotation_is_extended_and_undone(rotating: Path) -> None:
    (old, new) = sorted(states(rotating), key=lambda token: states(rotating)[token] is TokenState.ACTIVE)
    async with opened(rotating) as pilot:
        await press(pilot, "G", "enter")
        window(pilot, "token-list").seek(old)
        await press(pilot, "c", "e", "ctrl+s")
        assert "'farm' works until 2026-11-05 12:00" in said(pilot)
        await press(pilot, "u", "y")
        assert "goes on as before its rotation" in said(pilot)
    assert (states(rotating)[old], states(rotating)[new]) == (TokenState.ACTIVE, TokenState.REVOKED)


async def test_a_personal_token_past_its_end_date_is_ended_by_the_key(path: str) -> None:
    with open_desk(path, clock=Clock(NOON - 3 * DAY)) as desk:
        began = desk.run(migration.start, "nightly-build", "shop build", owner="ben").id
        desk.run(migration.register, began, Secret("ghp_16C7e42F292c6912E7710c838347Ae178B4a"))
        desk.run(migration.accept, began, until=NOON - DAY)
    async with opened(path) as pilot:
        await press(pilot, "5")
        assert "'shop build' was to be off ben's token 1 day ago" in shown(pilot)
        await press(pilot, "m")
        assert "too early? the new token has not been used yet" in shown(pilot)
        await press(pilot, "y")
        assert "ben's token of 'shop build' is ended here" in said(pilot)
        assert "all is well" in shown(pilot)
    with open_desk(path) as desk:
        assert desk.ask(migration.line, began).stage is Stage.DONE
