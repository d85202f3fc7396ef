"""Service accounts: the identities of bots (NIST SP 800-53 AC-2).

A removed account stays as a tombstone: its name can be used again, its history keeps the old id.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import FromClause, func, or_
from sqlmodel import col, select

from botdesk import access, audit, grants, people, scopes, versions, wording
from botdesk.access import Action, Level
from botdesk.audit import Page as Page
from botdesk.errors import AccessDenied, Conflict, InvalidInput
from botdesk.store import listing, reach
from botdesk.store.listing import PURPOSES as PURPOSES
from botdesk.store.listing import AccountState as AccountState
from botdesk.store.listing import Filter as Filter
from botdesk.store.listing import Sort as Sort
from botdesk.store.tables import Account as Account
from botdesk.store.tables import Purpose as Purpose
from botdesk.store.tables import Token
from botdesk.store.transaction import Transaction

DEFAULT_ROTATION: Final = timedelta(days=90)
LONGEST_ROTATION: Final = timedelta(days=3650)

_NAME: Final = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_VAGUE: Final = frozenset(
    {"account", "bot", "demo", "my-bot", "new-bot", "robot", "service", "test", "test-bot", "token"}
)


@dataclass(frozen=True, slots=True)
class Line:
    """An account as a list shows it.

    Attributes:
        account: The account.
        state: Its state.
        live: How many tokens of it work now, or would if it were not disabled.
        soonest: When the first of those expires.
        last_used_at: When any token of it was used last.
        creator: The name of the person who created it.
        owner: The name of the person who always keeps access: its creator, until it is handed over.
        managers: Who may manage it, owner first: names of active people and of roles; empty for an orphan.
        level: What the actor may do with it.
        version: The version that this is.
    """

    account: Account
    state: AccountState
    live: int
    soonest: datetime | None
    last_used_at: datetime | None
    creator: str
    owner: str
    managers: tuple[str, ...]
    level: Level | None
    version: int

    @property
    def suspends(self) -> bool:
        """Whether its live tokens are refused all the same, as long as it is disabled."""
        return self.state is AccountState.DISABLED and self.live > 0


def state(account: Account) -> AccountState:
    """The state of an account."""
    if account.removed_at:
        return AccountState.REMOVED
    return AccountState.DISABLED if account.disabled_at else AccountState.ACTIVE


def check_name(name: str) -> str:
    """Check an account's name: lower-case words joined by '-', 3 to 40 characters.

    Raises:
        InvalidInput: It is no such name; the hint says what would be one.
    """
    name = wording.clean(name, "name", longest=200, required=True)
    if not 3 <= len(name) <= 40:
        raise InvalidInput(
            f"the name has {wording.plural(len(name), 'character')}", hint="use 3 to 40 characters, as in nightly-build"
        )
    if not _NAME.fullmatch(name):
        raise InvalidInput(f"an account cannot be called {name!a}", hint=_suggested(name))
    return name


def _suggested(name: str) -> str:
    better = "-".join(re.findall(r"[a-z0-9]+", name.lower())).lstrip("0123456789-")[:40].rstrip("-")
    return f"try {better!r}" if len(better) >= 3 else "lower-case words joined by '-', as in nightly-build"


def vague(name: str) -> str:
    """A hint when the name is good in form, but tells nobody what the bot does; else empty."""
    return f"{name!r} says little: name the job, as in nightly-build" if name in _VAGUE else ""


def create(
    tx: Transaction,
    name: str,
    *,
    purpose: Purpose = Purpose.OTHER,
    description: str = "",
    scopes: str | Iterable[str] = (),
    rotation: timedelta = DEFAULT_ROTATION,
) -> Account:
    """Create a service account; the actor, its creator, always keeps access to it.

    Args:
        tx: The transaction.
        name: Lower-case words joined by '-', 3 to 40 characters, unique among the accounts that are not removed.
        purpose: What kind of bot it is.
        description: What it does, in a sentence.
        scopes: What its tokens may at most be allowed (RFC 6749 §3.3).
        rotation: How long a token of it lives, by default, before it should be rotated; whole days.

    Raises:
        AccessDenied: The actor may not create accounts, or may not put such a scope on one.
        Conflict: The name is taken.
        InvalidInput: A value cannot be taken.
    """
    audit.require(tx, Action.ACCOUNT_CREATED, name=name[:64])
    account = Account(
        id=tx.new_id("acc"),
        name=free_name(tx, name),
        purpose=Purpose(purpose),
        description=_checked_description(description),
        scopes=_opened_scopes(tx, Action.ACCOUNT_CREATED, scopes),
        rotation_days=_checked_days(rotation),
        created_at=tx.now,
        created_by=tx.actor.id,
        owned_by=tx.actor.id,
    )
    audit.record(tx, Action.ACCOUNT_CREATED, account, account=account, purpose=account.purpose.value)
    return account


def modify(
    tx: Transaction,
    account_id: str,
    *,
    name: str | None = None,
    purpose: Purpose | None = None,
    description: str | None = None,
    scopes: str | Iterable[str] | None = None,
    rotation: timedelta | None = None,
    seen: int | None = None,
) -> Account:
    """Change an account; None leaves a thing as it is. Scopes that it loses, its tokens lose too, at the next use.

    Args:
        tx: The transaction.
        account_id: The account's id or name.
        name: Its new name.
        purpose: What kind of bot it is.
        description: What it does, in a sentence.
        scopes: What its tokens may at most be allowed.
        rotation: How long a token of it lives by default.
        seen: The version that the actor saw; refused when the account was changed since then.

    Raises:
        AccessDenied: The actor may not manage it, or may not put such a scope on it.
        Conflict: The name is taken, nothing would change, or the account is removed or was changed meanwhile.
        InvalidInput: A value cannot be taken.
        NotFound: There is no such account in reach.
    """
    account = _present(tx, account_id, Action.ACCOUNT_MODIFIED)
    versions.refuse_stale(tx, seen, account)
    wanted: dict[str, Any] = {
        "name": None if name in (None, account.name) else free_name(tx, str(name)),
        "purpose": None if purpose is None else Purpose(purpose),
        "description": None if description is None else _checked_description(description),
        "scopes": None if scopes is None else _opened_scopes(tx, Action.ACCOUNT_MODIFIED, scopes, account),
        "rotation_days": None if rotation is None else _checked_days(rotation),
    }
    had = account.scopes
    changes = audit.change(account, wanted)
    account.modified_at = tx.now
    if _gained(had, account.scopes):
        account.scopes_added_at = tx.now
    audit.record(tx, Action.ACCOUNT_MODIFIED, account, account=account, changes=changes)
    return account


def disable(tx: Transaction, account_id: str, *, reason: str = "") -> Account:
    """Refuse every token of the account from the next request on, until it is enabled again.

    Raises:
        AccessDenied: The actor may not manage it.
        Conflict: It is disabled already, or removed.
        NotFound: There is no such account in reach.
    """
    account = able(tx, account_id)
    reason = wording.clean(reason, "reason", longest=200)
    account.disabled_at, account.disabled_reason = tx.now, reason or None
    audit.record(tx, Action.ACCOUNT_DISABLED, account, account=account, reason=reason or None)
    return account


def able(tx: Transaction, account_id: str) -> Account:
    """Find an account that the actor may disable now; refuses as `disable` does."""
    account = _present(tx, account_id, Action.ACCOUNT_DISABLED)
    if account.disabled_at:
        raise Conflict(f"{account.name!r} is disabled already", hint="there is nothing to do")
    return account


def enable(tx: Transaction, account_id: str) -> Account:
    """Let the tokens of a disabled account work again, those that have not ended meanwhile.

    Raises:
        AccessDenied: The actor may not manage it.
        Conflict: It is not disabled, or removed.
        NotFound: There is no such account in reach.
    """
    account = unable(tx, account_id)
    account.disabled_at = account.disabled_reason = None
    audit.record(tx, Action.ACCOUNT_ENABLED, account, account=account)
    return account


def unable(tx: Transaction, account_id: str) -> Account:
    """Find a disabled account that the actor may enable now; refuses as `enable` does."""
    account = _present(tx, account_id, Action.ACCOUNT_ENABLED)
    if not account.disabled_at:
        raise Conflict(f"{account.name!r} is not disabled", hint="there is nothing to do")
    return account


def remove(tx: Transaction, account_id: str, *, reason: str = "") -> Account:
    """Remove an account: its tokens are revoked, its grants withdrawn, its name is free; its history stays.

    Raises:
        AccessDenied: The actor may not manage it.
        Conflict: It is removed already.
        NotFound: There is no such account in reach.
    """
    account = _present(tx, account_id, Action.ACCOUNT_REMOVED)
    reason = wording.clean(reason, "reason", longest=200)
    left = select(Token).where(Token.account_id == account.id, col(Token.revoked_at).is_(None)).order_by(Token.id)
    for token in tx.session.exec(left).all():
        token.revoked_at, token.revoked_reason = tx.now, "account removed"
        audit.record(tx, Action.TOKEN_REVOKED, token, account=account, label=token.label, reason="account removed")
    grants.withdraw_all(tx, account)
    account.removed_at = tx.now
    audit.record(tx, Action.ACCOUNT_REMOVED, account, account=account, reason=reason or None)
    return account


def _present(tx: Transaction, account_id: str, action: Action) -> Account:
    account = find(tx, account_id)
    audit.require(tx, action, account)
    if account.removed_at:
        raise Conflict(f"{account.name!r} was removed", hint="'botdesk account restore' takes that back for 30 days")
    return account


def find(tx: Transaction, name: str) -> Account:
    """Find an account by name or id; removed ones by id alone.

    Raises:
        NotFound: It is not there, or out of the actor's reach: the same answer for both.
    """
    return grants.find_account(tx, name)


def line(tx: Transaction, name: str) -> Line:
    """Find an account with all that a list shows of it.

    Raises:
        NotFound: There is no such account in reach.
    """
    account = find(tx, name)
    row = tx.session.execute(select(Account, *listing.facts(tx.now)).where(Account.id == account.id)).one()
    return _lines(tx, [row])[0]


def page(
    tx: Transaction,
    filter: Filter | None = None,
    *,
    sort: Sort = Sort.NAME,
    descending: bool = False,
    after: Any = None,
    limit: int = 50,
) -> Page[Line]:
    """List the accounts in the actor's reach.

    Args:
        tx: The transaction.
        filter: Which accounts.
        sort: What by; accounts without a value (never used, no expiry) come last when ascending.
        descending: The other way round.
        after: The `next` of the page before this one.
        limit: How many rows at the most.

    A search reads all accounts once. In the order of names that gives the first rows at once, and their number by
    reading on from there; else both come out of one reading that is kept.
    """
    filter = filter or Filter()
    wanted = [*listing.wanted(filter), reach.in_reach(tx.actor)]
    every = _every(wanted, listing.sort_key(tx.now, sort))
    if filter.text and sort is Sort.NAME and after is None:
        rows = _rows(tx, every.subquery(), None, descending=descending, limit=limit)
        total = len(rows) if len(rows) <= limit else limit + _beyond(tx, wanted, rows[limit - 1][0], descending)
    else:
        if filter.text:
            matching = every.cte("matching").prefix_with("MATERIALIZED")
            count = select(func.count()).select_from(matching).scalar_subquery()
        else:
            matching = every.subquery()
            count = select(func.count()).select_from(Account).where(*wanted).scalar_subquery()
        rows = _rows(tx, matching, after, count.label("total"), descending=descending, limit=limit)
        total = rows[0].total if rows else tx.session.scalar(select(count)) if after else 0
    last = rows[limit - 1] if len(rows) > limit else None
    return Page(tuple(_lines(tx, rows[:limit])), (last.sort_key, last[0].name, last[0].id) if last else None, total)


def _every(wanted: Sequence[Any], key: Any) -> Any:
    """The ids, names and sort keys of all accounts that are wanted."""
    return select(Account.id.label("found"), Account.name.label("tie"), key.label("sort_key")).where(*wanted)  # type: ignore[attr-defined]


def _rows(tx: Transaction, every: FromClause, after: Any, *more: Any, descending: bool, limit: int) -> Sequence[Any]:
    """The next accounts after a place, with their facts and more columns: one more than the limit, if there is one."""
    place = listing.beyond(every.c.sort_key, every.c.tie, every.c.found, after, descending=descending)
    some = select(*every.c).where(*place).order_by(*_order(every, descending=descending)).limit(limit + 1).subquery()
    columns: list[Any] = [*listing.facts(tx.now), some.c.sort_key, *more]
    query = select(Account, *columns).join(some, some.c.found == Account.id)
    return tx.session.execute(query.order_by(*_order(some, descending=descending))).all()


def _beyond(tx: Transaction, wanted: Sequence[Any], last: Account, descending: bool) -> int:
    """How many of the wanted accounts come after one in the order of their names."""
    name, identity = col(Account.name), col(Account.id)
    if descending:
        after = [name <= last.name, or_(name < last.name, identity < last.id)]
    else:
        after = [name >= last.name, or_(name > last.name, identity > last.id)]
    return tx.session.exec(select(func.count()).select_from(Account).where(*wanted, *after)).one()


def _order(rows: FromClause, *, descending: bool) -> list[Any]:
    columns = (rows.c.sort_key, rows.c.tie, rows.c.found)
    return [column.desc() if descending else column.asc() for column in columns]


def _lines(tx: Transaction, rows: Iterable[Any]) -> list[Line]:
    rows = list(rows)
    managers = grants.managers(tx, (row[0] for row in rows))
    names, version = people.names(tx), versions.current(tx)
    return [
        Line(
            account=row[0],
            state=state(row[0]),
            live=row.live,
            soonest=row.soonest,
            last_used_at=row.used,
            creator=names.get(row[0].created_by, "?"),
            owner=names.get(row[0].owned_by, "?"),
            managers=managers[row[0].id],
            level=grants.effective_level(tx, row[0]),
            version=version,
        )
        for row in rows
    ]


def free_name(tx: Transaction, name: str) -> str:
    """Check a name that is to be an account's.

    Raises:
        Conflict: It is taken.
        InvalidInput: It is no account's name.
    """
    name = check_name(name)
    taken = tx.session.exec(select(Account).where(Account.name == name, col(Account.removed_at).is_(None))).first()
    if taken is not None:
        if not audit.may(tx, Action.ACCOUNT_VIEWED, taken):
            audit.deny(tx, Action.ACCOUNT_VIEWED, taken)
        raise Conflict(f"the name {name!r} is taken", hint="choose a name that says what this bot does")
    return name


def _checked_description(description: str) -> str:
    return wording.clean(description, "description", longest=500)


def _opened_scopes(tx: Transaction, action: Action, text: str | Iterable[str], account: Account | None = None) -> str:
    """Check scopes; those that the account has already may stay, whoever put them there."""
    wanted = scopes.parse(text)
    added = wanted - scopes.parse(account.scopes if account else "")
    opened = reach.opened_scopes(tx.session, tx.actor)
    if refused := access.unopened(tx.actor, added, opened):
        audit.deny(tx, action, account, scopes=scopes.format(refused))
        raise AccessDenied(
            f"{tx.actor.name!r} may not put the scope {scopes.format(refused)!r} on an account",
            hint=f"your roles may use: {scopes.format(opened) or 'none'}; an admin opens more: botdesk role scopes",
        )
    return scopes.format(wanted)


def _gained(had: str, has: str) -> bool:
    return not scopes.covers(scopes.parse(had), scopes.parse(has))


def _checked_days(rotation: timedelta) -> int:
    if rotation < timedelta(days=1) or rotation > LONGEST_ROTATION:
        raise InvalidInput("the rotation period is out of range", hint="use 1d to 3650d, as in 90d")
    if rotation % timedelta(days=1):
        raise InvalidInput("the rotation period is not in whole days", hint="as in 30d or 90d")
    return rotation.days
