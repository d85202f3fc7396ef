"""The way to end a question from another thread, once nobody waits for its answer."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, event

from botdesk.errors import BotdeskError


class Stop:
    """Ends the one question that it was given to, whenever it is called.

    Attributes:
        stopped: Whether it was called.
    """

    def __init__(self) -> None:
        self.stopped = False
        self._lock = threading.Lock()
        self._interrupt: Callable[[], None] | None = None

    def __call__(self) -> None:
        """End the question: the statement that runs now is interrupted, and no other one begins."""
        with self._lock:
            self.stopped = True
            if self._interrupt is not None:
                self._interrupt()

    def check(self) -> None:
        """Go on only while it was not called.

        Raises:
            BotdeskError: It was.
        """
        if self.stopped:
            raise BotdeskError("stopped: nobody waits for it any more")

    @contextmanager
    def watching(self, connection: Connection, interrupt: Callable[[], None]) -> Iterator[None]:
        """Let it end what goes on in a connection, until that is given back.

        Args:
            connection: The connection.
            interrupt: Interrupts its running statement; called from another thread.
        """
        event.listen(connection, "before_cursor_execute", lambda *_: self.check())
        with self._lock:
            self._interrupt = interrupt
        try:
            self.check()
            yield
        finally:
            with self._lock:
                self._interrupt = None
