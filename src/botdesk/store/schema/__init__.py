"""The schema and its upgrades, through Alembic.

The check that every open makes is one cheap read; Alembic is imported only when there is something to do.
"""

from typing import TYPE_CHECKING, Final

from sqlalchemy import Connection, text

from botdesk.errors import SchemaMismatch, StoreError
from botdesk.store import engine

if TYPE_CHECKING:
    from alembic.config import Config

NEWEST: Final = "0002"
"""The revision that this program works with."""

KNOWN: Final = ("0001", "0002")
"""All revisions, oldest first."""


def revision(connection: Connection) -> str | None:
    """The revision of the store; None for an empty one.

    Raises:
        StoreError: The store has tables, but is not marked as botdesk's, or none of them says its revision.
    """
    ours = engine.of(connection.engine.url).is_ours(connection)
    if ours is None:
        return None
    if not ours:
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

    command.upgrade(config(connection), "head")
    engine.of(connection.engine.url).mark(connection)


def config(connection: Connection) -> "Config":
    """Alembic's configuration for this connection, without any file."""
    from alembic.config import Config

    made = Config()
    made.set_main_option("script_location", "botdesk:store/schema")
    made.attributes["connection"] = connection
    return made
