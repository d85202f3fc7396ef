"""What the screens share: ask with a dialog, run the operation, say what happened.

Each flow runs in a worker of the program; a flow that was left changes nothing.
"""

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING

from botdesk.errors import BotdeskError

if TYPE_CHECKING:
    from botdesk import accounts, tokens
    from botdesk.bearer import Secret
    from botdesk.handoff import Receipt, Target
    from botdesk.tui.app import BotdeskApp


async def create(app: "BotdeskApp") -> "accounts.Account | None":
    """Create an account."""
    from botdesk import accounts
    from botdesk.tui.dialogs.forms import AccountDialog

    draft = await app.prompt(AccountDialog())
    if draft is None:
        return None
    return await app.act(
        accounts.create,
        draft.name,
        purpose=draft.purpose,
        description=draft.description,
        scopes=draft.scopes,
        rotation=draft.rotation,
    )


async def modify(app: "BotdeskApp", account: "accounts.Account") -> None:
    """Modify an account."""
    from botdesk import accounts
    from botdesk.tui.dialogs.forms import AccountDialog

    draft = await app.prompt(AccountDialog(account))
    if draft is None:
        return
    done = await app.act(
        accounts.modify,
        account.id,
        name=draft.name,
        purpose=draft.purpose,
        description=draft.description,
        scopes=draft.scopes,
        rotation=draft.rotation,
    )
    if done is not None:
        app.say(f"modified {done.name}")


async def switch(app: "BotdeskApp", lines: "Sequence[accounts.Line]") -> None:
    """Disable the active ones, or enable the disabled ones when there is no active one."""
    from botdesk import accounts
    from botdesk.tui.dialogs.forms import DisableDialog

    active = [line.account for line in lines if line.state == "active"]
    disabled = [line.account for line in lines if line.state == "disabled"]
    if active:
        reason = await app.prompt(DisableDialog([account.name for account in active]))
        if reason is None:
            return
        done = [await app.act(accounts.disable, account.id, reason=reason) for account in active]
        _say_done(app, "disabled", [account.name for account in done if account])
    elif disabled:
        done = [await app.act(accounts.enable, account.id) for account in disabled]
        _say_done(app, "enabled", [account.name for account in done if account])


def _say_done(app: "BotdeskApp", verb: str, names: Sequence[str]) -> None:
    if names:
        app.say(f"{verb} {names[0] if len(names) == 1 else f'{len(names)} accounts'}")


async def remove(app: "BotdeskApp", line: "accounts.Line") -> bool:
    """Remove an account, once its name was typed."""
    from botdesk import accounts
    from botdesk.tui.dialogs.forms import RemoveDialog

    reason = await app.prompt(RemoveDialog(line))
    if reason is None or await app.act(accounts.remove, line.account.id, reason=reason) is None:
        return False
    app.say(f"removed {line.account.name}; its history stays")
    return True


async def issue(app: "BotdeskApp", account: "accounts.Account") -> None:
    """Issue a token and hand it over."""
    from botdesk import tokens
    from botdesk.tui.dialogs.forms import IssueDialog

    draft = await app.prompt(IssueDialog(account))
    if draft is None:
        return
    issued = await app.act(
        tokens.issue, account.id, draft.label, lifetime=draft.lifetime, never=draft.never, scopes=draft.scopes
    )
    if issued is not None:
        await hand_over(app, issued)


async def rotate(app: "BotdeskApp", line: "tokens.Line", account: "accounts.Account") -> None:
    """Rotate a token and hand the successor over."""
    from botdesk import tokens
    from botdesk.tui.dialogs.forms import RotateDialog

    draft = await app.prompt(RotateDialog(line, account))
    if draft is None:
        return
    issued = await app.act(
        tokens.rotate,
        line.token.id,
        overlap=draft.overlap,
        lifetime=draft.lifetime,
        never=draft.never,
        label=draft.label,
    )
    if issued is not None:
        await hand_over(app, issued)


async def hand_over(app: "BotdeskApp", issued: "tokens.Issued") -> None:
    """Hand a pending token's secret over, and revoke the token if nobody took it."""
    from botdesk import handoff, tokens
    from botdesk.tui.dialogs.handoff import HandoffDialog

    settings, token = app.desk.settings, issued.token
    app.pending.add(token.id)

    def give(secret: "Secret", target: "Target") -> "Receipt":
        def write(text: str) -> None:
            app.call_from_thread(app.write_terminal, text)

        receipt = handoff.give(secret, target, write=write, method=settings.clipboard)
        if receipt.clearing is not None:
            app.call_from_thread(app.clear_later, receipt.clearing, settings.clipboard_seconds)
        return receipt

    async def deliver(receipt: "Receipt") -> None:
        await asyncio.to_thread(app.desk.run, tokens.deliver, token.id, to=receipt.target_words)
        app.pending.discard(token.id)
        app.poll_soon()

    way = handoff.clipboard_way(None, settings.clipboard)
    dialog = HandoffDialog(
        issued, give=give, deliver=deliver, clear=app.clear_now, seconds=settings.clipboard_seconds, way=way
    )
    del issued
    receipt = await app.prompt(dialog)
    if receipt is not None:
        app.say(f"'{token.label}' {receipt.words}")
    elif await app.act(tokens.abandon, token.id) is not None:
        app.pending.discard(token.id)
        app.say(f"nobody has '{token.label}': it was revoked")


async def revoke(app: "BotdeskApp", lines: "Sequence[tokens.Line]") -> None:
    """Revoke tokens, each in a transaction of its own."""
    from botdesk import tokens
    from botdesk.tui.dialogs.forms import RevokeDialog

    reason = await app.prompt(RevokeDialog(lines))
    if reason is None:
        return
    done = [await app.act(tokens.revoke, line.token.id, reason=reason) for line in lines]
    labels = [f"'{token.label}'" for token in done if token]
    if labels:
        app.say(f"revoked {labels[0] if len(labels) == 1 else f'{len(labels)} tokens'}")


async def give_access(app: "BotdeskApp", account: "accounts.Account", *, to: str = "") -> None:
    """Give a role or a person access to an account."""
    from botdesk import grants, people
    from botdesk.tui.dialogs.forms import GrantDialog

    try:
        roles = [line.role.name for line in await app.ask(people.roles)]
        names = [line.person.name for line in await app.ask(people.listed, disabled=False)]
    except BotdeskError as error:
        app.complain(error)
        return
    draft = await app.prompt(GrantDialog(account.name, roles, names, value=to))
    if draft is None:
        return
    if await app.act(grants.give, account.id, draft.grantee, draft.level) is not None:
        app.say(f"{draft.grantee.replace(':', ' ')} may {draft.level} {account.name}")


async def withdraw_access(app: "BotdeskApp", account_id: str, account: str, grantee: str) -> None:
    """Withdraw a grant, once confirmed."""
    from botdesk import grants
    from botdesk.tui.dialogs.confirm import Confirm

    named = grantee.replace(":", " ")
    text = f"Withdraw the access of {named} to {account}?"
    if not await app.prompt(Confirm("Withdraw access", text)):
        return
    if await app.act(grants.withdraw, account_id, grantee) is not None:
        app.say(f"{named} has no grant on {account} any more")
