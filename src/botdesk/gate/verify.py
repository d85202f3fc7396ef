"""`/verify`: may this request pass? For nginx, Caddy, Traefik and Envoy, which ask before they let it through."""

import time
from collections.abc import Mapping
from typing import Any, Final

from botdesk.errors import BotdeskError
from botdesk.gate import reply
from botdesk.gate.door import Door
from botdesk.gate.journal import Entry
from botdesk.gate.reply import Reply
from botdesk.gate.request import Lines, Origin, credentials, lines_of, required_scopes
from botdesk.verdict import Asked, Refusal

PATH: Final = "/verify"
UNDER: Final = PATH + "/envoy/"
"""Under which Envoy asks, with the path of the request after it; anything else under `/verify` is not there, so that a
slash too many in a proxy's settings lets nothing through unasked."""


async def verify(door: Door, scope: Mapping[str, Any], entry: Entry) -> Reply:
    """Judge the presented token, and answer when that is on record.

    Args:
        door: What the gate works with.
        scope: The ASGI scope.
        entry: What the access log will say.
    """
    lines = lines_of(scope["headers"])
    origin = _origin(door, scope, lines)
    entry.address, entry.method, entry.path = origin.address, origin.method, origin.path
    required: frozenset[str] = frozenset()
    try:
        required = required_scopes(scope["query_string"] if scope["path"] == PATH else b"", lines)
        presented = credentials(lines)
        if presented is None:
            return reply.NO_CREDENTIALS
        asked = Asked(scopes=required, address=origin.address, method=origin.method, path=origin.path)
        answer = await door.verifier.answer(presented, asked)
    except BotdeskError as error:
        entry.reason = error.message
        return reply.of_error(error, required)
    entry.tell(answer)
    if answer.refusal is None:
        return reply.accepted(answer.introspection, time.time())
    return reply.insufficient(required) if answer.refusal is Refusal.SCOPE else reply.INVALID_TOKEN


def _origin(door: Door, scope: Mapping[str, Any], lines: Lines) -> Origin:
    """Where the request comes from; Envoy asks by its method and with its path after the prefix."""
    origin = door.proxies.origin(scope["client"], lines)
    path: str = scope["path"]
    if origin.trusted and path.startswith(UNDER):
        return Origin(origin.address, True, scope["method"], path.removeprefix(UNDER[:-1]))
    return origin
