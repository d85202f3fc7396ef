"""The terminal program as a whole: it paints first, then opens the desk in a thread, then follows it."""

import asyncio
import gc
import sys
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Sequence
from functools import cached_property, partial
from importlib import import_module
from typing import TYPE_CHECKING, Any, ClassVar, Concatenate, Final, ParamSpec, TypeVar, cast

from rich.color import ColorSystem
from rich.console import RenderableType
from textual import work
from textual._compositor import CompositorUpdate
from textual.app import ScreenStackError, SystemCommand
from textual.binding import Binding, BindingType
from textual.command import CommandPalette
from textual.css.query import NoMatches
from textual.dom import NoScreen
from textual.driver import Driver
from textual.filter import LineFilter
from textual.screen import Screen
from textual.signal import Signal
from textual.timer import Timer
from textual.widgets import Input

from botdesk import wording
from botdesk.access import Action, Standing, allows
from botdesk.errors import BotdeskError, StoreError
from botdesk.tui import crash, glyphs, styles
from botdesk.tui.ahead import TypeAhead
from botdesk.tui.base import SEVERITIES, DeskScreen
from botdesk.tui.dialogs.base import Dialog
from botdesk.tui.memory import Memory
from botdesk.tui.picture import Picture, Written
from botdesk.tui.scout import FIRST_SCREEN, Scout
from botdesk.tui.themes import THEMES
from botdesk.tui.watch import Watch
from botdesk.tui.widgets.bars import SCREENS as TITLES

if TYPE_CHECKING:
    from botdesk.desk import Desk, Transaction
    from botdesk.handoff import Cleared, Clearing
    from botdesk.tui.dialogs.form import Form, Look

P = ParamSpec("P")
T = TypeVar("T")
F = TypeVar("F")

SHEETS: Final = (
    *("app", "dialogs", "accounts", "account", "access", "audit", "people", "advice", "cutover"),
    *("migrations", "migration"),
)
SCREENS: Final = {name: f"{name.title()}Screen" for name in TITLES}
"""The classes of the screens of the title bar, each in a module of its name."""

PAINTED_SECONDS: Final = 0.003
"""How long a frame takes to reach the terminal, once it is drawn."""

TAKEN_DOWN: Final = (NoMatches, NoScreen, ScreenStackError)
"""What looking for a widget says when its screen is no longer whole."""

SLOW_SECONDS: Final = 0.5
SAVING: Final = "saving …"
LOOKING: Final = "looking every second whether it is back"
BACK: Final = "the store answers again"


def _made(name: str) -> DeskScreen:
    """Make a screen; its module is imported when the screen is first shown."""
    made: DeskScreen = getattr(import_module(f"botdesk.tui.screens.{name}"), SCREENS[name])()
    return made


class Palette(CommandPalette):
    """The command palette, without a blinking cursor."""

    def on_mount(self) -> None:
        """Keep the cursor still."""
        self.query_one(Input).cursor_blink = False


class BotdeskApp(TypeAhead):
    """botdesk in the terminal.

    Attributes:
        desk: The open desk; only once `is_open`.
        is_open: Whether the desk is open.
        failure: Why the desk could not be opened, if it could not.
        history: The watch on the desk's history.
        clearings: What still has to be cleared from the clipboard.
        pending: The ids of tokens that were issued and not yet handed over.
    """

    TITLE = "botdesk"
    ENABLE_COMMAND_PALETTE = True
    HORIZONTAL_BREAKPOINTS: list[tuple[int, str]] | None = [(0, "-narrow"), (110, "-wide")]  # noqa: RUF012
    VERTICAL_BREAKPOINTS: list[tuple[int, str]] | None = [(0, "-tiny"), (14, "-short"), (22, "-normal"), (36, "-tall")]  # noqa: RUF012
    SCREENS: ClassVar[dict[str, Callable[[], Screen[Any]]]] = {name: partial(_made, name) for name in SCREENS}
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+q", "quit", "Quit", show=False, priority=True, tooltip="Leave botdesk"),
        Binding("ctrl+z", "help_quit", "Stay", show=False),
        Binding("ctrl+l", "redraw", "Redraw", show=False, priority=True, tooltip="Draw the whole screen anew"),
    ]

    desk: "Desk"

    def __init__(
        self,
        opener: "Callable[[], Desk]",
        *,
        memory: Memory | None = None,
        scout: Scout | None = None,
        poll: float = 1.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Make the program.

        Args:
            opener: Opens the desk; called in a thread.
            memory: What is remembered; nothing by default.
            scout: A process that was sent for the first rows, to show them until the desk is open.
            poll: Seconds between two looks at the audit's head; 0 for none.
            clock: Gives seconds that only go forward, to count down with.
        """
        self.memory = memory
        super().__init__(css_path=[styles.path("app"), styles.path(self._first)])
        self.animation_level = "none"
        self.is_open = False
        self.failure: BotdeskError | None = None
        self.history = Watch(memory)
        self.clearings: list[Clearing] = []
        self.pending: set[str] = set()
        self._cleared: dict[int, asyncio.Future[Cleared]] = {}
        self.clock = clock
        self.changed: Signal[None] = Signal(self, "changed")
        self._picture = Picture()
        self._opener = opener
        self._poll_seconds = poll
        self._prompts = 0
        self._wants_look = False
        self._looking = asyncio.Lock()
        self._opening = False
        self._scout = scout
        self._take_themes()

    def _take_themes(self) -> None:
        """Take the remembered theme before anything is styled, so that it is styled once."""
        for theme in THEMES:
            self.register_theme(theme)
        known = {theme.name for theme in THEMES}
        self.theme = self.memory.theme if self.memory and self.memory.theme in known else THEMES[0].name

    @property
    def who(self) -> str:
        """Who operates which desk."""
        actor = f"{self.desk.operator} as {self.desk.acting_as}" if self.desk.acting_as else self.desk.operator
        return f"{actor} · {self.desk.title}"

    @property
    def idle(self) -> bool:
        """Whether nothing is under way: all work is done, but for what waits for the answer of a dialog."""
        return self.is_open and sum(not worker.is_finished for worker in self.workers) == self._prompts

    def refusal(self, action: Action) -> str:
        """Why the operator may not do something on the whole desk; empty when they may."""
        actor = self.history.actor
        if actor is None or allows(actor, action):
            return ""
        if actor.standing is Standing.AUDITOR:
            return f"{actor.name} is an auditor and changes nothing"
        return f"it takes an admin, and {actor.name} is a member"

    def get_driver_class(self) -> type[Driver]:
        """Take the driver that does not hold the end up, where there is a terminal as Unix has it."""
        found = super().get_driver_class()
        if sys.platform == "win32" or found.__name__ != "LinuxDriver":
            return found
        from botdesk.tui.driver import PromptDriver

        return PromptDriver

    def get_line_filters(self) -> Sequence[LineFilter]:
        """Add the filter that makes unseen characters visible, and where it must be the one that leaves ASCII alone."""
        return [*super().get_line_filters(), *self._own_filters]

    @cached_property
    def _own_filters(self) -> list[LineFilter]:
        """The same ones for every frame: a line that was filtered once is not filtered again."""
        ascii_alone = glyphs.is_ascii_terminal() and not self.is_headless
        return [glyphs.Visible(), *([glyphs.Ascii()] if ascii_alone else [])]

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """What a foreign theme lacks."""
        return {"muted": "#808080"}

    def get_system_commands(self, screen: Screen[Any]) -> Iterable[SystemCommand]:
        """Offer in the palette what the keys of this screen do, and the themes."""
        offered: set[str] = set()
        for found in screen.active_bindings.values():
            binding = found.binding
            if binding.tooltip and found.enabled and binding.action not in offered and found.node in (screen, self):
                offered.add(binding.action)
                act = partial(self.call_later, self.run_action, binding.action, found.node)
                yield SystemCommand(binding.description, f"{self.get_key_display(binding)}  {binding.tooltip}", act)
        if "verify" not in offered:
            yield SystemCommand("Verify the audit", "Hold chain and rows against each other, now", self.action_verify)
        for theme in THEMES:
            yield SystemCommand(f"Theme {theme.name}", "Take this theme", partial(setattr, self, "theme", theme.name))

    @property
    def is_at_work(self) -> bool:
        """Whether the desk is to be opened, a dialog to come, or a list to be read that the next key is for."""
        begun = self._begun
        reads = "reload" in begun and not isinstance(self.focused, Input)
        return not self.is_open or reads or ("flow" in begun and not self._prompts)

    @property
    def _begun(self) -> set[str]:
        """The groups of the work that is under way."""
        return {worker.group for worker in self.workers if not worker.is_finished}

    def on_mount(self) -> None:
        """Let the first screen be switched away from, like one that was pushed."""
        self.screen._push_result_callback(self.screen, None)

    def get_default_screen(self) -> Screen[Any]:
        """The first screen; the desk is opened once it is painted."""
        return self.get_screen(self._first)

    @property
    def _first(self) -> str:
        """The name of the first screen: the one that was shown last."""
        last = self.memory.screen if self.memory else ""
        return last if last in self.SCREENS else FIRST_SCREEN

    def _take_sheets(self) -> None:
        """Take the style sheets of what is not shown first."""
        for path in map(styles.path, SHEETS):
            if not self.stylesheet.has_source(str(path)):
                self.stylesheet.read(path)
        self.stylesheet.parse()
        self.stylesheet.update(self)

    def refresh_css(self, animate: bool = True) -> None:
        """Read the style sheets anew; before anything is shown they are yet to be read, with the theme's colours."""
        if self._is_mounted:
            super().refresh_css(animate=animate)
        else:
            self.stylesheet.set_variables(self.get_css_variables())

    def _display(self, screen: Screen[Any], renderable: RenderableType | None) -> None:
        """Show a frame: what of it is on the terminal already is not written again."""
        frame: Any = renderable
        if isinstance(frame, CompositorUpdate) and self._is_shown:
            frame = Written(self._picture.written(frame, self.console._color_system or ColorSystem.TRUECOLOR))
            place = self.screen.outer_size.clamp_offset(self.cursor_position)
            if frame.is_empty and place == self._previous_cursor_position:
                self.post_display_hook()
                return
        super()._display(screen, frame)

    @property
    def _is_shown(self) -> bool:
        return self._running and not (self._closed or self.is_headless or self._batch_count)

    def on_resize(self) -> None:
        """Draw everything: what a terminal does with its cells when its size changes is not known."""
        self.action_redraw()

    def action_redraw(self) -> None:
        """Draw everything anew, whatever else has written to the terminal."""
        self._picture.forget()
        self.screen.refresh()

    def post_display_hook(self) -> None:
        """Open the desk once the first screen is painted: what that imports would hold the painting up."""
        if not self._opening and isinstance(self.screen, DeskScreen):
            self._opening = True
            self.set_timer(PAINTED_SECONDS, self._open)
            if self._scout is not None:
                self._foretell(self._scout)

    @work(group="foretell")
    async def _foretell(self, scout: Scout) -> None:
        """Show what the scout finds, unless the desk is open by then."""
        found = await scout.found()
        if found is not None and not self.is_open and isinstance(self.screen, DeskScreen):
            self.screen.foretell(found)

    @work(exclusive=True, group="open")
    async def _open(self) -> None:
        try:
            self._take_sheets()
            self.desk = await asyncio.to_thread(self._opener)
            await asyncio.to_thread(self.history.begin, self.desk)
        except BotdeskError as error:
            self.failure = error
            self.exit()
            return
        finally:
            gc.freeze()
            gc.enable()
        self.is_open = True
        if wrong := self.history.broken or self.history.archived:
            self.complain(wrong)
        if self.desk.founded:
            self.say(f"made {self.desk.operator} the first admin of this desk")
        self.changed.publish(None)
        self._look_further()
        if self._poll_seconds:
            self.set_interval(self._poll_seconds, self.poll_soon)

    @work(group="look-further")
    async def _look_further(self) -> None:
        """Look for what the first rows need not wait for, once these are painted."""
        await asyncio.sleep(PAINTED_SECONDS)
        while "reload" in self._begun:
            await asyncio.sleep(PAINTED_SECONDS)
        async with self._looking:
            await asyncio.to_thread(self.history.look_further, self.desk)
        if self.history.reused or self.history.unfinished:
            self.changed.publish(None)

    def poll_soon(self) -> None:
        """Look in the background whether anything has changed; once more after a look that is under way."""
        self._wants_look = self.is_open
        if "poll" not in self._begun:
            self._poll()

    @work(group="poll")
    async def _poll(self) -> None:
        while self._wants_look:
            self._wants_look = False
            await self._look()

    async def _look(self) -> None:
        async with self._looking:
            was_lost, was_broken = self.history.lost, self.history.broken
            changed = await asyncio.to_thread(self.history.look, self.desk)
        if self.history.shut_out:
            self.failure = self.history.shut_out
            self.exit()
            return
        if self.history.lost != was_lost:
            self._say_lost()
            changed = True
        if self.history.broken and not was_broken:
            self.complain(self.history.broken)
        if changed:
            self.changed.publish(None)
        if self.memory is not None:
            await asyncio.to_thread(self.memory.save)

    def _say_lost(self) -> None:
        """Say that the store is lost, or that it is back; what was done meanwhile is not said over."""
        if self.history.lost:
            self.say(LOOKING)
        else:
            self._unsay(LOOKING)
            self.say(BACK, over=False)

    async def ask(self, question: "Callable[Concatenate[Transaction, P], T]", *args: P.args, **kwargs: P.kwargs) -> T:
        """Ask the desk in a thread; keys are answered meanwhile. What nobody waits for any more is interrupted.

        Raises:
            BotdeskError: What the desk says.
        """
        from botdesk.desk import Stop

        stop = Stop()

        def asked() -> T:
            with self.desk.read(stop=stop) as tx:
                return question(tx, *args, **kwargs)

        try:
            return await asyncio.to_thread(asked)
        except asyncio.CancelledError:
            asyncio.get_running_loop().run_in_executor(None, stop)
            raise

    async def run_operation(
        self, operation: "Callable[Concatenate[Transaction, P], T]", *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Run an operation in a thread, and show what it changed.

        Raises:
            BotdeskError: What the desk says.
        """
        done = await asyncio.to_thread(lambda: self.desk.run(operation, *args, **kwargs))
        self.poll_soon()
        return done

    async def act(
        self, operation: "Callable[Concatenate[Transaction, P], T]", *args: P.args, **kwargs: P.kwargs
    ) -> T | None:
        """Run an operation in a thread; what goes wrong is shown, and None returned."""
        slow = self.set_timer(SLOW_SECONDS, partial(self.say, SAVING))
        try:
            return await self.run_operation(operation, *args, **kwargs)
        except BotdeskError as error:
            self.complain(error)
            self.poll_soon()
            return None
        finally:
            self._end_slow(slow)

    def _end_slow(self, slow: Timer) -> None:
        slow.stop()
        self._unsay(SAVING)

    def _unsay(self, text: str) -> None:
        for screen in self.screen_stack:
            if isinstance(screen, DeskScreen):
                screen.unsay(text)

    async def prompt(self, dialog: Dialog[T]) -> T | None:
        """Wait for the answer of a dialog; None when it was left."""
        answer = self.push_screen(dialog, wait_for_dismiss=True)
        self._prompts += 1
        try:
            return await answer
        finally:
            self._prompts -= 1

    async def fill_in(
        self,
        form: "Form[F]",
        attempt: Callable[[F], Awaitable[T]],
        *,
        seen: int | None = None,
        look: "Callable[[int], Awaitable[Look]] | None" = None,
    ) -> T | None:
        """Let a form be filled in; it stays open until what it is for has succeeded. None when it was left.

        Args:
            form: The form.
            attempt: What to do with what was filled in.
            seen: The version of what it is about that the person saw.
            look: Looks again, given the version that was seen.
        """
        form.attempt, form.seen, form.look = attempt, seen, look
        answer: T | None = await self.prompt(form)
        return answer

    def carry_out(self, flow: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Begin what asks, acts and tells: one at a time, and leaving the screen does not cut it short."""
        if "flow" in self._begun:
            self.say("one thing at a time: the last one is still under way")
        else:
            self.run_worker(flow(), group="flow")

    def say(self, text: str, *, over: bool = True) -> None:
        """Say what was done, on the status line of the screen that is shown; over what was said last or not at all."""
        for screen in reversed(self.screen_stack):
            if isinstance(screen, DeskScreen):
                return screen.say(text, over=over)
        return None

    def complain(self, error: BotdeskError) -> None:
        """Show what went wrong and what to try."""
        text = wording.visible(f"{error.message}\n{error.hint}" if error.hint else error.message, lines=True)
        severity: Any = SEVERITIES.get(type(error), "error")
        self.notify(text, severity=severity, markup=False, timeout=8)

    def notice(self) -> None:
        """Take the ended tokens that are presented again as seen."""
        self.history.notice(self.desk)
        self.changed.publish(None)

    async def tell_unread(self, error: BotdeskError) -> None:
        """Complain that something could not be read; that the store does not answer is told by the alarm alone."""
        if isinstance(error, StoreError):
            await self._look()
        if not (isinstance(error, StoreError) and self.history.lost):
            self.complain(error)

    async def action_quit(self) -> None:
        """Leave, unless a dialog is at work with something and says so first."""
        if not (isinstance(self.screen, Dialog) and self.screen.hold()):
            await super().action_quit()

    def action_help_quit(self) -> None:
        """Say which key leaves, to those who press one that does so elsewhere."""
        if isinstance(self.screen, Dialog):
            self.screen.warn("esc leaves this; ctrl+q leaves botdesk")
        else:
            self.say("q leaves botdesk")

    def action_command_palette(self) -> None:
        """Find a command by its name."""
        if not CommandPalette.is_open(cast("Any", self)):
            self.push_screen(Palette(id="--command-palette"))

    def action_go(self, name: str) -> None:
        """Switch to one of the title bar's screens."""
        while len(self.screen_stack) > 1:
            self.pop_screen()
        if self.memory:
            self.memory.screen = name
        self.switch_screen(name)

    def action_verify(self) -> None:
        """Go to the audit and verify it there."""
        self.action_go("audit")
        self.screen.call_after_refresh(self.run_action, "screen.verify")

    def show_advice(self, account: str) -> None:
        """Go to the advice on an account."""
        self.action_go("advice")
        screen = self.screen
        if isinstance(screen, DeskScreen):
            screen.call_after_refresh(screen.narrow, f"account:{account}")

    def action_next_theme(self) -> None:
        """Take the next theme."""
        names = [theme.name for theme in THEMES]
        place = names.index(self.theme) if self.theme in names else -1
        self.theme = names[(place + 1) % len(names)]

    def watch_theme(self, theme: str) -> None:
        """Remember the theme."""
        if self.memory:
            self.memory.theme = theme

    def leave(self, number: int) -> None:
        """End because of a signal, with the exit code that shells give it; callable from a signal handler."""
        if self._loop is None:
            raise SystemExit(128 + number)
        self._loop.call_soon_threadsafe(partial(self.exit, return_code=128 + number))

    def write_terminal(self, text: str) -> None:
        """Write an escape sequence to the terminal, past everything that keeps what is drawn."""
        if self._driver is not None:
            self._driver.write(text)
            self._driver.flush()

    def clear_later(self, clearing: "Clearing", seconds: int) -> None:
        """Clear the clipboard after a while, whatever becomes of the dialog that filled it."""
        self.clearings.append(clearing)
        self.set_timer(seconds, lambda: self.clear_now(clearing))

    async def clear_now(self, clearing: "Clearing") -> "Cleared":
        """Clear the clipboard, once; whoever asks again is told what became of it."""
        if clearing in self.clearings:
            self.clearings.remove(clearing)
            self._cleared[id(clearing)] = asyncio.ensure_future(asyncio.to_thread(clearing.clear))
        return await asyncio.shield(self._cleared[id(clearing)])

    def _handle_exception(self, error: Exception) -> None:
        """Show an error of the desk that nobody took; end the program on any other, without Textual's locals.

        Work that looks for its widgets while the screens are taken down at the end is no crash.
        """
        cause = crash.cause(error)
        if isinstance(cause, BotdeskError):
            self.complain(cause)
            return
        if isinstance(cause, TAKEN_DOWN) and (self._exit or not self._running):
            return
        self._return_code = 1
        if self._exception is None:
            self._exception = error
            self._exception_event.set()
        self._fatal_error()

    def _fatal_error(self) -> None:
        self._exit_renderables.append(crash.told(self._exception))
        self._close_messages_no_wait()
