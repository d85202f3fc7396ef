"""Everything about one event of the audit."""

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import Static

from botdesk import audit
from botdesk.tui import panes
from botdesk.tui.dialogs.base import Dialog


class EventDialog(Dialog[None]):
    """One event, with its digests and hashes."""

    KEYS = "[@click=screen.copy]y copies SEQ:HASH[/] · [@click=screen.leave]esc leaves[/]"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("y", "copy", "Copy", show=False)]

    def __init__(self, event: audit.Event) -> None:
        super().__init__(f"Event {event.sequence}")
        self._event = event

    def body(self) -> ComposeResult:
        """The event in words, then field by field."""
        yield Static(panes.event(self._event))

    def action_copy(self) -> None:
        """Send the event's head to the terminal's clipboard."""
        self.app.copy_to_clipboard(f"{self._event.sequence}:{self._event.hash}")
        self.warn("sent SEQ:HASH to your terminal for its clipboard", good=True)
