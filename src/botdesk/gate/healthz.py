"""`/healthz`: whether the gate can do its work, for whoever starts and watches it."""

from starlette.requests import Request

from botdesk.gate import reply
from botdesk.gate.door import Door
from botdesk.gate.journal import Entry
from botdesk.gate.reply import Reply


async def healthz(door: Door, request: Request, entry: Entry) -> Reply:
    """Say `ok`, or answer 503 with what is wrong."""
    ailment = await door.health.ailment()
    if ailment is None:
        return reply.as_json(200, {"status": "ok"})
    entry.reason = ailment.message
    return reply.as_json(503, {"status": "failing", "reason": ailment.message, "hint": ailment.hint})
