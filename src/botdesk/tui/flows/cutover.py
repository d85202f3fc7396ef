"""Finish a rotation, extend it, or take it back."""

from datetime import timedelta
from typing import TYPE_CHECKING

from botdesk import cutover, tokens, wording
from botdesk.cutover import Cutover
from botdesk.tui.dialogs.confirm import Confirm
from botdesk.tui.dialogs.token import ExtendDialog

if TYPE_CHECKING:
    from botdesk.tui.app import BotdeskApp


async def finish(app: "BotdeskApp", found: Cutover) -> str:
    """End the old token of a rotation, once confirmed; what was done, in words."""
    label = found.old.label
    text = f"The old token '{label}' of {found.account} is refused from the next request on."
    sure = await app.prompt(Confirm("Finish the rotation?", text))
    done = await app.act(cutover.finish, found.old.id) if sure else None
    return f"the old '{label}' has ended" if done is not None else ""


async def extend(app: "BotdeskApp", token: tokens.Token) -> None:
    """Let a token work longer."""

    async def attempt(by: timedelta) -> tokens.Token:
        return await app.run_operation(tokens.extend, token.id, by=by)

    done = await app.fill_in(ExtendDialog(token), attempt)
    if done is not None and done.expires_at is not None:
        app.say(f"'{token.label}' works until {wording.when(done.expires_at)}")


async def undo(app: "BotdeskApp", found: Cutover) -> str:
    """Take a rotation back, once confirmed; what was done, in words."""
    label = found.old.label
    seen = "It is in use: whoever has it is refused then. " if found.new_first_seen else ""
    text = f"The successor is revoked. {seen}The old token '{label}' goes on as before."
    sure = await app.prompt(Confirm("Undo the rotation?", text))
    done = await app.act(cutover.undo, found.old.id) if sure else None
    return f"'{label}' goes on as before its rotation" if done is not None else ""
