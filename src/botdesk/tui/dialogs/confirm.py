"""Ask before something is done."""

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import Static

from botdesk import wording
from botdesk.tui.dialogs.base import Dialog


class Confirm(Dialog[bool]):
    """A question that is answered by y or n."""

    KEYS = "[@click=screen.yes]y yes[/] · [@click=screen.leave]n no[/]"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "yes", "Yes", show=False),
        Binding("n", "leave", "No", show=False),
    ]

    def __init__(self, title: str, text: str) -> None:
        super().__init__(title)
        self._text = wording.visible(text, lines=True)

    def body(self) -> ComposeResult:
        """The question."""
        yield Static(self._text, markup=False)

    def action_yes(self) -> None:
        """Answer yes."""
        self.dismiss(True)
