"""How soon is something to be seen, how soon the first rows, and how soon is it gone? Against bare Textual."""

import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from statistics import median

from benchmarks.measure import Line, table
from benchmarks.terminal import Run
from botdesk import accounts
from botdesk.desk import Desk
from botdesk.settings import Settings

FULL = os.environ.get("BENCH") == "full"
ROUNDS = 15 if FULL else 5
BOTS = 10


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        lines = measured(Path(folder))
    table("from the start to the screen, in a pseudo-terminal", lines)


def measured(folder: Path) -> list[Line]:
    furnished(folder)
    bare = [sys.executable, "-m", "benchmarks.bare", str(BOTS)]
    found: dict[str, list[tuple[float, ...]]] = {"botdesk": [], "bare": [], "sqlmodel": []}
    for number in range(ROUNDS + 1):
        shown = {
            "botdesk": timed([sys.executable, "-m", "botdesk"], folder, "Accounts", "bot-0000000"),
            "bare": timed(bare, folder, "bot-0000000", "bot-0000000"),
            "sqlmodel": timed([*bare, "sqlmodel"], folder, "bot-0000000", "bot-0000000"),
        }
        for name, seconds in shown.items():
            found[name] += [seconds] if number else []
    paint, rows, end = (
        {name: median(each[part] for each in all_) * 1e3 for name, all_ in found.items()} for part in range(3)
    )
    return [
        Line("first paint", paint["botdesk"], "bare Textual", paint["bare"], "≤1.15", "ms"),
        Line("first rows", rows["botdesk"], "Textual and SQLModel", rows["sqlmodel"], "≤1.1", "ms"),
        Line("quit", end["botdesk"], "bare Textual", end["bare"], "≤0.5", "ms"),
    ]


def furnished(folder: Path) -> None:
    """A desk with a few accounts."""
    settings = Settings(store=str(folder / "desk.db"), state_dir=folder, config_file=folder / "none")
    with Desk.open(settings=settings) as desk, desk.begin() as tx:
        for number in range(BOTS):
            accounts.create(tx, f"bot-{number:07}", scopes="catalog:read")


def timed(argv: Sequence[str], folder: Path, frame: str, row: str) -> tuple[float, ...]:
    """Seconds to the frame, to a row, and from the key that ends it to the end."""
    with Run(argv, environ(folder)) as run:
        paint, rows = run.until(frame), run.until(row)
        run.quiet(0.2)
        before = run.until("")
        run.send("q")
        return paint, rows, run.ended() - before


def environ(folder: Path) -> dict[str, str]:
    """The environment of an operator who came in by ssh."""
    return {
        "HOME": str(folder),
        "PATH": os.environ["PATH"],
        "TERM": "xterm-256color",
        "LANG": "C.UTF-8",
        "SSH_CONNECTION": "192.0.2.7 51234 192.0.2.1 22",
        "BOTDESK_STORE": str(folder / "desk.db"),
        "BOTDESK_STATE_DIR": str(folder / "state"),
    }


if __name__ == "__main__":
    main()
