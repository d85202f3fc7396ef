"""What do 100,000 rows cost? The list of accounts, Textual's DataTable and textual-fastdatatable, turn by turn."""

import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from statistics import quantiles

from benchmarks import make_desk, peers
from benchmarks.measure import ACCOUNTS, FULL, Line, in_turn
from benchmarks.paint import environ
from benchmarks.terminal import Run

ROUNDS = 3 if FULL else 1
KEYS = 200 if FULL else 40
DOWN = "\x1b[B"
LONGEST = 600.0
PEERS = ("DataTable", "fastdatatable")
PACKAGES = ["textual==8.2.8", "textual-fastdatatable==0.19.5"]
ASKED = (("first rows", "ms"), ("memory", "MiB"), ("key to paint, p95", "ms"))


def measured(folder: Path, shared: Path) -> list[Line]:
    """Measure, all in turn."""
    large = make_desk.kept(shared)
    programs = {"botdesk": ("billing-", [sys.executable, "-m", "botdesk"]), **tables()}
    figures = in_turn({name: partial(opened, argv, row, large) for name, (row, argv) in programs.items()}, ROUNDS)
    return [
        Line(f"{what}, {ACCOUNTS:,} rows", ours, name, figures[name][place] if name in figures else None, "", unit)
        for place, ((what, unit), ours) in enumerate(zip(ASKED, figures["botdesk"], strict=True))
        for name in PEERS
    ]


def tables() -> dict[str, tuple[str, list[str]]]:
    """The peers: a row to wait for, and how they are called; without the one that cannot be installed."""
    found = {PEERS[0]: ("bot-0000000", [sys.executable, "-m", "benchmarks.bare", str(ACCOUNTS)])}
    try:
        python = peers.environment(PEERS[1], PACKAGES) / "python"
    except (OSError, RuntimeError) as error:
        print(f"{PEERS[1]} could not be installed: {error}", file=sys.stderr)
        return found
    fast = str(Path(__file__).with_name("fast.py"))
    return {**found, PEERS[1]: ("bot-0000000", [str(python), fast, str(ACCOUNTS)])}


def opened(argv: Sequence[str], row: str, folder: Path) -> tuple[float, ...]:
    """Milliseconds to the first rows, megabytes by then, and milliseconds from a key to what it paints, p95."""
    with Run(argv, environ(folder), longest=LONGEST) as run:
        first = run.until(row) * 1e3
        run.quiet(1.0)
        held = run.memory()
        taken = []
        for _ in range(KEYS):
            taken.append(run.answer(DOWN) * 1e3)
            run.quiet(0.03)
    return first, held, quantiles(taken, n=20)[-1]
