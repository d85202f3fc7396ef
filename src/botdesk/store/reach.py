"""Which accounts an actor can reach, as SQL: the same rule as `access`, over whole tables."""

from functools import cache
from typing import TYPE_CHECKING

from sqlalchemy import ColumnElement, or_, true
from sqlmodel import Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from botdesk.access import Actor, ActorKind, Level, Standing, highest
from botdesk.store.tables import Account, Grant, Membership, Person, Role

if TYPE_CHECKING:
    from botdesk.facts import Facts


def sees_everything(actor: Actor) -> bool:
    """Tell whether the actor's reach is the whole desk."""
    return actor.kind is ActorKind.SYSTEM or actor.standing in (Standing.ADMIN, Standing.AUDITOR)


def in_reach(actor: Actor) -> ColumnElement[bool]:
    """The condition on `Account` that it is in the actor's reach."""
    if sees_everything(actor):
        return true()
    return theirs(actor.id)


def theirs(person_id: str) -> ColumnElement[bool]:
    """The condition on `Account` that the person created it, or has a grant on it by name or by role."""
    granted = select(Grant.account_id).where(_granted_to(person_id))
    return or_(col(Account.owned_by) == person_id, col(Account.id).in_(granted))


def of_role(role_id: str) -> ColumnElement[bool]:
    """The condition on `Account` that the role has a grant on it."""
    return col(Account.id).in_(select(Grant.account_id).where(Grant.role_id == role_id))


@cache
def managed() -> ColumnElement[bool]:
    """The condition on `Account` that an active person can manage it by creation or grant; admins do not count."""
    managing = select(Grant.id).where(Grant.account_id == Account.id, Grant.level == Level.MANAGE, counting())
    return or_(col(Account.owned_by).in_(managers()), managing.correlate(Account).exists())


@cache
def counting() -> ColumnElement[bool]:
    """The condition on `Grant` that it is given to somebody who can use it to manage."""
    manned = select(Membership.role_id).where(col(Membership.person_id).in_(managers()))
    return or_(col(Grant.role_id).in_(manned), col(Grant.person_id).in_(managers()))


@cache
def managers() -> SelectOfScalar[str]:
    """The ids of the people who can manage what they created or were granted: active ones who are no auditors."""
    return select(Person.id).where(col(Person.disabled_at).is_(None), Person.standing != Standing.AUDITOR)


def level_on(session: Session, actor: Actor, account: Account) -> Level | None:
    """The level that creation and grants give the actor on the account; standing is not looked at.

    A service account operates itself, and no other.
    """
    if actor.kind is ActorKind.ACCOUNT:
        return Level.OPERATE if actor.id == account.id else None
    levels = session.exec(select(col(Grant.level)).where(Grant.account_id == account.id, _granted_to(actor.id)))
    return highest(levels, owner=account.owned_by == actor.id)


def opened_scopes(session: Session, actor: Actor) -> frozenset[str]:
    """The scopes that admins opened to the actor's roles."""
    opened = (
        select(Role.scopes)
        .join(Membership, col(Membership.role_id) == Role.id)
        .where(Membership.person_id == actor.id, col(Role.scopes).is_not(None))
    )
    return frozenset(scope for scopes in session.exec(opened) for scope in (scopes or "").split())


def facts(session: Session, *wanted: ColumnElement[bool]) -> "Facts":
    """Read what access to the wanted accounts is made of."""
    from botdesk.facts import Facts, What, Who

    accounts = session.exec(select(Account.id, Account.name, Account.owned_by, Account.created_by).where(*wanted)).all()
    people = session.exec(select(Person.id, Person.name, col(Person.standing), Person.disabled_at)).all()
    grants = session.exec(
        select(Grant.account_id, Grant.role_id, Grant.person_id, col(Grant.level)).join(Account).where(*wanted)
    ).all()
    roles = dict(session.exec(select(Role.id, Role.name)).all())
    members = frozenset(session.exec(select(Membership.role_id, Membership.person_id)).all())
    return Facts(
        people={id: Who(id, name, standing, disabled_at is None) for id, name, standing, disabled_at in people},
        roles=roles,
        members=members,
        accounts={id: What(id, name, owner, owner == creator) for id, name, owner, creator in accounts},
        granted={(account, str(role or person)): level for account, role, person, level in grants},
    )


def _granted_to(person_id: str) -> ColumnElement[bool]:
    roles = select(Membership.role_id).where(Membership.person_id == person_id)
    return or_(col(Grant.person_id) == person_id, col(Grant.role_id).in_(roles))
