"""`/verify`, in this process."""

from collections.abc import Callable
from typing import Any

import httpx2
import pytest

from botdesk.gate.app import app
from botdesk.gate.door import Door
from tests.gate.conftest import bearer
from tests.gate.house import DEAD, SCOPES, House

CHALLENGE = 'Bearer realm="botdesk"'
Ask = Callable[..., Any]


async def test_a_live_token_passes_and_the_answer_says_whose_it_is(ask: Ask, house: House) -> None:
    found = await ask("GET", "/verify", headers=bearer(house.held["valid"]))
    assert found.status_code == 200
    assert found.headers["x-botdesk-account"] == "nightly-build"
    assert found.headers["x-botdesk-token"] == house.ids["valid"]
    assert found.headers["x-botdesk-scope"] == SCOPES
    assert found.headers["cache-control"] == "no-store"
    assert house.held["valid"] not in str(found.headers)


async def test_without_credentials_the_challenge_has_no_error_code(ask: Ask) -> None:
    for headers in ({}, {"Authorization": "Basic dXNlcjpwYXNz"}, {"Authorization": "Bearerx abc"}):
        found = await ask("GET", "/verify", headers=headers)
        assert (found.status_code, found.headers["www-authenticate"]) == (401, CHALLENGE)


async def test_all_dead_tokens_get_the_same_answer_byte_for_byte(ask: Ask, house: House) -> None:
    answers = [await ask("GET", "/verify", headers=bearer(house.held[fate])) for fate in DEAD]
    assert {found.status_code for found in answers} == {401}
    assert len({(found.content, str(found.headers)) for found in answers}) == 1
    assert 'error="invalid_token"' in answers[0].headers["www-authenticate"]
    assert not [name for name in answers[0].headers if name.startswith("x-botdesk")]
    none = await ask("GET", "/verify")
    assert none.content == answers[0].content


@pytest.mark.parametrize("value", ["Bearer", "Bearer ", "bearer a b", "BEARER \xff\xfe", "Bearer " + "x" * 5000])
async def test_a_malformed_token_is_an_invalid_one(ask: Ask, value: str) -> None:
    found = await ask("GET", "/verify", headers={b"Authorization": value.encode("latin-1")})
    assert found.status_code == 401
    assert 'error="invalid_token"' in found.headers["www-authenticate"]


async def test_the_scheme_is_read_in_any_case_and_with_more_spaces(ask: Ask, house: House) -> None:
    found = await ask("GET", "/verify", headers={"Authorization": f"bEARER   {house.held['valid']}"})
    assert found.status_code == 200


async def test_two_authorization_headers_are_refused_though_both_are_good(ask: Ask, house: House) -> None:
    line = ("Authorization", f"Bearer {house.held['valid']}")
    found = await ask("GET", "/verify", headers=[line, line])
    assert found.status_code == 400
    assert 'error="invalid_request"' in found.headers["www-authenticate"]


async def test_a_lacking_scope_is_told_with_the_scopes_that_it_takes(ask: Ask, house: House) -> None:
    found = await ask("GET", "/verify?scope=catalog:read+deploy:write", headers=bearer(house.held["narrow"]))
    assert found.status_code == 403
    challenge = found.headers["www-authenticate"]
    assert 'error="insufficient_scope"' in challenge
    assert f'scope="{SCOPES}"' in challenge


@pytest.mark.parametrize(
    ("query", "header", "status"),
    [
        ("?scope=catalog:read", None, 200),
        ("?scope=catalog:read&scope=deploy:write", None, 200),
        ("?scope=catalog:read%20deploy:write", "catalog:read", 200),
        ("", "catalog:read deploy:write", 200),
        ("?scope=", "", 200),
        ("?scope=catalog:read", "metrics:write", 403),
        ("?scope=metrics:write", "catalog:read", 403),
        ("?scope=Catalog:read", None, 403),
        ("?scope=catalog:read,deploy:write", None, 400),
        ("", 'catalog"read', 400),
        ("?other=x", None, 200),
    ],
)
async def test_scopes_of_the_query_and_of_the_header_are_required_together(
    ask: Ask, house: House, query: str, header: str | None, status: int
) -> None:
    headers = bearer(house.held["valid"]) | ({} if header is None else {"X-Required-Scope": header})
    assert (await ask("GET", f"/verify{query}", headers=headers)).status_code == status


async def test_a_token_in_the_place_of_a_scope_is_neither_recorded_nor_shown(ask: Ask, house: House) -> None:
    token = house.held["valid"]
    before = len(house.events("valid"))
    for place in ({"params": {"scope": token}}, {"headers": bearer(token) | {"X-Required-Scope": f"a,{token}"}}):
        found = await ask("GET", "/verify", **{"headers": bearer(token), **place})
        assert found.status_code == 400
        assert token[:20] not in found.text + str(found.headers)
    assert len(house.events("valid")) == before


async def test_dead_comes_before_lacking_a_scope(ask: Ask, house: House) -> None:
    for fate in DEAD:
        assert (await ask("GET", "/verify?scope=no:such", headers=bearer(house.held[fate]))).status_code == 401


async def test_the_use_is_on_record_with_what_a_trusted_proxy_says(ask: Ask, house: House) -> None:
    token = house.issue("recorded")
    said = {"X-Forwarded-For": "203.0.113.9", "X-Forwarded-Method": "PUT", "X-Forwarded-Uri": "/deploy/42?key=hidden"}
    await ask("GET", "/verify?scope=deploy:write", headers=bearer(token) | said)
    await ask("GET", "/verify?scope=no:such", headers=bearer(token) | said)
    house.revoke("recorded")
    await ask("GET", "/verify", headers=bearer(token) | said)
    used, lacking, revoked = house.events("recorded")[-4], house.events("recorded")[-3], house.events("recorded")[-1]
    assert (used.action, used.actor, used.source) == ("token:used", "nightly-build", "203.0.113.9")
    assert '"method":"PUT"' in used.detail
    assert '"path":"/deploy/42"' in used.detail
    assert '"scopes":"deploy:write"' in used.detail
    assert (lacking.action, '"reason":"scope"' in lacking.detail) == ("token:refused", True)
    assert (revoked.action, '"reason":"revoked"' in revoked.detail) == ("token:refused", True)


async def test_the_word_of_a_stranger_is_not_taken(door: Door, house: House) -> None:
    token = house.issue("stranger")
    said = {"X-Forwarded-For": "10.9.9.9", "X-Forwarded-Method": "PUT", "X-Forwarded-Uri": "/innocent"}
    transport = httpx2.ASGITransport(app(door), client=("198.51.100.7", 40000))
    async with httpx2.AsyncClient(transport=transport, base_url="http://gate") as client:
        assert (await client.get("/verify", headers=bearer(token) | said)).status_code == 200
        assert (await client.put("/verify/envoy/innocent", headers=bearer(token) | said)).status_code == 200
    for used in house.events("stranger")[-2:]:
        assert (used.action, used.source) == ("token:used", "198.51.100.7")
        assert "innocent" not in used.detail
        assert "PUT" not in used.detail


@pytest.mark.parametrize("path", ["/verify/", "/verify/things", "/verify/envoy"])
async def test_a_slash_too_many_lets_nothing_through(ask: Ask, house: House, path: str) -> None:
    assert (await ask("GET", f"{path}?scope=deploy:write", headers=bearer(house.issue("slash")))).status_code == 404


async def test_envoy_asks_by_the_method_and_under_the_path(ask: Ask, house: House) -> None:
    token = house.issue("envoy")
    found = await ask("DELETE", "/verify/envoy/things/7?scope=not-for-us,", headers=bearer(token))
    assert found.status_code == 200
    used = house.events("envoy")[-1]
    assert '"method":"DELETE"' in used.detail
    assert '"path":"/things/7"' in used.detail


@pytest.mark.parametrize(
    ("chain", "address"),
    [
        (["203.0.113.9"], "203.0.113.9"),
        (["6.6.6.6, 203.0.113.9"], "203.0.113.9"),
        (["6.6.6.6", "203.0.113.9"], "203.0.113.9"),
        (["203.0.113.9, 127.0.0.1"], "203.0.113.9"),
        (["6.6.6.6, nonsense, 127.0.0.2"], "127.0.0.2"),
        (["nonsense"], "127.0.0.1"),
        (["2001:db8::7"], "2001:db8::7"),
        (["::ffff:203.0.113.9"], "203.0.113.9"),
        ([""], "127.0.0.1"),
    ],
)
async def test_the_client_is_the_nearest_hop_that_is_no_trusted_proxy(
    ask: Ask, door: Door, chain: list[str], address: str
) -> None:
    lines = {b"x-forwarded-for": [hop.encode() for hop in chain]}
    assert door.proxies.origin(("127.0.0.1", 1), lines).address == address


async def test_of_two_forwarded_paths_neither_is_believed(door: Door) -> None:
    lines = {b"x-forwarded-uri": [b"/innocent", b"/real"], b"x-forwarded-method": [b"GET"]}
    origin = door.proxies.origin(None, lines)
    assert (origin.address, origin.method, origin.path) == ("unix", "GET", None)
