"""The program on a stage: opened on a store without a terminal, its keys pressed, its screen read."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from textual import events
from textual.keys import _character_to_key
from textual.pilot import Pilot

from botdesk import accounts, tokens
from botdesk.testing import Clock, open_desk
from botdesk.tui.app import BotdeskApp
from botdesk.tui.memory import Memory
from botdesk.tui.widgets.bars import StatusLine
from botdesk.tui.widgets.window import Window

NAMED = frozenset(
    {
        "enter",
        "escape",
        "tab",
        "shift+tab",
        "ctrl+s",
        "ctrl+c",
        "ctrl+z",
        "ctrl+p",
        "ctrl+q",
        "ctrl+r",
        "ctrl+d",
        "ctrl+u",
        "slash",
        "space",
    }
    | {"question_mark", "left", "right", "up", "down", "delete", "backspace", "pagedown", "pageup", "home", "end"}
)
"""Keys that are pressed by their name; any longer text is typed letter by letter."""


@asynccontextmanager
async def opened(
    path: str | Path,
    *,
    operator: str = "ada",
    size: tuple[int, int] = (80, 24),
    memory: Memory | None = None,
    poll: float = 0,
    clock: Clock | None = None,
) -> AsyncIterator[Pilot[str]]:
    """The program on the store at `path`; its countdowns stand still."""
    clock = clock or Clock()
    app = BotdeskApp(
        lambda: open_desk(path, operator=operator, clock=clock, seed=7), memory=memory, poll=poll, clock=lambda: 0.0
    )
    async with app.run_test(size=size) as pilot:
        await settle(pilot)
        yield pilot
    if app.is_open:
        app.desk.close()


async def settle(pilot: Pilot[str], *, seconds: float = 60) -> None:
    """Wait until nothing is under way: no work on the desk, no message that is not handled yet.

    Ten times in a row, because what was taken off its queue may be just about to begin some work.
    """
    end, quiet = time.monotonic() + seconds, 0
    while quiet < 10 and pilot.app.is_running:
        assert time.monotonic() < end, f"still under way: {[worker.name for worker in pilot.app.workers]}"
        await pilot.pause(0)
        quiet = quiet + 1 if is_idle(pilot) else 0
        await asyncio.sleep(0 if quiet else 0.002)


def is_idle(pilot: Pilot[str]) -> bool:
    """Whether no work is under way, no message waits, and all is drawn, anywhere in the program."""
    pumps = [pilot.app, *(each for screen in pilot.app.screen_stack for each in screen.walk_children(with_self=True))]
    waits = any(pump.message_queue_size or pump._next_callbacks for pump in pumps)
    draws = any(screen._update_timer._active.is_set() for screen in pilot.app.screen_stack)
    return app_of(pilot).idle and not waits and not draws


async def press(pilot: Pilot[str], *keys: str) -> None:
    """Press keys, each once the one before has had its effect; a longer text is typed."""
    for key in keys:
        for name in [key] if len(key) == 1 or key in NAMED else key:
            pilot.app.post_message(_key(name))
        await settle(pilot)


async def type_ahead(pilot: Pilot[str], *keys: str, wait: bool = True) -> None:
    """Press keys faster than anything answers; then wait for that, or not."""
    for key in keys:
        pilot.app.post_message(_key(key))
    if wait:
        await settle(pilot)


def _key(name: str) -> events.Key:
    return events.Key(_character_to_key(name) if len(name) == 1 else name, _character(name))


def _character(key: str) -> str | None:
    return key if len(key) == 1 else " " if key == "space" else None


async def paste(pilot: Pilot[str], text: str) -> None:
    """Paste a text, as a terminal with bracketed paste does."""
    pilot.app.post_message(events.Paste(text))
    await settle(pilot)


async def click(pilot: Pilot[str], selector: str, x: int, y: int = 0, *, times: int = 1) -> None:
    """Click into a widget, at a place within it."""
    await pilot.click(selector, offset=(x, y), times=times)
    await settle(pilot)


def app_of(pilot: Pilot[str]) -> BotdeskApp:
    """The program."""
    assert isinstance(pilot.app, BotdeskApp)
    return pilot.app


def window(pilot: Pilot[str], name: str) -> Window:
    """A list of the screen that is shown."""
    return pilot.app.screen.query_one(f"#{name}", Window)


def shown(pilot: Pilot[str]) -> str:
    """The text of the screen or dialog that is on top, as it is drawn."""
    return "\n".join(strip.text.rstrip() for strip in pilot.app.screen._compositor.render_strips())


def warned(pilot: Pilot[str]) -> str:
    """What the dialog that is open says is wrong, at its fields and above its keys."""
    lines = [*pilot.app.screen.query(".wrong"), pilot.app.screen.query_one("#dialog-error")]
    return "\n".join(filter(None, (str(line.render()) for line in lines if line.display)))


def said(pilot: Pilot[str]) -> str:
    """What the status line says."""
    return pilot.app.screen.query_one(StatusLine).render().plain


def complaints(pilot: Pilot[str]) -> str:
    """What the program complained about."""
    return "\n".join(str(note.message) for note in pilot.app._notifications)


def names(pilot: Pilot[str]) -> list[str]:
    """The names in the list of accounts."""
    return [line.account.name for line in window(pilot, "accounts").rows]


def accounts_of(path: str | Path) -> dict[str, accounts.Line]:
    """The accounts that the store holds, by name."""
    with open_desk(path) as desk:
        return {line.account.name: line for line in desk.ask(accounts.page, accounts.Filter(removed=True)).rows}


def deliver(path: str | Path, *labels: str, account: str = "catalog-sync") -> list[str]:
    """Issue tokens that were handed over; return their ids."""
    made = []
    with open_desk(path) as desk, desk.begin() as tx:
        for label in labels:
            issued = tokens.issue(tx, account, label)
            tokens.deliver(tx, issued.token.id, to="clipboard")
            made.append(issued.token.id)
    return made
