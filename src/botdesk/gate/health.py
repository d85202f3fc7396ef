"""Whether the gate can do its work: the store answers, takes a write, and the clock is right."""

import asyncio
import time
from collections.abc import Callable
from typing import Final

from botdesk.errors import BotdeskError

FRESH_SECONDS: Final = 1.0
"""How long a finding stands, so that whoever asks all the time does not keep the store busy."""


class Health:
    """Finds out whether the store is well, at most once a second however often it is asked.

    Args:
        check: Raises what is wrong.
    """

    def __init__(self, check: Callable[[], None]) -> None:
        self._check = check
        self._found: BotdeskError | None = None
        self._until = 0.0
        self._turn = asyncio.Lock()

    async def ailment(self) -> BotdeskError | None:
        """What is wrong; None when all is well."""
        async with self._turn:
            if time.monotonic() >= self._until:
                self._found = await asyncio.to_thread(self._look)
                self._until = time.monotonic() + FRESH_SECONDS
            return self._found

    def _look(self) -> BotdeskError | None:
        try:
            self._check()
        except BotdeskError as error:
            return error
        return None
