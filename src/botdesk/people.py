"""People: who may use the desk.

A person is known by their operating-system name. Disabling a person changes no bot.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from sqlmodel import col, func, or_, select

from botdesk import audit, wording
from botdesk.access import Action, Standing
from botdesk.errors import Conflict, InvalidInput, NotFound
from botdesk.store import reach
from botdesk.store.tables import Account, Membership
from botdesk.store.tables import Person as Person
from botdesk.store.tables import Role as Role
from botdesk.store.transaction import Transaction

_PERSON_NAME: Final = re.compile(r"[a-z0-9_][a-z0-9_.-]{0,31}")


@dataclass(frozen=True, slots=True)
class PersonLine:
    """A person as a list shows them: with their roles, and how many accounts in the actor's reach they created."""

    person: Person
    active: bool
    roles: tuple[str, ...]
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
    roles = grouped(tx.session.exec(select(Membership.person_id, Role.name).join(Role).order_by(Role.name)))
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


def grouped(pairs: Iterable[tuple[str, str]]) -> dict[str, tuple[str, ...]]:
    """The names of each key, in the order in which they come."""
    groups: dict[str, tuple[str, ...]] = {}
    for key, name in pairs:
        groups[key] = (*groups.get(key, ()), name)
    return groups
