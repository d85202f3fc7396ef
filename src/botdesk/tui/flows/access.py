"""Give and withdraw access to accounts."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from botdesk import accounts, facts, grants, people, roles, versions, whatif, wording
from botdesk.access import Level
from botdesk.errors import NotFound
from botdesk.tui.dialogs.access import GrantDialog, GrantDraft, PickDialog
from botdesk.tui.dialogs.confirm import Confirm
from botdesk.tui.dialogs.form import Look

if TYPE_CHECKING:
    from botdesk.desk import Transaction
    from botdesk.tui.app import BotdeskApp


UNCHANGED: Final = "nobody gains or loses by it"


async def give(app: "BotdeskApp", line: accounts.Line, *, to: str = "", level: Level = Level.OPERATE) -> None:
    """Give a role or a person access to an account as it was seen; whom and how much is chosen at first."""
    account, dialog = line.account, await _dialog(app, [line.account.id], line.account.name, to=to, level=level)

    async def attempt(draft: GrantDraft) -> GrantDraft:
        await app.run_operation(grants.give, account.id, draft.grantee, draft.level, seen=dialog.seen)
        return draft

    async def look(seen: int) -> Look:
        return await app.ask(_look, account.id, seen)

    done = await app.fill_in(dialog, attempt, seen=line.version, look=look)
    if done is not None:
        app.say(f"gave {done.grantee.replace(':', ' ')} {done.level} on {account.name}")


async def draft(app: "BotdeskApp", account_ids: Sequence[str]) -> GrantDraft | None:
    """Ask who is to get which access to several accounts; None when it was left."""
    return await app.prompt(await _dialog(app, account_ids, wording.plural(len(account_ids), "account")))


async def _dialog(
    app: "BotdeskApp", account_ids: Sequence[str], named: str, *, to: str = "", level: Level = Level.OPERATE
) -> GrantDialog:
    teams = [line.role.name for line in await app.ask(roles.listed)]
    names = [line.person.name for line in await app.ask(people.listed, disabled=False)]

    async def what_if(draft: GrantDraft) -> list[str]:
        return await app.ask(_given, account_ids, draft)

    dialog = GrantDialog(named, teams, names, to=to, level=level)
    dialog.what_if = what_if
    return dialog


def _is_given(tx: "Transaction", account_id: str, draft: GrantDraft) -> bool:
    return any((line.grantee, line.level) == (draft.grantee, draft.level) for line in grants.listed(tx, account_id))


def _look(tx: "Transaction", account_id: str, seen: int) -> Look:
    found = accounts.find(tx, account_id)
    return Look(versions.current(tx), versions.news(tx, seen, found, versions.of_grants()))


def _given(tx: "Transaction", account_ids: Sequence[str], draft: GrantDraft) -> list[str]:
    lacking = [account_id for account_id in account_ids if not _is_given(tx, account_id, draft)]
    found = [whatif.given(tx, account_id, draft.grantee, draft.level) for account_id in lacking or account_ids[:1]]
    return [line for difference in found for line in facts.told(difference)] or [UNCHANGED]


async def withdraw(app: "BotdeskApp", account: accounts.Account, line: grants.Line | None = None) -> None:
    """Withdraw a grant as it was seen, once confirmed; which one is asked when nobody said."""
    line = line or await _whose(app, account)
    if line is None:
        return
    grantee = line.grantee
    named = grantee.replace(":", " ")
    would = facts.told(await app.ask(whatif.withdrawn, account.id, grantee)) or [UNCHANGED]
    text = f"Withdraw the access of {named} to {account.name}?"
    if not await app.prompt(Confirm("Withdraw access", text, would)):
        return
    if await app.act(grants.withdraw, account.id, grantee, seen=line.version) is not None:
        app.say(f"{named} has no grant on {account.name} any more")


async def _whose(app: "BotdeskApp", account: accounts.Account) -> grants.Line | None:
    given = {line.grantee: line for line in await app.ask(grants.listed, account.id)}
    if not given:
        raise NotFound(f"there is no grant on {account.name}", hint="its owner and admins keep access by rule")
    if len(given) == 1:
        return next(iter(given.values()))
    picked = await app.prompt(PickDialog(f"Withdraw whose access to {account.name}", list(given)))
    return given[picked] if picked else None


async def hand_over(app: "BotdeskApp", account: accounts.Account) -> None:
    """Hand an account over to a person, who owns it then."""
    names = [line.person.name for line in await app.ask(people.listed, disabled=False)]

    async def attempt(person: str) -> str:
        await app.run_operation(grants.hand_over, account.id, person)
        return person

    async def what_if(person: str) -> list[str]:
        return facts.told(await app.ask(whatif.handed_over, account.id, person)) or [UNCHANGED]

    dialog = PickDialog(f"Hand {account.name} over to", names)
    dialog.what_if = what_if
    heir = await app.fill_in(dialog, attempt)
    if heir is not None:
        app.say(f"{account.name} is in the hands of {heir} now")
