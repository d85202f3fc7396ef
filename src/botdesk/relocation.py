"""What is on its way to accounts from personal tokens, or came lately, as plain facts for advice and due dates."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from sqlmodel import and_, col, or_, select

from botdesk import uses
from botdesk.access import Action
from botdesk.stages import Facts
from botdesk.store.tables import Account, Migration, Person, Token
from botdesk.store.transaction import Transaction
from botdesk.underway import known

LATELY: Final = timedelta(days=8)
"""How long after the switch it matters from where the old token was used: a day longer than a source is new."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Moving:
    """An integration on its way from somebody's personal token to an account, or one that came lately.

    Attributes:
        id: The migration's id.
        what: What the integration is.
        owner: Whose personal token it leads away from.
        facts: What its stage follows from, but for what became of its new token.
        sources: From where the old token was used, while the switch is fresh.
    """

    id: str
    what: str
    owner: str
    facts: Facts
    sources: frozenset[str] = frozenset()


def of_accounts(tx: Transaction, accounts: Sequence[str]) -> Mapping[str, tuple[Moving, ...]]:
    """What moves to each of a few accounts, as far as the gate was let to take the old token; the first begun first.

    Args:
        tx: The transaction.
        accounts: The ids of the accounts.
    """
    going = and_(col(Migration.ended_at).is_(None), col(Migration.accept_until).is_not(None))
    query = (
        select(Migration, Account, Person.name, Token.first_used_at)
        .join(Account, col(Account.id) == Migration.account_id)
        .join(Person, col(Person.id) == Migration.owner_id)
        .outerjoin(Token, col(Token.id) == Migration.token_id)
        .where(col(Migration.account_id).in_(accounts), col(Migration.cancelled_at).is_(None))
        .where(or_(going, col(Token.first_used_at) > tx.now - LATELY))
        .order_by(col(Migration.started_at), Migration.id)
    )
    found: dict[str, tuple[Moving, ...]] = {}
    for row, account, owner, first_used_at in tx.session.exec(query).all():
        found[account.id] = (*found.get(account.id, ()), _moving(tx, row, account, owner, first_used_at))
    return found


def _moving(tx: Transaction, row: Migration, account: Account, owner: str, first_used_at: datetime | None) -> Moving:
    facts = replace(known(row), first_used_at=first_used_at)
    fresh = first_used_at is not None and first_used_at > tx.now - LATELY and row.last_used_at is not None
    used = uses.sources(tx, account, row.id, Action.PERSONAL_TOKEN_USED, since=row.started_at) if fresh else []
    sources = frozenset(source.address for source in used)
    return Moving(id=row.id, what=row.what, owner=owner, facts=facts, sources=sources)
