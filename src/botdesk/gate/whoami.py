"""`/whoami`: a bot asks who it is, what it may do, and until when."""

import time
from datetime import UTC, datetime
from typing import Any

from starlette.requests import Request

from botdesk.gate import reply
from botdesk.gate.door import Door
from botdesk.gate.journal import Entry
from botdesk.gate.reply import Reply
from botdesk.gate.request import credentials, lines_of
from botdesk.verdict import Asked, Introspection

DAY_SECONDS = 86_400


async def whoami(door: Door, request: Request, entry: Entry) -> Reply:
    """Tell the holder of a live token about itself; it is recorded as a use.

    Raises:
        BotdeskError: The request is malformed, or the store fails.
    """
    presented = credentials(lines_of(request.scope["headers"]))
    if presented is None:
        return reply.NO_CREDENTIALS
    answer = await door.verifier.answer(
        presented, Asked(address=entry.address, method=entry.method, path=entry.endpoint)
    )
    entry.tell(answer)
    if answer.refusal is not None:
        return reply.INVALID_TOKEN
    now = time.time()
    return reply.as_json(200, described(answer.introspection, now), *reply.sunset(answer.introspection, now))


def described(told: Introspection, now: float) -> dict[str, Any]:
    """What is told of a live token to its holder; `expires_at` and `days_left` are null when it never expires."""
    return {
        "account": told.username,
        "account_id": told.client_id,
        "token_id": told.jti,
        "scopes": told.scope.split(),
        "issued_at": written(told.iat),
        "expires_at": written(told.exp),
        "days_left": None if told.exp is None else max(0, int(told.exp - now) // DAY_SECONDS),
    }


def written(at: int | None) -> str | None:
    """Write seconds since 1970 as ISO 8601 in UTC."""
    return None if at is None else datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
