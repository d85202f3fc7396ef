"""Issue, rotate and revoke tokens, and hand their secrets over."""

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Concatenate, ParamSpec

from botdesk import accounts, handoff, tokens, uses, versions
from botdesk.bearer import Secret
from botdesk.errors import AccessDenied
from botdesk.handoff import Receipt, Target
from botdesk.tui.dialogs.advice import UsesDialog
from botdesk.tui.dialogs.form import Look
from botdesk.tui.dialogs.handoff import HandoffDialog
from botdesk.tui.dialogs.token import (
    IssueDialog,
    IssueDraft,
    RevokeDialog,
    RotateDialog,
    RotateDraft,
    rotation_fields,
)

if TYPE_CHECKING:
    from botdesk.desk import Transaction
    from botdesk.tui.app import BotdeskApp

P = ParamSpec("P")


async def issue(app: "BotdeskApp", account: accounts.Account) -> None:
    """Issue a token and hand it over."""

    async def attempt(draft: IssueDraft) -> tokens.Issued:
        return await app.run_operation(
            pending(app, tokens.issue),
            account.id,
            draft.label,
            lifetime=draft.lifetime,
            never=draft.never,
            scopes=draft.scopes,
        )

    await hand_over(app, await app.fill_in(IssueDialog(account), attempt))


async def rotate(app: "BotdeskApp", line: tokens.Line, account: accounts.Account) -> None:
    """Rotate a token as it was seen, and hand the successor over."""
    dialog = RotateDialog(line, account)

    async def attempt(draft: RotateDraft) -> tokens.Issued:
        return await app.run_operation(
            pending(app, tokens.rotate),
            line.token.id,
            overlap=draft.overlap,
            lifetime=draft.lifetime,
            never=draft.never,
            label=draft.label,
            seen=dialog.seen,
        )

    async def look(seen: int) -> Look:
        return await app.ask(_look, line.token.id, seen)

    await hand_over(app, await app.fill_in(dialog, attempt, seen=line.version, look=look))


def _look(tx: "Transaction", token_id: str, seen: int) -> Look:
    found = tokens.line(tx, token_id)
    account = accounts.find(tx, found.token.account_id)
    news = versions.news(tx, seen, account, versions.of_token(found.token))
    return Look(found.version, news, rotation_fields(found, account))


def pending(
    app: "BotdeskApp", operation: "Callable[Concatenate[Transaction, P], tokens.Issued]"
) -> "Callable[Concatenate[Transaction, P], tokens.Issued]":
    """Note what is issued before it is saved: the program may be left while it is, and revokes it then."""

    def issued(tx: "Transaction", /, *args: P.args, **kwargs: P.kwargs) -> tokens.Issued:
        made = operation(tx, *args, **kwargs)
        app.pending.add(made.token.id)
        return made

    return issued


async def hand_over(app: "BotdeskApp", issued: tokens.Issued | None, *, offer: str = "") -> None:
    """Hand a pending token's secret over, and revoke the token if nobody took it; `offer` is a target that suits it.

    Nobody but the dialog holds the secret while it is open.
    """
    if issued is None:
        return
    token, dialog = issued.token, _dialog(app, issued, offer)
    del issued
    receipt = await app.prompt(dialog)
    if receipt is not None:
        app.say(f"'{token.label}' {receipt.words}")
    elif await app.act(tokens.abandon, token.id) is not None:
        app.pending.discard(token.id)
        app.say(f"nobody has '{token.label}': it was revoked")


def _dialog(app: "BotdeskApp", issued: tokens.Issued, offer: str) -> HandoffDialog:
    settings, token_id = app.desk.settings, issued.token.id

    def give(secret: Secret, target: Target) -> Receipt:
        if settings.confined and not isinstance(target, handoff.Clipboard):
            raise AccessDenied("over ssh a secret goes to the clipboard alone", hint="choose the clipboard")

        def write(text: str) -> None:
            app.call_from_thread(app.write_terminal, text)

        receipt = handoff.give(secret, target, write=write, method=settings.clipboard)
        if receipt.clearing is not None:
            app.call_from_thread(app.clear_later, receipt.clearing, settings.clipboard_seconds)
        return receipt

    async def deliver(receipt: Receipt) -> None:
        await asyncio.to_thread(app.desk.run, tokens.deliver, token_id, to=receipt.target_words)
        app.pending.discard(token_id)
        app.poll_soon()

    way = handoff.clipboard_way(None, settings.clipboard)
    return HandoffDialog(
        issued,
        give=give,
        deliver=deliver,
        clear=app.clear_now,
        seconds=settings.clipboard_seconds,
        way=way,
        confined=settings.confined,
        clock=app.clock,
        offer=offer,
    )


async def show_uses(app: "BotdeskApp", token_id: str, label: str) -> None:
    """Show from where a token was presented."""
    found = await app.ask(uses.of_token, token_id)
    await app.push_screen(UsesDialog(label, found, app.desk.clock()))


async def revoke(app: "BotdeskApp", line: tokens.Line) -> None:
    """Revoke a token."""
    followed = line.token.predecessor_id
    before = await app.ask(tokens.line, followed) if followed else None
    retiring = before if before is not None and before.state == "retiring" else None
    reason = await app.prompt(RevokeDialog(line, retiring, app.desk.clock()))
    if reason is not None and await app.act(tokens.revoke, line.token.id, reason=reason) is not None:
        app.say(f"revoked '{line.token.label}'")
