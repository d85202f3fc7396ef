"""The access log: a line of JSON for each answer, without a token in it.

Lines are written by a thread of their own, so that a slow reader of the log never holds an answer up; when it is
too slow, lines are dropped and counted. The audit is the record of uses; this is for whoever operates the gate.
"""

import json
import os
import threading
import time
from collections import deque
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from botdesk.ledger import cleaned
from botdesk.verdict import Answer

MOST_LINES: Final = 10_000
EVERY_SECONDS: Final = 0.05
ATOMIC_BYTES: Final = 4096
"""What a pipe takes in one piece, so that the lines of several workers do not mix."""


@dataclass(slots=True)
class Entry:
    """What the log says of one request; filled while it is answered.

    Attributes:
        endpoint: The gate's own path.
        started: When it came, by `time.perf_counter`.
        address: The client's address.
        method: The method that was asked about, or the request's own.
        path: The path that was asked about, if any.
        account: The account's name, when the token is one of this desk.
        token: The lookup id of such a token.
        reason: Why it was refused, or what went wrong.
    """

    endpoint: str
    started: float
    address: str = ""
    method: str | None = None
    path: str | None = None
    account: str = ""
    token: str = ""
    reason: str = ""

    def tell(self, answer: Answer) -> None:
        """Note whose token it was and why it was refused."""
        self.account, self.token = answer.account, answer.token_id
        self.reason = answer.refusal.value if answer.refusal else ""


class Journal:
    """Writes entries to a file descriptor.

    Args:
        descriptor: Where to; None to write nothing.

    Attributes:
        dropped: How many lines were dropped.
    """

    def __init__(self, descriptor: int | None) -> None:
        self.dropped = 0
        self._descriptor = descriptor
        self._waiting: deque[tuple[float, int, float, Entry]] = deque()
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._work, name="journal", daemon=True)
        if descriptor is not None:
            self._thread.start()

    def note(self, status: int, seconds: float, entry: Entry) -> None:
        """Have one answer written."""
        if self._descriptor is None:
            return
        if len(self._waiting) >= MOST_LINES:
            self.dropped += 1
            return
        self._waiting.append((time.time(), status, seconds, entry))

    def close(self) -> None:
        """Write what waits, and stop."""
        self._closed.set()
        if self._thread.ident is not None:
            self._thread.join()

    def _work(self) -> None:
        while not self._closed.wait(EVERY_SECONDS):
            self._write()
        self._write()

    def _write(self) -> None:
        piece = b""
        for _ in range(len(self._waiting)):
            line = _line(*self._waiting.popleft())
            if len(piece) + len(line) > ATOMIC_BYTES:
                self._put(piece)
                piece = b""
            piece += line
        self._put(piece)

    def _put(self, piece: bytes) -> None:
        """Write a piece; when nobody reads it or the disk is full, it is lost and the gate goes on."""
        if piece and self._descriptor is not None:
            with suppress(OSError):
                os.write(self._descriptor, piece)


def _line(at: float, status: int, seconds: float, entry: Entry) -> bytes:
    told: dict[str, Any] = {
        "at": datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds"),
        "endpoint": cleaned(entry.endpoint, 64),
        "status": status,
        "address": cleaned(entry.address, 64),
        "method": cleaned(entry.method, 16) if entry.method else None,
        "path": cleaned(entry.path, 200) if entry.path else None,
        "account": entry.account or None,
        "token": entry.token or None,
        "reason": entry.reason or None,
        "ms": round(seconds * 1000, 2),
    }
    return json.dumps({name: value for name, value in told.items() if value is not None}).encode() + b"\n"
