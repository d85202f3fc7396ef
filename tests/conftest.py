"""What every test may use: a clock set by hand, a desk on a real store, and a word with the machine."""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from botdesk.desk import Desk
from botdesk.testing import Clock, open_desk


@pytest.fixture
def clock() -> Clock:
    """The clock of the test's desk."""
    return Clock()


@pytest.fixture
def desk(tmp_path: Path, clock: Clock) -> Iterator[Desk]:
    """A new desk, operated by ada, its first admin."""
    with open_desk(tmp_path / "botdesk.db", clock=clock) as opened:
        yield opened


@pytest.fixture
def needs() -> Callable[[str], None]:
    """Say that the test needs a command: without it the test is skipped here, and fails where CI promises it."""

    def need(command: str) -> None:
        if shutil.which(command):
            return
        missing(f"{command} is not installed")

    return need


def missing(what: str) -> None:
    """Skip for want of something, or fail when CI was to bring it."""
    if os.environ.get("CI"):
        pytest.fail(f"{what}, but CI must have it")
    pytest.skip(what)
