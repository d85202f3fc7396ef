"""The gate as an ASGI application.

`/verify` is a bare callable, since it is asked for every request of the services behind; everything else is
routed by Starlette.
"""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, MutableMapping
from contextlib import AbstractAsyncContextManager
from functools import partial
from typing import Any, Final

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from botdesk.errors import BotdeskError
from botdesk.gate import reply
from botdesk.gate.door import Door
from botdesk.gate.healthz import healthz
from botdesk.gate.introspection import introspect
from botdesk.gate.journal import Entry
from botdesk.gate.metrics import metrics
from botdesk.gate.openapi import description
from botdesk.gate.reply import Reply, Send
from botdesk.gate.request import lines_of
from botdesk.gate.revocation import revoke
from botdesk.gate.rotation import rotate
from botdesk.gate.verify import PATH, UNDER, verify
from botdesk.gate.whoami import whoami

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]
Endpoint = Callable[[Door, Request, Entry], Awaitable[Reply]]
Lifespan = Callable[[Starlette], AbstractAsyncContextManager[None]]

ENTRY: Final = "botdesk.entry"

GONE: Final = 499
"""What the log says when the client was gone before it was answered."""


def app(door: Door, lifespan: Lifespan | None = None) -> App:
    """Make the application.

    Args:
        door: What the gate works with.
        lifespan: What is to be done at start and stop.
    """
    routed = _routed(door, lifespan)

    async def gate(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await routed(scope, receive, send)
        path: str = scope["path"]
        entry = Entry(path, time.perf_counter())
        if path == PATH or path.startswith(UNDER):
            answer = await _guarded(verify(door, scope, entry), entry)
            await _done(door, PATH, answer.status, entry)
            await reply.send(answer, send)
        else:
            entry.method, entry.address = scope["method"], _address(door, scope)
            scope[ENTRY] = entry
            await routed(scope, receive, send)
        return None

    return gate


def _address(door: Door, scope: Scope) -> str:
    return door.proxies.origin(scope["client"], lines_of(scope["headers"])).address


async def _guarded(answering: Awaitable[Reply], entry: Entry) -> Reply:
    """Whatever goes wrong is an answer, and nothing of it is shown but its kind.

    What is still waited for when the server can stop no later is cancelled; uvicorn would call that an internal error.
    """
    try:
        return await answering
    except BotdeskError as error:
        entry.reason = error.message
        return reply.of_error(error)
    except HTTPException as error:
        entry.reason = error.detail
        return reply.error(error.status_code, "invalid_request", error.detail)
    except ClientDisconnect:
        entry.reason = "gone"
        return Reply(GONE, [])
    except asyncio.CancelledError:
        entry.reason = "stopping"
        return reply.STOPPING
    except Exception as error:
        return _bug(error, entry)


def _bug(error: Exception, entry: Entry) -> Reply:
    entry.reason = f"internal error: {type(error).__name__}"
    return reply.error(500, "server_error", "an internal error, which is a bug of botdesk")


async def _done(door: Door, endpoint: str, status: int, entry: Entry) -> None:
    """Note what is answered, and hold a refusal back when there are too many of them."""
    seconds = time.perf_counter() - entry.started
    door.timings.note(endpoint, status, seconds)
    door.journal.note(status, seconds, entry)
    if 400 <= status < 500:
        with contextlib.suppress(asyncio.CancelledError):
            await door.pace.keep()


def _routed(door: Door, lifespan: Lifespan | None) -> App:
    routed = Starlette(
        routes=[_route(door, *found) for found in _ENDPOINTS],
        exception_handlers={HTTPException: partial(_elsewhere, door)},
        lifespan=lifespan,
    )
    routed.router.redirect_slashes = False
    return routed


def _route(door: Door, path: str, method: str, endpoint: Endpoint) -> Route:
    async def answer(request: Request) -> Response:
        entry: Entry = request.scope[ENTRY]
        answered = await _guarded(endpoint(door, request, entry), entry)
        await _done(door, path, answered.status, entry)
        return _response(answered)

    return Route(path, answer, methods=[method])


async def _elsewhere(door: Door, request: Request, error: Exception) -> Response:
    """Nothing is there, or not by this method."""
    assert isinstance(error, HTTPException)
    headers = [(name.lower().encode(), value.encode()) for name, value in (error.headers or {}).items()]
    await _done(door, "other", error.status_code, request.scope[ENTRY])
    return _response(reply.error(error.status_code, "invalid_request", error.detail, *headers))


def _response(answer: Reply) -> Response:
    response = Response(answer.body, answer.status)
    response.raw_headers = answer.headers
    return response


_ENDPOINTS: Final = (
    ("/introspect", "POST", introspect),
    ("/revoke", "POST", revoke),
    ("/whoami", "GET", whoami),
    ("/rotate", "POST", rotate),
    ("/healthz", "GET", healthz),
    ("/metrics", "GET", metrics),
    ("/openapi.json", "GET", description),
)
