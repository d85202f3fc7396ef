"""The forms that `/introspect`, `/revoke` and `/rotate` take (RFC 7662 §2.1, RFC 7009 §2.1)."""

import asyncio
from typing import Final
from urllib.parse import parse_qsl

from starlette.exceptions import HTTPException
from starlette.requests import Request

from botdesk.errors import InvalidInput

MOST_BYTES: Final = 8 * 1024
MOST_FIELDS: Final = 64
LONGEST_SECONDS: Final = 10
TYPE: Final = "application/x-www-form-urlencoded"


async def token_in(request: Request) -> str:
    """The `token` of a posted form.

    Raises:
        HTTPException: The body is too large, or does not come.
        InvalidInput: It is no such form, or has no token, or several (RFC 6749 §3.2).
    """
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != TYPE:
        raise InvalidInput("the body is no form", hint=f"post {TYPE}")
    tokens = [value for name, value in _fields(await _body(request)) if name == "token"]
    if len(tokens) != 1 or not tokens[0]:
        raise InvalidInput("the form has no 'token', or several", hint="post token=…")
    return tokens[0]


async def fields_of(request: Request) -> list[tuple[str, str]]:
    """The fields of a posted form; none when there is no body.

    Raises:
        HTTPException: The body is too large, or does not come.
        InvalidInput: It is no such form.
    """
    body = await _body(request)
    if body and request.headers.get("content-type", "").partition(";")[0].strip().lower() != TYPE:
        raise InvalidInput("the body is no form", hint=f"post {TYPE}")
    return _fields(body)


def _fields(body: bytes) -> list[tuple[str, str]]:
    try:
        return parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=MOST_FIELDS, errors="strict")
    except ValueError:
        raise InvalidInput("the form cannot be read", hint="url-encode it as UTF-8") from None


async def _body(request: Request) -> bytes:
    body = b""
    try:
        async with asyncio.timeout(LONGEST_SECONDS):
            async for piece in request.stream():
                body += piece
                if len(body) > MOST_BYTES:
                    raise HTTPException(413, "the body is too large")
    except TimeoutError:
        raise HTTPException(408, "the body did not come") from None
    return body
