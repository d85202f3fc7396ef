"""The scenes that snapshots and screenshots are made of: keys pressed on the demo desk."""

import shutil
from dataclasses import dataclass
from pathlib import Path

from botdesk import demo, testing
from botdesk.desk import Desk
from botdesk.tui.app import BotdeskApp
from tests.tui.stage import press, settle

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

    return BotdeskApp(opener, poll=0, clock=lambda: 0.0)


async def draw(template: Path, folder: Path, scene: Scene, size: tuple[int, int]) -> str:
    """Play a scene and return its picture as SVG."""
    app = app_of(template, folder)
    async with app.run_test(size=size) as pilot:
        await settle(pilot)
        await press(pilot, *scene.keys)
        picture = app.export_screenshot(title="botdesk")
    app.desk.close()
    return picture
