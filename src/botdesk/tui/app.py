"""The terminal program as a whole: it paints first, then opens the desk in a thread, then follows it."""

import asyncio
import contextlib
import traceback
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Final

from rich.segment import Segment
from rich.text import Text
from textual import work
from textual.app import App, SystemCommand
from textual.binding import Binding, BindingType
from textual.color import Color
from textual.filter import LineFilter
from textual.screen import Screen
from textual.signal import Signal
from textual.worker import WorkerFailed

from botdesk import wording
from botdesk.errors import BotdeskError, StoreError
from botdesk.settings import Settings
from botdesk.tui import styles
from botdesk.tui.base import DeskScreen
from botdesk.tui.memory import Memory
from botdesk.tui.screens.access import AccessScreen
from botdesk.tui.screens.accounts import AccountsScreen
from botdesk.tui.screens.audit import AuditScreen
from botdesk.tui.screens.people import PeopleScreen
from botdesk.tui.themes import THEMES

if TYPE_CHECKING:
    from botdesk.audit import Head
    from botdesk.desk import Desk
    from botdesk.handoff import Clearing

SHEETS: Final = ("app", "dialogs", "accounts", "account", "access", "audit", "people")


class Visible(LineFilter):
    """Turns control, bidi and zero-width characters of any widget into visible symbols."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """Filter one line on its way to the terminal."""
        return [
            Segment(wording.visible(text), style, control) if not control and wording.hidden(text) else segment
            for segment in segments
            for text, style, control in [segment]
        ]


class BotdeskApp(App[None]):
    """botdesk in the terminal.

    Attributes:
        desk: The open desk; only once `is_open`.
        is_open: Whether the desk is open.
        failure: Why the desk could not be opened, if it could not.
        clearings: What still has to be cleared from the clipboard.
    """

    TITLE = "botdesk"
    CSS_PATH: ClassVar[list[Any]] = [styles.path(stem) for stem in SHEETS]
    ENABLE_COMMAND_PALETTE = True
    HORIZONTAL_BREAKPOINTS: list[tuple[int, str]] | None = [(0, "-narrow"), (110, "-wide")]  # noqa: RUF012
    DEPTH: ClassVar[int] = 2
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+q", "quit", "Quit", show=False, priority=True, tooltip="Leave botdesk"),
    ]

    desk: "Desk"

    def __init__(self, opener: "Callable[[], Desk]", *, memory: Memory | None = None, poll: float = 1.0) -> None:
        """Make the program.

        Args:
            opener: Opens the desk; called in a thread.
            memory: What is remembered; nothing by default.
            poll: Seconds between two looks at the audit's head; 0 for none.
        """
        super().__init__()
        self.is_open = False
        self.failure: BotdeskError | None = None
        self.clearings: list[Clearing] = []
        self.memory = memory
        self.changed: Signal[Head] = Signal(self, "changed")
        self.alarm = ""
        self._opener = opener
        self._poll_seconds = poll
        self._head: Head | None = None

    @property
    def who(self) -> str:
        """Who operates which desk."""
        actor = f"{self.desk.operator} as {self.desk.acting_as}" if self.desk.acting_as else self.desk.operator
        return f"{self.alarm}{actor} · {self.desk.title}"

    def get_line_filters(self) -> Sequence[LineFilter]:
        """Add the filter that makes unseen characters visible."""
        return [*super().get_line_filters(), Visible()]

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """What a foreign theme lacks."""
        return {"muted": "#808080"}

    def get_system_commands(self, screen: Screen[Any]) -> Iterable[SystemCommand]:
        """Offer in the palette what the keys of this screen do, and the themes."""
        offered: set[str] = set()
        for found in screen.active_bindings.values():
            binding = found.binding
            if binding.tooltip and found.enabled and binding.action not in offered:
                offered.add(binding.action)
                act = partial(self.call_later, self.run_action, binding.action, found.node)
                yield SystemCommand(binding.description, binding.tooltip, act)
        for theme in THEMES:
            yield SystemCommand(f"Theme {theme.name}", "Take this theme", partial(setattr, self, "theme", theme.name))

    def on_mount(self) -> None:
        """Paint the first screen, then open the desk."""
        for theme in THEMES:
            self.register_theme(theme)
        known = {theme.name for theme in THEMES}
        self.theme = self.memory.theme if self.memory and self.memory.theme in known else THEMES[0].name
        screens: list[DeskScreen] = [AccountsScreen(), AccessScreen(), AuditScreen(), PeopleScreen()]
        for screen in screens:
            self.install_screen(screen, screen.NAME)
        first = self.memory.screen if self.memory else ""
        self.push_screen(first if first in {screen.NAME for screen in screens} else AccountsScreen.NAME)
        self._open()

    @work(exclusive=True, group="open")
    async def _open(self) -> None:
        try:
            self.desk = await asyncio.to_thread(self._opener)
            self._head = await asyncio.to_thread(self.desk.head)
            await self._compare_head()
        except BotdeskError as error:
            self.failure = error
            self.exit()
            return
        self.is_open = True
        if self.desk.founded and isinstance(self.screen, DeskScreen):
            self.screen.say(f"made {self.desk.operator} the first admin of this desk")
        self.changed.publish(self._head)
        if self._poll_seconds:
            self.set_interval(self._poll_seconds, self.poll_soon)

    async def _compare_head(self) -> None:
        """Hold the history against the last head that this operator saw: a shortened or rewritten one is an alarm."""
        from botdesk import audit

        if self.memory is None or self._head is None:
            return
        kept = self.memory.heads.get(self.desk.location)
        if kept:
            head = audit.Head.parse(kept)
            if await asyncio.to_thread(self.desk.ask, audit.hash_at, head.sequence) != head.hash:
                self.alarm = "HISTORY REWRITTEN OR CUT SHORT · "
                self.complain(
                    f"the audit no longer holds event {head.sequence} as you last saw it",
                    f"somebody rewrote or shortened it: botdesk audit verify --head {kept}",
                )
                return
        self._remember_head()

    def _remember_head(self) -> None:
        if self.memory and self._head and self._head.sequence and not self.alarm:
            self.memory.heads[self.desk.location] = str(self._head)

    def poll_soon(self) -> None:
        """Look at the audit's head now, in the background."""
        self._poll()

    @work(exclusive=False, group="poll")
    async def _poll(self) -> None:
        if not self.is_open:
            return
        try:
            head = await asyncio.to_thread(self.desk.head)
        except StoreError as error:
            if isinstance(self.screen, DeskScreen):
                self.screen.say(f"{error.message}; trying again")
            return
        if head != self._head:
            self._head = head
            self._remember_head()
            self.changed.publish(head)

    def complain(self, message: str, hint: str = "", *, severity: Any = "error") -> None:
        """Show what went wrong and what to try."""
        text = wording.visible(f"{message}\n{hint}" if hint else message, lines=True)
        self.notify(text, severity=severity, markup=False, timeout=8)

    def action_go(self, name: str) -> None:
        """Switch to one of the title bar's screens."""
        while len(self.screen_stack) > self.DEPTH:
            self.pop_screen()
        if self.memory:
            self.memory.screen = name
        self.switch_screen(name)

    def action_next_theme(self) -> None:
        """Take the next theme."""
        names = [theme.name for theme in THEMES]
        place = names.index(self.theme) if self.theme in names else -1
        self.theme = names[(place + 1) % len(names)]

    def watch_theme(self, theme: str) -> None:
        """Remember the theme."""
        if self.memory:
            self.memory.theme = theme

    def write_terminal(self, text: str) -> None:
        """Write an escape sequence to the terminal, past everything that keeps what is drawn."""
        if self._driver is not None:
            self._driver.write(text)
            self._driver.flush()

    def clear_later(self, clearing: "Clearing", seconds: int) -> None:
        """Clear the clipboard after a while, whatever becomes of the dialog that filled it."""
        self.clearings.append(clearing)
        self.set_timer(seconds, lambda: self.clear_now(clearing))

    async def clear_now(self, clearing: "Clearing") -> bool:
        """Clear the clipboard, once; False when it held something else by now."""
        if clearing not in self.clearings:
            return True
        self.clearings.remove(clearing)
        return await asyncio.to_thread(clearing.clear)

    def _handle_exception(self, error: Exception) -> None:
        """End the program with the place of the failure alone; Textual would print the locals of every frame."""
        self._return_code = 1
        if self._exception is None:
            self._exception = error
            self._exception_event.set()
        self._fatal_error()

    def _fatal_error(self) -> None:
        error: BaseException | None = self._exception
        if isinstance(error, WorkerFailed):
            error = error.error
        frames = traceback.extract_tb(error.__traceback__) if error else []
        place = f"{Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else "an unknown place"
        said = f"botdesk crashed: {type(error).__name__} at {place}; nothing that was saved is lost"
        self._exit_renderables.append(Text(said))
        self._close_messages_no_wait()


def run(*, settings: Settings, acting_as: str | None = None, demo: bool = False) -> int:
    """Open botdesk in this terminal and return its exit code.

    Args:
        settings: How the desk behaves, and where its store is.
        acting_as: The person in whose stead the operator acts.
        demo: Open a throw-away copy of the demo desk.

    Raises:
        BotdeskError: The desk could not be opened.
    """
    with contextlib.ExitStack() as stack:
        opener = _demo_opener(stack) if demo else _opener(settings, acting_as)
        memory = Memory(settings.state_dir / "none") if demo else Memory.load(settings.state_dir / "tui.json")
        app = BotdeskApp(opener, memory=None if demo else memory)
        try:
            app.run()
        finally:
            _tidy(app)
        if not demo:
            memory.save()
        if app.failure:
            raise app.failure
        return app.return_code or 0


def _opener(settings: Settings, acting_as: str | None) -> "Callable[[], Desk]":
    def opener() -> "Desk":
        from botdesk.desk import Desk

        return Desk.open(settings=settings, acting_as=acting_as, source="tui")

    return opener


def _demo_opener(stack: contextlib.ExitStack) -> "Callable[[], Desk]":
    import tempfile

    folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="botdesk-demo-")))

    def opener() -> "Desk":
        from botdesk import demo

        return demo.open_desk(folder / "demo.db", live=True, source="tui")

    return opener


def _tidy(app: BotdeskApp) -> None:
    """Clear the clipboard and close the desk, however the program ended."""
    from botdesk import handoff

    for clearing in app.clearings:
        with contextlib.suppress(OSError):
            replace(clearing, write=handoff.write_tty).clear()
    if app.is_open:
        app.desk.close()
