"""An ASGI middleware: the applications behind it see service accounts, and nobody else comes through.

    app = Starlette(routes=…, middleware=[Middleware(BearerAuth, scope="catalog:read")])

`request.user` is then a `ServiceAccount`, and Starlette's `@requires("deploy:write")` looks at the token's scopes.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from botdesk import scopes as scope_words
from botdesk.desk import Desk
from botdesk.errors import BotdeskError
from botdesk.gate import reply
from botdesk.gate.reply import Reply, Send
from botdesk.gate.request import Lines, Proxies, credentials, lines_of
from botdesk.verdict import Answer, Asked, Refusal
from botdesk.verifier import Verifier

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

POLICY_VIOLATION = 1008
"""The close code for a WebSocket that is refused (RFC 6455 §7.4.1)."""


@dataclass(frozen=True, slots=True)
class ServiceAccount:
    """The service account that a request comes from, as `request.user`.

    Attributes:
        id: The account's id.
        name: Its name.
        scopes: The scopes of the token that it presented.
        token: The token's lookup id.
    """

    id: str
    name: str
    scopes: tuple[str, ...]
    token: str

    @property
    def is_authenticated(self) -> bool:
        """True: whoever is not does not come through."""
        return True

    @property
    def display_name(self) -> str:
        """The account's name, as Starlette calls it."""
        return self.name

    @property
    def identity(self) -> str:
        """The account's id, as Starlette calls it."""
        return self.id


@dataclass(frozen=True, slots=True)
class Granted:
    """The scopes of the presented token, as `request.auth`."""

    scopes: tuple[str, ...]


class BearerAuth:
    """Lets requests with a live bearer token through, each recorded before the application sees it.

    Args:
        app: The application behind.
        verifier: What judges, which whoever made it closes; by default one on a desk of the middleware's own.
        store: Where that desk is; the settings' store by default.
        scope: The scopes that every request needs, space-delimited.
        public: Paths that anybody may see.
        trusted_proxies: The networks whose `X-Forwarded-For` is believed; none by default, since the server in front
            of the application may have read it already.
    """

    def __init__(
        self,
        app: App,
        verifier: Verifier | None = None,
        *,
        store: str | Path | None = None,
        scope: str = "",
        public: Iterable[str] = (),
        trusted_proxies: Iterable[str] = (),
    ) -> None:
        self._app = app
        self._verifier = verifier
        self._store = store
        self._desk: Desk | None = None
        self._scopes = scope_words.parse(scope)
        self._public = frozenset(public)
        self._proxies = Proxies(trusted_proxies)
        self._turn = asyncio.Lock()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through, or refuse it (ASGI 3)."""
        if scope["type"] == "lifespan":
            return await self._live(scope, receive, send)
        if scope["type"] not in ("http", "websocket") or scope["path"] in self._public:
            return await self._app(_without_claims(scope), receive, send)
        refused = await self._judge(scope)
        if refused is None:
            return await self._app(_without_claims(scope), receive, send)
        if scope["type"] == "websocket":
            return await _refuse_socket(refused, scope, receive, send)
        return await reply.send(refused, send)

    async def _judge(self, scope: Scope) -> Reply | None:
        """Put the account into the scope; or give the answer that refuses."""
        try:
            lines = lines_of(scope["headers"])
            presented = credentials(lines)
            if presented is None:
                return reply.NO_CREDENTIALS
            answer = await (await self._opened()).answer(presented, self._asked(scope, lines))
        except BotdeskError as error:
            return reply.of_error(error)
        if answer.refusal is not None:
            return reply.insufficient(self._scopes) if answer.refusal is Refusal.SCOPE else reply.INVALID_TOKEN
        scope["user"] = _account(answer)
        scope["auth"] = Granted(scope["user"].scopes)
        return None

    def _asked(self, scope: Scope, lines: Lines) -> Asked:
        origin = self._proxies.origin(scope.get("client"), lines)
        return Asked(scopes=self._scopes, address=origin.address, method=scope.get("method", "GET"), path=scope["path"])

    async def _opened(self) -> Verifier:
        async with self._turn:
            if self._verifier is None:
                self._desk = await asyncio.to_thread(Desk.open, self._store, source="service", create=False)
                self._verifier = await asyncio.to_thread(self._desk.verifier)
            return self._verifier

    async def _live(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Open the desk before the application starts, and close it after it stopped."""

        async def opening() -> MutableMapping[str, Any]:
            message = await receive()
            if message["type"] == "lifespan.startup":
                await self._opened()
            return message

        try:
            await self._app(scope, opening, send)
        finally:
            if self._desk is not None and self._verifier is not None:
                await asyncio.to_thread(self._verifier.close)
                self._desk.close()
                self._desk = self._verifier = None


def _account(answer: Answer) -> ServiceAccount:
    told = answer.introspection
    return ServiceAccount(told.client_id, told.username, tuple(told.scope.split()), told.jti)


def _without_claims(scope: Scope) -> Scope:
    """The scope without `X-Botdesk-*` headers: what they say here is only a client's claim."""
    if "headers" in scope:
        scope["headers"] = [(name, value) for name, value in scope["headers"] if not _claims(name)]
    return scope


def _claims(name: bytes) -> bool:
    return name.replace(b"_", b"-").startswith(b"x-botdesk-")


async def _refuse_socket(refused: Reply, scope: Scope, receive: Receive, send: Send) -> None:
    await receive()
    if "websocket.http.response" not in scope.get("extensions", {}):
        return await send({"type": "websocket.close", "code": POLICY_VIOLATION})
    start = {"type": "websocket.http.response.start", "status": refused.status, "headers": refused.headers}
    await send(start)
    return await send({"type": "websocket.http.response.body", "body": refused.body})
