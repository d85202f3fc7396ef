"""Take a migration off a personal token from step to step."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Final

from botdesk import accounts, migration, naming, people, recipes, scopes, stages, tokens, wording
from botdesk.bearer import Secret
from botdesk.errors import InvalidInput
from botdesk.tui import flows, moving
from botdesk.tui.dialogs.confirm import Confirm
from botdesk.tui.dialogs.migration import (
    AcceptDialog,
    AcceptDraft,
    EndedDialog,
    RegisterDialog,
    StartDialog,
    StartDraft,
)
from botdesk.tui.dialogs.token import IssueDialog, IssueDraft

if TYPE_CHECKING:
    from botdesk.desk import Transaction
    from botdesk.tui.app import BotdeskApp

ELSEWHERE: Final = "End it where it is from, too: botdesk refuses it, others may not."


async def start(app: "BotdeskApp") -> str:
    """Begin to move an integration; the migration's id, or nothing when the form was left."""
    actor = app.history.actor
    names = [line.person.name for line in await app.ask(people.listed)]

    async def attempt(draft: StartDraft) -> str:
        return await app.run_operation(_start, draft)

    async def what_if(draft: StartDraft) -> list[str]:
        return [await app.ask(_destined, draft)]

    dialog = StartDialog(names, owner=actor.name if actor else "")
    dialog.what_if = what_if
    return await app.fill_in(dialog, attempt) or ""


def _start(tx: "Transaction", draft: StartDraft) -> str:
    """Begin it, with an account that is there or one that is made, both or neither."""
    found = migration.destination(tx, draft.account)
    if found is not None and draft.scopes:
        raise InvalidInput(f"{found.name!r} is there and has its own scopes", hint="leave the scopes empty")
    to = found or accounts.create(
        tx, draft.account, purpose=naming.purpose(draft.platform), scopes=draft.scopes, description=draft.what
    )
    return migration.start(tx, to.id, draft.what, owner=draft.owner, place=draft.place, platform=draft.platform).id


def _destined(tx: "Transaction", draft: StartDraft) -> str:
    found = migration.destination(tx, draft.account)
    if found is None:
        return f"makes the account {draft.account}, with {draft.scopes or 'no scopes'}"
    return f"moves to {found.name}, which is there, with {found.scopes or 'no scopes'}"


async def go_on(app: "BotdeskApp", migration_id: str) -> None:
    """Do what comes next with a migration; where that is to wait or to be let, say so."""
    found = await app.ask(migration.view, migration_id)
    key, words = moving.coming(found, app.desk.clock())
    refusal = moving.refusal(found, moving.ACTIONS[key]) if key else ""
    if refusal or not key:
        app.say(refusal or words)
    else:
        await _WAYS[moving.ACTIONS[key]](app, found)


async def issue(app: "BotdeskApp", found: migration.View) -> None:
    """Issue the new token, with the least scopes unless others are typed, and hand it over by the recipe's target."""
    row = found.line.migration
    account = await app.ask(accounts.find, row.account_id)

    async def attempt(draft: IssueDraft) -> tokens.Issued:
        return await app.run_operation(
            flows.token.pending(app, migration.issue),
            row.id,
            label=draft.label,
            lifetime=draft.lifetime,
            never=draft.never,
            scopes=draft.scopes,
        )

    dialog = IssueDialog(account, label=row.what, least=scopes.format(found.scopes))
    issued = await app.fill_in(dialog, attempt)
    await flows.token.hand_over(app, issued, offer=recipes.recipe(row.platform, account.name, row.place).target)


async def register(app: "BotdeskApp", line: migration.Line) -> None:
    """Have the desk know the old token."""

    async def attempt(secret: Secret) -> migration.Migration:
        return await app.run_operation(migration.register, line.migration.id, secret)

    if await app.fill_in(RegisterDialog(line), attempt) is not None:
        app.say(f"registered: {line.owner}'s token is refused until a lets it count as {line.account}")


async def accept(app: "BotdeskApp", line: migration.Line) -> None:
    """Let the old token count as the account's until a date, or no longer."""

    async def attempt(draft: AcceptDraft) -> migration.Migration:
        if draft.until is None:
            return await app.run_operation(migration.close, line.migration.id)
        return await app.run_operation(migration.accept, line.migration.id, until=draft.until)

    done = await app.fill_in(AcceptDialog(line, app.desk.clock()), attempt)
    if done is not None:
        until = f"until {wording.when(done.accept_until)}" if done.accept_until else "no more"
        app.say(f"{line.owner}'s token counts as {line.account} {until}")


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


async def confirm(app: "BotdeskApp", line: migration.Line) -> None:
    """Take somebody's word that the old token was ended where it is from; what speaks against it is told."""
    early = stages.unready(line.facts, app.desk.clock())

    async def attempt(how: str) -> migration.Migration:
        return await app.run_operation(migration.confirm, line.migration.id, how=how, anyway=bool(early))

    if await app.fill_in(EndedDialog(line, early), attempt) is not None:
        app.say(f"confirmed: {line.owner}'s token of '{line.migration.what}' is ended")


async def rest(app: "BotdeskApp", line: migration.Line) -> None:
    """Pause a migration, or go on with a paused one."""
    what = line.migration.what
    if line.facts.paused_at is not None:
        if await app.act(migration.resume, line.migration.id) is not None:
            app.say(f"'{what}' goes on, and you run it")
    elif await app.act(migration.pause, line.migration.id) is not None:
        app.say(f"'{what}' rests; what is accepted is accepted until its date")


async def cancel(app: "BotdeskApp", line: migration.Line) -> None:
    """Give a migration up, once confirmed."""
    text = f"{line.account} and its tokens stay as they are; the desk forgets {line.owner}'s token, and refuses it."
    if not await app.prompt(Confirm(f"Give up the migration of '{line.migration.what}'?", text)):
        return
    if await app.act(migration.cancel, line.migration.id) is not None:
        app.say(f"gave up the migration of '{line.migration.what}'")


async def enable(app: "BotdeskApp", line: migration.Line) -> None:
    """Enable the account, so that it can have a token."""
    await flows.account.switch(app, await app.ask(accounts.line, line.migration.account_id))


_WAYS: Final[dict[str, Callable[["BotdeskApp", migration.View], Awaitable[None]]]] = {
    "issue": issue,
    "revoke": lambda app, found: revoke(app, found.line.migration.id),
    "confirm": lambda app, found: confirm(app, found.line),
    "rest": lambda app, found: rest(app, found.line),
    "enable": lambda app, found: enable(app, found.line),
    "cancel": lambda app, found: cancel(app, found.line),
}
