"""What the recorded uses of an account's tokens tell: from where, how often, and what would have been refused."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import func
from sqlmodel import col, select

from botdesk import accounts, audit, grants, scopes, tokens, wording
from botdesk.access import Action, Level
from botdesk.store import reach, span
from botdesk.store.tables import Account, Event, Token
from botdesk.store.transaction import Transaction
from botdesk.verdict import Refusal

LOOKED_BACK: Final = timedelta(days=90)
"""How far back uses are looked at by default."""

ENDED: Final = (Refusal.REVOKED.value, Refusal.RETIRED.value, Refusal.REMOVED.value)
"""Why a token is refused that somebody ended: whoever presents it should not have it any more."""


@dataclass(frozen=True, slots=True)
class Source:
    """Where a token was presented from: how often, and when last."""

    address: str
    count: int
    last_at: datetime


@dataclass(frozen=True, slots=True)
class Knock:
    """A token of a disabled account that is still presented, and from where."""

    token_id: str
    label: str
    source: Source


@dataclass(frozen=True, slots=True)
class Reuse:
    """An ended token that was presented again.

    Attributes:
        account_id: Its account's id.
        account: Its account's name.
        token_id: Its lookup id.
        label: What told it from others.
        reason: Why it was refused: `revoked`, `retired` or `removed`.
        source: From where last, and when.
    """

    account_id: str
    account: str
    token_id: str
    label: str
    reason: str
    source: Source


@dataclass(frozen=True, slots=True)
class DryRun:
    """What would have been refused if an account had had fewer scopes.

    Attributes:
        dropped: The scopes that it would lose.
        refused: How many of the uses would have been refused.
        uses: How many uses there were.
        since: What was looked at begins here.
        days: How many days that is, in whole ones.
        by_scope: How many uses needed each dropped scope.
    """

    dropped: frozenset[str]
    refused: int
    uses: int
    since: datetime
    days: int
    by_scope: dict[str, int]

    @property
    def words(self) -> str:
        """The same in a sentence."""
        span = wording.plural(self.days, "day")
        return (
            f"dropping {scopes.format(self.dropped)} would have refused {self.refused:,} of"
            f" {wording.plural(self.uses, 'use')} in {span}"
        )


@dataclass(frozen=True, slots=True)
class _Group:
    source: str
    detail: dict[str, Any]
    count: int
    last_at: datetime


def sources(tx: Transaction, account: Account, token_id: str, action: Action, *, since: datetime) -> list[Source]:
    """Where a token was presented from since an instant, the most often first.

    Args:
        tx: The transaction.
        account: The token's account, in the actor's reach.
        token_id: The token's lookup id.
        action: `token:used` or `token:refused`.
        since: Not before this instant.
    """
    found: dict[str, Source] = {}
    for group in _groups(tx, account.id, action, since, token_id):
        before = found.get(group.source, Source(group.source, 0, group.last_at))
        last_at = max(before.last_at, group.last_at)
        found[group.source] = Source(group.source, before.count + group.count, last_at)
    return sorted(found.values(), key=lambda source: (-source.count, source.address))


def scopes_asked(
    tx: Transaction, account: Account, subject_id: str, action: Action, *, since: datetime
) -> frozenset[str]:
    """The scopes that the recorded uses of one token asked for since an instant.

    Args:
        tx: The transaction.
        account: The token's account, in the actor's reach.
        subject_id: The token's lookup id, or the id of the migration from a personal token.
        action: What is on record.
        since: Not before this instant.
    """
    groups = _groups(tx, account.id, action, since, subject_id)
    return frozenset(scope for group in groups for scope in str(group.detail.get("scopes", "")).split())


def of_token(tx: Transaction, token_id: str, *, within: timedelta = LOOKED_BACK) -> dict[Action, list[Source]]:
    """Where a token was presented from, the most often first: where it was accepted, and where it was refused.

    Args:
        tx: The transaction.
        token_id: The token's lookup id.
        within: How far back to look.

    Raises:
        NotFound: There is no such token in reach.
    """
    token, account = tokens.find_for(tx, token_id, Action.ACCOUNT_VIEWED)
    since = tx.now - within
    return {
        action: sources(tx, account, token.id, action, since=since)
        for action in (Action.TOKEN_USED, Action.TOKEN_REFUSED)
    }


def knocks(tx: Transaction, account_id: str) -> list[Knock]:
    """Who still presents the tokens of a disabled account, since it is disabled, the latest first.

    Raises:
        NotFound: There is no such account in reach.
    """
    account = accounts.find(tx, account_id)
    since = account.disabled_at
    if since is None:
        return []
    query = select(Token).where(Token.account_id == account.id, col(Token.last_refused_at) >= since)
    found = [
        Knock(token.id, token.label, source)
        for token in tx.session.exec(query).all()
        for source in sources(tx, account, token.id, Action.TOKEN_REFUSED, since=since)
    ]
    return sorted(found, key=lambda knock: (-knock.source.last_at.timestamp(), knock.token_id, knock.source.address))


def reused(tx: Transaction, *, since: datetime, most: int = 100) -> list[Reuse]:
    """The ended tokens that were presented since an instant, of accounts the actor can manage, the latest first.

    Args:
        tx: The transaction.
        since: Not before this instant.
        most: How many tokens are looked at, at the most.
    """
    query = (
        select(Token, Account)
        .join(Account, col(Account.id) == Token.account_id)
        .where(reach.in_reach(tx.actor), col(Token.last_refused_at) >= since)
        .where(col(Token.last_refused_reason).in_(ENDED))
        .order_by(col(Token.last_refused_at).desc(), Token.id)
        .limit(most)
    )
    return [
        Reuse(
            account.id,
            account.name,
            token.id,
            token.label,
            str(token.last_refused_reason),
            Source(token.last_refused_from or "somewhere", 1, at),
        )
        for token, account in tx.session.exec(query).all()
        if (at := token.last_refused_at) and grants.effective_level(tx, account) is Level.MANAGE
    ]


def without(tx: Transaction, account_id: str, dropped: Iterable[str], *, within: timedelta = LOOKED_BACK) -> DryRun:
    """Tell what would have been refused if the account had been without these scopes; nothing is changed.

    Args:
        tx: The transaction.
        account_id: The account's id or name.
        dropped: The scopes that it would lose.
        within: How far back to look; not before the account was created, nor at what is in an archive.

    Raises:
        NotFound: There is no such account in reach.
    """
    account = accounts.find(tx, account_id)
    since = max(tx.now - within, account.created_at, audit.kept_since(tx) or account.created_at)
    gone = frozenset(dropped)
    total = refused = 0
    by_scope = dict.fromkeys(sorted(gone), 0)
    for group in _groups(tx, account.id, Action.TOKEN_USED, since):
        hit = gone & frozenset(str(group.detail.get("scopes", "")).split())
        total += group.count
        refused += group.count if hit else 0
        for scope in hit:
            by_scope[scope] += group.count
    return DryRun(gone, refused, total, since, max(1, (tx.now - since).days), by_scope)


def _groups(
    tx: Transaction, account_id: str, action: Action, since: datetime, token_id: str | None = None
) -> Iterator[_Group]:
    """The events of one kind about one account, those that are told alike together."""
    wanted = [
        col(Event.account_id) == account_id,
        col(Event.sequence) >= (span.first_since(tx.session, since) or 0),
        col(Event.at) >= since,
        col(Event.action) == action,
        *([] if token_id is None else [col(Event.subject_id) == token_id]),
    ]
    query = select(Event.source, Event.detail, func.count(), func.max(Event.at))
    for source, detail, count, last_at in tx.session.exec(query.where(*wanted).group_by(Event.source, Event.detail)):
        told = audit.read_detail(detail)
        yield _Group(source, told, count * _counted(told), last_at)


def _counted(detail: dict[str, Any]) -> int:
    count = detail.get("count", 1)
    return count if isinstance(count, int) else 1
