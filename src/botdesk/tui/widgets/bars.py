"""The line at the top, the line above the keys, and the line to filter in."""

from rich.text import Text
from textual import events
from textual.message import Message
from textual.widgets import Input, Static

from botdesk import wording

SCREENS: dict[str, str] = {"accounts": "Accounts", "access": "Access", "audit": "Audit", "people": "People"}
"""The screens that the number keys switch between, in their order."""


class TitleBar(Static):
    """Where one is, and who one is."""

    class Picked(Message):
        """A screen's name was clicked."""

        def __init__(self, screen: str) -> None:
            super().__init__()
            self.screen_name = screen

    def __init__(self, current: str) -> None:
        super().__init__(markup=False, id="title")
        self._current = current
        self._who = ""
        self._spans: list[tuple[int, int, str]] = []

    def say_who(self, who: str) -> None:
        """Show who operates which desk."""
        self._who = wording.visible(who)
        self.refresh()

    def render(self) -> Text:
        """Draw the screens' names, the current one set apart, and the operator at the right."""
        text, self._spans = Text(" botdesk ", style="bold", no_wrap=True), []
        for number, (name, title) in enumerate(SCREENS.items(), 1):
            start = text.cell_len
            text.append(f" {number} {title} ", style="reverse" if name == self._current else "")
            self._spans.append((start, text.cell_len, name))
        space = self.size.width - text.cell_len - len(self._who) - 1
        if space > 0:
            text.append(" " * space + self._who, style="dim")
        return text

    def on_click(self, event: events.Click) -> None:
        """Switch to the clicked screen."""
        for start, end, name in self._spans:
            if start <= event.x < end:
                self.post_message(self.Picked(name))


class StatusLine(Static):
    """What is shown, and what was just done."""

    def __init__(self) -> None:
        super().__init__(markup=False, id="status")
        self._facts = ""
        self._said = ""

    def show(self, facts: str) -> None:
        """Say what is shown: counts, order, filter."""
        self._facts = facts
        self.refresh()

    def say(self, text: str) -> None:
        """Say what was done; it stays until something else is."""
        self._said = wording.visible(text)
        self.refresh()

    def unsay(self, text: str) -> None:
        """Take a text back, if it still stands there."""
        if self._said == wording.visible(text):
            self.say("")

    def render(self) -> Text:
        """Draw the facts at the left, what was done at the right."""
        text = Text(f" {self._facts}", no_wrap=True, overflow="ellipsis")
        if self._said:
            space = self.size.width - text.cell_len - Text(self._said).cell_len - 1
            text.append(" " * max(space, 2)).append(self._said, style="bold")
        return text


class FilterLine(Input):
    """Filters as one types; esc empties it, enter keeps it."""

    class Closed(Message):
        """The typing ended."""

    def __init__(self, hint: str) -> None:
        super().__init__(placeholder=hint, compact=True, id="filter", select_on_focus=False)

    async def on_key(self, event: events.Key) -> None:
        """End the typing by esc (and forget it), enter or down (and keep it)."""
        if event.key == "escape":
            self.value = ""
        if event.key in ("escape", "enter", "down"):
            event.stop()
            event.prevent_default()
            self.post_message(self.Closed())
