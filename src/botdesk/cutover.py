"""A rotation that runs: both tokens work, until the old one's overlap is over, or is ended, extended or undone."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlmodel import col, select

from botdesk import accounts, audit, tokens, uses, wording
from botdesk.access import Action
from botdesk.errors import Conflict
from botdesk.store import reach
from botdesk.store.tables import Account, Token
from botdesk.store.transaction import Transaction
from botdesk.tokens import TokenState
from botdesk.uses import Source

QUIET: Final = timedelta(hours=1)
"""For how long the old token has to be unused before its end is offered."""


@dataclass(frozen=True, slots=True)
class Cutover:
    """A rotation in its overlap.

    Attributes:
        account: The account's name.
        old: The token that was rotated.
        new: Its successor.
        began_at: When the successor was handed over.
        ends_at: When the old one ends by itself.
        new_first_seen: When the successor was first used.
        old_last_seen: When the old one was used last since the rotation.
        old_sources: From where the old one was used since the rotation, and how often.
        quiet: Nobody used the old one lately.
        ready: The successor is in use and the old one is quiet, so the old one can be ended.
        undoable: The successor was not rotated itself, so the rotation can be taken back.
    """

    account: str
    old: Token
    new: Token
    began_at: datetime
    ends_at: datetime
    new_first_seen: datetime | None
    old_last_seen: datetime | None
    old_sources: tuple[Source, ...]
    quiet: bool
    ready: bool
    undoable: bool

    @property
    def old_uses(self) -> int:
        """How often the old token was used since the rotation."""
        return sum(source.count for source in self.old_sources)


def listed(tx: Transaction, account: str | None = None) -> list[Cutover]:
    """The rotations in their overlap, of one account or of all in the actor's reach, the one that ends first first.

    Raises:
        NotFound: There is no such account in reach.
    """
    wanted = reach.in_reach(tx.actor) if account is None else col(Account.id) == accounts.find(tx, account).id
    query = (
        select(Token, Account)
        .join(Account, col(Account.id) == Token.account_id)
        .where(wanted, col(Token.successor_id).is_not(None), col(Token.revoked_at).is_(None))
        .where(col(Token.expires_at) > tx.now)
        .order_by(col(Token.expires_at), Token.id)
    )
    return [_view(tx, old, found) for old, found in tx.session.exec(query).all()]


def view(tx: Transaction, token_id: str) -> Cutover:
    """The rotation of a token, by the old one's id or its successor's.

    Raises:
        Conflict: No rotation of it runs.
        NotFound: There is no such token in reach.
    """
    return _view(tx, *_running(tx, token_id, Action.ACCOUNT_VIEWED))


def finish(tx: Transaction, token_id: str, *, anyway: bool = False) -> Token:
    """End the old token of a rotation now: it is refused from the next request on.

    Args:
        tx: The transaction.
        token_id: The old token's id or its successor's.
        anyway: Even if the successor was not seen yet, or the old one was used lately.

    Raises:
        AccessDenied: The actor may not operate the account.
        Conflict: No rotation of it runs, or it is not ready to be finished.
        NotFound: There is no such token in reach.
    """
    old, account = _running(tx, token_id, Action.TOKEN_RETIRED)
    found = _view(tx, old, account)
    if not (found.ready or anyway):
        raise Conflict(unready(found, tx.now), hint="wait, look where it is used, or end it anyway: --force")
    old.expires_at = tx.now
    audit.record(tx, Action.TOKEN_RETIRED, old, account=account, label=old.label, successor=old.successor_id)
    return old


def unready(found: Cutover, now: datetime) -> str:
    """Why a rotation should not be finished yet; empty when nothing speaks against it."""
    if found.new_first_seen is None:
        return f"the successor of {found.old.label!r} has not been used yet"
    if not found.quiet:
        where = found.old.last_used_from or "somewhere"
        return f"the token {found.old.label!r} was used {wording.ago(found.old_last_seen, now)} from {where}"
    return ""


def undo(tx: Transaction, token_id: str) -> Token:
    """Take a rotation back: the successor is revoked, the old token lives as long as it would have without it.

    Args:
        tx: The transaction.
        token_id: The old token's id or its successor's.

    Raises:
        AccessDenied: The actor may not operate the account.
        Conflict: No rotation of it runs, or the successor was rotated itself.
        NotFound: There is no such token in reach.
    """
    old, account = _running(tx, token_id, Action.TOKEN_REINSTATED)
    new = tx.session.get_one(Token, old.successor_id)
    if new.successor_id:
        raise Conflict(
            f"the successor of {old.label!r} was rotated itself", hint="undo that rotation first, if it still runs"
        )
    tokens.drop_leftovers(tx, account, new)
    if not new.revoked_at:
        tokens.end_now(tx, account, new, "its rotation was undone")
    old.successor_id, old.expires_at, old.prior_expires_at = None, old.prior_expires_at, None
    audit.record(tx, Action.TOKEN_REINSTATED, old, account=account, label=old.label, successor=new.id)
    return old


def _running(tx: Transaction, token_id: str, action: Action) -> tuple[Token, Account]:
    """Find the old token of a rotation that runs, by its id or its successor's."""
    token, account = tokens.find_for(tx, token_id, action)
    before = tx.session.get(Token, token.predecessor_id) if token.predecessor_id else None
    old = before if before is not None and before.successor_id == token.id else token
    if tokens.state(old, tx.now) is TokenState.RETIRING:
        return old, account
    if tokens.state(token, tx.now) is TokenState.RETIRING:
        return token, account
    raise Conflict(f"no rotation of {token.label!r} runs", hint="'botdesk token cutover' shows those that do")


def _view(tx: Transaction, old: Token, account: Account) -> Cutover:
    new = tx.session.get_one(Token, old.successor_id)
    began = new.delivered_at or new.issued_at
    ends = old.expires_at or tx.now
    last = old.last_used_at if old.last_used_at and old.last_used_at > began else None
    found = uses.sources(tx, account, old.id, Action.TOKEN_USED, since=began) if last else []
    quiet = last is None or tx.now - last >= QUIET
    return Cutover(
        account=account.name,
        old=old,
        new=new,
        began_at=began,
        ends_at=ends,
        new_first_seen=new.first_used_at,
        old_last_seen=last,
        old_sources=tuple(found),
        quiet=quiet,
        ready=quiet and new.first_used_at is not None,
        undoable=new.successor_id is None,
    )
