"""People and roles: who may use the desk, and in which teams they are."""

from typing import Any, ClassVar, Final

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.widgets import Static

from botdesk import wording
from botdesk.tui import render
from botdesk.tui.base import DeskScreen, flow
from botdesk.tui.widgets.bars import FilterLine
from botdesk.tui.widgets.window import Column, Slice, Window

PEOPLE: Final = (
    Column("name", "PERSON", 10),
    Column("full", "FULL NAME"),
    Column("standing", "STANDING", 8),
    Column("state", "STATE", 8),
    Column("roles", "ROLES", 22),
    Column("accounts", "MADE", 4, right=True),
)
ROLES: Final = (
    Column("name", "ROLE", 12),
    Column("what", "WHAT IT IS"),
    Column("members", "MEMBERS", 24),
    Column("grants", "GRANTS", 6, right=True),
)


class PeopleScreen(DeskScreen):
    """People above, roles below."""

    NAME = "people"
    FIRST = "persons"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("tab", "across", "Across", tooltip="Between people and roles", priority=True),
        Binding("n", "add", "New", tooltip="Let a person in, or create a role"),
        Binding("e", "modify", "Modify", tooltip="Change the person or the role"),
        Binding("d", "switch", "Disable", tooltip="Disable the person, or enable them; no bot changes"),
        Binding("m", "member", "Add member", tooltip="Put a person into the role"),
        Binding("x", "drop", "Drop member", tooltip="Take a person out of the role"),
        Binding("D,delete", "remove", "Remove", show=False, tooltip="Remove the role, with its members and grants"),
        Binding("slash", "filter", "Filter", tooltip="Filter as you type"),
    ]

    def body(self) -> ComposeResult:
        """Two lists."""
        yield FilterLine("filter by name")
        with Vertical():
            yield Window(PEOPLE, cells=render.person, key=lambda line: str(line.person.id), id="persons")
            yield Static(" ", id="between", markup=False)
            yield Window(ROLES, cells=render.role, key=lambda line: str(line.role.id), id="roles")

    @property
    def persons(self) -> Window:
        """The people."""
        return self.query_one("#persons", Window)

    @property
    def role_list(self) -> Window:
        """The roles."""
        return self.query_one("#roles", Window)

    @property
    def _on_roles(self) -> bool:
        return self.role_list.has_focus

    async def reload(self) -> None:
        """Read both lists."""
        from botdesk import people

        text = self.filter_text.lower()
        persons = [
            line
            for line in await self.desk_app.ask(people.listed)
            if text in f"{line.person.name} {line.person.full_name}".lower()
        ]
        roles = [line for line in await self.desk_app.ask(people.roles) if text in line.role.name]
        self.role_list.empty = "no roles yet: tab, then n creates the first team"
        await self.persons.show(_all(persons))
        await self.role_list.show(_all(roles))
        active = sum(line.active for line in persons)
        told = wording.plural(active, "active person", "active people")
        self.facts(f"{told} of {len(persons)} · {wording.plural(len(roles), 'role')}")
        self.refresh_bindings()

    def on_window_highlighted(self, message: Window.Highlighted) -> None:
        """What may be done depends on the row."""
        self.refresh_bindings()

    def on_descendant_focus(self) -> None:
        """What may be done depends on the list."""
        self.refresh_bindings()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Grey out what the other list is for."""
        if not self.is_mounted:
            return True
        if action in ("member", "drop", "remove"):
            return True if self._on_roles and self.role_list.row is not None else None
        if action == "switch":
            return True if not self._on_roles and self.persons.row is not None else None
        return True

    def why_not(self, action: str) -> str:
        """Which list the action is for."""
        return "that is for people: tab goes there" if action == "switch" else "that is for roles: tab goes there"

    def action_across(self) -> None:
        """Go to the other list."""
        (self.persons if self._on_roles else self.role_list).focus()

    @flow
    async def action_add(self) -> None:
        """Let a person in, or create a role."""
        from botdesk import people
        from botdesk.tui.dialogs.forms import PersonDialog, RoleDialog

        if self._on_roles:
            role = await self.desk_app.prompt(RoleDialog())
            if (
                role
                and await self.desk_app.act(people.create_role, role.name, description=role.description) is not None
            ):
                self.say(f"created the role {role.name}; m adds members")
            return
        draft = await self.desk_app.prompt(PersonDialog())
        if draft is None:
            return
        done = await self.desk_app.act(people.add, draft.name, full_name=draft.full_name, standing=draft.standing)
        if done is not None:
            self.say(f"let {draft.name} in as {draft.standing}")

    @flow
    async def action_modify(self) -> None:
        """Modify the person or the role."""
        await (self._modify_role() if self._on_roles else self._modify_person())

    async def _modify_person(self) -> None:
        from botdesk import people
        from botdesk.tui.dialogs.forms import PersonDialog

        line: people.PersonLine | None = self.persons.row
        if line is None:
            return
        found = line.person
        draft = await self.desk_app.prompt(PersonDialog(found.name, found.full_name, found.standing))
        if draft is None:
            return
        done = await self.desk_app.act(people.modify, found.name, full_name=draft.full_name, standing=draft.standing)
        if done is not None:
            self.say(f"modified {found.name}")

    async def _modify_role(self) -> None:
        from botdesk import people
        from botdesk.tui.dialogs.forms import RoleDialog

        line: people.RoleLine | None = self.role_list.row
        if line is None:
            return
        found = line.role
        draft = await self.desk_app.prompt(RoleDialog(found.name, found.description))
        if draft is None:
            return
        done = await self.desk_app.act(
            people.modify_role, found.name, new_name=draft.name, description=draft.description
        )
        if done is not None:
            self.say(f"modified the role {draft.name}")

    @flow
    async def action_switch(self) -> None:
        """Disable the person, or enable them."""
        from botdesk import people
        from botdesk.tui.dialogs.confirm import Confirm

        line: people.PersonLine | None = self.persons.row
        if line is None:
            return
        name = line.person.name
        if not line.active:
            if await self.desk_app.act(people.enable, name) is not None:
                self.say(f"enabled {name}")
            return
        made = wording.plural(line.accounts, "account")
        text = f"{name} can do nothing any more. No bot changes: the {made} they made go on, with all tokens."
        sure = await self.desk_app.prompt(Confirm(f"Disable {name}?", text))
        if sure and await self.desk_app.act(people.disable, name) is not None:
            self.say(f"disabled {name}; no bot changed")

    @flow
    async def action_member(self) -> None:
        """Put a person into the role."""
        from botdesk import people
        from botdesk.tui.dialogs.forms import PickDialog

        line: people.RoleLine | None = self.role_list.row
        if line is None:
            return
        names = [each.person.name for each in await self.desk_app.ask(people.listed, disabled=False)]
        left = [name for name in names if name not in line.members]
        name = await self.desk_app.prompt(PickDialog(f"Put into {line.role.name}", left)) if left else None
        if name and await self.desk_app.act(people.add_member, line.role.name, name) is not None:
            self.say(f"put {name} into {line.role.name}")

    @flow
    async def action_drop(self) -> None:
        """Take a person out of the role."""
        from botdesk import people
        from botdesk.tui.dialogs.forms import PickDialog

        line: people.RoleLine | None = self.role_list.row
        if line is None or not line.members:
            return
        name = await self.desk_app.prompt(PickDialog(f"Take out of {line.role.name}", line.members))
        if name and await self.desk_app.act(people.drop_member, line.role.name, name) is not None:
            self.say(f"took {name} out of {line.role.name}")

    @flow
    async def action_remove(self) -> None:
        """Remove the role."""
        from botdesk import people
        from botdesk.tui.dialogs.confirm import Confirm

        line: people.RoleLine | None = self.role_list.row
        if line is None:
            return
        text = f"{wording.plural(len(line.members), 'member')} and {wording.plural(line.accounts, 'grant')} go with it."
        sure = await self.desk_app.prompt(Confirm(f"Remove the role {line.role.name}?", text))
        if sure and await self.desk_app.act(people.remove_role, line.role.name) is not None:
            self.say(f"removed the role {line.role.name}")


def _all(rows: Any) -> Any:
    async def fetch(after: Any, limit: int) -> Slice:
        return Slice(rows, None, len(rows))

    return fetch
