"""The figures of all workers: each leaves its own in memory that they share, so that whichever is asked knows all."""

import json
import mmap
import zlib
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator
from typing import Any, Final

from botdesk.verifier import BATCH_SIZES, Verifier

BOUNDS: Final = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
"""The buckets of answer times, in seconds."""

PLACE_BYTES: Final = 8192

Snapshot = dict[str, Any]


class Timings:
    """How long answers took, and how many there were of each status."""

    def __init__(self) -> None:
        self.statuses: Counter[tuple[str, int]] = Counter()
        self.buckets = [0] * (len(BOUNDS) + 1)
        self.seconds = 0.0

    def note(self, endpoint: str, status: int, seconds: float) -> None:
        """Count one answer."""
        self.statuses[endpoint, status] += 1
        self.buckets[bisect_left(BOUNDS, seconds)] += 1
        self.seconds += seconds


def snapshot(verifier: Verifier, timings: Timings, *, dropped: int) -> Snapshot:
    """What one worker counted so far."""
    figures = verifier.figures
    return {
        "accepted": figures.accepted,
        "refused": {reason.value: count for reason, count in figures.refused.items()},
        "argon2": verifier.argon2_runs,
        "hits": figures.cache_hits,
        "misses": figures.cache_misses,
        "coalesced": figures.coalesced,
        "overloaded": figures.overloaded,
        "commits": figures.commits,
        "recorded": figures.recorded,
        "batches": [figures.batches[size] for size in BATCH_SIZES],
        "statuses": {f"{endpoint} {status}": count for (endpoint, status), count in timings.statuses.items()},
        "buckets": timings.buckets,
        "seconds": timings.seconds,
        "dropped": dropped,
    }


class Board:
    """Where workers leave their figures for each other.

    Args:
        workers: How many places there are.
    """

    def __init__(self, workers: int) -> None:
        self._memory = mmap.mmap(-1, workers * PLACE_BYTES)
        self._workers = workers

    def post(self, worker: int, found: Snapshot) -> None:
        """Leave a worker's figures; what does not fit its place is left out."""
        text = json.dumps(found, separators=(",", ":")).encode()
        head = b"%08x%08x" % (len(text), zlib.crc32(text))
        if len(head) + len(text) <= PLACE_BYTES:
            start = worker * PLACE_BYTES
            self._memory[start : start + len(head) + len(text)] = head + text

    def read(self) -> Iterator[tuple[int, Snapshot]]:
        """The figures of each worker that left some; a place that is being written is left out this time."""
        for worker in range(self._workers):
            place = self._memory[worker * PLACE_BYTES : (worker + 1) * PLACE_BYTES]
            if place[:16].strip(b"\0"):
                text = place[16 : 16 + int(place[:8], 16)]
                if zlib.crc32(text) == int(place[8:16], 16):
                    yield worker, json.loads(text)
