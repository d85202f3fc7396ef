"""Many processes write to one store at the same time: nothing is lost, nothing fails, the chain holds."""

import json
import threading
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest

from botdesk import accounts, audit, people, tokens
from botdesk.access import Action, Standing
from botdesk.audit import Filter
from botdesk.errors import AccessDenied
from botdesk.testing import open_desk
from tests.integrity.worker import Ended, Workers

PROCESSES = 8
TIMES = 25
OPERATORS = [f"worker-{number}" for number in range(PROCESSES)]


def at_once(workers: Workers, gate: Path, jobs: list[dict[str, object]]) -> None:
    """Start all the jobs, let them go at the same moment, and see each of them succeed."""
    running = [workers.start(gate=gate, **job) for job in jobs]  # type: ignore[arg-type]
    gate.touch()
    assert [workers.wait(pid) for pid in running] == [Ended(0, "")] * len(jobs)


@pytest.mark.dear
def test_eight_processes_write_to_one_store_and_nothing_is_lost(home: str, workers: Workers, tmp_path: Path) -> None:
    with open_desk(home, seed=2) as desk:
        for name in OPERATORS:
            desk.run(people.add, name, standing=Standing.ADMIN)
        before = desk.head().sequence
    jobs = [{"job": "work", "store": home, "operator": name, "times": TIMES} for name in OPERATORS]
    at_once(workers, tmp_path / "gate", jobs)
    with open_desk(home, seed=3) as desk:
        verdict = desk.ask(audit.verify)
        assert verdict.findings == ()
        assert verdict.events == before + PROCESSES * TIMES * 5
        found = {line.account.name for line in desk.ask(accounts.page, limit=1000).rows}
        assert {f"{name}-job-{number}" for name in OPERATORS for number in range(TIMES)} <= found
        assert sum(line.account.endswith(f"-job-{TIMES - 1}") for line in desk.ask(tokens.listed)) == PROCESSES
        for action in (Action.ACCOUNT_CREATED, Action.TOKEN_DELIVERED, Action.GRANT_GIVEN):
            for name in OPERATORS:
                assert desk.ask(audit.page, Filter(actor=name, action=action)).total == TIMES
        assert desk.ask(audit.page, Filter(action=Action.TOKEN_USED)).total >= PROCESSES * TIMES
        assert _turns(desk.ask(audit.page, limit=1000, oldest_first=True).rows[before:]) > PROCESSES


def _turns(events: tuple[audit.Event, ...]) -> int:
    """How often another actor went on: more often than there are actors when they worked at the same time."""
    return sum(one.actor != two.actor for one, two in pairwise(events))


@pytest.mark.parametrize("round", range(4))
@pytest.mark.parametrize("what", ["store", "folder", "nothing but an empty file"])
def test_eight_processes_open_a_missing_store_and_one_of_them_founds_it(
    workers: Workers, tmp_path: Path, round: int, what: str
) -> None:
    store = tmp_path / "data" / "botdesk" / "botdesk.db"
    if what != "folder":
        store.parent.mkdir(parents=True)
    if what == "nothing but an empty file":
        store.touch(0o600)
    given = {"job": "arrive", "store": store, "operator": "ada", "data_home": tmp_path / "data"}
    at_once(workers, tmp_path / "gate", [{**given, "name": name, "out": tmp_path / name} for name in OPERATORS])
    founded = [json.loads((tmp_path / name).read_text("utf-8")) for name in OPERATORS]
    assert sorted(founded) == [False] * (PROCESSES - 1) + [True]
    with open_desk(store) as desk:
        assert desk.ask(audit.verify).holds
        assert desk.ask(audit.page, Filter(action=Action.DESK_FOUNDED)).total == 1
        assert {line.account.name for line in desk.ask(accounts.page).rows} == set(OPERATORS)


def test_strangers_who_open_a_missing_store_with_its_founder_are_refused(place: str) -> None:
    with open_desk(place), pytest.raises(AccessDenied):
        open_desk(place, operator="mallory")


def test_two_desks_in_one_process_write_in_turns(place: str) -> None:
    with open_desk(place) as one, open_desk(place, seed=2) as two:
        for number in range(10):
            (one, two)[number % 2].run(accounts.create, f"job-{number}")
        assert one.head() == two.head()
        assert two.ask(accounts.page).total == 10
        assert one.ask(audit.verify).holds


def test_threads_of_one_desk_write_at_the_same_time(place: str) -> None:
    failed: list[Exception] = []

    def work(run: Callable[..., object], name: str) -> None:
        try:
            for number in range(5):
                run(accounts.create, f"{name}-{number}")
        except Exception as error:
            failed.append(error)

    with open_desk(place) as desk:
        threads = [threading.Thread(target=work, args=(desk.run, name)) for name in OPERATORS]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(timeout=60)
        assert failed == []
        assert desk.ask(accounts.page).total == 5 * PROCESSES
        assert desk.ask(audit.verify).holds


def test_a_reader_sees_one_moment_while_others_write(place: str) -> None:
    with open_desk(place) as writer, open_desk(place, seed=2) as reader, reader.read() as tx:
        before = audit.head(tx)
        writer.run(accounts.create, "nightly-build")
        assert audit.head(tx) == before
        assert accounts.page(tx).total == 0
    with open_desk(place) as desk:
        assert desk.head().sequence == before.sequence + 1


def test_opening_a_desk_keeps_the_locks_of_another_one_in_this_process(workers: Workers, tmp_path: Path) -> None:
    store = tmp_path / "botdesk.db"
    with open_desk(store) as one:
        assert workers.run("lock", store=store).code != 0
        open_desk(store, seed=2).close()
        assert workers.run("lock", store=store).code != 0
        one.run(accounts.create, "nightly-build")
    assert workers.run("lock", store=store) == Ended(0, "")
