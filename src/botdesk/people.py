"""People and their roles: who may use the desk, and in which teams they are.

A person is known by their operating-system name. Disabling a person changes no bot.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from sqlmodel import col, func, or_, select

from botdesk import audit, wording
from botdesk import scopes as scope_words
from botdesk.access import Action, Standing
from botdesk.errors import Conflict, InvalidInput, NotFound
from botdesk.store import reach
from botdesk.store.tables import Account, Grant, Membership
from botdesk.store.tables import Person as Person
from botdesk.store.tables import Role as Role
from botdesk.store.transaction import Transaction

_PERSON_NAME: Final = re.compile(r"[a-z0-9_][a-z0-9_.-]{0,31}")
_ROLE_NAME: Final = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")


@dataclass(frozen=True, slots=True)
class PersonLine:
    """A person as a list shows them: with their roles, and how many accounts in the actor's reach they created."""

    person: Person
    active: bool
    roles: tuple[str, ...]
    accounts: int


@dataclass(frozen=True, slots=True)
class RoleLine:
    """A role as a list shows it: with its members' names, and on how many accounts in the actor's reach it counts."""

    role: Role
    members: tuple[str, ...]
    accounts: int


def add(tx: Transaction, name: str, *, full_name: str = "", standing: Standing = Standing.MEMBER) -> Person:
    """Let a person use the desk, under their operating-system name.

    Raises:
        AccessDenied: The actor is no admin.
        Conflict: The person is known already.
        InvalidInput: The name or the full name cannot be taken.
    """
    audit.require(tx, Action.PERSON_ADDED, person=name[:64])
    name = check_person_name(name)
    full_name = wording.clean(full_name, "full name", longest=80)
    if _person(tx, name):
        raise Conflict(f"{name!r} is a person of this desk already", hint=f"botdesk person modify {name}")
    person = Person(
        id=tx.new_id("per"), name=name, full_name=full_name, standing=standing, added_at=tx.now, added_by=tx.actor.id
    )
    audit.record(tx, Action.PERSON_ADDED, person, person=name, standing=standing.value)
    return person


def modify(tx: Transaction, name: str, *, full_name: str | None = None, standing: Standing | None = None) -> Person:
    """Change a person's full name or standing; None leaves a thing as it is.

    Raises:
        AccessDenied: The actor is no admin.
        Conflict: The last active admin would lose that standing, or nothing would change.
        NotFound: There is no such person.
    """
    audit.require(tx, Action.PERSON_MODIFIED, person=name[:64])
    person = find(tx, name)
    if standing is not None and standing is not Standing.ADMIN:
        keep_an_admin(tx, person)
    wanted = {
        "full_name": None if full_name is None else wording.clean(full_name, "full name", longest=80),
        "standing": standing,
    }
    changes = audit.change(person, wanted)
    audit.record(tx, Action.PERSON_MODIFIED, person, person=person.name, changes=changes)
    return person


def disable(tx: Transaction, name: str) -> Person:
    """Let a person use the desk no more; the accounts and tokens that they made go on.

    Raises:
        AccessDenied: The actor is no admin.
        Conflict: They are disabled already, or the last active admin.
        NotFound: There is no such person.
    """
    person = find_leaver(tx, name)
    person.disabled_at = tx.now
    audit.record(tx, Action.PERSON_DISABLED, person, person=person.name)
    return person


def find_leaver(tx: Transaction, name: str) -> Person:
    """Find a person who can be disabled.

    Raises:
        AccessDenied: The actor is no admin.
        Conflict: They are disabled already, or the last active admin.
        NotFound: There is no such person.
    """
    audit.require(tx, Action.PERSON_DISABLED, person=name[:64])
    person = find(tx, name)
    if person.disabled_at:
        raise Conflict(f"{person.name!r} is disabled already", hint=f"botdesk person enable {person.name}")
    keep_an_admin(tx, person)
    return person


def enable(tx: Transaction, name: str) -> Person:
    """Let a disabled person use the desk again.

    Raises:
        AccessDenied: The actor is no admin.
        Conflict: They are not disabled.
        NotFound: There is no such person.
    """
    audit.require(tx, Action.PERSON_ENABLED, person=name[:64])
    person = find(tx, name)
    if not person.disabled_at:
        raise Conflict(f"{person.name!r} is not disabled", hint="there is nothing to do")
    person.disabled_at = None
    audit.record(tx, Action.PERSON_ENABLED, person, person=person.name)
    return person


def keep_an_admin(tx: Transaction, person: Person) -> None:
    """See that the desk has an active admin without this person.

    Raises:
        Conflict: They are the last one.
    """
    others = select(Person.id).where(
        Person.standing == Standing.ADMIN, col(Person.disabled_at).is_(None), Person.id != person.id
    )
    if person.standing is Standing.ADMIN and not person.disabled_at and not tx.session.exec(others).first():
        raise Conflict(f"{person.name!r} is the last active admin", hint="make somebody else an admin first")


def check_person_name(name: str) -> str:
    """Check a person's name: an operating-system login, lower case.

    Raises:
        InvalidInput: It is no such name.
    """
    name = wording.clean(name, "name", longest=64, required=True)
    if not _PERSON_NAME.fullmatch(name):
        raise InvalidInput(
            f"the name {name[:40]!a} is no login name",
            hint="use the operating-system name in lower case: letters, digits, '.', '-' and '_', at most 32",
        )
    return name


def find(tx: Transaction, name: str) -> Person:
    """Find a person by name or id.

    Raises:
        NotFound: There is no such person.
    """
    person = _person(tx, name)
    if person is None:
        raise NotFound(f"there is no person {name[:40]!r}", hint="'botdesk person list' shows everybody")
    return person


def _person(tx: Transaction, name: str) -> Person | None:
    return tx.session.exec(select(Person).where(or_(Person.name == name, Person.id == name))).first()


def names(tx: Transaction) -> dict[str, str]:
    """The names of all people by their ids."""
    return dict(tx.session.exec(select(Person.id, Person.name)).all())


def listed(tx: Transaction, *, disabled: bool = True) -> list[PersonLine]:
    """List people by name; disabled ones too unless told otherwise."""
    people = tx.session.exec(select(Person).order_by(Person.name)).all()
    roles = _grouped(tx.session.exec(select(Membership.person_id, Role.name).join(Role).order_by(Role.name)))
    made = dict(
        tx.session.exec(
            select(Account.owned_by, func.count())
            .where(col(Account.removed_at).is_(None), reach.in_reach(tx.actor))
            .group_by(Account.owned_by)
        ).all()
    )
    return [
        PersonLine(person, person.disabled_at is None, roles.get(person.id, ()), made.get(person.id, 0))
        for person in people
        if disabled or person.disabled_at is None
    ]


def create_role(tx: Transaction, name: str, *, description: str = "", scopes: str | Iterable[str] = ()) -> Role:
    """Create a role: a named team of people.

    Args:
        tx: The transaction.
        name: Lower-case words joined by `-`.
        description: What the team does.
        scopes: What its members may put on accounts (RFC 6749 §3.3).

    Raises:
        AccessDenied: The actor is no admin.
        Conflict: There is such a role already.
        InvalidInput: A value cannot be taken.
    """
    audit.require(tx, Action.ROLE_CREATED, role=name[:64])
    name = _free_role_name(tx, name)
    description = wording.clean(description, "description", longest=200)
    opened = scope_words.format(scope_words.parse(scopes)) or None
    role = Role(
        id=tx.new_id("rol"),
        name=name,
        description=description,
        created_at=tx.now,
        created_by=tx.actor.id,
        scopes=opened,
    )
    audit.record(tx, Action.ROLE_CREATED, role, role=name, scopes=opened)
    return role


def modify_role(
    tx: Transaction,
    name: str,
    *,
    new_name: str | None = None,
    description: str | None = None,
    scopes: str | Iterable[str] | None = None,
) -> Role:
    """Change a role; None leaves a thing as it is. What was put on accounts before stays there.

    Raises:
        AccessDenied: The actor is no admin.
        Conflict: There is a role of the new name already, or nothing would change.
        InvalidInput: A value cannot be taken.
        NotFound: There is no such role.
    """
    audit.require(tx, Action.ROLE_MODIFIED, role=name[:64])
    role = find_role(tx, name)
    wanted = {
        "name": None if new_name in (None, role.name) else _free_role_name(tx, str(new_name)),
        "description": None if description is None else wording.clean(description, "description", longest=200),
        "scopes": None if scopes is None else _other_scopes(role, scopes),
    }
    before = role.name
    changes = audit.change(role, wanted)
    audit.record(tx, Action.ROLE_MODIFIED, role, role=before, changes=changes)
    return role


def _other_scopes(role: Role, text: str | Iterable[str]) -> str | None:
    """The scopes to be opened; None when just these are."""
    wanted = scope_words.format(scope_words.parse(text))
    return None if wanted == (role.scopes or "") else wanted


def remove_role(tx: Transaction, name: str) -> Role:
    """Remove a role; its members and grants go with it, each with an event of its own.

    Raises:
        AccessDenied: The actor is no admin.
        NotFound: There is no such role.
    """
    audit.require(tx, Action.ROLE_REMOVED, role=name[:64])
    role = find_role(tx, name)
    for grant in tx.session.exec(select(Grant).where(Grant.role_id == role.id)).all():
        account = tx.session.get_one(Account, grant.account_id)
        audit.record(tx, Action.GRANT_WITHDRAWN, grant, account=account, gone=True, grantee=f"role {role.name}")
    for membership in tx.session.exec(select(Membership).where(Membership.role_id == role.id)).all():
        person = tx.session.get_one(Person, membership.person_id)
        audit.record(tx, Action.ROLE_MEMBER_DROPPED, membership, gone=True, role=role.name, person=person.name)
    audit.record(tx, Action.ROLE_REMOVED, role, gone=True, role=role.name)
    return role


def add_member(tx: Transaction, role_name: str, person_name: str) -> Membership:
    """Put a person into a role.

    Raises:
        AccessDenied: The actor is no admin.
        Conflict: They are in it already.
        NotFound: There is no such role or person.
    """
    role, person = find_joining(tx, role_name, person_name)
    membership = Membership(role_id=role.id, person_id=person.id, added_at=tx.now, added_by=tx.actor.id)
    audit.record(tx, Action.ROLE_MEMBER_ADDED, membership, role=role.name, person=person.name)
    return membership


def find_joining(tx: Transaction, role_name: str, person_name: str) -> tuple[Role, Person]:
    """Find a role, and a person who can be put into it.

    Raises:
        AccessDenied: The actor is no admin.
        Conflict: They are in it already.
        NotFound: There is no such role or person.
    """
    audit.require(tx, Action.ROLE_MEMBER_ADDED, role=role_name[:64], person=person_name[:64])
    role, person = find_role(tx, role_name), find(tx, person_name)
    if tx.session.get(Membership, (role.id, person.id)):
        raise Conflict(f"{person.name!r} is in the role {role.name!r} already", hint="there is nothing to do")
    return role, person


def drop_member(tx: Transaction, role_name: str, person_name: str) -> Membership:
    """Take a person out of a role.

    Raises:
        AccessDenied: The actor is no admin.
        NotFound: There is no such role or person, or they are not in it.
    """
    role, person, membership = find_membership(tx, role_name, person_name)
    audit.record(tx, Action.ROLE_MEMBER_DROPPED, membership, gone=True, role=role.name, person=person.name)
    return membership


def find_membership(tx: Transaction, role_name: str, person_name: str) -> tuple[Role, Person, Membership]:
    """Find a role, and a person in it, to take them out.

    Raises:
        AccessDenied: The actor is no admin.
        NotFound: There is no such role or person, or they are not in it.
    """
    audit.require(tx, Action.ROLE_MEMBER_DROPPED, role=role_name[:64], person=person_name[:64])
    role, person = find_role(tx, role_name), find(tx, person_name)
    membership = tx.session.get(Membership, (role.id, person.id))
    if membership is None:
        raise NotFound(f"{person.name!r} is not in the role {role.name!r}", hint="'botdesk role list' shows who is")
    return role, person, membership


def find_role(tx: Transaction, name: str) -> Role:
    """Find a role by name or id.

    Raises:
        NotFound: There is no such role.
    """
    role = tx.session.exec(select(Role).where(or_(Role.name == name, Role.id == name))).first()
    if role is None:
        raise NotFound(f"there is no role {name[:40]!r}", hint="'botdesk role list' shows all roles")
    return role


def roles(tx: Transaction) -> list[RoleLine]:
    """List roles by name."""
    found = tx.session.exec(select(Role).order_by(Role.name)).all()
    members = _grouped(tx.session.exec(select(Membership.role_id, Person.name).join(Person).order_by(Person.name)))
    grants = dict(
        tx.session.exec(
            select(Grant.role_id, func.count())
            .join(Account)
            .where(col(Grant.role_id).is_not(None), reach.in_reach(tx.actor))
            .group_by(Grant.role_id)
        ).all()
    )
    return [RoleLine(role, members.get(role.id, ()), grants.get(role.id, 0)) for role in found]


def _free_role_name(tx: Transaction, name: str) -> str:
    name = wording.clean(name, "role", longest=40, required=True)
    if not _ROLE_NAME.fullmatch(name):
        raise InvalidInput(
            f"{name!a} is no role name", hint="lower-case words joined by '-', as in platform or data-ops"
        )
    if tx.session.exec(select(Role).where(Role.name == name)).first():
        raise Conflict(f"there is a role {name!r} already", hint="choose another name, or use that one")
    return name


def _grouped(pairs: Iterable[tuple[str, str]]) -> dict[str, tuple[str, ...]]:
    groups: dict[str, tuple[str, ...]] = {}
    for key, name in pairs:
        groups[key] = (*groups.get(key, ()), name)
    return groups
