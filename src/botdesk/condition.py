"""The condition of accounts and their tokens, as plain facts: what advice and due dates follow from.

Read are only the tokens that matter: those that live or are pending, were used within `HISTORY`, or were refused
lately. Accounts come in pages by name, each page in a few statements, so that a desk of any size can be gone through.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any, Final

from sqlalchemy import ColumnElement, and_, or_, type_coerce
from sqlalchemy import select as select_columns
from sqlalchemy.orm import aliased
from sqlalchemy.types import NullType
from sqlmodel import col, select

from botdesk import relocation, seen, tokens, wording
from botdesk.relocation import Moving as Moving
from botdesk.seen import Seen
from botdesk.store import reach
from botdesk.store.tables import Account, Grant, Membership, Person, Role, Token, from_text, to_text
from botdesk.store.transaction import Transaction
from botdesk.tokens import TokenState

HISTORY: Final = timedelta(days=90)
"""How far back a use of a token matters."""

KNOCKS: Final = timedelta(days=7)
"""How far back a refusal of an ended token matters."""

SETTLING: Final = timedelta(days=7)
"""How long a token may be new before it is expected to be in use."""

PAGE: Final = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenFacts:
    """A token: what its row says, and when its successor took over.

    Attributes:
        id: The lookup id.
        label: What tells it from others.
        state: Its state.
        scopes: The scopes that it has, as far as its account has them.
        issued_at: When it was issued.
        delivered_at: When it was handed over.
        expires_at: When it ends by itself.
        revoked_at: When it was ended.
        rotated_at: When its successor was handed over.
        first_used_at: When it was used first.
        last_used_at: When it was used last.
        last_used_from: From where.
        last_refused_at: When it was refused last.
        last_refused_from: From where.
        last_refused_reason: Why.
        seen: What its uses were like.
    """

    id: str
    label: str
    state: TokenState
    scopes: frozenset[str]
    issued_at: datetime
    delivered_at: datetime | None = None
    expires_at: datetime | None = None
    revoked_at: datetime | None = None
    rotated_at: datetime | None = None
    first_used_at: datetime | None = None
    last_used_at: datetime | None = None
    last_used_from: str | None = None
    last_refused_at: datetime | None = None
    last_refused_from: str | None = None
    last_refused_reason: str | None = None
    seen: Seen = seen.NOTHING

    def in_use(self, now: datetime, *, within: timedelta) -> bool:
        """Whether it was used lately."""
        return self.last_used_at is not None and self.last_used_at > now - within

    def settling(self, now: datetime) -> bool:
        """Whether it is too new for its not being used to mean anything."""
        return self.first_used_at is None and (self.delivered_at or self.issued_at) > now - SETTLING

    def refused_last(self, now: datetime) -> str:
        """When and from where it was refused last, in words."""
        return f"{wording.ago(self.last_refused_at, now)} from {self.last_refused_from or 'somewhere'}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """An account: what its row says, whether somebody looks after it, and its tokens.

    Attributes:
        id: Its id.
        name: Its name.
        scopes: What its tokens may at most be allowed.
        scopes_since: Since when it has all of them.
        rotation: How long a token of it should live before it is rotated.
        disabled: Whether it is disabled.
        managed: Whether an active person can manage it; admins do not count.
        left: The names of disabled people who have a grant on it by name.
        tokens: Its tokens that matter, by label.
        moving: What moves to it, or did lately; the first begun first.
    """

    id: str
    name: str
    scopes: frozenset[str]
    scopes_since: datetime
    rotation: timedelta
    disabled: bool = False
    managed: bool = True
    left: tuple[str, ...] = ()
    tokens: tuple[TokenFacts, ...] = ()
    moving: tuple[Moving, ...] = ()

    def of_state(self, *states: TokenState) -> Iterator[TokenFacts]:
        """Its tokens in these states."""
        return (token for token in self.tokens if token.state in states)

    def served_since(self, at: datetime, scope: str | None = None) -> bool:
        """Whether a token was handed over since then that lives, and has a scope."""
        return any(
            token.delivered_at is not None and token.delivered_at > at and (scope is None or scope in token.scopes)
            for token in self.of_state(TokenState.ACTIVE)
        )

    def refused(self, now: datetime) -> Iterator[tuple[TokenFacts, datetime, str]]:
        """Its tokens that were refused lately: when last and why."""
        for token in self.tokens:
            if token.last_refused_at and token.last_refused_reason and token.last_refused_at > now - KNOCKS:
                yield token, token.last_refused_at, token.last_refused_reason


Place = tuple[str, str]
"""Where a page ends: the name and id of its last account."""


def every(tx: Transaction, accounts: Sequence[str] | None = None) -> Iterator[Condition]:
    """The condition of every account in the actor's reach, by name; removed ones are left out.

    Args:
        tx: The transaction.
        accounts: The ids of the only accounts that matter; all by default.
    """
    after: Place | None = None
    while True:
        found = page(tx, accounts, after=after)
        yield from found
        if len(found) < PAGE:
            return
        after = found[-1].name, found[-1].id


def page(
    tx: Transaction, accounts: Sequence[str] | None = None, *, after: Place | None = None, limit: int = PAGE
) -> list[Condition]:
    """The condition of the next accounts after a place, by name."""
    wanted: list[ColumnElement[bool]] = [reach.in_reach(tx.actor), col(Account.removed_at).is_(None)]
    if accounts is not None:
        wanted.append(col(Account.id).in_(accounts))
    if after is not None:
        name, identity = after
        wanted.append(or_(col(Account.name) > name, and_(col(Account.name) == name, col(Account.id) > identity)))
    managed = reach.managed().label("managed")
    query = select_columns(*_ACCOUNT, managed).where(*wanted).order_by(Account.name, Account.id).limit(limit)
    rows = tx.session.execute(query).all()
    ids = [row.id for row in rows]
    of_account, left, moving = _tokens(tx, ids), _left(tx, ids), relocation.of_accounts(tx, ids)
    return [_condition(row, of_account.get(row.id, []), left.get(row.id, ()), moving.get(row.id, ())) for row in rows]


def _condition(row: Any, rows: Iterable[Any], left: tuple[str, ...], moving: tuple[Moving, ...]) -> Condition:
    scopes = frozenset(row.scopes.split())
    facts = [_facts(token, scopes) for token in rows]
    return Condition(
        id=row.id,
        name=row.name,
        scopes=scopes,
        scopes_since=_read(row.scopes_added_at or row.created_at),
        rotation=timedelta(days=row.rotation_days),
        disabled=row.disabled_at is not None,
        managed=bool(row.managed),
        left=left,
        tokens=tuple(facts),
        moving=moving,
    )


def _stored(*columns: Any) -> list[Any]:
    """Columns as the store keeps them: turning text into a time is dear, and most times are compared by none."""
    return [type_coerce(column, NullType()).label(column.key) for column in columns]


_ACCOUNT: Final = _stored(
    Account.id, Account.name, Account.scopes, Account.scopes_added_at, Account.created_at,
    Account.rotation_days, Account.disabled_at,
)  # fmt: skip
_TOKEN: Final = _stored(
    Token.id, Token.account_id, Token.label, Token.scopes, Token.issued_at, Token.delivered_at, Token.expires_at,
    Token.revoked_at, Token.successor_id, Token.first_used_at, Token.last_used_at, Token.last_used_from,
    Token.last_refused_at, Token.last_refused_from, Token.last_refused_reason, Token.seen,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Dated:
    """What the state of a token follows from."""

    delivered_at: str | None
    expires_at: str | None
    revoked_at: str | None
    successor_id: str | None


def _tokens(tx: Transaction, accounts: Sequence[str]) -> dict[str, list[Any]]:
    successor = _successor()
    rotated = type_coerce(col(successor.delivered_at), NullType()).label("rotated_at")
    query = (
        select_columns(*_TOKEN, rotated)
        .join_from(Token, successor, col(successor.id) == Token.successor_id, isouter=True)
        .where(col(Token.account_id).in_(accounts), _matters(tx.now))
        .order_by(Token.label, Token.id)
    )
    now, found = to_text(tx.now), dict[str, list[Any]]()
    for row in tx.session.execute(query):
        state = tokens.state(_Dated(row.delivered_at, row.expires_at, row.revoked_at, row.successor_id), now)
        found.setdefault(row.account_id, []).append((row, state))
    return found


@cache
def _successor() -> type[Token]:
    """The table of tokens once more; naming all of its columns takes a millisecond."""
    return aliased(Token)


def _matters(now: datetime) -> ColumnElement[bool]:
    ends = col(Token.expires_at)
    return or_(
        and_(col(Token.revoked_at).is_(None), or_(ends.is_(None), ends > now)),
        col(Token.last_used_at) >= now - HISTORY,
        col(Token.last_refused_at) >= now - KNOCKS,
    )


def _facts(found: tuple[Any, TokenState], of_account: frozenset[str]) -> TokenFacts:
    row, state = found
    return TokenFacts(
        id=row.id,
        label=row.label,
        state=state,
        scopes=frozenset(row.scopes.split()) & of_account,
        issued_at=_read(row.issued_at),
        delivered_at=_maybe(row.delivered_at),
        expires_at=_maybe(row.expires_at),
        revoked_at=_maybe(row.revoked_at),
        rotated_at=_maybe(row.rotated_at),
        first_used_at=_maybe(row.first_used_at),
        last_used_at=_maybe(row.last_used_at),
        last_used_from=row.last_used_from,
        last_refused_at=_maybe(row.last_refused_at),
        last_refused_from=row.last_refused_from,
        last_refused_reason=row.last_refused_reason,
        seen=seen.read(row.seen),
    )


def _read(stored: str) -> datetime:
    """Read a stored instant the quick way; one of another form is refused."""
    return datetime.fromisoformat(stored) if _INSTANT.fullmatch(stored) else from_text(stored)


_INSTANT: Final = re.compile(r"\d{4}-[01]\d-[0-3]\dT[012]\d:[0-5]\d:[0-5]\d\.\d{6}Z")


def _maybe(stored: str | None) -> datetime | None:
    return None if stored is None else _read(stored)


def _left(tx: Transaction, accounts: Sequence[str]) -> Mapping[str, tuple[str, ...]]:
    query = (
        select(Grant.account_id, Person.name)
        .join(Person, col(Person.id) == Grant.person_id)
        .where(col(Person.disabled_at).is_not(None), col(Grant.account_id).in_(accounts))
        .order_by(Person.name)
    )
    found: dict[str, tuple[str, ...]] = {}
    for account, name in tx.session.exec(query):
        found[account] = (*found.get(account, ()), name)
    return found


def left_in_roles(tx: Transaction) -> list[tuple[str, str]]:
    """The roles that disabled people are in still: names of role and person; for those who see the whole desk."""
    if not reach.sees_everything(tx.actor):
        return []
    query = (
        select(Role.name, Person.name)
        .join(Membership, col(Membership.role_id) == Role.id)
        .join(Person, col(Person.id) == Membership.person_id)
        .where(col(Person.disabled_at).is_not(None))
        .order_by(Role.name, Person.name)
    )
    return list(tx.session.exec(query))
