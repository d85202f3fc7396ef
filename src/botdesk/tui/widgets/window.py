"""A window on a long list: it draws only the lines that show, and asks for more rows as the cursor nears them.

Rows come in keyset pages, so a list of a hundred thousand opens as fast as one of ten. The cursor stays on its row, by
key, when the list is read again.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Final

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from rich.style import Style
from textual import events, work
from textual.binding import Binding, BindingType
from textual.geometry import Region, Size
from textual.message import Message
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip

from botdesk.tui.render import Cell

PAGE: Final = 100
AHEAD: Final = 50
LEAST: Final = 14
"""The least width of what flexible columns share."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a window.

    Attributes:
        key: Its name; what `Window.Sorted` tells.
        title: Its heading.
        width: In cells; None takes a share of what is left.
        right: Whether it is flush right.
        above: The least width of the window at which it is shown.
        sort: Whether a click on its heading sorts by it.
    """

    key: str
    title: str
    width: int | None = None
    right: bool = False
    above: int = 0
    sort: bool = False


@dataclass(frozen=True, slots=True)
class Slice:
    """A page of rows: the rows, what to pass on for the next page (None after the last), and how many there are."""

    rows: Sequence[Any]
    next: Any
    total: int


Fetch = Callable[[Any, int], Awaitable[Slice]]


class Window(ScrollView, can_focus=True):
    """A list with columns, cursor, marks and headings between its rows."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        f"window--{name}"
        for name in ("header", "cursor", "blurred", "mark", "heading", "good", "warn", "bad", "muted", "accent")
    }

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j,down", "move(1)", "Down", show=False, tooltip="One row down"),
        Binding("k,up", "move(-1)", "Up", show=False, tooltip="One row up"),
        Binding("ctrl+d,pagedown", "page(1)", "Page down", show=False, tooltip="Half a screen down"),
        Binding("ctrl+u,pageup", "page(-1)", "Page up", show=False, tooltip="Half a screen up"),
        Binding("g,home", "first", "First", show=False, tooltip="To the first row"),
        Binding("G,end", "last", "Last", show=False, tooltip="To the last row"),
        Binding("space", "mark", "Mark", show=False, tooltip="Mark the row for work on many"),
        Binding("enter", "open", "Open", show=False, tooltip="Open what the cursor is on"),
    ]

    cursor: reactive[int] = reactive(0)

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

    class Sorted(Message):
        """A heading was clicked."""

        def __init__(self, window: "Window", key: str) -> None:
            super().__init__()
            self.window = window
            self.key = key

    def __init__(
        self,
        columns: Sequence[Column],
        *,
        cells: Callable[[Any], Sequence[Cell]],
        key: Callable[[Any], str],
        heading: Callable[[Any], str] | None = None,
        markable: bool = False,
        id: str | None = None,
    ) -> None:
        """Make a window.

        Args:
            columns: Its columns.
            cells: Turns a row into as many cells.
            key: Tells a row from all others.
            heading: What stands above the rows that it is the same for; None for no headings.
            markable: Whether rows can be marked.
            id: The widget's id.
        """
        super().__init__(id=id)
        self.columns = list(columns)
        self.rows: list[Any] = []
        self.marked: set[str] = set()
        self.empty = ""
        self.total = 0
        self.sorted_by: tuple[str, bool] | None = None
        self._cells = cells
        self._key = key
        self._heading = heading
        self._markable = markable
        self._fetch: Fetch | None = None
        self._next: Any = None
        self._lines: list[int | str] = []
        self._line_of: list[int] = []
        self._generation = 0
        self._loading = False

    @property
    def row(self) -> Any:
        """The row under the cursor; None when the list is empty."""
        return self.rows[self.cursor] if 0 <= self.cursor < len(self.rows) else None

    @property
    def chosen(self) -> list[Any]:
        """The marked rows, or the one under the cursor when none is marked."""
        if self.marked:
            return [row for row in self.rows if self._key(row) in self.marked]
        return [] if self.row is None else [self.row]

    async def show(self, fetch: Fetch, *, keep: bool = True) -> None:
        """Read the list and show it.

        Args:
            fetch: Gives the page after a place: `(after, limit)`.
            keep: Keep the cursor on its row, and as many rows as were read before.
        """
        self._generation += 1
        generation, held = self._generation, self._key(self.row) if keep and self.row is not None else None
        found = await fetch(None, max(PAGE, len(self.rows) if keep else 0))
        if generation != self._generation:
            return
        self._fetch = fetch
        self.rows, self._next, self.total = list(found.rows), found.next, found.total
        keys = {self._key(row): place for place, row in enumerate(self.rows)}
        self.marked &= keys.keys()
        self._lay_out()
        place = keys.get(held, min(self.cursor, len(self.rows) - 1)) if held is not None else 0
        self.set_reactive(Window.cursor, max(place, 0))
        self._reveal(animate=False)
        self.post_message(self.Highlighted(self, self.row))
        self.refresh()

    async def more(self) -> None:
        """Read the next page, if there is one."""
        if self._fetch is None or self._next is None or self._loading:
            return
        self._loading, generation = True, self._generation
        try:
            found = await self._fetch(self._next, PAGE)
        finally:
            self._loading = False
        if generation == self._generation:
            self.rows += found.rows
            self._next, self.total = found.next, found.total
            self._lay_out()
            self.refresh()

    def _lay_out(self) -> None:
        self._lines, self._line_of, above = [], [], None
        for place, row in enumerate(self.rows):
            if self._heading is not None and (text := self._heading(row)) != above:
                self._lines.append(text)
                above = text
            self._line_of.append(len(self._lines))
            self._lines.append(place)
        unread = max(0, self.total - len(self.rows))
        self.virtual_size = Size(0, len(self._lines) + unread + 1)

    def move_to(self, key: str) -> bool:
        """Put the cursor on the row with this key; False when it is not among those read."""
        for place, row in enumerate(self.rows):
            if self._key(row) == key:
                self.cursor = place
                return True
        return False

    def validate_cursor(self, cursor: int) -> int:
        """Keep the cursor within the rows."""
        return max(0, min(cursor, len(self.rows) - 1))

    def watch_cursor(self) -> None:
        """Show where the cursor is now."""
        self._reveal(animate=False)
        self.refresh()
        self.post_message(self.Highlighted(self, self.row))
        if len(self.rows) - self.cursor < AHEAD:
            self._read_ahead()

    @work(group="read-ahead")
    async def _read_ahead(self) -> None:
        await self.more()

    def _reveal(self, *, animate: bool) -> None:
        if self.cursor < len(self._line_of):
            line = self._line_of[self.cursor]
            top = line - 1 if line and isinstance(self._lines[line - 1], str) else line
            self.scroll_to_region(Region(0, top, 1, line - top + 2), animate=animate, force=True, x_axis=False)

    def action_move(self, step: int) -> None:
        """Move the cursor."""
        self.cursor += step

    def action_page(self, step: int) -> None:
        """Move the cursor by half a screen."""
        self.cursor += step * max(1, self.size.height // 2)

    def action_first(self) -> None:
        """Put the cursor on the first row."""
        self.cursor = 0

    @work(exclusive=True, group="to-the-end")
    async def action_last(self) -> None:
        """Put the cursor on the last row; what is not read yet is read first."""
        while self._next is not None:
            await self.more()
        self.cursor = len(self.rows) - 1

    def action_mark(self) -> None:
        """Mark the row, or take its mark away, and go on to the next."""
        if self._markable and self.row is not None:
            self.marked ^= {self._key(self.row)}
            self.post_message(self.Highlighted(self, self.row))
            self.cursor += 1
            self.refresh()

    def action_open(self) -> None:
        """Open the row under the cursor."""
        if self.row is not None:
            self.post_message(self.Opened(self, self.row))

    def on_click(self, event: events.Click) -> None:
        """Move to the clicked row, open it on a double click, or sort by a clicked heading."""
        if event.y == 0:
            self._sort_at(event.x)
            return
        line = event.y - 1 + int(self.scroll_offset.y)
        place = self._lines[line] if 0 <= line < len(self._lines) else None
        if isinstance(place, int):
            self.cursor = place
            if event.chain == 2:
                self.action_open()

    def _sort_at(self, x: int) -> None:
        start = self._margin
        for column, width in self._widths():
            if start <= x < start + width + 1 and column.sort:
                self.post_message(self.Sorted(self, column.key))
            start += width + 2

    @property
    def _margin(self) -> int:
        return 2 if self._markable else 1

    def _widths(self) -> list[tuple[Column, int]]:
        """The columns that are shown and their widths; a gap of two cells is between them.

        In a narrow window columns fold away from the right, until a flexible one has room to be read.
        """
        space = self.scrollable_content_region.width
        shown = [column for column in self.columns if space >= column.above]
        while (left := self._left(shown, space)) < LEAST and len(shown) > 1:
            shown.remove(next(column for column in reversed(shown) if column.width is not None))
        flexible = sum(column.width is None for column in shown) or 1
        share, extra = divmod(max(left, 0), flexible)
        widths: list[tuple[Column, int]] = []
        for column in shown:
            widths.append((column, share + extra if column.width is None else column.width))
            extra = 0 if column.width is None else extra
        return widths

    def _left(self, shown: Sequence[Column], space: int) -> int:
        if all(column.width is not None for column in shown):
            return LEAST
        return space - self._margin - 1 - 2 * (len(shown) - 1) - sum(column.width or 0 for column in shown)

    def render_line(self, y: int) -> Strip:
        """Draw one line: the heading of the columns, a heading, a row, or nothing."""
        width = self.size.width
        if y == 0:
            return self._header(width)
        line = y - 1 + int(self.scroll_offset.y)
        if line >= len(self._lines):
            told = [] if self.rows else self.empty.split("\n")
            text = f"  {told[y - 2]}" if 2 <= y < len(told) + 2 else ""
            return Strip([Segment(set_cell_size(text, width), self._style("muted"))], width)
        found = self._lines[line]
        if isinstance(found, str):
            return Strip([Segment(set_cell_size(f" {found}", width), self._style("heading"))], width)
        return self._row_strip(found, width)

    def _header(self, width: int) -> Strip:
        style, text = self._style("header"), " " * self._margin
        for column, size in self._widths():
            arrow = ""
            if self.sorted_by and self.sorted_by[0] == column.key:
                arrow = " ↓" if self.sorted_by[1] else " ↑"
            text += _fit(column.title + arrow, size, right=column.right) + "  "
        return Strip([Segment(set_cell_size(text, width), style)], width)

    def _row_strip(self, place: int, width: int) -> Strip:
        row, on = self.rows[place], place == self.cursor
        base = self._style(("cursor" if self.has_focus else "blurred") if on else "")
        marked = self._key(row) in self.marked
        segments = [Segment(("● " if marked else "  ")[: self._margin], base + self._style("mark", tone=True))]
        by_key = dict(zip((column.key for column in self.columns), self._cells(row), strict=True))
        for column, size in self._widths():
            cell = by_key[column.key]
            tone = self._style(cell.tone, tone=True) if cell.tone else Style.null()
            segments.append(Segment(_fit(cell.text, size, right=column.right), base + tone))
            segments.append(Segment("  ", base))
        return Strip(segments).adjust_cell_length(width, base)

    def _style(self, name: str, *, tone: bool = False) -> Style:
        if not name:
            return self.rich_style
        style = self.get_component_rich_style(f"window--{name}", partial=tone)
        return Style(color=style.color, bold=style.bold, italic=style.italic) if tone else style


def _fit(text: str, width: int, *, right: bool = False) -> str:
    if cell_len(text) > width:
        text = set_cell_size(text, max(width - 1, 0)).rstrip() + "…"
    return " " * (width - cell_len(text)) + text if right else set_cell_size(text, width)
