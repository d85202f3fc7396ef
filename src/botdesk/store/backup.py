"""Copies of the store, and a look over it."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from sqlalchemy import Connection, Engine, text

from botdesk.errors import Conflict
from botdesk.store import schema
from botdesk.store.engine import translated, wal_is_safe
from botdesk.store.files import create_folder, create_private

TRIGGERS: Final = ("event_no_delete", "event_no_replace", "event_no_update")


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at: its name, whether it is well, what was found and what to do."""

    name: str
    ok: bool
    words: str
    hint: str = ""


def default_path(store: Path, now: datetime) -> Path:
    """Where a backup of the store goes when nobody says: `backups` beside it, with the time in the name."""
    return store.parent / "backups" / f"{store.stem}-{now:%Y%m%dT%H%M%S%f}.db"


def copy(engine: Engine, path: Path) -> None:
    """Copy the whole store into a new file with mode 0600; other connections go on meanwhile.

    Raises:
        Conflict: The file is there already.
        StoreError: It cannot be written.
    """
    path = path.expanduser().absolute()
    if path.exists() or path.is_symlink():
        raise Conflict(f"'{path}' is there already", hint="a backup never replaces a file; name another")
    create_folder(path.parent)
    create_private(path)
    with translated(), engine.connect() as connection:
        try:
            connection.execution_options(outside=True).exec_driver_sql("VACUUM INTO ?", (str(path),))
        except BaseException:
            path.unlink(missing_ok=True)
            raise


def checks(connection: Connection) -> list[Check]:
    """Look the store over: SQLite's version and journal, integrity, schema, triggers."""
    version = str(connection.execute(text("SELECT sqlite_version()")).scalar_one())
    safe = wal_is_safe(tuple(int(part) for part in version.split(".")))
    journal = str(connection.execute(text("PRAGMA journal_mode")).scalar_one())
    broken = [str(row[0]) for row in connection.execute(text("PRAGMA integrity_check(3)")) if row[0] != "ok"]
    found = schema.revision(connection)
    return [
        Check("engine", True, f"SQLite {version}, journal {journal}{'' if safe else ', WAL is not safe in it'}"),
        Check("integrity", not broken, "whole" if not broken else broken[0], "put a backup in its place"),
        Check("schema", found == schema.NEWEST, f"revision {found}", "botdesk database upgrade"),
        _triggers(connection),
    ]


def _triggers(connection: Connection) -> Check:
    rows = connection.execute(text("SELECT name FROM sqlite_master WHERE type = 'trigger'"))
    missing = sorted(set(TRIGGERS) - {str(row[0]) for row in rows})
    words = f"missing: {', '.join(missing)}" if missing else "events are guarded against UPDATE and DELETE"
    return Check("triggers", not missing, words, "somebody dropped them; run 'botdesk audit verify'" if missing else "")
