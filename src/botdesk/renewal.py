"""A service account rotates its own token: its successor comes once, in answer to the old one."""

from datetime import timedelta
from typing import Final

from botdesk import cutover, tokens
from botdesk.access import Actor, ActorKind
from botdesk.store.tables import Account, Token
from botdesk.store.transaction import Transaction
from botdesk.tokens import DEFAULT_OVERLAP, Issued

SCOPE: Final = frozenset({"botdesk:rotate"})
"""What a token needs to be rotated by its holder."""


def rotate(tx: Transaction, token_id: str, *, overlap: timedelta = DEFAULT_OVERLAP) -> Issued:
    """Issue and hand over the successor of a token whose holder asks; recorded as done by the service account.

    If the answer with the successor was lost, the holder asks again: a successor of its own asking that was never used
    is ended, and another one takes its place.

    Args:
        tx: A transaction of the system; it goes on as the account.
        token_id: The lookup id of a token that was proved, and has `SCOPE`.
        overlap: How long the old one works on.

    Raises:
        Conflict: It does not live, or a successor is in use or was issued by a person.
        InvalidInput: The overlap is out of range.
    """
    token = tx.session.get_one(Token, token_id)
    account = tx.session.get_one(Account, token.account_id)
    tx.actor = Actor(ActorKind.ACCOUNT, account.id, account.name, active=account.disabled_at is None)
    if _was_lost(tx, token, account):
        cutover.undo(tx, token.id)
    issued = tokens.rotate(tx, token.id, overlap=overlap)
    tokens.deliver(tx, issued.token.id, to="the account itself, who asked")
    return issued


def _was_lost(tx: Transaction, token: Token, account: Account) -> bool:
    successor = tx.session.get(Token, token.successor_id) if token.successor_id else None
    return (
        successor is not None
        and successor.issued_by == account.id
        and successor.first_used_at is None
        and tokens.state(successor, tx.now) in tokens.LIVE
        and tokens.state(token, tx.now) in tokens.LIVE
    )
