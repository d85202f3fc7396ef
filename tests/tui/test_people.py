"""People and roles, by keyboard."""

from botdesk import audit, people, roles
from botdesk.access import Standing
from botdesk.testing import open_desk
from tests.tui.stage import complaints, opened, press, said, shown, warned, window


async def test_a_person_is_let_in_modified_disabled_and_enabled(path: str) -> None:
    async with opened(path) as pilot:
        await press(pilot, "4", "n", "cleo", "tab", "Cleo", "tab", "right", "ctrl+s")
        assert "let cleo in as auditor" in said(pilot)
        assert window(pilot, "persons").row.person.name == "cleo"
        await press(pilot, "e", "tab", "left", "ctrl+s")
        assert "modified cleo" in said(pilot)
        await press(pilot, "d", "y")
        assert "disabled cleo; no bot changed" in said(pilot)
        assert "d Enable" in shown(pilot)
        with open_desk(path) as desk:
            assert desk.ask(people.find, "cleo").disabled_at
        await press(pilot, "d", "y")
    with open_desk(path) as desk:
        cleo = desk.ask(people.find, "cleo")
        assert (cleo.full_name, cleo.standing, cleo.disabled_at) == ("Cleo", Standing.MEMBER, None)


async def test_a_wrong_login_name_is_told_in_the_form(path: str) -> None:
    async with opened(path) as pilot:
        await press(pilot, "4", "n", "Cleo Smith", "ctrl+s")
        assert "is no login name" in shown(pilot)


async def test_a_role_is_created_filled_modified_emptied_and_removed(path: str) -> None:
    async with opened(path) as pilot:
        await press(pilot, "4", "tab", "n", "payments", "tab", "Money", "tab", "ledger:write", "ctrl+s")
        assert "created the role payments; m adds members" in said(pilot)
        with open_desk(path) as desk:
            assert desk.ask(roles.find, "payments").scopes == "ledger:write"
        assert window(pilot, "roles").row.role.name == "payments"
        await press(pilot, "m", "right", "right", "ctrl+s")
        assert "put ben into payments" in said(pilot)
        await press(pilot, "e", "-two", "ctrl+s")
        assert "modified the role payments-two" in said(pilot)
        await press(pilot, "x", "ctrl+s")
        assert "nothing is picked" in warned(pilot)
        await press(pilot, "right", "ctrl+s")
        assert "took ben out of payments-two" in said(pilot)
        await press(pilot, "x")
        assert "nobody is in the role payments-two" in complaints(pilot)
        await press(pilot, "D", "y")
        assert "removed the role payments-two" in said(pilot)
    with open_desk(path) as desk:
        actions = [event.action for event in desk.ask(audit.page, audit.Filter(action="role")).rows]
    assert actions[:5] == ["role:removed", "role:member-dropped", "role:modified", "role:member-added", "role:created"]


async def test_the_last_admin_cannot_be_disabled_and_the_reason_is_shown(path: str) -> None:
    async with opened(path) as pilot:
        await press(pilot, "4", "d", "y")
        assert "last active admin" in complaints(pilot)


async def test_who_disables_themselves_is_told_that_it_is_they(path: str) -> None:
    with open_desk(path) as desk:
        desk.run(people.add, "cleo", standing=Standing.ADMIN)
    async with opened(path) as pilot:
        await press(pilot, "4", "d")
        assert "This is you" in shown(pilot)
        await press(pilot, "n", "j", "d")
        assert "This is you" not in shown(pilot)


async def test_who_is_in_a_role_is_named_before_it_is_removed(path: str) -> None:
    async with opened(path) as pilot:
        await press(pilot, "4", "tab", "D")
        assert "1 member (ben) and 0 grants go with it" in shown(pilot)


async def test_keys_say_which_list_they_are_for(path: str) -> None:
    async with opened(path) as pilot:
        await press(pilot, "4", "m")
        assert "that is for roles: tab goes there" in said(pilot)
        await press(pilot, "tab", "d")
        assert "that is for people: tab goes there" in said(pilot)


async def test_a_member_changes_nothing_and_is_told_why(path: str) -> None:
    async with opened(path, operator="ben") as pilot:
        await press(pilot, "4", "n")
        assert "it takes an admin, and ben is a member" in said(pilot)


async def test_people_and_roles_are_filtered_together(path: str) -> None:
    async with opened(path) as pilot:
        await press(pilot, "4", "slash", "plat", "enter")
        assert window(pilot, "persons").rows == []
        assert len(window(pilot, "roles").rows) == 1
        await press(pilot, "escape")
        assert len(window(pilot, "persons").rows) == 2


async def test_one_of_many_people_is_picked_by_typing(path: str) -> None:
    with open_desk(path) as desk:
        for number in range(40):
            desk.run(people.add, f"person{number:02}")
    async with opened(path) as pilot:
        await press(pilot, "4", "tab", "m", "37")
        assert "1 of 41" in shown(pilot)
        await press(pilot, "backspace", "backspace", "down", "down", "up", "zz", "ctrl+s")
        assert "nothing is picked" in shown(pilot)
        await press(pilot, "backspace", "backspace", "37", "enter")
        assert "put person37 into platform" in said(pilot)
