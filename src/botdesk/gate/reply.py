"""What the gate answers: statuses, the challenges of RFC 6750 §3, and one body for every 401."""

import json
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from email.utils import formatdate
from typing import Any, Final, NamedTuple

from botdesk import errors
from botdesk import scopes as scope_words
from botdesk.errors import BotdeskError, InsufficientScope, InvalidInput, InvalidToken
from botdesk.verdict import Introspection

Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Headers = list[tuple[bytes, bytes]]

STATUS: Final[Mapping[type[BotdeskError], int]] = {
    errors.InvalidInput: 400,
    errors.InvalidToken: 401,
    errors.InsufficientScope: 403,
    errors.AccessDenied: 403,
    errors.NotFound: 404,
    errors.Conflict: 409,
    errors.HandoffFailed: 500,
    errors.AuditBroken: 503,
    errors.StoreError: 503,
    errors.SchemaMismatch: 503,
    errors.Overloaded: 503,
}
"""The status of every error."""

REALM: Final = 'Bearer realm="botdesk"'
RETRY_SECONDS: Final = 1
SUNSET_SECONDS: Final = 14 * 86_400
"""How long before its end a token's answers say when that is."""


class Reply(NamedTuple):
    """A whole answer.

    Attributes:
        status: The HTTP status.
        headers: The header lines, names in lower case.
        body: The body.
    """

    status: int
    headers: Headers
    body: bytes = b""


async def send(reply: Reply, to: Send) -> None:
    """Send an answer over ASGI."""
    await to({"type": "http.response.start", "status": reply.status, "headers": reply.headers})
    await to({"type": "http.response.body", "body": reply.body})


def as_json(status: int, value: Mapping[str, Any], *more: tuple[bytes, bytes]) -> Reply:
    """An answer in JSON, which nobody may keep."""
    body = json.dumps(value).encode()
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", b"%d" % len(body)),
        (b"cache-control", b"no-store"),
    ]
    return Reply(status, [*headers, *more], body)


def error(status: int, code: str, description: str, *more: tuple[bytes, bytes]) -> Reply:
    """An error as OAuth 2.0 writes it (RFC 6749 §5.2)."""
    return as_json(status, {"error": code, "error_description": description}, *more)


def _challenged(challenge: str) -> Reply:
    return error(401, "unauthorized", "a live bearer token is needed", (b"www-authenticate", challenge.encode()))


NO_CREDENTIALS: Final = _challenged(REALM)
"""Nothing was presented: a challenge without an error code (RFC 6750 §3.1)."""

INVALID_TOKEN: Final = _challenged(f'{REALM}, error="invalid_token", error_description="the token is not live"')
"""Whatever is wrong with a token, the answer is the same, so that it tells nothing."""


def _later(why: str) -> Reply:
    return error(503, "temporarily_unavailable", why, (b"retry-after", b"%d" % RETRY_SECONDS))


STOPPING: Final = _later("the gate is stopping")
"""What was not judged when the gate had to stop: whoever asks again reaches what comes after it."""


def sunset(told: Introspection, now: float) -> Headers:
    """The header that says when a token ends (RFC 8594), once that is near; none before.

    Args:
        told: What is told of the token.
        now: The present instant, in seconds since 1970.
    """
    if told.exp is None or told.exp - now > SUNSET_SECONDS:
        return []
    return [(b"sunset", formatdate(told.exp, usegmt=True).encode())]


def accepted(told: Introspection, now: float) -> Reply:
    """The answer about an accepted token: whose it is, for the service behind the proxy, and when it ends soon."""
    return Reply(
        200,
        [
            (b"x-botdesk-account", told.username.encode()),
            (b"x-botdesk-token", told.jti.encode()),
            (b"x-botdesk-scope", told.scope.encode()),
            (b"content-length", b"0"),
            (b"cache-control", b"no-store"),
            *sunset(told, now),
        ],
    )


def insufficient(required: frozenset[str]) -> Reply:
    """The answer to a token that lacks a scope: the scopes that it takes (RFC 6750 §3)."""
    scope = scope_words.format(required)
    challenge = f'{REALM}, error="insufficient_scope", error_description="the token lacks a scope", scope="{scope}"'
    return error(403, "insufficient_scope", f"it takes: {scope}", (b"www-authenticate", challenge.encode()))


def of_error(found: BotdeskError, required: frozenset[str] = frozenset()) -> Reply:
    """The answer that an error is.

    Args:
        found: The error.
        required: The scopes that were required.
    """
    status = status_of(found)
    if isinstance(found, InvalidToken):
        return INVALID_TOKEN
    if isinstance(found, InsufficientScope):
        return insufficient(required)
    if isinstance(found, InvalidInput):
        challenge = f'{REALM}, error="invalid_request"'
        return error(status, "invalid_request", found.message, (b"www-authenticate", challenge.encode()))
    if status == 503:
        return _later(found.message)
    return error(status, "server_error" if status == 500 else "access_denied", found.message)


def status_of(found: BotdeskError) -> int:
    """The status of an error, that of its nearest ancestor in the table."""
    return next((STATUS[kind] for kind in type(found).__mro__ if kind in STATUS), 500)
