"""Typing ahead: over a slow link a whole word arrives at once, and each key has to reach what the one before opened."""

import asyncio
import time
from collections import deque
from typing import Any, Final

from textual import events, work
from textual.app import App

CALM_ROUNDS: Final = 3
"""For how many rounds of the event loop nothing waits, until what was typed has had its effect."""

PATIENCE_SECONDS: Final = 1.0
"""How long keys are held back at most: what takes longer is not waited for."""


class TypeAhead(App[str]):
    """A program that forwards what is typed in its order, each key once what was typed before has had its effect.

    Else the keys after one that opens a line or a dialog would be taken for commands by what was there before.

    Attributes:
        patience: How many seconds keys are held back at most.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Make it; nothing is typed yet."""
        super().__init__(*args, **kwargs)
        self.patience = PATIENCE_SECONDS
        self._typed: deque[events.Event] = deque()

    async def on_event(self, event: events.Event) -> None:
        """Hold back what is typed while there is something to wait for."""
        if not isinstance(event, events.Key | events.Paste) or event.is_forwarded:
            await super().on_event(event)
        elif self._typed or not self._is_calm:
            self._typed.append(event)
            if len(self._typed) == 1:
                self._catch_up()
        else:
            await super().on_event(event)

    @work(group="typed")
    async def _catch_up(self) -> None:
        end = time.monotonic() + self.patience
        try:
            while self._typed:
                calm = 0
                while calm < CALM_ROUNDS and time.monotonic() < end:
                    await asyncio.sleep(0)
                    calm = calm + 1 if self._is_calm else 0
                await super().on_event(self._typed[0])
                self._typed.popleft()
        finally:
            self._typed.clear()  # what follows a key that failed was typed for what that did not open

    @property
    def _is_calm(self) -> bool:
        if self.is_at_work:
            return False
        pumps = (pump for screen in self.screen_stack for pump in screen.walk_children(with_self=True))
        return not any(pump.message_queue_size for pump in pumps)

    @property
    def is_at_work(self) -> bool:
        """Whether what was typed has begun something that the next key should find done."""
        return False
