"""What does the audit cost at size? Filters, a jump to a date, appending and verifying, each against its bare work."""

import shutil
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from hashlib import sha256
from pathlib import Path
from statistics import median
from typing import Any

import pysqlite3

from benchmarks import make_desk, measure
from benchmarks.measure import FULL, Line
from botdesk import audit
from botdesk.audit import Filter, Outcome
from botdesk.desk import Desk, Stop
from botdesk.errors import BotdeskError
from botdesk.settings import Settings
from botdesk.store import walk
from botdesk.store.digest import BOUND, canonical
from botdesk.verifier import MOST_TOGETHER

SIZE = ACCOUNTS, EVENTS = (measure.ACCOUNTS, measure.EVENTS) if FULL else (2_000, 200_000)
ROUNDS = 7 if FULL else 5
WITH, WITHOUT = "raw inserts", "raw inserts, unguarded"
RAW = {WITH: "≥0.6", WITHOUT: ""}
"""The peers of appending, each with what is aimed at."""

BATCHES, BATCH = 120 if FULL else 60, MOST_TOGETHER


def measured(folder: Path, shared: Path) -> list[Line]:
    """Measure on a desk that has some more events afterwards."""
    path = make_desk.kept(shared, *SIZE) / "desk.db"
    settings = Settings(store=str(path), state_dir=folder / "state", config_file=folder / "none")
    with Desk.open(settings=settings) as desk:
        return [*filters(desk), stops(desk), *walks(desk, path), *appends(desk, path, folder)]


def filters(desk: Desk) -> list[Line]:
    """Milliseconds of the processor to the first page of what is asked for, by what it may take.

    All of it is one thread's work in memory, so a machine with nothing else to do takes no longer.
    """
    name = f"{make_desk.TEAMS[3]}-{make_desk.JOBS[0]}-{3:06}"
    account = desk.ask(audit.page, Filter(account=name), limit=1).rows[0].account
    day = datetime.now(UTC) - timedelta(days=200)
    asked = {
        "all": (Filter(), 20.0),
        "account": (Filter(account=account), 20.0),
        "actor": (Filter(actor="person-07"), 20.0),
        "action": (Filter(action="token:refused"), 20.0),
        "rare action": (Filter(action="role:created"), 20.0),
        "outcome": (Filter(outcome=Outcome.DENIED), 20.0),
        "jump to a day, 200 days ago": (Filter(until=day), 20.0),
        "account and outcome": (Filter(account=account, outcome=Outcome.DENIED), 150.0),
        "account and action": (Filter(account=account, action="token:issued"), 150.0),
        "actor and action": (Filter(actor="person-07", action="grant:given"), 150.0),
        "action and a day": (Filter(action="token:refused", until=day), 150.0),
    }
    return [
        Line(
            f"filter: {what}",
            timed(partial(desk.ask, audit.page, wanted)) * 1e3,
            "limit",
            limit,
            "≤1",
            "ms",
        )
        for what, (wanted, limit) in asked.items()
    ]


def stops(desk: Desk) -> Line:
    """Milliseconds from the word that nobody waits any more to the end of a search for a text that is nowhere."""
    taken = median(stopped(desk) for _ in range(ROUNDS)) * 1e3
    return Line("a search for words, stopped", taken, "limit", 100.0, "≤1", "ms")


def stopped(desk: Desk) -> float:
    """Search until it is stopped; gives the seconds that it took to end."""
    stop, said = Stop(), [0.0]

    def end() -> None:
        said[0] = time.perf_counter()
        stop()

    threading.Timer(0.05, end).start()
    with suppress(BotdeskError), desk.read(stop=stop) as tx:
        while True:
            audit.page(tx, Filter(text="what nobody ever wrote"))
    return time.perf_counter() - said[0]


def timed(work: Callable[[], object]) -> float:
    """Seconds of processor time that one call takes, as the median of some."""
    taken = []
    for number in range(ROUNDS + 1):
        begun = time.process_time()
        work()
        taken += [time.process_time() - begun] if number else []
    return median(taken)


def walks(desk: Desk, path: Path) -> list[Line]:
    """Events verified a second by one process and by two, by a bare loop that reads and hashes the same rows.

    One process is held against it by processor time, too, which a busy machine does not blur.
    """

    def verified(large: int) -> None:
        with desk.read() as tx:
            assert walk.verify(tx.session, large=large).holds

    work: dict[str, Callable[[], object]] = {
        "bare": lambda: hashed(path),
        "one": lambda: verified(EVENTS * 2),
        "two": lambda: verified(1),
    }
    rate: dict[str, list[float]] = {name: [] for name in work}
    busy: dict[str, list[float]] = {name: [] for name in work}
    for _ in range(1 if FULL else 3):
        for name, call in work.items():
            begun, used = time.perf_counter(), time.process_time()
            call()
            rate[name].append(EVENTS / (time.perf_counter() - begun))
            busy[name].append(EVENTS / (time.process_time() - used))
    asked = (("one process", "one", rate), ("two processes", "two", rate), ("one process, processor time", "one", busy))
    return [
        Line(f"verify, {words}", median(of[name]), "bare loop", median(of["bare"]), "≥0.6", "/s")
        for words, name, of in asked
    ]


def hashed(path: Path) -> None:
    """Read all events and hash them, and hold each against the one before."""
    connection = pysqlite3.connect(str(path))
    columns, previous = [*BOUND, "hash"], "0" * 64
    for row in connection.execute(f"SELECT {', '.join(columns)} FROM event ORDER BY sequence"):
        told = canonical(dict(zip(BOUND, row[:-1], strict=True)))
        previous = sha256((previous + told).encode()).hexdigest()
        assert previous == row[-1]
    connection.close()


def appends(desk: Desk, path: Path, folder: Path) -> list[Line]:
    """Events appended a second, in the recorder's largest crowds, by raw inserts of the very same rows.

    The raw inserts go into copies of the store: the same table with its indexes and triggers, the same settings, and
    transactions of the same size that are on the disk at their end. The other copy lacks the trigger that refuses to
    replace an event, so what that guard costs is told apart.
    """
    copies = {peer: copied(path, folder / f"{number}.db") for number, peer in enumerate(RAW)}
    copies[WITHOUT].execute("DROP TRIGGER event_no_replace")
    reader = pysqlite3.connect(str(path))
    newest = "SELECT after FROM event WHERE account_id = ? AND subject_id = ? ORDER BY sequence DESC"
    digest: str = reader.execute(newest, (USED["account_id"], USED["subject_id"])).fetchone()[0]
    taken: dict[str, list[float]] = {name: [] for name in ("botdesk", *RAW)}
    for number in range(BATCHES):
        batch, before = [used(desk.clock(), digest) for _ in range(BATCH)], desk.head().sequence
        begun = time.perf_counter()
        with desk.store.change() as tx:
            audit.append(tx, batch)
        taken["botdesk"].append(time.perf_counter() - begun)
        rows = reader.execute("SELECT * FROM event WHERE sequence > ? ORDER BY sequence", (before,)).fetchall()
        for peer in (WITH, WITHOUT) if number % 2 else (WITHOUT, WITH):
            begun = time.perf_counter()
            inserted(copies[peer], rows)
            taken[peer].append(time.perf_counter() - begun)
    for connection in (reader, *copies.values()):
        connection.close()
    rate = {name: BATCH / median(each) for name, each in taken.items()}
    return [Line("append", rate["botdesk"], peer, rate[peer], aim, "/s") for peer, aim in RAW.items()]


def copied(path: Path, to: Path) -> Any:
    """A connection to a copy of the store, which nobody else uses."""
    shutil.copyfile(path, to)
    connection = pysqlite3.connect(str(to), isolation_level=None)
    for pragma in ("foreign_keys=ON", "recursive_triggers=ON", "secure_delete=ON", "synchronous=FULL"):
        connection.execute(f"PRAGMA {pragma}")
    return connection


def inserted(connection: Any, rows: Sequence[Sequence[object]]) -> None:
    """Insert rows in one transaction."""
    connection.execute("BEGIN IMMEDIATE")
    connection.executemany(f"INSERT INTO event VALUES ({', '.join('?' * len(rows[0]))})", rows)
    connection.execute("COMMIT")


USED = {
    "actor_kind": "account",
    "actor_id": "acc_0000000003",
    "actor": "billing-nightly-000003",
    "account_id": "acc_0000000003",
    "account": "billing-nightly-000003",
    "source": "10.0.0.7",
    "action": "token:used",
    "outcome": "done",
    "detail": '{"label":"runner 4","path":"/v1/catalog"}',
    "subject_kind": "token",
    "subject_id": "0000000004",
}
"""An event, as the uses of a token have them."""


def used(now: datetime, digest: str) -> dict[str, object]:
    """The values of an event after which the token's row is as it was before, so that the desk verifies as ever."""
    at = now.isoformat(timespec="microseconds").replace("+00:00", "Z")
    return {**USED, "at": at, "before": digest, "after": digest}
