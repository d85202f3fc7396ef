"""`/introspect`: a service asks what a token is worth (RFC 7662)."""

import base64
import binascii
from typing import Any, Final
from urllib.parse import unquote_plus

from starlette.requests import Request

from botdesk.gate import reply
from botdesk.gate.door import Door
from botdesk.gate.form import token_in
from botdesk.gate.journal import Entry
from botdesk.gate.reply import Reply
from botdesk.gate.request import AUTHORIZATION, Lines, credentials, lines_of
from botdesk.verdict import Answer, Asked, Introspection, Refusal

SCOPE: Final = frozenset({"botdesk:introspect"})
"""What the token of an asking service needs."""

INACTIVE: Final = {"active": False}


async def introspect(door: Door, request: Request, entry: Entry) -> Reply:
    """Tell an authenticated service about a token: all of a live one, of any other that it is not active.

    Raises:
        BotdeskError: The request is malformed, or the store fails.
    """
    lines = lines_of(request.scope["headers"])
    presented = caller(lines)
    if presented is None:
        return reply.NO_CREDENTIALS
    asked = Asked(scopes=SCOPE, address=entry.address, method=entry.method, path=entry.endpoint)
    asking = await door.verifier.answer(presented, asked)
    entry.tell(asking)
    if asking.refusal is not None:
        return reply.insufficient(SCOPE) if asking.refusal is Refusal.SCOPE else reply.INVALID_TOKEN
    answer = await door.verifier.answer(await token_in(request), Asked(address=entry.address, by=asking.account))
    return reply.as_json(200, described(answer, door.issuer), (b"pragma", b"no-cache"))


def caller(lines: Lines) -> str | None:
    """The token that the asking service authenticates with.

    It comes as a bearer token, or as the password of a client that knows nothing but HTTP Basic (RFC 6749 §2.3.1); its
    user name is not looked at, since the token says whose it is.

    Raises:
        InvalidInput: There are two `Authorization` lines.
    """
    presented = credentials(lines)
    if presented is not None or AUTHORIZATION not in lines:
        return presented
    scheme, _, rest = lines[AUTHORIZATION][0].strip().partition(b" ")
    return _password(rest.strip()) if scheme.lower() == b"basic" else None


def _password(encoded: bytes) -> str:
    try:
        _, _, password = base64.b64decode(encoded, validate=True).partition(b":")
    except binascii.Error:
        return ""
    return unquote_plus(password.decode("latin-1"))


def described(answer: Answer, issuer: str) -> dict[str, Any]:
    """What is told of a token (RFC 7662 §2.2)."""
    told: Introspection = answer.introspection
    if answer.refusal is not None or not told.active:
        return dict(INACTIVE)
    members = {
        "active": True,
        "scope": told.scope,
        "client_id": told.client_id,
        "username": told.username,
        "token_type": told.token_type,
        "exp": told.exp,
        "iat": told.iat,
        "sub": told.sub,
        "iss": issuer,
        "jti": told.jti,
    }
    return {name: value for name, value in members.items() if value is not None}
