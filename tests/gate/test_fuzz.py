"""Whatever is sent, there is an answer and no bug shows."""

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from botdesk.bearer import LEAKED
from botdesk.gate.app import App, app
from botdesk.gate.door import Door
from tests.gate.house import DEAD, House

PATHS = ["/verify", "/introspect", "/revoke", "/whoami", "/rotate", "/healthz", "/metrics", "/openapi.json"]
NAMES = [
    "authorization",
    "x-required-scope",
    "x-forwarded-for",
    "x-forwarded-method",
    "x-forwarded-uri",
    "x-forwarded-proto",
    "content-type",
]
QUIET = settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)


async def sent(gate: App, **scope: Any) -> tuple[int, list[tuple[bytes, bytes]], bytes]:
    """Send raw bytes through ASGI, as a server might hand them over."""
    body = scope.pop("body", b"")
    messages = [{"type": "http.request", "body": body, "more_body": False}]
    answer: list[Any] = []

    async def receive() -> Any:
        return messages.pop() if messages else {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        answer.append(message)

    usual = {"type": "http", "method": "GET", "path": "/verify", "query_string": b"", "headers": [], "root_path": ""}
    await gate({**usual, "client": ("127.0.0.1", 1), "scheme": "http", "http_version": "1.1", **scope}, receive, send)
    start, *rest = answer
    return start["status"], start["headers"], b"".join(part.get("body", b"") for part in rest)


@pytest.fixture(scope="module")
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    made = asyncio.new_event_loop()
    yield made
    made.close()


@pytest.fixture
def values(house: House) -> st.SearchStrategy[bytes]:
    tokens = st.sampled_from([house.held[fate].encode() for fate in (*DEAD, "valid", "asker")])
    return st.one_of(st.binary(max_size=80), tokens.map(lambda token: b"Bearer " + token), tokens)


def test_any_bytes_in_any_place_get_an_answer(
    loop: asyncio.AbstractEventLoop, door: Door, house: House, values: st.SearchStrategy[bytes]
) -> None:
    gate = app(door)
    headers = st.lists(st.tuples(st.sampled_from(NAMES).map(str.encode), values), max_size=4)
    bodies = st.one_of(st.binary(max_size=200), values.map(lambda value: b"token=" + value))

    @QUIET
    @given(
        method=st.sampled_from(["GET", "POST", "HEAD", "BREW"]),
        path=st.one_of(st.sampled_from(PATHS), st.text(max_size=30).map("/verify/envoy/{}".format), st.text()),
        query_string=st.one_of(st.binary(max_size=60), values.map(lambda value: b"scope=" + value)),
        headers=headers,
        body=bodies,
        client=st.sampled_from([None, ("127.0.0.1", 1), ("::1", 1), ("198.51.100.7", 1), ("nonsense", 1)]),
    )
    def check(**scope: Any) -> None:
        status, told, body = loop.run_until_complete(sent(gate, **scope))
        assert status < 500, body
        assert b"Traceback" not in body
        for name, value in told:
            assert b"\n" not in name + value
            assert not LEAKED.search(value.decode("latin-1"))
        assert not LEAKED.search(body.decode("latin-1"))
        if dict(told).get(b"content-type") == b"application/json":
            json.loads(body)

    check()


def test_presented_tokens_in_any_shape_pass_only_when_they_are_the_token(
    loop: asyncio.AbstractEventLoop, door: Door, house: House
) -> None:
    gate, token = app(door), house.held["valid"]

    @QUIET
    @given(st.data())
    def check(data: st.DataObject) -> None:
        at = data.draw(st.integers(0, len(token)))
        other = data.draw(st.text(max_size=3))
        changed = token[:at] + other + token[at + data.draw(st.integers(0, 3)) :]
        line = f"Bearer {changed}".encode("utf-8", "surrogatepass")
        status, _, _ = loop.run_until_complete(sent(gate, headers=[(b"authorization", line)]))
        assert status == (200 if changed.strip() == token else 401)

    check()


def test_schemathesis_finds_that_the_gate_does_what_its_description_says(door: Door, house: House) -> None:
    schema = schemathesis.openapi.from_asgi("/openapi.json", app(door))
    tokens = [house.held[fate] for fate in ("asker", "valid", "narrow", "revoked")]
    seen: set[tuple[str, int]] = set()

    @given(case=schema.as_strategy(), token=st.sampled_from(tokens))
    @settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
    def check(case: Any, token: str) -> None:
        response = case.call_and_validate(headers={"Authorization": f"Bearer {token}"})
        seen.add((case.path, response.status_code))

    check()
    assert {("/verify", 200), ("/introspect", 200), ("/introspect", 403), ("/revoke", 200), ("/whoami", 200)} <= seen
