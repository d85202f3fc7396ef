"""What does the audit cost at size? Filters, a jump to a date, appending and verifying, each against its bare work."""

import os
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from hashlib import sha256
from pathlib import Path
from statistics import median

import pysqlite3

from benchmarks import make_desk
from benchmarks.measure import Line, table
from botdesk import audit
from botdesk.audit import Filter, Outcome
from botdesk.desk import Desk
from botdesk.settings import Settings
from botdesk.store import walk
from botdesk.store.digest import BOUND, canonical

FULL = os.environ.get("BENCH") == "full"
ACCOUNTS, EVENTS = (100_000, 10_000_000) if FULL else (2_000, 100_000)
ROUNDS = 7 if FULL else 5
BATCHES, BATCH = (40, 500) if FULL else (10, 500)


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        lines = measured(Path(folder))
    table(f"the audit of {EVENTS:,} events, in-process", lines)


def measured(folder: Path) -> list[Line]:
    """Measure on a desk that is made in this folder."""
    path = folder / "trail" / "desk.db"
    make_desk.make(path, accounts=ACCOUNTS, events=EVENTS)
    settings = Settings(store=str(path), state_dir=folder / "state", config_file=folder / "none")
    with Desk.open(settings=settings) as desk:
        return [*filters(desk), *walks(desk, path), *appends(desk, folder)]


def filters(desk: Desk) -> list[Line]:
    """Milliseconds to the first page of what is asked for, by what it may take."""
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
        "a day, 200 days ago": (Filter(until=day), 20.0),
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


def timed(work: Callable[[], object]) -> float:
    """Seconds of one call, as the median of some."""
    taken = []
    for number in range(ROUNDS + 1):
        begun = time.perf_counter()
        work()
        taken += [time.perf_counter() - begun] if number else []
    return median(taken)


def walks(desk: Desk, path: Path) -> list[Line]:
    """Events verified a second by one process and by two, by a bare loop that reads and hashes the same rows."""

    def verified(large: int) -> None:
        with desk.read() as tx:
            assert walk.verify(tx.session, large=large).holds

    rounds: dict[str, list[float]] = {"bare": [], "one": [], "two": []}
    work: dict[str, Callable[[], object]] = {
        "bare": lambda: hashed(path),
        "one": lambda: verified(EVENTS + 1),
        "two": lambda: verified(1),
    }
    for _ in range(1 if FULL else 3):
        for name, call in work.items():
            begun = time.perf_counter()
            call()
            rounds[name].append(EVENTS / (time.perf_counter() - begun))
    rate = {name: median(each) for name, each in rounds.items()}
    return [
        Line(f"verify, {words}", rate[name], "bare loop", rate["bare"], "≥0.6", "/s", more_is_better=True)
        for name, words in (("one", "one process"), ("two", "two processes"))
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


def appends(desk: Desk, folder: Path) -> list[Line]:
    """Events appended a second in batches, by raw inserts of the very same rows in batches of the same size."""
    before = desk.head().sequence
    known = [[used(desk.clock()) for _ in range(BATCH)] for _ in range(BATCHES)]
    begun = time.perf_counter()
    for batch in known:
        with desk.begin() as tx:
            audit.append(tx, batch)
    ours = BATCHES * BATCH / (time.perf_counter() - begun)
    return [Line("append", ours, "raw inserts", raw_inserts(desk, folder, before), "≥0.6", "/s", more_is_better=True)]


def used(now: datetime) -> dict[str, object]:
    """The values of an event, as the uses of a token have them."""
    told = {"at": now.isoformat(timespec="microseconds").replace("+00:00", "Z"), "actor_kind": "account"}
    told |= {"actor_id": "acc_0000000003", "actor": "billing-nightly-000003", "action": "token:used", "outcome": "done"}
    told |= {"account_id": "acc_0000000003", "account": "billing-nightly-000003", "source": "10.0.0.7"}
    told |= {"detail": '{"label":"runner 1","path":"/v1/catalog"}'}
    return {**told, "subject_kind": "token", "subject_id": "0000000003", "before": "0" * 64, "after": "1" * 64}


def raw_inserts(desk: Desk, folder: Path, after: int) -> float:
    """Rows inserted a second into a new table with the same columns, indexes and settings."""
    connection = pysqlite3.connect(str(desk.location), isolation_level=None)
    made = "SELECT sql FROM sqlite_master WHERE tbl_name = 'event' AND type IN ('table', 'index') AND sql IS NOT NULL"
    statements = [row[0] for row in connection.execute(f"{made} ORDER BY type DESC")]
    rows = connection.execute("SELECT * FROM event WHERE sequence > ? ORDER BY sequence", (after,)).fetchall()
    connection.close()
    other = pysqlite3.connect(str(folder / "raw.db"), isolation_level=None)
    for statement in ("PRAGMA journal_mode=wal", "PRAGMA synchronous=FULL", *statements):
        other.execute(statement)
    begun = time.perf_counter()
    for first in range(0, len(rows), BATCH):
        other.execute("BEGIN IMMEDIATE")
        other.executemany(f"INSERT INTO event VALUES ({', '.join('?' * len(rows[0]))})", rows[first : first + BATCH])
        other.execute("COMMIT")
    return len(rows) / (time.perf_counter() - begun)


if __name__ == "__main__":
    main()
