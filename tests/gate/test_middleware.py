"""`BearerAuth` in front of real applications."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi import FastAPI, Request, WebSocket
from starlette.authentication import requires
from starlette.middleware import Middleware
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from botdesk.errors import StoreError
from botdesk.gate import BearerAuth, ServiceAccount
from tests.gate.conftest import bearer
from tests.gate.house import DEAD, House


def application(**how: Any) -> FastAPI:
    app = FastAPI(middleware=[Middleware(BearerAuth, **how)])

    @app.get("/who")
    def who(request: Request) -> dict[str, Any]:
        bot = request.user
        assert isinstance(bot, ServiceAccount)
        assert bot.is_authenticated
        assert (bot.display_name, bot.identity) == (bot.name, bot.id)
        return {"name": bot.name, "scopes": bot.scopes, "token": bot.token, "headers": dict(request.headers)}

    @app.post("/deploy/{thing}")
    @requires("deploy:write")
    async def deploy(request: Request, thing: str) -> dict[str, Any]:
        return {"by": request.user.name, "body": (await request.body()).decode()}

    @app.get("/open")
    def public(request: Request) -> dict[str, Any]:
        return dict(request.headers)

    @app.websocket("/live")
    async def live(socket: WebSocket) -> None:
        await socket.accept()
        await socket.send_text(socket.user.name)
        await socket.close()

    return app


@pytest.fixture
def client(house: House) -> Iterator[TestClient]:
    store = house.environ["BOTDESK_STORE"]
    with TestClient(application(store=store, scope="catalog:read", public=["/open"])) as found:
        yield found


def test_the_application_sees_the_service_account(client: TestClient, house: House) -> None:
    told = client.get("/who", headers=bearer(house.held["valid"])).json()
    assert told["name"] == "nightly-build"
    assert told["scopes"] == ["catalog:read", "deploy:write"]
    assert told["token"] == house.ids["valid"]
    found = client.post("/deploy/7", headers=bearer(house.held["valid"]), content="now")
    assert found.json() == {"by": "nightly-build", "body": "now"}
    used = house.events("valid")[-1]
    assert (used.action, used.source) == ("token:used", "testclient")
    assert '"method":"POST"' in used.detail
    assert '"path":"/deploy/7"' in used.detail


def test_whoever_is_not_live_does_not_come_through(client: TestClient, house: House) -> None:
    assert client.get("/who").status_code == 401
    for fate in DEAD:
        assert client.get("/who", headers=bearer(house.held[fate])).status_code == 401
    found = client.get("/who", headers=bearer(house.held["narrow"]))
    assert (found.status_code, 'scope="catalog:read"' in found.headers["www-authenticate"]) == (403, True)
    double = [("Authorization", f"Bearer {house.held['valid']}")] * 2
    assert client.request("GET", "/who", headers=double).status_code == 400


def test_a_route_may_require_more(client: TestClient, house: House) -> None:
    token = house.issue("reading", scopes="catalog:read")
    assert client.get("/who", headers=bearer(token)).status_code == 200
    assert client.post("/deploy/7", headers=bearer(token)).status_code == 403


def test_claims_of_a_client_are_dropped(client: TestClient, house: House) -> None:
    claims = {"X-Botdesk-Account": "root", "x_botdesk_token": "root", "X-Botdesk_Other": "root"}
    assert "root" not in client.get("/who", headers=bearer(house.held["valid"]) | claims).text
    assert "root" not in client.get("/open", headers=claims).text


def test_public_paths_are_open_and_nothing_beside_them(client: TestClient) -> None:
    assert client.get("/open").status_code == 200
    assert client.get("/open/").status_code == 401


def test_a_revoked_token_is_refused_at_the_next_request(client: TestClient, house: House) -> None:
    token = house.issue("ending")
    assert client.get("/who", headers=bearer(token)).status_code == 200
    house.revoke("ending")
    assert client.get("/who", headers=bearer(token)).status_code == 401


def test_web_sockets_are_let_in_and_refused_alike(client: TestClient, house: House) -> None:
    with client.websocket_connect("/live", headers=bearer(house.held["valid"])) as socket:
        assert socket.receive_text() == "nightly-build"
    with pytest.raises(WebSocketDisconnect), client.websocket_connect("/live", headers=bearer(house.held["revoked"])):
        pass


def test_without_a_store_the_application_does_not_start(house: House) -> None:
    starting = TestClient(application(store=house.folder / "desk" / "other.db"))
    with pytest.raises(StoreError, match="there is no store"), starting:
        pass


def test_a_verifier_of_the_application_is_used_and_left_open(house: House) -> None:
    with house.desk() as desk, desk.verifier() as verifier:
        with TestClient(application(verifier=verifier)) as client:
            assert client.get("/who", headers=bearer(house.held["valid"])).status_code == 200
        assert verifier.introspect(house.held["valid"]).active


async def test_a_store_that_fails_lets_nobody_through(house: House) -> None:
    with house.desk() as desk:
        verifier = desk.verifier()
        verifier.close()
        client = TestClient(application(verifier=verifier))
        found = await asyncio.to_thread(client.get, "/who", headers=bearer(house.held["valid"]))
    assert (found.status_code, found.headers["retry-after"]) == (503, "1")
