"""The drivers' errors in botdesk's words, here and nowhere else.

What a driver says itself is never passed on: PostgreSQL shows whole rows, SQLAlchemy shows parameters.
"""

import contextlib
from collections.abc import Iterator
from typing import Any, Final

from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, OperationalError, SQLAlchemyError

from botdesk.errors import BotdeskError, Conflict, InvalidInput, StoreError

_Said = tuple[type[BotdeskError], str, str]

_CLASH: Final[_Said] = (
    Conflict,
    "it clashes with what the store holds now",
    "look again: somebody may have changed it",
)
_APPEND_ONLY: Final[_Said] = (StoreError, "the audit refuses to be changed", "events are only ever added")
_FULL: Final[_Said] = (StoreError, "the disk is full", "make room, then try again; nothing was saved")
_BUSY: Final[_Said] = (StoreError, "the store is busy", "another program holds it; try again in a moment")
_LACKING: Final[_Said] = (StoreError, "the store lacks a table or column", "run 'botdesk database check'")

_SQLITE: Final[dict[tuple[str, ...], _Said]] = {
    ("locked", "busy"): _BUSY,
    ("readonly", "read-only"): (
        StoreError,
        "the store is read-only",
        "check the permissions of its file and folder",
    ),
    ("full",): _FULL,
    ("unable to open",): (
        StoreError,
        "the store cannot be opened",
        "check the permissions of its file and folder",
    ),
    ("no such",): _LACKING,
    ("interrupted",): (StoreError, "the question to the store was interrupted", "ask again"),
    ("",): (StoreError, "the store cannot be reached", "run 'botdesk doctor'"),
}
"""What SQLite's own words mean, first match first."""

_LOST: Final[_Said] = (
    StoreError,
    "the connection to the store was lost",
    "nothing was saved; try again, it connects anew by itself",
)
_STARTING: Final[_Said] = (StoreError, "the database server is starting or stopping", "try again in a moment")
_NO_ROOM: Final[_Said] = (StoreError, "the database server takes no more connections", "try again in a moment")
_UNREACHED: Final[_Said] = (
    StoreError,
    "the database server cannot be reached",
    "see whether it runs, with pg_isready and the host and port of --store",
)

_NO_VALUE: Final[_Said] = (
    InvalidInput,
    "the store cannot keep a value as it is",
    "it is too long, or holds characters that are in no text",
)

_STATES: Final[dict[str, _Said]] = {
    "23001": _APPEND_ONLY,
    "23": _CLASH,
    "22": _NO_VALUE,
    "53100": _FULL,
    "53300": _NO_ROOM,
    "55P03": _BUSY,
    "40": _BUSY,
    "57014": (StoreError, "the database server ended the query", "it took too long; see statement_timeout"),
    "57P03": _STARTING,
    "57P": _LOST,
    "25P03": _LOST,
    "08": _LOST,
    "25006": (StoreError, "the store is read-only", "the server is a standby, or its user may only read"),
    "42501": (
        StoreError,
        "the store's database user may not do that",
        "the database's owner founds it, and upgrades it for a newer botdesk: botdesk database upgrade",
    ),
    "42P01": _LACKING,
    "42703": _LACKING,
    "3F": (StoreError, "the database has no schema to use", "create one, or name it: ?options=-csearch_path%3Dbotdesk"),
    "XX": (StoreError, "the store is damaged", "look into the server's log; put a backup in its place"),
}
"""What an SQLSTATE means, the longest beginning first."""

_UNCONNECTED: Final[dict[tuple[str, ...], _Said]] = {
    ("server closed the connection", "connection is lost", "connection is closed", "could not receive data"): _LOST,
    ("starting up", "shutting down", "recovery mode", "not yet accepting", "not currently accepting"): _STARTING,
    ("too many clients", "remaining connection slots", "too many connections"): _NO_ROOM,
    ("password", "authentication", "pg_hba.conf", "role "): (
        StoreError,
        "the database server refused the login",
        "give the password in PGPASSWORD, or in a password file of mode 0600 (PGPASSFILE)",
    ),
    ("ssl", "certificate", "tls"): (
        StoreError,
        "there is no TLS with the database server as it is wanted",
        "see PGSSLMODE and PGSSLROOTCERT; docs/postgresql.md tells how",
    ),
    ("database ",): (
        StoreError,
        "the database server has no such database",
        "make it: createdb --owner=USER --encoding=UTF8 --template=template0 NAME",
    ),
    ("",): _UNREACHED,
}
"""What libpq's words mean when there is no SQLSTATE, first match first."""


@contextlib.contextmanager
def translated() -> Iterator[None]:
    """Turn the driver's errors into botdesk's own, without their texts.

    Raises:
        Conflict: A uniqueness or another constraint of the store was hit.
        InvalidInput: A value is nothing that the store can keep, or a text is no valid Unicode.
        StoreError: Anything else that the driver says.
    """
    try:
        yield
    except DBAPIError as error:
        found = _postgresql(error) if _is_psycopg(error.orig) else _sqlite(error)
        _hush(error)
    except SQLAlchemyError as error:
        found = StoreError(f"the store failed ({type(error).__name__})", hint="run 'botdesk doctor'")
    except UnicodeEncodeError:
        found = InvalidInput("a text is not in UTF-8", hint="type it anew, in a UTF-8 locale as in LC_ALL=C.UTF-8")
    else:
        return
    raise found from None


def _hush(error: DBAPIError) -> None:
    """Take the driver's words out of an error, which is still there as the context of the one in its place."""
    error.args = (type(error.orig).__name__,)
    error.orig = error.__cause__ = error.__context__ = None


def _is_psycopg(orig: Any) -> bool:
    return type(orig).__module__.partition(".")[0] == "psycopg"


def _sqlite(error: DBAPIError) -> BotdeskError:
    said = str(error.orig).lower()
    if isinstance(error, IntegrityError):
        return _worded(_APPEND_ONLY if "events are never" in said else _CLASH)
    if isinstance(error, OperationalError):
        return _worded(_first(_SQLITE, said))
    return StoreError(
        "the store is damaged or unreadable",
        hint="put a backup in its place; 'botdesk doctor' tells what else works here",
    )


def _postgresql(error: DBAPIError) -> BotdeskError:
    orig: Any = error.orig
    if orig.sqlstate is None:
        return _worded(_without_state(error))
    beginnings = (orig.sqlstate[:length] for length in (5, 3, 2))
    known = next((_STATES[beginning] for beginning in beginnings if beginning in _STATES), None)
    return (
        _worded(known)
        if known
        else StoreError(
            f"the store failed ({orig.sqlstate})", hint="run 'botdesk doctor', and look into the server's log"
        )
    )


def _without_state(error: DBAPIError) -> _Said:
    if error.connection_invalidated:
        return _LOST
    return _NO_VALUE if isinstance(error, DataError) else _first(_UNCONNECTED, str(error.orig).lower())


def _first(table: dict[tuple[str, ...], _Said], said: str) -> _Said:
    return next(found for words, found in table.items() if any(word in said for word in words))


def _worded(said: _Said) -> BotdeskError:
    kind, message, hint = said
    return kind(message, hint=hint)
