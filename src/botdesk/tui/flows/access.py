"""Give and withdraw access to accounts."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from botdesk import accounts, grants, people
from botdesk.errors import NotFound
from botdesk.tui.dialogs.access import GrantDialog, GrantDraft, PickDialog
from botdesk.tui.dialogs.confirm import Confirm

if TYPE_CHECKING:
    from botdesk.tui.app import BotdeskApp


async def give(app: "BotdeskApp", chosen: Sequence[accounts.Account], *, to: str = "") -> None:
    """Give a role or a person access to accounts."""
    roles = [line.role.name for line in await app.ask(people.roles)]
    names = [line.person.name for line in await app.ask(people.listed, disabled=False)]

    async def attempt(draft: GrantDraft) -> GrantDraft:
        for account in chosen:
            await app.run_operation(grants.give, account.id, draft.grantee, draft.level)
        return draft

    done = await app.fill_in(GrantDialog([account.name for account in chosen], roles, names, value=to), attempt)
    if done is not None:
        named = chosen[0].name if len(chosen) == 1 else f"{len(chosen)} accounts"
        app.say(f"{done.grantee.replace(':', ' ')} may {done.level} {named}")


async def withdraw(app: "BotdeskApp", account: accounts.Account, grantee: str = "") -> None:
    """Withdraw a grant, once confirmed; which one is asked when nobody said."""
    grantee = grantee or await _whose(app, account)
    if not grantee:
        return
    named = grantee.replace(":", " ")
    text = f"Withdraw the access of {named} to {account.name}?"
    if not await app.prompt(Confirm("Withdraw access", text)):
        return
    if await app.act(grants.withdraw, account.id, grantee) is not None:
        app.say(f"{named} has no grant on {account.name} any more")


async def _whose(app: "BotdeskApp", account: accounts.Account) -> str:
    given = [line.grantee for line in await app.ask(grants.listed, account.id)]
    if not given:
        raise NotFound(f"there is no grant on {account.name}", hint="the creator and admins keep access by rule")
    return await app.prompt(PickDialog(f"Withdraw whose access to {account.name}", given)) or ""
