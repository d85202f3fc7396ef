"""Load for a server on the loopback: by `wrk` where it is installed, otherwise by a process of this module."""

import asyncio
import re
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from typing import cast
from urllib.parse import urlsplit


@dataclass(frozen=True)
class Found:
    """What a server did under load.

    Attributes:
        rate: Answers in a second.
        p99: The time in which 99 of 100 were answered, in milliseconds.
    """

    rate: float
    p99: float


LATE = 30.0
"""After so many seconds too many a load is given up."""


def generator() -> str:
    return "wrk" if shutil.which("wrk") else "asyncio"


def load(url: str, token: str, *, connections: int, seconds: int, refused: bool = False) -> Found:
    """Ask for one address as fast as so many kept connections can; every answer has to be a good one, or a refusal."""
    return (_by_wrk if generator() == "wrk" else by_asyncio)(url, token, connections, seconds, refused)


def _by_wrk(url: str, token: str, connections: int, seconds: int, refused: bool) -> Found:
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
        script.write(f'wrk.headers["Authorization"] = "Bearer {token}"')
        script.flush()
        words = [
            "wrk",
            "-t1",
            f"-c{connections}",
            f"-d{seconds}s",
            "--latency",
            "--timeout",
            "30s",
            "-s",
            script.name,
            url,
        ]
        said = subprocess.run(words, capture_output=True, text=True, check=True).stdout
    assert refused == ("Non-2xx" in said), said
    assert "Socket errors" not in said, said
    number, unit = re.findall(r"99%\s+([\d.]+)(us|ms|s)", said)[0]
    return Found(
        float(re.findall(r"Requests/sec:\s+([\d.]+)", said)[0]), float(number) * {"us": 0.001, "ms": 1, "s": 1000}[unit]
    )


def by_asyncio(url: str, token: str, connections: int, seconds: int, refused: bool) -> Found:
    words = [sys.executable, "-m", "benchmarks.load", url, str(connections), str(seconds), "401" if refused else "20"]
    done = subprocess.run(words, input=token, capture_output=True, text=True, check=True, timeout=seconds + LATE)
    rate, p99 = done.stdout.split()
    return Found(float(rate), float(p99))


class _Asking(asyncio.Protocol):
    """One connection: the next request goes out when the answer to the last one is in."""

    def __init__(self, request: bytes, begins: bytes, until: float, took: list[float]) -> None:
        self._request = request
        self._begins = begins
        self._ends = b"}" if begins.endswith(b"401") else b"\r\n\r\n"
        self._said = b""
        self._until = until
        self._took = took
        self._asked = 0.0
        self.done = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is one, but does not say so
        self._ask()

    def _ask(self) -> None:
        self._asked = time.perf_counter()
        self._transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        """What is asked for here is answered with a head alone, and a refusal with an object in JSON."""
        self._said += data
        if not self._said.endswith(self._ends):
            return
        assert self._said.startswith(self._begins), self._said
        self._said = b""
        now = time.perf_counter()
        self._took.append(now - self._asked)
        if now < self._until:
            self._ask()
        else:
            self._transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        self.done.set_result(None)


async def _ask_all(url: str, token: str, connections: int, seconds: float, status: str) -> Found:
    place = urlsplit(url)
    host, port = place.hostname or "127.0.0.1", place.port or 80
    target = place.path + (f"?{place.query}" if place.query else "")
    request = f"GET {target} HTTP/1.1\r\nHost: {place.netloc}\r\nAuthorization: Bearer {token}\r\n\r\n".encode()
    begins = f"HTTP/1.1 {status}".encode()
    took: list[float] = []
    until = time.perf_counter() + seconds
    loop = asyncio.get_running_loop()
    made = [
        await loop.create_connection(lambda: _Asking(request, begins, until, took), host, port)
        for _ in range(connections)
    ]
    await asyncio.gather(*(asking.done for _, asking in made))
    return Found(len(took) / seconds, sorted(took)[int(len(took) * 0.99)] * 1000)


if __name__ == "__main__":
    import uvloop

    url, connections, seconds, status = sys.argv[1:]
    found = uvloop.run(_ask_all(url, sys.stdin.read(), int(connections), float(seconds), status))
    print(found.rate, found.p99)
