"""The access rule, held against a model of ten lines."""

from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from botdesk import access
from botdesk.access import Action, Actor, ActorKind, Level, Standing

LEVELS = st.none() | st.sampled_from(Level)
PEOPLE = st.builds(
    Actor,
    kind=st.just(ActorKind.PERSON),
    id=st.just("per_1"),
    name=st.just("ben"),
    standing=st.sampled_from(Standing),
    active=st.booleans(),
)

VIEWS = {Action.ACCOUNT_VIEWED}
OPERATES = {
    Action.TOKEN_ISSUED,
    Action.TOKEN_DELIVERED,
    Action.TOKEN_ROTATED,
    Action.TOKEN_EXTENDED,
    Action.TOKEN_RETIRED,
    Action.TOKEN_REINSTATED,
    Action.TOKEN_REVOKED,
}
MANAGES = {
    Action.ACCOUNT_MODIFIED,
    Action.ACCOUNT_DISABLED,
    Action.ACCOUNT_ENABLED,
    Action.ACCOUNT_REMOVED,
    Action.ACCOUNT_RESTORED,
    Action.ADVICE_DISMISSED,
    Action.ADVICE_RECALLED,
    Action.GRANT_GIVEN,
    Action.GRANT_WITHDRAWN,
    Action.MIGRATION_STARTED,
    Action.MIGRATION_EQUIPPED,
    Action.MIGRATION_OPENED,
    Action.MIGRATION_CLOSED,
    Action.MIGRATION_PAUSED,
    Action.MIGRATION_RESUMED,
    Action.MIGRATION_CANCELLED,
    Action.PERSONAL_TOKEN_REGISTERED,
    Action.PERSONAL_TOKEN_REVOKED,
    Action.PERSONAL_TOKEN_CONFIRMED,
}
OWN = {Action.PERSONAL_TOKEN_REGISTERED, Action.PERSONAL_TOKEN_REVOKED, Action.PERSONAL_TOKEN_CONFIRMED}
BY_MEMBERS = {Action.ACCOUNT_CREATED, Action.BULK_BEGUN, Action.BULK_RESUMED, Action.BULK_ENDED}
OPEN = {Action.DESK_OPENED, Action.AUDIT_VIEWED}
BOTS = {Action.TOKEN_USED, Action.TOKEN_REFUSED, Action.PERSONAL_TOKEN_USED, Action.PERSONAL_TOKEN_REFUSED}


def model(person: Actor, action: Action, level: Level | None, own: bool) -> bool:
    """The rule again, as one would tell it."""
    if not person.active or action in BOTS:
        return False
    if person.standing == "admin" or action in OPEN:
        return True
    if person.standing == "auditor":
        return action in VIEWS or action in (Action.AUDIT_EXPORTED, Action.KEY_VIEWED)
    allowed = {None: set(), "view": VIEWS, "operate": VIEWS | OPERATES, "manage": VIEWS | OPERATES | MANAGES}[level]
    return action in BY_MEMBERS or action in allowed or (own and action in OWN)


@settings(max_examples=1000)
@given(PEOPLE, st.sampled_from(Action), LEVELS, st.booleans())
def test_the_rule_is_the_model(person: Actor, action: Action, level: Level | None, own: bool) -> None:
    assert access.allows(person, action, level, own=own) is model(person, action, level, own)


@pytest.mark.parametrize("action", Action)
def test_no_case_of_the_rule_is_left_out(action: Action) -> None:
    """Chance may miss one of a thousand; here is each."""
    for standing, active, level, own in product(Standing, (True, False), (None, *Level), (True, False)):
        person = Actor(ActorKind.PERSON, "per_1", "ben", standing, active)
        expected = model(person, action, level, own)
        assert access.allows(person, action, level, own=own) is expected, (standing, active, level, own)


@given(st.lists(st.sampled_from(Level)), st.booleans())
def test_the_highest_level_counts_and_the_creator_always_manages(levels: list[Level], creator: bool) -> None:
    order = [None, Level.VIEW, Level.OPERATE, Level.MANAGE]
    expected = Level.MANAGE if creator else order[max([order.index(level) for level in levels], default=0)]
    assert access.highest(levels, owner=creator) is expected


SCOPES = st.frozensets(st.sampled_from(["a:r", "a:w", "b:r"]))


@given(PEOPLE, SCOPES, SCOPES)
def test_members_put_opened_scopes_alone_on_accounts_and_admins_any(
    person: Actor, wanted: frozenset[str], opened: frozenset[str]
) -> None:
    refused = access.unopened(person, wanted, opened)
    assert refused == (frozenset() if person.standing is Standing.ADMIN else wanted - opened)
