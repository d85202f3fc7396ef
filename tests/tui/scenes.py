"""The scenes that snapshots and screenshots are made of: keys pressed on the demo desk."""

import shutil
import time
from dataclasses import dataclass
from pathlib import Path

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


def build(folder: Path) -> Path:
    """Build the demo desk once, to be copied for each scene."""
    template = folder / "template" / "demo.db"
    template.parent.mkdir(mode=0o700)
    demo.open_desk(template).close()
    return template


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
        await play(pilot, scene.keys)
        picture = app.export_screenshot(title="botdesk")
    app.desk.close()
    return picture


async def settle(pilot: Pilot[None], *, seconds: float = 30) -> None:
    """Wait until the desk is open and nothing is under way any more."""
    app = pilot.app
    assert isinstance(app, BotdeskApp)
    end = time.monotonic() + seconds
    quiet = 0
    while quiet < 3 and time.monotonic() < end:
        await pilot.pause(0.02)
        busy = [worker for worker in app.workers if not worker.is_finished and worker.group in BACKGROUND]
        quiet = 0 if busy or not app.is_open else quiet + 1


BACKGROUND = frozenset({"open", "reload", "preview", "reach", "verify", "read-ahead", "to-the-end", "poll"})


async def play(pilot: Pilot[None], keys: tuple[str, ...]) -> None:
    """Press the keys one after the other, each once the one before has had its effect."""
    await settle(pilot)
    for key in keys:
        await pilot.press(key)
        await settle(pilot)
