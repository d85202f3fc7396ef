"""Which engine keeps a store, from the store's name alone."""

import re
from typing import Final

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from botdesk.errors import InvalidInput
from botdesk.store import files, postgresql, sqlite
from botdesk.store.backend import Backend

_BACKENDS: Final[dict[str, Backend]] = {"sqlite": sqlite, "postgresql": postgresql, "postgres": postgresql}
_ALMOST_A_URL: Final = re.compile(r"(sqlite|postgres\w*)(\+\w*)?:", re.IGNORECASE)
_HINT: Final = "as in /var/lib/botdesk/botdesk.db or postgresql+psycopg://user@host/botdesk"


def to_url(store: str) -> URL:
    """Read a store's name: a path of an SQLite file, or a URL of SQLite or PostgreSQL.

    The text may hold a password, so no error tells it.

    Raises:
        InvalidInput: The text is no such thing, or names another engine.
    """
    if "\x00" in store:
        raise InvalidInput("the store's name has a NUL in it", hint=_HINT)
    if "://" not in store and not _ALMOST_A_URL.match(store):
        return URL.create("sqlite", database=files.absolute(store))
    try:
        url = make_url(store)
    except (ArgumentError, ValueError):
        raise InvalidInput("the store is no valid URL", hint=_HINT) from None
    if url.drivername.partition("+")[0] not in _BACKENDS:
        raise InvalidInput(f"the store's engine {url.drivername[:40]!a} is unknown", hint=_HINT)
    return of(url).checked(url)


def of(url: URL) -> Backend:
    """The module of the engine that a URL names."""
    return _BACKENDS[url.drivername.partition("+")[0]]
