"""Before an account is removed, and after: what would stop, and the way back within `RESTORABLE`."""

import contextlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlmodel import col, or_, select

from botdesk import accounts, audit, grants
from botdesk.access import Action, Level
from botdesk.errors import Conflict, NotFound
from botdesk.store.tables import Account, Event, Token
from botdesk.store.transaction import Transaction

RESTORABLE: Final = timedelta(days=30)
"""How long a removed account can be restored."""

RECENT: Final = timedelta(days=7)
"""How long after its last use a token is warned of."""


@dataclass(frozen=True, slots=True)
class Recent:
    """A token that was used lately: its id and label, when and from where."""

    token_id: str
    label: str
    last_used_at: datetime
    last_used_from: str


def recent(tx: Transaction, account_id: str) -> list[Recent]:
    """The tokens of an account that were used within `RECENT`, the latest first: what would stop with it.

    Raises:
        NotFound: There is no such account in reach.
    """
    account = accounts.find(tx, account_id)
    query = (
        select(Token)
        .where(Token.account_id == account.id, col(Token.last_used_at) > tx.now - RECENT)
        .order_by(col(Token.last_used_at).desc(), Token.id)
    )
    return [
        Recent(token.id, token.label, token.last_used_at, token.last_used_from or "somewhere")
        for token in tx.session.exec(query)
        if token.last_used_at
    ]


def restore(tx: Transaction, account: str, *, name: str | None = None) -> Account:
    """Take the removal of an account back: it has its access again, but no tokens, which stay revoked.

    Whoever removed it may do so, too, if the grants that they managed it by come back with it.

    Args:
        tx: The transaction.
        account: Its id, or its name, which the account of that name that was removed last has.
        name: Another name, when its own is taken meanwhile.

    Raises:
        AccessDenied: The actor may not manage it.
        Conflict: It is not removed, was so too long ago, or the name is taken.
        InvalidInput: The new name cannot be taken.
        NotFound: There is no such account in reach.
    """
    found = _removed(tx, account)
    if not _is_own(tx, found):
        audit.require(tx, Action.ACCOUNT_RESTORED, found)
    if found.removed_at is None:
        raise Conflict(f"{found.name!r} is not removed", hint="there is nothing to do")
    if why := too_late(found, tx.now):
        raise Conflict(why, hint="create a new account instead")
    removed_at, found.name = found.removed_at, accounts.free_name(tx, name or found.name)
    found.removed_at, found.modified_at = None, tx.now
    audit.record(tx, Action.ACCOUNT_RESTORED, found, account=found)
    _grant_again(tx, found, removed_at)
    audit.require(tx, Action.ACCOUNT_RESTORED, found)
    return found


def too_late(account: Account, now: datetime) -> str:
    """Why a removed account cannot be restored any more; empty when it can."""
    late = account.removed_at is not None and now - account.removed_at > RESTORABLE
    return f"{account.name!r} was removed more than {RESTORABLE.days} days ago" if late else ""


def _removed(tx: Transaction, name: str) -> Account:
    named = or_(col(Account.id) == name, (col(Account.name) == name) & col(Account.removed_at).is_not(None))
    query = select(Account).where(named).order_by(col(Account.removed_at).desc())
    named_so = tx.session.exec(query).all()
    found = [one for one in named_so if audit.may(tx, Action.ACCOUNT_VIEWED, one) or _is_own(tx, one)]
    if not found:
        if named_so:
            audit.deny(tx, Action.ACCOUNT_RESTORED, named_so[0])
        raise NotFound(
            f"there is no removed account {name[:40]!r}",
            hint="'botdesk account list --state removed' shows those there are",
        )
    return found[0]


def _is_own(tx: Transaction, account: Account) -> bool:
    """Whether it was the actor who removed the account."""
    removal = select(Event.actor_id).where(
        Event.account_id == account.id, Event.action == Action.ACCOUNT_REMOVED, Event.at == account.removed_at
    )
    return account.removed_at is not None and tx.session.exec(removal).first() == tx.actor.id


def _grant_again(tx: Transaction, account: Account, removed_at: datetime) -> None:
    """Give again what the removal withdrew, to those who are there still."""
    withdrawn = select(Event).where(
        Event.account_id == account.id, Event.action == Action.GRANT_WITHDRAWN, Event.at == removed_at
    )
    for event in tx.session.exec(withdrawn.order_by(col(Event.sequence))).all():
        told = audit.detail_of(event)
        kind, _, _ = str(told.get("grantee", "")).partition(" ")
        with contextlib.suppress(NotFound):
            grants.give_back(tx, account, f"{kind}:{told.get('grantee_id')}", Level(str(told.get("level"))))
