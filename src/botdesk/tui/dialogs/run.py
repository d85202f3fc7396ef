"""The dialog in which something is done to many: what will happen, how far it is, and what was done and what not.

It writes nothing itself: finding out and carrying out are given to it, and run in a thread.
"""

import asyncio
import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from threading import Event
from typing import ClassVar, Final

from textual import events, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import Static

from botdesk import runner, wording
from botdesk.bulk import Order, Plan
from botdesk.errors import BotdeskError
from botdesk.handoff import Command
from botdesk.runner import Tell
from botdesk.runs import Run
from botdesk.tui import many
from botdesk.tui.dialogs.base import Dialog
from botdesk.tui.widgets.columns import Column
from botdesk.tui.widgets.listing import MEASURED, whole
from botdesk.tui.widgets.window import Window

Stopped = Callable[[], bool]
Find = Callable[[Tell, Stopped], Plan]
CarryOut = Callable[[Plan, Tell, Stopped, Stopped], Run]

COLUMNS: Final = (
    Column("fate", "WHAT", 10),
    Column("name", "TO", 16, grow=3, most=60),
    Column("id", "ID", 12, above=76),
    Column("why", "NOTE", 14, grow=2, most=200),
)
TICK_SECONDS: Final = 0.1
CUTS: Final = "[@click=screen.leave]esc again cuts that one off: its old token works on[/]"


class Then(StrEnum):
    """What is wanted once a run is over."""

    LEAVE = "leave"
    GO_ON = "go on"
    END = "end"


@dataclass(frozen=True, slots=True)
class Over:
    """A run that is over, or that was shown, and what is wanted then."""

    run: Run
    then: Then


class RunDialog(Dialog[Over]):
    """Show what will happen to many, do it once that is confirmed, and tell what was done; None when nothing was."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "begin", "Yes", show=False),
        Binding("n", "no", "No", show=False),
        Binding("r", "resume", "Go on", show=False),
        Binding("e", "end", "End it", show=False),
        Binding("enter", "close", "Close", show=False),
    ]

    def __init__(
        self,
        order: Order,
        find: Find | None = None,
        carry_out: CarryOut | None = None,
        *,
        target: Command | None = None,
        known: Mapping[str, str] | None = None,
        run: Run | None = None,
    ) -> None:
        """Make the dialog: of something to be done, or of a run that is over.

        Args:
            order: What is to be done.
            find: Finds out what will happen; called in a thread.
            carry_out: Carries that out; called in a thread.
            target: What takes the secrets of a rotation.
            known: What those are called that it is to be done to, by id.
            run: The run to tell of.
        """
        super().__init__(f"{order.verb.capitalize()}: looking")
        self._order, self._find, self._carry_out = order, find, carry_out
        self._target, self._known, self._run = target, known or {}, run
        self._plan: Plan | None = None
        self._stop, self._cut = Event(), Event()
        self._at_work = False
        self._far: tuple[int, int, str] = (0, 0, "")

    def body(self) -> ComposeResult:
        """In short, then each, then all of the one under the cursor, then how far it is."""
        yield Static(id="bulk-told", markup=False)
        yield Window(
            COLUMNS,
            cells=lambda row: row.cells,
            key=lambda row: str(row.id),
            fit=MEASURED,
            id="bulk-items",
        )
        yield Static(id="bulk-detail", markup=False)
        yield Static(id="bulk-progress", markup=False)

    async def on_mount(self) -> None:
        """Find out what will happen, or tell what did."""
        self.set_interval(TICK_SECONDS, self._tick)
        if self._run is not None:
            await self._tell_run(self._run)
        else:
            self._look()

    def on_unmount(self) -> None:
        """Stop after the one in work, however the dialog or the program ends."""
        self._stop.set()

    def _tell(self, done: int, of: int, what: str) -> None:
        """Keep how far it is; the thread that does it never waits for the screen."""
        self._far = (done, of, what)

    def _tick(self) -> None:
        done, of, what = self._far
        if of:
            line = many.progress(what or (self._order.verb if self._at_work else "looking"), done, of)
            self.query_one("#bulk-progress", Static).update(line)

    @work(exclusive=True, group="bulk")
    async def _look(self) -> None:
        assert self._find is not None
        try:
            plan = await asyncio.to_thread(self._find, self._tell, self._stop.is_set)
        except BotdeskError as error:
            self.complain(error)
            return
        self._plan, self._far = plan, (0, 0, "")
        self._title(f"{plan.order.verb.capitalize()} {plan.order.many(len(plan.items))}?")
        self.query_one("#bulk-progress", Static).update("")
        self.query_one("#bulk-told", Static).update(many.told_plan(plan, self._target))
        await self._list(many.planned(plan, self._known))
        does = f"[@click=screen.begin]y {plan.order.verb} {plan.order.many(len(plan.items))}[/] · "
        self._keys(f"{does if plan.items else ''}[@click=screen.leave]n or esc leaves[/]")

    def action_begin(self) -> None:
        """Do it."""
        if self._plan is not None and self._plan.items and not self._at_work and self._run is None:
            self._at_work, self._far = True, (0, len(self._plan.items), "")
            self._title(f"{self._order.verb.capitalize()} {self._order.many(len(self._plan.items))}")
            self._keys("[@click=screen.leave]esc stops after the one in work[/]")
            self._tick()
            self._carry(self._plan)

    @work(exclusive=True, group="bulk")
    async def _carry(self, plan: Plan) -> None:
        assert self._carry_out is not None
        try:
            self._run = await asyncio.to_thread(self._carry_out, plan, self._tell, self._stop.is_set, self._cut.is_set)
        except BotdeskError as error:
            self.complain(error)
            self._plan = None
            self._keys(self.KEYS)
            return
        finally:
            self._at_work, self._far = False, (0, 0, "")
        await self._tell_run(self._run)

    async def _tell_run(self, run: Run) -> None:
        self._title(f"Run {run.number}: {run.order.verb} {run.order.many(len(run.results))}")
        self.warn("")
        self.query_one("#bulk-progress", Static).update("")
        self.query_one("#bulk-told", Static).update(many.told_run(run))
        await self._list(many.results(run))
        left = len(run.open_ids)
        offered = [f"[@click=screen.resume]r goes on with the {left:,} left[/]"] if left else []
        offered += [] if run.ended else ["[@click=screen.end]e ends it[/]"]
        self._keys(" · ".join([*offered, "[@click=screen.leave]enter or esc leaves[/]"]))

    async def _list(self, rows: list[many.Row]) -> None:
        await self.query_one("#bulk-items", Window).show(whole(rows), keep=False)

    def _title(self, text: str) -> None:
        self.query_one("#dialog-title", Static).update(wording.visible(text))

    def _keys(self, text: str) -> None:
        self.query_one("#dialog-keys", Static).update(text)

    def on_window_highlighted(self, message: Window.Highlighted) -> None:
        """Tell in full of the one under the cursor."""
        told = "" if message.row is None else self._in_full(message.row)
        self.query_one("#bulk-detail", Static).update(wording.visible(told))

    def _in_full(self, row: many.Row) -> str:
        """All there is to say of it; of what is to be rotated the command that its secret will go to."""
        items = self._plan.items if self._plan is not None and self._run is None else ()
        item = next((one for one in items if one.id == row.id), None)
        if item is None or self._target is None:
            return row.in_full
        return shlex.join(runner.filled(self._target, item.account, "{token_id}", item.id).argv)

    def action_scroll(self, lines: int) -> None:
        """Move in the list."""
        self.query_one("#bulk-items", Window).action_move(lines)

    def on_key(self, event: events.Key) -> None:
        """Take back what was said last."""
        if not self._at_work:
            self.warn("")

    def action_no(self) -> None:
        """Do not do it."""
        if self._plan is not None and not self._at_work:
            self.action_leave()

    def action_resume(self) -> None:
        """Go on with what is left of it."""
        if self._run is not None and self._run.open_ids:
            self.dismiss(Over(self._run, Then.GO_ON))

    def action_end(self) -> None:
        """End it without going on."""
        if self._run is not None and not self._run.ended:
            self.dismiss(Over(self._run, Then.END))

    def action_close(self) -> None:
        """Leave once it is over; before that, enter is no answer."""
        if self._run is not None:
            self.action_leave()

    def action_leave(self) -> None:
        """Leave; while it is being done, stop after the one in work, or at once, and tell what was done."""
        if not self._at_work:
            self.dismiss(None if self._run is None else Over(self._run, Then.LEAVE))
        elif not self._stop.is_set():
            self._stop.set()
            self.warn("stopping after the one in work")
            self._keys(CUTS if self._target else "")
        else:
            self._cut.set()

    def hold(self) -> bool:
        """Hold up who leaves the program while it is at work; the second time they mean it."""
        if not self._at_work or self._stop.is_set():
            self._cut.set()
            return False
        self.action_leave()
        self.warn("stopping after the one in work; ctrl+q again leaves at once")
        return True
