"""Measure side by side: the same rounds for all, turn by turn, and the medians of them."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True)
class Line:
    """A line of a table: what was measured, botdesk's figure, the peer's or the limit's, and the ratio to aim at."""

    what: str
    ours: float
    peer: str
    theirs: float
    aim: str
    unit: str = "µs"
    more_is_better: bool = False

    @property
    def ratio(self) -> float:
        """The figure of botdesk by the other's."""
        return self.ours / self.theirs

    @property
    def reached(self) -> str:
        """Whether the aim was reached; nothing where there is none."""
        if not self.aim:
            return ""
        bound = float(self.aim.strip("≤≥×x "))
        return "yes" if (self.ratio >= bound if self.more_is_better else self.ratio <= bound) else "NO"


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


def table(title: str, lines: Sequence[Line]) -> None:
    """Print the lines as a table."""
    rows = [("what", "botdesk", "peer or limit", "", "ratio", "aim", "reached")]
    for line in lines:
        ours, theirs = (f"{figure:,.1f} {line.unit}" for figure in (line.ours, line.theirs))
        rows.append((line.what, ours, line.peer, theirs, f"{line.ratio:.2f}", line.aim, line.reached))
    widths = [max(len(row[place]) for row in rows) for place in range(len(rows[0]))]
    print(title)
    for row in rows:
        print("  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
