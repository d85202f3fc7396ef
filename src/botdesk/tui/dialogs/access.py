"""The dialogs about access: give it, and pick whose it is."""

from collections.abc import Sequence
from dataclasses import dataclass

from botdesk.access import Level
from botdesk.errors import InvalidInput
from botdesk.tui.dialogs.form import Field, Form, Wrong


@dataclass(frozen=True, slots=True)
class GrantDraft:
    """Who is to get which level; `grantee` reads `role:platform` or `person:ben`."""

    grantee: str
    level: Level


class GrantDialog(Form[GrantDraft]):
    """Give a role or a person access to what is named: an account, or several."""

    def __init__(self, named: str, roles: Sequence[str], people: Sequence[str], *, value: str = "") -> None:
        options = [(f"role:{name}", f"role {name}") for name in roles]
        options += [(f"person:{name}", f"person {name}") for name in people]
        super().__init__(
            f"Give access to {named}",
            [
                Field("grantee", "Who", value, options=options),
                Field("level", "Level", Level.OPERATE, options=[(level, _LEVELS[level]) for level in Level]),
            ],
        )

    def result(self, values: dict[str, str]) -> GrantDraft:
        """Take what was chosen."""
        picked("grantee", values)
        return GrantDraft(values["grantee"], Level(values["level"]))


_LEVELS = {
    Level.VIEW: "view: see it and its history",
    Level.OPERATE: "operate: issue, rotate, revoke tokens",
    Level.MANAGE: "manage: also modify, grant, remove",
}


class PickDialog(Form[str]):
    """Pick one name out of several."""

    def __init__(self, title: str, names: Sequence[str]) -> None:
        super().__init__(title, [Field("name", "Who", options=[(name, name.replace(":", " ")) for name in names])])

    def result(self, values: dict[str, str]) -> str:
        """Take what was chosen."""
        return picked("name", values)


def picked(key: str, values: dict[str, str]) -> str:
    """What was picked.

    Raises:
        Wrong: Nothing was, or what was typed matches none.
    """
    if not values[key]:
        raise Wrong(key, InvalidInput("nothing is picked", hint="the arrow keys choose, and so does typing"))
    return values[key]
