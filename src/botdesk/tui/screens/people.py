"""People and roles: who may use the desk, and in which teams they are."""

from typing import Any, ClassVar, Final

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.widgets import Static

from botdesk import wording
from botdesk.access import Action
from botdesk.tui import flows, render
from botdesk.tui.base import DeskScreen, flow
from botdesk.tui.widgets.columns import Column
from botdesk.tui.widgets.filter import FilterBar
from botdesk.tui.widgets.listing import MEASURED, whole
from botdesk.tui.widgets.window import Window

PEOPLE: Final = (
    Column("name", "PERSON", 10, grow=1, most=32),
    Column("full", "FULL NAME", 14, grow=2, most=30),
    Column("standing", "STANDING", 8),
    Column("state", "STATE", 8),
    Column("roles", "ROLES", 12, grow=3, most=60),
    Column("accounts", "OWNS", 4, right=True),
)
ROLES: Final = (
    Column("name", "ROLE", 12, grow=1, most=40),
    Column("what", "WHAT IT IS", 14, grow=3, most=50),
    Column("members", "MEMBERS", 12, grow=3),
    Column("scopes", "SCOPES", 12, grow=2, above=100),
    Column("grants", "GRANTS", 6, right=True),
)


class PeopleScreen(DeskScreen):
    """People above, roles below."""

    NAME = "people"
    TITLED = "people and roles"
    FIRST = "persons"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("tab,shift+tab", "across", "Across", tooltip="Between people and roles", priority=True),
        Binding("n", "add", "New", tooltip="Let a person in, or create a role"),
        Binding("e", "modify", "Modify", tooltip="Change the person or the role"),
        Binding("d", "switch", "Disable", tooltip="Disable the person, or enable them; no bot changes"),
        Binding("m", "member", "Add member", tooltip="Put a person into the role"),
        Binding("x", "drop", "Drop member", tooltip="Take a person out of the role"),
        Binding("D,delete", "remove", "Remove", tooltip="Remove the role, with its members and grants"),
        Binding("slash", "filter", "Filter", tooltip="Filter as you type"),
        Binding("y", "copy", "Copy name", show=False, tooltip="Copy the name of the person or the role"),
    ]

    def body(self) -> ComposeResult:
        """Two lists."""
        yield FilterBar("words in names, full names, descriptions")
        with Vertical():
            key = {"persons": lambda line: str(line.person.id), "roles": lambda line: str(line.role.id)}
            yield Window(PEOPLE, cells=render.person, key=key["persons"], fit=MEASURED, id="persons")
            yield Static(" ", id="between", markup=False)
            yield Window(ROLES, cells=render.role, key=key["roles"], fit=MEASURED, id="roles")

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

    @property
    def _row(self) -> Any:
        return self.role_list.row if self._on_roles else self.persons.row

    async def reload(self) -> None:
        """Read both lists."""
        from botdesk import people, roles

        words = self.filter_text.lower().split()
        persons = [line for line in await self.desk_app.ask(people.listed) if _says(line.person, words)]
        teams = [line for line in await self.desk_app.ask(roles.listed) if _says(line.role, words)]
        self.persons.empty = "nobody matches; esc empties the filter"
        self.role_list.empty = "no role matches" if words else "no roles yet: n creates the first team"
        await self.persons.show(whole(persons))
        await self.role_list.show(whole(teams))
        active = sum(line.active for line in persons)
        told = wording.plural(active, "active person", "active people")
        bound = " · solo: the rules guard against slips" if self.desk_app.desk.mode == "solo" else ""
        self.facts(f"{told} of {len(persons)} · {wording.plural(len(teams), 'role')}{bound}")
        self.refresh_bindings()

    def on_window_highlighted(self, message: Window.Highlighted) -> None:
        """What may be done depends on the row."""
        self.refresh_bindings()

    def on_descendant_focus(self) -> None:
        """What may be done depends on the list."""
        self.refresh_bindings()

    def why_not(self, action: str) -> str:
        """Which standing the action takes, or which list it is for; empty when it can be done."""
        if action not in _FOR:
            return ""
        lists, needed = _FOR[action]
        refusal = self.desk_app.refusal(needed)
        if not refusal and ("roles" if self._on_roles else "people") not in lists:
            refusal = f"that is for {lists[0]}: tab goes there"
        if not refusal and action != "add" and self._row is None:
            refusal = "there is nothing under the cursor"
        return refusal

    def title_of(self, binding: Binding) -> str:
        """Enable is what Disable is for a disabled person."""
        row = self.persons.row
        return "Enable" if binding.action == "switch" and row is not None and not row.active else binding.description

    def action_across(self) -> None:
        """Go to the other list."""
        self.say("")
        (self.persons if self._on_roles else self.role_list).focus()

    @flow
    async def action_add(self) -> None:
        """Let a person in, or create a role."""
        if self._on_roles:
            role = await flows.people.create_role(self.desk_app)
            self.role_list.seek(role.id if role else "")
        else:
            person = await flows.people.add(self.desk_app)
            self.persons.seek(person.id if person else "")

    @flow
    async def action_modify(self) -> None:
        """Modify the person or the role."""
        if self._on_roles:
            await flows.people.modify_role(self.desk_app, self.role_list.row.role)
        else:
            await flows.people.modify(self.desk_app, self.persons.row.person)

    @flow
    async def action_switch(self) -> None:
        """Disable the person, or enable them."""
        await flows.people.switch(self.desk_app, self.persons.row)

    @flow
    async def action_member(self) -> None:
        """Put a person into the role."""
        await flows.people.add_member(self.desk_app, self.role_list.row)

    @flow
    async def action_drop(self) -> None:
        """Take a person out of the role."""
        await flows.people.drop_member(self.desk_app, self.role_list.row)

    @flow
    async def action_remove(self) -> None:
        """Remove the role."""
        await flows.people.remove_role(self.desk_app, self.role_list.row)

    def action_copy(self) -> None:
        """Copy the name of the person or the role."""
        if self._row is not None:
            self.copy(self._row.role.name if self._on_roles else self._row.person.name)


_BOTH: Final = ("people", "roles")
_FOR: Final = {
    "add": (_BOTH, Action.PERSON_ADDED),
    "modify": (_BOTH, Action.PERSON_MODIFIED),
    "switch": (("people",), Action.PERSON_DISABLED),
    "member": (("roles",), Action.ROLE_MEMBER_ADDED),
    "drop": (("roles",), Action.ROLE_MEMBER_DROPPED),
    "remove": (("roles",), Action.ROLE_REMOVED),
}
"""Which lists each action is for, and what is asked of the desk."""


def _says(row: Any, words: list[str]) -> bool:
    text = f"{row.name} {getattr(row, 'full_name', '')} {getattr(row, 'description', '')}".lower()
    return all(word in text for word in words)
