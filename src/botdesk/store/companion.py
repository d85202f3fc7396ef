"""A process beside this one, that walks a stretch of the chain by itself; it reads, and its word is taken as a stretch.

It is a Python of its own that is told by its stdin what to do, so that neither an argument nor an environment variable
shows a password, and whatever program uses botdesk as a library is not started a second time.
"""

import json
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import Final, Self

from sqlalchemy import URL, make_url

from botdesk.store import engine, stretch
from botdesk.store.chain import Head
from botdesk.store.stretch import Stretch

_PATIENCE: Final = 0.2


class Companion:
    """Another process at work; use it as a context manager.

    Attributes:
        events: How many events it has walked so far.
    """

    def __init__(self, url: URL, begin: Head, until: int) -> None:
        """Start it.

        Args:
            url: The store.
            begin: The event after which it begins.
            until: The sequence of the last event.
        """
        self.events = 0
        self._begin = begin
        self._told = ""
        asked = {"url": url.render_as_string(hide_password=False), "begin": str(begin), "until": until}
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", __name__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            text=True,
            encoding="utf-8",
            errors="surrogatepass",
        )
        self._reader = threading.Thread(target=self._listen, args=(json.dumps(asked),), daemon=True)
        self._reader.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.wait()
        self._reader.join()

    def _listen(self, asked: str) -> None:
        """Ask, and hear what it says; one that dies at once, or says something else, has told nothing."""
        with suppress(OSError, ValueError):
            self._hear(asked)

    def _hear(self, asked: str) -> None:
        assert self._process.stdin
        assert self._process.stdout
        with self._process.stdin as asks, self._process.stdout as tells:
            asks.write(asked)
            asks.close()
            for line in tells:
                if line.isspace() or line[0] == "{":
                    self._told = line
                else:
                    self.events = int(line)

    def result(self, waiting: Callable[[], None]) -> Stretch | None:
        """Wait for what it found; None when it failed or found anything wrong, so that it is to be seen for oneself.

        Args:
            waiting: Called now and then meanwhile; it may raise, to wait no longer.
        """
        while self._reader.is_alive():
            self._reader.join(_PATIENCE)
            waiting()
        if self._process.wait() or not self._told:
            return None
        told = json.loads(self._told)
        found = Stretch(Head.parse(told["last"]), events=told["events"], first=told["first"], end=told["end"])
        return None if found.events != found.last.sequence - self._begin.sequence else found


def main() -> None:
    """Walk what stdin asks for, and tell stdout: the number of events now and then, at the end the stretch."""
    asked = json.loads(sys.stdin.read())
    url, begin = make_url(asked["url"]), Head.parse(asked["begin"])
    opened = engine.of(url).open_engine(url, create=False, make_folder=False)
    found = Stretch(begin)
    with opened.connect() as connection:
        rows = stretch.read(connection, after=begin.sequence, until=asked["until"])
        found.walk(rows, lambda events: print(events, flush=True))  # noqa: T201
    if found.findings:
        sys.exit(1)
    told = {"last": str(found.last), "events": found.events, "first": found.first, "end": found.end}
    print(json.dumps(told))  # noqa: T201


if __name__ == "__main__":
    main()
