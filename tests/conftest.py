"""What every test may use: a clock set by hand, a desk on a real store, and a word with the machine."""

import os
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from botdesk.desk import Desk
from botdesk.testing import Clock, open_desk
from tests.postgres_server import Server, programs, shared
from tests.stores import ENGINES, Postgresql, Sqlite, Stores

settings.register_profile(
    "steady", deadline=None, derandomize=True, database=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("steady")


@pytest.fixture(scope="session", autouse=True)
def _nobodys_settings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep the tests away from the settings and the desk of whoever runs them."""
    home = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("BOTDESK_")]:
            patch.delenv(name)
        patch.setenv("TZ", "UTC")
        time.tzset()
        for name in ("XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME"):
            patch.setenv(name, str(home / name.lower()))
        yield


@pytest.fixture
def clock() -> Clock:
    """The clock of the test's desk."""
    return Clock()


ENGINE = os.environ.get("STORE", "")
"""The engine to run on, or `both`; when none is named, all on SQLite and one case of each test on PostgreSQL."""

DOORS = {"gate", "ssh", "tui"}
PROCESSES = {"botdesk", "shell", "terminal"}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run on both engines whatever uses `stores`.

    On SQLite alone runs a test that is marked `sqlite`, or that asks for `store`, which is the file itself; and, when
    no engine is named, one that is marked `dear`, that goes through a front door or that has a process of its own,
    but for those that are marked `both`.
    """
    if "stores" in metafunc.fixturenames:
        marks = {mark.name for mark in metafunc.definition.iter_markers()}
        alone = "sqlite" in marks or "store" in metafunc.fixturenames
        if not ENGINE and "both" not in marks:
            doors = metafunc.definition.path.parent.name in DOORS or PROCESSES & set(metafunc.fixturenames)
            alone = alone or "dear" in marks or bool(doors)
        metafunc.parametrize("stores", ENGINES[:1] if alone else ENGINES, indirect=True, scope="session")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what is for another engine, and most of what is for PostgreSQL when no engine is named."""
    if ENGINE not in ("", "both", *ENGINES):
        raise pytest.UsageError(f"STORE is one of {', '.join(ENGINES)}, both")
    if ENGINE == "both":
        return
    wanted, met = [], set()
    for item in items:
        engine, test = _engine(item), item.nodeid.partition("[")[0]
        if engine is None and ENGINE == "postgresql" and item.get_closest_marker("sqlite"):
            continue
        if engine is None or engine == ENGINE or (not ENGINE and (engine == "sqlite" or test not in met)):
            wanted.append(item)
        if engine == "postgresql":
            met.add(test)
    kept = set(wanted)
    config.hook.pytest_deselected(items=[item for item in items if item not in kept])
    items[:] = wanted


def _engine(item: pytest.Item) -> str | None:
    call = getattr(item, "callspec", None)
    return call and call.params.get("stores")


@pytest.fixture(scope="session")
def stores(request: pytest.FixtureRequest) -> Stores:
    """Makes stores of the engine that the test runs on."""
    if request.param == "sqlite":
        return Sqlite()
    made: Postgresql = request.getfixturevalue("postgresql")
    return made


@pytest.fixture(scope="session")
def common(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that all processes of this run, and of no other, have in common."""
    folder = tmp_path_factory.getbasetemp()
    return folder.parent if os.environ.get("PYTEST_XDIST_WORKER") else folder


@pytest.fixture(scope="session")
def server(common: Path, lacking: Callable[[str], None]) -> Iterator[Server]:
    """A real PostgreSQL server; all processes that test have the same one."""
    if programs() is None:
        lacking("PostgreSQL's server is not installed")
    with shared(common) as started:
        yield started


@pytest.fixture(scope="session")
def postgresql(server: Server) -> Iterator[Postgresql]:
    """Makes stores on that server."""
    made = Postgresql(server)
    yield made
    made.databases.close()


@pytest.fixture(scope="session")
def founded(stores: Stores, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The store of a new desk, closed; only to be copied."""
    store = stores.new(tmp_path_factory.mktemp("founded"))
    open_desk(store).close()
    return store


@pytest.fixture
def place(stores: Stores, tmp_path: Path) -> Iterator[str]:
    """The name of a store in which there is nothing yet."""
    store = stores.new(tmp_path)
    yield store
    stores.drop(store)


@pytest.fixture
def desk(stores: Stores, founded: str, tmp_path: Path, clock: Clock) -> Iterator[Desk]:
    """A new desk, operated by ada, its first admin."""
    store = stores.copy(founded, tmp_path)
    with open_desk(store, clock=clock, seed=2) as opened:
        yield opened
    stores.drop(store)


@pytest.fixture(scope="session")
def lacking() -> Callable[[str], None]:
    """Say what this machine lacks: the test is skipped here, and fails where CI promises all that is needed."""

    def lack(what: str) -> None:
        if os.environ.get("CI"):
            pytest.fail(f"{what}, but CI must have it")
        pytest.skip(what)

    return lack


@pytest.fixture(scope="session")
def needs(lacking: Callable[[str], None]) -> Callable[[str], None]:
    """Say that the test needs a command."""

    def need(command: str) -> None:
        if not shutil.which(command):
            lacking(f"{command} is not installed")

    return need
