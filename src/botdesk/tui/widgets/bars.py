"""The lines of the frame: where one is, what has to be known first, and what was just done."""

from typing import Final

from rich.cells import cell_len
from rich.text import Text
from textual import events
from textual.message import Message
from textual.widgets import Static

from botdesk import wording
from botdesk.tui.widgets.columns import fit

SCREENS: dict[str, str] = {
    "accounts": "Accounts",
    "access": "Access",
    "audit": "Audit",
    "people": "People",
    "advice": "Advice",
    "migrations": "Migrations",
}
"""The screens that the number keys switch between, in their order."""


LEAST: Final = 8
"""The least room in which it is told who operates the desk."""


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
        if (shown := wording.visible(who)) != self._who:
            self._who = shown
            self.refresh()

    def render(self) -> Text:
        """Draw the screens' names, the current one set apart, and the operator at the right."""
        tabs = self._tabs()
        room = self.size.width - sum(len(tab) for tab in tabs.values()) - len(" botdesk ") - 1
        text, self._spans = Text(" botdesk " if cell_len(self._who) < room else "", style="bold", no_wrap=True), []
        for name, tab in tabs.items():
            start = text.cell_len
            text.append(tab, style="reverse" if name == self._current else "")
            self._spans.append((start, text.cell_len, name))
        room = self.size.width - text.cell_len - 2
        if room >= LEAST:
            who = fit(self._who, min(cell_len(self._who), room))
            text.append(" " * (room + 1 - cell_len(who)) + who, style="dim")
        return text

    def _tabs(self) -> dict[str, str]:
        """What is written for each screen: its key and its name; where not all names fit, the current one's alone."""
        tabs = {name: f" {number} {title} " for number, (name, title) in enumerate(SCREENS.items(), 1)}
        if sum(len(tab) for tab in tabs.values()) <= self.size.width:
            return tabs
        return {name: tab if name == self._current else tab[:3] for name, tab in tabs.items()}

    def on_click(self, event: events.Click) -> None:
        """Switch to the clicked screen."""
        for start, end, name in self._spans:
            if start <= event.x < end:
                self.post_message(self.Picked(name))


class AlarmLine(Static):
    """What has to be known before anything else; there only when there is such a thing."""

    def __init__(self, id: str = "alarm", *, action: str = "") -> None:
        super().__init__(markup=False, id=id)
        self.display = False
        self._action = action
        self._told = ""

    async def on_click(self) -> None:
        """Do what there is to do about it."""
        if self._action:
            await self.screen.run_action(self._action)

    def warn(self, text: str) -> None:
        """Show a warning; an empty one takes the line away."""
        if text != self._told:
            self._told = text
            self.display = bool(text)
            self.update(f" {wording.visible(text)}")


class StatusLine(Static):
    """What is shown, and what was just done."""

    def __init__(self) -> None:
        super().__init__(markup=False, id="status")
        self._facts = ""
        self._said = ""

    def show(self, facts: str) -> None:
        """Say what is shown: counts, order, filter."""
        shown = wording.visible(facts)
        if shown != self._facts:
            self._facts = shown
            self.refresh()

    def say(self, text: str, *, over: bool = True) -> None:
        """Say what was done; it stays until the next key. Over what was said last, or not at all."""
        shown = wording.visible(text)
        if shown != self._said and (over or not self._said):
            self._said = shown
            self.refresh()

    def unsay(self, text: str) -> None:
        """Take a text back, if it still stands there."""
        if self._said == wording.visible(text):
            self.say("")

    def render(self) -> Text:
        """Draw the facts at the left and what was done at the right; where both do not fit, what was done."""
        text = Text(f" {self._facts}", no_wrap=True, overflow="ellipsis")
        if not self._said:
            return text
        space = self.size.width - text.cell_len - cell_len(self._said) - 1
        if space < 2:
            return Text(f" {self._said}", style="bold", no_wrap=True, overflow="ellipsis")
        return text.append(" " * space).append(self._said, style="bold")
