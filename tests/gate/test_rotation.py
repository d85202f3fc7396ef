"""`/whoami` and `/rotate`: a bot asks about itself, and takes the successor of its token."""

import json
import subprocess
from collections.abc import Callable
from datetime import timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import httpx2
import pytest

from botdesk import accounts, cutover, tokens
from botdesk.gate import reply
from botdesk.gate.app import app
from botdesk.gate.door import Door
from botdesk.tokens import TokenState
from botdesk.verification import Introspection
from tests.gate import house as houses
from tests.gate.conftest import bearer
from tests.gate.house import House

Ask = Callable[..., Any]
TLS = {"X-Forwarded-Proto": "https"}


@pytest.fixture(scope="module")
def keeper(house: House) -> str:
    """An account whose tokens may rotate themselves."""
    name: str = house.do(accounts.create, "self-keeper", scopes="botdesk:rotate catalog:read").name
    return name


@pytest.fixture
def held(house: House, keeper: str, request: pytest.FixtureRequest) -> str:
    """A token of it."""
    name = request.node.name
    return house.issue(name[-60:], keeper)


def state(house: House, token: str) -> TokenState:
    with house.desk() as desk:
        return desk.ask(tokens.line, token[4:14]).state


async def test_a_bot_is_told_who_it_is_and_until_when(ask: Ask, house: House) -> None:
    found = await ask("GET", "/whoami", headers=bearer(house.held["valid"]))
    told = found.json()
    assert (found.status_code, found.headers["cache-control"]) == (200, "no-store")
    assert (told["account"], told["token_id"]) == ("nightly-build", house.ids["valid"])
    assert told["scopes"] == houses.SCOPES.split()
    assert told["days_left"] == 89
    assert told["issued_at"] < told["expires_at"]
    assert "sunset" not in found.headers
    used = house.events("valid")[-1]
    assert (used.action, used.actor, '"path":"/whoami"' in used.detail) == ("token:used", "nightly-build", True)


async def test_a_token_that_never_expires_has_no_days_left(ask: Ask, house: House) -> None:
    told = (await ask("GET", "/whoami", headers=bearer(house.held["endless"]))).json()
    assert (told["expires_at"], told["days_left"]) == (None, None)


async def test_nobody_else_is_told_anything(ask: Ask, house: House) -> None:
    answers = [await ask("GET", "/whoami", headers=bearer(house.held[fate])) for fate in houses.DEAD]
    assert {found.status_code for found in answers} == {401}
    assert len({found.content for found in answers}) == 1
    assert (await ask("GET", "/whoami")).status_code == 401


@pytest.mark.parametrize(("left", "told"), [(14 * 86_400, True), (14 * 86_400 + 1, False), (None, False)])
def test_an_end_is_announced_from_fourteen_days_before_it(left: int | None, told: bool) -> None:
    now = 1_800_000_000
    exp = None if left is None else now + left
    for headers in (reply.accepted(Introspection(exp=exp), now).headers, reply.sunset(Introspection(exp=exp), now)):
        found = dict(headers).get(b"sunset")
        assert (found is not None) is told
        if found is not None and exp is not None:
            assert parsedate_to_datetime(found.decode()).timestamp() == exp


async def test_a_proxy_passes_the_end_of_a_token_on(ask: Ask, house: House) -> None:
    token = house.issue("short-lived", lifetime=timedelta(days=2))
    for path in ("/verify", "/whoami"):
        ends = (await ask("GET", path, headers=bearer(token))).headers["sunset"]
        assert ends.endswith("GMT")


async def test_a_bot_rotates_its_own_token(ask: Ask, house: House, held: str) -> None:
    found = await ask("POST", "/rotate", headers=bearer(held) | TLS, data={"overlap": "2h"})
    told = found.json()
    assert (found.status_code, found.headers["cache-control"]) == (200, "no-store")
    assert (told["token_type"], told["account"]) == ("Bearer", "self-keeper")
    assert told["scope"] == "botdesk:rotate catalog:read"
    assert told["predecessor_id"] == held[4:14]
    assert told["access_token"][4:14] == told["token_id"]
    new = told["access_token"]
    assert [(await ask("GET", "/verify", headers=bearer(token))).status_code for token in (held, new)] == [200, 200]
    assert [state(house, token) for token in (held, new)] == [TokenState.RETIRING, TokenState.ACTIVE]
    with house.desk() as desk:
        row, successor = desk.ask(tokens.find, held[4:14]), desk.ask(tokens.find, told["token_id"])
        running = desk.ask(cutover.view, held[4:14])
        assert desk.ask(tokens.line, told["token_id"]).issuer == "self-keeper"
    assert successor.issued_by == row.account_id
    assert running.ends_at - running.began_at == timedelta(hours=2)
    assert running.new_first_seen is not None
    name = next(name for name, token in house.held.items() if token == held)
    rotated = [event.actor for event in house.events(name) if event.action == "token:rotated"]
    assert rotated == ["self-keeper"]
    assert house.chain_holds()


async def test_a_successor_whose_answer_was_lost_is_replaced_and_one_in_use_is_not(
    ask: Ask, house: House, held: str
) -> None:
    lost, new = [(await ask("POST", "/rotate", headers=bearer(held) | TLS)).json()["access_token"] for _ in range(2)]
    assert [state(house, token) for token in (held, lost, new)] == [
        TokenState.RETIRING,
        TokenState.REVOKED,
        TokenState.ACTIVE,
    ]
    await ask("GET", "/verify", headers=bearer(new))
    again = await ask("POST", "/rotate", headers=bearer(held) | TLS)
    assert (again.status_code, "rotated already" in again.json()["error_description"]) == (409, True)
    assert state(house, new) is TokenState.ACTIVE


async def test_the_successor_that_a_person_issued_stays(ask: Ask, house: House, held: str) -> None:
    issued = house.do(tokens.rotate, held[4:14])
    house.do(tokens.deliver, issued.token.id, to="file:/run/secret")
    assert (await ask("POST", "/rotate", headers=bearer(held) | TLS)).status_code == 409


async def test_only_a_token_with_the_scope_is_rotated(ask: Ask, house: House) -> None:
    for fate, status in (("valid", 403), *((fate, 401) for fate in houses.DEAD)):
        found = await ask("POST", "/rotate", headers=bearer(house.held[fate]) | TLS)
        assert (found.status_code, found.headers["www-authenticate"].startswith("Bearer")) == (status, True)
        assert "access_token" not in found.json()
    assert (await ask("POST", "/rotate", headers=TLS)).status_code == 401


@pytest.mark.parametrize("overlap", ["soon", "91d", "1h&overlap=2h"])
async def test_a_wrong_overlap_is_refused_and_rotates_nothing(ask: Ask, house: House, held: str, overlap: str) -> None:
    headers = bearer(held) | TLS | {"Content-Type": "application/x-www-form-urlencoded"}
    assert (await ask("POST", "/rotate", headers=headers, content=f"overlap={overlap}")).status_code == 400
    assert state(house, held) is TokenState.ACTIVE


@pytest.mark.parametrize(
    ("client", "scheme", "headers", "private"),
    [
        (("127.0.0.1", 1), "http", {}, False),
        (("127.0.0.1", 1), "http", {"X-Forwarded-Proto": "http"}, False),
        (("127.0.0.1", 1), "http", TLS, True),
        (("198.51.100.7", 1), "http", TLS, False),
        (("198.51.100.7", 1), "https", {}, True),
        (None, "http", {}, True),
        (None, "http", {"X-Forwarded-Proto": "http"}, False),
    ],
)
async def test_a_successor_is_given_over_tls_or_a_unix_socket_alone(
    door: Door, house: House, held: str, client: Any, scheme: str, headers: dict[str, str], private: bool
) -> None:
    gate = app(door)

    async def served(scope: Any, receive: Any, send: Any) -> None:
        await gate({**scope, "client": client}, receive, send)

    transport = httpx2.ASGITransport(served)
    async with httpx2.AsyncClient(transport=transport, base_url=f"{scheme}://gate") as asking:
        found = await asking.post("/rotate", headers=bearer(held) | headers)
    assert found.status_code == (200 if private else 403)
    assert state(house, held) is (TokenState.RETIRING if private else TokenState.ACTIVE)
    assert ("access_token" in found.json()) is private


def test_a_real_bot_rotates_over_a_unix_socket(house: House, keeper: str, needs: Callable[[str], None]) -> None:
    needs("curl")
    held = house.issue("real-bot", keeper)
    place = house.folder / "rotating.sock"
    with houses.gate(house, listen=f"unix:{place}") as gate:

        def curl(token: str, *words: str) -> dict[str, Any]:
            config = f'header = "Authorization: Bearer {token}"\n'
            done = subprocess.run(
                ["curl", "--config", "-", "--silent", "--unix-socket", str(place), *words],
                input=config, capture_output=True, text=True, timeout=60,
            )  # fmt: skip
            told: dict[str, Any] = json.loads(done.stdout)
            return told

        new = curl(held, "--request", "POST", "http://gate/rotate")["access_token"]
        assert curl(new, "http://gate/whoami")["token_id"] == new[4:14]
        houses.waited(lambda: "/whoami" in gate.log.read_text(), "the access log")
        logged = gate.log.read_text()
    assert "/rotate" in logged
    assert new[15:] not in logged
    assert held[15:] not in logged
