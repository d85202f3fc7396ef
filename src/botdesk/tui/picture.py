"""What the terminal shows, cell by cell: of every frame only what differs from it is written.

Textual writes each line that may have changed, and each run of text with all of its attributes. Most of that is there
already, and over a slow link it is what one waits for.
"""

from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import chain
from typing import Final, NamedTuple

from rich.cells import cell_len
from rich.color import ColorSystem
from rich.console import Console
from rich.segment import Segment
from rich.style import Style
from textual._compositor import ChopsUpdate, CompositorUpdate, LayoutUpdate
from textual.strip import Strip

UNKNOWN: Final = "\0"
"""What stands in a cell of which nothing is known."""

NEAR: Final = 3
"""Over how many cells it is cheaper to write what they show than to go past them."""

RESET: Final = "\x1b[m"

_SEEN_ON_BLANKS: Final = frozenset({"4", "7", "9", "21", "51", "52", "53"})
"""The attributes that a blank shows, too: lines, and that it is reversed."""

_BRIGHTNESS: Final = frozenset({"1", "2"})
_OFF: Final = {
    number: off
    for off, numbers in {
        "22": ("1", "2"),
        "23": ("3",),
        "24": ("4", "21"),
        "25": ("5", "6"),
        "27": ("7",),
        "28": ("8",),
        "29": ("9",),
        "54": ("51", "52"),
        "55": ("53",),
    }.items()
    for number in numbers
}
"""What takes an attribute away again."""


class Look(NamedTuple):
    """How a cell looks, in SGR's numbers: attributes, colour, background; empty for the terminal's own."""

    marks: frozenset[str] = frozenset()
    front: str = ""
    back: str = ""


PLAIN: Final = Look()


@lru_cache(maxsize=4096)
def look(sgr: str) -> Look:
    """Read SGR's numbers."""
    numbers = iter(sgr.split(";") if sgr else ())
    marks, front, back = set(), "", ""
    for number in numbers:
        if number in ("38", "48"):
            kind = next(numbers)
            colour = ";".join([number, kind, *(next(numbers) for _ in range(1 if kind == "5" else 3))])
            front, back = (colour, back) if number == "38" else (front, colour)
        elif number in _OFF:
            marks.add(number)
        elif number not in ("39", "49"):
            front, back = (number, back) if number[0] in "39" else (front, number)
    return Look(frozenset(marks), front, back)


@lru_cache(maxsize=4096)
def blank(found: Look) -> Look:
    """What of a look can be seen on a blank."""
    marks = found.marks & _SEEN_ON_BLANKS
    return found if "7" in marks else Look(marks, found.front if marks else "", found.back)


@lru_cache(maxsize=4096)
def turn(before: Look, after: Look) -> str:
    """What takes the terminal from one look to another."""
    if before == after:
        return ""
    if after == PLAIN:
        return RESET
    gone, come = before.marks - after.marks, after.marks - before.marks
    off = sorted({_OFF[mark] for mark in gone})
    come |= after.marks & _BRIGHTNESS if "22" in off else frozenset()
    numbers = [*off, *sorted(come)]
    numbers += [after.front or "39"] if after.front != before.front else []
    numbers += [after.back or "49"] if after.back != before.back else []
    return f"\x1b[{';'.join(numbers)}m"


class Picture:
    """The cells of the terminal, as far as they are known."""

    def __init__(self) -> None:
        self._rows: dict[int, tuple[list[str], list[Look]]] = {}
        self._out: list[str] = []
        self._pen = PLAIN
        self._place: tuple[int, int] | None = None

    def forget(self) -> None:
        """Know nothing any more: whatever is drawn next is written in full."""
        self._rows.clear()

    def written(self, update: CompositorUpdate, colours: ColorSystem) -> str:
        """Take an update for what is shown from now on; gives what has to be written for that."""
        self._out, self._pen, self._place = [], PLAIN, None
        if isinstance(update, LayoutUpdate):
            self.forget()
        for y, x, segments in _parts(update):
            self._draw(y, x, segments, colours)
        return "".join([*self._out, turn(self._pen, PLAIN)])

    def _draw(self, y: int, x: int, segments: Iterable[Segment], colours: ColorSystem) -> None:
        """Draw some cells of a line.

        Terminals do not agree how wide some letters are. So where a letter is not plainly one cell wide, all the cells
        are written if any is another, and the place of what comes next is told anew.
        """
        letters, looks = _cells(segments, colours)
        end = x + len(letters)
        shown, looked = self._row(y, end)
        if shown[x:end] == letters and looked[x:end] == looks:
            return
        odd = _is_odd(letters) or _is_odd(shown[x:end])
        cells = zip(range(x, end), shown[x:end], looked[x:end], letters, looks, strict=True)
        for place, before, seen, letter, found in cells:
            if letter and (odd or ((before != letter or seen is not found) and not _same(before, seen, letter, found))):
                self._write(y, place, letter, found)
        shown[x:end], looked[x:end] = letters, looks
        if odd:
            self._place = None

    def _row(self, y: int, end: int) -> tuple[list[str], list[Look]]:
        letters, looks = self._rows.setdefault(y, ([], []))
        if (lacking := end - len(letters)) > 0:
            letters += [UNKNOWN] * lacking
            looks += [PLAIN] * lacking
        return letters, looks

    def _write(self, y: int, x: int, letter: str, found: Look) -> None:
        if self._place != (y, x):
            self._go(y, x)
        if letter != " ":
            self._turn(found)
        elif (wanted := blank(found)) != blank(self._pen):
            unseen = frozenset() if "7" in wanted.marks else self._pen.marks - _SEEN_ON_BLANKS
            front = wanted.front if wanted.marks else self._pen.front
            self._turn(Look(wanted.marks | unseen, front, wanted.back))
        self._out.append(letter)
        self._place = y, x + (1 if len(letter) == 1 and letter.isascii() else cell_len(letter))

    def _turn(self, found: Look) -> None:
        self._out.append(turn(self._pen, found))
        self._pen = found

    def _go(self, y: int, x: int) -> None:
        if self._place is None or self._place[0] != y:
            self._out.append(f"\x1b[{y + 1};{x + 1}H")
            return
        between = self._between(y, self._place[1], x)
        self._out.append(between or f"\x1b[{x - self._place[1]}C")

    def _between(self, y: int, start: int, end: int) -> str:
        """What a few cells show, if it can be written as the pen is; else nothing."""
        letters, looks = self._rows[y]
        if end - start > NEAR:
            return ""
        for letter, found in zip(letters[start:end], looks[start:end], strict=True):
            fits = blank(found) == blank(self._pen) if letter == " " else found == self._pen
            if not (fits and letter.isprintable() and letter.isascii() and letter):
                return ""
        return "".join(letters[start:end])


class Written(CompositorUpdate):
    """A frame of which all that has to be written is known."""

    def __init__(self, text: str) -> None:
        self._text = text

    @property
    def is_empty(self) -> bool:
        """Whether nothing has to be written."""
        return not self._text

    def render_segments(self, console: Console) -> str:
        """Give what has to be written."""
        return self._text


def _parts(update: CompositorUpdate) -> Iterator[tuple[int, int, Iterable[Segment]]]:
    """What an update draws: line, column, and what stands there."""
    if isinstance(update, LayoutUpdate):
        for y, strips in enumerate(update.strips, update.region.y):
            yield y, update.region.x, chain.from_iterable(strips)
    elif isinstance(update, ChopsUpdate):
        for y, start, end in update.spans:
            yield from _chops(update, y, start, end)


def _chops(update: ChopsUpdate, y: int, start: int, end: int) -> Iterator[tuple[int, int, Iterable[Segment]]]:
    for stop, (x, strip) in zip(update.chop_ends[y], update.chops[y].items(), strict=False):
        if strip is not None and x < end and stop > start:
            yield y, x, strip.crop(0, min(stop, end) - x)


def _cells(segments: Iterable[Segment], colours: ColorSystem) -> tuple[list[str], list[Look]]:
    letters: list[str] = []
    looks: list[Look] = []
    for text, style, _ in segments:
        before = len(letters)
        letters += text if text.isascii() or _is_plain(text) else _spread(text)
        looks += [_look_of(style, colours) if style else PLAIN] * (len(letters) - before)
    return letters, looks


@lru_cache(maxsize=4096)
def _look_of(style: Style, colours: ColorSystem) -> Look:
    return look(Strip.render_ansi(style, colours))


@lru_cache(maxsize=4096)
def _is_plain(text: str) -> bool:
    return all(cell_len(letter) == 1 for letter in text)


def _spread(text: str) -> list[str]:
    """A text in cells: a wide letter is followed by an empty one, a mark goes with the letter that it sits on."""
    cells: list[str] = []
    for letter in text:
        width = cell_len(letter)
        if width:
            cells += [letter, *[""] * (width - 1)]
        elif cells:
            place = next((place for place in range(len(cells) - 1, -1, -1) if cells[place]), 0)
            cells[place] += letter
    wanted = cell_len(text)
    return cells[:wanted] + [" "] * (wanted - len(cells))


def _is_odd(letters: Sequence[str]) -> bool:
    return "" in letters or len("".join(letters)) != len(letters)


def _same(shown: str, looked: Look, letter: str, found: Look) -> bool:
    return shown == letter and (looked == found or (letter == " " and blank(looked) == blank(found)))
