"""The rows of a long list, as far as they are held: page by page, from its beginning or from its end.

A bounded number of rows is held. Those far from where one reads are let go of, and read again on the way back.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

FIRST: Final = 30
"""How many rows are read first at the least."""

PAGE: Final = 100

MOST: Final = 500
"""So many rows are held at the least where one reads on, and less than twice as many at the most."""

MEASURED: Final = 1_000
"""Up to so many rows the columns of a list that is read as a whole are measured."""


@dataclass(frozen=True, slots=True)
class Slice:
    """A page of rows: the rows, what to pass on for the next page (None after the last), and how many there are."""

    rows: Sequence[Any]
    next: Any
    total: int


Fetch = Callable[[Any, int, bool], Awaitable[Slice]]
"""Gives the page after a place: `(after, limit, backward)`; backward from the end of the list, last row first."""


def whole(rows: Sequence[Any]) -> Fetch:
    """A list that is all there."""

    async def fetch(after: Any, limit: int, backward: bool) -> Slice:
        return Slice(list(reversed(rows)) if backward else rows, None, len(rows))

    return fetch


@dataclass(frozen=True, slots=True)
class _Page:
    """A page as it was read: what was passed on for it, and how many rows it had."""

    after: Any
    size: int


class Listing:
    """What is held of a list, and the lines that it makes with its headings.

    Attributes:
        rows: The rows that are held, in their order.
        total: How many rows the whole list has.
        lines: What stands in each line: the place of a row, or a heading.
        backward: Whether it is read from its end.
        before: The rows that the last reading took the place of.
    """

    def __init__(self, key: Callable[[Any], str], heading: Callable[[Any], str] | None) -> None:
        self.rows: list[Any] = []
        self.before: list[Any] = []
        self.total = 0
        self.lines: list[int | str] = []
        self.backward = False
        self._key = key
        self._heading = heading
        self._fetch: Fetch | None = None
        self._passed: list[_Page] = []
        self._held: list[_Page] = []
        self._next: Any = None
        self._line_of: list[int] = []
        self._generation = 0
        self._reading = False

    @property
    def has_more(self) -> bool:
        """Whether there are rows that were not read yet: after these, or before them when it is read backward."""
        return self._fetch is not None and self._next is not None

    @property
    def is_whole(self) -> bool:
        """Whether all of its rows are held."""
        return not self._passed and not self.has_more

    @property
    def above(self) -> int:
        """How many rows of the whole list come before those that are held."""
        if self._fetch is None:
            return 0
        passed = sum(page.size for page in self._passed)
        if self.backward:
            return max(self.total - passed - len(self.rows), 0) if self.has_more else 0
        return min(passed, self.total - len(self.rows)) if self.has_more else self.total - len(self.rows)

    @property
    def below(self) -> int:
        """How many rows of the whole list come after those that are held."""
        return self.total - self.above - len(self.rows)

    @property
    def fetch(self) -> Fetch | None:
        """What gives its pages; None before it was first read."""
        return self._fetch

    def clear(self) -> None:
        """Forget the rows."""
        self.rows, self.lines, self.total, self.backward = [], [], 0, False
        self._line_of, self._fetch, self._next, self._passed, self._held = [], None, None, [], []
        self._generation += 1

    def foretell(self, rows: Sequence[Any], total: int) -> None:
        """Take rows for the time until it is read."""
        self._take(list(rows), total)

    async def read(self, fetch: Fetch, *, least: int = 0, backward: bool = False, again: bool = False) -> bool:
        """Read the list anew.

        Args:
            fetch: Gives its pages.
            least: How many rows to read at the least.
            backward: Read it from its end.
            again: Whether it is the same list: what is held of it is read, and not its first rows.

        Returns:
            False when a newer call has taken this one's place.
        """
        self._generation += 1
        generation = self._generation
        passed = self._passed if again and backward is self.backward else []
        after = self._held[0].after if passed else None
        limit = max(FIRST, least, len(self.rows) if again else 0)
        found = await fetch(after, limit, backward)
        if not found.rows and passed:
            passed, after, found = [], None, await fetch(None, limit, backward)
        if generation != self._generation:
            return False
        self._generation += 1  # a page that was asked for meanwhile was one of the rows that go now
        self._fetch, self.backward, self.before = fetch, backward, self.rows
        self._passed, self._held = list(passed), [_Page(after, len(found.rows))]
        self._next = found.next
        self._take(list(found.rows), found.total)
        return True

    def holds_end(self, *, backward: bool) -> bool:
        """Whether the first row is held, or the last one when it is asked backward."""
        return not (self._passed if backward is self.backward else self.has_more)

    async def on(self) -> bool:
        """Read the next page, and let go of the first that is held if there are many; False when nothing changed."""
        after = self._next
        if not self.has_more or (found := await self._page(after, PAGE)) is None:
            return False
        self._next = found.next
        self._held.append(_Page(after, len(found.rows)))
        rows = [*self._in_reading_order, *found.rows]
        while len(rows) - self._held[0].size >= MOST:
            gone = self._held.pop(0)
            self._passed.append(gone)
            rows = rows[gone.size :]
        self._take(rows, found.total)
        return True

    async def back(self) -> bool:
        """Read the page again that was let go of last, and let go of the last that is held; as `on` does."""
        if not self._passed or (found := await self._page(self._passed[-1].after, self._passed[-1].size)) is None:
            return False
        self._held.insert(0, _Page(self._passed.pop().after, len(found.rows)))
        rows = [*found.rows, *self._in_reading_order]
        while len(self._held) > 1 and len(rows) - self._held[-1].size >= MOST:
            gone = self._held.pop()
            self._next, rows = gone.after, rows[: -gone.size or None]
        self._take(rows, found.total)
        return True

    async def _page(self, after: Any, limit: int) -> Slice | None:
        """Read a page; None while another is read, and when the list was read anew meanwhile."""
        if self._fetch is None or self._reading:
            return None
        self._reading, generation = True, self._generation
        try:
            found = await self._fetch(after, limit, self.backward)
        finally:
            self._reading = False
        return found if generation == self._generation else None

    @property
    def _in_reading_order(self) -> list[Any]:
        return self.rows[::-1] if self.backward else self.rows

    def _take(self, rows: list[Any], total: int) -> None:
        """Take rows in the order in which they were read."""
        self.rows = rows[::-1] if self.backward else rows
        self.total = max(total, sum(page.size for page in self._passed) + len(rows))
        self._lay_out()

    def _lay_out(self) -> None:
        self.lines, self._line_of, above = [], [], None
        for place, row in enumerate(self.rows):
            if self._heading is not None and (text := self._heading(row)) != above:
                self.lines.append(text)
                above = text
            self._line_of.append(len(self.lines))
            self.lines.append(place)

    def place_of(self, key: str) -> int | None:
        """Where the row with this key is; None when it is not among those held."""
        return next((place for place, row in enumerate(self.rows) if self._key(row) == key), None)

    def span_of(self, place: int) -> tuple[int, int]:
        """The lines that a row takes, with the heading above it if it has one: first and last."""
        line = self._line_of[place] if 0 <= place < len(self._line_of) else 0
        top = line - 1 if line and isinstance(self.lines[line - 1], str) else line
        return top, line

    def is_heading(self, line: int) -> bool:
        """Whether a heading stands in a line."""
        return 0 <= line < len(self.lines) and isinstance(self.lines[line], str)

    def heading_at(self, line: int) -> str:
        """The heading that a line belongs to; empty without headings."""
        if self._heading is None or not 0 <= line < len(self.lines):
            return ""
        found = self.lines[line]
        return found if isinstance(found, str) else self._heading(self.rows[found])
