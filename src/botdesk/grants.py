"""Grants: who may handle which account, by role and by name.

The creator's access is no grant but a rule; it cannot be withdrawn.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from sqlalchemy import ColumnElement
from sqlmodel import and_, col, or_, select

from botdesk import access, audit, people
from botdesk.access import Action, Level, Standing
from botdesk.errors import Conflict, InvalidInput, NotFound
from botdesk.store import reach
from botdesk.store.tables import Account, Membership, Person, Role
from botdesk.store.tables import Grant as Grant
from botdesk.store.transaction import Transaction

KINDS: Final = ("role", "person")


@dataclass(frozen=True, slots=True)
class Line:
    """A grant as a list shows it; `grantee` reads `role:platform` or `person:ben`."""

    grant: Grant
    grantee: str
    account: str
    level: Level
    given_by: str


@dataclass(frozen=True, slots=True)
class Reason:
    """Why somebody has a level: `creator`, `admin`, `auditor`, `role platform` or `by name`."""

    level: Level
    why: str


@dataclass(frozen=True, slots=True)
class Reach:
    """One person's access to one account: the level that counts, and every reason for it, highest first."""

    person: Person
    account_id: str
    account: str
    level: Level
    reasons: tuple[Reason, ...]


def give(tx: Transaction, account_id: str, grantee: str, level: Level) -> Grant:
    """Give a role or a person a level on an account; giving again changes the level.

    Args:
        tx: The transaction.
        account_id: The account's id or name.
        grantee: `role:platform` or `person:ben`.
        level: What they may do.

    Raises:
        AccessDenied: The actor may not manage the account.
        Conflict: They have that level already, or the account is removed.
        InvalidInput: The grantee has another form.
        NotFound: There is no such account in reach, role or person.
    """
    account = find_account(tx, account_id)
    audit.require(tx, Action.GRANT_GIVEN, account, grantee=grantee[:64])
    if account.removed_at:
        raise Conflict(f"{account.name!r} was removed", hint="a removed account takes no grants")
    to = _grantee(tx, grantee)
    grant = _present(tx, account, to)
    level = Level(level)
    before = None if grant is None else grant.level
    if before is level:
        raise Conflict(f"{_words(to)} has {level.value!r} on {account.name!r} already", hint="there is nothing to do")
    if grant is None:
        grant = Grant(id=tx.new_id("gra"), account_id=account.id, level=level, given_at=tx.now, given_by=tx.actor.id)
        grant.role_id, grant.person_id = _columns(to)
    grant.level, grant.given_at, grant.given_by = level, tx.now, tx.actor.id
    audit.record(
        tx, Action.GRANT_GIVEN, grant, account=account, grantee=_words(to), level=level.value, before_level=before
    )
    return grant


def withdraw(tx: Transaction, account_id: str, grantee: str) -> Grant:
    """Withdraw what a role or a person was given on an account.

    Raises:
        AccessDenied: The actor may not manage the account.
        InvalidInput: The grantee has another form.
        NotFound: There is no such account in reach, role, person or grant.
    """
    account = find_account(tx, account_id)
    audit.require(tx, Action.GRANT_WITHDRAWN, account, grantee=grantee[:64])
    to = _grantee(tx, grantee)
    grant = _present(tx, account, to)
    if grant is None:
        raise _not_given(account, to)
    audit.record(tx, Action.GRANT_WITHDRAWN, grant, account=account, gone=True, grantee=_words(to))
    return grant


def _not_given(account: Account, to: Role | Person) -> Exception:
    if isinstance(to, Person) and to.id == account.created_by:
        return Conflict(
            f"{to.name!r} created {account.name!r} and keeps access to it",
            hint="the creator's access is a rule; disable the person if they left",
        )
    return NotFound(f"{_words(to)} has no grant on {account.name!r}", hint=f"botdesk grant list {account.name}")


def withdraw_all(tx: Transaction, account: Account) -> None:
    """Withdraw every grant on an account that is being removed, each with an event of its own."""
    for grant in tx.session.exec(select(Grant).where(Grant.account_id == account.id).order_by(Grant.id)).all():
        to: Role | Person | None = tx.session.get(Role, grant.role_id) if grant.role_id else None
        to = to or tx.session.get_one(Person, grant.person_id)
        audit.record(tx, Action.GRANT_WITHDRAWN, grant, account=account, gone=True, grantee=_words(to))


def find_account(tx: Transaction, name: str) -> Account:
    """Find an account in the actor's reach by name or id; removed ones by id alone.

    Raises:
        NotFound: It is not there, or out of reach: the same answer for both.
    """
    named = (col(Account.name) == name) & col(Account.removed_at).is_(None)
    account = tx.session.exec(select(Account).where(named | (col(Account.id) == name))).first()
    if account is not None and audit.may(tx, Action.ACCOUNT_VIEWED, account):
        return account
    if account is not None:
        audit.deny(tx, Action.ACCOUNT_VIEWED, account)
    raise NotFound(f"there is no account {name[:40]!r}", hint="'botdesk account list' shows those in your reach")


def effective_level(tx: Transaction, account: Account) -> Level | None:
    """What the actor may do with the account, standing included."""
    if not access.allows(tx.actor, Action.ACCOUNT_VIEWED, Level.MANAGE):
        return None
    if tx.actor.standing is None or tx.actor.standing is Standing.ADMIN:
        return Level.MANAGE
    if tx.actor.standing is Standing.AUDITOR:
        return Level.VIEW
    return reach.level_on(tx.session, tx.actor, account)


def listed(tx: Transaction, account: str | None = None) -> list[Line]:
    """List the grants on one account, or on all in the actor's reach, by account and grantee.

    Raises:
        NotFound: There is no such account in reach.
    """
    wanted = reach.in_reach(tx.actor) if account is None else col(Account.id) == find_account(tx, account).id
    query = (
        select(Grant, Account.name, Role.name, Person.name)
        .join(Account, col(Account.id) == Grant.account_id)
        .join(Role, col(Role.id) == Grant.role_id, isouter=True)
        .join(Person, col(Person.id) == Grant.person_id, isouter=True)
        .where(wanted)
    )
    names = people.names(tx)
    lines = [
        Line(grant, f"role:{role}" if role else f"person:{person}", name, grant.level, names.get(grant.given_by, "?"))
        for grant, name, role, person in tx.session.exec(query).all()
    ]
    return sorted(lines, key=lambda line: (line.account, line.grantee))


def managers(tx: Transaction, found: Iterable[Account]) -> dict[str, tuple[str, ...]]:
    """Who may manage each account, by its id: creator, roles, people; only those who can, or with a member who can.

    Disabled people and auditors cannot, and an admin counts for no account in particular.
    """
    accounts = list(found)
    can = dict(tx.session.exec(select(Person.id, Person.name).where(*_can_manage())).all())
    manned = select(Membership.role_id).where(col(Membership.person_id).in_(select(Person.id).where(*_can_manage())))
    query = (
        select(Grant.account_id, Role.name, Person.name)
        .join(Role, col(Role.id) == Grant.role_id, isouter=True)
        .join(Person, col(Person.id) == Grant.person_id, isouter=True)
        .where(col(Grant.account_id).in_([account.id for account in accounts]), Grant.level == Level.MANAGE)
        .where(or_(col(Grant.role_id).in_(manned), and_(col(Person.id).is_not(None), *_can_manage())))
        .order_by(col(Role.name).is_(None), Role.name, Person.name)
    )
    names = {account.id: [can[account.created_by]] if account.created_by in can else [] for account in accounts}
    for account_id, role, person in tx.session.exec(query).all():
        names[account_id].append(role or person)
    return {account_id: tuple(dict.fromkeys(listed)) for account_id, listed in names.items()}


def _can_manage() -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return col(Person.disabled_at).is_(None), col(Person.standing) != Standing.AUDITOR


def who_reaches(tx: Transaction, account: str) -> list[Reach]:
    """Every active person who can reach the account, and why; highest level first, then by name.

    Raises:
        NotFound: There is no such account in reach.
    """
    found = find_account(tx, account)
    active = tx.session.exec(select(Person).where(col(Person.disabled_at).is_(None))).all()
    granted = _granted(tx, [found.id])
    return _reaches((person, found, granted) for person in active)


def what_reaches(tx: Transaction, person: str) -> list[Reach]:
    """Every account that the person can reach, within the actor's own reach, and why; by name.

    Raises:
        NotFound: There is no such person.
    """
    who = people.find(tx, person)
    if who.disabled_at:
        return []
    query = select(Account).where(reach.in_reach(tx.actor), col(Account.removed_at).is_(None))
    accounts = tx.session.exec(query).all()
    granted = _granted(tx, [account.id for account in accounts])
    return sorted(_reaches((who, account, granted) for account in accounts), key=lambda found: found.account)


_Granted = dict[tuple[str, str], list[Reason]]


def _granted(tx: Transaction, account_ids: list[str]) -> _Granted:
    by_name = select(Grant.account_id, Grant.person_id, col(Grant.level)).where(
        col(Grant.account_id).in_(account_ids), col(Grant.person_id).is_not(None)
    )
    by_role = (
        select(Grant.account_id, Membership.person_id, col(Grant.level), Role.name)
        .join(Membership, col(Membership.role_id) == Grant.role_id)
        .join(Role, col(Role.id) == Grant.role_id)
        .where(col(Grant.account_id).in_(account_ids))
    )
    found: _Granted = {}
    for account_id, person_id, level, role in tx.session.exec(by_role.order_by(Role.name)).all():
        found.setdefault((account_id, person_id), []).append(Reason(level, f"role {role}"))
    for account_id, named, level in tx.session.exec(by_name).all():
        found.setdefault((account_id, str(named)), []).append(Reason(level, "by name"))
    return found


def _reaches(candidates: Iterable[tuple[Person, Account, _Granted]]) -> list[Reach]:
    found = [
        Reach(person, account.id, account.name, _counting(person, reasons), tuple(reasons))
        for person, account, granted in candidates
        if (reasons := _reasons(person, account, granted.get((account.id, person.id), [])))
    ]
    return sorted(found, key=lambda reach: (-reach.level.rank, reach.person.name))


def _reasons(person: Person, account: Account, granted: list[Reason]) -> list[Reason]:
    reasons = list(granted)
    if person.id == account.created_by:
        reasons.append(Reason(Level.MANAGE, "creator"))
    if person.standing is Standing.ADMIN:
        reasons.append(Reason(Level.MANAGE, "admin"))
    if person.standing is Standing.AUDITOR:
        reasons.append(Reason(Level.VIEW, "auditor"))
    return sorted(reasons, key=lambda reason: -reason.level.rank)


def _counting(person: Person, reasons: list[Reason]) -> Level:
    return Level.VIEW if person.standing is Standing.AUDITOR else reasons[0].level


def _grantee(tx: Transaction, grantee: str) -> Role | Person:
    kind, _, name = grantee.partition(":")
    if kind not in KINDS or not name:
        raise InvalidInput(f"{grantee[:40]!a} is no grantee", hint="as in role:platform or person:ben")
    return people.find_role(tx, name) if kind == "role" else people.find(tx, name)


def _words(to: Role | Person) -> str:
    return f"{'role' if isinstance(to, Role) else 'person'} {to.name}"


def _columns(to: Role | Person) -> tuple[str | None, str | None]:
    return (to.id, None) if isinstance(to, Role) else (None, to.id)


def _present(tx: Transaction, account: Account, to: Role | Person) -> Grant | None:
    role_id, person_id = _columns(to)
    query = select(Grant).where(Grant.account_id == account.id, Grant.role_id == role_id, Grant.person_id == person_id)
    return tx.session.exec(query).first()
