"""A furnished store to break, and desks in processes of their own."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from botdesk.desk import Desk
from botdesk.testing import Clock, open_desk
from tests.integrity import house
from tests.integrity.worker import Workers
from tests.stores import Stores


@pytest.fixture(scope="session")
def furnished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with rows of every kind, closed; only to be copied."""
    store = tmp_path_factory.mktemp("house") / "botdesk.db"
    house.furnish(store)
    return store


@pytest.fixture(scope="session")
def template(stores: Stores, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The same on the engine that the test runs on."""
    store = stores.new(tmp_path_factory.mktemp("house"))
    house.furnish(store)
    return store


@pytest.fixture
def home(stores: Stores, template: str, tmp_path: Path) -> Iterator[str]:
    """The test's own copy of it."""
    store = stores.copy(template, tmp_path)
    yield store
    stores.drop(store)


@pytest.fixture
def store(home: str) -> Path:
    """That copy as the file that it is."""
    return Path(home)


@pytest.fixture
def auditing(home: str) -> Iterator[Desk]:
    """A desk on that copy, opened before anybody tampers with it, by bea, who founded nothing."""
    with open_desk(home, operator="bea", clock=Clock(house.LATER)) as desk:
        yield desk


@pytest.fixture(scope="session")
def workers() -> Iterator[Workers]:
    """Desks in processes of their own."""
    with Workers() as started:
        yield started
