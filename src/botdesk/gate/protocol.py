"""HTTP/1.1 for uvicorn by httptools, with bounds: how long the head of a request may be, and how long it may take."""

import asyncio
from asyncio import TimerHandle
from typing import Any, Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

MOST_HEAD_BYTES: Final = 16 * 1024
LONGEST_SECONDS: Final = 10.0

_TOO_LARGE: Final = b"HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
_TOO_SLOW: Final = b"HTTP/1.1 408 Request Timeout\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"


class BoundedProtocol(HttpToolsProtocol):
    """uvicorn's protocol, which itself has no bound on the head of a request."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._in_head = True
        self._head_bytes = 0
        self._patience: TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for the first request."""
        super().connection_made(transport)
        self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no more."""
        self._stop_waiting()
        super().connection_lost(exc)

    def on_message_begin(self) -> None:
        """Begin to read a head."""
        self._in_head = True
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """Refuse a head that is too large, though it came in one piece."""
        self._in_head = False
        self._stop_waiting()
        if self._head_bytes > MOST_HEAD_BYTES and _size(self.url, self.headers) > MOST_HEAD_BYTES:
            raise ValueError("the head is too large")
        self._head_bytes = 0
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """Begin to wait for the next head."""
        super().on_message_complete()
        self._in_head, self._head_bytes = True, 0

    def data_received(self, data: bytes) -> None:
        """Read on, unless there is too much of a head already."""
        if self._in_head:
            self._head_bytes += len(data)
        super().data_received(data)
        if self._in_head and self._head_bytes > MOST_HEAD_BYTES:
            self._end(_TOO_LARGE)
        elif self._in_head and self._head_bytes and self._patience is None:
            self._wait()

    def send_400_response(self, msg: str) -> None:
        """Say that a request is malformed, or that its head is too large."""
        if self._head_bytes > MOST_HEAD_BYTES:
            self._end(_TOO_LARGE)
        else:
            super().send_400_response(msg)

    def _wait(self) -> None:
        self._patience = self.loop.call_later(LONGEST_SECONDS, self._give_up)

    def _give_up(self) -> None:
        self._end(_TOO_SLOW if self._head_bytes else b"")

    def _stop_waiting(self) -> None:
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None

    def _end(self, said: bytes) -> None:
        if not self.transport.is_closing():
            self.transport.write(said)
            self.transport.close()


def _size(url: bytes, headers: list[tuple[bytes, bytes]]) -> int:
    return len(url) + sum(len(name) + len(value) + 4 for name, value in headers)
