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


@pytest.fixture(scope="session")
def founded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The store of a new desk, closed; only to be copied."""
    store = tmp_path_factory.mktemp("founded") / "botdesk.db"
    open_desk(store).close()
    return store


@pytest.fixture
def desk(founded: Path, tmp_path: Path, clock: Clock) -> Iterator[Desk]:
    """A new desk, operated by ada, its first admin."""
    with open_desk(Path(shutil.copy(founded, tmp_path / "botdesk.db")), clock=clock, seed=2) as opened:
        yield opened


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
