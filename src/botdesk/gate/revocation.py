"""`/revoke`: a bot ends the token that it holds (RFC 7009)."""

from starlette.requests import Request

from botdesk.gate.door import Door
from botdesk.gate.form import token_in
from botdesk.gate.journal import Entry
from botdesk.gate.reply import Reply
from botdesk.verdict import Asked


async def revoke(door: Door, request: Request, entry: Entry) -> Reply:
    """End a token: to hold it is to be allowed to end it. Whatever was posted, the answer is the same (§2.2).

    Raises:
        BotdeskError: The request is malformed, or the store fails and the token may live on.
    """
    asked = Asked(address=entry.address, method=entry.method, path=entry.endpoint)
    ended = await door.verifier.end(await token_in(request), asked)
    entry.reason = "ended" if ended else "not live"
    return Reply(200, [(b"content-length", b"0"), (b"cache-control", b"no-store")])
