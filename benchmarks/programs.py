"""How soon do other terminal programs of the kind show their first screen? Each in an environment of its own.

    python -m benchmarks.programs

A program has shown something once it has written a screen's worth of bytes. What each does by then differs: so this
says what people are used to, and no more.
"""

import os
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median

from benchmarks import peers
from benchmarks.measure import Line, table
from benchmarks.paint import environ, furnished
from benchmarks.terminal import Run

ROUNDS = 9 if os.environ.get("BENCH") == "full" else 3
SCREENFUL = 1500
PROGRAMS = {"toolong": ("tl", ("app.log",)), "posting": ("posting", ()), "harlequin": ("harlequin", ())}


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        lines = measured(Path(folder))
    table("to the first screen, in a pseudo-terminal", lines)


def measured(folder: Path) -> list[Line]:
    """Measure, all in turn."""
    furnished(folder)
    os.chdir(folder)
    (folder / "app.log").write_text("2026-11-24 10:00:00 a line\n" * 50, "utf-8")
    argvs: dict[str, Sequence[str]] = {"botdesk": [sys.executable, "-m", "botdesk"]}
    for name, (command, words) in PROGRAMS.items():
        python = Path(peers.python(name, [name]))
        argvs[name] = [str(python.with_name(command)), *words]
    found: dict[str, list[float]] = {name: [] for name in argvs}
    for number in range(ROUNDS + 1):
        for name, argv in argvs.items():
            seconds = first_screen(argv, environ(folder))
            found[name] += [seconds] if number else []
    ours = median(found["botdesk"]) * 1e3
    return [Line("first screen", ours, name, median(found[name]) * 1e3, "", "ms") for name in PROGRAMS]


def first_screen(argv: Sequence[str], variables: Mapping[str, str]) -> float:
    """Seconds until a screen's worth is written."""
    with Run(argv, variables) as run:
        return run.until_bytes(SCREENFUL)


if __name__ == "__main__":
    main()
