"""SQLite: the store is a private file, its writers take turns by `BEGIN IMMEDIATE`."""

import contextlib
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any, Final, cast

from sqlalchemy import URL, Connection, Engine, PoolProxiedConnection, create_engine, event, inspect, text

from botdesk.errors import Conflict, InvalidInput, StoreError
from botdesk.store import files
from botdesk.store.backend import Check
from botdesk.store.driver import translated

MODE: Final = "solo"
PATIENCE: Final = (0.0,)

APPLICATION_ID: Final = 0x62647331
"""`bds1` in the header of the file tells that it is botdesk's."""

TRIGGERS: Final = ("event_no_delete", "event_no_replace", "event_no_update")


def checked(url: URL) -> URL:
    """Make the path absolute.

    Raises:
        InvalidInput: The URL names no file, or options.
    """
    if url.query:
        raise InvalidInput("the store's URL has options, and none are taken", hint="leave out what follows the '?'")
    if not url.database or url.database == ":memory:":
        raise InvalidInput("the store needs a file", hint="as in --store /var/lib/botdesk/botdesk.db")
    return URL.create("sqlite", database=files.absolute(url.database))


def location(url: URL) -> str:
    """The path of the file."""
    return str(url.database)


def title(url: URL) -> str:
    """The file's name."""
    return _path(url).name


def open_engine(url: URL, *, create: bool, make_folder: bool) -> Engine:
    """Make the engine, after the file was made sure of.

    Raises:
        StoreError: The file is absent and may not be made, or it may not be used as it is.
    """
    import pysqlite3

    files.prepare(_path(url), create=create, make_folder=make_folder)
    engine = create_engine(url, module=pysqlite3, hide_parameters=True, connect_args={"timeout": 10})
    event.listen(engine, "connect", _on_connect)
    check = watch(url)
    event.listen(engine, "do_connect", lambda *_: check())
    event.listen(engine, "begin", _beginner(check))
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
    """Make the file private, and give it the journal that is safe in this version of SQLite; both stay with it.

    Raises:
        StoreError: The store is in use in another way, or it cannot be changed.
    """
    import pysqlite3

    files.make_private(_path(engine.url))
    wanted = "wal" if wal_is_safe(pysqlite3.sqlite_version_info) else "delete"
    with translated(), engine.connect() as plain:
        connection = plain.execution_options(outside=True)
        if connection.exec_driver_sql("PRAGMA journal_mode").scalar_one() != wanted:
            connection.exec_driver_sql(f"PRAGMA journal_mode={wanted}")


def locked(engine: Engine) -> contextlib.AbstractContextManager[None]:
    """Hold the lock file beside the store."""
    return files.locked(_path(engine.url))


def _path(url: URL) -> Path:
    return Path(str(url.database))


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
            raise StoreError(
                f"the store '{path}' was replaced or removed",
                hint="put it back, or start again to use what is there now",
            )

    return check


def hold(engine: Engine) -> PoolProxiedConnection:
    """Take a connection; none of this engine begins a transaction by itself."""
    return engine.raw_connection()


def interrupter(connection: Connection) -> Callable[[], None]:
    """Interrupt by SQLite's own call, which may come from any thread."""
    driver: Any = connection.connection.driver_connection
    return cast("Callable[[], None]", driver.interrupt)


def _beginner(check: Callable[[], None]) -> Callable[[Connection], None]:
    def begin(connection: Connection) -> None:
        check()
        options = connection.get_execution_options()
        if not options.get("outside"):
            connection.exec_driver_sql("BEGIN IMMEDIATE" if options.get("writing") else "BEGIN")

    return begin


def probe(connection: Connection) -> None:
    """Write the user version as it is."""
    version = connection.exec_driver_sql("PRAGMA user_version").scalar_one()
    connection.exec_driver_sql(f"PRAGMA user_version={int(version)}")


def is_ours(connection: Connection) -> bool | None:
    """Tell by the application id in the file's header."""
    names = inspect(connection).get_table_names()
    found = connection.execute(text("PRAGMA application_id")).scalar_one()
    if not names and found in (0, APPLICATION_ID):
        return None
    return bool(found == APPLICATION_ID and "alembic_version" in names)


def mark(connection: Connection) -> None:
    """Write the application id into the file's header."""
    connection.execute(text(f"PRAGMA application_id={APPLICATION_ID}"))


def save(engine: Engine, now: datetime) -> None:
    """Make a backup in the place where one goes when nobody says."""
    copy(engine, backup_path(engine.url, now))


def backup_path(url: URL, now: datetime) -> Path:
    """A file in `backups` beside the store, with the time in its name."""
    store = _path(url)
    return store.parent / "backups" / f"{store.stem}-{now:%Y%m%dT%H%M%S%f}.db"


def copy(engine: Engine, path: Path) -> None:
    """Copy the whole store into a new file with mode 0600; other connections go on meanwhile.

    Raises:
        Conflict: The file is there already.
        StoreError: It cannot be written.
    """
    path = Path(files.absolute(path))
    if path.exists() or path.is_symlink():
        raise Conflict(f"'{path}' is there already", hint="a backup never replaces a file; name another")
    files.create_folder(path.parent)
    files.create_private(path)
    with translated(), engine.connect() as connection:
        try:
            connection.execution_options(outside=True).exec_driver_sql("VACUUM INTO ?", (str(path),))
        except BaseException:
            path.unlink(missing_ok=True)
            raise


def checks(connection: Connection) -> list[Check]:
    """Look at SQLite's version and journal, the file's integrity and the triggers."""
    version = str(connection.execute(text("SELECT sqlite_version()")).scalar_one())
    safe = wal_is_safe(tuple(int(part) for part in version.split(".")))
    journal = str(connection.execute(text("PRAGMA journal_mode")).scalar_one())
    broken = [str(row[0]) for row in connection.execute(text("PRAGMA integrity_check(3)")) if row[0] != "ok"]
    triggers = connection.execute(text("SELECT name FROM sqlite_master WHERE type = 'trigger'"))
    return [
        Check("engine", True, f"SQLite {version}, journal {journal}{'' if safe else ', WAL is not safe in it'}"),
        Check("integrity", not broken, "whole" if not broken else broken[0], "put a backup in its place"),
        Check.of_triggers(set(TRIGGERS) - {str(row[0]) for row in triggers}),
    ]
