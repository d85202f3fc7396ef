"""The scenes that snapshots and screenshots are made of: keys pressed on the demo desk."""

import os
import shutil
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from botdesk import demo, testing
from botdesk.desk import Desk
from botdesk.tui.app import BotdeskApp
from tests.tui.stage import press, settle, shown

SIZES = ((80, 24), (120, 40))


@dataclass(frozen=True)
class Scene:
    """A name, and the keys that lead there.

    Attributes:
        new: Whether it is on a new desk.
        reuse: Whether the demo's reused token is told.
        holds: Whether the last key begins what is under way while it is drawn: `vault` takes a first secret at once,
            and a second one no sooner than the picture is there.
    """

    name: str
    keys: tuple[str, ...] = ()
    new: bool = False
    reuse: bool = False
    holds: bool = False


HANDOFF = ("j", "i", "prod", "ctrl+s")
COMMAND = "vault kv put secret/{account}/{predecessor_id} token=-"
BULK = ("A", "b", "r", "enter", COMMAND, "ctrl+s", "y")
SCENES = (
    Scene("first-start", new=True),
    Scene("accounts"),
    Scene("accounts-filter", ("slash", "bot")),
    Scene("accounts-marked", ("space", "space")),
    Scene("account", ("j", "enter")),
    Scene("account-ended", ("j", "enter", "h")),
    Scene("account-disabled", ("slash", "ftp", "enter", "enter")),
    Scene("account-access", ("j", "enter", "tab")),
    Scene("account-activity", ("j", "enter", "tab", "tab")),
    Scene("access", ("2", "j")),
    Scene("access-person", ("2", "b", "j")),
    Scene("audit", ("3",)),
    Scene("audit-event", ("3", "enter")),
    Scene("audit-filter", ("3", "f")),
    Scene("people", ("4",)),
    Scene("advice", ("5",)),
    Scene("advice-dismiss", ("5", "x")),
    Scene("cutover", ("5", "slash", "rotated 2 days", "enter", "m")),
    Scene("migrations", ("6", "j", "j")),
    Scene("migrations-over", ("6", "f", "G")),
    Scene("migration", ("6", "j", "j", "enter")),
    Scene("migration-recipe", ("6", "j", "j", "j", "enter")),
    Scene("migration-start", ("6", "n", "Nightly shop build")),
    Scene("migration-issue", ("6", "j", "enter", "i")),
    Scene("migration-handoff", ("6", "G", "m", "ctrl+s", "x")),
    Scene("migration-register", ("6", "G", "enter", "o", "made-up-token")),
    Scene("migration-accept", ("6", "j", "j", "enter", "a")),
    Scene("migration-end", ("6", "j", "enter", "x")),
    Scene("migration-confirm", ("6", "G", "enter", "c")),
    Scene("bulk-what", ("space", "space", "b")),
    Scene("bulk-rotate", ("j", "enter", "A", "o")),
    Scene("bulk-preview", ("A", "b", "enter", "a leak", "ctrl+s")),
    Scene("bulk-running", BULK, holds=True),
    Scene("bulk-summary", ("A", "d", "moving", "ctrl+s", "y")),
    Scene("bulk-runs", ("space", "space", "d", "moving", "ctrl+s", "y", "escape", "B")),
    Scene("help", ("question_mark",)),
    Scene("create", ("n",)),
    Scene("create-wrong", ("n", "Deploy_Bot", "tab", "tab", "tab", "tab", "soon", "ctrl+s")),
    Scene("modify", ("j", "e")),
    Scene("issue", ("j", "i")),
    Scene("rotate", ("j", "enter", "o")),
    Scene("revoke", ("j", "enter", "x")),
    Scene("disable", ("j", "d")),
    Scene("remove", ("j", "D")),
    Scene("restore", ("G", "D", "uptime-probe", "ctrl+s", "slash", "state:removed", "enter", "G", "u")),
    Scene("grant", ("j", "a", "ai-tools")),
    Scene("withdraw", ("j", "enter", "tab", "w")),
    Scene("hand-over", ("2", "slash", "crawler", "enter", "H", "hana")),
    Scene("person", ("4", "n")),
    Scene("role", ("4", "tab", "n")),
    Scene("member", ("4", "tab", "m", "right")),
    Scene("token", ("j", "enter", "enter")),
    Scene("handoff", HANDOFF),
    Scene("handoff-sent", (*HANDOFF, "c")),
    Scene("handoff-file", (*HANDOFF, "f", "/proc/no", "enter")),
    Scene("handoff-left", (*HANDOFF, "escape")),
    Scene("refused", ("n", "ci-bot", "ctrl+s")),
    Scene("disable-person", ("4", "j", "d")),
    Scene("complaint", ("4", "tab", "n", "agents", "ctrl+s", "x")),
    Scene("leak", ("L",)),
    Scene("reuse", (), reuse=True),
    Scene("reuse-seen", ("!",), reuse=True),
    Scene("leak-found", ("L", "0qjAOwbSEY", "ctrl+s")),
    Scene("palette", ("ctrl+p",)),
)


def build(path: Path) -> None:
    """Build the demo desk, to be copied for each scene."""
    demo.open_desk(path).close()


def bare(environ: MutableMapping[str, str]) -> None:
    """Take out of the environment what the handoff goes by, so that it looks the same everywhere."""
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "TMUX", "STY", "SSH_CONNECTION", "SSH_TTY", "SSH_CLIENT", "NO_COLOR"):
        environ.pop(name, None)


def staged(template: Path, folder: Path, scene: Scene) -> BotdeskApp:
    """The program, without polling, at the demo's own instant: on a copy of the demo desk, or on a new one."""
    path = folder / f"{scene.name}.db"
    path.unlink(missing_ok=True)
    if not scene.new:
        shutil.copy(template, path.with_name("demo.db"))
        path = path.with_name("demo.db")

    def opener() -> Desk:
        return testing.open_desk(path, clock=testing.Clock(demo.NOW), seed=2, source="demo")

    return BotdeskApp(opener, poll=0, clock=lambda: 0.0)


VAULT = """#!/bin/sh
cat > /dev/null
cd "$(dirname "$0")" || exit
[ -e first ] || exec touch first
until [ -e go ]; do sleep 0.05; done
"""


@contextmanager
def vault(folder: Path) -> Iterator[Path]:
    """A program that takes secrets, in the folder that it yields; it is found by its name."""
    bin = folder / "bin"
    shutil.rmtree(bin, ignore_errors=True)
    bin.mkdir()
    (bin / "vault").write_text(VAULT)
    (bin / "vault").chmod(0o700)
    before = os.environ["PATH"]
    os.environ["PATH"] = f"{bin}:{before}"
    try:
        yield bin
    finally:
        (bin / "go").touch()
        os.environ["PATH"] = before


async def draw(template: Path, folder: Path, scene: Scene, size: tuple[int, int]) -> str:
    """Play a scene and return its picture as SVG."""
    app = staged(template, folder, scene)
    with vault(folder) as bin:
        picture = await _drawn(app, scene, size, bin)
    app.desk.close()
    return picture


async def _drawn(app: BotdeskApp, scene: Scene, size: tuple[int, int], bin: Path) -> str:
    async with app.run_test(size=size, notifications=True) as pilot:
        await settle(pilot)
        if not scene.reuse:
            app.notice()
            await settle(pilot)
        await press(pilot, *(scene.keys[:-1] if scene.holds else scene.keys))
        if scene.holds:
            await pilot.press(scene.keys[-1])
            while "1 of" not in shown(pilot):
                await pilot.pause(0.02)
        picture = app.export_screenshot(title="botdesk")
        (bin / "go").touch()
        await settle(pilot)
    return picture
