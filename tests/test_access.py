"""The rule that every front door obeys, over all that can be asked."""

from itertools import combinations_with_replacement, product

from botdesk.access import (
    BY_ACCOUNTS,
    BY_STANDING,
    ON_ACCOUNT,
    ON_OWN_TOKENS,
    SYSTEM,
    Action,
    Actor,
    ActorKind,
    Level,
    Standing,
    allows,
    highest,
)

LEVELS = (None, Level.VIEW, Level.OPERATE, Level.MANAGE)
"""What somebody may have on an account, from nothing to all."""

FOR_ADMINS = set(Action) - set(ON_ACCOUNT) - set(BY_STANDING) - BY_ACCOUNTS


def person(standing: Standing, *, active: bool = True) -> Actor:
    return Actor(ActorKind.PERSON, "per_1", "ada", standing, active=active)


MEMBER, ADMIN, AUDITOR = (person(standing) for standing in (Standing.MEMBER, Standing.ADMIN, Standing.AUDITOR))
BOT = Actor(ActorKind.ACCOUNT, "acc_1", "ci-bot")


def test_every_action_has_one_place_in_the_rule() -> None:
    assert not set(ON_ACCOUNT) & set(BY_STANDING)
    assert not (set(ON_ACCOUNT) | set(BY_STANDING)) & BY_ACCOUNTS
    assert {"person:added", "role:created", "desk:backed-up"} <= FOR_ADMINS


def test_a_member_may_do_what_their_level_reaches() -> None:
    for (action, needed), level in product(ON_ACCOUNT.items(), LEVELS):
        assert allows(MEMBER, action, level) is (LEVELS.index(level) >= LEVELS.index(needed)), action


def test_the_levels_are_those_of_the_design() -> None:
    may = {level: {action.value for action in ON_ACCOUNT if allows(MEMBER, action, level)} for level in LEVELS[1:]}
    assert may[Level.VIEW] == {"account:viewed"}
    assert may[Level.OPERATE] - may[Level.VIEW] == {
        *("token:issued", "token:delivered", "token:rotated", "token:revoked"),
        *("token:extended", "token:retired", "token:reinstated"),
    }
    assert {"account:modified", "account:removed", "grant:given", "grant:withdrawn"} <= (
        may[Level.MANAGE] - may[Level.OPERATE]
    )


def test_more_is_never_less() -> None:
    for actor, action in product((MEMBER, ADMIN, AUDITOR, BOT, SYSTEM), Action):
        answers = [allows(actor, action, level) for level in LEVELS]
        assert answers == sorted(answers), action
    for action, level in product(Action, LEVELS):
        assert allows(ADMIN, action, level) >= allows(MEMBER, action, level), action
        assert allows(ADMIN, action, level) >= allows(AUDITOR, action, level), action


def test_what_concerns_the_whole_desk_is_for_admins() -> None:
    for action, level in product(FOR_ADMINS, LEVELS):
        assert allows(ADMIN, action, level), action
        assert not allows(MEMBER, action, level), action
        assert not allows(AUDITOR, action, level), action


def test_an_auditor_sees_every_account_and_changes_none_whatever_was_granted() -> None:
    allowed = {action for action in Action for level in LEVELS if allows(AUDITOR, action, level)}
    looks = {Action.ACCOUNT_VIEWED, Action.AUDIT_VIEWED, Action.AUDIT_EXPORTED, Action.KEY_VIEWED}
    assert allowed == {Action.DESK_OPENED, *looks}
    assert allows(AUDITOR, Action.ACCOUNT_VIEWED, None)


def test_members_create_accounts_and_read_the_audit_but_do_not_export_it() -> None:
    assert allows(MEMBER, Action.ACCOUNT_CREATED)
    assert allows(MEMBER, Action.AUDIT_VIEWED)
    assert not allows(MEMBER, Action.AUDIT_EXPORTED, Level.MANAGE)
    assert not allows(AUDITOR, Action.ACCOUNT_CREATED)


def test_a_disabled_person_may_do_nothing() -> None:
    for standing, action, level in product(Standing, Action, LEVELS):
        assert not allows(person(standing, active=False), action, level), action


def test_a_service_account_uses_rotates_and_revokes_its_own_tokens_and_handles_no_account() -> None:
    assert {action for action in Action if allows(BOT, action)} == BY_ACCOUNTS
    for level in LEVELS[1:]:
        assert {action for action in Action if allows(BOT, action, level)} == BY_ACCOUNTS | ON_OWN_TOKENS
    assert not any(allows(Actor(BOT.kind, BOT.id, BOT.name, active=False), action, level) for action in Action)


def test_nobody_uses_a_token_in_a_bots_name() -> None:
    for actor, action in product((ADMIN, MEMBER, AUDITOR), BY_ACCOUNTS):
        assert not allows(actor, action, Level.MANAGE), action


def test_the_highest_of_what_was_given_counts_and_the_creator_always_manages() -> None:
    for levels in combinations_with_replacement(Level, 3):
        assert highest(levels, owner=False) is max(levels, key=LEVELS.index)
        assert highest(levels, owner=True) is Level.MANAGE
    assert highest([], owner=False) is None
    assert highest([], owner=True) is Level.MANAGE


def test_who_acts_in_anothers_stead_is_named_with_them() -> None:
    stead = Actor(ActorKind.PERSON, "per_2", "ben", Standing.MEMBER, by=ADMIN)
    assert stead.title == "ada as ben"
    assert not allows(stead, Action.PERSON_ADDED)
