"""A window on a list of any length: what it holds, where it says one is, and what is read when."""

import asyncio
from typing import Any

import pytest
from textual.app import App, ComposeResult
from textual.geometry import Region
from textual.pilot import Pilot

from botdesk.tui.glyphs import Ascii
from botdesk.tui.render import Cell
from botdesk.tui.widgets.columns import Column
from botdesk.tui.widgets.listing import MOST, PAGE, Slice, whole
from botdesk.tui.widgets.sheet import LATE, Foretold
from botdesk.tui.widgets.window import LATE_SECONDS, MOST_MARKED, PAUSE_SECONDS, Window


class Store:
    """The numbers below `total`, in keyset pages; `held_up` holds its answers up until it is set."""

    def __init__(self, total: int) -> None:
        self.numbers = list(range(total))
        self.asked: list[tuple[Any, int, bool]] = []
        self.held_up: asyncio.Event | None = None

    async def __call__(self, after: Any, limit: int, backward: bool) -> Slice:
        self.asked.append((after, limit, backward))
        if self.held_up is not None:
            await self.held_up.wait()
        if backward:
            found = [number for number in reversed(self.numbers) if after is None or number < after]
        else:
            found = [number for number in self.numbers if after is None or number > after]
        return Slice(found[:limit], found[limit - 1] if len(found) > limit else None, len(self.numbers))


class Shown(App[None]):
    """A window and nothing else, twenty lines high."""

    CSS = ".window--cursor { background: $primary; } .window--blurred { background: $panel; }"

    def __init__(self, **how: Any) -> None:
        super().__init__()
        self.opened: list[int] = []
        self.sorted: list[str] = []
        self.window = Window(
            (Column("number", "NUMBER", 9, sort=True), Column("half", "HALF", 8)),
            cells=lambda number: (Cell(str(number)), Cell(str(number // 2))),
            key=str,
            opens="Open",
            **how,
        )

    def compose(self) -> ComposeResult:
        """The window."""
        yield self.window

    def on_window_opened(self, message: Window.Opened) -> None:
        """Note what was opened."""
        self.opened.append(message.row)

    def on_window_sorted(self, message: Window.Sorted) -> None:
        """Note which heading was clicked."""
        self.sorted.append(message.key)


def app(**how: Any) -> Shown:
    return Shown(**{"markable": True, **how})


async def settle(pilot: Pilot[None]) -> None:
    """Wait until nothing more is read."""
    await pilot.pause()
    while any(not worker.is_finished for worker in pilot.app.workers):
        await pilot.pause()
    await pilot.pause()


async def press(pilot: Pilot[None], *keys: str) -> None:
    for key in keys:
        await pilot.press(key)
        await settle(pilot)


def lines(window: Window) -> list[str]:
    """The texts of the lines that are drawn."""
    return [window.render_line(y).text.rstrip() for y in range(window.size.height)]


def shows(window: Window) -> list[int]:
    """The numbers that are drawn."""
    return [int(line.split()[-2]) for line in lines(window)[1:] if line.strip()]


def place(window: Window) -> tuple[float, float]:
    """What the scroll bar says: where the view begins, and of how much."""
    bar = window.vertical_scrollbar
    return bar.position, bar.window_virtual_size


async def test_a_long_list_is_gone_through_by_the_cursor_to_its_end_and_back_and_few_rows_are_held() -> None:
    store, shown = Store(2000), app()
    async with shown.run_test(size=(40, 20)) as pilot:
        window, most = shown.window, 0
        await window.show(store)
        for step, end in ((1, 1999), (-1, 0)):
            while window.row != end:
                before = window.row
                window.action_page(step)
                await settle(pilot)
                assert window.row in (before + step * 10, end), "no row is skipped or met twice"
                assert window.row in shows(window)
                assert window.rows == list(range(window.rows[0], window.rows[-1] + 1))
                most = max(most, len(window.rows))
        assert most <= 2 * MOST
    assert max(limit for _, limit, _ in store.asked) <= 2 * MOST


@pytest.mark.parametrize("step", [1, -1])
async def test_the_scroll_bar_tells_the_true_place_whatever_is_held(step: int) -> None:
    store, shown = Store(5000), app()
    async with shown.run_test(size=(40, 20)) as pilot:
        window = shown.window
        await window.show(store)
        await settle(pilot)
        assert place(window) == (0, 5001)
        await press(pilot, "G" if step < 0 else "g")
        assert window.row == (4999 if step < 0 else 0)
        for _ in range(150):
            window.action_page(step)
            await settle(pilot)
        where, whole = place(window)
        assert whole == 5001
        assert abs(where - shows(window)[0]) <= 5001 / 20 / 8, "to an eighth of a cell"
        assert window.rows[0] > 0, "the first rows are not held here"


async def test_first_and_last_are_one_reading_away() -> None:
    store, shown = Store(100_000), app()
    async with shown.run_test(size=(40, 20)) as pilot:
        window = shown.window
        await window.show(store)
        await press(pilot, "G")
        assert (window.row, shows(window)[-1], place(window)) == (99_999, 99_999, (99_981, 100_001))
        await press(pilot, "g")
        assert (window.row, shows(window)[0], place(window)) == (0, 0, (0, 100_001))
        assert len(store.asked) <= 5


async def test_the_wheel_and_the_bar_go_through_the_list_too() -> None:
    store, shown = Store(3000), app()
    async with shown.run_test(size=(40, 20)) as pilot:
        window = shown.window
        await window.show(store)
        await settle(pilot)
        for _ in range(200):
            window.scroll_relative(y=9, animate=False)
            await settle(pilot)
        top = shows(window)[0]
        assert top == 1800
        assert abs(place(window)[0] - 1800) <= 3001 / 20 / 8
        assert window.row in window.rows
        for y, seen in ((0, 0), (3001, 2999)):
            await window._on_message(_drag(y))
            await settle(pilot)
            assert seen in shows(window)


def _drag(y: float) -> Any:
    from textual.scrollbar import ScrollTo

    return ScrollTo(y=y, animate=False)


async def test_the_cursor_stays_on_its_row_when_the_list_is_read_again_far_from_its_ends() -> None:
    store, shown = Store(4000), app()
    async with shown.run_test(size=(40, 20)) as pilot:
        window = shown.window
        await window.show(store)
        for _ in range(200):
            window.action_page(1)
            await settle(pilot)
        row = window.row
        store.numbers.remove(row - 3)
        store.asked.clear()
        await window.show(store)
        await settle(pilot)
        assert window.row == row
        assert row in shows(window)
        assert row - 3 not in window.rows
        assert store.asked[0][0] is not None, "what is held is read, not all that comes before it"


async def test_marks_stay_on_rows_that_are_not_held_any_more() -> None:
    store, shown = Store(3000), app()
    async with shown.run_test(size=(40, 20)) as pilot:
        window = shown.window
        await window.show(store)
        await press(pilot, "space", "space")
        assert lines(window)[1].startswith("●")
        await press(pilot, "G", "space")
        assert window.chosen == [0, 1, 2999]
        await window.show(store)
        await settle(pilot)
        assert window.chosen == [0, 1, 2999]
        await press(pilot, "g", "space")
        assert window.chosen == [1, 2999]


async def test_all_are_marked_those_too_that_are_not_held_and_then_none() -> None:
    store, shown = Store(MOST_MARKED + 10), app()
    async with shown.run_test(size=(40, 20)) as pilot:
        window = shown.window
        await window.show(store)
        await press(pilot, "A")
        assert window.chosen == store.numbers[:MOST_MARKED]
        assert len(window.rows) < 2 * MOST
        await press(pilot, "A")
        assert window.marked == {}


async def test_a_filter_takes_the_marks_off_rows_that_it_hides() -> None:
    shown = app()
    async with shown.run_test(size=(40, 20)) as pilot:
        await shown.window.show(whole([1, 2, 3]), about="all")
        await press(pilot, "A")
        await shown.window.show(whole([2, 3, 4]), about="some")
        assert shown.window.chosen == [2, 3]


async def test_only_a_late_page_is_told_and_only_while_it_is_late() -> None:
    store, shown = Store(500), app()
    async with shown.run_test(size=(40, 20)) as pilot:
        window = shown.window
        await window.show(store)
        await settle(pilot)
        assert LATE.strip() not in lines(window)[0]
        store.held_up = asyncio.Event()
        await pilot.press("G")
        await pilot.pause()
        assert LATE.strip() not in lines(window)[0]
        await pilot.pause(LATE_SECONDS + 0.3)
        assert lines(window)[0].endswith(LATE.strip())
        store.held_up.set()
        await settle(pilot)
        assert LATE.strip() not in lines(window)[0]
        assert window.row == 499


async def test_a_late_answer_is_dropped_when_something_else_was_asked_for_meanwhile() -> None:
    late, shown = Store(500), app()
    async with shown.run_test(size=(40, 20)) as pilot:
        window = shown.window
        await window.show(late)
        late.held_up = asyncio.Event()
        await pilot.press("G")
        reading = asyncio.ensure_future(window.show(late, about="old"))
        await pilot.pause()
        await window.show(whole([7, 8]), about="new")
        late.held_up.set()
        await reading
        await settle(pilot)
        assert (window.rows, window.total) == ([7, 8], 2)


async def test_a_page_that_is_asked_for_while_the_list_is_read_from_its_end_does_not_get_into_it() -> None:
    store, shown = Store(500), app()
    async with shown.run_test(size=(40, 20)) as pilot:
        window = shown.window
        await window.show(store)
        store.held_up = asyncio.Event()
        await pilot.press("G", "j")
        await pilot.pause()
        assert [backward for _, _, backward in store.asked] == [False, True, False]
        store.held_up.set()
        await settle(pilot)
        assert window.rows == list(range(500 - len(window.rows), 500))
        assert window.row == 499


async def test_the_next_page_is_read_when_nothing_is_done_for_a_while() -> None:
    store, shown = Store(500), app()
    async with shown.run_test(size=(40, 20)) as pilot:
        for about in ("old", "new"):
            await shown.window.show(store, about=about)
        await settle(pilot)
        assert len(store.asked) == 2
        await pilot.pause(PAUSE_SECONDS + 0.2)
        await settle(pilot)
        assert len(store.asked) == 3
        assert len(shown.window.rows) > PAGE


async def test_no_more_is_read_than_is_looked_at() -> None:
    store, shown = Store(100_000), app()
    async with shown.run_test(size=(40, 20)) as pilot:
        await shown.window.show(store)
        await settle(pilot)
        await press(pilot, "j", "k", "j")
        assert sum(limit for _, limit, _ in store.asked) <= 3 * PAGE


async def test_columns_sort_marks_and_the_mouse() -> None:
    store, shown = Store(100), app()
    async with shown.run_test(size=(40, 20)) as pilot:
        window = shown.window
        window.sorted_by = ("number", True)
        await window.show(store)
        await settle(pilot)
        assert lines(window)[0].split() == ["NUMBER", "↓", "HALF"]
        assert lines(window)[5].split() == ["4", "2"]
        await pilot.click(Window, offset=(5, 8))
        assert window.row == 7
        await pilot.click(Window, offset=(0, 8))
        assert window.chosen == [7]
        await pilot.click(Window, offset=(5, 9), times=2)
        assert shown.opened == [8]
        await pilot.click(Window, offset=(4, 0))
        assert shown.sorted == ["number"]


async def test_a_window_that_grows_is_full_of_rows() -> None:
    shown = app()
    async with shown.run_test(size=(40, 10)) as pilot:
        await shown.window.show(Store(1000))
        await settle(pilot)
        await pilot.resize_terminal(40, 90)
        await settle(pilot)
        assert shows(shown.window) == list(range(89))


async def test_two_widths_show_other_columns_and_the_row_stays() -> None:
    shown = app()
    async with shown.run_test(size=(40, 20)) as pilot:
        await shown.window.show(Store(100))
        await press(pilot, "j", "j")
        await pilot.resize_terminal(12, 20)
        await settle(pilot)
        assert "HALF" not in lines(shown.window)[0]
        assert shown.window.row == 2


async def test_rows_that_are_foretold_are_drawn_and_nothing_is_done_with_them_until_the_list_is_read() -> None:
    shown = app()
    async with shown.run_test(size=(40, 20)) as pilot:
        window = shown.window
        window.foretell([Foretold(str(number), (Cell(str(number)), Cell("?"))) for number in range(30)], 1_000)
        await settle(pilot)
        assert [line.split() for line in lines(window)[1:3]] == [["0", "?"], ["1", "?"]]
        assert window.total == 1_000
        await press(pilot, "space", "A", "enter", "j", "j")
        assert (window.row, window.marked, shown.opened) == (None, {}, [])
        await window.show(Store(1_000))
        await settle(pilot)
        assert (window.row, window.cursor) == (2, 2)
        window.foretell([], 0)
        assert window.total == 1_000


async def test_a_drawn_row_is_drawn_anew_when_its_text_the_focus_the_theme_or_what_filters_it_is_another() -> None:
    shown, unit = app(), ["a"]
    shown.window._cells_of = lambda number: (Cell(f"{number}{unit[0]}", "good"), Cell("?"))

    def row() -> list[tuple[str, object]]:
        (strip,) = shown.window.render_lines(Region(0, 1, shown.window.outer_size.width, 1))
        return [(segment.text, segment.style) for segment in strip]

    async with shown.run_test(size=(40, 20)) as pilot:
        await shown.window.show(whole([1, 2]))
        shown.window.focus()
        await settle(pilot)
        seen = [row()]

        async def seen_anew() -> None:
            await settle(pilot)
            assert row() not in seen
            seen.append(row())

        unit[0] = "b"
        shown.window.refresh()
        await seen_anew()
        shown.set_focus(None)
        await seen_anew()
        shown.theme = "textual-light"
        await seen_anew()
        await press(pilot, "tab", "space", "k")
        await seen_anew()
        shown._filters.append(Ascii())
        unit[0] = "\u00e9"
        shown.window.refresh()
        await seen_anew()
        assert "1e" in "".join(text for text, _ in seen[-1])
