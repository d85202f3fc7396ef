"""What is due: tokens that expire, should be rotated or are to be off soon, told to those who manage their accounts."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from sqlmodel import col, select

from botdesk import accounts, condition, endings, grants
from botdesk.condition import Condition
from botdesk.store.tables import Account
from botdesk.store.transaction import Transaction
from botdesk.tokens import TokenState


class What(StrEnum):
    """What happens to a token at an instant."""

    EXPIRES = "expires"
    ROTATION = "rotation"
    PERSONAL = "personal"


@dataclass(frozen=True, slots=True)
class Due:
    """A token that expires or should be rotated, or somebody's personal one that is accepted no longer then.

    Attributes:
        account_id: The account's id.
        account: The account's name.
        token_id: The token's lookup id; of a personal token the id of its migration.
        label: What tells it from others.
        what: `expires`, `rotation` by the account's period, or `personal`.
        at: When.
        managers: Who can manage the account: names of people and roles.
    """

    account_id: str
    account: str
    token_id: str
    label: str
    what: What
    at: datetime
    managers: tuple[str, ...] = ()


def listed(tx: Transaction, *, within: timedelta, account: str | None = None, manager: str | None = None) -> list[Due]:
    """What is due within a time from now, or overdue, in the actor's reach; the first first.

    A token in its overlap is not listed: it was rotated. A token is listed once, for what comes first.

    Args:
        tx: The transaction.
        within: How far ahead to look.
        account: The only account that matters, by name or id.
        manager: Only what this person or role can manage, by name.

    Raises:
        NotFound: There is no such account in reach.
    """
    only = None if account is None else [accounts.find(tx, account).id]
    found = [due for one in condition.every(tx, only) for due in _of(one, tx.now + within)]
    managers = _managers(tx, sorted({due.account_id for due in found}))
    addressed = (replace(due, managers=managers.get(due.account_id, ())) for due in found)
    chosen = [due for due in addressed if manager is None or manager in due.managers]
    return sorted(chosen, key=lambda due: (due.at, due.account, due.token_id))


def _of(account: Condition, until: datetime) -> Iterator[Due]:
    for token in account.of_state(TokenState.ACTIVE):
        rotation = endings.rotation_due(account, token)
        what, at = (What.EXPIRES, token.expires_at) if rotation is None else (What.ROTATION, rotation)
        if at is not None and at <= until:
            yield Due(account.id, account.name, token.id, token.label, what, at)
    for moving in account.moving:
        ends = moving.facts.accept_until
        if ends is not None and ends <= until and moving.facts.ended_at is None:
            told = f"{moving.owner}'s token of {moving.what}"
            yield Due(account.id, account.name, moving.id, told, What.PERSONAL, ends)


def _managers(tx: Transaction, ids: list[str]) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for start in range(0, len(ids), condition.PAGE):
        part = select(Account).where(col(Account.id).in_(ids[start : start + condition.PAGE]))
        found |= grants.managers(tx, tx.session.exec(part).all())
    return found
