"""The columns of a list: which are shown in a width, how wide each is, and a text made to fit."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final

from rich.cells import cell_len, set_cell_size

GAP: Final = 2


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a list.

    Attributes:
        key: Its name; what `Window.Sorted` tells.
        title: Its heading.
        width: In cells; what it has at the least when it grows.
        grow: Its part of the room that is left; 0 for none.
        most: What it grows to at the most.
        right: Whether it is flush right.
        above: The least width of the list at which it is shown.
        sort: Whether a click on its heading sorts by it.
    """

    key: str
    title: str
    width: int
    grow: int = 0
    most: int = 60
    right: bool = False
    above: int = 0
    sort: bool = False


@lru_cache(64)
def widths(columns: tuple[Column, ...], space: int) -> tuple[tuple[Column, int], ...]:
    """The columns that are shown in `space` cells and their widths, a gap between any two.

    Where the room is too small, columns that do not grow fold away from the right; the room that is left is shared out.
    """
    shown = [column for column in columns if space >= column.above]
    while needed(shown) > space and len(shown) > 1:
        firm = [column for column in shown[1:] if not column.grow] or shown[1:]
        shown.remove(firm[-1])
    if len(shown) == 1:
        return ((shown[0], max(space, 1)),)
    return _shared(shown, max(space - needed(shown), 0))


def fitted(columns: Sequence[Column], rows: Sequence[Sequence[str]]) -> list[Column]:
    """The columns for these rows, none of them wider than its heading and its texts are."""
    titles = [f"{column.title} ↑" if column.sort else column.title for column in columns]
    longest = [max(map(cell_len, texts)) for texts in zip(titles, *rows, strict=True)]
    return [
        replace(column, width=min(column.width, most), most=min(column.most, most))
        for column, most in zip(columns, longest, strict=True)
    ]


def needed(columns: Sequence[Column]) -> int:
    """How many cells the columns take at the least."""
    return sum(column.width for column in columns) + GAP * (len(columns) - 1)


def _shared(shown: Sequence[Column], left: int) -> tuple[tuple[Column, int], ...]:
    found = {column.key: column.width for column in shown}
    growing = [column for column in shown if column.grow]
    while left and (growing := [column for column in growing if found[column.key] < column.most]):
        whole, before = sum(column.grow for column in growing), left
        for column in growing:
            more = min(max(before * column.grow // whole, 1), column.most - found[column.key], left)
            found[column.key] += more
            left -= more
    return tuple((column, found[column.key]) for column in shown)


def fit(text: str, width: int, *, right: bool = False) -> str:
    """Make a text exactly `width` cells wide; what is cut off is told by an ellipsis."""
    if cell_len(text) > width:
        text = set_cell_size(text, max(width - 1, 0)).rstrip() + "…" if width else ""
    return " " * (width - cell_len(text)) + text if right else set_cell_size(text, width)
