"""A token has leaked: find it, say whose it is, and end it."""

import asyncio
from typing import TYPE_CHECKING

from botdesk import incident, tokens, wording
from botdesk.incident import Leaked, Traces
from botdesk.tui.dialogs.incident import EndDialog, EndDraft, FoundDialog, LeakDialog, LeakDraft, text_of

if TYPE_CHECKING:
    from botdesk.tui.app import BotdeskApp

Found = tuple[list[Leaked], Traces]


async def look(app: "BotdeskApp") -> None:
    """Ask for what has leaked, show what is in it, and revoke all of it once that is confirmed."""

    async def attempt(draft: LeakDraft) -> Found:
        return await asyncio.to_thread(_look, app, draft)

    answer = await app.fill_in(LeakDialog(confined=app.desk.settings.confined), attempt)
    if answer is None:
        return
    found, traces = answer
    if any(one.revocable for one in found):
        await _end(app, found, traces)
    else:
        await app.prompt(FoundDialog(found, traces, app.desk.clock()))


def _look(app: "BotdeskApp", draft: LeakDraft) -> Found:
    with text_of(draft) as text:
        key = app.desk.ask(tokens.mint_key)
        traces = incident.traced([("pasted", text)], key, lambda seen: app.desk.ask(incident.on_record, seen))
    return app.desk.ask(incident.leaked, traces), traces


async def _end(app: "BotdeskApp", found: list[Leaked], traces: Traces) -> None:
    async def attempt(draft: EndDraft) -> int:
        ids = incident.to_revoke(found, partial=draft.partial)
        batches = [ids[start : start + incident.BATCH] for start in range(0, len(ids), incident.BATCH)]
        return sum([await app.run_operation(incident.revoke, some, reason=draft.reason) for some in batches])

    done = await app.fill_in(EndDialog(found, traces, app.desk.clock()), attempt)
    if done == 0:
        app.say("nothing was revoked: what was seen in part was left as it is")
    elif done is not None:
        app.say(f"revoked {wording.plural(done, 'token')}: refused from the next request on")
