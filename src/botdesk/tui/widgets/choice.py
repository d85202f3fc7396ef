"""Choosing one of several: of a few words by left and right, of many by typing a part of one."""

from collections.abc import Sequence
from typing import ClassVar, Final

from rich.text import Text
from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.reactive import reactive
from textual.widget import Widget

from botdesk import wording
from botdesk.tui.widgets.columns import fit

Options = Sequence[tuple[str, str]]
"""(value, text) pairs."""

FEW: Final = 7
SHOWN: Final = 6
NONE: Final = -1
"""The place of what is chosen while nothing is."""


class Chosen(Message):
    """Another one is chosen; `key` is the id of what it was chosen in."""

    def __init__(self, key: str) -> None:
        super().__init__()
        self.key = key


class Choice(Widget, can_focus=True):
    """One of a few words, or none yet; left and right, or its first letter, change it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left", "turn(-1)", "Previous", show=False),
        Binding("right,space", "turn(1)", "Next", show=False),
    ]
    place: reactive[int] = reactive(NONE)

    def __init__(self, options: Options, *, value: str = "", id: str | None = None) -> None:
        """Make a choice."""
        super().__init__(id=id)
        self.options = list(options)
        values = [option[0] for option in self.options]
        self.set_reactive(Choice.place, values.index(value) if value in values else NONE)

    @property
    def value(self) -> str:
        """The chosen value; empty when nothing is chosen."""
        return self.options[self.place][0] if self.place != NONE else ""

    def choose(self, value: str) -> None:
        """Choose a value, if it is one of them."""
        values = [option[0] for option in self.options]
        self.place = values.index(value) if value in values else self.place

    def watch_place(self) -> None:
        """Tell that another one is chosen."""
        self.post_message(Chosen(self.id or ""))

    def render(self) -> Text:
        """Draw the chosen text between arrows, and how many there are."""
        if self.place == NONE:
            text = f"none of {len(self.options)} yet: left, right, or its first letter"
            return Text(f"‹ {text if self.options else 'nothing to choose from'} ›", style="dim", no_wrap=True)
        text = wording.visible(self.options[self.place][1])
        drawn = Text(f"‹ {text} ›", no_wrap=True, overflow="ellipsis")
        return drawn.append(f"  {self.place + 1} of {len(self.options)}", style="dim")

    def action_turn(self, step: int) -> None:
        """Choose the next or the previous one."""
        if self.options:
            self.place = (max(self.place, 0 if step < 0 else NONE) + step) % len(self.options)

    def on_key(self, event: events.Key) -> None:
        """Choose the next one that begins with a typed letter."""
        count, typed = len(self.options), (event.character or "").lower()
        others = [(self.place + step) % count for step in range(1, count + 1)]
        found = [place for place in others if self.options[place][1].lower().startswith(typed)]
        if event.is_printable and typed and found:
            event.stop()
            self.place = found[0]

    def on_click(self, event: events.Click) -> None:
        """Choose the next one; on the left arrow the previous one."""
        self.action_turn(-1 if event.x <= 1 else 1)


class Pick(Widget, can_focus=True):
    """One of many; what is typed narrows them, up and down move."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "move(-1)", "Up", show=False, priority=True),
        Binding("down", "move(1)", "Down", show=False, priority=True),
        Binding("pageup", f"move(-{SHOWN})", "Page up", show=False),
        Binding("pagedown", f"move({SHOWN})", "Page down", show=False),
        Binding("backspace", "widen", "Widen", show=False),
        Binding("ctrl+u", "widen(True)", "Show all", show=False),
    ]
    place: reactive[int] = reactive(NONE)
    typed: reactive[str] = reactive("", init=False)

    def __init__(self, options: Options, *, value: str = "", id: str | None = None) -> None:
        """Make a list to pick from."""
        super().__init__(id=id)
        self.options = list(options)
        values = [option[0] for option in self.options]
        self.set_reactive(Pick.place, values.index(value) if value in values else NONE)
        self.styles.height = min(len(self.options), SHOWN) + 1

    @property
    def found(self) -> Options:
        """Those that hold what is typed."""
        return [option for option in self.options if self.typed.lower() in option[1].lower()]

    @property
    def value(self) -> str:
        """The value under the cursor; empty before it was moved to one, and when nothing holds what is typed."""
        found = self.found
        return found[self.place][0] if 0 <= self.place < len(found) else ""

    @property
    def _shown(self) -> int:
        """How many there is room for."""
        return max(1, min(SHOWN, self.size.height - 1))

    @property
    def _top(self) -> int:
        return max(0, min(self.place - self._shown // 2, len(self.found) - self._shown))

    def render(self) -> Text:
        """Draw what is typed, then the part of the list around the cursor."""
        found, width = self.found, max(self.size.width, 1)
        typed = f"/{wording.visible(self.typed)}" if self.typed else "type a part of it, or up and down"
        drawn = Text(fit(f"{typed}  {len(found)} of {len(self.options)}", width), style="dim", no_wrap=True)
        for place in range(self._top, min(self._top + self._shown, len(found))):
            text = fit(f"{'›' if place == self.place else ' '} {wording.visible(found[place][1])}", width)
            drawn.append("\n").append(text, style="reverse not dim" if place == self.place else "not dim")
        return drawn

    def action_move(self, step: int) -> None:
        """Move the cursor; it stays within the list."""
        self.place = max(0, min(self.place + step, len(self.found) - 1))

    def action_widen(self, whole: bool = False) -> None:
        """Take back the last typed letter, or all of them."""
        self.typed = "" if whole else self.typed[:-1]

    def on_key(self, event: events.Key) -> None:
        """Narrow the list by a typed letter."""
        if event.is_printable and event.character is not None:
            event.stop()
            event.prevent_default()
            self.typed += event.character

    def on_paste(self, event: events.Paste) -> None:
        """Narrow the list by what is pasted."""
        event.stop()
        self.typed += event.text.strip()[:40]

    def watch_typed(self) -> None:
        """Begin at the top of what is found; where nothing is typed, on none."""
        self.place = 0 if self.typed else NONE
        self.post_message(Chosen(self.id or ""))

    def watch_place(self) -> None:
        """Tell that another one is chosen."""
        self.post_message(Chosen(self.id or ""))

    def on_click(self, event: events.Click) -> None:
        """Pick the clicked one."""
        if event.y > 0:
            self.place = max(0, min(self._top + event.y - 1, len(self.found) - 1))


def chooser(options: Options, *, value: str = "", id: str | None = None) -> Choice | Pick:
    """What is right for so many: a choice of a few, or a list to pick from."""
    return (Choice if len(options) <= FEW else Pick)(options, value=value, id=id)
