"""The rows of a long list, as far as they are read: page by page, from its beginning or from its end."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

FIRST: Final = 50
"""How many rows are read first: some more than are seen."""

PAGE: Final = 100


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


class Listing:
    """What is read of a list, and the lines that it makes with its headings.

    Attributes:
        rows: The rows that are read, in their order.
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
        self._next: Any = None
        self._line_of: list[int] = []
        self._generation = 0
        self._reading = False

    @property
    def has_more(self) -> bool:
        """Whether there are rows that are not read yet: after these, or before them when it is read backward."""
        return self._fetch is not None and self._next is not None

    @property
    def fetch(self) -> Fetch | None:
        """What gives its pages; None before it was first read."""
        return self._fetch

    def clear(self) -> None:
        """Forget the rows."""
        self.rows, self.lines, self.total, self.backward = [], [], 0, False
        self._line_of, self._fetch, self._next = [], None, None
        self._generation += 1

    async def read(self, fetch: Fetch, *, least: int = 0, backward: bool = False) -> bool:
        """Read the list anew.

        Args:
            fetch: Gives its pages.
            least: How many rows to read at the least.
            backward: Read it from its end.

        Returns:
            False when a newer call has taken this one's place.
        """
        self._generation += 1
        generation = self._generation
        found = await fetch(None, max(FIRST, least), backward)
        if generation != self._generation:
            return False
        self._fetch, self.backward, self.before = fetch, backward, self.rows
        self._take(found, [])
        return True

    async def more(self) -> int:
        """Read the next page, if there is one; how many rows were put before those read so far."""
        if self._fetch is None or self._next is None or self._reading:
            return 0
        self._reading, generation = True, self._generation
        try:
            found = await self._fetch(self._next, PAGE, self.backward)
        finally:
            self._reading = False
        if generation != self._generation:
            return 0
        self._take(found, self.rows)
        return len(found.rows) if self.backward else 0

    def _take(self, found: Slice, held: list[Any]) -> None:
        rows = list(found.rows)
        self.rows = [*reversed(rows), *held] if self.backward else [*held, *rows]
        self._next, self.total = found.next, max(found.total, len(self.rows))
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
        """Where the row with this key is; None when it is not among those read."""
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
