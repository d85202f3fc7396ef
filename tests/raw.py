"""A store as somebody sees it who goes past botdesk, and may do anything: a superuser, the owner of the file."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Protocol

import psycopg
import pysqlite3
from psycopg.conninfo import make_conninfo
from sqlalchemy import make_url


class Raw(Protocol):
    """A connection in which each statement is a transaction of its own.

    Attributes:
        place: The name of what every row has that tells where it is.
    """

    place: str

    def execute(self, statement: str, values: tuple[Any, ...] = ()) -> Any:
        """Do a statement, with `?` for the values, and give its cursor."""

    def exactly(self, column: str) -> str:
        """What tells a value of a column from any other that the store can hold, as SQL."""

    def tables(self) -> list[str]:
        """The names of all tables."""

    def widen(self, table: str, column: str) -> None:
        """Let a column of texts take a text of any length."""

    def unguarded(self) -> Any:
        """Have no trigger in force for a while."""

    def refusing(self, deed: str, table: str) -> Any:
        """Have the store refuse every INSERT, UPDATE or DELETE on a table for a while."""


class SqliteRaw:
    """The file: no foreign keys, no checks."""

    place = "rowid"

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self.execute("PRAGMA ignore_check_constraints=ON")

    def execute(self, statement: str, values: tuple[Any, ...] = ()) -> Any:
        return self._connection.execute(statement, values)

    def exactly(self, column: str) -> str:
        return f"typeof({column}), hex(CAST({column} AS BLOB))"

    def widen(self, table: str, column: str) -> None:
        pass

    def tables(self) -> list[str]:
        found = self.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")
        return [row[0] for row in found]

    @contextmanager
    def unguarded(self) -> Iterator[None]:
        guards = self.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").fetchall()
        assert guards
        self.execute("BEGIN IMMEDIATE")
        for name, _ in guards:
            self.execute(f"DROP TRIGGER {name}")
        yield
        for _, statement in guards:
            self.execute(statement)
        self.execute("COMMIT")

    @contextmanager
    def refusing(self, deed: str, table: str) -> Iterator[None]:
        self.execute(f"CREATE TRIGGER refuse BEFORE {deed} ON {table} BEGIN SELECT RAISE(ABORT, 'no'); END")
        yield
        self.execute("DROP TRIGGER refuse")


class PostgresqlRaw:
    """The database, by its superuser."""

    place = "ctid"

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self._connection = connection

    def execute(self, statement: str, values: tuple[Any, ...] = ()) -> Any:
        if not values:
            return self._connection.execute(statement)
        return self._connection.execute(statement.replace("%", "%%").replace("?", "%s"), values)

    def exactly(self, column: str) -> str:
        return column

    def widen(self, table: str, column: str) -> None:
        self.execute(f'ALTER TABLE {table} ALTER COLUMN {column} TYPE text COLLATE "C"')

    def tables(self) -> list[str]:
        found = self.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY tablename")
        return [row[0] for row in found]

    @contextmanager
    def unguarded(self) -> Iterator[None]:
        guards = self.execute(
            "SELECT tgname FROM pg_trigger WHERE tgrelid = 'event'::regclass AND tgenabled = 'A'"
        ).fetchall()
        assert guards
        self.execute("SET session_replication_role = replica")
        self.execute("ALTER TABLE event DISABLE TRIGGER ALL")
        yield
        for (name,) in guards:
            self.execute(f"ALTER TABLE event ENABLE ALWAYS TRIGGER {name}")
        self.execute("SET session_replication_role = DEFAULT")

    @contextmanager
    def refusing(self, deed: str, table: str) -> Iterator[None]:
        body = "RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'no'; END $$"
        self.execute(f"CREATE FUNCTION refuse() {body}")
        self.execute(f"CREATE TRIGGER refuse BEFORE {deed} ON {table} FOR EACH ROW EXECUTE FUNCTION refuse()")
        yield
        self.execute(f"DROP TRIGGER refuse ON {table}")
        self.execute("DROP FUNCTION refuse")


@contextmanager
def raw(store: str | Path) -> Iterator[Raw]:
    """Go past botdesk to a store."""
    if "://" not in str(store):
        with closing(pysqlite3.connect(str(store), timeout=10, isolation_level=None)) as connection:
            yield SqliteRaw(connection)
        return
    url = make_url(str(store))
    given = {"host": str(url.query["host"]), "port": str(url.query["port"]), "dbname": str(url.database)}
    with psycopg.connect(make_conninfo(user="postgres", **given), autocommit=True) as found:
        yield PostgresqlRaw(found)
