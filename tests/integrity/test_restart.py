"""A PostgreSQL server that crashes again and again under its writers loses nothing that it acknowledged."""

import json
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from botdesk import accounts, audit, grants, people, tokens
from botdesk.access import Standing
from botdesk.desk import Desk
from botdesk.testing import open_desk
from tests.integrity import house
from tests.integrity.worker import PATIENCE, Ended, Workers
from tests.postgres_server import Server, make, programs, unmake

CRASHES = int(os.environ.get("CRASHES") or 3)
"""How often the server crashes; twenty times is what is promised."""

BETWEEN = 8
"""How much work is done between two crashes, at least."""

OPERATORS = [f"worker-{number}" for number in range(8)]


@pytest.fixture
def durable(lacking: Callable[[str], None]) -> Iterator[Server]:
    """A server of the test's own that waits for the disk."""
    if programs() is None:
        lacking("PostgreSQL's server is not installed")
    server = make(durable=True)
    yield server
    unmake(server)


def test_no_crash_of_the_server_loses_what_was_acknowledged_or_leaves_anything_half_done(
    durable: Server, workers: Workers, tmp_path: Path
) -> None:
    with durable.connect() as connection:
        connection.execute("CREATE DATABASE desk OWNER desk TEMPLATE template0")
    store = durable.url("desk")
    house.furnish(store)
    with open_desk(store, seed=2) as desk:
        for name in OPERATORS:
            desk.run(people.add, name, standing=Standing.ADMIN)
    running = [
        workers.start("persist", store=store, operator=name, out=tmp_path / name, stop=tmp_path / "stop")
        for name in OPERATORS
    ]
    try:
        for _ in range(CRASHES):
            _let_work(tmp_path)
            durable.control("restart", "-m", "immediate")
        _let_work(tmp_path)
    finally:
        (tmp_path / "stop").touch()
    assert [workers.wait(pid) for pid in running] == [Ended(0, "")] * len(OPERATORS)
    assert durable.log().count("was interrupted") >= CRASHES
    with open_desk(store, seed=3) as desk:
        _check(desk, [line for name in OPERATORS for line in _said(tmp_path / name)])


def _let_work(folder: Path) -> None:
    """Wait until every one of them has done something more, and all of them together enough."""
    before, last = _done(folder), time.monotonic() + PATIENCE
    while time.monotonic() < last:
        now = _done(folder)
        if sum(now) - sum(before) >= BETWEEN and min(now):
            return
        time.sleep(0.01)
    raise AssertionError(f"they do not work: {before}, then {_done(folder)}")


def _done(folder: Path) -> list[int]:
    return [sum(kind == "done" for kind, *_ in _said(folder / name)) for name in OPERATORS]


def _said(file: Path) -> list[Any]:
    lines = file.read_text("utf-8").splitlines(keepends=True) if file.exists() else []
    return [json.loads(line) for line in lines if line.endswith("\n")]


def _check(desk: Desk, said: list[Any]) -> None:
    verdict = desk.ask(audit.verify)
    assert verdict.findings == ()
    there = {line.account.name for line in desk.ask(accounts.page, limit=100_000).rows}
    with desk.read() as tx:
        for name, (sequence, link) in (rest for kind, *rest in said if kind == "done"):
            assert name in there
            assert audit.hash_at(tx, sequence) == link
    failed = {name for kind, name, _ in said if kind == "failed"}
    assert failed
    assert not failed & there
    whole = {name for name in there if "-job-" in name}
    assert {line.account for line in desk.ask(tokens.listed) if line.token.label == "first"} == whole
    assert {line.account for line in desk.ask(grants.listed)} >= whole
