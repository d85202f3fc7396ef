"""Measure side by side: the same rounds for all, turn by turn, and the medians of them."""

import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Final

FULL: Final = os.environ.get("BENCH") == "full"
"""Whether the large sizes are asked for."""

ACCOUNTS: Final = 100_000
EVENTS: Final = 10_000_000 if FULL else 300_000
"""The size of the desk whose lists are long."""


@dataclass(frozen=True)
class Line:
    """A line of a table: what was measured, botdesk's figure, the peer's or the limit's, and the ratio to aim at.

    A figure of None could not be measured.
    """

    what: str
    ours: float
    peer: str
    theirs: float | None
    aim: str
    unit: str = "µs"

    @property
    def ratio(self) -> float | None:
        """The figure of botdesk by the other's, if that could be measured."""
        return None if self.theirs is None else self.ours / self.theirs

    @property
    def reached(self) -> str:
        """Whether the aim was reached; nothing where there is none."""
        if not self.aim or self.ratio is None:
            return ""
        bound = float(self.aim.strip("≤≥ "))
        return "yes" if (self.ratio >= bound if self.aim[0] == "≥" else self.ratio <= bound) else "NO"


def medians(work: Mapping[str, Callable[[], object]], *, rounds: int = 15, number: int = 1000) -> dict[str, float]:
    """Seconds of one call of each, as the median over rounds in which all take turns.

    Args:
        work: What to call, by name.
        rounds: How many rounds.
        number: How many calls of each in a round.
    """
    found: dict[str, list[float]] = {name: [] for name in work}
    for call in work.values():
        call()
    for _ in range(rounds):
        for name, call in work.items():
            begun = time.perf_counter()
            for _ in range(number):
                call()
            found[name].append((time.perf_counter() - begun) / number)
    return {name: median(values) for name, values in found.items()}


def in_turn(programs: Mapping[str, Callable[[], Sequence[float]]], rounds: int) -> dict[str, list[float]]:
    """The medians of each figure of some programs that are run turn by turn.

    Args:
        programs: What to run, by name; each gives its figures.
        rounds: How many rounds count; the one before them, in which files are read for the first time, does not.
    """
    found: dict[str, list[Sequence[float]]] = {name: [] for name in programs}
    for number in range(rounds + 1):
        for name, run in programs.items():
            figures = run()
            found[name] += [figures] if number else []
    return {name: [median(each) for each in zip(*all_, strict=True)] for name, all_ in found.items()}


def table(title: str, lines: Sequence[Line]) -> None:
    """Print the lines as a table."""
    rows = [("what", "botdesk", "peer or limit", "its figure", "ratio", "aim", "reached")]
    for line in lines:
        rows.append((line.what, *_figures(line), line.aim, line.reached))
    widths = [max(len(row[place]) for row in rows) for place in range(len(rows[0]))]
    print(title)
    for row in rows:
        cells = (
            cell.rjust(width) if place in NUMBERS else cell.ljust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        print("  " + "  ".join(cells).rstrip())


NUMBERS: Final = (1, 3, 4)
"""The columns that are numbers, and so end below each other."""


def _figures(line: Line) -> tuple[str, str, str, str]:
    theirs = "not measured" if line.theirs is None else _figure(line.theirs, line.unit)
    return _figure(line.ours, line.unit), line.peer, theirs, "" if line.ratio is None else f"{line.ratio:.2f}"


def _figure(value: float, unit: str) -> str:
    digits = 0 if abs(value) >= 1000 or unit == "B" else 1
    return f"{value:,.{digits}f} {unit}"
