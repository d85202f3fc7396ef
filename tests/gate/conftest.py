"""One furnished desk and one gate in front of it for all these tests; what changes things issues a token of its own."""

import os
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from botdesk.gate.app import app
from botdesk.gate.door import Door
from botdesk.gate.figures import Board, Timings
from botdesk.gate.health import Health
from botdesk.gate.journal import Journal
from botdesk.gate.pace import Pace
from botdesk.gate.request import Proxies
from tests.gate import house as houses
from tests.gate.house import Gate, House
from tests.stores import Stores


@pytest.fixture(scope="session")
def memory() -> Iterator[Path]:
    """A folder in memory, where there is such a place: these tests commit thousands of times."""
    place = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    with tempfile.TemporaryDirectory(dir=place, prefix="botdesk-") as folder:
        yield Path(folder)


@pytest.fixture(scope="session")
def house(stores: Stores, memory: Path) -> House:
    """A desk with a token of every fate, shared by all tests."""
    folder = memory / f"shared-{stores.engine}"
    folder.mkdir(mode=0o700)
    return houses.build(folder, stores)


@pytest.fixture(scope="session")
def gate(house: House) -> Iterator[Gate]:
    """A gate with two workers, shared by all tests."""
    with houses.gate(house, "--workers", "2") as started:
        yield started


@pytest.fixture(scope="session")
def door(house: House) -> Iterator[Door]:
    """What a gate in this process works with."""
    with house.desk() as desk, desk.verifier() as verifier:
        proxies = Proxies(house.settings.gate_trusted_proxies)
        yield Door(verifier, proxies, "botdesk", Health(desk.ready), Journal(None), Timings(), Pace(), Board(1))


@pytest.fixture
async def ask(door: Door) -> AsyncIterator[Callable[..., Any]]:
    """Send a request to a gate in this process."""
    transport = httpx2.ASGITransport(app(door), client=("127.0.0.1", 40000))
    async with httpx2.AsyncClient(transport=transport, base_url="http://gate") as client:
        yield client.request


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}
