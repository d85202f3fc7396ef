"""Old events in a sealed file: what is there and what stays verify by themselves and with each other."""

import json
import os
import shutil
import signal
import stat
import tracemalloc
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import psycopg
import pysqlite3
import pytest
from benchmarks import make_desk

from botdesk import accounts, audit, keeping, leaving, people, retention, tokens, uses
from botdesk.access import Action, Standing
from botdesk.audit import Filter, Head, Verdict
from botdesk.desk import Desk
from botdesk.errors import AccessDenied, AuditBroken, Conflict, InvalidInput, StoreError
from botdesk.store.digest import chained, table_of
from botdesk.store.tables import TABLES
from botdesk.store.transaction import Transaction
from botdesk.testing import Clock, open_desk
from tests.integrity import house
from tests.integrity.worker import Workers
from tests.stores import Sqlite, Stores

CUT = house.LATER - timedelta(days=27)
LATER_CUT = house.LATER - timedelta(days=1)
NOW = house.LATER + retention.KEPT
ROWS = [table_of(row).name for row in TABLES if table_of(row).name != "event"]


@pytest.fixture
def old(home: str) -> Iterator[Desk]:
    """The house, when all of it is old enough; bea, an admin, who founded nothing, is there."""
    with open_desk(home, operator="bea", clock=Clock(NOW)) as desk:
        yield desk


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "archives" / "old.jsonl"


def held(desk: Desk, *files: Path, head: Head | None = None) -> Verdict:
    read = [retention.read(file, [head.sequence] if head else []) for file in files]
    return desk.ask(audit.verify, archives=read, head=head)


def told(verdict: Verdict) -> str:
    return "; ".join(finding.what for finding in verdict.findings)


def test_old_events_move_and_both_parts_verify(old: Desk, file: Path) -> None:
    before, rows = old.head(), old.ask(audit.page, limit=1000).rows
    umask = os.umask(0)
    archived = keeping.archive(old, CUT, file)
    os.umask(umask)
    kept = old.ask(audit.page, limit=1000)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert [path.name for path in file.parent.iterdir()] == [file.name]
    assert kept.total == len(kept.rows) == before.sequence + 1 - archived.last
    assert kept.rows[1:] == tuple(event for event in rows if event.at >= CUT)
    assert kept.rows[0].sequence == before.sequence + 1
    assert audit.detail_of(kept.rows[0])["sha256"] == sha256(file.read_bytes()).hexdigest() == archived.digest
    verdict = held(old, file)
    assert told(verdict) == ""
    assert (verdict.events, verdict.archived) == (before.sequence + 1, archived.last)
    assert all(check.ok for check in keeping.check(old) if check.name in ("audit", "triggers", "integrity"))


def test_an_archive_verifies_without_botdesk(old: Desk, file: Path) -> None:
    keeping.archive(old, CUT, file)
    begin, *events, seal = (json.loads(line) for line in file.read_text("utf-8").splitlines())
    previous = begin["after"].split(":")[1]
    for event in events:
        kept = {key: value for key, value in event.items() if key not in ("previous", "hash")}
        canonical = json.dumps(kept, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        assert event["previous"] == previous
        previous = sha256((previous + canonical).encode()).hexdigest()
        assert event["hash"] == previous
    assert seal["sealed"].split(":")[:2] == [str(events[-1]["sequence"]), previous]
    assert seal["events"] == len(events)


def test_a_second_archive_goes_on_from_the_first(old: Desk, file: Path) -> None:
    two = file.with_name("two.jsonl")
    first, second = keeping.archive(old, CUT, file), keeping.archive(old, LATER_CUT, two)
    assert second.first == first.last + 1
    for files in ((), (file,), (two,), (two, file)):
        assert told(held(old, *files)) == ""
    old.run(accounts.create, "another-bot")
    assert told(held(old, two, file)) == ""
    with pytest.raises(Conflict, match="no event before"):
        keeping.archive(old, LATER_CUT, file.with_name("three.jsonl"))


def test_an_archive_that_only_a_later_one_tells_of_takes_that_one(old: Desk, file: Path) -> None:
    two = file.with_name("two.jsonl")
    keeping.archive(old, CUT, file)
    clock = old.clock
    assert isinstance(clock, Clock)
    clock.forward(retention.KEPT + timedelta(days=1))
    old.run(accounts.create, "another-bot")
    keeping.archive(old, clock.now - retention.KEPT, two)
    assert "nothing that is known here records it" in told(held(old, file))
    assert told(held(old, file, two)) == ""


@pytest.mark.parametrize("table", ROWS)
def test_a_row_that_only_archived_events_tell_of_is_held_all_the_same(old: Desk, file: Path, table: str) -> None:
    keeping.archive(old, LATER_CUT, file)
    column = {"setting": "value", "membership": "added_by", "grant": "given_by", "key": "comment"}.get(table, "label")
    column = {"token": "label", "dismissal": "reason"}.get(table, column if column != "label" else "added_by")
    column = {"migration": "started_by", "role": "description", "account": "description", "person": "full_name"}.get(
        table, column
    )
    with house.tampering(old.location) as sql:
        sql(f'UPDATE "{table}" SET "{column}" = "{column}" || \'x\'')
    assert "not as it was verified before" in told(held(old)) or table == "token", "the last event tells of one"
    assert not held(old).holds


def _refused(store: str, statement: str) -> None:
    refused = pytest.raises((pysqlite3.IntegrityError, psycopg.errors.RestrictViolation), match="events are never")
    with house.raw(store) as connection, refused:
        connection.execute(statement)


def test_the_triggers_let_go_of_nothing_but_what_is_archived(old: Desk, home: str, file: Path) -> None:
    for when in ("before", "after"):
        last = old.ask(audit.archived)
        _refused(home, f"DELETE FROM event WHERE sequence = {last + 1}")
        _refused(home, "DELETE FROM event")
        _refused(home, "UPDATE event SET actor = 'x'")
        if when == "before":
            keeping.archive(old, CUT, file)
    assert told(held(old, file)) == ""


def test_a_refused_archive_is_no_floor(old: Desk, home: str) -> None:
    with pytest.raises(AccessDenied), old.begin(actor="cleo") as tx:
        audit.require(tx, Action.AUDIT_ARCHIVED, last="1000", head="0" * 64, rows="0", first="1", sha256="0")
    assert old.ask(audit.archived) == 0
    _refused(home, "DELETE FROM event WHERE sequence = 1")


FORGED: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "more": lambda detail: detail | {"last": detail["last"] + 1},
    "fewer": lambda detail: detail | {"last": detail["last"] - 1},
    "another head": lambda detail: detail | {"head": "1" * 64},
    "other rows": lambda detail: detail | {"rows": f"{int(detail['rows'], 16) + 1:x}"},
    "another file": lambda detail: detail | {"sha256": "1" * 64},
    "nothing": lambda detail: {},
    "odd": lambda detail: detail | {"last": [1]},
}


@pytest.mark.parametrize("forged", FORGED)
def test_a_floor_that_was_forged_is_found(old: Desk, home: str, file: Path, forged: str) -> None:
    """By somebody who knows botdesk and chains the event anew."""
    keeping.archive(old, CUT, file)
    last = old.head().sequence
    with house.tampering(home) as sql:
        event = house.as_mapping(sql, "event", f"sequence = {last}")
        event["detail"] = audit.written(FORGED[forged](json.loads(event["detail"])))
        previous = event.pop("previous")
        del event["hash"]
        sql(
            f"UPDATE event SET detail = ?, hash = ? WHERE sequence = {last}",
            (event["detail"], chained(previous, event)),
        )
    assert told(held(old, file))


def test_a_floor_that_somebody_made_up_is_found(old: Desk, home: str, file: Path) -> None:
    """The triggers let what is below it go; but then the rest does not begin where it says."""
    head = old.head()
    with house.raw(home) as connection:
        detail = audit.written({"first": 1, "last": 20, "head": "1" * 64, "rows": "0", "sha256": "0", "to": "/nowhere"})
        columns = "at, actor_kind, actor_id, actor, action, outcome, source, detail, previous, hash"
        connection.execute(
            f"INSERT INTO event (sequence, {columns}) SELECT {head.sequence + 1}, at, 'system', 'system', 'system',"
            f" 'audit:archived', 'done', 'cli', '{detail}', hash, hash FROM event WHERE sequence = {head.sequence}"
        )
        connection.execute("DELETE FROM event WHERE sequence <= 20")
    found = held(old).findings
    assert found[0].sequence == 21
    assert not held(old, head=head).holds


@pytest.mark.parametrize("gone", ["the record of it", "the first that stays", "all that stays but the record"])
def test_events_that_were_never_archived_are_missed(old: Desk, home: str, file: Path, gone: str) -> None:
    archived = keeping.archive(old, CUT, file)
    last = old.head().sequence
    old.run(accounts.create, "another-bot")
    where = {
        "the record of it": f"= {last}",
        "the first that stays": f"= {archived.last + 1}",
        "all that stays but the record": f"BETWEEN {archived.last + 1} AND {last - 1}",
    }[gone]
    with house.tampering(home) as sql:
        sql(f"DELETE FROM event WHERE sequence {where}")
    assert told(held(old))


def _cut(lines: list[bytes]) -> list[bytes]:
    return lines[:-1]


DAMAGED: dict[str, Callable[[list[bytes]], list[bytes]]] = {
    "changed": lambda lines: [*lines[:5], lines[5].replace(b"test", b"tent"), *lines[6:]],
    "one gone": lambda lines: [*lines[:5], *lines[6:]],
    "two swapped": lambda lines: [*lines[:5], lines[6], lines[5], *lines[7:]],
    "no seal": _cut,
    "cut short": lambda lines: [*lines[:9], lines[-1]],
    "half a line": lambda lines: [*lines[:9], lines[9][:40]],
    "half a line in between": lambda lines: [*lines[:9], lines[9][:40] + b"\n", *lines[10:]],
    "more": lambda lines: [*lines, lines[-2]],
    "another seal": lambda lines: [*lines[:-1], lines[-1].replace(b'"sealed":"', b'"sealed":"1')],
    "another begin": lambda lines: [lines[0].replace(b"0:0000", b"0:0001"), *lines[1:]],
    "a column more": lambda lines: [*lines[:5], b'{"x":1,' + lines[5][1:], *lines[6:]],
    "spaces": lambda lines: [*lines[:5], lines[5].replace(b'","', b'", "'), *lines[6:]],
    "nothing": lambda lines: [],
    "odd numbers": lambda lines: [*lines[:5], lines[5].replace(b'"sequence":5', b'"sequence":[5]'), *lines[6:]],
    "endless numbers": lambda lines: [lines[0].replace(b'"last":', b'"last":1e999,"x":'), *lines[1:]],
    "no text": lambda lines: [b"\xff\xfe\x00", *lines],
    "deep": lambda lines: [lines[0], b"[" * 100_000 + b"\n", *lines[1:]],
}


def test_a_damaged_archive_is_found(old: Desk, file: Path) -> None:
    keeping.archive(old, CUT, file)
    lines = file.read_bytes().splitlines(keepends=True)
    for what, damage in DAMAGED.items():
        file.write_bytes(b"".join(damage(list(lines))))
        assert told(held(old, file)), what
        if what != "spaces":
            assert retention.read(file).findings, what
    file.write_bytes(b"".join(lines))
    assert told(held(old, file)) == ""


def test_an_archive_of_another_desk_is_found(old: Desk, file: Path, template: str, stores: Stores) -> None:
    keeping.archive(old, CUT, file)
    (file.parent / "other").mkdir(mode=0o700)
    other = stores.copy(template, file.parent / "other")
    try:
        with open_desk(other, operator="bea", clock=Clock(NOW)) as desk:
            assert "nothing that is known here records it" in told(held(desk, file)), "it was never archived there"
            keeping.archive(desk, LATER_CUT, file.with_name("other.jsonl"))
            assert not held(desk, file).holds
    finally:
        stores.drop(other)


def test_a_head_that_was_kept_is_held_by_the_archive_that_it_lies_in(old: Desk, file: Path) -> None:
    with old.read() as tx:
        heads = [Head(sequence, str(audit.hash_at(tx, sequence))) for sequence in range(1, old.head().sequence + 1)]
    archived = keeping.archive(old, CUT, file)
    for head in (heads[0], heads[archived.last - 2]):
        assert "in an archive" in told(held(old, head=head))
        assert told(held(old, file, head=head)) == ""
        assert not held(old, file, head=Head(head.sequence, "1" * 64)).holds
        assert not old.holds(head)
    for head in heads[archived.last - 1 : archived.last + 1]:
        assert told(held(old, head=head)) == ""
        assert not held(old, head=Head(head.sequence, "1" * 64)).holds
        assert old.holds(head)


def test_what_was_verified_before_goes_on_after_an_archive(old: Desk, file: Path) -> None:
    since = [old.ask(audit.verify).footing]
    with old.read() as tx:
        first = Head(5, str(audit.hash_at(tx, 5)))
    archived = keeping.archive(old, CUT, file)
    assert since[0]
    verdict = old.ask(audit.verify, since=since[0])
    assert (told(verdict), verdict.after, verdict.archived) == ("", since[0].head.sequence, archived.last)
    early = audit.Footing(first, 0)
    assert "in an archive" in told(old.ask(audit.verify, since=early))
    assert told(old.ask(audit.verify, since=early, archives=[retention.read(file, [5])])) == ""


def test_what_cannot_be_archived_is_left_as_it_was(old: Desk, home: str, file: Path, tmp_path: Path) -> None:
    def refused(error: type[Exception], match: str, path: Path = file, before: datetime = CUT) -> None:
        with pytest.raises(error, match=match):
            keeping.archive(old, before, path)

    contents = house.contents(home)
    refused(InvalidInput, "the last 90 days stay", before=NOW - retention.KEPT + timedelta(seconds=1))
    refused(Conflict, "no event before", before=CUT - timedelta(days=400))
    (tmp_path / "there").write_text("mine")
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    for name in ("there", "link"):
        refused(Conflict, "is there already", path=tmp_path / name)
    refused(InvalidInput, "cannot be written", path=tmp_path / "there" / "old.jsonl")
    with house.tampering(home) as sql:
        sql("UPDATE event SET source = 'elsewhere' WHERE sequence = 9")
    refused(AuditBroken, "the event was changed")
    with house.tampering(home) as sql:
        sql("UPDATE event SET source = 'test' WHERE sequence = 9")
    if "://" in home:
        with house.raw(home) as connection:
            connection.execute("REVOKE DELETE ON event FROM desk")
        refused(StoreError, "may not")
    assert house.contents(home) == contents
    assert not list(tmp_path.glob("archives/*"))
    assert (tmp_path / "there").read_text() == "mine"
    with pytest.raises(AccessDenied), open_desk(home, operator="ben", clock=Clock(NOW)) as desk:
        keeping.archive(desk, CUT, file)
    (denied,) = old.ask(audit.page, Filter(action="audit:archived")).rows
    assert (denied.actor, denied.outcome) == ("ben", audit.Outcome.DENIED)


def test_what_looks_back_says_that_older_facts_are_in_the_archive(old: Desk, file: Path) -> None:
    with old.read() as tx:
        token = house.token(tx, "active")
    before = old.ask(leaving.preview, "ada").handed
    assert before
    seen = 10
    keeping.archive(old, LATER_CUT, file)
    assert old.ask(audit.kept_since) == house.LATER
    assert [line.token.id for line in old.ask(leaving.preview, "ada").handed] == [line.token.id for line in before]
    with pytest.raises(Conflict, match="in an archive by now"):
        old.run(accounts.modify, "nightly-build", description="x", seen=seen)
    assert old.ask(uses.without, "nightly-build", ["deploy:write"], within=timedelta(days=400)).since == house.LATER
    assert old.ask(uses.of_token, token.id)
    assert old.ask(tokens.line, token.id).token.last_used_at == token.last_used_at


def test_a_clock_that_ran_ahead_once_keeps_nothing_from_the_archive(home: str, file: Path) -> None:
    clock = Clock(house.LATER + timedelta(days=4000))
    with open_desk(home, operator="bea", clock=clock) as desk:
        desk.run(accounts.create, "from-the-future")
        clock.now = NOW + timedelta(days=1)
        desk.run(accounts.create, "from-the-present")
        clock.forward(retention.KEPT)
        stuck = desk.ask(retention.plan, clock.now - retention.KEPT).last
        desk.run(audit.accept_clock)
        clock.forward(retention.KEPT)
        archived = keeping.archive(desk, clock.now - retention.KEPT, file)
        assert archived.last > stuck + 1
        assert told(held(desk, file)) == ""


def test_a_desk_with_an_archive_moves_and_is_backed_up(old: Desk, file: Path, tmp_path: Path) -> None:
    keeping.archive(old, CUT, file)
    (tmp_path / "to").mkdir(mode=0o700)
    keeping.move(old, tmp_path / "to" / "botdesk.db")
    moved = [tmp_path / "to" / "botdesk.db"]
    if "://" not in old.location:
        moved.append(keeping.backup(old, tmp_path / "backup.db"))
    for store in moved:
        with open_desk(store, operator="bea", clock=Clock(NOW)) as desk:
            assert told(held(desk, file)) == ""
            keeping.archive(desk, LATER_CUT, tmp_path / f"{store.stem}-two.jsonl")
            assert told(held(desk, file, tmp_path / f"{store.stem}-two.jsonl")) == ""


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("large") / "desk" / "botdesk.db"
    make_desk.make(path, accounts=50, events=6000)
    return path


def test_killed_while_it_lets_go_all_holds_and_the_next_one_goes_on(
    large: Path, workers: Workers, tmp_path: Path
) -> None:
    before, end = datetime.now(UTC) - timedelta(days=180), datetime.now(UTC) - timedelta(days=100)
    for kill_at in (1, 2):
        folder = tmp_path / str(kill_at)
        folder.mkdir(mode=0o700)
        store, file = Path(Sqlite().copy(str(large), folder)), folder / "old.jsonl"
        args = {"store": store, "to": file, "before": before.isoformat(), "kill_at": kill_at}
        assert workers.run("archive", **args).code == -signal.SIGKILL
        with open_desk(store, operator="person-00", clock=lambda: datetime.now(UTC)) as desk:
            with desk.read() as tx:
                left = audit.archived(tx) + 1 - min(event.sequence for event in audit.page(tx, oldest_first=True).rows)
            assert left > 0
            assert told(held(desk, file)) == ""
            with house.tampering(store) as sql:
                sql(f"DELETE FROM event WHERE sequence = {desk.archived() - 1}")
            assert told(held(desk, file)), "what is left is held, too"
        store.unlink()
        shutil.copy(large, store)
        file.unlink()
        assert workers.run("archive", **args).code == -signal.SIGKILL
        with open_desk(store, operator="person-00", clock=lambda: datetime.now(UTC)) as desk:
            keeping.archive(desk, end, folder / "two.jsonl")
            page = desk.ask(audit.page, oldest_first=True, limit=1)
            assert page.rows[0].sequence == desk.archived() + 1
            assert told(held(desk, file, folder / "two.jsonl")) == ""


def _all_lines(tx: Transaction, form: str, until: int, folder: Path) -> None:
    if form != "archive":
        assert sum(1 for _ in audit.export(tx, form=form, until=until)) >= until
        return
    planned = replace(retention.plan(tx, tx.now - retention.KEPT), last=until)
    with retention.new_file(folder / f"{until}.jsonl") as opened:
        retention.write(tx, planned, opened)
    assert retention.read(folder / f"{until}.jsonl").findings == []


@pytest.mark.parametrize("form", ["jsonl", "csv", "archive"])
def test_what_is_written_takes_no_more_memory_for_more_events(large: Path, tmp_path: Path, form: str) -> None:
    peaks = []
    with open_desk(large, operator="person-00", clock=lambda: datetime.now(UTC)) as desk, desk.read() as tx:
        for until in (200, 1800, 5000):
            tracemalloc.start()
            _all_lines(tx, form, until, tmp_path)
            peaks.append(tracemalloc.get_traced_memory()[1])
            tracemalloc.stop()
    assert peaks[2] < 1.3 * peaks[1]


def test_people_may_go_on_while_events_are_let_go_of(large: Path, tmp_path: Path) -> None:
    (tmp_path / "desk").mkdir(mode=0o700)
    store = Path(Sqlite().copy(str(large), tmp_path / "desk"))
    added: list[int] = []

    def step(what: str, done: int, total: int) -> None:
        with open_desk(store, operator="person-01", clock=lambda: datetime.now(UTC), seed=len(added) + 9) as other:
            other.run(people.add, f"eve-{len(added)}", standing=Standing.MEMBER)
            added.append(other.head().sequence)

    with open_desk(store, operator="person-00", clock=lambda: datetime.now(UTC)) as desk:
        keeping.archive(desk, datetime.now(UTC) - timedelta(days=180), tmp_path / "old.jsonl", progress=step)
        assert len(added) > 2
        assert told(held(desk, tmp_path / "old.jsonl")) == ""
