"""The dialogs about people and roles."""

from dataclasses import dataclass

from botdesk import wording
from botdesk.access import Standing
from botdesk.tui.dialogs.form import Field, Form, taken


@dataclass(frozen=True, slots=True)
class PersonDraft:
    """What was filled in about a person."""

    name: str
    full_name: str
    standing: Standing


class PersonDialog(Form[PersonDraft]):
    """Let a person in, or modify one."""

    def __init__(self, name: str = "", full_name: str = "", standing: Standing = Standing.MEMBER) -> None:
        named = [] if name else [Field("name", "Name", hint="the operating-system login, as in ada")]
        super().__init__(
            f"Modify {name}" if name else "Let a person in",
            [
                *named,
                Field("full_name", "Full name", full_name),
                Field("standing", "Standing", standing, options=[(each, _STANDINGS[each]) for each in Standing]),
            ],
        )
        self._person = name

    def result(self, values: dict[str, str]) -> PersonDraft:
        """Check everything once more."""
        name = self._person or taken("name", lambda: wording.clean(values["name"], "name", longest=64, required=True))
        full_name = taken("full_name", lambda: wording.clean(values["full_name"], "full name", longest=80))
        return PersonDraft(name, full_name, Standing(values["standing"]))


_STANDINGS = {
    Standing.ADMIN: "admin: everything",
    Standing.MEMBER: "member: what grants give",
    Standing.AUDITOR: "auditor: sees all, changes nothing",
}


@dataclass(frozen=True, slots=True)
class RoleDraft:
    """What was filled in about a role."""

    name: str
    description: str


class RoleDialog(Form[RoleDraft]):
    """Create a role, or modify one."""

    def __init__(self, name: str = "", description: str = "") -> None:
        super().__init__(
            f"Modify the role {name}" if name else "New role",
            [
                Field("name", "Name", name, "lower-case words joined by '-', as in platform"),
                Field("description", "Description", description, "what the team does"),
            ],
        )

    def result(self, values: dict[str, str]) -> RoleDraft:
        """Check everything once more."""
        return RoleDraft(
            taken("name", lambda: wording.clean(values["name"], "name", longest=40, required=True)),
            taken("description", lambda: wording.clean(values["description"], "description", longest=200)),
        )
