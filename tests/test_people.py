"""People and roles: who may use the desk, and in which teams."""

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from botdesk import accounts, audit, grants, people, roles, tokens
from botdesk.access import Level, Standing
from botdesk.audit import Filter
from botdesk.desk import Desk
from botdesk.errors import AccessDenied, Conflict, InvalidInput, NotFound
from botdesk.testing import NOON


@pytest.fixture
def team(desk: Desk) -> Desk:
    """Ada, an admin; ben and chen, members, in the role platform; cleo, an auditor."""
    for name, standing in (("ben", "member"), ("chen", "member"), ("cleo", "auditor")):
        desk.run(people.add, name, full_name=name.title(), standing=Standing(standing))
    desk.run(roles.create, "platform", description="runs the machines")
    desk.run(roles.add_member, "platform", "ben")
    desk.run(roles.add_member, "platform", "chen")
    return desk


def person(desk: Desk, name: str) -> people.PersonLine:
    return next(line for line in desk.ask(people.listed) if line.person.name == name)


def role(desk: Desk, name: str) -> roles.RoleLine:
    return next(line for line in desk.ask(roles.listed) if line.role.name == name)


def test_a_person_is_let_in_under_their_login(team: Desk) -> None:
    line = person(team, "ben")
    assert (line.person.full_name, line.person.standing, line.active) == ("Ben", Standing.MEMBER, True)
    assert (line.person.added_at, line.roles, line.accounts) == (NOON, ("platform",), 0)
    with team.begin("ben") as tx:
        accounts.create(tx, "bens-bot")
    assert person(team, "ben").accounts == 1


@pytest.mark.parametrize("name", ["ada.l", "svc_1", "_apt", "x", "a" * 32, "7of9"])
def test_logins_of_the_operating_system_are_names(desk: Desk, name: str) -> None:
    assert desk.run(people.add, name).name == name


@pytest.mark.parametrize(
    "name", ["", "Ben", "ben o", "-ben", ".ben", "a" * 33, "b\u0435n", "a\u202eb", "[red]", "x" * 10_000, "role:x"]
)
def test_what_is_no_login_is_refused_with_a_hint(desk: Desk, name: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        desk.run(people.add, name)
    assert refused.value.hint
    assert refused.value.message.isprintable()


def test_a_person_is_known_once(team: Desk) -> None:
    with pytest.raises(Conflict, match="already"):
        team.run(people.add, "ben")
    team.run(people.disable, "ben")
    with pytest.raises(Conflict, match="already"):
        team.run(people.add, "ben")


@pytest.mark.parametrize("full_name", ["x" * 81, "a\x1b[31mb", "a\u202eb", "a\nb", "\u200b"])
def test_a_hostile_full_name_is_refused(team: Desk, full_name: str) -> None:
    for attempt in (
        partial(team.run, people.add, "eve", full_name=full_name),
        partial(team.run, people.modify, "ben", full_name=full_name),
    ):
        with pytest.raises(InvalidInput):
            attempt()


def test_modify_changes_what_is_said(team: Desk) -> None:
    row = team.run(people.modify, "ben", standing=Standing.AUDITOR)
    assert (row.full_name, row.standing) == ("Ben", Standing.AUDITOR)
    assert team.run(people.modify, "ben", full_name="").full_name == ""
    with pytest.raises(Conflict, match="nothing would change"):
        team.run(people.modify, "ben", standing=Standing.AUDITOR, full_name="")


def test_a_disabled_person_is_let_in_nowhere_and_their_bots_go_on(team: Desk) -> None:
    with team.begin("ben") as tx:
        accounts.create(tx, "bens-bot")
        issued = tokens.issue(tx, "bens-bot", "x")
        tokens.deliver(tx, issued.token.id, to="clipboard")
    team.run(people.disable, "ben")
    assert not person(team, "ben").active
    for attempt in (team.begin, team.read):
        with pytest.raises(AccessDenied, match="no active person"), attempt("ben"):
            pass
    line = team.ask(accounts.line, "bens-bot")
    assert (line.live, line.creator, line.managers) == (1, "ben", ())
    assert [found.person.name for found in team.ask(people.listed, disabled=False)] == ["ada", "chen", "cleo"]
    assert team.run(people.enable, "ben").disabled_at is None
    with team.begin("ben") as tx:
        accounts.modify(tx, "bens-bot", description="back again")


def test_disabling_and_enabling_are_each_done_once(team: Desk) -> None:
    with pytest.raises(Conflict, match="not disabled"):
        team.run(people.enable, "ben")
    team.run(people.disable, "ben")
    with pytest.raises(Conflict, match="disabled already"):
        team.run(people.disable, "ben")


def test_the_last_active_admin_stays(team: Desk) -> None:
    attempts: list[Callable[[], Any]] = [
        lambda: team.run(people.disable, "ada"),
        lambda: team.run(people.modify, "ada", standing=Standing.MEMBER),
        lambda: team.run(people.modify, "ada", standing=Standing.AUDITOR),
    ]
    for attempt in attempts:
        with pytest.raises(Conflict, match="last active admin") as refused:
            attempt()
        assert refused.value.hint
    team.run(people.modify, "ben", standing=Standing.ADMIN)
    team.run(people.disable, "ben")
    for attempt in attempts:
        with pytest.raises(Conflict, match="last active admin"):
            attempt()
    team.run(people.enable, "ben")
    assert team.run(people.modify, "ada", standing=Standing.MEMBER).standing is Standing.MEMBER
    with team.begin("ben") as tx, pytest.raises(Conflict, match="last active admin"):
        people.disable(tx, "ben")


def test_a_role_is_created_changed_and_removed_with_all_that_hangs_on_it(team: Desk) -> None:
    team.run(accounts.create, "ci-bot")
    team.run(grants.give, "ci-bot", "role:platform", Level.OPERATE)
    line = role(team, "platform")
    assert (line.members, line.accounts, line.role.description) == (("ben", "chen"), 1, "runs the machines")
    assert team.run(roles.modify, "platform", new_name="infra").name == "infra"
    with team.read("ben") as tx:
        assert accounts.find(tx, "ci-bot").name == "ci-bot"
    team.run(roles.remove, "infra")
    assert team.ask(roles.listed) == []
    assert team.ask(grants.listed) == []
    with team.begin("ben") as tx, pytest.raises(NotFound):
        accounts.find(tx, "ci-bot")
    actions = [event.action for event in team.ask(audit.page, Filter(outcome=audit.Outcome.DONE), limit=4).rows]
    assert actions == ["role:removed", "role:member-dropped", "role:member-dropped", "grant:withdrawn"]
    assert team.ask(audit.verify).holds


@pytest.mark.parametrize("name", ["", "Platform", "data ops", "-x", "a--b", "a" * 41, "9x", "a\u202eb", "x" * 10_000])
def test_what_is_no_role_name_is_refused_with_a_hint(team: Desk, name: str) -> None:
    for attempt in (
        partial(team.run, roles.create, name),
        partial(team.run, roles.modify, "platform", new_name=name),
    ):
        with pytest.raises(InvalidInput) as refused:
            attempt()
        assert refused.value.hint


def test_roles_are_unique_and_changed_by_what_is_said(team: Desk) -> None:
    team.run(roles.create, "data-ops")
    with pytest.raises(Conflict, match="already"):
        team.run(roles.create, "platform")
    with pytest.raises(Conflict, match="already"):
        team.run(roles.modify, "data-ops", new_name="platform")
    with pytest.raises(Conflict, match="nothing would change"):
        team.run(roles.modify, "platform", new_name="platform")
    with pytest.raises(InvalidInput):
        team.run(roles.modify, "platform", description="x" * 201)


def test_members_come_and_go_once(team: Desk) -> None:
    with pytest.raises(Conflict, match="already"):
        team.run(roles.add_member, "platform", "ben")
    team.run(roles.drop_member, "platform", "ben")
    assert role(team, "platform").members == ("chen",)
    with pytest.raises(NotFound, match="not in the role"):
        team.run(roles.drop_member, "platform", "ben")
    for names in (("nobody", "ben"), ("platform", "nobody")):
        with pytest.raises(NotFound):
            team.run(roles.add_member, *names)


WORK: dict[str, Callable[[Any], object]] = {
    "add": lambda tx: people.add(tx, "eve"),
    "modify": lambda tx: people.modify(tx, "ben", standing=Standing.ADMIN),
    "disable": lambda tx: people.disable(tx, "ada"),
    "enable": lambda tx: people.enable(tx, "ada"),
    "create role": lambda tx: roles.create(tx, "mine"),
    "modify role": lambda tx: roles.modify(tx, "platform", new_name="mine"),
    "remove role": lambda tx: roles.remove(tx, "platform"),
    "add member": lambda tx: roles.add_member(tx, "platform", "cleo"),
    "drop member": lambda tx: roles.drop_member(tx, "platform", "ben"),
    "of nobody": lambda tx: people.disable(tx, "nobody"),
}


@pytest.mark.parametrize("work", WORK)
def test_people_and_roles_are_for_admins(team: Desk, work: str) -> None:
    for actor in ("ben", "cleo"):
        with pytest.raises(AccessDenied, match="may not"), team.begin(actor) as tx:
            WORK[work](tx)
    assert len(team.ask(audit.page, Filter(outcome=audit.Outcome.DENIED)).rows) == 2


def test_people_and_roles_are_found_by_name_and_by_id(team: Desk) -> None:
    ben = team.ask(people.find, "ben")
    assert team.ask(people.find, ben.id) == ben
    platform = team.ask(roles.find, "platform")
    assert team.ask(roles.find, platform.id) == platform
    for wrong in ("", "BEN", "%", "x" * 10_000):
        with pytest.raises(NotFound):
            team.ask(people.find, wrong)
        with pytest.raises(NotFound):
            team.ask(roles.find, wrong)
