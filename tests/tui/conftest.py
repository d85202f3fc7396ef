"""What the stories and the snapshots share: the demo desk, built once for all processes of a run."""

import fcntl
from pathlib import Path

import pytest

from tests.tui.scenes import build


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo desk, to be copied; whichever process of the run comes first builds it."""
    shared = tmp_path_factory.getbasetemp().parent / "demo-template"
    shared.mkdir(mode=0o700, exist_ok=True)
    with (shared / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        found = shared / "demo.db"
        if not (shared / "built").exists():
            found.unlink(missing_ok=True)
            build(found)
            (shared / "built").touch()
    return found
