"""Every key of a screen."""

from collections.abc import Mapping

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import ActiveBinding
from textual.widgets import Static

from botdesk.tui.dialogs.base import Dialog


class HelpDialog(Dialog[None]):
    """The keys that work now, from their one declaration."""

    def __init__(self, bindings: Mapping[str, ActiveBinding]) -> None:
        super().__init__("Keys")
        self._found = dict(bindings)

    def body(self) -> ComposeResult:
        """One line a command: its keys, its name, what it does."""
        told: dict[str, tuple[list[str], str, str, bool]] = {}
        for found in self._found.values():
            binding = found.binding
            if binding.tooltip:
                line = told.setdefault(binding.action, ([], binding.description, binding.tooltip, binding.show))
                line[0].append(self.app.get_key_display(binding))
        text = Text(no_wrap=True, overflow="ellipsis")
        for keys, description, tooltip, _ in sorted(told.values(), key=lambda line: not line[3]):
            text.append(f"{' '.join(keys)[:13]:<14}", style="bold").append(f"{description:<14}")
            text.append(f"{tooltip}\n", style="dim")
        yield Static(text)
