"""The sheet that a list is drawn on: headings, columns, rows as strips, and what they look like.

A row that has been drawn is the same strip again as long as it looks the same, so scrolling draws nothing twice.
"""

from collections.abc import Callable, Sequence
from typing import Any, ClassVar, Final, NamedTuple, Self

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from rich.style import Style
from textual.geometry import Region, Size
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip

from botdesk.tui.render import Cell
from botdesk.tui.widgets import columns
from botdesk.tui.widgets.columns import GAP, Column
from botdesk.tui.widgets.listing import Listing

LATE: Final = "  loading … "


class Foretold(NamedTuple):
    """A row as it is told before the list is read: its key, and its cells."""

    key: str
    cells: Sequence[Cell]


class Sheet(ScrollView):
    """What is drawn of a list.

    Attributes:
        columns: Its columns.
        marked: The rows that are marked, by key.
        empty: What is told where there are no rows.
        sorted_by: The key of the column that it is sorted by, and whether the other way round.
    """

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        f"window--{name}"
        for name in ("header", "cursor", "blurred", "mark", "heading", "good", "warn", "bad", "muted", "accent")
    }

    cursor: reactive[int] = reactive(0, repaint=False)

    def __init__(
        self,
        shown: Sequence[Column],
        *,
        cells: Callable[[Any], Sequence[Cell]],
        key: Callable[[Any], str],
        heading: Callable[[Any], str] | None,
        markable: bool,
        fit: int,
        id: str | None,
    ) -> None:
        """Make a sheet; the arguments are those of a window."""
        self._looks: dict[tuple[str, bool], Style] = {}
        self._drawn: dict[tuple[int, int, str, bool], Strip] = {}
        super().__init__(id=id)
        self.columns = list(shown)
        self.marked: dict[str, Any] = {}
        self.empty = ""
        self.sorted_by: tuple[str, bool] | None = None
        self._fit = fit
        self._fitted = self.columns
        self._cells_of = cells
        self._key_of = key
        self._listing = Listing(self._key, heading)
        self._markable = markable
        self._is_late = False

    def _cells(self, row: Any) -> Sequence[Cell]:
        return row.cells if isinstance(row, Foretold) else self._cells_of(row)

    def _key(self, row: Any) -> str:
        return row.key if isinstance(row, Foretold) else self._key_of(row)

    @property
    def rows(self) -> list[Any]:
        """The rows that are held."""
        return self._listing.rows

    @property
    def is_read(self) -> bool:
        """Whether its first page is there; until then nobody knows what it holds."""
        return self._listing.fetch is not None

    @property
    def total(self) -> int:
        """How many rows the whole list has."""
        return self._listing.total

    def _measure(self) -> None:
        fit = 0 < len(self.rows) == self.total <= self._fit
        texts = ([cell.text for cell in self._cells(row)] for row in self.rows)
        self._fitted = columns.fitted(self.columns, list(texts)) if fit else self.columns
        self.virtual_size = Size(0, len(self._listing.lines) + 1)

    @property
    def _margin(self) -> int:
        return 2 if self._markable else 1

    def _widths(self) -> tuple[tuple[Column, int], ...]:
        return columns.widths(tuple(self._fitted), self.scrollable_content_region.width - self._margin - 1)

    def render_lines(self, crop: Region) -> list[Strip]:
        """Draw some lines; a row that has been drawn is the same strip again, and has passed the filters already.

        A border is Textual's to draw. No style sheet asks for what else it can do to lines: tint, hatch, outline.
        """
        if self.styles.gutter or self.opacity != 1:
            return super().render_lines(crop)
        background = self.background_colors[1]
        strips = [self.render_line(y) for y in crop.line_range]
        for each in self.get_line_filters():
            strips = [strip.apply_filter(each, background) for strip in strips]
        return [strip.crop(*crop.column_span) for strip in strips]

    def render_line(self, y: int) -> Strip:
        """Draw one line: the heading of the columns, a heading, a row, or nothing."""
        width, line = self.size.width, y - 1 + int(self.scroll_offset.y)
        if y == 0:
            return self._header(width)
        if line >= len(self._listing.lines):
            return self._blank(y, width)
        found = self._listing.lines[line]
        if isinstance(found, str):
            return Strip([Segment(set_cell_size(f" {found}", width), self._style("heading"))], width)
        return self._row_strip(found, width)

    def _blank(self, y: int, width: int) -> Strip:
        told = self.empty.split("\n") if self.is_read and not self.rows else []
        text = f"  {told[y - 2]}" if 2 <= y < len(told) + 2 else ""
        return Strip([Segment(columns.fit(text, width), self._style("muted"))], width)

    def _header(self, width: int) -> Strip:
        text = " " * self._margin
        for column, size in self._widths():
            title = column.title
            if self.sorted_by and self.sorted_by[0] == column.key:
                arrow = "↓" if self.sorted_by[1] else "↑"
                title = f"{title} {arrow}" if cell_len(title) + 2 <= size else f"{title[: size - 1]}{arrow}"
            text += columns.fit(title, size, right=column.right) + " " * GAP
        stays = LATE if self._is_late else self._heading_above()
        left = set_cell_size(text, max(width - cell_len(stays), 0))
        return Strip([Segment(left, self._style("header")), Segment(stays, self._style("header"))]).crop(0, width)

    def _heading_above(self) -> str:
        """The heading that has scrolled out above the first line; empty when none has."""
        top = int(self.scroll_offset.y)
        text = self._listing.heading_at(top) if top and not self._listing.is_heading(top) else ""
        return f"{text} " if text else ""

    def _row_strip(self, place: int, width: int) -> Strip:
        """Draw a row, unless it is drawn already: what only scrolls is as it was."""
        on = place == self.cursor and self.can_focus
        look = ("cursor" if self.has_focus else "blurred") if on else ""
        marked = bool(self.marked) and self._key(self.rows[place]) in self.marked
        found = self._drawn.get((place, width, look, marked))
        if found is None:
            found = self._drawn[place, width, look, marked] = self._row_drawn(place, width, look, marked=marked)
        return found

    def _row_drawn(self, place: int, width: int, look: str, *, marked: bool) -> Strip:
        row, base = self.rows[place], self._style(look)
        segments = [Segment(("● " if marked else "  ")[: self._margin], base + self._style("mark", tone=True))]
        by_key = dict(zip((column.key for column in self.columns), self._cells(row), strict=True))
        for column, size in self._widths():
            cell = by_key[column.key]
            faint = bool(look) and cell.tone == "muted"
            tone = self._style(cell.tone, tone=True) if cell.tone and not faint else Style.null()
            segments.append(Segment(columns.fit(cell.text, size, right=column.right), base + tone))
            segments.append(Segment(" " * GAP, base))
        return Strip(segments).adjust_cell_length(width, base)

    def notify_style_update(self) -> None:
        """Look the styles up anew."""
        super().notify_style_update()
        self._looks.clear()
        self._drawn.clear()

    def refresh(self, *regions: Region, repaint: bool = True, layout: bool = False, recompose: bool = False) -> Self:
        """Draw it anew; without a region, all that it shows may be another."""
        if not regions:
            self._drawn.clear()
        return super().refresh(*regions, repaint=repaint, layout=layout, recompose=recompose)

    def _style(self, name: str, *, tone: bool = False) -> Style:
        found = self._looks.get((name, tone))
        if found is None:
            found = self._looks[name, tone] = self._looked_up(name, tone=tone)
        return found

    def _looked_up(self, name: str, *, tone: bool) -> Style:
        if not name:
            return self.rich_style
        style = self.get_component_rich_style(f"window--{name}", partial=tone)
        return Style(color=style.color, bold=style.bold, italic=style.italic) if tone else style
