"""A desk for tests: a real store in a file, a clock that is set by hand, chance that repeats itself."""

import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from botdesk.bearer import Argon2id, Entropy
from botdesk.desk import Desk

NOON = datetime(2026, 11, 2, 12, 0, tzinfo=UTC)
"""When the clock of a test desk starts."""


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self, now: datetime = NOON) -> None:
        self.now = now

    def __call__(self) -> datetime:
        """The instant that the clock shows."""
        return self.now

    def forward(self, step: timedelta) -> datetime:
        """Move the clock and return the new instant."""
        self.now += step
        return self.now


def seeded(seed: int = 1) -> Entropy:
    """Random bytes that are the same for the same seed; for tests and demos alone."""
    return random.Random(seed).randbytes  # noqa: S311


def light_hasher() -> Argon2id:
    """Real argon2id with the least parameters: a fraction of a millisecond."""
    return Argon2id(memory_kib=8, passes=1)


def open_desk(
    store: str | Path,
    *,
    operator: str = "ada",
    clock: Callable[[], datetime] | None = None,
    seed: int = 1,
    source: str = "test",
) -> Desk:
    """Open a desk for tests; the first opening makes `operator` its first admin.

    Args:
        store: A file in a private folder, or a URL.
        operator: Who operates it.
        clock: The desk's clock; a `Clock` at `NOON` by default.
        seed: What its chance starts from.
        source: Where the operator comes from, as the audit shows it.
    """
    return Desk.open(
        store,
        operator=operator,
        clock=clock or Clock(),
        entropy=seeded(seed),
        hasher=light_hasher(),
        source=source,
    )
