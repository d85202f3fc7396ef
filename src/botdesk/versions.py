"""Two people, one account: whether what one saw is still so.

A version is the number of the newest event at the time of a look. What was changed since then makes it stale, and the
events after that number tell what it was and who did it.
"""

from collections.abc import Sequence
from typing import Final

from sqlalchemy import ColumnElement
from sqlmodel import and_, col, or_, select

from botdesk import audit, sentences, wording
from botdesk.access import Action
from botdesk.errors import Conflict, InvalidInput
from botdesk.store.tables import Account, Event, Outcome, Token
from botdesk.store.transaction import Transaction

MOST_TOLD: Final = 3
_UNDECIDED: Final = (Action.TOKEN_USED, Action.TOKEN_REFUSED, Action.TOKEN_REHASHED)
"""What happens to a token without anybody deciding about it."""


def current(tx: Transaction) -> int:
    """The version of everything that this transaction sees."""
    return audit.head(tx).sequence


def of_grants() -> ColumnElement[bool]:
    """The condition on events that they are about grants."""
    return col(Event.subject_kind) == "grant"


def of_token(token: Token) -> ColumnElement[bool]:
    """The condition on events that they are about what was decided for a token, or for a successor of it."""
    successor = col(Event.detail).contains(f'"predecessor":"{token.id}"', autoescape=True)
    own = or_(col(Event.subject_id) == token.id, successor)
    return and_(col(Event.subject_kind) == "token", own, col(Event.action).not_in(_UNDECIDED))


def of_decisions() -> ColumnElement[bool]:
    """The condition on events that somebody decided them: that they are no use of a token."""
    return col(Event.action).not_in(_UNDECIDED)


def refuse_stale(tx: Transaction, seen: int | None, account: Account, *others: ColumnElement[bool]) -> None:
    """Refuse to go on if the account was changed since the actor looked at it.

    Args:
        tx: The transaction.
        seen: The version that the actor saw; None does not ask.
        account: The account.
        others: Which events count besides those about the account itself.

    Raises:
        Conflict: It was changed; the message says what was changed and by whom.
        InvalidInput: There is no such version yet.
    """
    if seen is None:
        return
    look = f"look again: botdesk account show {account.name}"
    if not 0 <= seen <= current(tx):
        raise InvalidInput(f"{seen} is no version of this desk", hint=look)
    if seen < audit.archived(tx):
        raise Conflict(f"what was done to {account.name!r} since you looked is in an archive by now", hint=look)
    if told := news(tx, seen, account, *others):
        raise Conflict(f"{account.name!r} was changed since you looked: {told}", hint=look)


def news(tx: Transaction, seen: int, account: Account, *others: ColumnElement[bool], by_others: bool = False) -> str:
    """What was done to an account since a version, the last first, in words; empty when nothing.

    Args:
        tx: The transaction.
        seen: The version.
        account: The account.
        others: Which events count besides those about the account itself.
        by_others: Leave out what the actor did.
    """
    query = select(Event).where(
        col(Event.account_id) == account.id,
        col(Event.sequence) > seen,
        col(Event.outcome) == Outcome.DONE,
        or_(col(Event.subject_kind) == "account", *others),
        *([col(Event.actor_id) != tx.actor.id] if by_others else []),
    )
    return _told(tx.session.exec(query.order_by(col(Event.sequence).desc())).all())


def _told(changes: Sequence[Event]) -> str:
    told = [
        f"{sentences.event(change, audit.detail_of(change))} ({wording.when(change.at)})"
        for change in changes[:MOST_TOLD]
    ]
    more = len(changes) - len(told)
    return "; ".join(told) + (f"; and {wording.plural(more, 'change')} before" if more else "")
