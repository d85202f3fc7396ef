"""Gates in processes of their own: starting, listening, stopping, bounds, workers, the log."""

import contextlib
import http.client
import json
import os
import re
import signal
import socket
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from botdesk.__main__ import start
from botdesk.gate import listener
from tests.gate import house as houses
from tests.gate.conftest import bearer
from tests.gate.house import PATIENCE, Gate, House, waited


def ask(gate: Gate, token: str | None, path: str = "/verify", method: str = "GET", **headers: str) -> tuple[int, Any]:
    """Ask a gate over a connection of one's own."""
    connection = http.client.HTTPConnection("127.0.0.1", gate.port, timeout=PATIENCE)
    try:
        connection.request(method, path, headers=headers | (bearer(token) if token else {}))
        response = connection.getresponse()
        return response.status, response.read().decode()
    finally:
        connection.close()


@contextlib.contextmanager
def connected(place: int | Path) -> Iterator[socket.socket]:
    family = socket.AF_INET if isinstance(place, int) else socket.AF_UNIX
    with socket.socket(family, socket.SOCK_STREAM) as found:
        found.settimeout(PATIENCE)
        found.connect(("127.0.0.1", place) if isinstance(place, int) else str(place))
        yield found


def all_of(connection: socket.socket) -> bytes:
    said = b""
    with contextlib.suppress(ConnectionResetError):
        while piece := connection.recv(65536):
            said += piece
    return said


def status(connection: socket.socket) -> int:
    """Read one whole answer; gives its status."""
    response = http.client.HTTPResponse(connection)
    response.begin()
    response.read()
    return response.status


def said_to(place: int | Path, request: bytes) -> bytes:
    with connected(place) as connection:
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            connection.sendall(request)
        return all_of(connection)


@pytest.mark.parametrize(
    "text", ["", "8420", ":8420", "localhost", "localhost:x", "localhost:65536", "unix:", "unix:relative", "host:-1"]
)
def test_a_place_that_is_none_is_told_so(botdesk_says: Any, house: House, text: str) -> None:
    code, err = botdesk_says("gate", "--listen", text)
    assert (code, "hint: as in 127.0.0.1:8420" in err) == (2, True)


@pytest.fixture
def botdesk_says(house: House, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Any:
    for name, value in house.environ.items():
        monkeypatch.setenv(name, value)

    def run(*words: str) -> tuple[int, str]:
        return start(list(words)), capsys.readouterr().err

    return run


def test_places_are_read_and_told() -> None:
    for text, told in (
        ("127.0.0.1:8420", "http://127.0.0.1:8420"),
        ("[::1]:8420", "http://[::1]:8420"),
        ("::1:8420", "http://[::1]:8420"),
        ("unix:/run/gate.sock", "unix:/run/gate.sock"),
    ):
        assert listener.told(listener.place(text)) == told


def test_a_place_that_is_taken_is_told_so(gate: Gate, botdesk_says: Any) -> None:
    code, err = botdesk_says("gate", "--listen", f"127.0.0.1:{gate.port}")
    assert (code, f"something listens at {gate.place} already" in err) == (5, True)


def test_without_a_store_there_is_no_gate(botdesk_says: Any, house: House) -> None:
    code, err = botdesk_says("gate", "--store", str(house.folder / "desk" / "none.db"), "--listen", "127.0.0.1:0")
    assert (code, "there is no store" in err) == (8, True)
    assert not (house.folder / "desk" / "none.db").exists()


def test_without_its_libraries_it_says_how_to_get_them(house: House, tmp_path: Path) -> None:
    """An interpreter that finds neither Starlette nor uvicorn."""
    program = (
        "import sys, importlib.util as u; real = u.find_spec\n"
        "import botdesk.cli.gate as gate\n"
        "gate.find_spec = lambda name, *a: None if name in ('starlette', 'uvicorn') else real(name, *a)\n"
        "from botdesk.__main__ import main; sys.exit(main(['gate']))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=os.environ | house.environ,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    assert done.returncode == 2
    assert "pip install 'botdesk[gate]'" in done.stderr


def test_a_unix_socket_is_for_its_group_and_goes_with_the_gate(house: House) -> None:
    path = house.folder / "one.sock"
    request = f"GET /verify HTTP/1.0\r\nAuthorization: Bearer {house.held['valid']}\r\n\r\n".encode()
    with houses.gate(house, listen=f"unix:{path}") as gate:
        assert stat.S_IMODE(path.stat().st_mode) == 0o660
        assert said_to(path, request).startswith(b"HTTP/1.1 200 OK")
        assert house.events("valid")[-1].source == "unix"
        os.kill(gate.process.pid, signal.SIGKILL)
        gate.process.wait(PATIENCE)
    assert path.exists()
    with houses.gate(house, listen=f"unix:{path}") as gate:
        assert said_to(path, request).startswith(b"HTTP/1.1 200 OK")
        with pytest.raises(AssertionError, match="something listens"):
            houses.start(house, listen=f"unix:{path}")
        assert gate.stop() == 0
    assert not path.exists()
    path.write_text("mine")
    with pytest.raises(AssertionError, match="is no socket"):
        houses.start(house, listen=f"unix:{path}")
    assert path.read_text() == "mine"


@pytest.mark.parametrize(
    "request_",
    [
        b"nonsense\r\n\r\n",
        b"GET \x00 HTTP/1.1\r\n\r\n",
        b"GET /verify HTTP/1.1\r\nA\r\n\r\n",
        b"CONNECT a:1 HTTP/1.1\r\n\r\n",
    ],
)
def test_what_is_no_http_is_answered_400(gate: Gate, request_: bytes) -> None:
    assert said_to(gate.port, request_).startswith(b"HTTP/1.1 400")


def test_heads_have_a_bound_in_one_piece_in_many_and_on_a_kept_connection(gate: Gate, house: House) -> None:
    long = b"X-Long: " + b"x" * 20_000 + b"\r\n"
    many = b"".join(b"X-%d: %s\r\n" % (number, b"x" * 100) for number in range(200))
    for headers in (long, many):
        assert said_to(gate.port, b"GET /verify HTTP/1.1\r\n" + headers + b"\r\n").startswith(b"HTTP/1.1 431")
    assert said_to(gate.port, b"GET /" + b"x" * 20_000 + b" HTTP/1.1\r\n\r\n").startswith(b"HTTP/1.1 431")
    with connected(gate.port) as connection:
        for _ in range(3):
            connection.sendall(b"GET /verify HTTP/1.1\r\nX-Fits: " + b"x" * 10_000 + b"\r\n\r\n")
            assert status(connection) == 401
        connection.sendall(b"GET /verify HTTP/1.1\r\nX-Long: " + b"x" * 12_000)
        connection.sendall(b"x" * 12_000)
        assert status(connection) == 431


def test_a_large_body_for_verify_is_thrown_away(gate: Gate, house: House) -> None:
    with connected(gate.port) as connection:
        head = (
            f"POST /verify HTTP/1.1\r\nAuthorization: Bearer {house.held['valid']}\r\nContent-Length: 3000000\r\n\r\n"
        )
        connection.sendall(head.encode() + b"x" * 3_000_000)
        assert status(connection) == 200
        connection.sendall(b"GET /verify HTTP/1.1\r\n\r\n")
        assert status(connection) == 401


def test_requests_sent_at_once_are_answered_in_order(gate: Gate, house: House) -> None:
    one = f"GET /verify HTTP/1.1\r\nAuthorization: Bearer {house.held['valid']}\r\n\r\n"
    two = "GET /verify HTTP/1.1\r\n\r\n"
    last = "GET /healthz HTTP/1.1\r\nConnection: close\r\n\r\n"
    answers = said_to(gate.port, (one + two + one + last).encode())
    assert re.findall(rb"HTTP/1.1 (\d+)", answers) == [b"200", b"401", b"200", b"200"]


def test_the_log_tells_what_happened_without_a_token(gate: Gate, house: House) -> None:
    token = house.held["valid"]
    ask(
        gate,
        token,
        "/verify?scope=catalog:read",
        **{"X-Forwarded-For": "203.0.113.77", "X-Forwarded-Uri": f"/a/{token}?b"},
    )
    ask(gate, house.held["revoked"], **{"X-Forwarded-For": "203.0.113.77"})
    ask(gate, token, f"/{token}", **{"X-Forwarded-For": "203.0.113.77"})

    def told() -> list[Any]:
        lines = [json.loads(line) for line in gate.log.read_text().splitlines()]
        found = [line for line in lines if line["address"] == "203.0.113.77"]
        return found if len(found) == 3 else []

    used, refused, lost = sorted(waited(told, "the log"), key=lambda line: line["status"])
    assert (used["status"], used["account"], used["token"]) == (200, "nightly-build", house.ids["valid"])
    assert used["path"] == "/a/[redacted]"
    assert (refused["status"], refused["reason"]) == (401, "revoked")
    assert (lost["status"], lost["endpoint"]) == (404, "/[redacted]")
    assert all(held not in gate.log.read_text() + gate.talk.read_text() for held in house.held.values())


def test_any_worker_tells_the_figures_of_all(gate: Gate, house: House) -> None:
    def told() -> bool:
        ask(gate, house.held["valid"])
        _, text = ask(gate, None, "/metrics")
        return all(f'botdesk_accepted_total{{worker="{worker}"}}' in text for worker in (0, 1))

    waited(told, "the figures")


def test_a_worker_that_dies_is_replaced_and_none_outlives_the_gate(house: House) -> None:
    with houses.gate(house, "--workers", "2", "--no-log", listen="0.0.0.0:0") as gate:
        assert "in the clear" in gate.talk.read_text()
        first = waited(lambda: len(gate.workers()) == 2 and gate.workers(), "the workers")
        os.kill(first[0], signal.SIGKILL)
        workers = waited(lambda: first[0] not in gate.workers() and len(gate.workers()) == 2 and gate.workers())
        assert "SIGKILL" in gate.talk.read_text()
        assert ask(gate, house.held["valid"])[0] == 200
        assert gate.log.read_text() == ""
        os.kill(gate.process.pid, signal.SIGKILL)
        gate.process.wait(PATIENCE)
        waited(lambda: not any(Path(f"/proc/{pid}").exists() for pid in workers), "their end")


def test_what_was_taken_is_answered_before_it_stops(house: House) -> None:
    """Cold tokens, whose argon2 takes long enough for the signal to come meanwhile."""
    slow = {"BOTDESK_ARGON2_MEMORY_KIB": "65536", "BOTDESK_ARGON2_PASSES": "2", "BOTDESK_ARGON2_AT_ONCE": "1"}
    with House(house.folder, house.environ | slow).desk() as desk:
        tokens = [houses.issue(desk, house, f"slow-{word}") for word in range(3)]
    statuses: list[int] = []

    def present(token: str) -> None:
        request = f"GET /verify HTTP/1.1\r\nAuthorization: Bearer {token}\r\n\r\n"
        statuses.append(int(said_to(gate.port, request.encode()).split()[1]))

    with houses.gate(house, **slow) as gate:
        threads = [threading.Thread(target=present, args=(token,)) for token in tokens]
        for thread in threads:
            thread.start()
        waited(lambda: figure(gate, "botdesk_proof_cache_misses_total") == len(tokens), "the requests")
        assert gate.stop() == 0
        for thread in threads:
            thread.join(PATIENCE)
    assert statuses == [200] * len(tokens)


def figure(gate: Gate, name: str) -> float:
    """A figure, of all workers together."""
    _, text = ask(gate, None, "/metrics")
    return sum(float(line.split()[1]) for line in text.splitlines() if line.startswith(name))
