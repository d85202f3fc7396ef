"""Create, modify, disable, enable and remove accounts."""

from typing import TYPE_CHECKING

from botdesk import accounts, removal, versions, wording
from botdesk.tui.dialogs.account import (
    AccountDialog,
    AccountDraft,
    DisableDialog,
    RemoveDialog,
    RestoreDialog,
    account_fields,
)
from botdesk.tui.dialogs.confirm import Confirm
from botdesk.tui.dialogs.form import Look

REMOVED = f"f shows it, u restores it for {removal.RESTORABLE.days} days"

if TYPE_CHECKING:
    from botdesk.desk import Transaction
    from botdesk.tui.app import BotdeskApp


async def create(app: "BotdeskApp") -> accounts.Account | None:
    """Create an account."""

    async def attempt(draft: AccountDraft) -> accounts.Account:
        return await app.run_operation(
            accounts.create,
            draft.name,
            purpose=draft.purpose,
            description=draft.description,
            scopes=draft.scopes,
            rotation=draft.rotation,
        )

    return await app.fill_in(AccountDialog(), attempt)


async def modify(app: "BotdeskApp", line: accounts.Line) -> None:
    """Modify an account as it was seen."""
    account, dialog = line.account, AccountDialog(line.account)

    async def attempt(draft: AccountDraft) -> accounts.Account:
        return await app.run_operation(
            accounts.modify,
            account.id,
            name=draft.name,
            purpose=draft.purpose,
            description=draft.description,
            scopes=draft.scopes,
            rotation=draft.rotation,
            seen=dialog.seen,
        )

    async def look(seen: int) -> Look:
        return await app.ask(_look, account.id, seen)

    done = await app.fill_in(dialog, attempt, seen=line.version, look=look)
    if done is not None:
        app.say(f"modified {done.name}")


def _look(tx: "Transaction", account_id: str, seen: int) -> Look:
    found = accounts.find(tx, account_id)
    return Look(versions.current(tx), versions.news(tx, seen, found), account_fields(found))


async def switch(app: "BotdeskApp", line: accounts.Line) -> None:
    """Disable an account, or enable it when it is disabled."""
    account = line.account
    if line.state == "disabled":
        works = "works" if line.live == 1 else "work"
        again = f"{wording.plural(line.live, 'live token')} of it {works} again at once."
        sure = await app.prompt(Confirm(f"Enable {account.name}?", again if line.live else "It has no live token."))
        if sure and await app.act(accounts.enable, account.id) is not None:
            app.say(f"enabled {account.name}")
        return
    reason = await app.prompt(DisableDialog(account.name))
    if reason is not None and await app.act(accounts.disable, account.id, reason=reason) is not None:
        app.say(f"disabled {account.name}")


async def remove(app: "BotdeskApp", line: accounts.Line) -> bool:
    """Remove an account, once its name was typed."""
    recent = await app.ask(removal.recent, line.account.id)
    reason = await app.prompt(RemoveDialog(line, recent, app.desk.clock()))
    if reason is None or await app.act(accounts.remove, line.account.id, reason=reason) is None:
        return False
    app.say(f"removed {line.account.name}; {REMOVED}")
    return True


async def restore(app: "BotdeskApp", line: accounts.Line) -> None:
    """Take the removal of an account back; under another name when its own is taken."""

    async def attempt(name: str) -> accounts.Account:
        return await app.run_operation(removal.restore, line.account.id, name=name)

    done = await app.fill_in(RestoreDialog(line.account, app.desk.clock()), attempt)
    if done is not None:
        app.say(f"restored {done.name}; i issues a token")
