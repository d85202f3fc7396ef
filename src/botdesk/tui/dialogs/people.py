"""The dialogs about people and roles."""

from dataclasses import dataclass
from typing import Any

from botdesk import roles
from botdesk.access import Standing
from botdesk.tui.dialogs.account import scope_words
from botdesk.tui.dialogs.form import Field, Form, text_of


@dataclass(frozen=True, slots=True)
class PersonDraft:
    """What was filled in about a person."""

    name: str
    full_name: str
    standing: Standing


class PersonDialog(Form[PersonDraft]):
    """Let a person in, or modify one."""

    def __init__(self, name: str = "", full_name: str = "", standing: Standing = Standing.MEMBER) -> None:
        who = text_of("name", longest=64, required=True)
        named = [] if name else [Field("name", "Name", hint="the operating-system login, as in ada", check=who)]
        standings = [(each, _STANDINGS[each]) for each in Standing]
        super().__init__(
            f"Modify {name}" if name else "Let a person in",
            [
                *named,
                Field("full_name", "Full name", full_name, check=text_of("full name", longest=80)),
                Field("standing", "Standing", standing, options=standings, check=Standing),
            ],
        )
        self._person = name

    def result(self, values: dict[str, Any]) -> PersonDraft:
        """Make the draft."""
        return PersonDraft(**{"name": self._person, **values})


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

    def __init__(self, existing: roles.Role | None = None) -> None:
        name, does, scopes = (existing.name, existing.description, existing.scopes or "") if existing else ("", "", "")
        hint = "lower-case words joined by '-', as in platform"
        described = text_of("description", longest=200)
        super().__init__(
            f"Modify the role {name}" if existing else "New role",
            [
                Field("name", "Name", name, hint, check=text_of("name", longest=40, required=True)),
                Field("description", "Description", does, "what the team does", check=described),
                Field("scopes", "Scopes", scopes, "what its members may put on accounts", check=scope_words),
            ],
        )

    def result(self, values: dict[str, Any]) -> RoleDraft:
        """Make the draft."""
        return RoleDraft(**values)
