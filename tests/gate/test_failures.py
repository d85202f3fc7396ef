"""A store that cannot be written, and a clock that was set back: nothing passes, and it heals by itself."""

import contextlib
import json
import os
import resource
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from botdesk import accounts
from botdesk.__main__ import start
from botdesk.testing import Clock
from tests.gate import house as houses
from tests.gate.house import Gate, House, waited
from tests.gate.test_server import ask
from tests.stores import Sqlite, Stores

MANY = 200


@pytest.fixture
def disk(lacking: Callable[[str], None], tmp_path: Path) -> Iterator[Path]:
    """A file system of 8 MiB."""
    mounted = tmp_path / "disk"
    mounted.mkdir()
    if os.geteuid():
        lacking("only root can mount a small disk")
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m,mode=700", "tmpfs", mounted], capture_output=True)
    if done.returncode:
        lacking("a small disk cannot be mounted here")
    try:
        yield mounted
    finally:
        subprocess.run(["umount", mounted], check=True)


@contextlib.contextmanager
def full(folder: Path) -> Iterator[None]:
    """No room is left, not for one more byte."""
    filler = folder / "filler"
    with filler.open("wb", buffering=0) as out, contextlib.suppress(OSError):
        while True:
            out.write(b"x" * 4096)
    try:
        yield
    finally:
        filler.unlink()


@contextlib.contextmanager
def forbidden(pid: int) -> Iterator[None]:
    """The process may not write to any file."""
    before = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (0, before[1]))
    try:
        yield
    finally:
        resource.prlimit(pid, resource.RLIMIT_FSIZE, before)


def nothing_passes(gate: Gate, house: House) -> str:
    """Ask until the store's own reserves are used up, then on; gives the reason that is told."""
    before = len(house.events("valid"))
    statuses = [ask(gate, house.held["valid"])[0] for _ in range(MANY)]
    passed = statuses.count(200)
    assert statuses == [200] * passed + [503] * (MANY - passed)
    assert statuses[-1] == 503
    assert len(house.events("valid")) == before + passed
    status, told = waited(lambda: (found := ask(gate, None, "/healthz"))[0] == 503 and found, "bad health")
    assert status == 503
    return str(json.loads(told)["reason"])


def all_is_well(gate: Gate, house: House) -> None:
    assert ask(gate, house.held["valid"])[0] == 200
    waited(lambda: ask(gate, None, "/healthz")[0] == 200, "good health")
    assert house.chain_holds()


@pytest.mark.sqlite(reason="a server has a disk of its own")
def test_on_a_full_disk_nothing_passes_until_there_is_room(disk: Path) -> None:
    house = houses.build(disk, Sqlite())
    with tempfile.TemporaryDirectory() as elsewhere:
        house.folder = Path(elsewhere)
        with houses.gate(house, "--no-log") as gate:
            all_is_well(gate, house)
            with full(disk):
                assert nothing_passes(gate, house) == "the disk is full"
            all_is_well(gate, house)
        subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
        with pytest.raises(AssertionError, match=r"read-only|cannot be opened"):
            houses.start(house)


@pytest.mark.sqlite(reason="what cannot be written is the file")
def test_when_no_file_can_be_written_nothing_passes_until_it_can(memory: Path) -> None:
    with tempfile.TemporaryDirectory(dir=memory) as folder:
        house = houses.build(Path(folder), Sqlite())
        with houses.gate(house, "--no-log") as gate:
            all_is_well(gate, house)
            with forbidden(gate.process.pid):
                assert nothing_passes(gate, house)
            all_is_well(gate, house)


@pytest.mark.dear
def test_while_another_program_holds_the_store_who_waits_for_long_is_asked_to_come_again(
    gate: Gate, house: House
) -> None:
    before = len(house.events("valid"))
    with house.desk() as desk, desk.begin():
        status, told = ask(gate, house.held["valid"])
    assert (status, json.loads(told)["error_description"]) == (503, "the store is busy")
    assert len(house.events("valid")) == before
    all_is_well(gate, house)


def test_a_clock_set_back_lets_nothing_pass_until_it_is_right_again(
    stores: Stores, memory: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The store has seen an instant that is ten minutes ahead of the gate's clock."""
    with tempfile.TemporaryDirectory(dir=memory) as folder:
        house = houses.build(Path(folder), stores)
        with houses.gate(house, "--no-log") as gate:
            all_is_well(gate, house)
            for ahead, status in ((4, 200), (10, 503)):
                with house.desk(Clock(datetime.now(UTC) + timedelta(minutes=ahead))) as desk:
                    desk.run(accounts.create, f"from-the-future-{ahead}")
                assert ask(gate, house.held["valid"])[0] == status
            assert "the clock is behind" in ask(gate, house.held["valid"])[1]
            waited(lambda: "the clock is behind" in ask(gate, None, "/healthz")[1], "bad health")
            assert ask(gate, None)[0] == 401
            for name, value in house.environ.items():
                monkeypatch.setenv(name, value)
            assert start(["database", "clock", "--accept"]) == 0, capsys.readouterr().err
            assert ask(gate, house.held["valid"])[0] == 200
