"""Migrations off personal tokens: who still runs what on whose token, since when, and when it was seen last."""

from typing import TYPE_CHECKING, ClassVar, Final

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import Static

from botdesk import wording
from botdesk.stages import Stage
from botdesk.tui import flows, moving
from botdesk.tui.base import DeskScreen, flow
from botdesk.tui.widgets.columns import Column
from botdesk.tui.widgets.filter import FilterBar
from botdesk.tui.widgets.listing import MEASURED, whole
from botdesk.tui.widgets.window import Window

if TYPE_CHECKING:
    from botdesk import migration

COLUMNS: Final = (
    Column("what", "INTEGRATION", 16, grow=3, most=60, sort=True),
    Column("owner", "TOKEN OF", 8, grow=1, most=14, sort=True),
    Column("account", "TO", 14, grow=2, most=40, above=96, sort=True),
    Column("step", "STEP", 9, sort=True),
    Column("since", "SINCE", 6, right=True, sort=True),
    Column("old", "OLD SEEN", 8, right=True, sort=True),
    Column("from", "FROM", 14, above=112),
    Column("new", "NEW SEEN", 8, right=True, sort=True),
    Column("end", "ENDS", 7, right=True, sort=True),
)


class MigrationsScreen(DeskScreen):
    """The list of migrations, and below it the one under the cursor."""

    NAME = "migrations"
    TITLED = "migrations"
    FIRST = "migration-list"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("n", "start", "New", tooltip="Move an integration off somebody's personal token"),
        Binding("m", "next", "Next step", tooltip="Do what comes next with this one"),
        Binding("p", "rest", "Pause", tooltip="Let it rest, or go on with a paused one: you run it then"),
        Binding("f", "over", "Over", tooltip="Show or fold those that are over"),
        Binding("slash", "filter", "Filter", tooltip="Filter as you type"),
        Binding("s", "sort", "Sort", tooltip="Sort by the next column"),
        Binding("S", "reverse", "Reverse", show=False, tooltip="Sort the other way round"),
        Binding("y", "copy", "Copy id", show=False, tooltip="Copy its id"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._sort = "since"
        self._over = False

    def body(self) -> ComposeResult:
        """The filter, the list, the migration under the cursor."""
        yield FilterBar("words in what, where, whose, account, step; overdue, paused")
        yield Window(
            COLUMNS,
            cells=lambda line: moving.line(line, self.now),
            key=lambda line: str(line.migration.id),
            opens="Open",
            fit=MEASURED,
            id="migration-list",
        )
        yield Static(id="migration-text", markup=False)

    @property
    def window(self) -> Window:
        """The list."""
        return self.query_one("#migration-list", Window)

    @property
    def line(self) -> "migration.Line | None":
        """The migration under the cursor."""
        found: migration.Line | None = self.window.row
        return found

    async def reload(self) -> None:
        """Read the list with its filter and order."""
        from botdesk import migration

        found = await self.desk_app.ask(migration.listed, over=self._over)
        now, words = self.now, self.filter_text.lower().split()
        chosen = [line for line in found if moving.says(line, words, now)]
        shown = moving.ordered(chosen, self._sort, descending=self._descending)
        window = self.window
        window.empty = _nothing(filtered=bool(words), over=self._over)
        window.sorted_by = (self._sort, self._descending)
        await window.show(whole(shown), about=(self._over, self._sort, self._descending))
        marks = [mark for line in shown for mark in moving.marks(line, now)]
        told = [f"{marks.count(mark)} {mark}" for mark in ("overdue", "paused") if mark in marks]
        self.facts(" · ".join([wording.plural(len(shown), "migration"), *told, f"by {self._sort}"]))
        self.refresh_bindings()

    def on_window_highlighted(self, message: Window.Highlighted) -> None:
        """Tell of the migration under the cursor."""
        text = moving.glance(self.line, self.now) if self.line is not None else ""
        self.query_one("#migration-text", Static).update(text)
        self.refresh_bindings()

    def on_window_opened(self, message: Window.Opened) -> None:
        """Open the migration."""
        switched = message.row.stage in (Stage.REVOKE, Stage.DONE)
        self._open(str(message.row.migration.id), tab="seen" if switched else "recipe")

    def _open(self, migration_id: str, *, tab: str = "recipe") -> None:
        from botdesk.tui.screens.migration import MigrationScreen

        self.app.push_screen(MigrationScreen(migration_id, tab=tab))

    def why_not(self, action: str) -> str:
        """What is lacking for the action; empty when nothing."""
        if action not in ("next", "rest", "copy"):
            return ""
        if self.line is None:
            return "there is no migration under the cursor"
        return "" if action == "copy" else moving.over(self.line)

    def title_of(self, binding: Binding) -> str:
        """Resume is what Pause is for a paused one."""
        return moving.title(binding, self.line)

    @flow
    async def action_start(self) -> None:
        """Begin to move an integration, and open it."""
        began = await flows.migration.start(self.desk_app)
        if began:
            self.window.seek(began)
            self._open(began)

    @flow
    async def action_next(self) -> None:
        """Do what comes next."""
        if self.line is not None:
            await flows.migration.go_on(self.desk_app, self.line.migration.id)

    @flow
    async def action_rest(self) -> None:
        """Pause it, or go on with it."""
        if self.line is not None:
            await flows.migration.rest(self.desk_app, self.line)

    def action_over(self) -> None:
        """Show or fold those that are over."""
        self._over = not self._over
        self.refresh_soon()

    def action_copy(self) -> None:
        """Copy its id."""
        if self.line is not None:
            self.copy(self.line.migration.id)


def _nothing(*, filtered: bool, over: bool) -> str:
    if filtered:
        return "nothing matches: esc empties the filter"
    return (
        "no integration is on its way off a personal token\n\n"
        "n   begins with one: what it is, whose token it runs on, to which account\n"
        + ("" if over else "f   shows those that are over\n")
        + "?   shows every key"
    )
