"""What a member may put on an account: the scopes that admins opened to their roles."""

from collections.abc import Iterator

import pytest

from botdesk import accounts, audit, grants, people, roles
from botdesk.access import Action, Level, Standing
from botdesk.audit import Outcome
from botdesk.desk import Desk
from botdesk.errors import AccessDenied, Conflict, InvalidInput
from botdesk.testing import open_desk


@pytest.fixture
def team(desk: Desk) -> Desk:
    """A desk of ada's; ben is in `platform`, which may put `catalog:read` and `deploy:write` on accounts."""
    desk.run(people.add, "ben")
    desk.run(roles.create, "platform", scopes="deploy:write catalog:read")
    desk.run(roles.create, "night-shift")
    desk.run(roles.add_member, "platform", "ben")
    return desk


@pytest.fixture
def ben(team: Desk) -> Iterator[Desk]:
    with open_desk(team.location, operator="ben", seed=2) as opened:
        yield opened


def test_a_member_puts_opened_scopes_alone_on_an_account(ben: Desk) -> None:
    assert ben.run(accounts.create, "ci-bot", scopes="catalog:read").scopes == "catalog:read"
    with pytest.raises(AccessDenied) as refused:
        ben.run(accounts.create, "root-bot", scopes="catalog:read admin:all")
    assert refused.value.message == "'ben' may not put the scope 'admin:all' on an account"
    assert "catalog:read deploy:write" in refused.value.hint
    last = ben.ask(audit.page).rows[0]
    assert (last.action, last.outcome, audit.detail_of(last)) == (
        Action.ACCOUNT_CREATED,
        Outcome.DENIED,
        {"scopes": "admin:all"},
    )


def test_a_member_without_such_a_role_puts_none(team: Desk, ben: Desk) -> None:
    team.run(roles.drop_member, "platform", "ben")
    team.run(roles.add_member, "night-shift", "ben")
    with pytest.raises(AccessDenied) as refused:
        ben.run(accounts.create, "ci-bot", scopes="catalog:read")
    assert "your roles may use: none" in refused.value.hint
    assert ben.run(accounts.create, "ci-bot").scopes == ""


def test_an_admin_puts_any(team: Desk) -> None:
    assert team.run(accounts.create, "root-bot", scopes="admin:all").scopes == "admin:all"


def test_what_an_admin_put_there_may_stay_when_a_member_changes_the_rest(team: Desk, ben: Desk) -> None:
    team.run(accounts.create, "ci-bot", scopes="admin:all")
    team.run(grants.give, "ci-bot", "person:ben", Level.MANAGE)
    assert ben.run(accounts.modify, "ci-bot", scopes="admin:all deploy:write").scopes == "admin:all deploy:write"
    assert ben.run(accounts.modify, "ci-bot", scopes="deploy:write").scopes == "deploy:write"
    with pytest.raises(AccessDenied):
        ben.run(accounts.modify, "ci-bot", scopes="admin:all deploy:write")
    last = ben.ask(audit.page).rows[0]
    assert (last.action, last.account, last.outcome) == (Action.ACCOUNT_MODIFIED, "ci-bot", Outcome.DENIED)


def test_what_was_put_there_stays_when_a_role_is_closed(team: Desk, ben: Desk) -> None:
    ben.run(accounts.create, "ci-bot", scopes="catalog:read")
    assert team.run(roles.modify, "platform", scopes=()).scopes == ""
    assert ben.run(accounts.modify, "ci-bot", description="still").scopes == "catalog:read"
    with pytest.raises(AccessDenied):
        ben.run(accounts.create, "other-bot", scopes="catalog:read")


def test_an_admin_who_acts_as_a_member_is_bound_like_the_member(team: Desk) -> None:
    with open_desk(team.location, seed=3) as desk:
        desk.acting_as = "ben"
        with pytest.raises(AccessDenied):
            desk.run(accounts.create, "root-bot", scopes="admin:all")


def test_one_who_became_an_auditor_changes_nothing_even_as_creator(team: Desk, ben: Desk) -> None:
    ben.run(accounts.create, "ci-bot")
    team.run(people.modify, "ben", standing=Standing.AUDITOR)
    with pytest.raises(AccessDenied):
        ben.run(accounts.modify, "ci-bot", description="mine")
    assert team.ask(accounts.line, "ci-bot").managers == ()


def test_a_role_is_told_what_is_open_to_it(team: Desk) -> None:
    assert team.ask(roles.find, "platform").scopes == "catalog:read deploy:write"
    assert team.ask(roles.find, "night-shift").scopes is None
    with pytest.raises(Conflict):
        team.run(roles.modify, "platform", scopes="catalog:read deploy:write")
    with pytest.raises(Conflict):
        team.run(roles.modify, "night-shift", scopes="")
    with pytest.raises(InvalidInput):
        team.run(roles.modify, "platform", scopes='a"b')
    team.run(roles.modify, "platform", scopes="catalog:read")
    last = team.ask(audit.page).rows[0]
    assert audit.detail_of(last)["changes"] == {"scopes": ["catalog:read deploy:write", "catalog:read"]}
    assert team.ask(audit.verify).holds


def test_a_role_without_anybody_who_can_manage_keeps_no_account_from_being_an_orphan(team: Desk) -> None:
    team.run(people.add, "emil", standing=Standing.ADMIN)
    with team.begin(actor="emil") as tx:
        accounts.create(tx, "ci-bot")
    team.run(grants.give, "ci-bot", "role:night-shift", Level.MANAGE)
    team.run(grants.give, "ci-bot", "role:platform", Level.MANAGE)
    assert team.ask(accounts.line, "ci-bot").managers == ("emil", "platform")
    team.run(people.disable, "emil")
    team.run(people.disable, "ben")
    assert team.ask(accounts.line, "ci-bot").managers == ()
