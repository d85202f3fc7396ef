"""A program in a real pseudo-terminal: what it wrote, byte for byte, and what its screen shows."""

import fcntl
import os
import pty
import select
import signal
import struct
import termios
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import pyte

FRAMES = (b"\x1b[?2026$p", "\x1b[?2026;1$y", b"\x1b[?2026h", b"\x1b[?2026l")
"""Whether a terminal shows frames as a whole; that it does; where a frame begins, and where it ends."""


class Terminal:
    """Runs a program in a pseudo-terminal of its own. A frame that is half drawn is not looked at.

    Args:
        argv: The program and its arguments.
        environ: Its whole environment.
        columns: The width of the terminal.
        lines: The height of the terminal.
        folder: The folder that the program is started in; this one by default.
    """

    def __init__(
        self,
        argv: Sequence[str],
        environ: Mapping[str, str],
        *,
        columns: int = 80,
        lines: int = 24,
        folder: str | Path = ".",
    ) -> None:
        self.raw = b""
        self._screen = pyte.Screen(columns, lines)
        self._stream = pyte.ByteStream(self._screen)
        self.pid, self._master = pty.fork()
        if self.pid == 0:
            os.chdir(folder)
            signal.signal(signal.SIGINT, signal.SIG_DFL)  # a shell has it ignored by what it runs in the background
            os.execvpe(argv[0], list(argv), dict(environ))
        fcntl.ioctl(self._master, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
        os.kill(self.pid, signal.SIGWINCH)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._status is None:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        os.close(self._master)

    _status: int | None = None

    @property
    def text(self) -> str:
        """What the screen shows now."""
        while self.raw.rfind(FRAMES[2]) > self.raw.rfind(FRAMES[3]) and self.pump(1):
            pass
        rows = (self._screen.buffer[line] for line in range(self._screen.lines))
        return "\n".join("".join(row[column].data for column in range(self._screen.columns)) for row in rows)

    @property
    def cells(self) -> list[tuple[object, ...]]:
        """What the screen shows now, and how: of a blank its background alone."""
        rows = (self._screen.buffer[line] for line in range(self._screen.lines))
        cells = (row[column] for row in rows for column in range(self._screen.columns))
        return [tuple(found) if found.data != " " or found.reverse else (found.data, found.bg) for found in cells]

    def background(self, line: int) -> str:
        """The background of the middle of a line."""
        return str(self._screen.buffer[line][self._screen.columns // 2].bg)

    def resize(self, columns: int, lines: int) -> None:
        """Give the terminal another size."""
        self._screen.resize(lines, columns)
        fcntl.ioctl(self._master, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
        os.kill(self.pid, signal.SIGWINCH)

    def hang_up(self) -> None:
        """Go away, as a terminal does whose window is closed or whose ssh is cut."""
        os.close(self._master)
        self._master = os.open(os.devnull, os.O_RDWR)

    def send(self, keys: str) -> None:
        """Type."""
        os.write(self._master, keys.encode())

    def pump(self, seconds: float = 0.05) -> bool:
        """Read what the program writes for a while; False once it has closed its terminal."""
        ready, _, _ = select.select([self._master], [], [], seconds)
        if not ready:
            return True
        try:
            found = os.read(self._master, 65536)
        except OSError:
            return False
        if FRAMES[0] in self.raw[-len(FRAMES[0]) :] + found:
            self.send(FRAMES[1])
        self.raw += found
        self._stream.feed(found)
        return bool(found)

    def wait_for(self, text: str, *, seconds: float = 90) -> None:
        """Wait until the screen shows a text."""
        end = time.monotonic() + seconds
        while text not in self.text:
            going = self.pump() and time.monotonic() < end
            assert going, f"{text!r} never showed; the screen is:\n{self.text}"

    def wait_gone(self, text: str, *, seconds: float = 90) -> None:
        """Wait until the screen does not show a text any more."""
        end = time.monotonic() + seconds
        while text in self.text:
            going = self.pump() and time.monotonic() < end
            assert going, f"{text!r} never went; the screen is:\n{self.text}"

    def wait_until(self, holds: Callable[[], bool], *, seconds: float = 30) -> None:
        """Wait until something holds, and read what the program writes meanwhile."""
        end = time.monotonic() + seconds
        while not holds():
            going = self.pump() and time.monotonic() < end
            assert going, f"it never held; the screen is:\n{self.text}"

    def settle(self, *, quiet: float = 0.3, seconds: float = 10) -> None:
        """Wait until the program has written nothing for a while."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            before = len(self.raw)
            stop = time.monotonic() + quiet
            while time.monotonic() < stop:
                self.pump(0.02)
            if len(self.raw) == before:
                return

    def wait_exit(self, *, seconds: float = 90) -> int:
        """Wait for the program to end and return its exit code."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.pump(0.02)
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self._status = status
                while select.select([self._master], [], [], 0)[0] and self.pump(0):
                    pass
                return os.waitstatus_to_exitcode(status)
        raise AssertionError(f"the program did not end; the screen is:\n{self.text}")
