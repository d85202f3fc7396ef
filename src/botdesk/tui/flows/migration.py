"""Take a migration off a personal token from step to step."""

from typing import TYPE_CHECKING

from botdesk import migration, stages
from botdesk.tui.dialogs.confirm import Confirm

if TYPE_CHECKING:
    from botdesk.tui.app import BotdeskApp

ELSEWHERE = "End it where it is from, too: botdesk refuses it, others may not."


async def revoke(app: "BotdeskApp", migration_id: str) -> None:
    """End the registered old token here, once confirmed; what speaks against it is told in the question."""
    line = await app.ask(migration.line, migration_id)
    text = f"{line.owner}'s token of '{line.migration.what}' is refused from the next request on. {ELSEWHERE}"
    early = stages.unready(line.facts, app.desk.clock())
    against = [f"too early? {early}"] if early else []
    if not await app.prompt(Confirm("End the old token?", text, against)):
        return
    if await app.act(migration.revoke, migration_id, anyway=bool(early)) is not None:
        app.say(f"{line.owner}'s token of '{line.migration.what}' is ended here")
