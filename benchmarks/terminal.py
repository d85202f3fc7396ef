"""A program in a pseudo-terminal, watched by the clock: when what is shown, and how many bytes were written for it."""

import fcntl
import os
import pty
import re
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

QUERY = re.compile(
    rb"\x1b\[0?(?P<attributes>c)|\x1b\[6(?P<cursor>n)|\x1b\[5(?P<status>n)"
    rb"|\x1b\[\?(?P<mode>[0-9]+)\$p|\x1b\](?P<colour>1[01]);\?(?:\x07|\x1b\\)"
)
"""What programs ask a terminal, and wait for: its kind, the cursor's place, its state, a mode, its colours."""

LONGEST_QUERY = 32

ANSWERS = {
    "attributes": b"\x1b[?62;22c",
    "cursor": b"\x1b[1;1R",
    "status": b"\x1b[0n",
    "mode": b"\x1b[?%s;0$y",
    "colour": b"\x1b]%s;rgb:%s\x1b\\",
}
"""What a plain terminal says to that: none of the modes that are asked for is known to it."""

OWN_SCREEN = b"\x1b[?1049h"
COLOURS = {b"10": b"dddd/dddd/dddd", b"11": b"0000/0000/0000"}
UNSEEN = re.compile(rb"\x1b(?:\[[0-?]*[ -/]*[@-~]|[\]P_^X][^\x07\x1b]*(?:\x07|\x1b\\)|[ -/]*[0-~])|[\x00-\x1f]")
"""Escape sequences, and what else takes no place on the screen."""


class Run:
    """One run of a program in an 80x24 terminal.

    Attributes:
        begun: When it was started, by `time.perf_counter`.
        pid: Its process.
        written: What it has written and was read.
        last: When something was read last, by `time.perf_counter`.
    """

    def __init__(
        self,
        argv: Sequence[str],
        environ: Mapping[str, str],
        *,
        size: tuple[int, int] = (80, 24),
        longest: float = LONGEST,
    ) -> None:
        self.written = bytearray()
        self._longest = longest
        self._asked = 0
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
            if not self._read(self._longest - (time.perf_counter() - self.begun)):
                raise RuntimeError(f"{text!r} was never written, but {bytes(self.written[-2000:])!r}")
        return time.perf_counter() - self.begun

    def painted(self) -> float:
        """Wait for the first frame with words in it on a screen of its own; gives the seconds from the start."""
        while not re.search(rb"[A-Za-z]{3}", UNSEEN.sub(b"", self.written.partition(OWN_SCREEN)[2])):
            if not self._read(self._longest - (time.perf_counter() - self.begun)):
                raise RuntimeError(f"nothing was painted, but {bytes(self.written[-200:])!r} was written")
        return time.perf_counter() - self.begun

    def answer(self, keys: str) -> float:
        """Type, and wait for what is painted; gives the seconds between."""
        begun = time.perf_counter()
        self.send(keys)
        if not self._read(self._longest):
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
        while self._read(self._longest):
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
        self._reply()
        return bool(found)

    def _reply(self) -> None:
        """Answer what the program asked its terminal."""
        for query in QUERY.finditer(self.written, self._asked):
            kind, said = str(query.lastgroup), query[str(query.lastgroup)]
            values = {"mode": (said,), "colour": (said, COLOURS.get(said, b""))}.get(kind, ())
            os.write(self._master, ANSWERS[kind] % values)
            self._asked = query.end()
        self._asked = max(self._asked, len(self.written) - LONGEST_QUERY)
