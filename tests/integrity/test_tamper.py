"""Whatever is changed behind botdesk's back, `audit.verify` finds it.

The columns are those of the tables' metadata: a new one is tampered with, too, and fails here until it is bound.
"""

import contextlib
import json
from collections.abc import Iterator
from hashlib import sha256
from itertools import pairwise
from pathlib import Path
from typing import Any

import psycopg
import pysqlite3
import pytest

from botdesk import accounts, audit, keeping, tokens
from botdesk.audit import Head, Verdict
from botdesk.desk import Desk
from botdesk.errors import BotdeskError, SchemaMismatch, StoreError
from botdesk.store.digest import GENESIS, chained, digest, raw, stored, table_of
from botdesk.store.tables import TABLES
from botdesk.testing import open_desk
from botdesk.tokens import TokenState
from tests.integrity import house

NAMES = [table_of(row).name for row in TABLES]
COLUMNS = [(table_of(row).name, column.name) for row in TABLES for column in table_of(row).columns]
ROWS = [name for name in NAMES if name != "event"]
BOUND_BY_OPENING = {"alembic_version"}
"""The tables that are no part of the audit: what is wrong in them is found when the store is opened."""

VALUES = (
    "{column} || 'x'",
    "(SELECT other.{column} FROM {table} AS other WHERE other.{column} IS NOT {table}.{column} LIMIT 1)",
    "'another'",
    "''",
    "7",
    "-99",
    "0.5",
    "9e999",
    "123456",
    "{column} + 1",
    "NULL",
    "x''",
    "CAST({column} AS BLOB)",
    "CAST({column} || x'00' || 'tail' AS TEXT)",
    "CAST(x'ff' AS TEXT)",
)
"""What a value is changed to, as SQL."""

FEW_VALUES = (
    "{column} || 'x'",
    "(SELECT other.{column} FROM {table} AS other WHERE other.{column} <> {table}.{column} LIMIT 1)",
    "{column} + 1",
    "{column} + 1000000",
    "'another'",
    "NULL",
)
"""What a value is changed to where only what is of its type and length gets into a column at all."""

each_column = pytest.mark.parametrize(("table", "column"), COLUMNS, ids=[".".join(names) for names in COLUMNS])
each_table = pytest.mark.parametrize("table", NAMES)
each_row_table = pytest.mark.parametrize("table", ROWS)


def verified(desk: Desk, kept: Head | None = None) -> Verdict:
    return desk.ask(audit.verify, head=kept)


def execute(home: str | Path, *statements: str) -> None:
    with house.tampering(home) as sql:
        for statement in statements:
            sql(statement)


@contextlib.contextmanager
def changed(home: str, table: str, column: str, row: Any, value: str) -> Iterator[bool]:
    """Change one value and put it back at the end; gives whether the store took a new value."""
    table, column = f'"{table}"', f'"{column}"'
    with house.raw(home) as connection, connection.unguarded():
        sql, at = connection.execute, connection.place
        read = f"SELECT {connection.exactly(column)} FROM {table} WHERE {at} = ?"
        (old,) = sql(f"SELECT {column} FROM {table} WHERE {at} = ?", (row,)).fetchone()
        before = sql(read, (row,)).fetchone()
        try:
            to = value.format(table=table, column=column)
            (now,) = sql(f"UPDATE {table} SET {column} = {to} WHERE {at} = ? RETURNING {at}", (row,)).fetchone()
        except (pysqlite3.IntegrityError, psycopg.Error):
            now = row
        took = sql(read, (now,)).fetchone() != before
    try:
        yield took
    finally:
        with house.tampering(home) as sql:
            sql(f"UPDATE {table} SET {column} = ? WHERE {at} = ?", (old, now))


def test_the_furnished_desk_verifies(auditing: Desk) -> None:
    assert verified(auditing).findings == ()


def test_every_table_of_the_store_is_bound(home: str) -> None:
    assert set(house.tables(home)) == {*NAMES, *BOUND_BY_OPENING}


@each_column
def test_there_is_a_value_to_change_and_a_null_to_fill(home: str, table: str, column: str) -> None:
    with house.raw(home) as connection:
        found = connection.execute(f'SELECT count("{column}"), count(*) FROM "{table}"').fetchone()
    filled, rows = found
    assert filled > 0
    assert (filled < rows) is bool(table_of(_row_class(table)).columns[column].nullable)


@each_column
def test_every_changed_value_is_found(home: str, auditing: Desk, table: str, column: str) -> None:
    done, values = 0, VALUES if auditing.mode == "solo" else FEW_VALUES
    for value in values:
        for row in _targets(home, table, column):
            with changed(home, table, column, row, value) as took:
                if took:
                    done += 1
                    assert not verified(auditing).holds, f"row {row} set to {value}"
    assert done >= (3 if values is VALUES else 1)
    assert verified(auditing).holds


def _targets(home: str, table: str, column: str) -> list[Any]:
    """A row with a value and one without, but not bea's own: she verifies."""
    with house.raw(home) as connection:
        mine = "name <> 'bea'" if table == "person" else "true"
        found = [
            connection.execute(
                f'SELECT {connection.place} FROM "{table}" WHERE "{column}" IS {what} AND {mine}'
                f" ORDER BY {connection.place} DESC LIMIT 1"
            ).fetchone()
            for what in ("NULL", "NOT NULL")
        ]
    return [row[0] for row in found if row]


@each_table
def test_the_digest_binds_every_column(auditing: Desk, table: str) -> None:
    with auditing.read() as tx:
        values, *_ = raw(tx.session, table_of(_row_class(table)))

    def bound(row: dict[str, Any]) -> str:
        return chained(GENESIS, row) if table == "event" else digest(table, row)

    assert set(values) == {name for of, name in COLUMNS if of == table}
    for column, value in values.items():
        assert bound({**values, column: f"{value}x"}) != bound(values), column
        assert bound({**values, column: 7}) != bound(values), column
        assert bound({**values, column: b"x"}) != bound({**values, column: "b'x'"}), column


def _row_class(table: str) -> Any:
    return next(row for row in TABLES if table_of(row).name == table)


@each_table
def test_a_row_is_bound_as_the_store_keeps_it(auditing: Desk, table: str) -> None:
    with auditing.read() as tx:
        kept = list(raw(tx.session, table_of(_row_class(table))))
        key = [column.name for column in table_of(_row_class(table)).primary_key]
        assert kept
        for values in kept:
            row = tx.session.get_one(_row_class(table), tuple(values[name] for name in key))
            assert stored(row) == values


@each_row_table
def test_every_deleted_row_is_found(store: Path, auditing: Desk, table: str) -> None:
    for row in _rowids(store, table, but_not="bea"):
        with _gone(store, table, row):
            assert not verified(auditing).holds, f"row {row}"
    assert verified(auditing).holds


def test_every_deleted_event_but_the_last_is_found(store: Path, auditing: Desk) -> None:
    for sequence in _rowids(store, "event")[:-1]:
        with _gone(store, "event", sequence):
            found = verified(auditing).findings
            assert found, f"event {sequence}"
            assert found[0].sequence == sequence + 1
    assert verified(auditing).holds


def _rowids(store: Path, table: str, but_not: str = "") -> list[int]:
    with house.raw(store) as connection:
        condition = f"WHERE name <> '{but_not}'" if table == "person" else ""
        return [row[0] for row in connection.execute(f'SELECT rowid FROM "{table}" {condition} ORDER BY rowid')]


@contextlib.contextmanager
def _gone(store: Path, table: str, row: int) -> Iterator[dict[str, Any]]:
    """Take a row away and put it back at the end; gives its values by their quoted names, rowid first."""
    with house.tampering(store) as sql:
        values = sql(f'SELECT rowid, * FROM "{table}" WHERE rowid = ?', (row,)).fetchone()
        names = ["rowid", *(f'"{column[1]}"' for column in sql(f"PRAGMA table_info('{table}')"))]
        sql(f'DELETE FROM "{table}" WHERE rowid = ?', (row,))
    taken = dict(zip(names, values, strict=True))
    yield dict(taken)
    _put(store, table, taken)


@each_row_table
def test_two_rows_that_changed_places_are_found(store: Path, auditing: Desk, table: str) -> None:
    keys = {column.name for column in table_of(_row_class(table)).primary_key}
    rest = [f'"{name}"' for of, name in COLUMNS if of == table and name not in keys]
    swapped = 0
    for one, two in pairwise(_rowids(store, table, but_not="bea")):
        with _gone(store, table, one) as first, _gone(store, table, two) as second:
            if _values(first, rest) == _values(second, rest):
                continue
            swapped += 1
            _put(store, table, first | {name: second[name] for name in rest})
            _put(store, table, second | {name: first[name] for name in rest})
            assert not verified(auditing).holds, f"rows {one} and {two}"
            execute(store, *(f'DELETE FROM "{table}" WHERE rowid = {row}' for row in (one, two)))
    assert swapped
    assert verified(auditing).holds


def _values(row: dict[str, Any], names: list[str]) -> list[Any]:
    return [row[name] for name in names]


def _put(store: Path, table: str, row: dict[str, Any]) -> None:
    with house.tampering(store) as sql:
        sql(f'INSERT INTO "{table}" ({", ".join(row)}) VALUES ({", ".join("?" * len(row))})', tuple(row.values()))


@each_row_table
def test_an_inserted_row_is_found(store: Path, auditing: Desk, table: str) -> None:
    columns = [name for of, name in COLUMNS if of == table]
    keys = {column.name for column in table_of(_row_class(table)).primary_key}
    unique = {"name", "account_id", "digest"}
    copied = ", ".join(f"\"{name}\" || 'x'" if name in keys | unique else f'"{name}"' for name in columns)
    names = ", ".join(f'"{name}"' for name in columns)
    execute(store, f'INSERT INTO "{table}" ({names}) SELECT {copied} FROM "{table}" ORDER BY rowid LIMIT 1')
    assert [finding.what for finding in verified(auditing).findings if "no event tells of it" in finding.what]


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE token SET revoked_at = NULL, revoked_reason = NULL WHERE label = 'revoked'",
        "UPDATE token SET expires_at = NULL WHERE label = 'expired'",
        "UPDATE token SET delivered_at = issued_at WHERE label = 'pending'",
        "UPDATE account SET disabled_at = NULL, disabled_reason = NULL WHERE name = 'metrics-ingest'",
        "UPDATE account SET owned_by = (SELECT id FROM person WHERE name = 'ben') WHERE name = 'nightly-build'",
        "UPDATE person SET standing = 'admin' WHERE name = 'ben'",
        "UPDATE \"grant\" SET level = 'manage' WHERE level = 'view'",
        'INSERT INTO "grant" (id, account_id, person_id, level, given_at, given_by)'
        " SELECT 'gra_0000000000', account.id, person.id, 'manage', account.created_at, account.created_by"
        " FROM account, person WHERE account.name = 'claude-bot' AND person.name = 'ben'",
        "INSERT INTO membership SELECT role.id, person.id, role.created_at, role.created_by"
        " FROM role, person WHERE role.name = 'data-ops' AND person.name = 'ben'",
        "UPDATE setting SET value = replace(value, 'a', 'b') WHERE key = 'mint_key'",
        "INSERT INTO setting VALUES ('mint_key_2', '00')",
    ],
    ids=lambda statement: " ".join(statement.split()[:4]),
)
def test_what_an_intruder_would_change_is_found(home: str, auditing: Desk, statement: str) -> None:
    execute(home, statement)
    assert not verified(auditing).holds


def test_a_token_revived_by_sql_works_but_is_found(home: str, auditing: Desk) -> None:
    with auditing.read() as tx:
        dead = house.token(tx, "revoked").id
    execute(home, f"UPDATE token SET revoked_at = NULL, revoked_reason = NULL WHERE id = '{dead}'")
    with auditing.read() as tx:
        assert tokens.state(tokens.find(tx, dead), tx.now) in {TokenState.ACTIVE, TokenState.EXPIRED}
    assert [finding.what for finding in verified(auditing).findings] == [
        f"the token {dead} is not as its last event left it"
    ]


def test_a_row_that_was_changed_by_sql_is_found_though_botdesk_changed_it_since(home: str, auditing: Desk) -> None:
    execute(home, "UPDATE account SET scopes = 'admin:all' WHERE name = 'nightly-build' AND removed_at IS NULL")
    auditing.run(accounts.modify, "nightly-build", description="as before")
    assert "was changed before this event without one" in verified(auditing).findings[0].what


@pytest.mark.parametrize("columns", ["at, detail, hash, previous", "hash", "previous", "hash, previous", "detail"])
def test_two_swapped_events_are_found(home: str, auditing: Desk, columns: str) -> None:
    names = columns.split(", ")
    with house.tampering(home) as sql:
        one, two = (sql(f"SELECT {columns} FROM event WHERE sequence = ?", (place,)).fetchone() for place in (20, 30))
        to = ", ".join(f"{name} = ?" for name in names)
        sql(f"UPDATE event SET {to} WHERE sequence = 20", two)
        sql(f"UPDATE event SET {to} WHERE sequence = 30", one)
    assert verified(auditing).findings[0].sequence == 20


def test_two_events_that_changed_places_are_found(home: str, auditing: Desk) -> None:
    execute(
        home,
        "UPDATE event SET sequence = -1 WHERE sequence = 20",
        "UPDATE event SET sequence = 20 WHERE sequence = 21",
        "UPDATE event SET sequence = 21 WHERE sequence = -1",
    )
    assert verified(auditing).findings[0].sequence == 20


def test_an_event_that_was_rewritten_with_its_own_hash_is_found_by_the_one_after_it(home: str, auditing: Desk) -> None:
    with house.tampering(home) as sql:
        event = house.as_mapping(sql, "event", "sequence = 20") | {"actor": "eve"}
        previous, _ = event.pop("previous"), event.pop("hash")
        sql("UPDATE event SET actor = 'eve', hash = ? WHERE sequence = 20", (chained(previous, event),))
    assert verified(auditing).findings[0].sequence == 21


COPY = "SELECT {sequence}, " + ", ".join(f'"{name}"' for of, name in COLUMNS if of == "event" and name != "sequence")


@pytest.mark.parametrize("place", [0, 1, 25])
def test_an_event_put_in_between_is_found(home: str, auditing: Desk, place: int) -> None:
    execute(
        home,
        f"UPDATE event SET sequence = -sequence WHERE sequence >= {place}",
        "UPDATE event SET sequence = 1 - sequence WHERE sequence < 0",
        f"INSERT INTO event {COPY.format(sequence=place)} FROM event WHERE sequence = 10",
    )
    assert verified(auditing).findings[0].sequence == place


def test_an_event_put_at_the_end_is_found(home: str, auditing: Desk) -> None:
    last = verified(auditing).head.sequence
    execute(home, f"INSERT INTO event {COPY.format(sequence=last + 1)} FROM event WHERE sequence = {last}")
    assert verified(auditing).findings[0].sequence == last + 1


@pytest.mark.parametrize("place", [1, 2, 25])
def test_a_deleted_event_is_found_though_the_rest_moved_up(home: str, auditing: Desk, place: int) -> None:
    execute(
        home,
        f"DELETE FROM event WHERE sequence = {place}",
        f"UPDATE event SET sequence = -sequence WHERE sequence > {place}",
        "UPDATE event SET sequence = -1 - sequence WHERE sequence < 0",
    )
    assert verified(auditing).findings[0].sequence == place


def test_a_cut_tail_is_found_against_a_head_that_was_kept(home: str, auditing: Desk) -> None:
    _tell_of_nothing(auditing)
    kept = auditing.head()
    execute(home, f"DELETE FROM event WHERE sequence = {kept.sequence}")
    assert verified(auditing).holds
    assert "cut short" in verified(auditing, kept).findings[0].what


def _tell_of_nothing(desk: Desk) -> None:
    """Add an event that is about no row."""
    with desk.begin() as tx:
        assert list(audit.export(tx))


def test_a_number_that_was_skipped_is_found_though_the_event_is_chained(home: str, auditing: Desk) -> None:
    _tell_of_nothing(auditing)
    last = auditing.head()
    with house.tampering(home) as sql:
        event = house.as_mapping(sql, "event", f"sequence = {last.sequence}") | {"sequence": last.sequence + 2}
        del event["previous"], event["hash"]
        new = event | {"previous": last.hash, "hash": chained(last.hash, event)}
        names = ", ".join(f'"{name}"' for name in new)
        sql(f"INSERT INTO event ({names}) VALUES ({', '.join('?' * len(new))})", tuple(new.values()))
    assert verified(auditing).findings[0].sequence == last.sequence + 2


@pytest.mark.parametrize("left", [0, 1, 20, 40, -1])
def test_a_cut_tail_that_told_of_rows_is_found_without_a_head(home: str, auditing: Desk, left: int) -> None:
    kept = auditing.head()
    execute(home, f"DELETE FROM event WHERE sequence > {left if left >= 0 else kept.sequence + left}")
    assert not verified(auditing).holds
    assert not verified(auditing, kept).holds


def test_a_rewritten_history_is_found_against_a_head_that_was_kept(home: str, auditing: Desk) -> None:
    kept = auditing.head()
    house.rewrite(home, lambda event: event | {"actor": event["actor"].replace("ada", "ben")})
    assert verified(auditing).holds
    assert verified(auditing).head.sequence == kept.sequence
    found = verified(auditing, kept).findings
    assert [finding.sequence for finding in found] == [kept.sequence]


def test_a_history_rewritten_together_with_its_row_is_found_against_a_head_that_was_kept(
    home: str, auditing: Desk
) -> None:
    kept = auditing.head()
    with house.tampering(home) as sql:
        row = house.as_mapping(sql, "token", "label = 'revoked'") | {"revoked_at": None, "revoked_reason": None}
        sql("UPDATE token SET revoked_at = NULL, revoked_reason = NULL WHERE label = 'revoked'")
        (last,) = sql("SELECT max(sequence) FROM event WHERE subject_id = ?", (row["id"],)).fetchone()
    house.rewrite(home, lambda event: event | {"after": digest("token", row)} if event["sequence"] == last else event)
    assert verified(auditing).holds
    assert not verified(auditing, kept).holds


@pytest.mark.parametrize("past", [Head(10_000, "1" * 64), Head(10, "1" * 64)], ids=["beyond", "another hash"])
def test_a_head_of_another_desk_does_not_verify(auditing: Desk, past: Head) -> None:
    assert not verified(auditing, past).holds


def test_an_older_head_still_verifies_after_more_was_done(auditing: Desk) -> None:
    kept = auditing.head()
    _tell_of_nothing(auditing)
    assert verified(auditing, kept).holds


@each_column
@pytest.mark.parametrize(
    "value",
    ["CAST({column} AS BLOB)", "CAST(x'ff' || CAST({column} AS BLOB) AS TEXT)", "CAST({column} || '{{' AS TEXT)"],
    ids=["blob", "invalid UTF-8", "other text"],
)
def test_a_column_of_odd_values_makes_nothing_crash(store: Path, table: str, column: str, value: str) -> None:
    column = f'"{column}"'
    with house.tampering(store) as sql, contextlib.suppress(pysqlite3.IntegrityError):
        sql(f'UPDATE OR IGNORE "{table}" SET {column} = {value.format(column=column)}')
    with contextlib.suppress(BotdeskError), open_desk(store, operator="bea") as desk:
        assert keeping.check(desk)
        verified(desk)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE alembic_version SET version_num = '9999'",
        "UPDATE alembic_version SET version_num = ''",
        "UPDATE alembic_version SET version_num = x'30303031'",
        "DELETE FROM alembic_version",
        "INSERT INTO alembic_version VALUES ('0001')",
    ],
)
def test_a_tampered_schema_version_is_found_on_opening(store: Path, statement: str) -> None:
    execute(store, statement)
    with pytest.raises(SchemaMismatch) as refused:
        open_desk(store, operator="bea")
    assert refused.value.hint


@pytest.mark.parametrize("statement", ["DROP TABLE alembic_version", "PRAGMA application_id=0"])
def test_a_store_that_lost_its_marks_is_refused(store: Path, statement: str) -> None:
    execute(store, statement)
    with pytest.raises(StoreError) as refused:
        open_desk(store, operator="bea")
    assert refused.value.hint


@pytest.mark.parametrize(
    "statement", ["UPDATE event SET actor = 'x'", "DELETE FROM event", "REPLACE INTO event {copy}"]
)
def test_the_triggers_keep_events_as_they_are(store: Path, auditing: Desk, statement: str) -> None:
    copy = f"{COPY.format(sequence=10)} FROM event WHERE sequence = 10"
    with house.raw(store) as connection, pytest.raises(pysqlite3.IntegrityError, match="events are never"):
        connection.execute(statement.format(copy=copy))
    assert verified(auditing).holds


def test_dropped_triggers_are_found_by_the_check(store: Path, auditing: Desk) -> None:
    with house.raw(store) as connection:
        connection.execute("DROP TRIGGER event_no_delete")
    assert [check.words for check in keeping.check(auditing) if not check.ok] == ["missing: event_no_delete"]


def test_an_export_verifies_without_botdesk(auditing: Desk) -> None:
    with auditing.begin() as tx:
        lines = list(audit.export(tx))
    previous = "0" * 64
    for line in lines:
        event = json.loads(line)
        told = {key: value for key, value in event.items() if key not in ("previous", "hash")}
        canonical = json.dumps(told, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        assert event["previous"] == previous
        previous = sha256((previous + canonical).encode()).hexdigest()
        assert event["hash"] == previous
    assert auditing.head() == Head(len(lines), previous)
