"""A program in a pseudo-terminal, watched by the clock: when what is shown, and how many bytes were written for it."""

import fcntl
import os
import pty
import select
import signal
import struct
import termios
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

LONGEST = 120.0
"""After how many seconds a program is given up."""


class Run:
    """One run of a program in an 80x24 terminal.

    Attributes:
        begun: When it was started, by `time.perf_counter`.
        pid: Its process.
        written: What it has written and was read.
        last: When something was read last, by `time.perf_counter`.
    """

    def __init__(self, argv: Sequence[str], environ: Mapping[str, str], *, size: tuple[int, int] = (80, 24)) -> None:
        self.written = bytearray()
        self._status: int | None = None
        self.begun = self.last = time.perf_counter()
        self.pid, self._master = pty.fork()
        if self.pid == 0:
            fcntl.ioctl(1, termios.TIOCSWINSZ, struct.pack("HHHH", size[1], size[0], 0, 0))
            os.execvpe(argv[0], list(argv), dict(environ))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._status is None:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        os.close(self._master)

    def send(self, keys: str) -> None:
        """Type."""
        os.write(self._master, keys.encode())

    def until(self, text: str, *, since: int = 0) -> float:
        """Wait until a text is written; gives the seconds from the start to the chunk that it came with."""
        wanted = text.encode()
        while wanted not in self.written[since:]:
            if not self._read(LONGEST - (time.perf_counter() - self.begun)):
                raise RuntimeError(f"{text!r} was never written, but {bytes(self.written[-2000:])!r}")
        return time.perf_counter() - self.begun

    def answer(self, keys: str) -> float:
        """Type, and wait for what is painted; gives the seconds between."""
        begun = time.perf_counter()
        self.send(keys)
        if not self._read(LONGEST):
            raise RuntimeError(f"{keys!r} was not answered")
        return time.perf_counter() - begun

    def settled(self, keys: str, seconds: float = 0.4) -> float:
        """Type, and wait until nothing more is painted; gives the seconds to the last of it."""
        begun = time.perf_counter()
        self.send(keys)
        self.quiet(seconds)
        return self.last - begun

    def quiet(self, seconds: float = 0.4) -> int:
        """Read until nothing was written for so long; gives the number of bytes."""
        before = len(self.written)
        while self._read(seconds):
            pass
        return len(self.written) - before

    def ended(self) -> float:
        """Wait for the end of the program; gives the seconds since the start.

        Raises:
            RuntimeError: It failed.
        """
        while self._read(LONGEST):
            pass
        _, self._status = os.waitpid(self.pid, 0)
        if self._status:
            raise RuntimeError(f"it ended with {os.waitstatus_to_exitcode(self._status)}")
        return time.perf_counter() - self.begun

    def memory(self) -> float:
        """Megabytes that are the process's own."""
        with Path(f"/proc/{self.pid}/smaps_rollup").open(encoding="ascii") as told:
            kib = sum(int(line.split()[1]) for line in told if line.startswith("Private_"))
        return kib / 1024

    def _read(self, seconds: float) -> bool:
        ready, _, _ = select.select([self._master], [], [], max(0.0, seconds))
        try:
            found = os.read(self._master, 65536) if ready else b""
        except OSError:
            return False
        self.written += found
        self.last = time.perf_counter() if found else self.last
        return bool(found)
