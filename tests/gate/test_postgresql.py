"""The gate on a store in PostgreSQL: the same promises, and a server that is away for a while."""

import asyncio
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from botdesk import tokens
from tests.gate import house as houses
from tests.gate.client import clients
from tests.gate.house import DEAD, Gate, House
from tests.gate.test_promises import of_each_worker, until
from tests.stores import Postgresql

CROWD = 8
EACH = 20
TRIES = 25


@pytest.fixture(scope="module")
def house(postgresql: Postgresql, memory: Path) -> House:
    folder = memory / "postgresql"
    folder.mkdir(mode=0o700)
    return houses.build(folder, postgresql)


@pytest.fixture(scope="module")
def gate(house: House) -> Iterator[Gate]:
    with houses.gate(house, "--workers", "2", "--no-log") as started:
        yield started


def paths(house: House, token: str) -> Counter[str]:
    """How often each path is on record for a token that was accepted."""
    used = [event.detail for event in house.events(token) if event.action == "token:used"]
    return Counter(re.findall(r'"path":"([^"]*)"', "".join(used)))


async def test_every_use_of_a_crowd_is_on_record_once_and_no_dead_token_passes(gate: Gate, house: House) -> None:
    async with clients(gate.port, CROWD) as crowd:

        async def come(number: int) -> list[int]:
            said = [{"X-Forwarded-Uri": f"/{number}/{time}"} for time in range(EACH)]
            return [await crowd[number].ask(house.held["valid"], **one) for one in said]

        answers = await asyncio.gather(*map(come, range(CROWD)))
        assert answers == [[200] * EACH] * CROWD
        assert {await crowd[0].ask(house.held[fate]) for fate in DEAD} == {401}
    assert paths(house, "valid") == {f"/{number}/{time}": 1 for number in range(CROWD) for time in range(EACH)}
    assert house.chain_holds()


async def test_the_first_request_after_a_revoke_is_refused_by_every_worker(gate: Gate, house: House) -> None:
    with house.desk() as desk:
        with desk.begin() as tx:
            issued = [tokens.issue(tx, "nightly-build", f"short-lived {number}") for number in range(TRIES)]
            for one in issued:
                tokens.deliver(tx, one.token.id, to="file:/run/secret")
        one_each = await of_each_worker(gate)
        for one in issued:
            token = one.secret.reveal()
            assert [await client.ask(token) for client in one_each] == [200, 200]
            desk.run(tokens.revoke, one.token.id, reason="now")
            assert [await client.ask(token) for client in one_each] == [401, 401]
        for client in one_each:
            await client.close()


async def test_nothing_passes_while_the_server_is_away_and_all_goes_on_when_it_is_back(
    postgresql: Postgresql, gate: Gate, house: House
) -> None:
    passed: list[str] = []
    answers: Counter[int] = Counter()
    asking = asyncio.create_task(_ask_on(gate, house, passed, answers))
    await until(lambda: len(passed) > 20)
    with postgresql.away(house.environ["BOTDESK_STORE"]):
        await until(lambda: answers[503] > 5)
        before = len(passed)
        await until(lambda: answers[503] > 10)
        assert len(passed) == before
        async with clients(gate.port, 1) as [client]:
            assert await client.ask("", "/healthz") == 503
    await until(lambda: len(passed) > before + 20)
    asking.cancel()
    await asyncio.gather(asking, return_exceptions=True)
    assert set(answers) == {200, 503}
    recorded = paths(house, "endless")
    assert not set(passed) - set(recorded)
    assert max(recorded.values()) == 1
    assert house.chain_holds()


async def _ask_on(gate: Gate, house: House, passed: list[str], answers: Counter[int]) -> None:
    async with clients(gate.port, 1) as [client]:
        for number in range(1_000_000):
            answer = await client.ask(house.held["endless"], **{"X-Forwarded-Uri": f"/on/{number}"})
            answers[answer] += 1
            if answer == 200:
                passed.append(f"/on/{number}")
