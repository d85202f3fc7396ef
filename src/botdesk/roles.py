"""Roles: named teams of people."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from sqlmodel import col, func, or_, select

from botdesk import audit, people, wording
from botdesk import scopes as scope_words
from botdesk.access import Action
from botdesk.errors import Conflict, InvalidInput, NotFound
from botdesk.store import reach
from botdesk.store.tables import Account, Grant, Membership, Person
from botdesk.store.tables import Role as Role
from botdesk.store.transaction import Transaction

_NAME: Final = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")


@dataclass(frozen=True, slots=True)
class RoleLine:
    """A role as a list shows it: with its members' names, and on how many accounts in the actor's reach it counts."""

    role: Role
    members: tuple[str, ...]
    accounts: int


def create(tx: Transaction, name: str, *, description: str = "", scopes: str | Iterable[str] = ()) -> Role:
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
    name = _free_name(tx, name)
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


def modify(
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
    role = find(tx, name)
    wanted = {
        "name": None if new_name in (None, role.name) else _free_name(tx, str(new_name)),
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


def remove(tx: Transaction, name: str) -> Role:
    """Remove a role; its members and grants go with it, each with an event of its own.

    Raises:
        AccessDenied: The actor is no admin.
        NotFound: There is no such role.
    """
    audit.require(tx, Action.ROLE_REMOVED, role=name[:64])
    role = find(tx, name)
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
    role, person = find(tx, role_name), people.find(tx, person_name)
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
    role, person = find(tx, role_name), people.find(tx, person_name)
    membership = tx.session.get(Membership, (role.id, person.id))
    if membership is None:
        raise NotFound(f"{person.name!r} is not in the role {role.name!r}", hint="'botdesk role list' shows who is")
    return role, person, membership


def find(tx: Transaction, name: str) -> Role:
    """Find a role by name or id.

    Raises:
        NotFound: There is no such role.
    """
    role = tx.session.exec(select(Role).where(or_(Role.name == name, Role.id == name))).first()
    if role is None:
        raise NotFound(f"there is no role {name[:40]!r}", hint="'botdesk role list' shows all roles")
    return role


def listed(tx: Transaction) -> list[RoleLine]:
    """List roles by name."""
    found = tx.session.exec(select(Role).order_by(Role.name)).all()
    belonging = select(Membership.role_id, Person.name).join(Person).order_by(Person.name)
    members = people.grouped(tx.session.exec(belonging))
    grants = dict(
        tx.session.exec(
            select(Grant.role_id, func.count())
            .join(Account)
            .where(col(Grant.role_id).is_not(None), reach.in_reach(tx.actor))
            .group_by(Grant.role_id)
        ).all()
    )
    return [RoleLine(role, members.get(role.id, ()), grants.get(role.id, 0)) for role in found]


def _free_name(tx: Transaction, name: str) -> str:
    name = wording.clean(name, "role", longest=40, required=True)
    if not _NAME.fullmatch(name):
        raise InvalidInput(
            f"{name!a} is no role name", hint="lower-case words joined by '-', as in platform or data-ops"
        )
    if tx.session.exec(select(Role).where(Role.name == name)).first():
        raise Conflict(f"there is a role {name!r} already", hint="choose another name, or use that one")
    return name
