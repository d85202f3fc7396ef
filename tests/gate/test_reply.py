"""Statuses, and what else the gate answers."""

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx2
import pytest

from botdesk import __version__, errors
from botdesk.errors import BotdeskError, Overloaded, StoreError
from botdesk.gate import reply
from botdesk.gate.app import app
from botdesk.gate.door import Door
from botdesk.gate.figures import Board, Timings
from botdesk.gate.health import Health
from botdesk.gate.journal import Journal
from botdesk.gate.pace import A_SECOND, AT_ONCE, Pace
from botdesk.gate.request import Proxies
from botdesk.verification import Answer, Asked
from tests.gate.conftest import bearer
from tests.gate.house import PATIENCE, House

Ask = Callable[..., Any]


def kinds(kind: type[BotdeskError] = BotdeskError) -> Iterator[type[BotdeskError]]:
    for below in kind.__subclasses__():
        yield below
        yield from kinds(below)


def test_every_error_has_a_status() -> None:
    assert {kind for kind in kinds() if kind.__module__ == errors.__name__} == set(reply.STATUS)
    assert {reply.of_error(kind("it failed")).status for kind in reply.STATUS} == {400, 401, 403, 404, 409, 500, 503}


def test_an_error_of_tomorrow_has_its_ancestors_status() -> None:
    class Tomorrow(StoreError):
        pass

    assert reply.of_error(Tomorrow("it failed")).status == 503
    assert reply.of_error(BotdeskError("it failed")).status == 500


class Failing:
    """A verifier to which this happens."""

    def __init__(self, what: Exception) -> None:
        self.what = what

    async def answer(self, presented: str, asked: Asked) -> Answer:
        raise self.what


async def answered(what: Exception, path: str, tmp_path: Path) -> tuple[httpx2.Response, str]:
    """What the gate answers when this happens, and what its log says."""
    log = tmp_path / "log"
    with log.open("wb") as out:
        journal = Journal(out.fileno())
        failing: Any = Failing(what)
        door = Door(failing, Proxies(()), "botdesk", Health(lambda: None), journal, Timings(), Pace(), Board(1))
        transport = httpx2.ASGITransport(app(door))
        async with httpx2.AsyncClient(transport=transport, base_url="http://gate") as client:
            found = await client.request("GET" if path == "/verify" else "POST", path, headers=bearer("x"), data={})
        journal.close()
    return found, log.read_text()


@pytest.mark.parametrize("path", ["/verify", "/introspect"])
@pytest.mark.parametrize("what", [StoreError("the disk is full", hint="make room"), Overloaded("too much at once")])
async def test_what_cannot_be_recorded_does_not_pass(what: BotdeskError, path: str, tmp_path: Path) -> None:
    found, log = await answered(what, path, tmp_path)
    assert (found.status_code, found.headers["retry-after"]) == (503, "1")
    assert found.json() == {"error": "temporarily_unavailable", "error_description": what.message}
    assert what.message in log


@pytest.mark.parametrize("path", ["/verify", "/introspect"])
async def test_of_a_bug_nothing_is_shown_but_its_kind(path: str, tmp_path: Path) -> None:
    found, log = await answered(KeyError("bdk_secret"), path, tmp_path)
    assert (found.status_code, found.json()["error"]) == (500, "server_error")
    assert "KeyError" in log
    assert "bdk_secret" not in log + found.text


@pytest.mark.parametrize(("path", "token"), [("/verify", "valid"), ("/introspect", "asker"), ("/whoami", "valid")])
async def test_who_still_waits_when_it_can_stop_no_later_is_asked_to_come_again(
    path: str, token: str, ask: Ask, house: House
) -> None:
    """Somebody else writes for so long; uvicorn cancels what is not answered after its grace."""
    method = "POST" if path == "/introspect" else "GET"
    with house.desk() as desk, desk.begin():
        waiting = asyncio.create_task(ask(method, path, headers=bearer(house.held[token]), data={"token": "x"}))
        done, _ = await asyncio.wait([waiting], timeout=0.05)
        assert not done
        waiting.cancel()
        found = await waiting
    assert (found.status_code, found.headers["retry-after"]) == (503, "1")
    assert found.json()["error_description"] == "the gate is stopping"


class Endless(Pace):
    """Holds every refusal back for ever."""

    async def keep(self) -> None:
        await asyncio.Event().wait()


async def test_a_refusal_that_is_held_back_goes_out_when_the_gate_stops(house: House, door: Door) -> None:
    transport = httpx2.ASGITransport(app(replace(door, pace=Endless())), client=("127.0.0.1", 40000))
    async with httpx2.AsyncClient(transport=transport, base_url="http://gate") as client:
        refused = asyncio.create_task(client.get("/verify", headers=bearer(house.held["forged"])))
        done, _ = await asyncio.wait([refused], timeout=0.05)
        assert not done
        refused.cancel()
        assert (await refused).status_code == 401


async def test_elsewhere_there_is_nothing_and_it_says_so_in_json(ask: Ask) -> None:
    for method, path, status in (
        ("GET", "/", 404),
        ("GET", "/verifyx", 404),
        ("GET", "/healthz/", 404),
        ("GET", "/introspect", 405),
        ("DELETE", "/metrics", 405),
    ):
        found = await ask(method, path)
        assert (found.status_code, found.json()["error"]) == (status, "invalid_request")
    assert (await ask("GET", "/revoke")).headers["allow"] == "POST"


async def test_it_describes_itself(ask: Ask) -> None:
    told = (await ask("GET", "/openapi.json")).json()
    assert told["info"]["version"] == __version__
    paths = "verify introspect revoke whoami rotate healthz metrics openapi.json"
    assert set(told["paths"]) == {f"/{path}" for path in paths.split()}


async def test_it_is_well_when_the_store_is(ask: Ask, house: House) -> None:
    with house.desk() as desk:
        before = desk.head()
        assert (await ask("GET", "/healthz")).json() == {"status": "ok"}
        assert desk.head() == before
    assert house.chain_holds()


async def test_figures_tell_what_happened(ask: Ask, house: House) -> None:
    def of(name: str, text: str) -> float:
        return sum(float(line.rpartition(" ")[2]) for line in text.splitlines() if line.startswith(name))

    names = ("botdesk_accepted_total", 'botdesk_refused_total{worker="0",reason="unknown"}')
    before = (await ask("GET", "/metrics")).text
    await ask("GET", "/verify", headers=bearer(house.held["valid"]))
    await ask("GET", "/verify", headers=bearer(house.held["forged"]))
    found = await ask("GET", "/metrics")
    assert found.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert [of(name, found.text) - of(name, before) for name in names] == [1, 1]
    assert 'botdesk_gate_answers_total{worker="0",endpoint="/verify",status="200"}' in found.text
    count = of('botdesk_gate_answer_seconds_count{worker="0"}', found.text)
    assert of('botdesk_gate_answer_seconds_bucket{worker="0",le="+Inf"}', found.text) == count


def test_workers_read_each_others_figures() -> None:
    board = Board(3)
    board.post(0, {"accepted": 1})
    board.post(2, {"accepted": 3})
    board.post(2, {"accepted": 4})
    assert list(board.read()) == [(0, {"accepted": 1}), (2, {"accepted": 4})]


async def test_refusals_beyond_the_pace_wait_and_none_waits_too_long() -> None:
    pace, loop = Pace(), asyncio.get_running_loop()
    begun = loop.time()
    await asyncio.gather(*(pace.keep() for _ in range(AT_ONCE)))
    at_once = loop.time() - begun
    await asyncio.gather(*(pace.keep() for _ in range(A_SECOND // 4)))
    assert loop.time() - begun - at_once >= 0.2
    waiting = [pace.keep() for _ in range(10 * A_SECOND)]
    async with asyncio.timeout(PATIENCE):
        await asyncio.gather(*waiting)
