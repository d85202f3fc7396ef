"""The first rows, read by a process of its own while this one gets its screen ready, if a processor has nothing to do.

Textual and the store take as long to import as each other. The scout is a fork that opens the store as it is, asks
as the operator does, and tells what it found as text. It writes no row; whatever it cannot do is left to the opening of
the desk, which goes on meanwhile and has the last word.
"""

import asyncio
import contextlib
import json
import os
import shutil
import signal
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple, NoReturn, Self

if TYPE_CHECKING:
    from botdesk.remote import Entry
    from botdesk.settings import Settings

FIRST_SCREEN: Final = "accounts"
"""The screen that is shown first, unless another was shown last."""

MOST: Final = 200
"""How many rows it tells at the most, however tall the terminal is."""

LONGEST_SECONDS: Final = 3
"""After how long it ends without a word: by then the desk is open, or something is amiss."""

NICE: Final = 5
"""How far it stands back where processors are busy all the same."""

LOAD: Final = Path("/proc/loadavg")


class Found(NamedTuple):
    """What the list of accounts begins with: of each row its key and its cells, each as text and tone; and how many."""

    rows: Sequence[tuple[str, Sequence[tuple[str, str]]]]
    total: int


class Scout:
    """A process that was sent for the first rows."""

    def __init__(self, pid: int, told: int) -> None:
        """Take charge of it.

        Args:
            pid: The process.
            told: The file descriptor to read from what it tells.
        """
        self._pid: int | None = pid
        self._told = os.fdopen(told, "rb")

    @classmethod
    def sent(cls, settings: "Settings", *, acting_as: str | None, entry: "Entry | None") -> Self | None:
        """Send one; none where the rows would be no sooner there for it. There is but one thread yet."""
        if not _has_idle_processor():
            return None
        told, tell = os.pipe()
        try:
            pid = os.fork()
        except OSError:
            os.close(told)
            os.close(tell)
            return None
        if pid == 0:
            os.close(told)
            _run(tell, settings, acting_as, entry)
        os.close(tell)
        return cls(pid, told)

    async def found(self) -> Found | None:
        """Wait for what it tells; None when it found nothing, or was called back."""
        reader = asyncio.StreamReader()
        loop = asyncio.get_running_loop()
        pipe, _ = await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), self._told)
        try:
            told = json.loads(await reader.read())
        except ValueError:
            return None
        finally:
            pipe.close()
            self.recall()
        return Found(*told)

    def recall(self) -> None:
        """End it, if it has not ended by itself; more than once is no harm."""
        pid, self._pid = self._pid, None
        if pid is not None:
            with contextlib.suppress(ProcessLookupError, ChildProcessError):
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)
        self._told.close()


def _has_idle_processor() -> bool:
    """Whether fewer processes run now than this one may have processors; where that is not told, no."""
    try:
        running = int(LOAD.read_text("ascii").split()[3].partition("/")[0])
    except (OSError, ValueError, IndexError):
        return False
    return running < len(os.sched_getaffinity(0))


def _run(tell: int, settings: "Settings", acting_as: str | None, entry: "Entry | None") -> NoReturn:
    """Be the scout: never return to what the other process does, and never write to its terminal."""
    with contextlib.suppress(BaseException):
        signal.alarm(LONGEST_SECONDS)
        os.nice(NICE)
        lines = shutil.get_terminal_size().lines
        nowhere = os.open(os.devnull, os.O_RDWR)
        for stream in range(3):
            os.dup2(nowhere, stream)
        found = _look(settings, acting_as, entry, lines)
        said = json.dumps(found).encode() if found else b""
        while said:
            said = said[os.write(tell, said) :]
    os._exit(0)


def _look(settings: "Settings", acting_as: str | None, entry: "Entry | None", lines: int) -> Found | None:
    """Read the first rows that the screen of accounts will show; None if another screen or a filter is to come."""
    from botdesk import statefile
    from botdesk.tui.memory import Memory

    memory = Memory.load(settings.state_dir / statefile.MEMORY)
    if memory.screen not in ("", FIRST_SCREEN) or memory.filters.get(FIRST_SCREEN):
        return None
    from botdesk import accounts
    from botdesk.desk import Desk
    from botdesk.tui import render
    from botdesk.tui.widgets import listing

    if entry is None:
        desk = Desk.open(settings=settings, acting_as=acting_as, as_is=True)
    else:
        desk = Desk.enter(entry, settings=settings, as_is=True)
    with desk, desk.read() as tx:
        page = accounts.page(tx, limit=max(listing.FIRST, min(lines, MOST)))
        rows = [
            (line.account.id, [(cell.text, cell.tone) for cell in render.account(line, tx.now)]) for line in page.rows
        ]
        return Found(rows, page.total)
