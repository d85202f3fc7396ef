"""A desk with a token of every fate, and gates in processes of their own in front of it."""

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from botdesk import accounts, audit, settings, tokens
from botdesk.audit import Filter
from botdesk.desk import Desk, system_clock
from botdesk.settings import Settings
from botdesk.testing import Clock
from tests.stores import Stores

SCOPES = "catalog:read deploy:write"
PATIENCE = 60.0
"""How long is waited for a thing that has to come; machines are slow at times."""


def waited(condition: Callable[[], Any], what: str = "it") -> Any:
    """What the condition gives once it is true."""
    until = time.monotonic() + PATIENCE
    while not (found := condition()):
        assert time.monotonic() < until, f"{what} did not come"
        time.sleep(0.01)
    return found


@dataclass
class House:
    """A store with accounts and tokens.

    Attributes:
        folder: Where everything is.
        environ: The environment that leads there.
        held: The token strings, by what became of them.
        ids: Their lookup ids.
    """

    folder: Path
    environ: dict[str, str]
    held: dict[str, str] = field(default_factory=dict)
    ids: dict[str, str] = field(default_factory=dict)

    @property
    def settings(self) -> Settings:
        return settings.load(environ=self.environ)

    def desk(self, clock: Callable[[], datetime] = system_clock) -> Desk:
        return Desk.open(settings=self.settings, clock=clock, source="test")

    def issue(self, name: str, account: str = "nightly-build", **how: Any) -> str:
        """Issue a token and hand it over; gives the token."""
        with self.desk() as desk:
            return issue(desk, self, name, account, **how)

    def do(self, operation: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        with self.desk() as desk:
            return desk.run(operation, *args, **kwargs)

    def revoke(self, name: str) -> None:
        self.do(tokens.revoke, self.ids[name], reason="test")

    def events(self, token: str) -> list[Any]:
        """All events about a token, oldest first."""
        with self.desk() as desk, desk.read() as tx:
            found = audit.page(tx, Filter(action="token"), limit=1_000_000, oldest_first=True).rows
        return [event for event in found if event.subject_id == self.ids[token]]

    def chain_holds(self) -> bool:
        with self.desk() as desk, desk.read() as tx:
            return audit.verify(tx).holds


def issue(desk: Desk, house: House, name: str, account: str = "nightly-build", **how: Any) -> str:
    issued = desk.run(tokens.issue, account, name, **how)
    desk.run(tokens.deliver, issued.token.id, to="file:/run/secret")
    return keep(house, name, issued)


def keep(house: House, name: str, issued: tokens.Issued) -> str:
    house.held[name], house.ids[name] = issued.secret.reveal(), issued.token.id
    return house.held[name]


def build(folder: Path, stores: Stores) -> House:
    """Make the desk; a file lies in a folder of its own."""
    (folder / "desk").mkdir(mode=0o700)
    house = House(
        folder,
        {
            "BOTDESK_STORE": stores.new(folder / "desk"),
            "BOTDESK_STATE_DIR": str(folder / "state"),
            "BOTDESK_CONFIG": str(folder / "config.toml"),
            "BOTDESK_ARGON2_MEMORY_KIB": "8",
            "BOTDESK_ARGON2_PASSES": "1",
        },
    )
    with house.desk(Clock(datetime.now(UTC) - timedelta(days=2))) as desk:
        desk.run(accounts.create, "nightly-build", scopes=SCOPES)
        issue(desk, house, "expired", lifetime=timedelta(hours=1))
        issue(desk, house, "retired")
        keep(house, "successor", desk.run(tokens.rotate, house.ids["retired"], overlap=timedelta(hours=1)))
        desk.run(tokens.deliver, house.ids["successor"], to="file:/run/secret")
    with house.desk() as desk:
        _furnish(desk, house)
    return house


def _furnish(desk: Desk, house: House) -> None:
    desk.run(accounts.create, "metrics-ingest", scopes="metrics:write")
    desk.run(accounts.create, "resource-server", scopes="botdesk:introspect")
    desk.run(accounts.create, "sleeping-bot", scopes=SCOPES)
    desk.run(accounts.create, "former-bot", scopes=SCOPES)
    issue(desk, house, "valid")
    issue(desk, house, "endless", never=True)
    issue(desk, house, "narrow", "metrics-ingest")
    issue(desk, house, "asker", "resource-server")
    issue(desk, house, "disabled", "sleeping-bot")
    issue(desk, house, "removed", "former-bot")
    issue(desk, house, "revoked")
    keep(house, "pending", desk.run(tokens.issue, "nightly-build", "pending"))
    desk.run(tokens.revoke, house.ids["revoked"], reason="leaked")
    desk.run(accounts.disable, "sleeping-bot", reason="asleep")
    desk.run(accounts.remove, "former-bot", reason="gone")
    valid = house.held["valid"]
    house.held["forged"] = valid[:-1] + ("A" if valid[-1] != "A" else "B")
    house.held["stolen"] = "bdk_" + house.ids["valid"] + "_" + "0123456789" * 4 + "123" + "abcdef"
    house.held["malformed"] = "not-a-token"


DEAD = ("expired", "retired", "revoked", "pending", "disabled", "removed", "forged", "stolen", "malformed")
"""The fates that must all look the same from outside."""


@dataclass
class Gate:
    """A gate in a process of its own.

    Attributes:
        process: The process that was started.
        place: Where it listens, in its own words.
        log: The file with its access log.
        talk: The file with what it told the operator.
    """

    process: subprocess.Popen[bytes]
    place: str
    log: Path
    talk: Path

    @property
    def port(self) -> int:
        return int(self.place.rpartition(":")[2])

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(PATIENCE)

    def workers(self) -> list[int]:
        """The pids of its workers; Linux knows them."""
        pid = self.process.pid
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


@contextlib.contextmanager
def gate(house: House, *words: str, listen: str = "127.0.0.1:0", **environ: str) -> Iterator[Gate]:
    """Start a gate, wait until it listens, and end it at last."""
    started = start(house, *words, listen=listen, **environ)
    try:
        yield started
    finally:
        end(started.process)


def start(house: House, *words: str, listen: str = "127.0.0.1:0", **environ: str) -> Gate:
    name = f"gate-{time.monotonic_ns()}"
    log, talk = house.folder / f"{name}.log", house.folder / f"{name}.talk"
    command = [sys.executable, "-m", "botdesk", "gate", "--listen", listen, *words]
    with log.open("wb") as out, talk.open("wb") as err:
        process = subprocess.Popen(command, env={**os.environ, **house.environ, **environ}, stdout=out, stderr=err)

    def listening() -> Any:
        assert process.poll() is None, f"the gate ended: {talk.read_text()}"
        return re.search(r"listening at (\S+)\n", talk.read_text())

    return Gate(process, waited(listening, "the gate")[1], log, talk)


def end(process: subprocess.Popen[bytes]) -> None:
    """End a process that a test started."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(PATIENCE)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port: int = taken.getsockname()[1]
        return port


def answers(port: int) -> bool:
    """Tell whether something listens at a port."""
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True
