"""One engine for the store: SQLite in a private file.

Driver errors are translated here and nowhere else; their own texts can show whole rows and parameters, so they are
never passed on.
"""

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, IntegrityError, OperationalError, SQLAlchemyError

from botdesk.errors import Conflict, InvalidInput, StoreError
from botdesk.store import files


def to_url(store: str) -> URL:
    """Read a store's name: a path of an SQLite file, or an SQLAlchemy URL.

    Raises:
        InvalidInput: The text is no such thing, or names another engine than SQLite.
    """
    if "://" not in store:
        return URL.create("sqlite", database=str(Path(store).expanduser().absolute()))
    try:
        url = make_url(store)
    except ArgumentError:
        raise InvalidInput("the store is no valid URL", hint="as in sqlite:////var/lib/botdesk/botdesk.db") from None
    if url.get_backend_name() != "sqlite":
        raise InvalidInput(
            f"the store's engine {url.get_backend_name()!r} is unknown", hint="use a path or sqlite:///…"
        )
    if url.query:
        raise InvalidInput("the store's URL has options, and none are taken", hint="leave out what follows the '?'")
    if not url.database or url.database == ":memory:":
        raise InvalidInput("the store needs a file", hint="as in --store /var/lib/botdesk/botdesk.db")
    return URL.create("sqlite", database=str(Path(url.database).expanduser().absolute()))


def open_engine(url: URL, *, create: bool, make_folder: bool) -> Engine:
    """Make the engine, after the file was made sure of.

    Raises:
        StoreError: The file is absent and may not be made, or it may not be used as it is.
    """
    import pysqlite3

    files.prepare(Path(str(url.database)), create=create, make_folder=make_folder)
    engine = create_engine(url, module=pysqlite3, hide_parameters=True, connect_args={"timeout": 10})
    event.listen(engine, "connect", _on_connect)
    event.listen(engine, "begin", _beginner(url))
    return engine


def wal_is_safe(version: tuple[int, ...]) -> bool:
    """Tell whether this SQLite version keeps acknowledged rows in WAL mode with several writers.

    The WAL-reset bug of 3.7.0 to 3.51.2 is mended in 3.51.3, 3.50.7 and 3.44.6.
    """
    if version[:2] == (3, 50):
        return version >= (3, 50, 7)
    if version[:2] == (3, 44):
        return version >= (3, 44, 6)
    return version >= (3, 51, 3)


def settle(engine: Engine) -> None:
    """Make the store private, and give it the journal that is safe in this version of SQLite.

    Both stay with the file: it is done when the file is known to be a store that this program may write to.

    Raises:
        StoreError: The store is in use in another way, or it cannot be changed.
    """
    import pysqlite3

    files.make_private(Path(str(engine.url.database)))
    wanted = "wal" if wal_is_safe(pysqlite3.sqlite_version_info) else "delete"
    with translated(), engine.connect() as plain:
        connection = plain.execution_options(outside=True)
        if connection.exec_driver_sql("PRAGMA journal_mode").scalar_one() != wanted:
            connection.exec_driver_sql(f"PRAGMA journal_mode={wanted}")


def _on_connect(connection: Any, record: Any) -> None:
    import pysqlite3

    connection.isolation_level = None
    safe = wal_is_safe(pysqlite3.sqlite_version_info)
    for pragma in (
        "busy_timeout=10000",
        "foreign_keys=ON",
        "recursive_triggers=ON",
        "secure_delete=ON",
        "trusted_schema=OFF",
        f"synchronous={'FULL' if safe else 'EXTRA'}",
    ):
        connection.execute(f"PRAGMA {pragma}").fetchall()


def watch(url: URL) -> Callable[[], None]:
    """Make a check that the store is still the file that it was; the check raises StoreError when it is not."""
    path = str(url.database)
    opened = files.identity(path)

    def check() -> None:
        if files.identity(path) != opened:
            raise StoreError(f"the store '{path}' was replaced or removed", hint="start again to use what is there now")

    return check


def _beginner(url: URL) -> Callable[[Connection], None]:
    check = watch(url)

    def begin(connection: Connection) -> None:
        check()
        options = connection.get_execution_options()
        if not options.get("outside"):
            connection.exec_driver_sql("BEGIN IMMEDIATE" if options.get("writing") else "BEGIN")

    return begin


def probe(connection: Connection) -> None:
    """Write something that changes nothing, so that its commit tells whether the store takes a write."""
    version = connection.exec_driver_sql("PRAGMA user_version").scalar_one()
    connection.exec_driver_sql(f"PRAGMA user_version={int(version)}")


@contextlib.contextmanager
def translated() -> Iterator[None]:
    """Turn the driver's errors into botdesk's own, without their texts.

    Raises:
        Conflict: A uniqueness or another constraint of the store was hit.
        InvalidInput: A text is no valid Unicode, as when a command line was not in UTF-8.
        StoreError: Anything else that the driver says.
    """
    try:
        yield
    except IntegrityError as error:
        found: Exception = _integrity(error)
    except OperationalError as error:
        found = _operational(error)
    except DBAPIError as error:
        found = StoreError(
            f"the store is damaged or unreadable ({type(error.orig).__name__})",
            hint="run 'botdesk database check'; put a backup in its place if it is damaged",
        )
    except UnicodeEncodeError:
        found = InvalidInput("a text is not in UTF-8", hint="type it anew, in a UTF-8 locale as in LC_ALL=C.UTF-8")
    except SQLAlchemyError as error:
        found = StoreError(f"the store failed ({type(error).__name__})", hint="run 'botdesk doctor'")
    else:
        return
    raise found from None


def _integrity(error: IntegrityError) -> Exception:
    if "events are never" in str(error.orig):
        return StoreError("the audit refuses to be changed", hint="events are only ever added")
    return Conflict("it clashes with what the store holds now", hint="look again: somebody may have changed it")


def _operational(error: OperationalError) -> StoreError:
    said = str(error.orig).lower()
    if "locked" in said or "busy" in said:
        return StoreError("the store is busy", hint="another program holds it; try again in a moment")
    if "readonly" in said or "read-only" in said:
        return StoreError("the store is read-only", hint="check the permissions of its file and folder")
    if "full" in said:
        return StoreError("the disk is full", hint="make room, then try again; nothing was saved")
    if "unable to open" in said:
        return StoreError("the store cannot be opened", hint="check the permissions of its file and folder")
    if "no such" in said:
        return StoreError("the store lacks a table or column", hint="run 'botdesk database check'")
    return StoreError("the store cannot be reached", hint="run 'botdesk doctor'")
