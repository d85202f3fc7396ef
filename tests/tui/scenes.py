"""The scenes that snapshots and screenshots are made of: keys pressed on the demo desk."""

import asyncio
import shutil
import time
from dataclasses import dataclass
from pathlib import Path

from textual import events
from textual.keys import _character_to_key
from textual.pilot import Pilot

from botdesk import demo, testing
from botdesk.desk import Desk
from botdesk.tui.app import BotdeskApp

SIZES = ((80, 24), (120, 40))


@dataclass(frozen=True)
class Scene:
    """A name and the keys that lead there."""

    name: str
    keys: tuple[str, ...] = ()


LABEL = ("p", "r", "o", "d")
SCENES = (
    Scene("accounts"),
    Scene("accounts-filter", ("slash", "b", "o", "t")),
    Scene("accounts-marked", ("space", "space")),
    Scene("account", ("j", "enter")),
    Scene("account-ended", ("j", "enter", "h")),
    Scene("account-access", ("j", "enter", "tab")),
    Scene("account-activity", ("j", "enter", "tab", "tab")),
    Scene("access", ("2", "j")),
    Scene("access-person", ("2", "b", "j")),
    Scene("audit", ("3",)),
    Scene("audit-event", ("3", "enter")),
    Scene("audit-filter", ("3", "f")),
    Scene("people", ("4",)),
    Scene("help", ("question_mark",)),
    Scene("create", ("n",)),
    Scene("modify", ("j", "e")),
    Scene("issue", ("j", "i")),
    Scene("rotate", ("j", "enter", "o")),
    Scene("revoke", ("j", "enter", "x")),
    Scene("disable", ("j", "d")),
    Scene("remove", ("j", "D")),
    Scene("grant", ("j", "a")),
    Scene("withdraw", ("j", "enter", "tab", "w")),
    Scene("person", ("4", "n")),
    Scene("role", ("4", "tab", "n")),
    Scene("member", ("4", "tab", "m")),
    Scene("handoff", ("j", "i", *LABEL, "ctrl+s")),
)


def build(path: Path) -> None:
    """Build the demo desk, to be copied for each scene."""
    demo.open_desk(path).close()


def app_of(template: Path, folder: Path) -> BotdeskApp:
    """The program on a copy of the demo desk, without polling, at the demo's own instant."""
    path = folder / "demo.db"
    shutil.copy(template, path)

    def opener() -> Desk:
        return testing.open_desk(path, clock=testing.Clock(demo.NOW), seed=2, source="demo")

    return BotdeskApp(opener, poll=0)


async def draw(template: Path, folder: Path, scene: Scene, size: tuple[int, int]) -> str:
    """Play a scene and return its picture as SVG."""
    app = app_of(template, folder)
    async with app.run_test(size=size) as pilot:
        await settle(pilot)
        await press(pilot, *scene.keys)
        picture = app.export_screenshot(title="botdesk")
    app.desk.close()
    return picture


async def settle(pilot: Pilot[None], *, seconds: float = 60) -> None:
    """Wait until nothing is under way: no work on the desk, no message that is not handled yet.

    Twice in a row, because a message that was taken off its queue may be just about to begin some work.
    """
    end, quiet = time.monotonic() + seconds, 0
    while quiet < 2 and pilot.app.is_running:
        assert time.monotonic() < end, f"still under way: {[worker.name for worker in pilot.app.workers]}"
        await pilot.pause(0)
        quiet = quiet + 1 if is_idle(pilot) else 0
        await asyncio.sleep(0 if quiet else 0.002)


def is_idle(pilot: Pilot[None]) -> bool:
    """Whether no work is under way and no message waits, anywhere in the program."""
    app = pilot.app
    assert isinstance(app, BotdeskApp)
    pumps = [app, *(widget for screen in app.screen_stack for widget in screen.walk_children(with_self=True))]
    return app.idle and not any(pump.message_queue_size for pump in pumps)


async def press(pilot: Pilot[None], *keys: str) -> None:
    """Press keys, each once the one before has had its effect; a longer text is typed."""
    for key in keys:
        for name in [key] if len(key) == 1 or key in NAMED else key:
            pilot.app.post_message(events.Key(_character_to_key(name) if len(name) == 1 else name, _character(name)))
        await settle(pilot)


def _character(key: str) -> str | None:
    return key if len(key) == 1 else " " if key == "space" else None


NAMED = frozenset(
    {"enter", "escape", "tab", "shift+tab", "ctrl+s", "ctrl+p", "ctrl+d", "ctrl+u", "slash", "space"}
    | {"question_mark", "left", "right", "up", "down", "delete"}
)
