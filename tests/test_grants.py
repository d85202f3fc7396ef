"""Grants: who may handle which account, by role, by name, and both together."""

from functools import partial
from itertools import product

import pytest

from botdesk import access, accounts, audit, grants, people, roles
from botdesk.access import Action, Level, Standing
from botdesk.desk import Desk
from botdesk.errors import AccessDenied, Conflict, InvalidInput, NotFound
from botdesk.testing import NOON

LEVELS = (None, *Level)


@pytest.fixture
def team(desk: Desk) -> Desk:
    """Ada made ci-bot; ben and chen are members, ben in the roles platform and night; cleo is an auditor."""
    for name, standing in (("ben", "member"), ("chen", "member"), ("cleo", "auditor")):
        desk.run(people.add, name, standing=Standing(standing))
    for role in ("platform", "night"):
        desk.run(roles.create, role)
        desk.run(roles.add_member, role, "ben")
    desk.run(accounts.create, "ci-bot")
    return desk


def level_of(desk: Desk, person: str, account: str = "ci-bot") -> Level | None:
    """What a person may do with an account, as the rule of the operations has it."""
    with desk.read(person) as tx:
        rows = [line.level for line in accounts.page(tx).rows if line.account.name == account]
        return rows[0] if rows else None


def test_a_grant_lets_somebody_in_and_withdrawing_shuts_them_out(team: Desk) -> None:
    assert level_of(team, "chen") is None
    given = team.run(grants.give, "ci-bot", "person:chen", Level.VIEW)
    assert (given.level, given.given_at) == (Level.VIEW, NOON)
    assert level_of(team, "chen") is Level.VIEW
    team.run(grants.withdraw, "ci-bot", "person:chen")
    assert level_of(team, "chen") is None
    with pytest.raises(NotFound, match="no grant"):
        team.run(grants.withdraw, "ci-bot", "person:chen")


def test_the_highest_of_roles_and_name_counts(team: Desk) -> None:
    grantees = ("role:platform", "role:night", "person:ben")
    for one, two in product(range(4), range(4)):  # each pair of levels, whatever the third is
        levels = LEVELS[one], LEVELS[two], LEVELS[(one + two) % 4]
        given = {grantee: level for grantee, level in zip(grantees, levels, strict=True) if level}
        with team.begin() as tx:
            for grantee, level in given.items():
                grants.give(tx, "ci-bot", grantee, level)
        expected = access.highest(given.values(), owner=False)
        assert level_of(team, "ben") is expected, levels
        reach = {found.person.name: found.level for found in team.ask(grants.who_reaches, "ci-bot")}
        assert reach.get("ben") is expected, levels
        assert [found.level for found in team.ask(grants.what_reaches, "ben")] == ([expected] if expected else [])
        with team.begin() as tx:
            for grantee in given:
                grants.withdraw(tx, "ci-bot", grantee)


def test_giving_again_changes_the_level_and_keeps_one_grant(team: Desk) -> None:
    first = team.run(grants.give, "ci-bot", "role:platform", Level.VIEW)
    second = team.run(grants.give, "ci-bot", "role:platform", Level.MANAGE)
    assert second.id == first.id
    assert [(line.grantee, line.level) for line in team.ask(grants.listed)] == [("role:platform", Level.MANAGE)]
    with pytest.raises(Conflict, match="already"):
        team.run(grants.give, "ci-bot", "role:platform", Level.MANAGE)
    told = audit.detail_of(team.ask(audit.page, limit=1).rows[0])
    assert (told["level"], told["before_level"]) == ("manage", "view")


@pytest.mark.parametrize("grantee", ["", "ben", "person:", ":ben", "team:platform", "person", "[red]", "x" * 10_000])
def test_what_is_no_grantee_is_refused_with_a_hint(team: Desk, grantee: str) -> None:
    for attempt in (
        partial(team.run, grants.give, "ci-bot", grantee, Level.VIEW),
        partial(team.run, grants.withdraw, "ci-bot", grantee),
    ):
        with pytest.raises(InvalidInput) as refused:
            attempt()
        assert refused.value.hint


def test_nobody_and_no_team_get_nothing(team: Desk) -> None:
    for grantee in ("person:nobody", "role:nobody", "role:ben", "person:platform"):
        with pytest.raises(NotFound):
            team.run(grants.give, "ci-bot", grantee, Level.VIEW)


@pytest.mark.parametrize("level", LEVELS)
def test_who_manages_gives_and_withdraws(team: Desk, level: Level | None) -> None:
    if level:
        team.run(grants.give, "ci-bot", "person:ben", level)

    def hand_on() -> None:
        with team.begin("ben") as tx:
            grants.give(tx, "ci-bot", "person:chen", Level.VIEW)
            grants.withdraw(tx, "ci-bot", "person:chen")

    if level is Level.MANAGE:
        hand_on()
    else:
        with pytest.raises((AccessDenied, NotFound)):
            hand_on()


def test_the_creators_access_is_a_rule_that_no_manager_can_withdraw(team: Desk) -> None:
    with team.begin("chen") as tx:
        accounts.create(tx, "chens-bot")
        grants.give(tx, "chens-bot", "person:ben", Level.MANAGE)
    assert [line.grantee for line in team.ask(grants.listed, "chens-bot")] == ["person:ben"]
    for actor in ("ben", "ada"):
        with pytest.raises(Conflict, match="keeps access"), team.begin(actor) as tx:
            grants.withdraw(tx, "chens-bot", "person:chen")
    team.run(grants.give, "chens-bot", "person:chen", Level.VIEW)
    assert level_of(team, "chen", "chens-bot") is Level.MANAGE
    team.run(grants.withdraw, "chens-bot", "person:chen")
    assert level_of(team, "chen", "chens-bot") is Level.MANAGE


def test_an_auditor_sees_all_and_no_grant_lets_them_change_anything(team: Desk) -> None:
    team.run(grants.give, "ci-bot", "person:cleo", Level.MANAGE)
    assert level_of(team, "cleo") is Level.VIEW
    with pytest.raises(AccessDenied) as refused, team.begin("cleo") as tx:
        accounts.disable(tx, "ci-bot")
    assert refused.value.hint == "an auditor sees everything and changes nothing; ask an admin"
    reach = next(found for found in team.ask(grants.who_reaches, "ci-bot") if found.person.name == "cleo")
    assert reach.level is Level.VIEW


def test_access_is_told_with_every_reason_both_ways_round(team: Desk) -> None:
    team.run(grants.give, "ci-bot", "role:platform", Level.VIEW)
    team.run(grants.give, "ci-bot", "person:ben", Level.OPERATE)
    with team.begin("ben") as tx:
        accounts.create(tx, "bens-bot")
    told = {
        found.person.name: (found.level, [why.why for why in found.reasons])
        for found in team.ask(grants.who_reaches, "ci-bot")
    }
    assert told == {
        "ada": (Level.MANAGE, ["creator", "admin"]),
        "ben": (Level.OPERATE, ["by name", "role platform"]),
        "cleo": (Level.VIEW, ["auditor"]),
    }
    assert [(found.account, found.level) for found in team.ask(grants.what_reaches, "ben")] == [
        ("bens-bot", Level.MANAGE),
        ("ci-bot", Level.OPERATE),
    ]
    team.run(people.disable, "ben")
    assert "ben" not in {found.person.name for found in team.ask(grants.who_reaches, "ci-bot")}
    assert team.ask(grants.what_reaches, "ben") == []


def test_a_list_is_of_what_the_asker_can_reach(team: Desk) -> None:
    team.run(accounts.create, "web-bot")
    team.run(grants.give, "web-bot", "person:chen", Level.VIEW)
    team.run(grants.give, "ci-bot", "person:ben", Level.VIEW)
    lines = team.ask(grants.listed)
    assert [(line.account, line.grantee, line.given_by) for line in lines] == [
        ("ci-bot", "person:ben", "ada"),
        ("web-bot", "person:chen", "ada"),
    ]
    with team.read("ben") as tx:
        assert [line.account for line in grants.listed(tx)] == ["ci-bot"]


def test_the_rule_and_the_reach_in_sql_never_differ(team: Desk) -> None:
    """`access.allows` over one account, and `reach.in_reach` over whole tables, are one rule."""
    with team.begin("chen") as tx:
        accounts.create(tx, "chens-bot")
    team.run(accounts.create, "web-bot")
    team.run(grants.give, "web-bot", "role:night", Level.VIEW)
    team.run(people.disable, "chen")
    team.run(people.enable, "chen")
    for name in ("ada", "ben", "chen", "cleo"):
        with team.read(name) as tx:
            listed = {line.account.name for line in accounts.page(tx).rows}
            with team.read() as everything:
                rows = [line.account for line in accounts.page(everything).rows]
            assert listed == {row.name for row in rows if audit.may(tx, Action.ACCOUNT_VIEWED, row)}, name
