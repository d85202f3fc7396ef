"""A window on a long list: it shows the lines that there is room for, and asks for more rows as the cursor nears them.

Rows come in keyset pages, of which few are held: a list of a million opens as fast as one of ten, and takes no more
room. The cursor stays on its row, by key, when the list is read again.
"""

import contextlib
from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import Any, ClassVar, Final

from textual import events, work
from textual.binding import Binding, BindingType
from textual.geometry import Region, Size
from textual.message import Message
from textual.scrollbar import ScrollTo
from textual.timer import Timer

from botdesk.tui.render import Cell
from botdesk.tui.widgets.columns import GAP, Column
from botdesk.tui.widgets.listing import Fetch
from botdesk.tui.widgets.sheet import Foretold, Sheet

AHEAD: Final = 50
PAUSE_SECONDS: Final = 0.5
"""After how long the rows beyond the first are read: a key need not wait for them then, and typing is not held up."""

LATE_SECONDS: Final = 0.5
"""After how long it is told that a page is still being read."""

FINENESS: Final = 8
"""In how many parts of a cell a scroll bar is drawn; it is not drawn anew for less."""

MOST_MARKED: Final = 10_000
"""How many rows are marked at once at the most; no more are worked on at once."""


class Window(Sheet, can_focus=True):
    """A list with columns, cursor, marks and headings between its rows."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "open", "Open", key_display="enter", tooltip="Open what the cursor is on"),
        Binding("j,down", "move(1)", "Down", show=False, tooltip="One row down"),
        Binding("k,up", "move(-1)", "Up", show=False, tooltip="One row up"),
        Binding("ctrl+d,pagedown", "page(1)", "Page down", show=False, tooltip="Half a screen down"),
        Binding("ctrl+u,pageup", "page(-1)", "Page up", show=False, tooltip="Half a screen up"),
        Binding("g,home", "first", "First", show=False, tooltip="To the first row"),
        Binding("G,end", "last", "Last", show=False, tooltip="To the last row"),
        Binding("space", "mark", "Mark", show=False, tooltip="Mark the row for work on many"),
        Binding("A", "mark_all", "Mark all", show=False, tooltip="Mark all rows of the list, or none"),
    ]

    class Highlighted(Message):
        """The cursor is on another row, or on none."""

        def __init__(self, window: "Window", row: Any) -> None:
            super().__init__()
            self.window = window
            self.row = row

        @property
        def control(self) -> "Window":
            """The window whose cursor moved."""
            return self.window

    class Opened(Highlighted):
        """A row was opened, by enter or a double click."""

    class Scrolled(Highlighted):
        """Other rows are in view."""

    class Sorted(Message):
        """A heading was clicked."""

        def __init__(self, window: "Window", key: str) -> None:
            super().__init__()
            self.window = window
            self.key = key

    def __init__(
        self,
        shown: Sequence[Column],
        *,
        cells: Callable[[Any], Sequence[Cell]],
        key: Callable[[Any], str],
        heading: Callable[[Any], str] | None = None,
        markable: bool = False,
        opens: str = "",
        passive: bool = False,
        fit: int = 0,
        id: str | None = None,
    ) -> None:
        """Make a window.

        Args:
            shown: Its columns.
            cells: Turns a row into as many cells.
            key: Tells a row from all others.
            heading: What stands above the rows that it is the same for; None for no headings.
            markable: Whether rows can be marked.
            opens: What enter does, in a word; empty when a row cannot be opened.
            passive: Whether it only shows rows: it takes no keys and has no cursor.
            fit: Up to how many rows no column is wider than its texts; beyond, it would shift as more are read.
            id: The widget's id.
        """
        super().__init__(shown, cells=cells, key=key, heading=heading, markable=markable, fit=fit, id=id)
        self.can_focus = not passive
        self.opens = opens
        self._sought = ""
        self._about: Any = None
        self._pause: Timer | None = None
        self._reads_further = False

    @property
    def row(self) -> Any:
        """The row under the cursor; None when the list is empty or not read."""
        return self.rows[self.cursor] if self.is_read and 0 <= self.cursor < len(self.rows) else None

    @property
    def in_view(self) -> list[Any]:
        """The rows that can be seen now; none before the list is read."""
        if not self.is_read:
            return []
        top = int(self.scroll_offset.y)
        lines = self._listing.lines[top : top + self.size.height]
        return [self.rows[place] for place in lines if isinstance(place, int)]

    @property
    def chosen(self) -> list[Any]:
        """The marked rows, or the one under the cursor when none is marked."""
        if self.marked:
            return list(self.marked.values())
        return [] if self.row is None else [self.row]

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer no key for what this list cannot do."""
        able = {"open": bool(self.opens), "mark": self._markable, "mark_all": self._markable}.get(action, True)
        return able and (self.row is not None or action not in ("open", "mark", "mark_all") or None)

    async def show(self, fetch: Fetch, *, keep: bool = True, about: Any = None) -> None:
        """Read the list and show it.

        Args:
            fetch: Gives the pages.
            keep: Keep the cursor on its row, and the rows that are held.
            about: What is asked for; when it is another thing than before, no more than the first rows are read, and
                the cursor is on the first if its row is not among them.
        """
        again, self._about = keep and about == self._about, about
        with self._told_when_late():
            backward = keep and self._listing.backward
            taken = await self._listing.read(fetch, least=self.size.height, backward=backward, again=again)
        if taken:
            before = self._listing.before
            held = self._key(before[self.cursor]) if keep and self.cursor < len(before) else ""
            self._mark_anew(others=again and not self._listing.is_whole)
            if not again and not backward and self._listing.place_of(held) is None:
                self.set_reactive(Window.cursor, 0)
            self._shown(held if not self._sought else self._sought)
            self._read_on_later()

    def foretell(self, rows: Sequence[Foretold], total: int) -> None:
        """Show rows before the list is read; nothing can be done with them.

        Args:
            rows: The first rows.
            total: How many rows the list has.
        """
        if not self.is_read:
            self._listing.foretell(rows, total)
            self._measure()
            self.refresh()

    @contextlib.contextmanager
    def _told_when_late(self) -> Iterator[None]:
        """Tell in the heading that a page is being read, if that takes long."""
        timer = self.set_timer(LATE_SECONDS, lambda: self._say_late(True))
        try:
            yield
        finally:
            timer.stop()
            self._say_late(False)

    def _say_late(self, is_late: bool) -> None:
        if is_late is not self._is_late:
            self._is_late = is_late
            self.refresh_lines(0, 1)

    def _mark_anew(self, *, others: bool) -> None:
        """Keep the marks of the rows that are held, as these are now; and of other rows, if those are there still."""
        held = {self._key(row): row for row in self.rows}
        self.marked = {key: held.get(key, row) for key, row in self.marked.items() if others or key in held}

    def forget(self) -> None:
        """Forget the rows: what is shown next are others."""
        self._listing.clear()
        self.marked.clear()
        self.set_reactive(Window.cursor, 0)
        self.refresh()

    def seek(self, key: str) -> None:
        """Put the cursor on the row with this key, now or as soon as it is there."""
        place = self._listing.place_of(key)
        if place is not None:
            self.cursor = place
        else:
            self._sought = key

    def _shown(self, held: str) -> None:
        place = self._listing.place_of(held)
        self._sought = self._sought if place is None else ""
        self._measure()
        self.set_reactive(Window.cursor, max(0, min(self.cursor, len(self.rows) - 1) if place is None else place))
        self._reveal()
        self.post_message(self.Highlighted(self, self.row))
        self.refresh_bindings()
        self.refresh()

    def _measure(self) -> None:
        super()._measure()
        self._place_bar()

    def _place_bar(self) -> None:
        """Let the scroll bar tell where in the whole list one is, not where among the rows that are held."""
        if not self.show_vertical_scrollbar:
            return
        listing, bar = self._listing, self.vertical_scrollbar
        bar.window_virtual_size = listing.above + self.virtual_size.height + listing.below
        place = listing.above + self.scroll_y
        at_end = place == 0 or place + self.size.height >= bar.window_virtual_size
        if at_end or abs(place - bar.position) * self.size.height * FINENESS >= bar.window_virtual_size:
            bar.position = place

    def _scroll_update(self, virtual_size: Size) -> None:
        super()._scroll_update(virtual_size)
        self._place_bar()

    def _on_scroll_to(self, message: ScrollTo) -> None:
        """Scroll to where the bar is drawn; to what is not held, by reading on or from the other end."""
        listing, y = self._listing, message.y
        message.stop()
        if y is None:
            return
        if y <= 0 and not listing.holds_end(backward=False):
            self.action_first()
        elif y >= listing.above + self.max_scroll_y + listing.below and not listing.holds_end(backward=True):
            self.action_last()
        else:
            self.scroll_to(y=y - listing.above, animate=False, force=True)

    def validate_cursor(self, cursor: int) -> int:
        """Keep the cursor within the rows."""
        return max(0, min(cursor, len(self.rows) - 1))

    def watch_cursor(self, old: int, new: int) -> None:
        """Show where the cursor is now: two lines are drawn anew, or all when it scrolled."""
        self._sought = ""
        self._reveal()
        for place in (old, new):
            self._refresh_row(place)
        self.post_message(self.Highlighted(self, self.row))
        line = self._listing.span_of(self.cursor)[1]
        self._read_near(line, line)

    def _refresh_row(self, place: int) -> None:
        if place < len(self.rows):
            self.refresh_lines(self._listing.span_of(place)[1] + 1, 1)

    def watch_scroll_y(self, old: float, new: float) -> None:
        """Draw other rows, and read on when the mouse scrolls to where the held ones end."""
        if round(old) != round(new):
            self.refresh(self.size.region)
        self._place_bar()
        self.post_message(self.Scrolled(self, self.row))
        self._read_near(int(new), int(new) + self.size.height)

    def on_resize(self) -> None:
        """Read on where there is room for more rows than are held."""
        self._read_on()

    def _read_on_later(self) -> None:
        if self._pause is not None:
            self._pause.stop()
        self._pause = self.set_timer(PAUSE_SECONDS, self._read_on)

    def _read_on(self) -> None:
        if self.size.height:
            self._read_near(int(self.scroll_offset.y), int(self.scroll_offset.y) + self.size.height)

    def _read_near(self, first: int, last: int) -> None:
        """Read on, or back, when what is looked at is near to where the held rows begin or end."""
        listing = self._listing
        ends = (first < AHEAD, len(listing.lines) - last < AHEAD)
        back, on = ends[::-1] if listing.backward else ends
        read = listing.on if on and listing.has_more else listing.back
        needed = (on and listing.has_more) or (back and not listing.holds_end(backward=listing.backward))
        if needed and not self._reads_further:
            self._reads_further = True
            self._read_further(read)

    @work(group="read-ahead")
    async def _read_further(self, read: Callable[[], Awaitable[bool]]) -> None:
        """Read a page, and the next if that is not enough."""
        rows, lines = self.rows, self._listing.lines
        try:
            with self._told_when_late():
                taken = await read()
        finally:
            self._reads_further = False
        if taken:
            self._hold_still(rows, lines)
            self._read_on()

    def _hold_still(self, rows: list[Any], lines: list[int | str]) -> None:
        """What is looked at stays where it is among the rows that are held now; the cursor, too, or it comes along."""
        top = int(self.scroll_offset.y)
        line = next((at for at in range(top, len(lines)) if isinstance(lines[at], int)), 0)
        seen = self._place_now(rows, lines[line] if lines else None)
        place = self._place_now(rows, self.cursor)
        self._measure()
        self.set_reactive(Window.cursor, (seen or 0) if place is None else place)
        if seen is not None and (moved := self._listing.span_of(seen)[1] - line):
            self.scroll_to(y=top + moved, animate=False, force=True)
        self._place_bar()
        self.refresh()

    def _place_now(self, before: list[Any], place: Any) -> int | None:
        """Where the row is now that had a place before."""
        return self._listing.place_of(self._key(before[place])) if place is not None and place < len(before) else None

    def _reveal(self) -> None:
        top, bottom = self._listing.span_of(self.cursor)
        self.scroll_to_region(Region(0, top, 1, bottom - top + 2), animate=False, force=True, x_axis=False)

    def action_move(self, step: int) -> None:
        """Move the cursor."""
        self.cursor += step

    def action_page(self, step: int) -> None:
        """Move the cursor by half a screen."""
        self.cursor += step * max(1, self.size.height // 2)

    @work(exclusive=True, group="to-an-end")
    async def action_first(self) -> None:
        """Put the cursor on the first row, wherever one is in a long list."""
        await self._go_to_end(backward=False)
        self.cursor = 0

    @work(exclusive=True, group="to-an-end")
    async def action_last(self) -> None:
        """Put the cursor on the last row; a long list is read from its end for that."""
        await self._go_to_end(backward=True)
        self.cursor = len(self.rows) - 1

    async def _go_to_end(self, *, backward: bool) -> None:
        fetch = self._listing.fetch
        if fetch is None or self._listing.holds_end(backward=backward):
            return
        with self._told_when_late():
            taken = await self._listing.read(fetch, least=self.size.height, backward=backward)
        if taken:
            self._shown("")

    def action_mark(self) -> None:
        """Mark the row, or take its mark away, and go on to the next."""
        if self.row is not None:
            self._turn_mark()
            self.cursor += 1

    def _turn_mark(self) -> None:
        key = self._key(self.row)
        if self.marked.pop(key, None) is None:
            self.marked[key] = self.row
        self.post_message(self.Highlighted(self, self.row))
        self.refresh()

    @work(exclusive=True, group="mark-all")
    async def action_mark_all(self) -> None:
        """Mark all rows, those that are not read yet as well; or none, where all are marked."""
        listing, rows = self._listing, self.rows
        if listing.fetch is not None and not listing.is_whole:
            with self._told_when_late():
                rows = list((await listing.fetch(None, min(self.total, MOST_MARKED), False)).rows)
        found = {self._key(row): row for row in rows[:MOST_MARKED]}
        self.marked = {} if found.keys() <= self.marked.keys() else found
        self.post_message(self.Highlighted(self, self.row))
        self.refresh()

    def unmark(self) -> None:
        """Take all marks away."""
        self.marked.clear()
        self.refresh()

    def action_open(self) -> None:
        """Open the row under the cursor."""
        if self.row is not None:
            self.post_message(self.Opened(self, self.row))

    def on_click(self, event: events.Click) -> None:
        """Move to the clicked row, mark it at its left edge, open it on a double click; or sort by a heading."""
        if not self.is_read:
            return
        if event.y == 0:
            self._sort_at(event.x)
            return
        place = self._place_at(event.y)
        if place is not None:
            self.cursor = place
            if self._markable and event.x < self._margin:
                self._turn_mark()
            elif event.chain == 2 and self.opens:
                self.action_open()

    def _place_at(self, y: int) -> int | None:
        line = y - 1 + int(self.scroll_offset.y)
        found = self._listing.lines[line] if 0 <= line < len(self._listing.lines) else None
        return found if isinstance(found, int) else None

    def _sort_at(self, x: int) -> None:
        start = self._margin
        for column, width in self._widths():
            if start <= x < start + width + 1 and column.sort:
                self.post_message(self.Sorted(self, column.key))
            start += width + GAP
