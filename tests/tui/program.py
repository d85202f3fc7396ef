"""The program as its user starts it, in a real pseudo-terminal."""

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.terminal import Terminal


def environ(home: Path, **more: str) -> dict[str, str]:
    """The environment of an operator who came in by ssh: the clipboard is the terminal's."""
    (home / "tmp").mkdir(exist_ok=True)
    return {
        "HOME": str(home),
        "TMPDIR": str(home / "tmp"),
        "PATH": os.environ["PATH"],
        "TERM": "xterm-256color",
        "LANG": "C.UTF-8",
        "SSH_CONNECTION": "192.0.2.7 51234 192.0.2.1 22",
        "XDG_STATE_HOME": str(home / "state"),
        "BOTDESK_ARGON2_MEMORY_KIB": "64",
        "BOTDESK_ARGON2_PASSES": "1",
        **more,
    }


def started(store: str | Path, variables: Mapping[str, str], *, size: tuple[int, int] = (80, 24)) -> Terminal:
    """The program on a store, started at home: whatever it leaves about, lies there."""
    words, home = command("--store", str(store)), variables["HOME"]
    return Terminal(words, variables, columns=size[0], lines=size[1], folder=home)


def command(*words: str) -> Sequence[str]:
    """The words that start botdesk."""
    return [sys.executable, "-m", "botdesk", *words]
