"""The dialogs about access: give it, and pick whose it is."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from botdesk.access import Level
from botdesk.errors import InvalidInput
from botdesk.tui.dialogs.form import Field, Form


@dataclass(frozen=True, slots=True)
class GrantDraft:
    """Who is to get which level; `grantee` reads `role:platform` or `person:ben`."""

    grantee: str
    level: Level


class GrantDialog(Form[GrantDraft]):
    """Give a role or a person access to what is named: an account, or several."""

    def __init__(
        self, named: str, roles: Sequence[str], people: Sequence[str], *, to: str = "", level: Level = Level.OPERATE
    ) -> None:
        options = [(f"role:{name}", f"role {name}") for name in roles]
        options += [(f"person:{name}", f"person {name}") for name in people]
        super().__init__(
            f"Give access to {named}",
            [
                Field("grantee", "Who", to, options=options, check=picked),
                Field("level", "Level", level, options=list(_LEVELS.items()), check=Level),
            ],
        )

    def result(self, values: dict[str, Any]) -> GrantDraft:
        """Take what was chosen."""
        return GrantDraft(**values)


_LEVELS = {
    Level.VIEW: "view: see it and its history",
    Level.OPERATE: "operate: issue, rotate, revoke tokens",
    Level.MANAGE: "manage: also modify, grant, remove",
}


class PickDialog(Form[str]):
    """Pick one name out of several."""

    def __init__(self, title: str, names: Sequence[str]) -> None:
        options = [(name, name.replace(":", " ")) for name in names]
        super().__init__(title, [Field("name", "Who", options=options, check=picked)])

    def result(self, values: dict[str, Any]) -> str:
        """Take what was chosen."""
        return str(values["name"])


def picked(value: str) -> str:
    """Insist that something is picked.

    Raises:
        InvalidInput: Nothing is, or what was typed matches none.
    """
    if not value:
        raise InvalidInput("nothing is picked", hint="the arrow keys choose, and so does typing")
    return value
