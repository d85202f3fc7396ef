"""Refusals go out at a bounded rate: a flood of them leaves nearly all of the time to those who are let through."""

import asyncio
from typing import Final

A_SECOND: Final = 1000
AT_ONCE: Final = 100
LONGEST_SECONDS: Final = 1.0
"""How long a refusal is held at the most: the connections that wait are bounded by the server."""


class Pace:
    """Holds back what comes faster than `A_SECOND`, once more than `AT_ONCE` came together."""

    def __init__(self) -> None:
        self._next = 0.0

    async def keep(self) -> None:
        """Wait until this one may go out."""
        now = asyncio.get_running_loop().time()
        self._next = min(max(self._next, now - AT_ONCE / A_SECOND) + 1 / A_SECOND, now + LONGEST_SECONDS)
        if self._next > now:
            await asyncio.sleep(self._next - now)
