"""The schema and its upgrades, through Alembic.

The check that every open makes is one cheap read; Alembic is imported only when there is something to do.
"""

from typing import TYPE_CHECKING, Final

from sqlalchemy import Connection, inspect, text

from botdesk.errors import SchemaMismatch, StoreError

if TYPE_CHECKING:
    from alembic.config import Config

APPLICATION_ID: Final = 0x62647331
"""`bds1` in the header of the SQLite file tells that it is botdesk's."""

NEWEST: Final = "0001"
"""The revision that this program works with."""

KNOWN: Final = ("0001",)
"""All revisions, oldest first."""


def revision(connection: Connection) -> str | None:
    """The revision of the store; None for an empty one.

    Raises:
        StoreError: The store has tables, but is not marked as botdesk's, or none of them says its revision.
    """
    names = inspect(connection).get_table_names()
    mark = connection.execute(text("PRAGMA application_id")).scalar_one()
    if not names and mark in (0, APPLICATION_ID):
        return None
    if mark != APPLICATION_ID or "alembic_version" not in names:
        raise StoreError(
            "the store is another program's: it is not marked as botdesk's, or lacks its tables",
            hint="it was left as it is; name another store with --store",
        )
    rows = connection.execute(text("SELECT version_num FROM alembic_version")).scalars().all()
    return str(rows[0]) if len(rows) == 1 else ""


def check(found: str | None) -> None:
    """Refuse a store of a schema that this program does not know.

    Raises:
        SchemaMismatch: It was written by a newer botdesk, or its revision was tampered with.
    """
    if found is not None and found not in KNOWN:
        raise SchemaMismatch(
            f"the store has the schema {found[:20]!a}, this botdesk knows up to {NEWEST!r}",
            hint="it was left as it is; use the botdesk that wrote it, or a newer one",
        )


def upgrade(connection: Connection) -> None:
    """Bring the store to the newest revision."""
    from alembic import command

    connection.execute(text(f"PRAGMA application_id={APPLICATION_ID}"))
    command.upgrade(config(connection), "head")


def config(connection: Connection) -> "Config":
    """Alembic's configuration for this connection, without any file."""
    from alembic.config import Config

    made = Config()
    made.set_main_option("script_location", "botdesk:store/schema")
    made.attributes["connection"] = connection
    return made
