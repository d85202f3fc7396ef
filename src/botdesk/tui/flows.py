"""What the screens share: ask with a dialog, run the operation, say what happened.

Each flow runs in a worker of the screen that it is given; a flow that was left changes nothing.
"""

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING

from botdesk.errors import BotdeskError
from botdesk.tui.base import DeskScreen

if TYPE_CHECKING:
    from botdesk import accounts, tokens
    from botdesk.bearer import Secret
    from botdesk.handoff import Receipt, Target


async def create(screen: DeskScreen) -> "accounts.Account | None":
    """Create an account."""
    from botdesk import accounts
    from botdesk.tui.dialogs.forms import AccountDialog

    draft = await screen.app.push_screen_wait(AccountDialog())
    if draft is None:
        return None
    return await screen.act(
        accounts.create,
        draft.name,
        purpose=draft.purpose,
        description=draft.description,
        scopes=draft.scopes,
        rotation=draft.rotation,
    )


async def modify(screen: DeskScreen, account: "accounts.Account") -> None:
    """Modify an account."""
    from botdesk import accounts
    from botdesk.tui.dialogs.forms import AccountDialog

    draft = await screen.app.push_screen_wait(AccountDialog(account))
    if draft is None:
        return
    done = await screen.act(
        accounts.modify,
        account.id,
        name=draft.name,
        purpose=draft.purpose,
        description=draft.description,
        scopes=draft.scopes,
        rotation=draft.rotation,
    )
    if done is not None:
        screen.say(f"modified {done.name}")


async def switch(screen: DeskScreen, lines: "Sequence[accounts.Line]") -> None:
    """Disable the active ones, or enable the disabled ones when there is no active one."""
    from botdesk import accounts
    from botdesk.tui.dialogs.forms import DisableDialog

    active = [line.account for line in lines if line.state == "active"]
    disabled = [line.account for line in lines if line.state == "disabled"]
    if active:
        reason = await screen.app.push_screen_wait(DisableDialog([account.name for account in active]))
        if reason is None:
            return
        done = [await screen.act(accounts.disable, account.id, reason=reason) for account in active]
        _say_done(screen, "disabled", [account.name for account in done if account])
    elif disabled:
        done = [await screen.act(accounts.enable, account.id) for account in disabled]
        _say_done(screen, "enabled", [account.name for account in done if account])


def _say_done(screen: DeskScreen, verb: str, names: Sequence[str]) -> None:
    if names:
        screen.say(f"{verb} {names[0] if len(names) == 1 else f'{len(names)} accounts'}")


async def remove(screen: DeskScreen, line: "accounts.Line") -> bool:
    """Remove an account, once its name was typed."""
    from botdesk import accounts
    from botdesk.tui.dialogs.forms import RemoveDialog

    reason = await screen.app.push_screen_wait(RemoveDialog(line))
    if reason is None or await screen.act(accounts.remove, line.account.id, reason=reason) is None:
        return False
    screen.say(f"removed {line.account.name}; its history stays")
    return True


async def issue(screen: DeskScreen, account: "accounts.Account") -> None:
    """Issue a token and hand it over."""
    from botdesk import tokens
    from botdesk.tui.dialogs.forms import IssueDialog

    draft = await screen.app.push_screen_wait(IssueDialog(account))
    if draft is None:
        return
    issued = await screen.act(
        tokens.issue, account.id, draft.label, lifetime=draft.lifetime, never=draft.never, scopes=draft.scopes
    )
    if issued is not None:
        await hand_over(screen, issued)


async def rotate(screen: DeskScreen, line: "tokens.Line", account: "accounts.Account") -> None:
    """Rotate a token and hand the successor over."""
    from botdesk import tokens
    from botdesk.tui.dialogs.forms import RotateDialog

    draft = await screen.app.push_screen_wait(RotateDialog(line, account))
    if draft is None:
        return
    issued = await screen.act(
        tokens.rotate,
        line.token.id,
        overlap=draft.overlap,
        lifetime=draft.lifetime,
        never=draft.never,
        label=draft.label,
    )
    if issued is not None:
        await hand_over(screen, issued)


async def hand_over(screen: DeskScreen, issued: "tokens.Issued") -> None:
    """Hand a pending token's secret over, and revoke the token if nobody took it."""
    from botdesk import handoff, tokens
    from botdesk.tui.dialogs.handoff import HandoffDialog

    app, settings, token = screen.desk_app, screen.desk.settings, issued.token

    def give(secret: "Secret", target: "Target") -> "Receipt":
        def write(text: str) -> None:
            app.call_from_thread(app.write_terminal, text)

        receipt = handoff.give(secret, target, write=write, method=settings.clipboard)
        if receipt.clearing is not None:
            app.call_from_thread(app.clear_later, receipt.clearing, settings.clipboard_seconds)
        return receipt

    async def deliver(receipt: "Receipt") -> None:
        await asyncio.to_thread(screen.desk.run, tokens.deliver, token.id, to=receipt.target_words)
        app.poll_soon()

    way = handoff.clipboard_way(None, settings.clipboard)
    dialog = HandoffDialog(
        issued, give=give, deliver=deliver, clear=app.clear_now, seconds=settings.clipboard_seconds, way=way
    )
    del issued
    receipt = await app.push_screen_wait(dialog)
    if receipt is None:
        if await screen.act(tokens.abandon, token.id) is not None:
            screen.say(f"nobody has '{token.label}': it was revoked")
    else:
        screen.say(f"'{token.label}' {receipt.words}")


async def revoke(screen: DeskScreen, lines: "Sequence[tokens.Line]") -> None:
    """Revoke tokens, each in a transaction of its own."""
    from botdesk import tokens
    from botdesk.tui.dialogs.forms import RevokeDialog

    reason = await screen.app.push_screen_wait(RevokeDialog(lines))
    if reason is None:
        return
    done = [await screen.act(tokens.revoke, line.token.id, reason=reason) for line in lines]
    labels = [f"'{token.label}'" for token in done if token]
    if labels:
        screen.say(f"revoked {labels[0] if len(labels) == 1 else f'{len(labels)} tokens'}")


async def give_access(screen: DeskScreen, account: "accounts.Account", *, to: str = "") -> None:
    """Give a role or a person access to an account."""
    from botdesk import grants, people
    from botdesk.tui.dialogs.forms import GrantDialog

    try:
        roles = [line.role.name for line in await screen.ask(people.roles)]
        names = [line.person.name for line in await screen.ask(people.listed, disabled=False)]
    except BotdeskError as error:
        screen.refuse(error)
        return
    draft = await screen.app.push_screen_wait(GrantDialog(account.name, roles, names, value=to))
    if draft is None:
        return
    if await screen.act(grants.give, account.id, draft.grantee, draft.level) is not None:
        screen.say(f"{draft.grantee.replace(':', ' ')} may {draft.level} {account.name}")


async def withdraw_access(screen: DeskScreen, account_id: str, account: str, grantee: str) -> None:
    """Withdraw a grant, once confirmed."""
    from botdesk import grants
    from botdesk.tui.dialogs.confirm import Confirm

    named = grantee.replace(":", " ")
    text = f"Withdraw the access of {named} to {account}?"
    if not await screen.app.push_screen_wait(Confirm("Withdraw access", text)):
        return
    if await screen.act(grants.withdraw, account_id, grantee) is not None:
        screen.say(f"{named} has no grant on {account} any more")
