"""A frame writes what differs from what is shown, and the terminal shows the same as if all of it were written."""

import random
from collections.abc import Sequence
from pathlib import Path

import pyte
import pytest
from rich.color import ColorSystem
from rich.console import Console
from rich.segment import Segment
from rich.style import Style
from textual._compositor import ChopsUpdate, CompositorUpdate, LayoutUpdate
from textual.geometry import Region
from textual.strip import Strip

from botdesk import accounts
from botdesk.desk import Desk
from botdesk.tui.picture import Picture, look, turn
from tests.terminal import Terminal
from tests.tui.program import environ, started

WIDTH, HEIGHT = 40, 6
REDRAW = "\x0c"
WORDS = ("billing", "agent-7", "   ", " ", "–", "…", "漢字", "e\u0301", "a漢b", "●", "x", "ümlaut", "1y")
STYLES = (
    "",
    "red",
    "bold red on blue",
    "#aabbcc on #102030",
    "dim #aabbcc on #102030",
    "reverse #aabbcc on #102030",
    "underline on #102030",
    "bold dim",
    "color(200) on color(17)",
    "bright_red on bright_blue",
    "italic strike",
)


class Seen:
    """A terminal that was sent something."""

    def __init__(self) -> None:
        self._screen = pyte.Screen(WIDTH, HEIGHT)
        self._stream = pyte.Stream(self._screen)
        self._stream.feed("\x1b[?7l")

    def feed(self, text: str) -> None:
        self._stream.feed(text.replace("\n", "\r\n"))

    @property
    def cells(self) -> list[tuple[object, ...]]:
        """The cells; of a blank only what can be seen of one."""
        return [self._cell(self._screen.buffer[y][x]) for y in range(HEIGHT) for x in range(WIDTH)]

    @staticmethod
    def _cell(found: pyte.screens.Char) -> tuple[object, ...]:
        lines = (found.underscore, found.strikethrough, found.reverse)
        if found.data != " " or found.reverse:
            return (found.data, found.fg, found.bg, found.bold, found.italics, *lines)
        return (found.data, found.fg if any(lines) else "", found.bg, *lines)


def strip(chance: random.Random, width: int) -> Strip:
    """Random text in random styles, of a width."""
    segments = [
        Segment(chance.choice(WORDS), Style.parse(found) if (found := chance.choice(STYLES)) else None)
        for _ in range(width)
    ]
    return Strip(segments).adjust_cell_length(width)


def frame(chance: random.Random, lines: Sequence[tuple[Strip, Strip]], cut: int) -> CompositorUpdate:
    """The whole screen, or some lines of it, or a part of those."""
    if chance.random() < 0.1:
        return LayoutUpdate([list(line) for line in lines], Region(0, 0, WIDTH, HEIGHT))
    whole = chance.random() < 0.5
    spans = [(y, 0 if whole else cut, WIDTH) for y in sorted(chance.sample(range(HEIGHT), 3))]
    chops = [dict(zip((0, cut), line, strict=True)) for line in lines]
    return ChopsUpdate(chops, spans, [[cut, WIDTH]] * HEIGHT)


@pytest.mark.parametrize("colours", [ColorSystem.TRUECOLOR, ColorSystem.EIGHT_BIT, ColorSystem.STANDARD])
def test_what_is_shown_is_what_all_of_it_would_show(colours: ColorSystem) -> None:
    chance = random.Random(f"{colours}")
    console = Console(color_system="truecolor")
    console._color_system = colours
    picture, ours, theirs, cut = Picture(), Seen(), Seen(), 25
    lines = [(strip(chance, cut), strip(chance, WIDTH - cut)) for _ in range(HEIGHT)]
    wrote = 0
    for _ in range(150):
        for y in chance.sample(range(HEIGHT), 2):
            lines[y] = (strip(chance, cut) if chance.random() < 0.6 else lines[y][0], strip(chance, WIDTH - cut))
        update = frame(chance, lines, cut)
        text = picture.written(update, colours)
        wrote += len(text)
        ours.feed(text)
        theirs.feed(update.render_segments(console))
        assert ours.cells == theirs.cells
    assert wrote


def test_what_is_shown_already_is_not_written_again() -> None:
    chance, picture = random.Random(3), Picture()
    lines = [[strip(chance, WIDTH)] for _ in range(HEIGHT)]
    whole = Region(0, 0, WIDTH, HEIGHT)
    spans = [(y, 0, WIDTH) for y in range(HEIGHT)]
    again = ChopsUpdate([{0: line[0]} for line in lines], spans, [[WIDTH]] * HEIGHT)
    first = picture.written(LayoutUpdate(list(lines), whole), ColorSystem.TRUECOLOR)
    assert picture.written(again, ColorSystem.TRUECOLOR) == ""
    assert picture.written(LayoutUpdate(list(lines), whole), ColorSystem.TRUECOLOR) == first
    picture.forget()
    assert picture.written(again, ColorSystem.TRUECOLOR) == first


def test_only_the_cells_that_are_others_are_written() -> None:
    picture = Picture()
    for text, wanted in (("nightly-build  active", None), ("nightly-build  pended", "\x1b[1;16Hpended")):
        update = ChopsUpdate([{0: Strip([Segment(text)])}], [(0, 0, 21)], [[21]])
        written = picture.written(update, ColorSystem.TRUECOLOR)
        assert wanted is None or written == wanted


def test_a_look_turns_into_another_by_what_differs() -> None:
    cursor, row = look("38;5;188;48;5;59"), look("38;5;188;48;5;16")
    assert turn(row, cursor) == "\x1b[48;5;59m"
    assert turn(row, row) == ""
    assert turn(look("1;31"), look("2;31")) == "\x1b[22;2m"
    assert turn(look("7;97;104"), look("104")) == "\x1b[27;39m"
    assert turn(cursor, look("")) == "\x1b[m"


def test_a_key_that_scrolls_writes_a_part_of_the_screen_and_redrawing_shows_the_same(tmp_path: Path) -> None:
    store = tmp_path / "desk.db"
    with Desk.open(store) as desk, desk.begin() as tx:
        for number in range(60):
            purpose = accounts.Purpose.AGENT if number % 3 else accounts.Purpose.CI
            accounts.create(tx, f"{'mirror' if number % 2 else 'billing'}-{number:02}", purpose=purpose)
    with started(store, environ(tmp_path)) as terminal:
        terminal.wait_for("billing-02")
        terminal.settle()
        whole = wrote(terminal, REDRAW)
        wrote(terminal, "j" * 40)
        assert 0 < wrote(terminal, "j") < whole / 2
        terminal.send("?")
        terminal.wait_for("Keys: accounts")
        terminal.send("\x1b")
        terminal.wait_gone("Keys: accounts")
        terminal.send("/")
        terminal.wait_for("words in name")
        terminal.send("bil")
        terminal.wait_for("30 accounts")
        terminal.send("\r")
        terminal.wait_for("enter Open")
        terminal.send("3")
        terminal.wait_for("the chain holds")
        terminal.send("1")
        terminal.wait_for("filter 'bil'")
        terminal.settle()
        shown = terminal.cells
        assert wrote(terminal, REDRAW) > 0
        assert terminal.cells == shown
        terminal.send("q")
        assert terminal.wait_exit() == 0


def wrote(terminal: Terminal, keys: str) -> int:
    """How many bytes are written for keys, until nothing more is."""
    before = len(terminal.raw)
    terminal.send(keys)
    terminal.wait_until(lambda: len(terminal.raw) > before)
    terminal.settle(quiet=0.2)
    return len(terminal.raw) - before
