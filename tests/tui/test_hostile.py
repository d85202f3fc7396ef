"""Hostile text is refused or drawn harmlessly, on every screen and in every dialog."""

import importlib
import pkgutil
import re
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from textual.pilot import Pilot
from textual.widgets import Input, Static

from botdesk import tokens
from botdesk.desk import Desk, system_user
from botdesk.errors import Conflict
from botdesk.tui import dialogs, screens
from botdesk.tui.base import DeskScreen
from botdesk.tui.dialogs.base import Dialog
from botdesk.tui.dialogs.form import Form
from tests.terminal import Terminal
from tests.tui import hostile
from tests.tui.program import environ, started
from tests.tui.stage import app_of, opened, paste, press, settle, shown

SIZES = ((80, 24), (120, 40))


class Step(NamedTuple):
    """Keys to press, what then shows, and the key that leaves it again when it is a dialog."""

    keys: tuple[str, ...]
    shows: str
    leave: str = ""


WALK = (
    Step(("question_mark",), "Keys: accounts", "escape"),
    Step(("ctrl+p",), "Search for commands", "escape"),
    Step(("n",), "New service account", "escape"),
    Step(("j", "e"), "Modify odd-bot", "escape"),
    Step(("i",), "Issue a token to odd-bot", "escape"),
    Step(("i",), "where it will be used"),
    Step(("odd", "ctrl+s"), "Hand the secret over", "escape"),
    Step((), "nobody has 'odd'"),
    Step(("d",), "Disable odd-bot", "escape"),
    Step(("D",), "Remove odd-bot", "escape"),
    Step(("a",), "Give access to odd-bot", "escape"),
    Step(("enter",), "h shows them"),
    Step(("enter",), "esc leaves", "escape"),
    Step(("o",), "Rotate 'one", "escape"),
    Step(("x",), "Revoke 'one", "escape"),
    Step(("h",), "h folds them"),
    Step(("G", "enter"), "esc leaves", "escape"),
    Step(("tab",), "WHO CAN REACH IT"),
    Step(("w",), "Withdraw access", "escape"),
    Step(("tab",), "in 14 days"),
    Step(("j", "enter"), "y copies SEQ:HASH", "escape"),
    Step(("escape",), "PURPOSE"),
    Step(("j", "enter"), "every 90d"),
    Step(("e",), "Modify off-bot", "escape"),
    Step(("d",), "Enable off-bot?"),
    Step(("y",), "enabled off-bot"),
    Step(("2",), "Who can reach good-bot"),
    Step(("j",), "Who can reach odd-bot"),
    Step(("w",), "Withdraw whose access", "escape"),
    Step(("H",), "Hand odd-bot", "escape"),
    Step(("b",), "What can ben"),
    Step(("3",), "handed token"),
    Step(("enter",), "y copies SEQ:HASH", "escape"),
    Step(("j", "enter"), "y copies SEQ:HASH", "escape"),
    Step(("f",), "Filter the audit", "escape"),
    Step(("4",), "active people"),
    Step(("e",), "Modify ben", "escape"),
    Step(("d",), "Disable ben", "n"),
    Step(("tab", "e"), "Modify the role odd", "escape"),
    Step(("m",), "Put into odd", "escape"),
    Step(("x",), "Take out of odd", "escape"),
    Step(("D",), "Remove the role odd", "n"),
    Step(("5",), "3 urgent"),
    Step(("m",), "Where 'two", "escape"),
    Step(("x",), "Dismiss this advice", "escape"),
    Step(("/",), "words in account"),
    Step(("watch", "enter"), "1 line"),
    Step(("m",), "not used yet"),
    Step(("e",), "Extend 'one", "escape"),
    Step(("escape",), "1 line"),
    Step(("6",), "odd job"),
    Step(("n",), "Off a personal token", "escape"),
    Step(("enter",), "RECIPE"),
    Step(("tab",), "ADDRESS"),
    Step(("a",), "Let ben", "escape"),
    Step(("c",), "Your word is kept", "escape"),
    Step(("x",), "End the old token?", "n"),
    Step(("D",), "Give up the migration", "n"),
    Step(("o",), "Register ben", "escape"),
    Step(("i",), "Issue a token to good-bot", "escape"),
    Step(("escape",), "1 migration"),
    Step(("1",), "PURPOSE"),
    Step(("g", "j", "space"), "1 marked"),
    Step(("b",), "What is to be done to 1 account", "escape"),
    Step(("b",), "What is to be done to 1 account"),
    Step(("r", "enter"), "Rotate 1 token"),
    Step(("false", "ctrl+s"), "n or esc leaves"),
    Step(("y",), "r goes on with the 1 left", "escape"),
    Step(("B",), "RESULT"),
    Step(("enter",), "r goes on with the 1 left"),
    Step(("r",), "gets each secret on its stdin"),
    Step(("escape",), "RESULT"),
    Step((), "RESULT", "escape"),
    Step(("f", "f"), "past-bot"),
    Step(("u",), "Restore past-bot", "escape"),
    Step(("!",), "Ended tokens that are presented", "escape"),
    Step(("L",), "A token has leaked"),
    Step(("some words", "ctrl+s"), "Nothing has to be revoked", "escape"),
)


def walk(store: str) -> list[Step]:
    """Every screen and every dialog, from one desk whose texts are hostile."""
    with Desk.open(store) as desk:
        held = desk.ask(tokens.listed, "good-bot")
    active = next(line.token.id for line in held if line.state == "active")
    return [
        *WALK,
        Step(("L",), "A token has leaked"),
        Step((active, "ctrl+s"), "Revoke 1 leaked token", "escape"),
    ]


BYTES = {
    "enter": "\r",
    "escape": "\x1b",
    "tab": "\t",
    "question_mark": "?",
    "ctrl+p": "\x10",
    "ctrl+s": "\x13",
    "space": " ",
}
LEGITIMATE = re.compile(rb"\x1b\[[<=>?]?[0-9;:]*[ $]?[A-Za-z]|\x1b[()][AB0]|\x1b[=>78]|\x1b\]22;[a-z]*\x07")
"""What the program itself says to a terminal: colours, places, modes, questions, the shape of the pointer."""
UNSEEN = re.compile("[\u0080-\u009f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\U000e0000-\U000e007f]")
STEERED = (b"\x1b[7m\xc2", b"\x1b[31;7;77m", b"\x1b]0;", b"\x9b7m", b"\x9b31", b"\x9d0;", b"\x90q")


@pytest.fixture
def planted(place: str) -> str:
    """A store whose texts are all hostile."""
    hostile.founded(place)
    hostile.plant(place)
    return place


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
def test_what_is_planted_in_the_store_never_reaches_the_terminal_raw(
    tmp_path: Path, planted: str, size: tuple[int, int]
) -> None:
    told = 0
    with started(planted, environ(tmp_path), size=size) as terminal:
        terminal.wait_for("off-bot")
        for step in walk(planted):
            terminal.send("".join(BYTES.get(key, key) for key in step.keys))
            terminal.wait_for(step.shows)
            told += terminal.text.count("␛[7m‹U+009B›7m‹U+202E›")
            if step.leave:
                leave(terminal, step)
        terminal.send("q")
        assert terminal.wait_exit() == 0
        raw = terminal.raw
    assert b"crashed" not in raw
    assert told > len(WALK)
    assert [code for code in STEERED if code in raw] == []
    drawn = LEGITIMATE.sub(b"", raw)
    assert set(drawn) & set(range(0x20)) <= set(b"\r\n\b")
    assert UNSEEN.findall(drawn.decode("utf-8")) == []
    assert raw.count(b"\x1b[?1049l") == 1


def leave(terminal: Terminal, step: Step) -> None:
    """Leave a dialog, by a second press where the first one is asked about."""
    terminal.send(BYTES.get(step.leave, step.leave))
    terminal.wait_until(lambda: step.shows not in terminal.text or "esc again" in terminal.text)
    if step.shows in terminal.text:
        terminal.send(BYTES[step.leave])
    terminal.wait_gone(step.shows)
    terminal.wait_gone("╰──")


async def test_markup_in_data_is_drawn_as_it_is_wherever_one_goes(planted: str) -> None:
    seen, drawn = set(), 0
    async with opened(planted, operator=system_user(), size=SIZES[0]) as pilot:
        for step in walk(planted):
            await press(pilot, *step.keys)
            assert step.shows in shown(pilot)
            assert {each for each in clickable(pilot) if not each.startswith("screen.")} == set()
            drawn += "[red]r[/red]" in shown(pilot)
            seen.add(type(pilot.app.screen))
            if step.leave:
                await press(pilot, step.leave)
                await press(pilot, *([step.leave] if "esc again" in shown(pilot) else []))
                assert step.shows not in shown(pilot)
    assert drawn > len(WALK) / 2
    for package in (dialogs, screens):
        for found in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
            importlib.import_module(found.name)
    left_out = {each.__name__ for each in (*every(Dialog), *every(DeskScreen)) if each not in {*seen, Form}}
    assert left_out == set(), "let the walk lead there, too"


def clickable(pilot: Pilot[str]) -> set[str]:
    """The actions that can be clicked, and the links, of what is drawn."""
    styles = [part.style for strip in pilot.app.screen._compositor.render_strips() for part in strip if part.style]
    return {str(style.meta["@click"]) for style in styles if "@click" in style.meta} | {
        style.link for style in styles if style.link
    }


def every(kind: type[Any]) -> set[type[Any]]:
    """All classes below a class, however deep."""
    return {each for part in kind.__subclasses__() for each in (part, *every(part))}


async def test_whatever_a_widget_draws_passes_the_filter_and_keeps_its_width(path: str) -> None:
    async with opened(path) as pilot:
        for text in hostile.EVERYTHING:
            careless = Static(f"{text}|", markup=False, id="careless")
            await pilot.app.screen.mount(careless)
            await settle(pilot)
            assert harmless(shown(pilot))
            assert {strip.cell_length for strip in pilot.app.screen._compositor.render_strips()} == {80}
            await careless.remove()


FORMS = {
    "create": ("n",),
    "modify": ("e",),
    "issue": ("i",),
    "remove": ("D",),
    "person": ("4", "n"),
    "role": ("4", "tab", "n"),
    "audit": ("3", "f"),
    "search": ("3", "slash"),
    "pick": ("a",),
    "palette": ("ctrl+p",),
}


@pytest.mark.parametrize("keys", FORMS.values(), ids=FORMS)
async def test_what_is_pasted_into_a_form_is_refused_or_drawn_harmlessly(path: str, keys: tuple[str, ...]) -> None:
    async with opened(path) as pilot:
        await press(pilot, *keys)
        fields = [field.id for field in pilot.app.screen.query(Input) if field.display and field.id]
        for text in (hostile.MARKUP + hostile.CODES, hostile.BIDI, hostile.WIDE + hostile.LONG):
            for field in fields:
                pilot.app.screen.query_one(f"#{field}").focus()
                await paste(pilot, text)
                assert harmless(shown(pilot))
            await press(pilot, "ctrl+s")
            assert harmless(shown(pilot))
        assert app_of(pilot).is_running


def harmless(drawn: str) -> bool:
    """Whether nothing on the screen could steer a terminal."""
    return not UNSEEN.search(drawn) and not set(map(ord, drawn)) & (set(range(0x20)) - {0x0A})


async def test_a_complaint_about_hostile_text_is_harmless(path: str) -> None:
    async with opened(path) as pilot:
        for text in hostile.EVERYTHING:
            app_of(pilot).complain(Conflict(text, hint=text))
            app_of(pilot).say(text)
            await settle(pilot)
            assert harmless(shown(pilot))
