"""Every key of a screen."""

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from rich.console import Group
from rich.table import Table
from rich.text import Text
from textual.app import ComposeResult
from textual.binding import ActiveBinding
from textual.widgets import Static

from botdesk.tui.dialogs.base import Dialog

FIRST: Final = {
    "back": "back",
    "filter": "filter",
    "command_palette": "every command",
    "app.command_palette": "every command",
    "app.quit": "quit",
}
"""The actions that are told before all others, in a word each."""


@dataclass(slots=True)
class Line:
    """A command: its keys, its name, what it does, and whether it is one of this screen's own."""

    name: str
    does: str
    own: bool
    keys: list[str] = field(default_factory=list)

    @property
    def short(self) -> tuple[str, str]:
        """Its keys and its name."""
        return " ".join(self.keys), self.name


class HelpDialog(Dialog[None]):
    """The keys of a screen, from their one declaration."""

    KEYS = "j, k, page down and page up show the rest · [@click=screen.leave]esc leaves[/]"

    def __init__(self, title: str, bindings: Mapping[str, ActiveBinding], *, own: Container[str]) -> None:
        """Make the dialog.

        Args:
            title: What it is about.
            bindings: The keys, by name.
            own: The actions of this screen alone.
        """
        super().__init__(title)
        self._found = list(bindings.values())
        self._own = own

    def body(self) -> ComposeResult:
        """What this screen is for, then what is the same on every one."""
        lines = self._lines()
        own, common = [line for line in lines if line.own], [line for line in lines if not line.own]
        first = Text(f"{self._first()}\n", style="bold", overflow="ellipsis")
        widths = [max(len(column) for column in texts) for texts in zip(*(line.short for line in lines), strict=True)]
        more = Text("\nOn every screen", style="bold")
        yield Static(Group(first, _table(own, widths), more, _table(common, widths)))

    def _first(self) -> str:
        """What whoever is lost needs before all else: the way to the other screens, to every command, back and out."""
        keys = {found.binding.action: self.app.get_key_display(found.binding) for found in reversed(self._found)}
        screens = sorted(key for action, key in keys.items() if action.startswith("app.go("))
        told = [f"{screens[0]}–{screens[-1]} screens"] if screens else []
        told += [f"{keys[action]} {word}" for action, word in FIRST.items() if action in keys]
        return " · ".join(told)

    def _lines(self) -> list[Line]:
        told: dict[str, Line] = {}
        for found in self._found:
            binding = found.binding
            if binding.tooltip:
                own = binding.action in self._own
                line = told.setdefault(binding.action, Line(binding.description.capitalize(), binding.tooltip, own))
                line.keys.append(self.app.get_key_display(binding))
        return list(told.values())


def _table(lines: Iterable[Line], widths: Sequence[int]) -> Table:
    table = Table.grid(padding=(0, 2), expand=True)
    table.add_column(width=widths[0], no_wrap=True, style="bold")
    table.add_column(width=widths[1], no_wrap=True)
    table.add_column(ratio=1, style="dim")
    for line in lines:
        table.add_row(*map(Text, (*line.short, line.does)))
    return table
