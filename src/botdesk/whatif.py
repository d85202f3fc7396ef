"""What if: who would gain and who would lose, before a change of access is saved.

Each question is for who may make the change, and changes nothing; `tx` may be a reading transaction.
"""

from sqlmodel import col

from botdesk import audit, facts, grants, people, roles
from botdesk.access import Action, Level, Standing
from botdesk.facts import Difference as Difference
from botdesk.facts import Shift as Shift
from botdesk.store import reach
from botdesk.store.tables import Account
from botdesk.store.transaction import Transaction


def given(tx: Transaction, account_id: str, grantee: str, level: Level) -> Difference:
    """What `grants.give` would do.

    Raises:
        AccessDenied: The actor may not manage the account.
        Conflict: They have that level already, or the account is removed.
        InvalidInput: The grantee has another form.
        NotFound: There is no such account in reach, role or person.
    """
    account, to, _ = grants.givable(tx, account_id, grantee, level)
    now = reach.facts(tx.session, col(Account.id) == account.id)
    return facts.difference(now, now.giving(account.id, to.id, Level(level)))


def withdrawn(tx: Transaction, account_id: str, grantee: str) -> Difference:
    """What `grants.withdraw` would do.

    Raises:
        AccessDenied: The actor may not manage the account.
        InvalidInput: The grantee has another form.
        NotFound: There is no such account in reach, role, person or grant.
    """
    account, to, _ = grants.find(tx, account_id, grantee, Action.GRANT_WITHDRAWN)
    now = reach.facts(tx.session, col(Account.id) == account.id)
    return facts.difference(now, now.giving(account.id, to.id, None))


def handed_over(tx: Transaction, account_id: str, person: str) -> Difference:
    """What `grants.hand_over` would do.

    Raises:
        AccessDenied: The actor is no admin.
        Conflict: The person cannot have it, or has it already.
        NotFound: There is no such account in reach, or no such person.
    """
    account, heir = grants.find_heir(tx, account_id, person)
    now = reach.facts(tx.session, col(Account.id) == account.id)
    return facts.difference(now, now.handing(account.id, heir.id))


def joined(tx: Transaction, role: str, person: str) -> Difference:
    """What `roles.add_member` would do.

    Raises:
        AccessDenied: The actor is no admin.
        NotFound: There is no such role or person.
    """
    team, who = roles.find_joining(tx, role, person)
    now = _of_role(tx, team)
    return facts.difference(now, now.joining(team.id, who.id))


def dropped(tx: Transaction, role: str, person: str) -> Difference:
    """What `roles.drop_member` would do.

    Raises:
        AccessDenied: The actor is no admin.
        NotFound: There is no such role or person.
    """
    team, who, _ = roles.find_membership(tx, role, person)
    now = _of_role(tx, team)
    return facts.difference(now, now.leaving(team.id, who.id))


def role_removed(tx: Transaction, role: str) -> Difference:
    """What `roles.remove` would do.

    Raises:
        AccessDenied: The actor is no admin.
        NotFound: There is no such role.
    """
    audit.require(tx, Action.ROLE_REMOVED, role=role[:64])
    team = roles.find(tx, role)
    now = _of_role(tx, team)
    return facts.difference(now, now.without(team.id))


def modified(tx: Transaction, person: str, standing: Standing | None) -> Difference:
    """What `people.modify` would do; None leaves the standing as it is.

    Raises:
        AccessDenied: The actor is no admin.
        Conflict: They are the last active admin.
        NotFound: There is no such person.
    """
    audit.require(tx, Action.PERSON_MODIFIED, person=person[:64])
    who = people.find(tx, person)
    if standing not in (None, Standing.ADMIN):
        people.keep_an_admin(tx, who)
    now = _of_person(tx, who)
    return facts.difference(now, now.being(who.id, standing=standing))


def disabled(tx: Transaction, person: str) -> Difference:
    """What `people.disable` would do.

    Raises:
        AccessDenied: The actor is no admin.
        Conflict: They are the last active admin.
        NotFound: There is no such person.
    """
    who = people.find_leaver(tx, person)
    return leaving(tx, who)


def enabled(tx: Transaction, person: str) -> Difference:
    """What `people.enable` would do.

    Raises:
        AccessDenied: The actor is no admin.
        NotFound: There is no such person.
    """
    audit.require(tx, Action.PERSON_ENABLED, person=person[:64])
    who = people.find(tx, person)
    now = _of_person(tx, who)
    return facts.difference(now, now.being(who.id, active=True))


def leaving(tx: Transaction, who: people.Person) -> Difference:
    """What would become of the access to the accounts in the actor's reach if the person left."""
    now = _of_person(tx, who)
    return facts.difference(now, now.being(who.id, active=False))


def _of_role(tx: Transaction, role: roles.Role) -> facts.Facts:
    return reach.facts(tx.session, reach.of_role(role.id))


def _of_person(tx: Transaction, who: people.Person) -> facts.Facts:
    return reach.facts(tx.session, reach.theirs(who.id), reach.in_reach(tx.actor), col(Account.removed_at).is_(None))
