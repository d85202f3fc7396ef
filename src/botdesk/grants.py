"""Grants: who may handle which account, by role and by name.

The access of an account's owner, who is its creator until it is handed over, is no grant but a rule; it cannot be
withdrawn.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import true
from sqlmodel import col, select

from botdesk import access, audit, facts, people, roles, versions
from botdesk.access import Action, Level, Standing
from botdesk.errors import Conflict, InvalidInput, NotFound
from botdesk.facts import Reach as Reach
from botdesk.facts import Reason as Reason
from botdesk.store import reach
from botdesk.store.tables import Account, Person, Role
from botdesk.store.tables import Grant as Grant
from botdesk.store.transaction import Transaction

KINDS: Final = ("role", "person")


@dataclass(frozen=True, slots=True)
class Line:
    """A grant as a list shows it; `grantee` reads `role:platform` or `person:ben`, `version` is when it was so."""

    grant: Grant
    grantee: str
    account: str
    level: Level
    given_by: str
    version: int


def give(tx: Transaction, account_id: str, grantee: str, level: Level, *, seen: int | None = None) -> Grant:
    """Give a role or a person a level on an account; giving again changes the level.

    Args:
        tx: The transaction.
        account_id: The account's id or name.
        grantee: `role:platform` or `person:ben`.
        level: What they may do.
        seen: The version that the actor saw; refused when the account or a grant on it was changed since then.

    Raises:
        AccessDenied: The actor may not manage the account.
        Conflict: They have that level already, or the account is removed or was changed meanwhile.
        InvalidInput: The grantee has another form.
        NotFound: There is no such account in reach, role or person.
    """
    account, to, grant = givable(tx, account_id, grantee, level, seen=seen)
    level, before = Level(level), None if grant is None else grant.level
    if grant is None:
        grant = Grant(id=tx.new_id("gra"), account_id=account.id, level=level, given_at=tx.now, given_by=tx.actor.id)
        grant.role_id, grant.person_id = _columns(to)
    grant.level, grant.given_at, grant.given_by = level, tx.now, tx.actor.id
    audit.record(
        tx, Action.GRANT_GIVEN, grant, account=account, grantee=_words(to), level=level.value, before_level=before
    )
    return grant


def givable(
    tx: Transaction, account_id: str, grantee: str, level: Level, *, seen: int | None = None
) -> tuple[Account, Role | Person, Grant | None]:
    """Find an account that the actor may give access to, to whom, and what they have; refuses as `give` does."""
    account = find_account(tx, account_id)
    audit.require(tx, Action.GRANT_GIVEN, account, grantee=grantee[:64])
    refuse_removed(account)
    versions.refuse_stale(tx, seen, account, versions.of_grants())
    to = find_grantee(tx, grantee)
    return account, to, refuse_held(tx, account, to, Level(level))


def refuse_removed(account: Account) -> None:
    """Refuse to give anybody anything on a removed account.

    Raises:
        Conflict: It is removed.
    """
    if account.removed_at:
        raise Conflict(f"{account.name!r} was removed", hint="a removed account takes no grants")


def refuse_held(tx: Transaction, account: Account, to: Role | Person, level: Level) -> Grant | None:
    """Refuse to give a level that was given already; the grant of another one, if there is one.

    Raises:
        Conflict: They have that level already.
    """
    grant = _present(tx, account, to)
    if grant is not None and grant.level is level:
        raise Conflict(f"{_words(to)} has {level.value!r} on {account.name!r} already", hint="there is nothing to do")
    return grant


def withdraw(tx: Transaction, account_id: str, grantee: str, *, seen: int | None = None) -> Grant:
    """Withdraw what a role or a person was given on an account.

    Args:
        tx: The transaction.
        account_id: The account's id or name.
        grantee: `role:platform` or `person:ben`.
        seen: The version that the actor saw; refused when the account or a grant on it was changed since then.

    Raises:
        AccessDenied: The actor may not manage the account.
        Conflict: The account or a grant on it was changed meanwhile.
        InvalidInput: The grantee has another form.
        NotFound: There is no such account in reach, role, person or grant.
    """
    account, to, grant = find(tx, account_id, grantee, Action.GRANT_WITHDRAWN, seen=seen)
    audit.record(tx, Action.GRANT_WITHDRAWN, grant, account=account, gone=True, grantee=_words(to))
    return grant


def find(
    tx: Transaction, account_id: str, grantee: str, action: Action, *, seen: int | None = None
) -> tuple[Account, Role | Person, Grant]:
    """Find what a grantee was given, to do an action on it that takes a level on the account.

    Raises:
        AccessDenied: The actor may not do that.
        Conflict: The grantee owns the account, and needs no grant; or it was changed since the version `seen`.
        InvalidInput: The grantee has another form.
        NotFound: There is no such account in reach, role, person or grant.
    """
    account = find_account(tx, account_id)
    audit.require(tx, action, account, grantee=grantee[:64])
    versions.refuse_stale(tx, seen, account, versions.of_grants())
    to = find_grantee(tx, grantee)
    grant = _present(tx, account, to)
    if grant is None:
        raise _not_given(account, to)
    return account, to, grant


def _not_given(account: Account, to: Role | Person) -> Exception:
    if isinstance(to, Person) and to.id == account.owned_by:
        return Conflict(
            f"{to.name!r} owns {account.name!r} and keeps access to it",
            hint=f"the owner's access is a rule; an admin can hand it over: botdesk account hand-over {account.name}",
        )
    return NotFound(f"{_words(to)} has no grant on {account.name!r}", hint=f"botdesk grant list {account.name}")


def withdraw_all(tx: Transaction, account: Account) -> None:
    """Withdraw every grant on an account that is being removed, each with an event of its own."""
    for grant in tx.session.exec(select(Grant).where(Grant.account_id == account.id).order_by(Grant.id)).all():
        to: Role | Person | None = tx.session.get(Role, grant.role_id) if grant.role_id else None
        to = to or tx.session.get_one(Person, grant.person_id)
        said: dict[str, Any] = {"grantee": _words(to), "grantee_id": to.id, "level": grant.level.value}
        audit.record(tx, Action.GRANT_WITHDRAWN, grant, account=account, gone=True, **said)


def give_back(tx: Transaction, account: Account, grantee: str, level: Level) -> Grant:
    """Give again what the removal of an account withdrew, now that it is restored.

    Raises:
        NotFound: There is no such role or person any more.
    """
    to = find_grantee(tx, grantee)
    grant = Grant(id=tx.new_id("gra"), account_id=account.id, level=level, given_at=tx.now, given_by=tx.actor.id)
    grant.role_id, grant.person_id = _columns(to)
    audit.record(tx, Action.GRANT_GIVEN, grant, account=account, grantee=_words(to), level=level.value)
    return grant


def hand_over(tx: Transaction, account_id: str, person: str) -> Account:
    """Put an account into other hands: the person has what its owner had, who keeps what was granted.

    Raises:
        AccessDenied: The actor is no admin.
        Conflict: The person cannot have it, or has it already, or the account is removed.
        NotFound: There is no such account in reach, or no such person.
    """
    account, heir = find_heir(tx, account_id, person)
    former = people.names(tx).get(account.owned_by)
    account.owned_by, account.modified_at = heir.id, tx.now
    audit.record(tx, Action.ACCOUNT_HANDED_OVER, account, account=account, person=heir.name, former=former)
    return account


def find_heir(tx: Transaction, account_id: str, person: str) -> tuple[Account, Person]:
    """Find an account and a person that it can be handed over to.

    Raises:
        AccessDenied: The actor is no admin.
        Conflict: The person cannot have it, or has it already, or the account is removed.
        NotFound: There is no such account in reach, or no such person.
    """
    account = find_account(tx, account_id)
    audit.require(tx, Action.ACCOUNT_HANDED_OVER, account, person=person[:64])
    heir = people.find(tx, person)
    if account.removed_at:
        raise Conflict(f"{account.name!r} was removed", hint="nobody needs to look after it any more")
    if heir.id == account.owned_by:
        raise Conflict(f"{account.name!r} is in the hands of {heir.name!r} already", hint="there is nothing to do")
    if heir.disabled_at or heir.standing is Standing.AUDITOR:
        why = "is disabled" if heir.disabled_at else "is an auditor"
        raise Conflict(f"{heir.name!r} {why} and cannot manage anything", hint="name an active member or admin")
    return account, heir


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
    raise audit.no_account(name)


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
    names, version = people.names(tx), versions.current(tx)
    lines = [
        Line(
            grant=grant,
            grantee=f"role:{role}" if role else f"person:{person}",
            account=name,
            level=grant.level,
            given_by=names.get(grant.given_by, "?"),
            version=version,
        )
        for grant, name, role, person in tx.session.exec(query).all()
    ]
    return sorted(lines, key=lambda line: (line.account, line.grantee))


def managers(tx: Transaction, found: Iterable[Account]) -> dict[str, tuple[str, ...]]:
    """Who may manage each account, by its id: owner, roles, people; only those who can, or with a member who can.

    Disabled people and auditors cannot, and an admin counts for no account in particular.
    """
    accounts = list(found)
    can = dict(tx.session.exec(select(Person.id, Person.name).where(col(Person.id).in_(reach.managers()))).all())
    query = (
        select(Grant.account_id, Role.name, Person.name)
        .join(Role, col(Role.id) == Grant.role_id, isouter=True)
        .join(Person, col(Person.id) == Grant.person_id, isouter=True)
        .where(col(Grant.account_id).in_([account.id for account in accounts]), Grant.level == Level.MANAGE)
        .where(reach.counting())
        .order_by(col(Role.name).is_(None), Role.name, Person.name)
    )
    names = {account.id: [can[account.owned_by]] if account.owned_by in can else [] for account in accounts}
    for account_id, role, person in tx.session.exec(query).all():
        names[account_id].append(role or person)
    return {account_id: tuple(dict.fromkeys(listed)) for account_id, listed in names.items()}


def who_reaches(tx: Transaction, account: str) -> list[Reach]:
    """Every active person who can reach the account, and why; highest level first, then by name.

    Raises:
        NotFound: There is no such account in reach.
    """
    found = find_account(tx, account)
    return facts.reaches(reach.facts(tx.session, col(Account.id) == found.id))


def what_reaches(tx: Transaction, person: str) -> list[Reach]:
    """Every account that the person can reach, within the actor's own reach, and why; by name.

    Raises:
        NotFound: There is no such person.
    """
    who = people.find(tx, person)
    theirs = true() if who.standing in (Standing.ADMIN, Standing.AUDITOR) else reach.theirs(who.id)
    there = col(Account.removed_at).is_(None)
    return facts.reaches(reach.facts(tx.session, reach.in_reach(tx.actor), theirs, there), who.id)


def find_grantee(tx: Transaction, grantee: str) -> Role | Person:
    """Find a role or person by `role:platform` or `person:ben`.

    Raises:
        InvalidInput: It has another form.
        NotFound: There is no such role or person.
    """
    kind, _, name = grantee.partition(":")
    if kind not in KINDS or not name:
        raise InvalidInput(f"{grantee[:40]!a} is no grantee", hint="as in role:platform or person:ben")
    return roles.find(tx, name) if kind == "role" else people.find(tx, name)


def _words(to: Role | Person) -> str:
    return f"{'role' if isinstance(to, Role) else 'person'} {to.name}"


def _columns(to: Role | Person) -> tuple[str | None, str | None]:
    return (to.id, None) if isinstance(to, Role) else (None, to.id)


def _present(tx: Transaction, account: Account, to: Role | Person) -> Grant | None:
    role_id, person_id = _columns(to)
    query = select(Grant).where(Grant.account_id == account.id, Grant.role_id == role_id, Grant.person_id == person_id)
    return tx.session.exec(query).first()
