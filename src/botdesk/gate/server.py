"""One process of the gate: a desk, a verifier, and uvicorn in front."""

import asyncio
import contextlib
import importlib.util
import logging
import signal
import socket
import sys
from collections.abc import AsyncIterator
from typing import Any, Final

import uvicorn
from starlette.applications import Starlette

from botdesk import messenger
from botdesk.desk import Desk
from botdesk.gate.app import app
from botdesk.gate.door import Door
from botdesk.gate.figures import Board, Timings
from botdesk.gate.health import Health
from botdesk.gate.journal import Journal
from botdesk.gate.pace import Pace
from botdesk.gate.request import Proxies
from botdesk.settings import Settings

KEEP_ALIVE_SECONDS: Final = 75
"""A little longer than proxies keep an idle connection, so that it is they who close it."""

GRACE_SECONDS: Final = 10
MOST_CONNECTIONS: Final = 4096
POST_SECONDS: Final = 1.0
SWITCH_SECONDS: Final = 0.001
"""How long the event loop may keep the thread that records waiting for the interpreter, each time it asks."""


def serve(
    settings: Settings,
    listening: socket.socket,
    board: Board,
    turn: contextlib.AbstractContextManager[None],
    *,
    worker: int = 0,
    log: bool = True,
) -> None:
    """Answer until a signal says stop; what was taken by then is answered.

    Args:
        settings: How the desk behaves.
        listening: Where requests come in.
        board: The figures of all workers.
        turn: Whose turn it is to record.
        worker: Which of them this is.
        log: Whether answers are logged to stdout.

    Raises:
        BotdeskError: The desk cannot be opened.
    """
    _quieten()
    sys.setswitchinterval(SWITCH_SECONDS)
    journal = Journal(sys.stdout.fileno() if log and sys.stdout else None)
    with (
        contextlib.closing(journal),
        Desk.open(settings=settings, source="gate", create=False) as desk,
        desk.verifier(turn=turn) as verifier,
        messenger.beside(desk) if worker == 0 else contextlib.nullcontext(),
    ):
        proxies = Proxies(settings.gate_trusted_proxies)
        health = Health(desk.ready)
        _run(
            Door(verifier, proxies, settings.gate_issuer, health, journal, Timings(), Pace(), board, worker), listening
        )


def _run(door: Door, listening: socket.socket) -> None:
    @contextlib.asynccontextmanager
    async def posting(_: Starlette) -> AsyncIterator[None]:
        task = asyncio.create_task(_post_figures(door))
        yield
        task.cancel()

    server = uvicorn.Server(uvicorn.Config(app(door, posting), **options()))
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, server.handle_exit)
    server.run(sockets=[listening])


async def _post_figures(door: Door) -> None:
    while True:
        door.post_figures()
        await asyncio.sleep(POST_SECONDS)


def options() -> dict[str, Any]:
    """The options of uvicorn: nothing believed from headers, nothing logged but errors, no name told."""
    return {
        "http": _protocol(),
        "loop": "auto",
        "ws": "none",
        "interface": "asgi3",
        "lifespan": "on",
        "proxy_headers": False,
        "server_header": False,
        "access_log": False,
        "log_config": None,
        "limit_concurrency": MOST_CONNECTIONS,
        "h11_max_incomplete_event_size": 16 * 1024,
        "timeout_keep_alive": KEEP_ALIVE_SECONDS,
        "timeout_graceful_shutdown": GRACE_SECONDS,
    }


def _protocol() -> Any:
    if importlib.util.find_spec("httptools") is None:
        return "h11"
    from botdesk.gate.protocol import BoundedProtocol

    return BoundedProtocol


class _Bare(logging.Formatter):
    """An error's words and kind, without a traceback: what a program was doing may show what it held."""

    def format(self, record: logging.LogRecord) -> str:
        kind = record.exc_info[0].__name__ if record.exc_info and record.exc_info[0] else ""
        return f"botdesk gate: {record.name}: {kind or record.getMessage()}"


def _quieten() -> None:
    """Have errors of uvicorn and asyncio told in a line, and nothing else of theirs."""
    handler = logging.StreamHandler()
    handler.setFormatter(_Bare())
    logging.basicConfig(level=logging.ERROR, handlers=[handler], force=True)
    logging.getLogger("uvicorn").setLevel(logging.ERROR)
