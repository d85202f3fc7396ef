"""`botdesk gate`: bearer tokens verified over HTTP."""

import os
from dataclasses import replace
from importlib.util import find_spec
from typing import Annotated

import typer

from botdesk.cli import output
from botdesk.cli.context import Visit, visiting
from botdesk.errors import InvalidInput
from botdesk.settings import Settings

Listen = Annotated[
    str | None,
    typer.Option("--listen", metavar="PLACE", help="HOST:PORT, or unix:/path; else the setting gate_listen."),
]
Workers = Annotated[
    int | None, typer.Option("--workers", min=1, max=64, help="How many processes; else the setting gate_workers.")
]
Log = Annotated[bool, typer.Option("--log/--no-log", help="Write a line of JSON for each answer to stdout.")]


@visiting
def gate(visit: Visit, listen: Listen = None, workers: Workers = None, log: Log = True) -> None:
    """Verify bearer tokens over HTTP, for nginx, Caddy, Traefik, Envoy and services."""
    _require_extra()
    from botdesk.gate import listener
    from botdesk.gate.workers import run

    settings = _settled(visit.settings, listen, workers)
    where = listener.place(settings.gate_listen)
    with visit.desk():
        pass
    listening = listener.listen(where)
    try:
        if listener.exposed(listening):
            _say("bearer tokens cross the network in the clear here: put TLS in front, or listen at 127.0.0.1")
        _say(f"listening at {listener.told(where, listening)}")
        run(settings, listening, log=log, say=_say)
    finally:
        listening.close()
        listener.leave(where)


def _say(text: str) -> None:
    output.talk(f"botdesk gate: {text}")


def _settled(settings: Settings, listen: str | None, workers: int | None) -> Settings:
    return replace(
        settings,
        gate_listen=settings.gate_listen if listen is None else listen,
        gate_workers=workers or settings.gate_workers,
    )


def _require_extra() -> None:
    """Refuse where the gate cannot run.

    Raises:
        InvalidInput: Its libraries are not installed, or the system has no fork.
    """
    if not hasattr(os, "fork"):
        raise InvalidInput("the gate runs on Linux, macOS and the like", hint="on Windows, run it in WSL")
    missing = [name for name in ("starlette", "uvicorn") if find_spec(name) is None]
    if missing:
        raise InvalidInput(
            f"the gate needs what is not installed: {', '.join(missing)}", hint="pip install 'botdesk[gate]'"
        )
