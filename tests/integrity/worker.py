"""Desks in processes of their own, to be killed, or to work side by side.

Run as a program it is a fork server: everything is imported once, and each line on its input forks a child that does
one job; so a job starts within milliseconds. `Workers` is the other end.
"""

import ctypes
import fcntl
import itertools
import json
import os
import resource
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, Self

sys.path.insert(0, str(Path(__file__).parents[2]))

from botdesk import (
    accounts,
    audit,
    bulk,
    cutover,
    grants,
    handoff,
    keeping,
    keys,
    migration,
    notify,
    people,
    removal,
    retention,
    roles,
    runner,
    telling,
    tokens,
    verification,
)
from botdesk.access import Level
from botdesk.accounts import Purpose
from botdesk.bearer import Presented, Secret
from botdesk.desk import Desk
from botdesk.errors import AccessDenied, NotFound, StoreError
from botdesk.testing import Clock, light_hasher, open_desk
from tests.integrity import house
from tests.public_keys import CLEOS

PATIENCE = 60
"""After how many seconds nobody waits any longer."""


def everything(desk: Desk, tell: Callable[..., object]) -> None:
    """Go through the life of a few bots; tell what is about to be handed over, and what was done."""
    clock = desk.clock
    assert isinstance(clock, Clock)

    def done(function: Callable[..., Any], *args: Any, **how: Any) -> Any:
        clock.forward(timedelta(minutes=1))
        with desk.begin() as tx:
            answer = function(tx, *args, **how)
            appended = tx.appended
        tell("done", appended)
        return answer

    def handed(token_id: str) -> None:
        tell("handed", token_id)
        done(tokens.deliver, token_id, to="command:vault")

    for number in range(4):
        name = f"job-{number}"
        done(accounts.create, name, purpose=Purpose.SCHEDULE, scopes="catalog:read")
        done(grants.give, name, "role:platform", Level.OPERATE)
        first = done(tokens.issue, name, "first").token.id
        handed(first)
        handed(done(tokens.rotate, first, overlap=timedelta(hours=1)).token.id)
        done(tokens.issue, name, "left pending")
        done(accounts.modify, name, description="what it does")
        done(tokens.revoke, first, reason="no longer needed")
        done(grants.give, name, "person:ben", Level.VIEW)
        done(accounts.disable, name, reason="paused")
        done(accounts.enable, name)
        done(people.add, f"person-{number}")
        done(people.disable, f"person-{number}")
        done(accounts.remove, name, reason="done with")


def _token(function: Callable[..., Any], of: str, /, **how: Any) -> Callable[[Desk], Any]:
    def job(desk: Desk) -> Any:
        with desk.begin() as tx:
            return function(tx, house.token(tx, of).id, **how)

    return job


def _refused(actor: str, account: str) -> Callable[[Desk], None]:
    def job(desk: Desk) -> None:
        with suppress(AccessDenied, NotFound), desk.begin(actor=actor) as tx:
            accounts.disable(tx, account)

    return job


def _do(function: Callable[..., Any], *args: Any, **how: Any) -> Callable[[Desk], Any]:
    return lambda desk: desk.run(function, *args, **how)


def _of_a_run(order: bulk.Order, item: str) -> Callable[[Desk], Any]:
    return _do(bulk.within, 1, bulk.do, order, item)


def _export(desk: Desk) -> None:
    with desk.begin() as tx:
        assert list(audit.export(tx))


def _unknown(desk: Desk) -> None:
    with desk.store.change() as tx:
        verification.record_unknown(tx, {"10.0.0.9": 3})


def _renew(desk: Desk) -> None:
    with desk.store.change() as tx:
        token = house.token(tx, "active")
        assert verification.rehash(tx, Presented(token.id, Secret("the same")), token.hash)


def _end(desk: Desk) -> None:
    with desk.store.change() as tx:
        verification.end(tx, Presented(house.token(tx, "active").id, Secret("its own")))


def _cut_over(end: Callable[..., Any], **how: Any) -> Callable[[Desk], Any]:
    """Rotate a token and end the overlap one way or the other, in one piece."""

    def job(desk: Desk) -> Any:
        with desk.begin() as tx:
            old = house.token(tx, "active").id
            tokens.deliver(tx, tokens.rotate(tx, old, label="next").token.id, to="file:/run/secret")
            return end(tx, old, **how)

    return job


def _forget_key(desk: Desk) -> None:
    with desk.begin() as tx:
        keys.remove(tx, keys.listed(tx, "ben")[0].key.fingerprint)


HOOK = telling.To("webhook", "https://hooks.example/services/T0")
NOTE = notify.Note("revoked", "ada revoked a token", {}, sequence=3)

BACKUP = "saved.db"
ARCHIVE = ".archive"


def _archive(desk: Desk) -> None:
    """Move all but the last day, once it is old enough."""
    clock = desk.clock
    assert isinstance(clock, Clock)
    clock.forward(retention.KEPT)
    keeping.archive(desk, house.LATER - timedelta(days=1), Path(desk.location).with_suffix(ARCHIVE))


VERBS: dict[str, Callable[[Desk], Any]] = {
    "account create": _do(accounts.create, "new-job", purpose=Purpose.CI, scopes="catalog:read"),
    "account modify": _do(accounts.modify, "nightly-build", scopes="catalog:read", description="builds by night"),
    "account disable": _do(accounts.disable, "nightly-build", reason="paused"),
    "account enable": _do(accounts.enable, "metrics-ingest"),
    "account hand over": _do(grants.hand_over, "nightly-build", "ben"),
    "account remove": _do(accounts.remove, "nightly-build", reason="done with"),
    "account restore": _do(removal.restore, "old-hook"),
    "token issue": _do(tokens.issue, "nightly-build", "another"),
    "token deliver": _token(tokens.deliver, "pending", to="file:/run/secret"),
    "token deliver a successor": _token(tokens.deliver, "waiting", to="file:/run/secret"),
    "token rotate": _token(tokens.rotate, "aged", label="next"),
    "token revoke": _token(tokens.revoke, "active", reason="seen in a log"),
    "token abandon": _token(tokens.abandon, "pending"),
    "token extend": _token(tokens.extend, "spare", by=timedelta(days=1)),
    "rotation finish": _cut_over(cutover.finish, anyway=True),
    "rotation undo": _cut_over(cutover.undo),
    "token use": _do(house.use, "active"),
    "token use refused": _do(house.use, "revoked"),
    "token unknown": _unknown,
    "token rehash": _renew,
    "token end": _end,
    "clock accept": _do(audit.accept_clock),
    "grant give": _do(grants.give, "claude-bot", "role:platform", Level.OPERATE),
    "grant change": _do(grants.give, "nightly-build", "role:platform", Level.MANAGE),
    "grant withdraw": _do(grants.withdraw, "nightly-build", "role:platform"),
    "person add": _do(people.add, "eve", full_name="Eve Doe"),
    "person modify": _do(people.modify, "ben", full_name="Benjamin Doe"),
    "person disable": _do(people.disable, "ben"),
    "person enable": _do(people.enable, "dan"),
    "key add": _do(keys.add, "bea", CLEOS),
    "key remove": _forget_key,
    "advice dismiss and recall": _do(house.dismiss_and_recall),
    "migration begin": _do(house.begin_moving),
    "migration pause, resume and cancel": _do(house.rest_and_give_up),
    "migration revoke": _do(house.end_old, migration.revoke),
    "migration confirm": _do(house.end_old, migration.confirm, how="deleted at the forge"),
    "personal token use": _do(house.show_old, "job open"),
    "role create": _do(roles.create, "on-call"),
    "role modify": _do(roles.modify, "platform", new_name="machines", scopes="catalog:read"),
    "role add": _do(roles.add_member, "data-ops", "ben"),
    "role drop": _do(roles.drop_member, "platform", "ben"),
    "role remove": _do(roles.remove, "night-shift"),
    "bulk begin": _do(bulk.begin, bulk.Plan(bulk.Order(verb=bulk.Verb.DISABLE))),
    "bulk enable": _of_a_run(bulk.Order(verb=bulk.Verb.ENABLE), "metrics-ingest"),
    "bulk grant": _of_a_run(
        bulk.Order(verb=bulk.Verb.GRANT, grantee="role:platform", level=Level.OPERATE), "claude-bot"
    ),
    "bulk resume": _do(bulk.resume, 1, bulk.Plan(bulk.Order(verb=bulk.Verb.DISABLE))),
    "bulk end": _do(bulk.end, 1, told="nothing to do", failed={}, stopped=True),
    "notify claim": _do(telling.begin, HOOK, NOTE, by="here"),
    "notify tell": _do(telling.end, HOOK, NOTE),
    "notify give up": _do(telling.give_up, HOOK, NOTE, tries=5),
    "denied": _refused("ben", "nightly-build"),
    "denied out of reach": _refused("ben", "claude-bot"),
    "audit export": _export,
    "audit archive": _archive,
    "database backup": lambda desk: keeping.backup(desk, Path(desk.location).with_name(BACKUP)),
    "found": lambda desk: None,
}
"""Every verb that writes, on the furnished store; `found` is on none."""


def do(store: str, verb: str) -> None:
    """Do one verb once."""
    with open_desk(store, clock=Clock(house.LATER), seed=2) as desk:
        VERBS[verb](desk)


def hand(store: str, out: str) -> None:
    """Rotate a token and hand the successor's secret over to a file, by what the command line does it with."""
    from botdesk.cli import delivery  # the other jobs need none of it, and are started by the thousand

    with open_desk(store, clock=Clock(house.LATER), seed=2) as desk:

        def rotate() -> tokens.Issued:
            with desk.begin() as tx:
                return tokens.rotate(tx, house.token(tx, "active").id, overlap=timedelta(hours=1), label="handed")

        delivery.hand_over(desk, rotate, handoff.File(Path(out)))


def carry(store: str, out: str) -> None:
    """Rotate all tokens that work, each secret into a file of its own below `out`."""
    target = handoff.Command(("sh", "-c", 'cat > "$0/$1"', out, "{predecessor_id}.{token_id}"))
    with open_desk(store, clock=Clock(house.LATER), seed=2) as desk:
        working = desk.ask(tokens.listed, states={tokens.TokenState.ACTIVE})
        plan = runner.plan(desk, bulk.Order(verb=bulk.Verb.ROTATE), [line.token.id for line in working])
        runner.carry_out(desk, plan, target=target)


def live(store: str, out: str) -> None:
    """Do everything, and write down what was done."""
    written = os.open(out, os.O_CREAT | os.O_APPEND | os.O_WRONLY, 0o600)
    with open_desk(store, clock=Clock(house.LATER), seed=2) as desk:
        everything(desk, lambda *said: os.write(written, (json.dumps(said) + "\n").encode()))


def work(store: str, operator: str, times: int) -> None:
    """Do the daily work of one person, beside others, with true chance and time."""
    with Desk.open(store, operator=operator, hasher=light_hasher(), source="test") as desk:
        for number in range(times):
            name = f"{operator}-job-{number}"
            desk.run(accounts.create, name, scopes="catalog:read")
            token = desk.run(tokens.issue, name, "first").token.id
            desk.run(tokens.deliver, token, to="command:vault")
            assert desk.ask(tokens.line, token).account == name
            desk.run(grants.give, "nightly-build", f"person:{operator}", list(Level)[number % 3])
            desk.run(house.use, "active")


def persist(store: str, operator: str, out: str, stop: str) -> None:
    """Go on working until `stop` is there, whatever becomes of the server, and write down what was said each time."""
    written = os.open(out, os.O_CREAT | os.O_APPEND | os.O_WRONLY, 0o600)

    def tell(*said: object) -> None:
        os.write(written, (json.dumps(said) + "\n").encode())

    with Desk.open(store, operator=operator, hasher=light_hasher(), source="test") as desk:
        for number in itertools.count():
            if Path(stop).exists():
                return
            name = f"{operator}-job-{number}"
            try:
                with desk.begin() as tx:
                    account = accounts.create(tx, name, scopes="catalog:read")
                    grants.give(tx, account.id, f"person:{operator}", Level.VIEW)
                    tokens.issue(tx, account.id, "first")
                    appended = tx.appended
            except StoreError as error:
                tell("unknown" if "unknown" in error.message else "failed", name, error.message)
                time.sleep(0.05)
            else:
                tell("done", name, appended)


def move(store: str, to: str, kill_at: int) -> None:
    """Move a desk, and die at that step of it."""
    steps = itertools.count(1)

    def step(what: str, done: int, total: int) -> None:
        if next(steps) == kill_at:
            os.kill(os.getpid(), signal.SIGKILL)

    with open_desk(store, operator="bea", clock=Clock(house.LATER)) as desk:
        keeping.move(desk, to, progress=step)


def archive(store: str, to: str, before: str, kill_at: int) -> None:
    """Archive what is old, and die at that step of letting go of it."""
    steps = itertools.count(1)

    def step(what: str, done: int, total: int) -> None:
        if what == "letting go" and next(steps) == kill_at:
            os.kill(os.getpid(), signal.SIGKILL)

    with Desk.open(store, operator="person-00", hasher=light_hasher(), source="test") as desk:
        keeping.archive(desk, datetime.fromisoformat(before), Path(to), progress=step)


def arrive(store: str, operator: str, name: str, out: str, data_home: str = "") -> None:
    """Open a store that may be missing, create an account, and tell whether this opening founded the desk."""
    if data_home:
        os.environ["XDG_DATA_HOME"] = data_home
    with Desk.open(store, operator=operator, hasher=light_hasher(), source="test") as desk:
        desk.run(accounts.create, name)
        Path(out).write_text(json.dumps(desk.founded), "utf-8")


def try_to(store: str, out: str, *, uid: int = 0, umask: int = 0o022, largest: int = 0, data_home: str = "") -> None:
    """Open a store, read, write and copy it, under the given conditions; tell how far it went, and what stopped it.

    Args:
        store: The store.
        out: Where to tell it.
        uid: The user to become.
        umask: The umask.
        largest: How many bytes a file may have: a disk that is full.
        data_home: Where the platform's data folder is.
    """
    os.umask(umask)
    if data_home:
        os.environ["XDG_DATA_HOME"] = data_home
    if largest:
        resource.setrlimit(resource.RLIMIT_FSIZE, (largest, largest))
    written = os.open(out, os.O_CREAT | os.O_WRONLY, 0o600)
    if uid:
        os.setgroups([])
        os.setresgid(uid, uid, uid)
        os.setresuid(uid, uid, uid)
    found: dict[str, Any] = {"got": [], "error": "", "message": "", "hint": ""}
    try:
        _use(store, found)
    except Exception as error:
        hint, message = getattr(error, "hint", ""), str(error)
        found |= {"error": type(error).__name__, "message": message, "hint": hint}
    os.write(written, json.dumps(found).encode())


def _use(store: str, found: dict[str, Any]) -> None:
    with Desk.open(store, operator="ada", hasher=light_hasher(), source="test") as desk:
        found["got"].append("opened")
        assert desk.ask(audit.verify).holds
        found["got"].append("read")
        desk.run(accounts.create, "new-job", description="x" * 400)
        found["got"].append("written")
        keeping.backup(desk)
        found["got"].append("copied")
        folder = Path(store).parent
        found["modes"] = {str(path.relative_to(folder)): path.stat().st_mode & 0o777 for path in folder.rglob("*")}


def lock(store: str) -> None:
    """Lock the bytes that every reader of an SQLite file locks, as whoever merges the log does; fails if one reads."""
    shared_first, shared_size = 0x40000002, 510
    with Path(store).open("rb+") as file:
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB, shared_size, shared_first)


JOBS: dict[str, Callable[..., None]] = {
    job.__name__: job for job in (do, hand, carry, live, work, persist, move, archive, arrive, try_to, lock)
}


@dataclass(frozen=True)
class Ended:
    """How a job ended: its exit code, negative for a signal, and what it printed."""

    code: int
    said: str


class Workers:
    """A fork server; a context manager."""

    def __enter__(self) -> Self:
        self._server = subprocess.Popen(
            [sys.executable, "-B", "-W", "error", __file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "BOTDESK_CONFIG": "/nowhere/config.toml"},
        )
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self._server.terminate()
        self._server.communicate(timeout=PATIENCE)

    def start(self, job: str, *, gate: Path | None = None, **args: Any) -> int:
        """Start a job and give its process id; with a gate it waits until that file is there."""
        wanted = {key: str(value) if isinstance(value, Path) else value for key, value in args.items()}
        return int(self._ask({"job": job, "gate": None if gate is None else str(gate), "args": wanted}))

    def wait(self, pid: int) -> Ended:
        """Wait for a job's end."""
        return Ended(*self._ask({"wait": pid}))

    def run(self, job: str, **args: Any) -> Ended:
        """Do a job to its end."""
        return self.wait(self.start(job, **args))

    def _ask(self, question: dict[str, Any]) -> Any:
        assert self._server.stdin
        assert self._server.stdout
        self._server.stdin.write(json.dumps(question) + "\n")
        self._server.stdin.flush()
        return json.loads(self._server.stdout.readline())


def _serve() -> None:
    said: dict[int, Path] = {}
    with tempfile.TemporaryDirectory() as folder:
        _warm_up(Path(folder))
        for line in sys.stdin:
            question = json.loads(line)
            if "wait" in question:
                answer: Any = _end_of(question["wait"], said)
            else:
                errors = Path(folder) / f"{time.monotonic_ns()}.txt"
                answer = _fork(errors, **question)
                said[answer] = errors
            print(json.dumps(answer), flush=True)


def _warm_up(folder: Path) -> None:
    """Import all that is imported on first use."""
    house.furnish(folder / "warm.db")
    do(str(folder / "warm.db"), "database backup")
    do(str(folder / "warm.db"), "audit archive")


def _fork(errors: Path, *, job: str, gate: str | None, args: dict[str, Any]) -> int:
    pid = os.fork()
    if pid:
        return pid
    code = 1
    try:
        with suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(0x59616D61, ctypes.c_ulong(-1), 0, 0, 0)  # PR_SET_PTRACER: anybody may trace this
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        _wait_for(gate)
        JOBS[job](**args)
        code = 0
    except BaseException:
        errors.write_text(traceback.format_exc(), "utf-8")
    finally:
        os._exit(code)


def _wait_for(gate: str | None) -> None:
    last = time.monotonic() + PATIENCE
    while gate and not Path(gate).exists() and time.monotonic() < last:
        time.sleep(0.001)


def _end_of(pid: int, said: dict[int, Path]) -> tuple[int, str]:
    errors, last = said.pop(pid), time.monotonic() + PATIENCE
    ended, status = os.waitpid(pid, os.WNOHANG)
    while not ended and time.monotonic() < last:
        time.sleep(0.001)
        ended, status = os.waitpid(pid, os.WNOHANG)
    if not ended:
        os.kill(pid, signal.SIGKILL)
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), f"it did not end within {PATIENCE} s"
    return os.waitstatus_to_exitcode(status), errors.read_text("utf-8") if errors.exists() else ""


if __name__ == "__main__":
    _serve()
