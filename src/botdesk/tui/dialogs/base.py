"""The frame of every dialog, and the form that most of them are.

A dialog returns a typed value, or None when it was left; it never writes.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar, Generic, TypeVar

from rich.text import Text
from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.reactive import reactive
from textual.screen import ModalScreen
from textual.widget import Widget
from textual.widgets import Input, Static

from botdesk import wording
from botdesk.errors import InvalidInput

T = TypeVar("T")
R = TypeVar("R")


class Dialog(ModalScreen[T | None], Generic[T]):
    """A framed box over the screen that it was asked from.

    Attributes:
        KEYS: The line of its keys, which can be clicked; the one text of a dialog that is markup, and no data.
    """

    KEYS: ClassVar[str] = "[@click=screen.leave]esc leaves[/]"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "leave", "Leave", show=False)]

    def __init__(self, title: str) -> None:
        super().__init__()
        self._named = wording.visible(title)

    def compose(self) -> ComposeResult:
        """Lay the frame around the dialog's own body."""
        with Vertical(id="frame"):
            yield Static(self._named, id="dialog-title", markup=False)
            with VerticalScroll(id="dialog-body", can_focus=False):
                yield from self.body()
            yield Static("", id="dialog-error", markup=False)
            yield Static(self.KEYS, id="dialog-keys")

    def body(self) -> ComposeResult:
        """What is between the title and the keys."""
        raise NotImplementedError

    def complain(self, error: InvalidInput) -> None:
        """Say what is wrong with what was typed, and what would be right."""
        self.query_one("#dialog-error", Static).update(wording.visible(f"{error.message} — {error.hint}"))

    def action_leave(self) -> None:
        """Leave without an answer."""
        self.dismiss(None)


class Choice(Widget, can_focus=True):
    """One of a few words; left and right change it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left,h", "turn(-1)", "Previous", show=False),
        Binding("right,l,space", "turn(1)", "Next", show=False),
    ]
    place: reactive[int] = reactive(0)

    def __init__(self, options: Sequence[tuple[str, str]], *, value: str = "", id: str | None = None) -> None:
        """Make a choice of (value, text) pairs."""
        super().__init__(id=id)
        self.options = list(options)
        values = [option[0] for option in self.options]
        self.set_reactive(Choice.place, values.index(value) if value in values else 0)

    @property
    def value(self) -> str:
        """The chosen value; empty when there is nothing to choose."""
        return self.options[self.place][0] if self.options else ""

    def render(self) -> Text:
        """Draw the chosen text between arrows."""
        text = self.options[self.place][1] if self.options else "nothing to choose from"
        return Text(f"‹ {wording.visible(text)} ›  {self.place + 1}/{len(self.options)}", no_wrap=True)

    def action_turn(self, step: int) -> None:
        """Choose the next or the previous one."""
        self.place = (self.place + step) % max(len(self.options), 1)

    def on_click(self) -> None:
        """Choose the next one."""
        self.action_turn(1)


@dataclass(frozen=True, slots=True)
class Field:
    """A line of a form.

    Attributes:
        key: Its name among the values.
        label: What stands before it.
        value: What it starts with.
        hint: What stands below it.
        options: (value, text) pairs of a choice; none for a text.
    """

    key: str
    label: str
    value: str = ""
    hint: str = ""
    options: Sequence[tuple[str, str]] = ()


class Wrong(InvalidInput):
    """A value of a field that cannot be taken."""

    def __init__(self, key: str, error: InvalidInput) -> None:
        super().__init__(error.message, hint=error.hint)
        self.key = key


class Form(Dialog[T], Generic[T]):
    """A dialog of fields; enter goes on to the next and submits from the last."""

    KEYS = (
        "tab next · [@click=screen.submit]ctrl+s, or enter at the end, does it[/] · [@click=screen.leave]esc leaves[/]"
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+s", "submit", "Do it", show=False),
        Binding("enter", "next", "Next", show=False),
    ]

    def __init__(self, title: str, fields: Sequence[Field], *, said: str = "") -> None:
        super().__init__(title)
        self._fields = list(fields)
        self._said = wording.visible(said, lines=True)
        self._armed = False

    def body(self) -> ComposeResult:
        """The text, then each field with its hint."""
        if self._said:
            yield Static(self._said, id="dialog-said", markup=False)
        for field in self._fields:
            yield Static(field.label, classes="label", markup=False)
            if field.options:
                yield Choice(field.options, value=field.value, id=field.key)
            else:
                yield Input(field.value, id=field.key, compact=True, select_on_focus=False)
            if field.hint:
                yield Static(wording.visible(field.hint), classes="hint", id=f"{field.key}-hint", markup=False)

    @property
    def values(self) -> dict[str, str]:
        """What is typed and chosen now, by field."""
        found: dict[str, str] = {}
        for field in self._fields:
            widget = self.query_one(f"#{field.key}")
            found[field.key] = widget.value if isinstance(widget, (Input, Choice)) else ""
        return found

    def result(self, values: dict[str, str]) -> T:
        """Make the answer.

        Raises:
            Wrong: A value cannot be taken.
        """
        raise NotImplementedError

    def action_submit(self) -> None:
        """Answer, or say what is wrong and go to that field."""
        try:
            answer = self.result(self.values)
        except Wrong as error:
            self.complain(error)
            self.query_one(f"#{error.key}").focus()
            return
        self.dismiss(answer)

    def action_next(self) -> None:
        """Go on to the next field, or submit from the last."""
        last = self._fields[-1].key if self._fields else ""
        if self.focused is None or self.focused.id == last:
            self.action_submit()
        else:
            self.focus_next()

    def on_input_submitted(self, event: events.Event) -> None:
        """Treat enter in a text as in any field."""
        event.stop()
        self.action_next()

    def action_leave(self) -> None:
        """Leave; when something was typed only by a second esc."""
        typed = any(field.value != self.values[field.key] for field in self._fields if not field.options)
        if typed and not self._armed:
            self._armed = True
            self.query_one("#dialog-error", Static).update("esc again throws away what you typed")
            return
        self.dismiss(None)


def taken(key: str, check: Callable[[], R]) -> R:
    """Do a check for a field, so that its error is shown there.

    Raises:
        Wrong: The check refused.
    """
    try:
        return check()
    except InvalidInput as error:
        raise Wrong(key, error) from None
