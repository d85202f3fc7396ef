"""A verification that goes on from where an earlier one ended finds the same in what is newer, and in every row."""

import json
import stat
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from benchmarks import make_desk
from sqlalchemy import URL

from botdesk import accounts, audit, keeping, statefile, verified
from botdesk.audit import Footing, Head, Verdict
from botdesk.desk import Desk
from botdesk.store import walk
from botdesk.store.chain import NOTHING
from botdesk.store.companion import Companion
from botdesk.store.digest import table_of
from botdesk.store.tables import TABLES
from botdesk.testing import open_desk
from tests.integrity import house

ROWS = [table_of(row).name for row in TABLES if table_of(row).name != "event"]


def footing(desk: Desk) -> Footing:
    found = desk.ask(audit.verify).footing
    assert found
    return found


def resumed(desk: Desk, since: Footing) -> Verdict:
    return desk.ask(audit.verify, since=since)


def execute(store: Path, *statements: str) -> None:
    with house.tampering(store) as sql:
        for statement in statements:
            sql(statement)


def test_only_newer_events_are_walked_and_the_head_is_the_same(auditing: Desk) -> None:
    since = footing(auditing)
    auditing.run(accounts.create, "another-bot")
    auditing.run(accounts.modify, "nightly-build", description="builds at night")
    auditing.run(accounts.remove, "claude-bot", reason="gone")
    verdict = resumed(auditing, since)
    assert verdict.findings == ()
    assert verdict.after == since.head.sequence
    assert verdict == Verdict(
        **{name: getattr(auditing.ask(audit.verify), name) for name in ("events", "head", "findings", "footing")},
        after=since.head.sequence,
    )


def test_nothing_new_is_no_work(auditing: Desk) -> None:
    since = footing(auditing)
    assert resumed(auditing, since) == Verdict(since.head.sequence, since.head, (), since.head.sequence, since)


@pytest.mark.parametrize("table", ROWS)
def test_a_row_that_no_newer_event_tells_of_is_held_all_the_same(store: Path, auditing: Desk, table: str) -> None:
    since = footing(auditing)
    auditing.run(accounts.create, "another-bot")
    with house.tampering(store) as sql:
        (row, *_), column = (
            sql(f'SELECT rowid FROM "{table}" ORDER BY rowid DESC LIMIT 1').fetchone(),
            {"setting": "value", "membership": "added_by", "grant": "given_by", "key": "comment"}.get(table, "id"),
        )
        sql(f'UPDATE "{table}" SET "{column}" = "{column}" || \'x\' WHERE rowid = {row}')
    verdict = resumed(auditing, since)
    assert not verdict.holds
    assert verdict.after == 0, "all of it is walked, to tell what it is"
    execute(store, f'DELETE FROM "{table}" WHERE rowid = {row}')
    assert not resumed(auditing, since).holds


def test_a_row_changed_by_sql_is_found_though_a_newer_event_covers_it(store: Path, auditing: Desk) -> None:
    since = footing(auditing)
    execute(store, "UPDATE account SET scopes = 'everything' WHERE name = 'nightly-build'")
    auditing.run(accounts.modify, "nightly-build", description="as if nothing had been")
    (finding,) = resumed(auditing, since).findings
    assert finding.sequence == auditing.head().sequence
    assert "was changed before this event without one" in finding.what


@pytest.mark.parametrize("place", ["last", "before"])
def test_a_changed_newer_event_is_found(store: Path, auditing: Desk, place: str) -> None:
    since = footing(auditing)
    auditing.run(accounts.create, "another-bot")
    auditing.run(accounts.create, "third-bot")
    sequence = auditing.head().sequence - (place == "before")
    execute(store, f"UPDATE event SET source = 'elsewhere' WHERE sequence = {sequence}")
    assert [finding.sequence for finding in resumed(auditing, since).findings] == [sequence]


def test_a_history_that_was_cut_short_or_written_anew_is_found(store: Path, auditing: Desk) -> None:
    since = footing(auditing)
    newest = since.head.sequence
    execute(store, f"UPDATE event SET hash = '{'f' * 64}' WHERE sequence = {newest}")
    told = [finding.what for finding in resumed(auditing, since).findings]
    assert "the event has another hash than the head that was kept" in told
    execute(store, f"DELETE FROM event WHERE sequence = {newest}")
    told = [finding.what for finding in resumed(auditing, since).findings]
    assert any("it was cut short" in what for what in told)


def test_an_event_from_before_is_held_only_by_a_walk_from_the_start(store: Path, auditing: Desk) -> None:
    since = footing(auditing)
    execute(store, "UPDATE event SET source = 'elsewhere' WHERE sequence = 5")
    assert resumed(auditing, since).holds
    assert [finding.sequence for finding in auditing.ask(audit.verify).findings] == [5]


def test_a_head_from_before_that_is_asked_for_is_walked_to(auditing: Desk) -> None:
    since = footing(auditing)
    with auditing.read() as tx:
        earlier = Head(5, str(audit.hash_at(tx, 5)))
        assert audit.verify(tx, head=earlier, since=since).after == 0
        assert not audit.verify(tx, head=Head(5, "0" * 64), since=since).holds


@pytest.mark.parametrize("changed", [3, 9])
def test_a_history_written_anew_does_not_pass_for_what_was_verified_before(
    store: Path, auditing: Desk, changed: int
) -> None:
    since = footing(auditing)
    with auditing.read() as tx:
        earlier = Head(2, str(audit.hash_at(tx, 2)))
    house.rewrite(store, lambda event: event | {"source": "forged"} if event["sequence"] == changed else event)
    with auditing.read() as tx:
        assert audit.verify(tx, head=earlier).holds, "it is consistent in itself"
        for head, from_start in ((None, False), (None, True), (earlier, False), (earlier, True)):
            verdict = audit.verify(tx, head=head, since=since, from_start=from_start)
            assert [finding.sequence for finding in verdict.findings] == [since.head.sequence]
            assert verdict.footing is None


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("large") / "desk" / "botdesk.db"
    make_desk.make(path, accounts=100, events=verified.WORTHWHILE + 1000)
    return path


@pytest.fixture
def opened(large: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    monkeypatch.setenv("BOTDESK_STATE_DIR", str(tmp_path / "state"))
    with open_desk(large, operator="person-00") as desk:
        yield desk


def test_two_processes_find_what_one_does(opened: Desk) -> None:
    told: list[tuple[int, int]] = []
    with opened.read() as tx:
        alone = walk.verify(tx.session)
        assert walk.verify(tx.session, progress=lambda *far: told.append(far), large=1000) == alone
    assert alone.holds
    assert {of for _, of in told} == {alone.events}
    assert max(done for done, _ in told) <= alone.events


def test_the_other_process_walks_its_stretch_and_one_that_finds_anything_is_not_believed(
    opened: Desk, large: Path, tmp_path: Path
) -> None:
    url, last = URL.create("sqlite", database=str(large)), opened.head()
    with Companion(url, NOTHING, last.sequence) as companion:
        found = companion.result(lambda: None)
    assert found
    assert (found.last, found.events) == (last, last.sequence)
    for path, begin in ((large, Head(50, "0" * 64)), (tmp_path / "none.db", NOTHING)):
        with Companion(URL.create("sqlite", database=str(path)), begin, last.sequence) as companion:
            assert companion.result(lambda: None) is None


@pytest.mark.parametrize("program", ["exit 1", "exec cat /dev/null", "echo no number", "exec <&-; exit 0"])
def test_another_process_that_fails_at_once_is_passed_over_in_silence(
    opened: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, program: str
) -> None:
    failing = tmp_path / "python"
    failing.write_text(f"#!/bin/sh\n{program}\n")
    failing.chmod(0o700)
    monkeypatch.setattr(sys, "executable", str(failing))
    fallen: list[object] = []
    monkeypatch.setattr(threading, "excepthook", fallen.append)
    with opened.read() as tx:
        assert walk.verify(tx.session, large=1000).holds
    assert fallen == []


@pytest.mark.parametrize("part", [0.25, 0.75])
def test_two_processes_name_the_event_that_was_changed(opened: Desk, large: Path, part: float) -> None:
    sequence = int(verified.WORTHWHILE * part)
    change = f"UPDATE event SET detail = {{}} WHERE sequence = {sequence}"
    with house.raw(large) as connection:
        (old,) = connection.execute(f"SELECT detail FROM event WHERE sequence = {sequence}").fetchone()
    execute(large, change.format("'{}'"))
    try:
        with opened.read() as tx:
            findings = walk.verify(tx.session, large=1000).findings
        assert [finding.sequence for finding in findings] == [sequence]
    finally:
        execute(large, change.format(f"'{old}'"))


def test_whoever_is_told_how_far_it_is_can_end_it(opened: Desk) -> None:
    class Enough(Exception):
        pass

    def enough(*_: int) -> None:
        raise Enough

    with opened.read() as tx:
        for least in (1000, walk.LARGE):
            with pytest.raises(Enough):
                walk.verify(tx.session, progress=enough, large=least)
        assert audit.head(tx) == opened.head()


def test_a_desk_keeps_how_far_its_operator_verified_in_the_state_folder(opened: Desk, tmp_path: Path) -> None:
    kept = tmp_path / "state" / verified.FILE
    first = keeping.verify(opened)
    assert first.after == 0
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert keeping.verify(opened).after == first.events
    assert keeping.verify(opened, from_start=True).after == 0
    for lost in ("", "[]", "{", json.dumps({opened.location: "1:2:3"}), json.dumps({opened.location: 7})):
        kept.write_text(lost)
        assert keeping.verify(opened) == first
    assert keeping.verify(opened).after == first.events


def test_a_desk_that_is_no_more_what_it_was_verified_as_is_walked_from_the_start(opened: Desk, tmp_path: Path) -> None:
    keeping.verify(opened)
    kept = tmp_path / "state" / verified.FILE
    kept.write_text(kept.read_text().replace(opened.head().hash, "0" * 64))
    verdict = keeping.verify(opened)
    assert [finding.what for finding in verdict.findings] == ["the event has another hash than the head that was kept"]
    assert keeping.verify(opened) == verdict, "what was not found whole is not kept"


def test_what_was_verified_is_forgotten_only_when_told_so(opened: Desk, tmp_path: Path) -> None:
    keeping.verify(opened)
    kept = tmp_path / "state" / verified.FILE
    told = kept.read_text().replace(opened.head().hash, "0" * 64)
    kept.write_text(told)
    earlier = opened.ask(lambda tx: Head(5, str(audit.hash_at(tx, 5))))
    for verdict in (
        keeping.verify(opened),
        keeping.verify(opened, from_start=True),
        keeping.verify(opened, head=earlier),
    ):
        assert not verdict.holds
    assert not keeping.verify(opened, forget=True, head=Head(5, "0" * 64)).holds
    assert kept.read_text() == told, "what did not verify is evidence"
    assert keeping.verify(opened, forget=True).holds
    assert keeping.verify(opened).after == opened.head().sequence


def test_a_short_history_is_forgotten_too(auditing: Desk, tmp_path: Path) -> None:
    auditing.settings = replace(auditing.settings, state_dir=tmp_path / "state")
    verified.save(auditing.settings.state_dir, auditing.location, Footing(Head(10**6, "0" * 64)))
    verified.save(auditing.settings.state_dir, "another", Footing())
    heads = {auditing.location: f"9:{'0' * 64}", "another": f"7:{'0' * 64}"}
    statefile.write(auditing.settings.state_dir / statefile.MEMORY, {"theme": "dusk", "heads": heads})
    (finding,) = keeping.verify(auditing, from_start=True).findings
    assert "it was cut short" in finding.what
    assert keeping.verify(auditing, forget=True).holds
    assert keeping.verify(auditing).holds
    assert verified.load(auditing.settings.state_dir, "another") == Footing()
    remembered = statefile.read(auditing.settings.state_dir / statefile.MEMORY)
    assert remembered == {"theme": "dusk", "heads": {"another": f"7:{'0' * 64}"}}
