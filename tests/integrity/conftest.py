"""A furnished store to break, and desks in processes of their own."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from botdesk.desk import Desk
from botdesk.testing import Clock, open_desk
from tests.integrity import house
from tests.integrity.worker import Workers


@pytest.fixture(scope="session")
def furnished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with rows of every kind, closed; only to be copied."""
    store = tmp_path_factory.mktemp("house") / "botdesk.db"
    house.furnish(store)
    return store


@pytest.fixture
def store(furnished: Path, tmp_path: Path) -> Path:
    """The test's own copy of the furnished store."""
    return Path(shutil.copy(furnished, tmp_path / "botdesk.db"))


@pytest.fixture
def auditing(store: Path) -> Iterator[Desk]:
    """A desk on that store, opened before anybody tampers with it, by bea, who founded nothing."""
    with open_desk(store, operator="bea", clock=Clock(house.LATER)) as desk:
        yield desk


@pytest.fixture(scope="session")
def workers() -> Iterator[Workers]:
    """Desks in processes of their own."""
    with Workers() as started:
        yield started
