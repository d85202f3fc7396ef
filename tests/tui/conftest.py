"""What the stories and the snapshots share."""

import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from botdesk import accounts, people, roles
from botdesk.testing import open_desk
from tests.stores import Stores
from tests.tui.scenes import bare, build


@pytest.fixture(autouse=True, scope="session")
def _bare_environment() -> Iterator[None]:
    """No display, no ssh, no tmux: the handoff looks the same everywhere."""
    with pytest.MonkeyPatch.context() as patch:
        left = dict(os.environ)
        bare(left)
        for name in set(os.environ) - set(left):
            patch.delenv(name)
        yield


@pytest.fixture(scope="session")
def template(common: Path) -> Path:
    """The demo desk, to be copied; whichever process of the run comes first builds it."""
    shared = common / "demo-template"
    shared.mkdir(mode=0o700, exist_ok=True)
    with (shared / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        found = shared / "demo.db"
        if not (shared / "built").exists():
            found.unlink(missing_ok=True)
            build(found)
            (shared / "built").touch()
    return found


@pytest.fixture(scope="session")
def staffed(stores: Stores, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The store that `path` is a copy of, closed."""
    store = stores.new(tmp_path_factory.mktemp("staffed"))
    with open_desk(store) as desk, desk.begin() as tx:
        for name in ("catalog-sync", "metrics-ingest", "nightly-build"):
            accounts.create(tx, name, scopes="catalog:read")
        people.add(tx, "ben")
        roles.create(tx, "platform")
        roles.add_member(tx, "platform", "ben")
    return store


@pytest.fixture
def copied(stores: Stores, staffed: str, tmp_path: Path) -> Iterator[str]:
    """A store with three accounts, two people and a role."""
    store = stores.copy(staffed, tmp_path)
    yield store
    stores.drop(store)


@pytest.fixture
def path(copied: str) -> str:
    """The same, where a module has nothing to add to it."""
    return copied
