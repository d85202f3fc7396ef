"""How soon is something to be seen, how soon the first rows, and how soon is it gone? Against bare Textual."""

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from statistics import median

from benchmarks import peers
from benchmarks.measure import FULL, Line, in_turn
from benchmarks.terminal import Run
from botdesk import accounts
from botdesk.desk import Desk
from botdesk.settings import Settings

ROUNDS = 15 if FULL else 5
BOTS = 10
PEER_ROUNDS = 7 if FULL else 3
PEER_LONGEST = 20.0
PEERS = {
    "posting": (["posting==2.11.1", "tree-sitter==0.25.2"], ["posting", "--collection", "{folder}"]),
    "harlequin": (["harlequin==2.17.0"], ["harlequin"]),
    "toolong": (["toolong==1.5.0"], ["tl", "{folder}/some.log"]),
}
"""Other programs in the terminal: their packages, and what they are called with. A later tree-sitter ends posting."""


def measured(folder: Path) -> list[Line]:
    furnished(folder)
    bare = [sys.executable, "-m", "benchmarks.bare", str(BOTS)]
    row = "bot-0000000"
    figures = in_turn(
        {
            "botdesk": lambda: timed([sys.executable, "-m", "botdesk"], folder, "Accounts", row),
            "bare": lambda: timed(bare, folder, row, row),
            "sqlmodel": lambda: timed([*bare, "sqlmodel"], folder, row, row),
        },
        ROUNDS,
    )
    paint, rows, end = ({name: told[part] * 1e3 for name, told in figures.items()} for part in range(3))
    return [
        Line("first paint", paint["botdesk"], "bare Textual", paint["bare"], "≤1.15", "ms"),
        Line("first rows", rows["botdesk"], "Textual and SQLModel", rows["sqlmodel"], "≤1.1", "ms"),
        Line("quit", end["botdesk"], "bare Textual", end["bare"], "≤0.5", "ms"),
        *others(folder),
    ]


def others(folder: Path) -> list[Line]:
    """Milliseconds to the first words on the screen, by those of other programs in the terminal."""
    log = folder / "some.log"
    log.write_text("a line\n" * 100)
    programs = {"botdesk": [sys.executable, "-m", "botdesk"], **installed(folder)}
    found: dict[str, list[float]] = {name: [] for name in programs}
    for number in range(PEER_ROUNDS + 1):
        for name in list(programs):
            try:
                seconds = painted(programs[name], folder)
                found[name] += [seconds] if number else []
            except (OSError, RuntimeError) as error:
                print(f"{name} could not be measured: {error}", file=sys.stderr)
                del programs[name], found[name]
    ours = median(found["botdesk"]) * 1e3
    theirs = {name: median(found[name]) * 1e3 if name in found else None for name in PEERS}
    return [Line("first words", ours, name, seconds, "", "ms") for name, seconds in theirs.items()]


def installed(folder: Path) -> dict[str, list[str]]:
    """How the peers are called, but for those that cannot be installed."""
    found = {}
    for name, (packages, argv) in PEERS.items():
        try:
            programs = peers.environment(name, packages)
        except (OSError, RuntimeError) as error:
            print(f"{name} could not be installed: {error}", file=sys.stderr)
        else:
            found[name] = [str(programs / argv[0]), *(word.format(folder=folder) for word in argv[1:])]
    return found


def painted(argv: Sequence[str], folder: Path) -> float:
    """Seconds to the first paint of a program, which is ended then."""
    with Run(argv, environ(folder), longest=PEER_LONGEST) as run:
        return run.painted()


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
