"""The dialogs about people and roles."""

from dataclasses import dataclass

from botdesk import people, wording
from botdesk.access import Standing
from botdesk.tui.dialogs.account import scope_words
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
    scopes: str


class RoleDialog(Form[RoleDraft]):
    """Create a role, or modify one."""

    def __init__(self, existing: people.Role | None = None) -> None:
        found = existing
        super().__init__(
            f"Modify the role {found.name}" if found else "New role",
            [
                Field("name", "Name", found.name if found else "", "lower-case words joined by '-', as in platform"),
                Field("description", "Description", found.description if found else "", "what the team does"),
                Field(
                    "scopes", "Scopes", (found.scopes or "") if found else "", "what its members may put on accounts"
                ),
            ],
        )

    def result(self, values: dict[str, str]) -> RoleDraft:
        """Check everything once more."""
        return RoleDraft(
            taken("name", lambda: wording.clean(values["name"], "name", longest=40, required=True)),
            taken("description", lambda: wording.clean(values["description"], "description", longest=200)),
            scope_words(values["scopes"]),
        )
