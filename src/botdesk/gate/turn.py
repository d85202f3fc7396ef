"""One worker commits at a time: waiting in line is quicker than finding the store busy and coming back later."""

import fcntl
import tempfile
import threading
from types import TracebackType


class Turn:
    """A lock that processes share which were forked after it was made; whoever dies in its turn gives it back."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile()  # noqa: SIM115
        self._threads = threading.Lock()

    def __enter__(self) -> None:
        """Wait for one's turn."""
        self._threads.acquire()
        try:
            fcntl.lockf(self._file, fcntl.LOCK_EX)
        except BaseException:
            self._threads.release()
            raise

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Let the next one have its turn."""
        try:
            fcntl.lockf(self._file, fcntl.LOCK_UN)
        finally:
            self._threads.release()

    def close(self) -> None:
        """Give the file back."""
        self._file.close()
