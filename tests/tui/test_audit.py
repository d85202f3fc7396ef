"""The audit's timeline: filters, detail, and whether the record holds."""

import asyncio
import threading
from datetime import timedelta

import pytest
from textual import events
from textual.pilot import Pilot

from botdesk import accounts, audit, tokens
from botdesk.access import Action
from botdesk.errors import NotFound
from botdesk.testing import open_desk
from tests.raw import raw
from tests.tui.stage import app_of, complaints, opened, press, said, shown, window

BROKEN = "UPDATE account SET scopes = 'everything' WHERE name = 'catalog-sync'"


def by_sql(path: str, statement: str) -> None:
    """Change the store behind the desk's back."""
    with raw(path) as connection:
        connection.execute(statement)


async def test_an_event_is_shown_with_its_hash_beside_the_list_and_in_a_dialog(path: str) -> None:
    async with opened(path, size=(120, 40)) as pilot:
        await press(pilot, "3")
        digest = window(pilot, "events").row.hash
        assert digest[:24] in shown(pilot)
        await press(pilot, "enter")
        assert digest in shown(pilot)
        await press(pilot, "y")
        assert app_of(pilot).clipboard == f"{window_row(path)}:{digest}"


def window_row(path: str) -> int:
    """The sequence of the newest event."""
    with open_desk(path) as desk:
        return desk.head().sequence


async def test_the_filters_are_combined_and_taken_back(path: str) -> None:
    async with opened(path) as pilot:
        await press(pilot, "3")
        everything = window(pilot, "events").total
        await press(pilot, "f", "metrics-ingest", "tab", "ada", "tab", "account:created", "tab", "right", "ctrl+s")
        assert [event.account for event in window(pilot, "events").rows] == ["metrics-ingest"]
        assert "account metrics-ingest · actor ada · action account:created · outcome done" in said(pilot)
        await press(pilot, "f", "tab", "tab", "tokn", "ctrl+s")
        assert "no action is called 'tokn'" in shown(pilot)
        await press(pilot, "escape", "escape", "f", *["tab"] * 4, "1h", "tab", "today", "ctrl+s")
        assert window(pilot, "events").total == 0
        await press(pilot, "escape")
        assert window(pilot, "events").total == everything


@pytest.mark.parametrize("name", ["catalog-sync", "no-such-bot"])
async def test_an_account_out_of_reach_cannot_be_asked_for_nor_one_that_is_not_there(path: str, name: str) -> None:
    async with opened(path, operator="ben") as pilot:
        await press(pilot, "3")
        everything = window(pilot, "events").total
        await press(pilot, "f", name, "ctrl+s")
        assert f"there is no account '{name}'" in complaints(pilot)
        assert "the filters were taken back" in said(pilot)
        await press(pilot, "r", "r")
        assert window(pilot, "events").total >= everything
    with open_desk(path) as desk:
        denied = desk.ask(audit.page, audit.Filter(outcome=audit.Outcome.DENIED)).rows
        assert [(event.actor, event.account) for event in denied] == [("ben", name)] * (name == "catalog-sync")


async def test_a_time_that_is_none_is_told_in_the_form(path: str) -> None:
    async with opened(path) as pilot:
        await press(pilot, "3", "f", *["tab"] * 4, "soon", "ctrl+s")
        assert "'soon' is no time" in shown(pilot)


async def test_refusals_stand_out_and_can_be_asked_for(path: str) -> None:
    with open_desk(path, operator="ben") as desk, pytest.raises(NotFound):
        desk.ask(accounts.find, "catalog-sync")
    async with opened(path) as pilot:
        await press(pilot, "3", "f", "tab", "tab", "tab", "right", "right", "ctrl+s")
        assert "ben tried to look at catalog-sync: refused" in shown(pilot)


async def test_searching_goes_as_one_types_and_escape_takes_it_back(path: str) -> None:
    async with opened(path) as pilot:
        await press(pilot, "3", "slash", "nightly")
        assert [event.account for event in window(pilot, "events").rows] == ["nightly-build"]
        await press(pilot, "escape")
        assert window(pilot, "events").total > 1


class Held:
    """A clock that goes on by a second at each look; what looks from another thread waits at its fourth look."""

    def __init__(self) -> None:
        self.go = threading.Event()
        self._seconds = 0.0
        self._looks = 0

    def __call__(self) -> float:
        self._seconds += 1
        if threading.current_thread() is not threading.main_thread():
            self._looks += 1
            if self._looks == 4:
                assert self.go.wait(60)
        return self._seconds


async def test_a_search_shows_how_far_it_is_and_escape_stops_it(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit, "STRETCH", 1)
    async with opened(path) as pilot:
        await press(pilot, "3", "slash")
        before = list(window(pilot, "events").rows)
        app_of(pilot).clock = held = Held()
        pilot.app.post_message(events.Key("x", "x"))
        await until(pilot, f"searching … 3 of {len(before)} events · esc stops")
        await press(pilot, "escape")
        assert "search stopped; the list is as it was" in shown(pilot)
        assert window(pilot, "events").rows == before
        held.go.set()
        await press(pilot, "enter")
        assert "search stopped" in shown(pilot)
        await press(pilot, "r")
        assert "text x" in shown(pilot)
        assert len(window(pilot, "events").rows) < len(before)
        await press(pilot, "escape")
        assert window(pilot, "events").rows == before


async def until(pilot: Pilot[str], text: str) -> None:
    """Wait for what is shown while something is still under way."""
    for _ in range(3000):
        if text in shown(pilot):
            return
        await asyncio.sleep(0.01)
    raise AssertionError(shown(pilot))


async def test_the_chain_holds_until_somebody_changes_the_store_by_sql(path: str) -> None:
    async with opened(path) as pilot:
        await press(pilot, "3")
        assert "the chain holds" in shown(pilot)
        assert "checked at" not in said(pilot)
        await press(pilot, "v")
        assert "checked at" in said(pilot)
        by_sql(path, BROKEN)
        await press(pilot, "v")
        assert "THE RECORD IS BROKEN" in shown(pilot)


async def test_a_long_label_gives_way_to_the_reason(path: str) -> None:
    with open_desk(path) as desk:
        issued = desk.run(tokens.issue, "catalog-sync", "ben's laptop, to try it out for a while")
        desk.run(tokens.deliver, issued.token.id, to="clipboard")
        desk.run(tokens.revoke, issued.token.id, reason="laptop lost")
    async with opened(path) as pilot:
        await press(pilot, "3")
        assert "'ben's laptop, t…' of catalog-sync: laptop lost" in shown(pilot)
        await press(pilot, "enter")
        assert "ben's laptop, to try it out for a while" in shown(pilot)


async def test_events_after_the_check_are_counted_until_it_is_done_again(path: str) -> None:
    async with opened(path) as pilot:
        await press(pilot, "3")
        with open_desk(path, seed=9) as other:
            other.run(accounts.create, "archive-bot")
        await press(pilot, "r")
        assert "1 since then, v checks them" in shown(pilot)
        await press(pilot, "v")
        assert "since then" not in shown(pilot)


async def test_a_long_timeline_is_read_from_both_ends_and_says_which_day_it_is(path: str) -> None:
    fill(path, days=60, each=20)
    async with opened(path) as pilot:
        await press(pilot, "3")
        events = window(pilot, "events")
        assert len(events.rows) < events.total
        await press(pilot, "G")
        assert events.row.sequence == 1
        assert len(events.rows) < events.total
        newest = events.rows[0].sequence
        await press(pilot, *["ctrl+u"] * 12)
        assert events.rows[0].sequence > newest
        assert [row.sequence for row in events.rows] == sorted((row.sequence for row in events.rows), reverse=True)
        assert "TIME" in (header := shown(pilot).splitlines()[3 if "refused" not in shown(pilot) else 4])
        assert "2026" in header
        await press(pilot, "g")
        assert events.row.sequence == events.total


def fill(path: str, *, days: int, each: int) -> None:
    """Let something happen, some times on each of many days."""
    with open_desk(path) as desk, desk.begin() as tx:
        start = tx.now
        for step in range(days * each):
            tx.now = start + timedelta(days=step // each, minutes=step % each)
            audit.record(tx, Action.AUDIT_EXPORTED, form="csv")
