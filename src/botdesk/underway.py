"""The migrations there are, how far each is, and what is on record of the old token that it leads away from."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from sqlmodel import col, or_, select

from botdesk import audit, people, stages, tokens, uses
from botdesk import scopes as scope_words
from botdesk.access import Action
from botdesk.errors import NotFound
from botdesk.stages import Facts, Stage
from botdesk.store import reach
from botdesk.store.tables import Account, Migration, Token
from botdesk.store.transaction import Transaction
from botdesk.uses import Source

PREFIX: Final = "mig_"


@dataclass(frozen=True, slots=True)
class Line:
    """A migration as a list shows it.

    Attributes:
        migration: Its row.
        account: The name of the account that it leads to.
        owner: Whose personal token it leads away from.
        starter: Who began it.
        issuer: Who issued the new token; empty before.
        registrar: Who registered the old one; empty when nobody did.
        runner: Who runs it now.
        ender: Who ended the old token; empty before.
        token: The new token, or what it was rotated to.
        facts: What its stage follows from.
        stage: What comes next.
    """

    migration: Migration
    account: str
    owner: str
    starter: str
    issuer: str
    registrar: str
    runner: str
    ender: str
    token: Token | None
    facts: Facts
    stage: Stage


@dataclass(frozen=True, slots=True)
class View:
    """A migration with all that is on record of its old token.

    Attributes:
        line: What a list shows.
        stragglers: From where the old token was accepted since the new one was seen, or before that at all.
        tries: From where it was refused since it was ended, or before that at all.
        scopes: What its uses asked for, of what the account has: the least that the new token should have.
        runs: Whether the actor may take it further.
        ends: Whether the actor may register and end the old token.
    """

    line: Line
    stragglers: tuple[Source, ...]
    tries: tuple[Source, ...]
    scopes: frozenset[str]
    runs: bool
    ends: bool


def find_for(tx: Transaction, migration_id: str, action: Action) -> tuple[Migration, Account]:
    """Find a migration and its account, to do an action that takes a level on the account, or to own the old token.

    Raises:
        AccessDenied: The actor may not do that.
        NotFound: There is no such migration in reach.
    """
    name = PREFIX + migration_id.removeprefix(PREFIX)[:10]
    row = tx.session.get(Migration, name)
    account = None if row is None else tx.session.get_one(Account, row.account_id)
    if row is None or account is None or not _seen_by_actor(tx, row, account):
        if account is not None:
            audit.deny(tx, action, account, migration=name)
        raise NotFound(f"there is no migration {name!r}", hint="'botdesk migration list' shows those in your reach")
    if action is not Action.ACCOUNT_VIEWED:
        audit.require(tx, action, account, owner=row.owner_id, what=row.what)
    return row, account


def _seen_by_actor(tx: Transaction, row: Migration, account: Account) -> bool:
    return row.owner_id == tx.actor.id or audit.may(tx, Action.ACCOUNT_VIEWED, account)


def line(tx: Transaction, migration_id: str) -> Line:
    """Find a migration with all that a list shows of it.

    Raises:
        NotFound: There is no such migration in reach.
    """
    return _line(tx, *find_for(tx, migration_id, Action.ACCOUNT_VIEWED), people.names(tx))


def listed(tx: Transaction, *, over: bool = False) -> list[Line]:
    """The migrations in the actor's reach, and those away from their own tokens: who still runs what on whose token.

    Args:
        tx: The transaction.
        over: Those that are over, too.
    """
    wanted = [or_(reach.in_reach(tx.actor), col(Migration.owner_id) == tx.actor.id)]
    if not over:
        wanted += [col(Migration.ended_at).is_(None), col(Migration.cancelled_at).is_(None)]
    query = select(Migration, Account, Token).join(Account, col(Account.id) == Migration.account_id).where(*wanted)
    names = people.names(tx)
    found = tx.session.exec(query.outerjoin(Token, col(Token.id) == Migration.token_id)).all()
    lines = [_line(tx, row, account, names) for row, account, _ in found]
    return sorted(lines, key=lambda line: (line.stage in stages.ENDED, line.migration.started_at, line.migration.id))


def view(tx: Transaction, migration_id: str) -> View:
    """Find a migration with all that is on record of its old token.

    Raises:
        NotFound: There is no such migration in reach.
    """
    row, account = find_for(tx, migration_id, Action.ACCOUNT_VIEWED)
    found = _line(tx, row, account, people.names(tx))
    used = Action.PERSONAL_TOKEN_USED
    since = found.facts.first_used_at or row.started_at
    refused, begun = Action.PERSONAL_TOKEN_REFUSED, row.ended_at or row.started_at
    tries = uses.sources(tx, account, row.id, refused, since=begun) if row.last_refused_at else []
    return View(
        found,
        tuple(uses.sources(tx, account, row.id, used, since=since)) if row.last_used_at else (),
        tuple(tries),
        least(tx, row, account),
        audit.may(tx, Action.MIGRATION_EQUIPPED, account),
        audit.may(tx, Action.PERSONAL_TOKEN_REVOKED, account, owner=row.owner_id),
    )


def least(tx: Transaction, row: Migration, account: Account) -> frozenset[str]:
    """The scopes that the old token's uses asked for, accepted or not, as far as the account has them."""
    told = ((row.last_used_at, Action.PERSONAL_TOKEN_USED), (row.last_refused_at, Action.PERSONAL_TOKEN_REFUSED))
    asked = (uses.scopes_asked(tx, account, row.id, each, since=row.started_at) for at, each in told if at)
    return frozenset().union(*asked) & scope_words.parse(account.scopes)


def _line(tx: Transaction, row: Migration, account: Account, names: dict[str, str]) -> Line:
    facts = facts_of(tx, row, account)
    first = tx.session.get(Token, row.token_id) if row.token_id else None
    return Line(
        row,
        account.name,
        names.get(row.owner_id, "?"),
        names.get(row.started_by, "?"),
        names.get(first.issued_by, "?") if first else "",
        names.get(row.registered_by, "?") if row.registered_by else "",
        names.get(row.run_by, "?"),
        names.get(row.ended_by, "?") if row.ended_by else "",
        latest(tx, first),
        facts,
        stages.stage(facts),
    )


def facts_of(tx: Transaction, row: Migration, account: Account) -> Facts:
    """What the stage of a migration follows from, as it is now."""
    first = tx.session.get(Token, row.token_id) if row.token_id else None
    last = latest(tx, first)
    works = last is not None and tokens.state(last, tx.now) in tokens.LIVE
    return replace(
        known(row),
        idle=_idle(account),
        delivered_at=first.delivered_at if first is not None and works else None,
        first_used_at=_first_use(first, last),
    )


def known(row: Migration) -> Facts:
    """What the row alone tells of a migration, without its account and its new token."""
    return Facts(
        started_at=row.started_at,
        registered=row.digest is not None,
        accept_until=row.accept_until,
        old_used_at=row.last_used_at,
        old_used_from=row.last_used_from,
        ended_at=row.ended_at,
        paused_at=row.paused_at,
        cancelled_at=row.cancelled_at,
    )


def _idle(account: Account) -> str:
    if account.removed_at:
        return f"{account.name} was removed"
    return f"{account.name} is disabled" if account.disabled_at else ""


def _first_use(first: Token | None, last: Token | None) -> datetime | None:
    return next((token.first_used_at for token in (first, last) if token and token.first_used_at), None)


def latest(tx: Transaction, token: Token | None) -> Token | None:
    """What a token was rotated to by now."""
    while token is not None and token.successor_id:
        token = tx.session.get(Token, token.successor_id)
    return token
