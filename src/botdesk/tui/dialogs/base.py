"""The frame of every dialog. A dialog returns a typed value, or None when it was left; it never writes."""

from typing import ClassVar, Generic, TypeVar, cast

from textual.actions import SkipAction
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.geometry import Region
from textual.screen import ModalScreen
from textual.widget import Widget
from textual.widgets import Static

from botdesk import wording
from botdesk.errors import BotdeskError

T = TypeVar("T")


class Body(VerticalScroll):
    """What scrolls between the title and the keys.

    The field that is typed into is in view, however small it is, and what is said below it, if there is room for both.
    """

    def on_mount(self) -> None:
        """Follow how long the text is: what is narrower is longer."""
        self.watch(self, "virtual_size", self.show_focused, init=False)

    def on_resize(self) -> None:
        """Show the field in what room there is now."""
        self.show_focused()

    def show_focused(self) -> None:
        """Show the field that is typed into, once it has its place."""
        self.call_after_refresh(self._show_focused)

    def _show_focused(self) -> None:
        focused = self.screen.focused
        if focused is None or self not in focused.ancestors:
            return
        entry = focused if focused.parent is self else cast("Widget", focused.parent)
        below = [line for line in self.children if line.id in (f"{focused.id}-hint", f"{focused.id}-wrong")]
        whole = Region.from_union([each.virtual_region for each in (entry, *below) if each.display])
        self.scroll_to_region(whole if whole.height <= self.size.height else entry.virtual_region, animate=False)


class Dialog(ModalScreen[T | None], Generic[T]):
    """A framed box over the screen that it was asked from.

    Attributes:
        KEYS: The line of its keys, which can be clicked; the one text of a dialog that is markup, and no data.
    """

    KEYS: ClassVar[str] = "[@click=screen.leave]esc leaves[/]"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "Leave", show=False),
        Binding("ctrl+z", "app.help_quit", "Stay", show=False),
        Binding("down,j", "scroll(1)", "Down", show=False),
        Binding("up,k", "scroll(-1)", "Up", show=False),
        Binding("pagedown,ctrl+d", "scroll(8)", "Page down", show=False),
        Binding("pageup,ctrl+u", "scroll(-8)", "Page up", show=False),
    ]

    def __init__(self, title: str) -> None:
        super().__init__()
        self._named = wording.visible(title)

    def compose(self) -> ComposeResult:
        """Lay the frame around the dialog's own body."""
        with Vertical(id="frame"):
            yield Static(self._named, id="dialog-title", markup=False)
            with Body(id="dialog-body", can_focus=False):
                yield from self.body()
            yield Static("", id="dialog-error", markup=False)
            yield Static(self.KEYS, id="dialog-keys")

    def body(self) -> ComposeResult:
        """What is between the title and the keys."""
        raise NotImplementedError

    def complain(self, error: BotdeskError) -> None:
        """Say what went wrong, and what to try."""
        self.warn(told(error))

    def warn(self, text: str, *, good: bool = False) -> None:
        """Say something above the keys, as a warning or as good news; an empty text takes it back."""
        line = self.query_one("#dialog-error", Static)
        line.set_class(good, "good")
        line.update(wording.visible(text))

    def on_descendant_focus(self) -> None:
        """Show the field that is typed into."""
        self.query_one(Body).show_focused()

    def action_scroll(self, lines: int) -> None:
        """Scroll the body."""
        self.query_one("#dialog-body").scroll_relative(y=lines, animate=False)

    def action_copy_text(self) -> None:
        """Copy what is selected; where nothing is, say which keys leave, for that may be what was meant."""
        try:
            super().action_copy_text()
        except SkipAction:
            self.app.action_help_quit()

    def hold(self) -> bool:
        """Whether leaving the program has to wait, because something is at work."""
        return False

    def action_leave(self) -> None:
        """Leave without an answer."""
        self.dismiss(None)


def told(error: BotdeskError) -> str:
    """An error in a line: what went wrong, and what to try."""
    return f"{error.message} — {error.hint}" if error.hint else error.message
