"""What is counted and recorded once a minute: strings that are no tokens, and repeated uses where that is wanted."""

import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from botdesk import verification
from botdesk.verdict import Use

WINDOW_SECONDS: Final = 60.0
"""How long is counted before it is recorded."""

MOST_ADDRESSES: Final = 1_000
ELSEWHERE: Final = "elsewhere"
"""Under which all further addresses are counted."""

Key = tuple[str, str, frozenset[str]]


@dataclass(slots=True)
class _Window:
    """Accepted uses of one token, from one source and for the same scopes, since the last event about them."""

    since: float
    use: Use
    count: int = 0


class Tally:
    """Counts; from any thread. Time is monotonic seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """Begin to count.

        Args:
            clock: Gives monotonic seconds.
        """
        self._clock = clock
        self._strangers: Counter[str] = Counter()
        self._forged = 0
        self._windows: dict[Key, _Window] = {}
        self._flushed = clock()
        self._turn = threading.Lock()

    @property
    def due(self) -> bool:
        """Whether it is time to record what was counted."""
        return self._clock() - self._flushed >= WINDOW_SECONDS

    def stranger(self, address: str, *, forged: bool = False) -> None:
        """Count a string that is no token of this desk; `forged` for one with a right check all the same."""
        with self._turn:
            self._forged += forged
            known = address in self._strangers or len(self._strangers) < MOST_ADDRESSES
            self._strangers[address if known else ELSEWHERE] += 1

    def open(self, use: Use) -> bool:
        """Tell whether a use like this was recorded within the minute, so that this one may be counted."""
        window = self._windows.get(key(use))
        return window is not None and self._clock() - window.since < WINDOW_SECONDS

    def count(self, use: Use, at: str | None = None) -> bool:
        """Count a use of an instant (as stored) into the event to come; False when it has to be recorded itself."""
        with self._turn:
            window = self._windows.get(key(use))
            if window is None:
                return False
            use.at = at
            window.count += 1
            window.use = use
            return True

    def counted(self, use: Use) -> int:
        """How many uses like this were counted since the last event about them."""
        window = self._windows.get(key(use))
        return 0 if window is None else window.count

    def recorded(self, use: Use) -> None:
        """Begin to count anew: what was counted is in the event of this use."""
        with self._turn:
            before = self._windows.get(key(use))
            later = 0 if before is None else max(0, before.count - (use.count - 1))
            self._windows[key(use)] = _Window(self._clock(), use, later)

    def flush(self, begin: verification.Begin, *, everything: bool = False) -> None:
        """Record what was counted.

        Args:
            begin: Begins a writing transaction of the system.
            everything: What was counted for less than a minute, too.

        Raises:
            StoreError: It cannot be saved; it is kept for the next time.
        """
        self._flushed = self._clock()
        with self._turn:
            strangers, forged = dict(self._strangers), self._forged
            over = self._over(everything=everything)
            counted = [(window.use, window.count) for window in over.values() if window.count]
        if strangers or counted:
            with begin() as tx:
                if strangers:
                    verification.record_unknown(tx, strangers, forged=forged)
                if counted:
                    verification.record_counted(tx, counted)
        with self._turn:
            self._strangers -= Counter(strangers)
            self._forged -= forged
            for use, count in counted:
                over[key(use)].count -= count
            for kind, window in over.items():
                if not window.count and self._windows.get(kind) is window:
                    del self._windows[kind]

    def _over(self, *, everything: bool) -> dict[Key, _Window]:
        now = self._clock()
        return {
            key: window for key, window in self._windows.items() if everything or now - window.since >= WINDOW_SECONDS
        }


def key(use: Use) -> Key:
    """What uses that are counted together have in common."""
    return use.presented.id, use.asked.address, use.asked.scopes
