"""`/introspect` and `/revoke`: as the standards say, and as real OAuth clients take it."""

import asyncio
import base64
from collections.abc import Callable
from typing import Any

import pytest
from authlib.integrations.requests_client import OAuth2Session

from botdesk.gate.form import MOST_BYTES
from tests.gate.conftest import bearer
from tests.gate.house import DEAD, SCOPES, Gate, House

Ask = Callable[..., Any]


async def test_a_live_token_is_described_whole(ask: Ask, house: House) -> None:
    found = await ask("POST", "/introspect", headers=bearer(house.held["asker"]), data={"token": house.held["valid"]})
    told = found.json()
    assert (found.status_code, found.headers["cache-control"]) == (200, "no-store")
    assert told["exp"] - told["iat"] > 24 * 3600
    assert told == {
        "active": True,
        "scope": SCOPES,
        "client_id": told["sub"],
        "username": "nightly-build",
        "token_type": "Bearer",
        "exp": told["exp"],
        "iat": told["iat"],
        "sub": told["client_id"],
        "iss": "botdesk",
        "jti": house.ids["valid"],
    }


async def test_a_token_that_never_expires_has_no_expiry(ask: Ask, house: House) -> None:
    found = await ask("POST", "/introspect", headers=bearer(house.held["asker"]), data={"token": house.held["endless"]})
    assert found.json()["active"]
    assert "exp" not in found.json()


async def test_nothing_is_told_of_any_other_string(ask: Ask, house: House) -> None:
    for fate in DEAD:
        data = {"token": house.held[fate], "token_type_hint": "access_token"}
        found = await ask("POST", "/introspect", headers=bearer(house.held["asker"]), data=data)
        assert (found.status_code, found.content) == (200, b'{"active": false}')


async def test_who_asked_is_on_record_at_the_token_that_was_asked_about(ask: Ask, house: House) -> None:
    token = house.issue("asked-about")
    await ask("POST", "/introspect", headers=bearer(house.held["asker"]), data={"token": token})
    used = house.events("asked-about")[-1]
    assert (used.action, used.actor) == ("token:used", "nightly-build")
    assert '"by":"resource-server"' in used.detail
    asking = house.events("asker")[-1]
    assert (asking.action, asking.actor) == ("token:used", "resource-server")
    assert '"path":"/introspect"' in asking.detail


async def test_only_who_has_the_scope_may_ask(ask: Ask, house: House) -> None:
    token = house.held["valid"]
    for fate, status in (("valid", 403), ("revoked", 401), ("forged", 401)):
        found = await ask("POST", "/introspect", headers=bearer(house.held[fate]), data={"token": token})
        assert found.status_code == status
        assert found.headers["www-authenticate"].startswith("Bearer")
        assert "nightly-build" not in found.text
    assert (await ask("POST", "/introspect", data={"token": token})).status_code == 401


def basic(user: str, password: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}


async def test_a_client_may_authenticate_with_its_token_as_the_password(ask: Ask, house: House) -> None:
    data = {"token": house.held["valid"]}
    assert (await ask("POST", "/introspect", headers=basic("x", house.held["asker"]), data=data)).json()["active"]
    for wrong in (basic("x", house.held["valid"]), basic("x", ""), {"Authorization": "Basic ===="}):
        assert (await ask("POST", "/introspect", headers=wrong, data=data)).status_code in (401, 403)


@pytest.mark.parametrize(
    ("content", "kind", "status"),
    [
        (b"", "application/x-www-form-urlencoded", 400),
        (b"token=", "application/x-www-form-urlencoded", 400),
        (b"token=a&token=b", "application/x-www-form-urlencoded", 400),
        (b"token=%ff%fe", "application/x-www-form-urlencoded", 400),
        (b"token=\xff", "application/x-www-form-urlencoded", 400),
        (b"&".join(b"f%d=1" % n for n in range(99)), "application/x-www-form-urlencoded", 400),
        (b'{"token": "a"}', "application/json", 400),
        (b"token=a", "", 400),
        (b"token=" + b"a" * MOST_BYTES, "application/x-www-form-urlencoded", 413),
        (b"token=a", "Application/X-WWW-Form-Urlencoded; charset=utf-8", 200),
    ],
)
async def test_a_form_that_is_none_is_told_so(ask: Ask, house: House, content: bytes, kind: str, status: int) -> None:
    headers = bearer(house.held["asker"]) | {"Content-Type": kind}
    for path in ("/introspect", "/revoke"):
        found = await ask("POST", path, headers=headers, content=content)
        assert found.status_code == status
        if status != 200:
            assert found.json()["error"] == "invalid_request"


async def test_a_bot_ends_the_token_that_it_holds(ask: Ask, house: House) -> None:
    token = house.issue("to-be-ended")
    found = await ask("POST", "/revoke", data={"token": token, "token_type_hint": "refresh_token"})
    assert (found.status_code, found.content) == (200, b"")
    assert (await ask("GET", "/verify", headers=bearer(token))).status_code == 401
    revoked = [event for event in house.events("to-be-ended") if event.action == "token:revoked"]
    assert [event.actor for event in revoked] == ["nightly-build"]


async def test_ending_what_is_not_live_is_answered_in_the_same_way(ask: Ask, house: House) -> None:
    for fate in DEAD:
        found = await ask("POST", "/revoke", data={"token": house.held[fate]})
        assert (found.status_code, found.content) == (200, b"")


async def test_a_real_oauth_client_takes_what_is_said(gate: Gate, house: House) -> None:
    """Authlib, with HTTP Basic as its clients do by default, and with a bearer token."""

    def with_authlib() -> None:
        place = f"{gate.place}/introspect"
        clients = [
            OAuth2Session("resource-server", house.held["asker"]),
            OAuth2Session(token={"access_token": house.held["asker"], "token_type": "Bearer"}),
        ]
        how: list[dict[str, Any]] = [{}, {"auth": clients[1].token_auth}]
        for client, more in zip(clients, how, strict=True):
            live = client.introspect_token(place, house.held["valid"], "access_token", **more).json()
            assert (live["active"], live["username"]) == (True, "nightly-build")
            assert client.introspect_token(place, house.held["expired"], **more).json() == {"active": False}
            client.close()

        token = house.issue("ended-by-authlib")
        client = OAuth2Session("resource-server", house.held["asker"])
        assert client.revoke_token(f"{gate.place}/revoke", token).status_code == 200
        assert not client.introspect_token(place, token).json()["active"]
        client.close()

    await asyncio.to_thread(with_authlib)
