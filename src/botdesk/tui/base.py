"""What all screens share: the frame, the way to the desk, and the keys that mean the same everywhere."""

from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, ClassVar, Concatenate, Final, ParamSpec, TypeVar, cast

from textual import events, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.css.query import NoMatches
from textual.dom import NoScreen
from textual.screen import Screen
from textual.widgets import Input

from botdesk import errors
from botdesk.errors import AccessDenied, BotdeskError, NotFound
from botdesk.tui.widgets.bars import AlarmLine, StatusLine, TitleBar
from botdesk.tui.widgets.filter import FilterBar
from botdesk.tui.widgets.keybar import KeyBar
from botdesk.tui.widgets.window import Window

if TYPE_CHECKING:
    from datetime import datetime

    from botdesk.tui.app import BotdeskApp
    from botdesk.tui.scout import Found

P = ParamSpec("P")
S = TypeVar("S", bound="DeskScreen")

SEVERITIES: Final[dict[type[BotdeskError], str]] = {
    errors.InvalidInput: "warning",
    errors.NotFound: "warning",
    errors.Conflict: "warning",
    errors.AccessDenied: "error",
    errors.InvalidToken: "error",
    errors.InsufficientScope: "error",
    errors.HandoffFailed: "error",
    errors.AuditBroken: "error",
    errors.StoreError: "error",
    errors.SchemaMismatch: "error",
    errors.Overloaded: "error",
}
"""How grave each error is shown."""

DEMO: Final = "demo"
"""What the program answers with when the demo desk is to be opened instead."""


LOADING: Final = "loading …"
NOT_READ: Final = "not read: it is tried again"


def flow(
    action: Callable[Concatenate[S, P], Coroutine[Any, Any, None]],
) -> Callable[Concatenate[S, P], None]:
    """Make an action of a screen one that asks, acts and tells, in its own time; see `BotdeskApp.carry_out`."""

    def begin(screen: S, /, *args: P.args, **kwargs: P.kwargs) -> None:
        screen.desk_app.carry_out(lambda: action(screen, *args, **kwargs))

    begin.__doc__ = action.__doc__
    return begin


class DeskScreen(Screen[None]):
    """A screen of the desk: title, body, status, keys.

    Attributes:
        NAME: Its name among the screens of the title bar.
        TITLED: What it is called where its keys are told.
        FIRST: The id of the list that has the keys at first.
    """

    AUTO_FOCUS = ""
    NAME: ClassVar[str] = ""
    TITLED: ClassVar[str] = ""
    FIRST: ClassVar[str] = ""

    _sort: str = ""
    """The key of the column that the list is sorted by, on a screen whose list can be."""
    _descending: bool = False
    _refused: bool = False
    """Whether what is shown was refused when it was read last."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("1", "app.go('accounts')", "Go to accounts", show=False, tooltip="All service accounts"),
        Binding("2", "app.go('access')", "Go to access", show=False, tooltip="Who may reach what"),
        Binding("3", "app.go('audit')", "Go to audit", show=False, tooltip="Who did what; whether the record holds"),
        Binding("4", "app.go('people')", "Go to people", show=False, tooltip="People and roles"),
        Binding("5", "app.go('advice')", "Go to advice", show=False, tooltip="What is not as it should be"),
        Binding(
            "6", "app.go('migrations')", "Go to migrations", show=False, tooltip="Off personal tokens, step by step"
        ),
        Binding("escape", "back", "Back", show=False, tooltip="Take back the filter or the marks, or leave"),
        Binding("r", "refresh_now", "Refresh", show=False, tooltip="Read everything again"),
        Binding("question_mark", "help", "Keys", tooltip="Every key of this screen"),
        Binding("L", "leak", "Leaked token", show=False, tooltip="A token leaked: paste it; see whose it is; end it"),
        Binding("B", "runs", "Bulk runs", show=False, tooltip="What was done to many at once; go on with it, end it"),
        Binding("exclamation_mark", "reuse", "Reused", show=False, tooltip="Ended tokens that are presented again"),
        Binding("T", "app.next_theme", "Theme", show=False, tooltip="The next theme"),
        Binding("q", "app.quit", "Quit", show=False, tooltip="Leave botdesk"),
    ]

    def __init__(self) -> None:
        """Make it; it is laid out when it is shown."""
        super().__init__()
        self._status = StatusLine()

    def compose(self) -> ComposeResult:
        """Lay the frame around the screen's own body."""
        yield TitleBar(self.NAME)
        yield AlarmLine()
        yield AlarmLine("reuse", action="reuse")
        yield AlarmLine("unfinished", action="runs")
        yield from self.body()
        yield self._status
        yield KeyBar()

    def body(self) -> ComposeResult:
        """What is between the title and the status line."""
        raise NotImplementedError

    async def reload(self) -> None:
        """Read what is shown from the desk, and show it; the cursor stays on its row."""
        raise NotImplementedError

    def foretell(self, found: "Found") -> None:
        """Show the rows that a scout found, if they are those of this screen as it is now, until its list is read."""

    @property
    def desk_app(self) -> "BotdeskApp":
        """The program that this screen is of."""
        return cast("BotdeskApp", self.app)

    @property
    def now(self) -> "datetime":
        """The desk's present instant."""
        return self.desk_app.desk.clock()

    def on_mount(self) -> None:
        """Take the remembered filter back, and follow the desk from now on."""
        for bar in self.query(FilterBar):
            bar.line.value = self.desk_app.memory.filters.get(self.NAME, "") if self.desk_app.memory else ""
            bar.fold()
        self.query_one(f"#{self.FIRST}").focus()
        self.facts(LOADING)
        self.desk_app.changed.subscribe(self, lambda _: self._follow())
        self.refresh_soon()

    def _follow(self) -> None:
        """Read again since something changed; not what was refused, since a refusal is on record, and so a change."""
        if not self._refused:
            self.refresh_soon()

    def on_screen_resume(self) -> None:
        """Show the present state when the screen comes back, with the keys at the list if nothing else has them."""
        if self.focused is None and self.is_mounted:
            self._list.focus()
        self.refresh_soon()

    @work(exclusive=True, group="reload")
    async def refresh_soon(self) -> None:
        """Reload in the background; a newer call takes an older one's place."""
        if not self.desk_app.is_open:
            return
        try:
            self.query_one(TitleBar).say_who(self.desk_app.who)
            self.query_one("#alarm", AlarmLine).warn(self.desk_app.history.warning)
            self.query_one("#reuse", AlarmLine).warn(self.desk_app.history.told_reuse(self.now))
            self.query_one("#unfinished", AlarmLine).warn(self.desk_app.history.told_unfinished(self.now))
            await self.reload()
            self._refused = False
        except (NoMatches, NoScreen):
            if self in self.app.screen_stack:
                raise
        except BotdeskError as error:
            self._refused = isinstance(error, AccessDenied | NotFound)
            if not self._is_read:
                self.facts(NOT_READ)
            await self.desk_app.tell_unread(error)

    def say(self, text: str, *, over: bool = True) -> None:
        """Say what was done, on the status line; over what was said last or not at all."""
        self._status.say(text, over=over)

    def unsay(self, text: str) -> None:
        """Take back what the status line says, if it still says so."""
        self._status.unsay(text)

    def facts(self, text: str) -> None:
        """Say what is shown, on the status line."""
        self._status.show(text)

    def on_title_bar_picked(self, message: TitleBar.Picked) -> None:
        """Switch to the clicked screen."""
        self.desk_app.action_go(message.screen_name)

    def on_key(self, event: events.Key) -> None:
        """Take back what was said last, and say why a key does nothing now."""
        self.say("")
        action = self._hindered(event.key)
        if action:
            why = self.why_not(action) or f"there is nothing here to {action.partition('_')[0]}"
            self.say(why if self._is_read else "nothing is read yet")

    def _hindered(self, key: str) -> str:
        """The action of a key that does nothing now; empty when it does something, or nothing at any time."""
        for node, bindings in self._modal_binding_chain:
            for binding in bindings.key_to_bindings.get(key, ()):
                state = self.app._check_action_state(binding.action, node)
                if state is not False:
                    return "" if state else binding.action
        return ""

    @property
    def _list(self) -> Window:
        return self.query_one(f"#{self.FIRST}", Window)

    @property
    def _is_read(self) -> bool:
        return self._list.is_read

    @property
    def told_first(self) -> frozenset[str]:
        """The actions whose keys come before all others now, whether they are shown else or not."""
        return frozenset()

    def title_of(self, binding: Binding) -> str:
        """What a key does now, in a word."""
        return binding.description

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Grey out what cannot be done now."""
        return None if self.is_mounted and self.why_not(action) else True

    def why_not(self, action: str) -> str:
        """Why an action cannot be done now: what the row, the operator or the time lacks; empty when it can."""
        return ""

    def action_refresh_now(self) -> None:
        """Read everything again."""
        self.refresh_soon()
        self.say("read again")

    def action_back(self) -> None:
        """Take the filter back, or go back to where one came from; a screen of the title bar stays."""
        if self.filter_text:
            self.query_one(FilterBar).line.action_drop()
        elif not self.NAME:
            self.app.pop_screen()

    def action_leak(self) -> None:
        """Find out whose a leaked token is, where it was used, and end it."""
        from botdesk.tui import flows

        self.desk_app.carry_out(lambda: flows.incident.look(self.desk_app))

    @flow
    async def action_runs(self) -> None:
        """Show what was done to many at once, and go on with it or end it."""
        from botdesk.tui import flows

        await flows.bulk.look(self.desk_app)

    @flow
    async def action_reuse(self) -> None:
        """Show which ended tokens are presented again, until they are seen."""
        from botdesk.tui.dialogs.reuse import ReuseDialog

        found = self.desk_app.history.reused
        if not found:
            self.say("no ended token was presented lately that you have not seen")
        elif await self.desk_app.prompt(ReuseDialog(found, self.now)):
            self.desk_app.notice()

    def action_help(self) -> None:
        """Show every key."""
        from botdesk.tui.dialogs.help import HelpDialog

        own = frozenset(binding.action for binding in type(self).BINDINGS if isinstance(binding, Binding))
        self.app.push_screen(HelpDialog(f"Keys: {self.TITLED}", self.active_bindings, own=own))

    def narrow(self, text: str) -> None:
        """Filter by a text, and leave the keys to the list."""
        bar = self.query_one(FilterBar)
        bar.line.value = text
        bar.fold()

    def action_filter(self) -> None:
        """Open the line to filter in."""
        self.query_one(FilterBar).open()

    def on_window_sorted(self, message: Window.Sorted) -> None:
        """Sort by the clicked column, or the other way round."""
        if message.key == self._sort:
            self._descending = not self._descending
        self._sort = message.key
        self.refresh_soon()

    def action_sort(self) -> None:
        """Sort by the next column."""
        keys = [column.key for column in self._list.columns if column.sort]
        self._sort = keys[(keys.index(self._sort) + 1) % len(keys)]
        self.refresh_soon()

    def action_reverse(self) -> None:
        """Sort the other way round."""
        self._descending = not self._descending
        self.refresh_soon()

    @property
    def filter_text(self) -> str:
        """What is typed to filter by; empty on a screen without a filter."""
        bar = self.query_one_optional(FilterBar)
        return bar.line.value if bar else ""

    def on_input_changed(self, event: Input.Changed) -> None:
        """Filter as one types."""
        self.say("")
        if self.desk_app.memory is not None:
            self.desk_app.memory.filters[self.NAME] = event.value
        self.refresh_soon()

    def on_filter_bar_closed(self) -> None:
        """Go back to the list; the filter is shown while it is not empty."""
        self.query_one(FilterBar).fold()
        self.query_one(f"#{self.FIRST}").focus()

    def copy(self, text: str) -> None:
        """Send a name or an id, never a secret, to the terminal's clipboard."""
        self.app.copy_to_clipboard(text)
        self.say(f"sent '{text}' to your terminal for its clipboard")
