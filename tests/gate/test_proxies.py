"""Behind a real nginx and a real Caddy, with the configuration of the documentation."""

import http.client
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.gate import house as houses
from tests.gate import proxies
from tests.gate.house import DEAD, PATIENCE, SCOPES, Gate, House, free_port


@dataclass
class Seen:
    """What a client got; and what the service saw, when it was asked at all."""

    status: int
    headers: dict[str, str]
    service: dict[str, list[str]] = field(default_factory=dict)


@pytest.fixture(scope="module", params=["nginx", "caddy", "nginx by a unix socket", "caddy by a unix socket"])
def port(
    request: pytest.FixtureRequest,
    gate: Gate,
    by_socket: Path,
    needs: Callable[[str], None],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[int]:
    name, _, socket = request.param.partition(" ")
    needs(name)
    place = f"127.0.0.1:{gate.port}" if not socket else f"unix:{by_socket}" if name == "nginx" else f"unix/{by_socket}"
    with proxies.service() as behind, getattr(proxies, name)(tmp_path_factory.mktemp(name), place, behind) as started:
        yield started


@pytest.fixture(scope="module")
def by_socket(house: House) -> Iterator[Path]:
    """A gate that listens at a Unix socket."""
    path = house.folder / "gate.sock"
    with houses.gate(house, listen=f"unix:{path}"):
        yield path


def ask(
    port: int, *lines: tuple[str, str], path: str = "/things/7?key=1", method: str = "GET", body: bytes = b""
) -> Seen:
    """Send a request with exactly these header lines."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    try:
        connection.putrequest(method, path)
        for name, value in lines:
            connection.putheader(name, value)
        if body:
            connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body or None)
        response = connection.getresponse()
        text = response.read()
    finally:
        connection.close()
    seen = Seen(response.status, {name.lower(): value for name, value in response.getheaders()})
    if response.status == 200:
        for name, value in json.loads(text)["headers"]:
            seen.service.setdefault(name.lower(), []).append(value)
    return seen


def held(house: House, fate: str) -> tuple[str, str]:
    return "Authorization", f"Bearer {house.held[fate]}"


def test_a_live_token_passes_and_the_service_sees_whose_it_is(port: int, house: House) -> None:
    seen = ask(port, held(house, "valid"))
    assert seen.status == 200
    assert seen.service["x-botdesk-account"] == ["nightly-build"]
    assert seen.service["x-botdesk-token"] == [house.ids["valid"]]
    assert seen.service["x-botdesk-scope"] == [SCOPES]
    assert "authorization" not in seen.service
    used = house.events("valid")[-1]
    assert (used.action, used.source) == ("token:used", "127.0.0.1")
    assert '"method":"GET"' in used.detail
    assert '"path":"/things/7"' in used.detail
    assert '"scopes":"catalog:read"' in used.detail


def test_a_body_reaches_the_service_and_not_the_gate(port: int, house: House) -> None:
    assert ask(port, held(house, "valid"), method="POST", body=b"x" * 100_000).status == 200
    assert '"method":"POST"' in house.events("valid")[-1].detail


def test_without_a_token_nothing_passes(port: int) -> None:
    seen = ask(port)
    assert (seen.status, seen.headers["www-authenticate"]) == (401, 'Bearer realm="botdesk"')


def test_no_dead_token_passes(port: int, house: House) -> None:
    for fate in DEAD:
        seen = ask(port, held(house, fate))
        assert (fate, seen.status) == (fate, 401)
        assert 'error="invalid_token"' in seen.headers["www-authenticate"]


def test_a_token_without_the_scope_is_told_which_it_takes(port: int, house: House) -> None:
    seen = ask(port, held(house, "narrow"))
    assert seen.status == 403
    assert 'scope="catalog:read"' in seen.headers["www-authenticate"]


@pytest.mark.parametrize(
    "name", ["X-Botdesk-Account", "x-botdesk-scope", "X_Botdesk_Account", "X-Botdesk_Token", "X_BOTDESK-Scope"]
)
def test_a_client_cannot_claim_to_be_somebody_else(port: int, house: House, name: str) -> None:
    claim = (name, "root")
    assert ask(port, claim).status == 401
    seen = ask(port, held(house, "valid"), claim, claim)
    assert seen.status == 200
    assert seen.service["x-botdesk-account"] == ["nightly-build"]
    assert "root" not in str(seen.service)


def test_a_client_cannot_choose_what_is_required_or_recorded(port: int, house: House) -> None:
    lies = (
        ("X-Required-Scope", "metrics:write"),
        ("X-Forwarded-Method", "HEAD"),
        ("X-Forwarded-Uri", "/innocent"),
        ("X-Forwarded-For", "6.6.6.6"),
    )
    assert ask(port, held(house, "narrow"), *lies, path="/?scope=metrics:write").status == 403
    assert ask(port, held(house, "valid"), *lies, path="/real?scope=metrics:write").status == 200
    used = house.events("valid")[-1]
    assert '"path":"/real"' in used.detail
    assert '"method":"GET"' in used.detail
    assert used.source == "127.0.0.1"


def test_two_authorization_headers_do_not_pass(port: int, house: House) -> None:
    for lines in ((held(house, "valid"), held(house, "valid")), (held(house, "forged"), held(house, "valid"))):
        assert ask(port, *lines).status in (400, 503)


@pytest.mark.parametrize(("name", "status"), [("nginx", 503), ("caddy", 502)])
def test_without_the_gate_nothing_passes(
    house: House, needs: Callable[[str], None], tmp_path: Path, name: str, status: int
) -> None:
    needs(name)
    with proxies.service() as behind, getattr(proxies, name)(tmp_path, f"127.0.0.1:{free_port()}", behind) as port:
        seen = ask(port, held(house, "valid"))
    assert seen.status == status
    assert name == "caddy" or seen.headers["retry-after"] == "1"
