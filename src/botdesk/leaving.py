"""If somebody leaves: what ends with them, what goes on, and what others have to take over first."""

from dataclasses import dataclass

from sqlalchemy import ColumnElement
from sqlmodel import and_, col, or_, select

from botdesk import audit, facts, people, sought, tokens, whatif, wording
from botdesk.access import Action
from botdesk.errors import Conflict
from botdesk.facts import Difference
from botdesk.people import Person
from botdesk.store import reach
from botdesk.store.tables import Account, Event, Membership, Outcome, Role, Token
from botdesk.store.transaction import Transaction


@dataclass(frozen=True, slots=True)
class Leaving:
    """What it means for the accounts in the actor's reach if a person leaves.

    Attributes:
        person: Who.
        last_admin: They are the last active admin, and cannot leave.
        roles: The names of their roles.
        difference: What they lose, and the accounts that lose their last manager with them.
        handed: The tokens that still work and whose secrets were handed to them.
    """

    person: Person
    last_admin: bool
    roles: tuple[str, ...]
    difference: Difference
    handed: tuple[tokens.Line, ...]


def preview(tx: Transaction, person: str) -> Leaving:
    """Tell what it would mean if a person left; nothing is changed.

    Raises:
        NotFound: There is no such person.
    """
    who = people.find(tx, person)
    roles = select(Role.name).join(Membership).where(Membership.person_id == who.id).order_by(Role.name)
    return Leaving(
        person=who,
        last_admin=_is_last_admin(tx, who),
        roles=tuple(tx.session.exec(roles).all()),
        difference=whatif.leaving(tx, who),
        handed=_handed(tx, who),
    )


def _is_last_admin(tx: Transaction, who: Person) -> bool:
    try:
        people.keep_an_admin(tx, who)
    except Conflict:
        return True
    return False


def _handed(tx: Transaction, who: Person) -> tuple[tokens.Line, ...]:
    delivered = select(Event.subject_id).where(
        sought.by_condition("event_actor"),
        Event.actor_id == who.id,
        Event.action == Action.TOKEN_DELIVERED,
        Event.outcome == Outcome.DONE,
    )
    to_them: ColumnElement[bool] = col(Token.id).in_(delivered)
    if begins := audit.kept_since(tx):  # who handed over what before is in an archive: whoever issued it, mostly
        to_them = or_(to_them, and_(col(Token.issued_by) == who.id, col(Token.delivered_at) < begins))
    query = (
        select(Token, Account.name, Account.disabled_at)
        .join(Account, col(Account.id) == Token.account_id)
        .where(reach.in_reach(tx.actor), to_them)
        .order_by(Account.name, Token.label, Token.id)
    )
    lines = tokens.lines(tx, tx.session.exec(query).all())
    return tuple(line for line in lines if line.state in tokens.LIVE)


def told(leaving: Leaving) -> list[str]:
    """The same in words, a line for each thing that matters."""
    name, difference = leaving.person.name, leaving.difference
    if leaving.last_admin:
        return [f"{name} is the last active admin and cannot leave: make somebody else an admin first"]
    lines = facts.told(difference)
    lines += [f"{name} has the token '{line.token.label}' of {line.account}, which works on" for line in leaving.handed]
    if leaving.roles:
        lines.append(f"{name} stays in {', '.join(leaving.roles)}, without access")
    nothing = "no account and no token depends on them"
    ends = f"{name} cannot use the desk any more; {wording.plural(len(leaving.handed), 'token')} should be rotated"
    return [*(lines or [nothing]), ends if leaving.handed else f"{name} cannot use the desk any more; the bots go on"]
