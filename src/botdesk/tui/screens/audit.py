"""The audit: who did what, newest first, and whether the record holds."""

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING, Any, ClassVar, Final

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.widgets import Static
from textual.worker import get_current_worker

from botdesk import wording
from botdesk.errors import BotdeskError, NotFound
from botdesk.tui import render
from botdesk.tui.base import DeskScreen, flow
from botdesk.tui.widgets.columns import Column
from botdesk.tui.widgets.filter import FilterBar
from botdesk.tui.widgets.listing import Slice
from botdesk.tui.widgets.window import Window

if TYPE_CHECKING:
    from collections.abc import Callable

    from botdesk import audit

COLUMNS: Final = (
    Column("when", "TIME", 5),
    Column("outcome", "", 1),
    Column("what", "WHAT", 30, grow=1, most=200),
    Column("source", "FROM", 15, above=90),
)
DAYS: Final = 30
PATIENCE: Final = 0.5
"""After how many seconds it is shown how far a search is."""

SHOWN_EVERY: Final = 0.1
STOPPED: Final = "search stopped; the list is as it was · r searches again"


class AuditScreen(DeskScreen):
    """The timeline."""

    NAME = "audit"
    TITLED = "audit"
    FIRST = "events"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "filter", "Search", tooltip="Search as you type"),
        Binding("f", "filters", "Filters", tooltip="By account, actor, action, outcome, time, text"),
        Binding("v", "verify", "Verify", tooltip="Hold the chain and the present rows against it, now"),
        Binding("y", "copy", "Copy head", show=False, tooltip="Copy the event's SEQ:HASH"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._filter: audit.Filter | None = None
        self._verdict: audit.Verdict | None = None
        self._verifying = 0
        self._sought: audit.Filter | None = None
        self._stopped: audit.Filter | None = None
        self._at_least = False

    def body(self) -> ComposeResult:
        """The verdict, the chart, the search, the timeline, the detail."""
        yield Static(" the chain has not been checked yet", id="verdict", markup=False)
        yield Static(id="chart", markup=False)
        yield FilterBar("words in actor, action, account, detail")
        with Horizontal():
            yield Window(
                COLUMNS,
                cells=_cells,
                key=lambda event: str(event.sequence),
                heading=lambda event: wording.day(event.at),
                opens="Detail",
                id="events",
            )
            with VerticalScroll(id="detail", can_focus=False):
                yield Static(id="detail-text", markup=False)

    @property
    def window(self) -> Window:
        """The timeline."""
        return self.query_one("#events", Window)

    def wanted(self) -> "audit.Filter":
        """The filters and the search together."""
        from dataclasses import replace

        from botdesk import audit

        filter = self._filter or audit.Filter()
        return replace(filter, text=f"{filter.text} {self.filter_text}".strip())

    async def reload(self) -> None:
        """Read the timeline and the chart."""
        from botdesk import audit

        wanted = self.wanted()
        if wanted == self._stopped:
            return
        self._stopped = None

        async def fetch(after: Any, limit: int, backward: bool) -> Slice:
            place: dict[str, Any] = {"before": after, "limit": limit, "oldest_first": backward}
            found = await self.desk_app.ask(audit.page, wanted, **place, progress=self._searching(wanted))
            self._at_least = found.at_least if after is None else self._at_least
            return Slice(found.rows, found.next, found.total)

        self.window.empty = "nothing matches; esc takes the filters back" if wanted != audit.Filter() else "no events"
        self._sought = wanted if wanted.text else None
        try:
            await self.window.show(fetch, about=wanted)
        except NotFound as error:
            self._take_back(error)
            return
        finally:
            self._sought = None if self._sought is wanted else self._sought
        self._say_what_is_shown(wanted)
        now = self.now
        spans: dict[str, Any] = {"since": now - timedelta(days=DAYS), "until": now, "buckets": DAYS}
        every = await self.desk_app.ask(audit.counts, wanted, **spans)
        from dataclasses import replace

        refused = await self.desk_app.ask(audit.counts, replace(wanted, outcome=audit.Outcome.DENIED), **spans)
        self.query_one("#chart", Static).update(render.chart({"events": every, "refused": refused}, DAYS))
        await self._say_whether_it_holds()

    def _take_back(self, error: NotFound) -> None:
        """Say that no account is called as the filters say, and take them back: asking again would be denied again."""
        self.desk_app.complain(error)
        self._filter = None
        self.say("the filters were taken back")
        self.refresh_soon()

    async def _say_whether_it_holds(self) -> None:
        from botdesk import audit

        if self._verdict is None and not self._verifying:
            self._verify()
        elif self._verdict is not None and not self._verifying:
            head = await self.desk_app.ask(audit.head)
            self._show_verdict(self._verdict, head.sequence - self._verdict.head.sequence)

    def _say_what_is_shown(self, wanted: "audit.Filter") -> None:
        from botdesk import audit

        shown = [
            f"{name} {wording.visible(str(value))}"
            for name in ("account", "actor", "action", "outcome", "text")
            if (value := getattr(wanted, name))
        ]
        shown += [f"{name} {wording.when(at)}" for name in ("since", "until") if (at := getattr(wanted, name))]
        self.facts(" · ".join([audit.told(self.window.total, at_least=self._at_least), *shown]))

    def _searching(self, wanted: "audit.Filter") -> "Callable[[int, int], None]":
        """What shows how far a search is, once one has to wait for it."""
        begun = shown = self.desk_app.clock()

        def tell(done: int, of: int) -> None:
            nonlocal shown
            now = self.desk_app.clock()
            if now - begun < PATIENCE or now - shown < SHOWN_EVERY:
                return
            shown = now
            self.app.call_from_thread(self._show_search, wanted, f"searching … {done:,} of {of:,} events · esc stops")

        return tell

    def _show_search(self, wanted: "audit.Filter", text: str) -> None:
        if self._sought == wanted:
            self.facts(text)

    def stop_search(self) -> bool:
        """Stop a search that is under way; the list stays as it was. False when there is none."""
        if self._sought is None:
            return False
        self._stopped = self._sought
        self.workers.cancel_group(self, "reload")
        self.facts(STOPPED)
        return True

    def action_refresh_now(self) -> None:
        """Read everything again, what was stopped as well."""
        self._stopped = None
        super().action_refresh_now()

    def action_verify(self) -> None:
        """Verify the chain, and say that it was."""
        self._verify(asked=True)

    @work(exclusive=True, group="verify")
    async def _verify(self, *, asked: bool = False) -> None:
        """Verify the chain in a thread; it ends when the screen or the program does."""
        from botdesk import keeping

        line = self.query_one("#verdict", Static)
        line.update(" checking the chain …")
        self._verifying += 1
        try:
            self._verdict = await asyncio.to_thread(keeping.verify, self.desk_app.desk, progress=self._checking())
        except BotdeskError as error:
            line.update(f" not checked: {error.message}")
            return
        finally:
            self._verifying -= 1
        self._show_verdict(self._verdict, 0)
        if asked:
            self.say(f"checked at {self.now.astimezone():%H:%M:%S}")

    def _checking(self) -> "Callable[[int, int], None]":
        """What shows how far the check is, and ends it once nobody waits for it."""
        worker, line = get_current_worker(), self.query_one("#verdict", Static)

        def tell(done: int, of: int) -> None:
            if worker.is_cancelled or not self.app.is_running:
                raise BotdeskError("nobody waits for it")
            self.app.call_from_thread(line.update, f" checking the chain … {done:,} of {of:,} events")

        return tell

    def _show_verdict(self, verdict: "audit.Verdict", since: int) -> None:
        line = self.query_one("#verdict", Static)
        line.set_class(not verdict.holds, "broken")
        line.update(f" {_verdict(verdict)}{f' · {since} since then, v checks them' if since else ''}")

    def on_window_highlighted(self, message: Window.Highlighted) -> None:
        """Show the event in full beside the timeline, where there is room."""
        from botdesk.tui import panes

        row = message.row
        self.query_one("#detail-text", Static).update(panes.event(row) if row is not None else "")

    def on_window_opened(self, message: Window.Opened) -> None:
        """Show the event in full."""
        from botdesk.tui.dialogs.event import EventDialog

        self.app.push_screen(EventDialog(message.row))

    @flow
    async def action_filters(self) -> None:
        """Ask which events are wanted."""
        from botdesk import audit
        from botdesk.tui.dialogs.filter import AuditFilterDialog

        dialog = AuditFilterDialog(self._filter or audit.Filter(), lambda: self.now)
        found: audit.Filter | None = await self.desk_app.prompt(dialog)
        if found is not None:
            self._filter = found
            self.refresh_soon()

    def action_copy(self) -> None:
        """Copy the event's SEQ:HASH."""
        if self.window.row is not None:
            self.copy(f"{self.window.row.sequence}:{self.window.row.hash}")

    def action_back(self) -> None:
        """Stop a search that is under way; else take back the search, then the filters."""
        if self.stop_search():
            return
        if self._filter is not None and not self.filter_text:
            self._filter = None
            self.refresh_soon()
        else:
            super().action_back()


def _cells(event: Any) -> Any:
    from botdesk import audit

    return render.event(event, audit.detail_of(event))


def _verdict(verdict: "audit.Verdict") -> str:
    if verdict.holds:
        head = f"{verdict.head.sequence}:{verdict.head.hash[:8]}…"
        return f"the chain holds: {wording.plural(verdict.events, 'event')}, head {head}"
    first = verdict.findings[0]
    place = f" at {first.sequence}" if first.sequence is not None else ""
    return f"THE RECORD IS BROKEN{place}: {wording.visible(first.what)} ({len(verdict.findings)} findings)"
