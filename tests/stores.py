"""Stores for the tests, of either engine."""

import shutil
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Protocol

from sqlalchemy import make_url

from tests.postgres_server import Databases, Server

ENGINES = ("sqlite", "postgresql")


class Stores(Protocol):
    """Makes stores of one engine; each is known by its name, a path or a URL."""

    engine: str

    def new(self, folder: Path) -> str:
        """The name of a store that is not there yet, or has nothing in it."""

    def copy(self, store: str, folder: Path) -> str:
        """Copy a store that nobody has open."""

    def drop(self, store: str) -> None:
        """Remove a store."""

    def away(self, store: str) -> AbstractContextManager[None]:
        """Let a store be out of reach for a while."""


class Sqlite:
    """Files; their folder goes away by itself."""

    engine = "sqlite"

    def new(self, folder: Path) -> str:
        return str(folder / "botdesk.db")

    def copy(self, store: str, folder: Path) -> str:
        return str(shutil.copy(store, self.new(folder)))

    def drop(self, store: str) -> None:
        pass

    @contextmanager
    def away(self, store: str) -> Iterator[None]:
        aside = Path(store).rename(f"{store}.aside")
        yield
        aside.rename(store)


class Postgresql:
    """Databases on a real server."""

    engine = "postgresql"

    def __init__(self, server: Server) -> None:
        self.server = server
        self.databases = Databases(server)

    def new(self, folder: Path) -> str:
        return self.server.url(self.databases.create())

    def copy(self, store: str, folder: Path) -> str:
        return self.server.url(self.databases.create(database(store)))

    def drop(self, store: str) -> None:
        self.databases.drop(database(store))

    @contextmanager
    def away(self, store: str) -> Iterator[None]:
        self.databases.allow(database(store), "false")
        yield
        self.databases.allow(database(store), "true")


def database(store: str) -> str:
    """The name of a store's database."""
    return str(make_url(store).database)
