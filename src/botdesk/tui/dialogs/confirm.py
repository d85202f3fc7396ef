"""Ask before something is done."""

from collections.abc import Sequence
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

    def __init__(self, title: str, text: str, would: Sequence[str] = ()) -> None:
        """Make the question.

        Args:
            title: What it is about.
            text: What is asked.
            would: What would come of a yes, line by line.
        """
        super().__init__(title)
        self._text = wording.visible(text)
        self._would = "\n".join(wording.visible(line) for line in would)

    def body(self) -> ComposeResult:
        """The question."""
        yield Static(self._text, markup=False)
        if self._would:
            yield Static(self._would, id="dialog-what-if", markup=False)

    def action_yes(self) -> None:
        """Answer yes."""
        self.dismiss(True)
