"""All that is measured, in one table: `make bench`, or `BENCH=full make bench` for the large sizes."""

import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from benchmarks import gate, lists, paint, trail, verify
from benchmarks.measure import Line, table

PARTS: Final[dict[str, Callable[[Path], list[Line]]]] = {
    "start": paint.measured,
    "lists": lists.measured,
    "audit": trail.measured,
    "verification": verify.measured,
    "gate": lambda _: gate.measured(),
}


def main() -> int:
    """Measure what the words name, or all of it; 1 when something could not be measured."""
    words = sys.argv[1:] or list(PARTS)
    if unknown := set(words) - set(PARTS):
        print(f"no such part: {', '.join(unknown)}; there are {', '.join(PARTS)}", file=sys.stderr)
        return 2
    lines: list[Line] = []
    failed = False
    for word in words:
        begun = time.perf_counter()
        with tempfile.TemporaryDirectory() as folder:
            try:
                lines += PARTS[word](Path(folder))
            except (OSError, RuntimeError, AssertionError) as error:
                failed = True
                print(f"{word}: could not be measured: {error}", file=sys.stderr)
        print(f"{word}: {time.perf_counter() - begun:.0f} s", file=sys.stderr)
    load = ", ".join(f"{average:.1f}" for average in os.getloadavg())
    table(f"load {load} on {os.cpu_count()} processors", lines)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
