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
        told: dict[str, tuple[list[str], str, str]] = {}
        for found in self._found.values():
            binding = found.binding
            if not binding.description or binding.system:
                continue
            keys, _, _ = told.setdefault(binding.action, ([], binding.description, found.tooltip or binding.tooltip))
            keys.append(self.app.get_key_display(binding))
        text = Text()
        for keys, description, tooltip in sorted(told.values(), key=lambda line: line[1]):
            text.append(f"{' '.join(keys)[:14]:>14}  ", style="bold").append(f"{description:<16}").append(
                f"{tooltip or ''}\n", style="dim"
            )
        yield Static(text)
