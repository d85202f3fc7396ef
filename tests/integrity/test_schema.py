"""The schema that the revisions make is the one of the tables' classes, and every connection keeps to the rules."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pysqlite3
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, create_engine, text
from sqlmodel import SQLModel

from botdesk.desk import Desk
from botdesk.errors import Conflict, StoreError
from botdesk.store import schema, tables
from botdesk.testing import open_desk
from tests.integrity import house

EXPRESSIONS = ("event_day", "account_search")
"""The indexes of what is no column, which SQLAlchemy does not reflect."""


@pytest.fixture(autouse=True, scope="module")
def _conditions() -> None:
    tables.tell_conditions()


@contextmanager
def connected(store: Path) -> Iterator[Connection]:
    engine = create_engine(f"sqlite:///{store}", module=pysqlite3)
    with engine.begin() as connection:
        yield connection
    engine.dispose()


def differences(store: Path) -> list[Any]:
    with connected(store) as connection, warnings.catch_warnings():
        for told in ("Skipped unsupported reflection", "autogenerate skipping"):  # their shapes are compared below
            warnings.filterwarnings("ignore", f"{told} .*expression-based index '?({'|'.join(EXPRESSIONS)})'?")
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        found: list[Any] = compare_metadata(context, SQLModel.metadata)
        return found


def test_the_revisions_make_the_tables_of_the_classes(store: Path) -> None:
    assert differences(store) == []


@pytest.mark.parametrize(
    "statement",
    [
        "ALTER TABLE account ADD COLUMN colour TEXT",
        "CREATE TABLE colour (name TEXT)",
        "DROP INDEX event_at",
        "ALTER TABLE role DROP COLUMN description",
    ],
)
def test_a_schema_that_went_its_own_way_would_be_noticed(store: Path, statement: str) -> None:
    with house.raw(store) as connection:
        connection.execute(statement)
    assert differences(store)


def test_the_revisions_make_what_the_classes_alone_would_make(store: Path, tmp_path: Path) -> None:
    made = tmp_path / "made.db"
    with connected(made) as connection:
        SQLModel.metadata.create_all(connection)
    assert set(house.tables(store)) - {"alembic_version"} == set(house.tables(made))
    for table in house.tables(made):
        assert _shape(store, table) == _shape(made, table)


def _shape(store: Path, table: str) -> dict[str, Any]:
    """Columns, keys and indexes as SQLite sees them; but not the names that it gives to indexes itself."""
    with house.raw(store) as connection:

        def ask(pragma: str, of: str) -> list[tuple[Any, ...]]:
            found: list[tuple[Any, ...]] = connection.execute(f"PRAGMA {pragma}('{of}')").fetchall()
            return found

        told = "SELECT sql FROM sqlite_master WHERE type = 'index' AND tbl_name = ? AND sql LIKE {} ORDER BY name"
        return {
            "columns": [column[1:] for column in ask("table_info", table)],
            "keys": sorted(key[2:] for key in ask("foreign_key_list", table)),
            "indexes": sorted(
                (unique, origin, partial, [column[2:4] for column in ask("index_xinfo", name)])
                for _, name, unique, origin, partial in ask("index_list", table)
                if name not in EXPRESSIONS
            ),
            "conditions": connection.execute(told.format("'% WHERE %'"), (table,)).fetchall(),
            "expressions": connection.execute(
                f"SELECT sql FROM sqlite_master WHERE tbl_name = ? AND name IN {EXPRESSIONS} ORDER BY name", (table,)
            ).fetchall(),
        }


def test_all_revisions_are_known_in_their_order(store: Path) -> None:
    with connected(store) as connection:
        scripts = ScriptDirectory.from_config(schema.config(connection))
    revisions = [script.revision for script in scripts.walk_revisions()]
    assert tuple(reversed(revisions)) == schema.KNOWN
    assert scripts.get_heads() == [schema.NEWEST]


def test_the_store_says_whose_it_is(store: Path) -> None:
    assert store.read_bytes()[68:72] == b"bds1"


def test_opening_again_founds_nothing(tmp_path: Path) -> None:
    store = tmp_path / "botdesk.db"
    with open_desk(store) as first:
        assert first.founded
    before = house.contents(store)
    with open_desk(store, seed=2) as second:
        assert not second.founded
    assert house.contents(store) == before


@pytest.mark.sqlite
@pytest.mark.parametrize("writing", [False, True], ids=["reading", "writing"])
def test_every_connection_keeps_to_the_rules(desk: Desk, writing: bool) -> None:
    with (desk.begin if writing else desk.read)() as tx:
        found = {
            rule: tx.session.connection().exec_driver_sql(f"PRAGMA {rule}").scalar_one()
            for rule in (
                *("busy_timeout", "foreign_keys", "recursive_triggers", "secure_delete"),
                *("trusted_schema", "journal_mode", "synchronous"),
            )
        }
    assert found == {
        "busy_timeout": 10_000,
        "foreign_keys": 1,
        "recursive_triggers": 1,
        "secure_delete": 1,
        "trusted_schema": 0,
        "journal_mode": "wal",
        "synchronous": 2,
    }


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE membership SET role_id = 'rol_0000000000'",
        'UPDATE "grant" SET role_id = NULL, person_id = NULL',
        'UPDATE "grant" SET role_id = (SELECT min(id) FROM role), person_id = (SELECT min(id) FROM person)',
        "UPDATE account SET name = 'same'",
        "UPDATE token SET account_id = NULL",
        "DELETE FROM person WHERE name = 'ada'",
    ],
)
def test_the_store_itself_refuses_rows_that_cannot_be(auditing: Desk, statement: str) -> None:
    with pytest.raises(Conflict) as refused, auditing.begin() as tx:
        tx.session.connection().execute(text(statement))
    assert refused.value.hint


@pytest.mark.parametrize("statement", ["UPDATE event SET actor = 'x'", "DELETE FROM event"])
def test_the_audit_refuses_to_be_changed(auditing: Desk, statement: str) -> None:
    with pytest.raises(StoreError, match="the audit refuses to be changed"), auditing.begin() as tx:
        tx.session.connection().execute(text(statement))


def test_a_removed_accounts_name_is_free_again_and_a_live_one_is_not(store: Path) -> None:
    copy = (
        "INSERT INTO account SELECT id || 'x', name, purpose, description, scopes, rotation_days, created_at,"
        " created_by, owned_by, modified_at, disabled_at, disabled_reason, NULL, scopes_added_at FROM account"
        " WHERE name = '{name}'"
    )
    with house.raw(store) as connection:
        connection.execute(copy.format(name="old-hook"))
        with pytest.raises(pysqlite3.IntegrityError):
            connection.execute(copy.format(name="nightly-build"))
