"""How fast is a log searched for tokens, against `grep -c` on the same file?"""

import os
import random
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

from botdesk import bearer
from botdesk.leak import sightings

KEY = bytes(range(32))
SIZE = int(os.environ.get("BOTDESK_SCAN_MIB", "256")) * 2**20
"""How large the log is; 1024 is the size that is promised."""

PLANTED = 10_000
PATTERN = "bdk_[0-9A-Za-z]{10}_[0-9A-Za-z]{49}"


def write(log: Path) -> None:
    """Write a log with tokens in it."""
    chance = random.Random(1)
    letters = 'abcdefghijklmnopqrstuvwxyz0123456789 _:/.-"[]{}'
    lines = ["".join(chance.choices(letters, k=chance.randint(60, 200))) for _ in range(8000)]
    block = "\n".join(lines).encode()
    blocks = max(1, SIZE // len(block))
    with log.open("wb") as out:
        for number in range(blocks):
            out.write(block)
            for _ in range(PLANTED * (number + 1) // blocks - PLANTED * number // blocks):
                out.write(f"\nBearer {bearer.mint(KEY, os.urandom).token.reveal()}\n".encode())


def search(log: Path) -> int:
    """Search it as `botdesk incident` does."""
    with log.open("rb", buffering=0) as text:
        return sum(1 for _ in sightings(text, KEY))


def grep(log: Path, *words: str) -> int:
    """Count its lines with a token."""
    return int(subprocess.run(["grep", "-c", *words, str(log)], capture_output=True, check=True).stdout)


def main() -> None:
    """Print how many MB a second each takes, the median of three turns."""
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "log"
        write(log)
        size = log.stat().st_size
        ways: dict[str, Callable[[], int]] = {
            "botdesk": lambda: search(log),
            "grep -c": lambda: grep(log, "bdk_"),
            "grep -cE": lambda: grep(log, "-E", PATTERN),
        }
        taken: dict[str, list[float]] = {name: [] for name in ways}
        for _ in range(3):
            for name, way in ways.items():
                begun = time.perf_counter()
                count = way()
                taken[name].append(time.perf_counter() - begun)
                if count != PLANTED:
                    raise SystemExit(f"{name} found {count} of {PLANTED}")
        speed = {name: size / median(times) / 1e6 for name, times in taken.items()}
    print(f"{size / 2**20:,.0f} MiB with {PLANTED:,} tokens")
    print(f"{'':10} {'MB/s':>8} {'botdesk is':>12}")
    for name, found in speed.items():
        print(f"{name:10} {found:8,.0f} {speed['botdesk'] / found:11.2f}×")


if __name__ == "__main__":
    main()
