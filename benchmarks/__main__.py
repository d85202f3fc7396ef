"""All that is measured, in one table: `make bench`, or `BENCH=full make bench` for the large sizes.

The large desk is made anew each time, unless BENCH_FOLDER says where it is to be kept.
"""

import contextlib
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from benchmarks import gate, lists, paint, tables, trail, verify
from benchmarks.measure import Line, table

PARTS: Final[dict[str, Callable[[Path, Path], list[Line]]]] = {
    "start": lambda folder, _: paint.measured(folder),
    "lists": lists.measured,
    "tables": tables.measured,
    "audit": trail.measured,
    "verification": lambda folder, _: verify.measured(folder),
    "gate": lambda _, __: gate.measured(),
}
"""Each measures in a folder of its own; in the other one is the large desk that they share."""


def main() -> int:
    """Measure what the words name, or all of it; 1 when something could not be measured."""
    words = sys.argv[1:] or list(PARTS)
    if unknown := set(words) - set(PARTS):
        print(f"no such part: {', '.join(unknown)}; there are {', '.join(PARTS)}", file=sys.stderr)
        return 2
    lines: list[Line] = []
    failed = False
    with _shared() as shared:
        for word in words:
            begun = time.perf_counter()
            with tempfile.TemporaryDirectory(dir=shared) as folder:
                try:
                    lines += PARTS[word](Path(folder), shared)
                except (OSError, RuntimeError, AssertionError, subprocess.SubprocessError) as error:
                    failed = True
                    print(f"{word}: could not be measured: {error}", file=sys.stderr)
            print(f"{word}: {time.perf_counter() - begun:.0f} s", file=sys.stderr)
    load = ", ".join(f"{average:.1f}" for average in os.getloadavg())
    table(f"load {load} on {os.cpu_count()} processors", lines)
    return 1 if failed else 0


@contextlib.contextmanager
def _shared() -> Iterator[Path]:
    kept = os.environ.get("BENCH_FOLDER")
    with contextlib.nullcontext(kept) if kept else tempfile.TemporaryDirectory() as folder:
        Path(folder).mkdir(mode=0o700, parents=True, exist_ok=True)
        yield Path(folder)


if __name__ == "__main__":
    sys.exit(main())
