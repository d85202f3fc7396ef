"""`/rotate`: a bot gets the successor of its own token, once, over a line that nobody else can read."""

from datetime import timedelta
from typing import Any

from starlette.requests import Request

from botdesk import handoff, renewal, wording
from botdesk.errors import InvalidInput
from botdesk.gate import reply
from botdesk.gate.door import Door
from botdesk.gate.form import fields_of
from botdesk.gate.journal import Entry
from botdesk.gate.reply import Reply
from botdesk.gate.request import credentials, lines_of
from botdesk.gate.whoami import written
from botdesk.tokens import DEFAULT_OVERLAP, Issued
from botdesk.verdict import Asked, Refusal


async def rotate(door: Door, request: Request, entry: Entry) -> Reply:
    """Issue the successor of the presented token, and answer with it; the old one works on for the overlap.

    Raises:
        BotdeskError: The request is malformed, the token cannot be rotated, or the store fails.
    """
    lines = lines_of(request.scope["headers"])
    if not door.proxies.private(request.scope, lines):
        entry.reason = "in the clear"
        return reply.error(403, "access_denied", "a successor is given over TLS or a Unix socket alone")
    presented = credentials(lines)
    if presented is None:
        return reply.NO_CREDENTIALS
    overlap = _overlap(await fields_of(request))
    asked = Asked(scopes=renewal.SCOPE, address=entry.address, method=entry.method, path=entry.endpoint)
    answer, issued = await door.verifier.rotate(presented, asked, overlap=overlap)
    entry.tell(answer)
    if issued is None:
        return reply.insufficient(renewal.SCOPE) if answer.refusal is Refusal.SCOPE else reply.INVALID_TOKEN
    entry.reason = "rotated"
    return reply.as_json(200, _told(issued), (b"pragma", b"no-cache"))


def _overlap(fields: list[tuple[str, str]]) -> timedelta:
    said = [value for name, value in fields if name == "overlap"]
    if len(said) > 1:
        raise InvalidInput("the form has several overlaps", hint="post overlap=24h")
    return wording.duration(said[0]) if said else DEFAULT_OVERLAP


def _told(issued: Issued) -> dict[str, Any]:
    """The answer, as an OAuth client reads it (RFC 6749 §5.1)."""
    token = issued.token
    told: dict[str, Any] = {
        "access_token": handoff.disclosed(issued.secret),
        "token_type": "Bearer",
        "token_id": token.id,
        "scope": token.scopes,
        "account": issued.account.name,
        "predecessor_id": token.predecessor_id,
    }
    if token.expires_at is not None:
        lifetime = token.expires_at - token.issued_at
        told |= {
            "expires_in": int(lifetime.total_seconds()),
            "expires_at": written(int(token.expires_at.timestamp())),
        }
    return told
