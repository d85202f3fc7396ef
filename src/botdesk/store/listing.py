"""The list of accounts as SQL: filter, facts, order and place."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import ColumnElement, ScalarSelect, String, and_, case, func, literal, literal_column, or_, type_coerce
from sqlmodel import col, select

from botdesk import wording
from botdesk.store import reach
from botdesk.store.tables import SEARCHED, Account, Purpose, Token
from botdesk.store.words import holds

PURPOSES: Final = {purpose: wording.PURPOSES[purpose] for purpose in Purpose}
"""What people call each purpose."""


class AccountState(StrEnum):
    """The state of an account, derived and never stored."""

    ACTIVE = "active"
    DISABLED = "disabled"
    REMOVED = "removed"


class Sort(StrEnum):
    """What a list of accounts is sorted by; equal ones by name."""

    NAME = "name"
    PURPOSE = "purpose"
    STATE = "state"
    LIVE = "live"
    EXPIRY = "expiry"
    USED = "used"
    CREATED = "created"


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """Which accounts are asked for.

    Attributes:
        text: Words that must all be somewhere in name, description, purpose, scopes or id.
        state: This state alone; None for all but removed ones.
        purpose: This purpose alone.
        removed: Removed ones too.
        orphaned: Only those that nobody active can manage, but for the admins.
    """

    text: str = ""
    state: AccountState | None = None
    purpose: Purpose | None = None
    removed: bool = False
    orphaned: bool = False


def beyond(key: Any, tie: Any, identity: Any, after: Any, *, descending: bool) -> list[ColumnElement[bool]]:
    """The condition that a row comes after the place `after`, three values as in the order of the list."""
    if after is None:
        return []

    def over(column: Any, value: Any) -> ColumnElement[bool]:
        found: ColumnElement[bool] = column < value if descending else column > value
        return found

    one, two, three = after
    return [or_(over(key, one), and_(key == one, or_(over(tie, two), and_(tie == two, over(identity, three)))))]


def wanted(filter: Filter) -> list[ColumnElement[bool]]:
    """The conditions on `Account` that a filter sets.

    For words all accounts are read from end to end, where the store has an index of what is searched, there: that is
    quicker by far than row by row in the order of another index.
    """
    removed: Any = _unindexed(Account.removed_at) if filter.text else col(Account.removed_at)
    disabled = col(Account.disabled_at)
    states: dict[AccountState | None, list[ColumnElement[bool]]] = {
        AccountState.ACTIVE: [removed.is_(None), disabled.is_(None)],
        AccountState.DISABLED: [removed.is_(None), disabled.is_not(None)],
        AccountState.REMOVED: [removed.is_not(None)],
        None: [] if filter.removed else [removed.is_(None)],
    }
    conditions = states[filter.state]
    if filter.purpose:
        conditions.append(col(Account.purpose) == filter.purpose)
    if filter.orphaned:
        conditions.append(~reach.managed())
    return conditions + [_says(word) for word in filter.text.split()]


def _says(word: str) -> ColumnElement[bool]:
    titles = [purpose for purpose, title in PURPOSES.items() if word.lower() in f"{purpose} {title}".lower()]
    purpose = type_coerce(col(Account.purpose), String).in_([*titles, ""])
    return or_(holds(_SEARCHED, word), purpose)


_SEARCHED: Final[ColumnElement[str]] = literal_column(" || ' ' || ".join(f"account.{name}" for name in SEARCHED))
"""As the index has it. A word has no blank in it, so it is found within one of the columns."""


def _live(now: datetime) -> ColumnElement[bool]:
    return and_(
        col(Token.account_id) == Account.id,
        col(Token.revoked_at).is_(None),
        col(Token.delivered_at).is_not(None),
        or_(col(Token.expires_at).is_(None), col(Token.expires_at) > now),
    )


def _of_live(now: datetime, value: Any) -> ScalarSelect[Any]:
    return select(value).where(_live(now)).correlate(Account).scalar_subquery()


def facts(now: datetime) -> list[Any]:
    """The columns `live`, `soonest` and `used` of an account at an instant."""
    used = select(func.max(Token.last_used_at)).where(Token.account_id == Account.id).correlate(Account)
    return [
        _of_live(now, func.count()).label("live"),
        _of_live(now, func.min(Token.expires_at)).label("soonest"),
        used.scalar_subquery().label("used"),
    ]


def sort_key(now: datetime, sort: Sort) -> ColumnElement[Any]:
    """The column that a list is sorted by at an instant; accounts without a value come last when ascending."""
    live, soonest, used = facts(now)
    last = literal("~")
    keys: dict[Sort, Any] = {
        Sort.NAME: col(Account.name),
        Sort.PURPOSE: col(Account.purpose),
        Sort.STATE: case(
            (col(Account.removed_at).is_not(None), 2), (col(Account.disabled_at).is_not(None), 1), else_=0
        ),
        Sort.LIVE: live.element,
        Sort.EXPIRY: func.coalesce(_text(soonest.element), last),
        Sort.USED: func.coalesce(_text(used.element), last),
        Sort.CREATED: _text(col(Account.created_at)),
    }
    key: ColumnElement[Any] = keys[sort]
    return key


def _unindexed(column: Any) -> Any:
    return type_coerce(col(column), String).concat("")


def _text(instant: Any) -> Any:
    return type_coerce(instant, String)
