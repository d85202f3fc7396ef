"""What the gate promises, under load: revocation at once, no use unrecorded, no memory without bound."""

import asyncio
import contextlib
import os
import random
import re
import signal
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from botdesk import tokens
from botdesk.desk import Desk, Transaction
from botdesk.tokens import Issued
from tests.gate import house as houses
from tests.gate.client import Client, clients
from tests.gate.house import PATIENCE, Gate, House
from tests.gate.test_server import figure
from tests.stores import Stores

TRIES = 1000
FEW = 10
KILLS = 50


@pytest.fixture(scope="module")
def house(stores: Stores, memory: Path) -> House:
    """A desk of these tests' own, since they fill its audit."""
    folder = memory / f"promises-{stores.engine}"
    folder.mkdir(mode=0o700)
    return houses.build(folder, stores)


@pytest.fixture(scope="module")
def gate(house: House) -> Iterator[Gate]:
    with houses.gate(house, "--workers", "2", "--no-log") as started:
        yield started


@pytest.fixture
async def loaded(gate: Gate, house: House) -> AsyncIterator[None]:
    """Keep the gate busy meanwhile."""

    async def hammer(client: Client) -> None:
        while True:
            assert await client.ask(house.held["valid"]) == 200
            await asyncio.sleep(0.005)

    async with clients(gate.port, 4) as busy:
        tasks = [asyncio.create_task(hammer(client)) for client in busy]
        yield
        assert not [task for task in tasks if task.done()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@pytest.mark.usefixtures("loaded")
async def test_the_first_request_after_a_revoke_is_refused_by_every_worker(gate: Gate, house: House) -> None:
    with house.desk() as desk:
        held = [(one.token.id, one.secret.reveal()) for one in await issued_in_turns(desk)]
        one_each = await of_each_worker(gate)
        await asyncio.gather(*(warm(client, [token for _, token in held]) for client in one_each))
        slipped = 0
        for number, (token_id, token) in enumerate(held):
            await asyncio.to_thread(desk.run, tokens.revoke, token_id, reason="now")
            order = one_each if number % 2 else one_each[::-1]
            slipped += [await client.ask(token) for client in order] != [401, 401]
        for client in one_each:
            await client.close()
    assert slipped == 0


async def issued_in_turns(desk: Desk) -> list[Issued]:
    """Make the tokens in short transactions with a pause after each.

    Nobody else writes meanwhile, SQLite's lock knows no queue, and the gate gives up after ten seconds.
    """
    issued = []
    for number in range(TRIES // FEW):
        issued += await asyncio.to_thread(desk.run, short_lived, number)
        await asyncio.sleep(0.02)
    return issued


def short_lived(tx: Transaction, number: int) -> list[Issued]:
    issued = [tokens.issue(tx, "nightly-build", f"short-lived {number}-{word}") for word in range(FEW)]
    for one in issued:
        tokens.deliver(tx, one.token.id, to="file:/run/secret")
    return issued


async def warm(client: Client, held: list[str]) -> None:
    for token in held:
        assert await client.ask(token) == 200


async def of_each_worker(gate: Gate) -> list[Client]:
    """A connection to each of the two workers."""
    found: dict[int, Client] = {}
    async with asyncio.timeout(PATIENCE):
        while len(found) < 2:
            client = await Client.connected(gate.port)
            await client.ask("nothing")
            worker = client.answered_by(gate.workers())
            if worker and worker not in found:
                found[worker] = client
            else:
                await client.close()
    return list(found.values())


async def test_no_use_that_passed_is_unrecorded_however_often_the_gate_is_killed(house: House) -> None:
    passed: list[str] = []
    with houses.gate(house, "--workers", "2", "--no-log") as gate:
        asking = [asyncio.create_task(keep_asking(gate, house, f"/{name}", passed)) for name in range(12)]
        chance = random.Random(7)
        for _ in range(KILLS):
            more = len(passed) + 20
            await until(lambda: len(passed) >= more and gate.workers())  # noqa: B023 - called in this turn alone
            await asyncio.sleep(chance.random() / 50)
            os.kill(chance.choice(gate.workers()), signal.SIGKILL)
        os.kill(gate.process.pid, signal.SIGKILL)
        gate.process.wait(PATIENCE)
        for task in asking:
            task.cancel()
        await asyncio.gather(*asking, return_exceptions=True)
    recorded = Counter(re.findall(r'"path":"(/\d+/\d+)"', "".join(event.detail for event in house.events("endless"))))
    assert len(passed) > KILLS * 20
    assert not set(passed) - set(recorded)
    assert house.chain_holds()


async def keep_asking(gate: Gate, house: House, name: str, passed: list[str]) -> None:
    """Ask on and on, each time with a path of its own, and note those that passed."""
    number = 0
    while True:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            async with clients(gate.port, 1) as [client]:
                while True:
                    number += 1
                    if await client.ask(house.held["endless"], **{"X-Forwarded-Uri": f"{name}/{number}"}) == 200:
                        passed.append(f"{name}/{number}")
        await asyncio.sleep(0.01)


async def until(condition: Callable[[], Any]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not condition():
            await asyncio.sleep(0.005)


async def test_a_flood_of_forged_and_of_guessed_tokens_costs_neither_argon2_nor_memory(house: House) -> None:
    """200 clients with strings that were never minted, and 200 with a stolen lookup id and wrong secrets."""
    chance = random.Random(3)

    async def flood(client: Client, prefix: str) -> None:
        for _ in range(10):
            guess = prefix + "".join(chance.choices("0123456789abcdefXYZ", k=64 - len(prefix)))
            assert await client.ask(guess) == 401

    prefixes = ["bdk_" + "".join(chance.choices("abcXYZ012", k=10)) + "_", f"bdk_{house.ids['valid']}_"]
    with houses.gate(house, BOTDESK_ARGON2_MEMORY_KIB="19456", BOTDESK_ARGON2_PASSES="2") as gate:
        async with clients(gate.port, 1) as [legitimate], clients(gate.port, 400) as many:
            assert await legitimate.ask(house.held["valid"]) == 200
            await asyncio.gather(*(client.ask("x") for client in many))
            before = resident_mib(gate), figure(gate, "botdesk_argon2_runs_total")
            flooding = asyncio.gather(*(flood(client, prefixes[n % 2]) for n, client in enumerate(many)))
            while not flooding.done():
                assert await legitimate.ask(house.held["valid"]) == 200
            await flooding
        assert figure(gate, "botdesk_argon2_runs_total") == before[1]
        assert resident_mib(gate) - before[0] < 32
        assert figure(gate, 'botdesk_refused_total{worker="0",reason="unknown"}') >= 4000


async def test_what_comes_beyond_the_queue_for_argon2_is_asked_to_come_again(house: House) -> None:
    slow = {"BOTDESK_ARGON2_MEMORY_KIB": "65536", "BOTDESK_ARGON2_AT_ONCE": "1", "BOTDESK_ARGON2_QUEUE": "1"}
    with House(house.folder, house.environ | slow).desk() as desk:
        cold = [houses.issue(desk, house, f"cold-{word}") for word in range(6)]
    with houses.gate(house, **slow) as gate:
        async with clients(gate.port, len(cold)) as many:
            statuses = await asyncio.gather(*(client.ask(token) for client, token in zip(many, cold, strict=True)))
            assert set(statuses) == {200, 503}
            while 503 in statuses:
                statuses = [await many[0].ask(token) for token in cold]
    assert statuses == [200] * len(cold)


def resident_mib(gate: Gate) -> float:
    status = Path(f"/proc/{gate.process.pid}/status").read_text()
    found = re.search(r"VmHWM:\s+(\d+) kB", status)
    assert found is not None
    return int(found[1]) / 1024
