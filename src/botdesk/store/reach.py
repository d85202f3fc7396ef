"""Which accounts an actor can reach, as SQL: the same rule as `access`, over whole tables."""

from sqlalchemy import ColumnElement, or_, true
from sqlmodel import Session, col, select

from botdesk.access import Actor, ActorKind, Level, Standing, highest
from botdesk.store.tables import Account, Grant, Membership, Role


def sees_everything(actor: Actor) -> bool:
    """Tell whether the actor's reach is the whole desk."""
    return actor.kind is ActorKind.SYSTEM or actor.standing in (Standing.ADMIN, Standing.AUDITOR)


def in_reach(actor: Actor) -> ColumnElement[bool]:
    """The condition on `Account` that it is in the actor's reach."""
    if sees_everything(actor):
        return true()
    granted = select(Grant.account_id).where(_granted_to(actor.id))
    return or_(col(Account.created_by) == actor.id, col(Account.id).in_(granted))


def level_on(session: Session, actor: Actor, account: Account) -> Level | None:
    """The level that creation and grants give the actor on the account; standing is not looked at.

    A service account operates itself, and no other.
    """
    if actor.kind is ActorKind.ACCOUNT:
        return Level.OPERATE if actor.id == account.id else None
    levels = session.exec(select(col(Grant.level)).where(Grant.account_id == account.id, _granted_to(actor.id)))
    return highest(levels, creator=account.created_by == actor.id)


def opened_scopes(session: Session, actor: Actor) -> frozenset[str]:
    """The scopes that admins opened to the actor's roles."""
    opened = (
        select(Role.scopes)
        .join(Membership, col(Membership.role_id) == Role.id)
        .where(Membership.person_id == actor.id, col(Role.scopes).is_not(None))
    )
    return frozenset(scope for scopes in session.exec(opened) for scope in (scopes or "").split())


def _granted_to(person_id: str) -> ColumnElement[bool]:
    roles = select(Membership.role_id).where(Membership.person_id == person_id)
    return or_(col(Grant.person_id) == person_id, col(Grant.role_id).in_(roles))
