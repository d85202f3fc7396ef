"""The line to filter in, as one types."""

from collections.abc import Callable
from typing import ClassVar, Final

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.geometry import Size
from textual.message import Message
from textual.reactive import Reactive
from textual.widgets import Input, Static

LONGEST: Final = 200
"""How many characters a filter takes; each word is looked for in every row."""


class Line(Input):
    """A line of text whose cursor does not blink: nothing is written to the terminal while nothing happens.

    A letter does not lay the screen out anew: the line is as wide as before.
    """

    virtual_size = Reactive(Size(0, 0))

    def __init__(self, value: str = "", *, hint: str = "", id: str | None = None, masked: bool = False) -> None:
        super().__init__(value, placeholder=hint, id=id, password=masked, compact=True, select_on_focus=False)
        self.cursor_blink = False


class FilterLine(Line):
    """What is typed to filter by."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter,down", "keep", "Keep it", key_display="enter", tooltip="Keep the filter and go to the list"),
        Binding("escape", "drop", "Drop it", tooltip="Empty the filter and go to the list"),
    ]

    def __init__(self, *, hint: str) -> None:
        super().__init__(hint=hint, id="filter")
        self.max_length = LONGEST

    def action_keep(self) -> None:
        """Go back to the list."""
        self.post_message(FilterBar.Closed())

    def action_drop(self) -> None:
        """Empty the filter and go back to the list; a search that is under way is stopped first."""
        stop: Callable[[], bool] = getattr(self.screen, "stop_search", lambda: False)
        if not stop():
            self.value = ""
            self.action_keep()


class FilterBar(Horizontal):
    """A sign, and the line beside it; there only while something is filtered."""

    class Closed(Message):
        """The typing ended."""

    def __init__(self, hint: str) -> None:
        super().__init__(id="filterbar")
        self._hint = hint
        self.display = False

    def compose(self) -> ComposeResult:
        """Lay the sign beside the line."""
        yield Static("/", id="filter-sign", markup=False)
        yield FilterLine(hint=self._hint)

    @property
    def line(self) -> FilterLine:
        """The line itself."""
        return self.query_one(FilterLine)

    def open(self) -> None:
        """Begin to type."""
        self.display = True
        self.line.focus()

    def fold(self) -> None:
        """Take the line away when nothing is filtered."""
        self.display = bool(self.line.value)
