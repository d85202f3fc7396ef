"""The audit: what is recorded, found again in pages, and exported."""

import csv
import io
import json
from collections.abc import Iterator
from datetime import timedelta
from hashlib import sha256
from typing import Any

import pytest
import sqlalchemy.event

from botdesk import accounts, audit, grants, people, tokens, verification
from botdesk.access import Action, Level, Standing
from botdesk.audit import Filter, Head, Outcome
from botdesk.desk import Desk
from botdesk.errors import AccessDenied, BotdeskError, InvalidInput
from botdesk.store.digest import GENESIS, chained
from botdesk.testing import NOON, Clock
from botdesk.verification import Asked
from tests.integrity import house

DAY = timedelta(days=1)


@pytest.fixture
def week(desk: Desk, clock: Clock) -> Desk:
    """Ada founded the desk; a day later she let ben and cleo in; then two accounts were made and used."""
    clock.forward(DAY)
    desk.run(people.add, "ben")
    desk.run(people.add, "cleo", standing=Standing.AUDITOR)
    clock.forward(DAY)
    desk.run(accounts.create, "ci-bot", description="50% of it_all [red]")
    with desk.begin("ben") as tx:
        accounts.create(tx, "web-bot")
    clock.forward(DAY)
    issued = desk.run(tokens.issue, "ci-bot", "farm")
    desk.run(tokens.deliver, issued.token.id, to="clipboard")
    with desk.begin() as tx:
        verification.note(tx, issued.token.id, Asked(address="10.0.0.7"))
    with pytest.raises(AccessDenied), desk.begin("cleo") as tx:
        accounts.disable(tx, "ci-bot")
    return desk


def found(desk: Desk, **how: Any) -> list[str]:
    return [event.action for event in desk.ask(audit.page, Filter(**how), oldest_first=True, limit=99).rows]


def test_the_newest_is_first_and_the_total_is_of_all(week: Desk) -> None:
    page = week.ask(audit.page, limit=3)
    assert [event.sequence for event in page.rows] == [page.total, page.total - 1, page.total - 2]
    assert page.next == page.total - 2
    assert page.total == week.head().sequence


@pytest.mark.parametrize("oldest_first", [False, True])
def test_a_search_tells_how_far_it_is_and_goes_no_further_than_a_page(
    week: Desk, monkeypatch: pytest.MonkeyPatch, oldest_first: bool
) -> None:
    monkeypatch.setattr(audit, "STRETCH", 2)
    last, told = week.head().sequence, list[tuple[int, int]]()
    how: dict[str, Any] = {"oldest_first": oldest_first, "progress": lambda *far: told.append(far)}
    rare = week.ask(audit.page, Filter(text="cleo"), limit=99, **how)
    assert told == [(min(done, last), last) for done in range(2, last + 2, 2)]
    assert rare.total == len(rare.rows) > 1
    assert not rare.at_least
    told.clear()
    some = week.ask(audit.page, Filter(text="e"), limit=3, **how)
    assert len(told) < last / 4
    assert some.at_least
    assert audit.told(some.total, at_least=some.at_least) == "3+ events"


def test_a_search_is_ended_by_what_it_tells_how_far_it_is(week: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit, "STRETCH", 2)

    def enough(done: int, of: int) -> None:
        if done > of / 2:
            raise BotdeskError("enough")

    with pytest.raises(BotdeskError, match="enough"):
        week.ask(audit.page, Filter(text="nowhere"), progress=enough)


@pytest.mark.parametrize("oldest_first", [False, True])
@pytest.mark.parametrize("chosen", [Filter(), Filter(action="token"), Filter(actor="ada"), Filter(text="bot")])
def test_pages_of_any_size_are_the_whole_list(week: Desk, chosen: Filter, oldest_first: bool) -> None:
    whole = week.ask(audit.page, chosen, oldest_first=oldest_first, limit=99)
    assert whole.next is None
    assert len(whole.rows) == whole.total > 2
    for size in (1, 2, whole.total - 1, whole.total):
        rows: list[audit.Event] = []
        place = None
        while not rows or place is not None:
            page = week.ask(audit.page, chosen, before=place, limit=size, oldest_first=oldest_first)
            assert page.at_least or page.total == whole.total
            rows += page.rows
            place = page.next
        assert [event.sequence for event in rows] == [event.sequence for event in whole.rows]


@pytest.mark.sqlite
@pytest.mark.parametrize(
    "chosen",
    [
        {},
        {"account": "ci-bot"},
        {"actor": "ada"},
        {"actor": "ci-bot"},
        {"actor": "system"},
        {"action": "token:used"},
        {"outcome": Outcome.DENIED},
        {"until": NOON + 2 * DAY},
        {"since": NOON + 2 * DAY},
        {"actor": "ada", "action": "account:created"},
        {"account": "ci-bot", "actor": "ada", "outcome": Outcome.DONE},
        {"action": "token:used", "until": NOON + 4 * DAY, "since": NOON},
    ],
    ids=lambda chosen: " ".join(chosen) or "all",
)
def test_a_page_comes_through_an_index_that_has_its_order(week: Desk, chosen: dict[str, Any]) -> None:
    plans: list[str] = []

    def explain(_: Any, cursor: Any, statement: str, values: Any, *__: Any) -> None:
        cursor.execute(f"EXPLAIN QUERY PLAN {statement}", values)
        plans.extend(f"{row[3]} in {statement}" for row in cursor.fetchall() if "hash" in statement)

    with week.read() as tx:
        engine = tx.session.get_bind().engine
        sqlalchemy.event.listen(engine, "before_cursor_execute", explain)
        audit.page(tx, Filter(**chosen))
        sqlalchemy.event.remove(engine, "before_cursor_execute", explain)
    assert plans
    bare = "SCAN event in"
    assert not [plan for plan in plans if "TEMP B-TREE" in plan or (chosen and plan.startswith(bare))]


def test_a_clock_that_was_wrong_hides_nothing_from_a_filter_by_time(week: Desk, clock: Clock) -> None:
    now = clock.now
    clock.now = NOON + 400 * DAY
    week.run(accounts.create, "from-the-future")
    clock.now = NOON - 400 * DAY
    week.run(accounts.create, "from-the-past")
    clock.now = now + DAY
    week.run(accounts.create, "of-today")
    for since in range(-401, 403, 67):
        for until in range(since, 403, 67):
            first, last = NOON + since * DAY, NOON + until * DAY
            inside = [one for one in week.ask(audit.page, limit=99).rows if first <= one.at < last]
            assert week.ask(audit.page, Filter(since=first, until=last), limit=99).rows == tuple(inside)


def test_a_person_is_found_by_what_was_done_in_their_stead_too(week: Desk) -> None:
    with Desk.open(week.location, operator="ada", acting_as="ben", clock=week.clock) as desk:
        desk.run(accounts.create, "in-his-stead")
    theirs = week.ask(audit.page, Filter(actor="ben"), limit=99)
    assert {one.account for one in theirs.rows} == {"web-bot", "in-his-stead"}
    assert theirs.total == 2
    first = week.ask(audit.page, Filter(actor="ben"), limit=1)
    second = week.ask(audit.page, Filter(actor="ben"), limit=1, before=first.next)
    assert (*first.rows, *second.rows) == theirs.rows
    assert second.next is None
    assert "in-his-stead" in {one.account for one in week.ask(audit.page, Filter(actor="ada"), limit=99).rows}
    with week.begin() as tx:
        assert sum("in-his-stead" in line for line in audit.export(tx, Filter(actor="ben"))) == 1


def test_events_that_come_between_pages_neither_repeat_nor_hide_others(week: Desk) -> None:
    before = [event.sequence for event in week.ask(audit.page, limit=99).rows]
    first = week.ask(audit.page, limit=3)
    for number in range(5):
        week.run(accounts.create, f"new-{number}")
    second = week.ask(audit.page, before=first.next, limit=99)
    assert [event.sequence for event in (*first.rows, *second.rows)] == before


def test_filters_choose_by_account_actor_action_outcome_and_time(week: Desk) -> None:
    bot = week.ask(accounts.find, "ci-bot").id
    ada = week.ask(people.find, "ada").id
    of_bot = ["account:created", "token:issued", "token:delivered", "token:used", "account:disabled"]
    assert found(week, account="ci-bot") == found(week, account=bot) == of_bot
    assert found(week, actor="ada") == found(week, actor=ada)
    assert found(week, actor="ben") == ["account:created"]
    assert found(week, actor="ci-bot") == ["token:used"]
    assert found(week, action="token") == ["token:issued", "token:delivered", "token:used"]
    assert found(week, action="token:issued") == ["token:issued"]
    assert found(week, action="tok") == found(week, action="%") == []
    assert found(week, outcome=Outcome.DENIED) == ["account:disabled"]
    assert found(week, since=NOON + 3 * DAY) == of_bot[1:]
    assert found(week, since=NOON + DAY, until=NOON + 2 * DAY) == ["person:added", "person:added"]
    assert found(week, until=NOON) == []
    assert found(week, account="ci-bot", actor="ada", action="token", outcome=Outcome.DONE) == of_bot[1:3]


def test_words_must_all_be_somewhere(week: Desk) -> None:
    assert found(week, text="farm") == ["token:issued", "token:delivered", "token:used"]
    assert found(week, text="FARM clipboard") == ["token:delivered"]
    assert found(week, text="cleo denied") == ["account:disabled"]
    assert found(week, text="10.0.0.7") == ["token:used"]
    assert found(week, text="farm web-bot") == []
    for nothing in ("%", "_____________________________", "'; DROP TABLE event; --", "[red]", "\\"):
        assert found(week, text=nothing) == []


def test_who_acts_in_anothers_stead_is_found_by_either_name(week: Desk) -> None:
    with Desk.open(week.location, operator="ada", acting_as="ben", clock=week.clock) as stead:
        stead.run(accounts.create, "bens-bot")
    last = week.ask(audit.page, limit=1).rows[0]
    assert last.actor == "ada as ben"
    assert last.actor_id == week.ask(people.find, "ada").id
    for name in ("ada", "ben"):
        assert found(week, actor=name, text="bens-bot") == ["account:created"]
    assert found(week, actor="en", text="bens-bot") == []


def test_a_member_reads_what_is_about_their_accounts_and_what_they_did(week: Desk) -> None:
    with week.read("ben") as tx:
        assert {event.account for event in audit.page(tx).rows} == {"web-bot"}
    week.run(grants.give, "ci-bot", "person:ben", Level.VIEW)
    with week.read("ben") as tx:
        assert {event.account for event in audit.page(tx).rows} == {"web-bot", "ci-bot"}
    with week.read("cleo") as tx:
        assert audit.page(tx).total == week.head().sequence


def test_counts_put_every_event_into_its_span(week: Desk) -> None:
    spans = week.ask(audit.counts, since=NOON, until=NOON + 4 * DAY, buckets=4)
    assert sum(spans) == week.head().sequence
    assert spans[1:] == [2, 2, 4]
    of_tokens = week.ask(audit.counts, Filter(action="token"), since=NOON, until=NOON + 4 * DAY, buckets=4)
    assert of_tokens == [0, 0, 0, 3]
    assert week.ask(audit.counts, since=NOON - 9 * DAY, until=NOON, buckets=3) == [0, 0, 0]
    late = Filter(since=NOON + 2 * DAY, until=NOON + 3 * DAY)
    assert week.ask(audit.counts, late, since=NOON, until=NOON + 4 * DAY, buckets=4) == [0, 0, 2, 0]


def exported(desk: Desk, form: str, **how: Any) -> list[str]:
    with desk.begin() as tx:
        return list(audit.export(tx, Filter(**how), form=form))


def test_an_export_is_recorded_and_for_admins_and_auditors(week: Desk) -> None:
    lines = exported(week, "jsonl")
    assert json.loads(lines[-1])["action"] == "audit:exported"
    assert len(lines) == week.head().sequence
    with week.begin("cleo") as tx:
        assert list(audit.export(tx))
    with pytest.raises(AccessDenied), week.begin("ben") as tx:
        audit.export(tx)
    with pytest.raises(InvalidInput) as refused, week.begin() as tx:
        audit.export(tx, form="xml")
    assert refused.value.hint


def test_a_long_export_keeps_no_writer_waiting(week: Desk) -> None:
    recorded = week.run(audit.record_export)
    with week.read() as tx:
        lines = audit.export(tx, until=recorded)
        first = next(lines)
        week.run(people.add, "meanwhile")
        last = list(lines)[-1]
    assert (json.loads(first)["sequence"], json.loads(last)["sequence"]) == (1, recorded)


def test_an_export_takes_the_filters_of_the_list(week: Desk) -> None:
    lines = [json.loads(line) for line in exported(week, "jsonl", account="ci-bot", action="token")]
    assert [line["action"] for line in lines] == ["token:issued", "token:delivered", "token:used"]


HOSTILE = {
    "formula": '=HYPERLINK("http://x","y")',
    "plus": "+1+1",
    "minus": "-1+1",
    "at": "@SUM(A1)",
    "wide formula": "＝1+1",
    "apostrophe": "'=1+1",
    "tab": "\t=1+1",
    "return": "\r=1+1",
    "lines": "a\n=1+1",
    "quotes": '","=1+1","',
    "escape": "\x1b]0;owned\x07",
    "C1": "\x9b31m",
    "bidi": "a\u202eb",
    "zero width": "a\u200bb",
    "NUL": "a\x00b",
    "long": "x" * 10_000,
    "markup": "[@click=app.quit]x[/]",
}


def hostile(desk: Desk) -> list[str]:
    """The hostile texts that the engine of the desk's store can keep."""
    return [text for text in HOSTILE.values() if desk.mode == "solo" or "\x00" not in text]


@pytest.fixture
def planted(week: Desk) -> Desk:
    """Every text of one event is hostile, and the chain is whole, as somebody who knows botdesk could make it."""
    with house.tampering(week.location) as sql:
        for number, text in enumerate(hostile(week)):
            event = _last(sql)
            hash_before = event.pop("hash")
            del event["previous"]
            detail = json.dumps({"label": text, text: text})
            event |= {"sequence": event["sequence"] + 1, "subject_kind": None, "subject_id": None, "before": None}
            event |= {"after": None, "actor": text, "account": text, "source": text, "detail": detail}
            event |= {"account_id": f"acc_{number}", "action": "account:created"}
            row = event | {"previous": hash_before, "hash": chained(hash_before, event)}
            names = ", ".join(f'"{name}"' for name in row)
            sql(f"INSERT INTO event ({names}) VALUES ({', '.join('?' * len(row))})", tuple(row.values()))
    return week


def _last(sql: Any) -> dict[str, Any]:
    found = sql("SELECT * FROM event ORDER BY sequence DESC LIMIT 1")
    return dict(zip([column[0] for column in found.description], found.fetchone(), strict=True))


def test_a_hostile_history_still_verifies_and_is_listed(planted: Desk) -> None:
    assert planted.ask(audit.verify).holds
    told = hostile(planted)
    page = planted.ask(audit.page, limit=len(told))
    assert [event.actor for event in reversed(page.rows)] == told


def test_no_line_of_an_export_steers_a_terminal(planted: Desk) -> None:
    for form in ("jsonl", "csv"):
        for line in exported(planted, form):
            assert line.isprintable(), line


def test_no_field_of_a_csv_is_a_formula(planted: Desk) -> None:
    rows = list(csv.reader(io.StringIO("\n".join(exported(planted, "csv")))))
    assert {len(row) for row in rows} == {len(rows[0])}
    assert len(rows) == planted.head().sequence + 1
    fields = [field for row in rows for field in row]
    assert not [field for field in fields if field[:1] in ("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠")]
    told = {row["actor"] for row in csv.DictReader(io.StringIO("\n".join(exported(planted, "csv"))))}
    assert {'\'=HYPERLINK("http://x","y")', "'+1+1", "''=1+1", '","=1+1","', "[@click=app.quit]x[/]"} <= told


def recomputed(events: Iterator[dict[str, Any]]) -> Head:
    """Walk an export as anybody can who has Python and the documentation."""
    sequence, previous = 0, "0" * 64
    for event in events:
        link, before = event.pop("hash"), event.pop("previous")
        canonical = json.dumps(event, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        assert before == previous
        previous = sha256((before + canonical).encode()).hexdigest()
        assert link == previous, event
        sequence = event["sequence"]
    return Head(sequence, previous)


def test_json_lines_verify_without_botdesk_whatever_is_in_them(planted: Desk) -> None:
    lines = exported(planted, "jsonl")
    assert recomputed(json.loads(line) for line in lines) == planted.head()


def test_csv_verifies_without_botdesk(week: Desk) -> None:
    week.run(accounts.create, "other-bot", description="=1+1")
    with Desk.open(week.location, operator="ada", source="=cmd", clock=week.clock) as desk:
        desk.run(accounts.create, "third-bot")
    lines = exported(week, "csv")

    def events() -> Iterator[dict[str, Any]]:
        for row in csv.DictReader(io.StringIO("\n".join(lines))):
            told = {name: value.removeprefix("'") or None for name, value in row.items()}
            yield told | {"sequence": int(row["sequence"])}

    assert any("'=cmd" in line for line in lines)
    assert recomputed(events()) == week.head()


def test_heads_are_read_as_they_are_written(week: Desk) -> None:
    head = week.head()
    assert Head.parse(f" {head}\n") == head
    assert Head.parse(str(head).upper()) == head
    assert Head.parse(f"0:{GENESIS}") == Head(0, GENESIS)
    for wrong in (
        "", "latest", "5", f"x:{head.hash}", f"5:{head.hash[:-1]}", f"-1:{head.hash}", f"5:{head.hash}:",
        f"0:{head.hash}", f"5:{'g' * 64}", f"\u0665:{head.hash}", f"{'9' * 5000}:{head.hash}", "5:" + "\uff11" * 64,
    ):  # fmt: skip
        with pytest.raises(InvalidInput) as refused:
            Head.parse(wrong)
        assert refused.value.hint


def test_verifying_tells_how_far_it_is(week: Desk) -> None:
    told: list[tuple[int, int]] = []
    assert week.ask(audit.verify, progress=lambda *so_far: told.append(so_far)).events == week.head().sequence
    assert told == []


def test_details_that_are_no_json_are_told_as_nothing(week: Desk) -> None:
    event = week.ask(audit.page, limit=1).rows[0]
    for detail in ("", "[1]", "{", "7", "\x00"):
        event.detail = detail
        assert audit.detail_of(event) == {}


def test_many_events_are_counted_so_far_as_it_is_quick(week: Desk) -> None:
    with week.begin() as tx:
        for _ in range(audit.MOST_COUNTED + 50):
            audit.record(tx, Action.AUDIT_EXPORTED, form="csv")
    every, filtered = week.ask(audit.page), week.ask(audit.page, Filter(action="audit:exported"))
    assert every.total == week.head().sequence
    assert filtered.total == audit.MOST_COUNTED + 1
    assert audit.told(filtered.total) == "1000+ events"
    assert audit.told(week.ask(audit.page, Filter(action="desk:founded")).total) == "1 event"


def test_a_name_finds_what_an_account_did_and_what_a_person_of_that_name_did(week: Desk) -> None:
    with week.begin() as tx:
        people.add(tx, "shared-name")
        accounts.create(tx, "shared-name")
    week.run(accounts.modify, "shared-name", name="other-name")
    about = week.ask(audit.page, Filter(account="other-name"))
    assert {event.account for event in about.rows} == {"shared-name", "other-name"}
    with week.begin(actor="shared-name") as tx:
        accounts.create(tx, "made-by-them")
    with week.begin() as tx:
        accounts.create(tx, "shared-name")
    assert [event.account for event in week.ask(audit.page, Filter(actor="shared-name")).rows] == ["made-by-them"]
