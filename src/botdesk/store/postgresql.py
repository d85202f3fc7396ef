"""PostgreSQL: the store is a database of its own, its writers take turns by an advisory lock.

What the URL does not say, libpq takes from where it always does: PGPASSWORD, PGPASSFILE, PGSSLMODE and the like.
"""

import contextlib
import os
from collections.abc import Callable, Iterator
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, Final

from sqlalchemy import URL, Connection, Engine, PoolProxiedConnection, create_engine, event, text

from botdesk.errors import InvalidInput, StoreError
from botdesk.store.backend import Check
from botdesk.store.driver import translated

MODE: Final = "team"
PATIENCE: Final = (0.0, 0.25, 0.5, 1.0, 2.0, 4.0)

OLDEST: Final = 15
"""The oldest version of the server that is tested."""

MARK: Final = "botdesk"
"""The comment on the table `alembic_version` by which a store is known as botdesk's."""

TRIGGERS: Final = ("event_no_delete", "event_no_replace", "event_no_truncate", "event_no_update")

CANCEL_SECONDS: Final = 5.0
"""How long the server is asked to interrupt a statement."""

_WRITERS: Final = 0x62647331
_FOUNDERS: Final = _WRITERS + 1
"""The keys of the advisory locks, `bds1` and the one after it."""

_SECRETS: Final = ("password", "sslpassword")

_DEFAULTS: Final = {
    "application_name": "botdesk",
    "client_encoding": "utf8",
    "connect_timeout": "10",
    "keepalives_idle": "30",
    "keepalives_interval": "10",
    "keepalives_count": "3",
    "tcp_user_timeout": "30000",
}
"""How a connection is made, where neither the URL nor the environment says otherwise."""

_ENVIRONMENT: Final = {"application_name": "PGAPPNAME", "connect_timeout": "PGCONNECT_TIMEOUT"}

_ON_CONNECT: Final = """
SET lock_timeout = '10s';
SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'
"""

_BEGIN_WRITING: Final = f"""
SET LOCAL idle_in_transaction_session_timeout = '60s';
SELECT pg_advisory_xact_lock({_WRITERS})
"""
"""A writer whose program hangs would keep all others waiting."""

_BEGIN_READING: Final = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY"

_SCHEMA: Final = "(SELECT oid FROM pg_namespace WHERE nspname = current_schema())"

_RELATIONS: Final = f"""
SELECT relname, obj_description(oid, 'pg_class') FROM pg_class
WHERE relnamespace = {_SCHEMA} AND relkind IN ('r', 'p', 'v', 'm', 'f')
AND NOT EXISTS (SELECT FROM pg_depend WHERE classid = 'pg_class'::regclass AND objid = pg_class.oid AND deptype = 'e')
"""  # noqa: S608
"""The tables and views of the schema and their comments, but for those of extensions."""

_NOT_IN_FORCE: Final = f"""
SELECT 'index ' || relname FROM pg_index JOIN pg_class ON oid = indexrelid
WHERE relnamespace = {_SCHEMA} AND NOT indisvalid
UNION ALL
SELECT 'constraint ' || conname FROM pg_constraint
WHERE connamespace = {_SCHEMA} AND NOT convalidated
UNION ALL
SELECT 'trigger ' || tgname FROM pg_trigger JOIN pg_class ON pg_class.oid = tgrelid
WHERE relnamespace = {_SCHEMA} AND tgisinternal AND tgenabled = 'D'
"""  # noqa: S608
"""What is there, but does not guard anything."""

_TRIGGERS: Final = f"""
SELECT tgname FROM pg_trigger JOIN pg_class ON pg_class.oid = tgrelid
WHERE relnamespace = {_SCHEMA} AND relname = 'event' AND tgenabled IN ('O', 'A')
"""  # noqa: S608


def checked(url: URL) -> URL:
    """Take psycopg for the driver.

    Raises:
        InvalidInput: The URL names another driver, or no database.
    """
    if url.drivername.partition("+")[2] not in ("", "psycopg"):
        raise InvalidInput("the store's driver is unknown", hint="as in postgresql+psycopg://user@host/botdesk")
    if not (url.database or {"dbname", "service"} & url.query.keys()):
        raise InvalidInput("the store's URL names no database", hint="as in postgresql+psycopg://user@host/botdesk")
    return url.set(drivername="postgresql+psycopg")


def location(url: URL) -> str:
    """The URL without any password."""
    shown = URL.create(url.drivername, url.username, None, url.host, url.port, url.database, url.query)
    return shown.difference_update_query(_SECRETS).render_as_string(hide_password=False)


def title(url: URL) -> str:
    """The database and the host."""
    host = url.host or str(url.query.get("host", ""))
    return f"{url.database or 'PostgreSQL'} on {host}" if host and not host.startswith("/") else str(url.database)


def open_engine(url: URL, *, create: bool, make_folder: bool) -> Engine:
    """Make the engine; a connection is made when it is first used, and again when it was lost.

    Raises:
        StoreError: The driver is not installed.
    """
    try:
        import psycopg
    except ImportError:
        raise StoreError(
            "there is no driver for PostgreSQL", hint="install it: pip install 'botdesk[postgres]'"
        ) from None
    assert psycopg.threadsafety
    wanted = {
        name: value
        for name, value in _DEFAULTS.items()
        if name not in url.query and not os.environ.get(_ENVIRONMENT.get(name, ""))
    }
    engine = create_engine(url, hide_parameters=True, pool_pre_ping=True, connect_args=wanted, use_native_hstore=False)
    event.listen(engine, "connect", _on_connect)
    event.listen(engine, "begin", _begin)
    return engine


def _on_connect(connection: Any, record: Any) -> None:
    info = connection.info
    if info.server_version < OLDEST * 10_000:
        raise StoreError(
            f"the server is PostgreSQL {info.server_version // 10_000}", hint=f"botdesk wants {OLDEST} or newer"
        )
    if info.parameter_status("server_encoding") != "UTF8":
        raise StoreError(
            "the database's encoding is not UTF8",
            hint="create another one: createdb --encoding=UTF8 --template=template0 NAME",
        )
    connection.autocommit = True
    connection.execute(_ON_CONNECT)
    connection.autocommit = False


def _begin(connection: Connection) -> None:
    options = connection.get_execution_options()
    if not options.get("outside"):
        connection.exec_driver_sql(_BEGIN_WRITING if options.get("writing") else _BEGIN_READING)


def watch(url: URL) -> Callable[[], None]:
    """Nothing to look at: a server is what it was, or it does not answer."""
    return lambda: None


def hold(engine: Engine) -> PoolProxiedConnection:
    """Take a connection, and let it begin no transaction."""
    held = engine.raw_connection()
    held.driver_connection.autocommit = True  # type: ignore[union-attr]
    return held


def interrupter(connection: Connection) -> Callable[[], None]:
    """Interrupt by a word to the server, on a connection of its own."""
    driver: Any = connection.connection.driver_connection
    return partial(driver.cancel_safe, timeout=CANCEL_SECONDS)


def settle(engine: Engine) -> None:
    """Nothing stays with the store: each connection says for itself what it needs."""


@contextlib.contextmanager
def locked(engine: Engine) -> Iterator[None]:
    """Hold an advisory lock on a connection of its own."""
    with translated(), engine.connect() as plain:
        connection = plain.execution_options(outside=True, isolation_level="AUTOCOMMIT")
        connection.exec_driver_sql(f"SELECT pg_advisory_lock({_FOUNDERS})")
        try:
            yield
        finally:
            connection.exec_driver_sql(f"SELECT pg_advisory_unlock({_FOUNDERS})")


def probe(connection: Connection) -> None:
    """Write a setting as it is."""
    connection.execute(text("UPDATE setting SET value = value WHERE key = 'desk_id'"))


def is_ours(connection: Connection) -> bool | None:
    """Tell by the comment on the table `alembic_version`."""
    found = {str(name): comment for name, comment in connection.execute(text(_RELATIONS))}
    return found.get("alembic_version") == MARK if found else None


def mark(connection: Connection) -> None:
    """Write the comment."""
    connection.execute(text(f"COMMENT ON TABLE alembic_version IS '{MARK}'"))


def save(engine: Engine, now: datetime) -> None:
    """Nothing: a change of the schema is one transaction, and a failure leaves all as it was."""


def backup_path(url: URL, now: datetime) -> Path:
    """There is none: the server's own tools make backups.

    Raises:
        InvalidInput: Always; the hint says how a backup is made.
    """
    source = location(url).replace("+psycopg", "", 1)
    raise InvalidInput(
        "a store in PostgreSQL is backed up by PostgreSQL",
        hint=f"pg_dump --format=custom --file=botdesk.dump '{source}'",
    )


def copy(engine: Engine, path: Path) -> None:
    """Refuse as `backup_path` does.

    Raises:
        InvalidInput: Always.
    """
    backup_path(engine.url, datetime.min)


def checks(connection: Connection) -> list[Check]:
    """Look at the server's version, the way to it, whether it keeps what it acknowledges, and the triggers."""
    version, encoding = connection.execute(
        text("SELECT current_setting('server_version'), current_setting('server_encoding')")
    ).one()
    broken = [str(row[0]) for row in connection.execute(text(_NOT_IN_FORCE))]
    triggers = connection.execute(text(_TRIGGERS))
    return [
        Check("engine", True, f"PostgreSQL {version}, encoding {encoding}"),
        _connection(connection),
        _durability(connection),
        Check("integrity", not broken, f"not in force: {', '.join(broken)}" if broken else "whole", "restore a backup"),
        Check.of_triggers(set(TRIGGERS) - {str(row[0]) for row in triggers}),
    ]


def _connection(connection: Connection) -> Check:
    encrypted, protocol, address = connection.execute(
        text("SELECT ssl, version, host(inet_server_addr()) FROM pg_stat_ssl WHERE pid = pg_backend_pid()")
    ).one()
    if encrypted:
        return Check("connection", True, str(protocol))
    if address is None:
        return Check("connection", True, "through a socket of this machine")
    local = str(address).startswith("127.") or address == "::1"
    return Check("connection", local, f"not encrypted, to {address}", "set PGSSLMODE=verify-full and PGSSLROOTCERT")


def _durability(connection: Connection) -> Check:
    wanted = ("fsync", "full_page_writes", "synchronous_commit")
    found = {name: str(connection.execute(text(f"SHOW {name}")).scalar_one()) for name in wanted}
    words = ", ".join(f"{name} {value}" for name, value in found.items())
    hint = "switch on what is off in postgresql.conf, or changes can be lost"
    return Check("durability", "off" not in found.values(), words, hint)
