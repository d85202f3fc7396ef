"""The gate as one or several processes that share a place to listen at."""

import contextlib
import os
import resource
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Final

from botdesk.errors import BotdeskError
from botdesk.gate.figures import Board
from botdesk.gate.server import GRACE_SECONDS, serve
from botdesk.gate.turn import Turn
from botdesk.settings import Settings

STOPPING: Final = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
FAST_SECONDS: Final = 2.0
"""A worker that gives up sooner than this is started again only after as long; one that was killed, at once."""

Say = Callable[[str], None]


def run(settings: Settings, listening: socket.socket, *, log: bool, say: Say) -> None:
    """Answer with as many workers as the settings say, until a signal says stop.

    Args:
        settings: How the desk and the gate behave.
        listening: Where requests come in.
        log: Whether answers are logged to stdout.
        say: Tells the operator something.

    Raises:
        BotdeskError: The desk cannot be opened.
    """
    _raise_limit()
    board = Board(settings.gate_workers)
    if settings.gate_workers == 1:
        serve(settings, listening, board, contextlib.nullcontext(), log=log)
        return
    with contextlib.closing(Turn()) as turn:

        def work(worker: int) -> None:
            serve(settings, listening, board, turn, worker=worker, log=log)

        Crew(work, settings.gate_workers, say).run()


class Crew:
    """Some worker processes; one that ends is started again, until a signal says stop.

    Args:
        work: What a worker does, by its number.
        size: How many there are.
        say: Tells the operator something.
    """

    def __init__(self, work: Callable[[int], None], size: int, say: Say) -> None:
        self._work = work
        self._size = size
        self._say = say
        self._at_work: dict[int, tuple[int, float]] = {}
        self._stopping = False
        self._lifeline = os.pipe()

    def run(self) -> None:
        """Keep all workers at work until a signal says stop, then see them off."""
        for number in STOPPING:
            signal.signal(number, self._stop)
        for worker in range(self._size):
            self._start(worker)
        while self._at_work:
            self._wait()

    def _stop(self, number: int, frame: FrameType | None) -> None:
        if not self._stopping:
            self._stopping = True
            signal.signal(signal.SIGALRM, lambda *_: self._signal(signal.SIGKILL))
            signal.alarm(GRACE_SECONDS + 5)
        self._signal(signal.SIGTERM)

    def _signal(self, number: int) -> None:
        for pid in list(self._at_work):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)

    def _start(self, worker: int) -> None:
        with _held_back():
            if self._stopping:
                return
            pid = os.fork()
            if pid == 0:
                self._be(worker)
            self._at_work[pid] = (worker, time.monotonic())

    def _be(self, worker: int) -> None:
        """Be a worker, to the end of the process; nothing of the parent runs in it any more."""
        code = 1
        try:
            for number in STOPPING:
                signal.signal(number, signal.SIG_DFL)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, STOPPING)
            os.close(self._lifeline[1])
            threading.Thread(target=_follow, args=(self._lifeline[0],), daemon=True).start()
            self._work(worker)
            code = 0
        except BotdeskError as error:
            self._say(f"worker {worker}: {error.message}")
        except Exception as error:
            self._say(f"worker {worker}: internal error: {type(error).__name__}")
        finally:
            for stream in (sys.stdout, sys.stderr):
                with contextlib.suppress(OSError, ValueError, AttributeError):
                    stream.flush()
            os._exit(code)

    def _wait(self) -> None:
        pid, status = os.wait()
        worker, since = self._at_work.pop(pid)
        if self._stopping:
            return
        self._say(f"worker {worker} ended ({_told(status)}); it is started again")
        if not os.WIFSIGNALED(status) and time.monotonic() - since < FAST_SECONDS:
            time.sleep(FAST_SECONDS)
        self._start(worker)


def _told(status: int) -> str:
    code = os.waitstatus_to_exitcode(status)
    return f"exit code {code}" if code >= 0 else signal.Signals(-code).name


def _follow(lifeline: int) -> None:
    """Stop when the parent is gone: nobody would stop or replace this worker."""
    os.read(lifeline, 1)
    os.kill(os.getpid(), signal.SIGTERM)


@contextlib.contextmanager
def _held_back() -> Iterator[None]:
    """Hold signals back, so that none comes between a fork and its being known."""
    signal.pthread_sigmask(signal.SIG_BLOCK, STOPPING)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, STOPPING)


def _raise_limit() -> None:
    """Take as many open files as the system lets this process have."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
