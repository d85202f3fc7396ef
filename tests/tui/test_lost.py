"""A database server that goes away while one looks on: the screen says so, keeps what was typed, and goes on."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from botdesk import accounts, audit
from botdesk.desk import Desk
from botdesk.tui.watch import LOST
from tests.postgres_server import Server, make, programs, unmake
from tests.tui.program import environ, started

CTRL_Q, CTRL_S, ESCAPE = "\x11", "\x13", "\x1b"


@pytest.fixture
def own(lacking: Callable[[str], None]) -> Iterator[Server]:
    """A server that the test may stop."""
    if programs() is None:
        lacking("PostgreSQL's server is not installed")
    server = make(durable=False)
    yield server
    unmake(server)


def test_a_server_that_crashes_is_told_and_what_was_typed_is_saved_once_it_is_back(own: Server, tmp_path: Path) -> None:
    with own.connect() as connection:
        connection.execute("CREATE DATABASE desk OWNER desk TEMPLATE template0")
    store = own.url("desk")
    with Desk.open(store) as desk:
        desk.run(accounts.create, "nightly-build")
    with started(store, environ(tmp_path)) as screen:
        screen.wait_for("1 account · by name")
        own.control("stop", "-m", "immediate")
        screen.wait_for(LOST)
        assert "nightly-build" in screen.text
        screen.send("n")
        screen.wait_for("New service account")
        screen.send("metrics-ingest")
        screen.wait_for("metrics-ingest")
        screen.send(CTRL_S)
        screen.wait_for("cannot be reached")
        assert "metrics-ingest" in screen.text
        own.control("start")
        screen.send(CTRL_S)
        screen.wait_for("created metrics-ingest")
        screen.wait_gone(LOST)
        with Desk.open(store) as desk:
            desk.run(accounts.disable, "nightly-build", reason="seen from another desk")
        screen.settle()
        screen.send(ESCAPE)
        screen.wait_for("disabled")
        own.control("restart", "-m", "immediate")
        with Desk.open(store) as desk:
            desk.run(accounts.enable, "nightly-build")
        screen.wait_gone("disabled")
        screen.wait_gone(LOST)
        screen.send(CTRL_Q)
        assert screen.wait_exit() == 0
    with Desk.open(store) as desk:
        assert {line.account.name for line in desk.ask(accounts.page).rows} == {"nightly-build", "metrics-ingest"}
        assert desk.ask(audit.verify).holds
