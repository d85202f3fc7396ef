"""How dear is it to ask the gate? Against the same server with the same bounds answering a constant 204, in one run."""

import contextlib
import os
import re
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from statistics import median

from benchmarks.load import Found, generator, load
from benchmarks.measure import FULL, Line, table
from botdesk import accounts, tokens
from botdesk.desk import Desk
from botdesk.settings import load as load_settings

ROUNDS = 9 if FULL else 3
SECONDS = 3 if FULL else 1
CONNECTIONS = (16, 64, 256) if FULL else (64,)


def main() -> None:
    table(f"the gate, one worker ({generator()})", measured())


def measured() -> list[Line]:
    lines = []
    with tempfile.TemporaryDirectory() as folder:
        environ = {**os.environ, "BOTDESK_STORE": f"{folder}/desk.db", "BOTDESK_CONFIG": f"{folder}/none"}
        token = furnished(environ)
        with contextlib.ExitStack() as started:
            places = {
                name: started.enter_context(server(words, environ | more)) for name, (words, more) in SERVERS.items()
            }
            for place in places.values():
                load(place, token, connections=4, seconds=1)
            for connections in CONNECTIONS:
                lines += told(connections, loaded(places, token, connections))
            lines.append(flooded(places["every use committed"], token))
    return lines


GATE = ("-m", "botdesk", "gate", "--listen", "127.0.0.1:0")
SERVERS: dict[str, tuple[tuple[str, ...], dict[str, str]]] = {
    "constant": (("-m", "benchmarks.gate", "constant"), {}),
    "every use committed": ((*GATE, "--no-log"), {}),
    "every use committed, access log": (GATE, {}),
    "recorded once a minute": ((*GATE, "--no-log"), {"BOTDESK_RECORD_USES": "coalesced"}),
}


def furnished(environ: dict[str, str]) -> str:
    with Desk.open(settings=load_settings(environ=environ)) as desk, desk.begin() as tx:
        account = accounts.create(tx, "nightly-build", scopes="catalog:read")
        issued = tokens.issue(tx, account.id, "measured")
        tokens.deliver(tx, issued.token.id, to="clipboard")
    return issued.secret.reveal()


@contextlib.contextmanager
def server(words: tuple[str, ...], environ: dict[str, str]) -> Iterator[str]:
    """A server in a process of its own; gives the address to ask for."""
    with tempfile.TemporaryFile("w+") as talk:
        process = subprocess.Popen([sys.executable, *words], env=environ, stdout=subprocess.DEVNULL, stderr=talk)
        try:
            while not (found := re.search(r"listening at (\S+)", said(talk.fileno()))):
                assert process.poll() is None, said(talk.fileno())
                time.sleep(0.05)
            yield f"{found[1]}/verify?scope=catalog:read"
        finally:
            process.terminate()
            process.wait(30)


def said(descriptor: int) -> str:
    return os.pread(descriptor, 10_000, 0).decode()


def loaded(places: dict[str, str], token: str, connections: int) -> dict[str, list[Found]]:
    """Load each server in turn, and again, so that whatever else the machine does meets them all."""
    found: dict[str, list[Found]] = {name: [] for name in places}
    for _ in range(ROUNDS):
        for name, place in places.items():
            found[name].append(load(place, token, connections=connections, seconds=SECONDS))
    return found


def told(connections: int, found: dict[str, list[Found]]) -> list[Line]:
    constant = found.pop("constant")
    rate, p99 = median(one.rate for one in constant), median(one.p99 for one in constant)
    lines = []
    for name, rounds in found.items():
        aim = "≥0.6" if name == "every use committed" else ""
        ours = median(one.rate for one in rounds)
        what = f"{name}, {connections} at once"
        lines.append(Line(what, ours, "constant 204", rate, aim, unit="/s"))
    for name, rounds in found.items():
        lines.append(
            Line(
                f"{name}, {connections} at once, p99",
                median(one.p99 for one in rounds),
                "constant 204",
                p99,
                "",
                unit="ms",
            )
        )
    return lines


def flooded(place: str, token: str) -> Line:
    """A warm client's p99 while 400 connections present forged tokens, by its quiet p99."""
    found: dict[bool, list[float]] = {False: [], True: []}
    for _ in range(ROUNDS):
        for loud, p99s in found.items():
            flood = threading.Thread(target=load, args=(place, FORGED), kwargs=FLOOD)
            if loud:
                flood.start()
                time.sleep(1)
            p99s.append(load(place, token, connections=4, seconds=SECONDS).p99)
            if loud:
                flood.join()
    in_flood, quiet = median(found[True]), median(found[False])
    return Line("a warm client's p99 in a flood of forged tokens", in_flood, "its quiet p99", quiet, "", unit="ms")


FORGED = "bdk_0123456789_" + "a" * 49
FLOOD = {"connections": 400, "seconds": SECONDS + 2, "refused": True}


def constant() -> None:
    """The gate's own server in front of nothing at all."""
    import uvicorn

    from botdesk.gate.server import options

    async def answer(scope, receive, send) -> None:  # type: ignore[no-untyped-def]
        if scope["type"] == "lifespan":
            while True:
                message = await receive()
                await send({"type": f"{message['type']}.complete"})
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body"})

    with socket.create_server(("127.0.0.1", 0), backlog=2048) as listening:
        sys.stderr.write(f"listening at http://127.0.0.1:{listening.getsockname()[1]}\n")
        sys.stderr.flush()
        uvicorn.Server(uvicorn.Config(answer, **options())).run(sockets=[listening])


if __name__ == "__main__":
    constant() if sys.argv[1:] == ["constant"] else main()
