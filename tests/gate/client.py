"""A client that keeps its connection and knows which process answers it."""

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Self

from tests.gate.house import PATIENCE


class Client:
    """One kept connection to a gate."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def connected(cls, port: int) -> Self:
        return cls(*await asyncio.open_connection("127.0.0.1", port))

    async def ask(self, token: str, path: str = "/verify", **headers: str) -> int:
        """Send a request and read the whole answer; gives its status."""
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        self._writer.write(f"GET {path} HTTP/1.1\r\nAuthorization: Bearer {token}\r\n{lines}\r\n".encode())
        async with asyncio.timeout(PATIENCE):
            head = await self._reader.readuntil(b"\r\n\r\n")
            length = re.search(rb"content-length: (\d+)", head)
            assert length is not None
            await self._reader.readexactly(int(length[1]))
        return int(head.split(b" ", 2)[1])

    def answered_by(self, pids: list[int]) -> int:
        """Which of these processes holds the other end; the kernel knows."""
        own, other = (self._writer.get_extra_info(name)[1] for name in ("sockname", "peername"))
        inode = _inode(other, own)
        return next((pid for pid in pids if f"socket:[{inode}]" in _sockets(pid)), 0)

    async def close(self) -> None:
        self._writer.close()
        with contextlib.suppress(OSError):
            await self._writer.wait_closed()


@contextlib.asynccontextmanager
async def clients(port: int, count: int) -> AsyncIterator[list[Client]]:
    made = [await Client.connected(port) for _ in range(count)]
    try:
        yield made
    finally:
        for client in made:
            await client.close()


def _inode(local: int, remote: int) -> str:
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        words = line.split()
        if [int(end.partition(":")[2], 16) for end in words[1:3]] == [local, remote]:
            return words[9]
    return ""


def _sockets(pid: int) -> set[str]:
    found = set()
    with contextlib.suppress(OSError):
        for link in Path(f"/proc/{pid}/fd").iterdir():
            with contextlib.suppress(OSError):
                found.add(str(link.readlink()))
    return found
