"""The command line in this process and in real ones, on a real store of the test's own."""

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from botdesk.__main__ import start
from tests.stores import Stores
from tests.terminal import Terminal


@dataclass(frozen=True)
class Ran:
    """What a command did: its exit code, and what it printed."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Run = Callable[..., Ran]


@pytest.fixture
def place(stores: Stores, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The name of a store that is not there yet; the environment has it, and light argon2id."""
    (tmp_path / "desk").mkdir(mode=0o700)
    store = stores.new(tmp_path / "desk")
    for name, value in surroundings(tmp_path, store).items():
        monkeypatch.setenv(name, value)
    for name in ("COLUMNS", "LINES", "NO_COLOR", "SSH_CONNECTION", "SSH_TTY", "TMUX", "DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    yield store
    stores.drop(store)


@pytest.fixture
def store(place: str) -> Path:
    """That store as the file that it is."""
    return Path(place)


def surroundings(folder: Path, store: str) -> dict[str, str]:
    return {
        "BOTDESK_STORE": store,
        "BOTDESK_STATE_DIR": str(folder / "state"),
        "BOTDESK_CONFIG": str(folder / "config.toml"),
        "BOTDESK_ARGON2_MEMORY_KIB": "8",
        "BOTDESK_ARGON2_PASSES": "1",
        "HOME": str(folder),
    }


@pytest.fixture
def botdesk(place: str, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run a command in this process."""

    def run(*words: str | Path) -> Ran:
        code = start([str(word) for word in words])
        out, err = capsys.readouterr()
        return Ran(code, out, err)

    return run


@pytest.fixture
def desk(botdesk: Run) -> Run:
    """The same, on a desk with the account `nightly-build` and its scope `catalog:read`."""
    made = botdesk("account", "create", "nightly-build", "--purpose", "ci", "--scope", "catalog:read deploy:write")
    assert made.code == 0, made.err
    return botdesk


@pytest.fixture
def shell(place: str) -> Run:
    """Run a command in a process of its own, without a terminal."""

    def run(*words: str | Path, more: Mapping[str, str] | None = None) -> Ran:
        done = subprocess.run(
            command(*words), capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL, env=clean_env(more)
        )
        return Ran(done.returncode, done.stdout, done.stderr)

    return run


def command(*words: str | Path) -> list[str]:
    return [sys.executable, "-m", "botdesk", *map(str, words)]


def clean_env(more: Mapping[str, str] | None = None) -> dict[str, str]:
    return {**os.environ, "TERM": "xterm-256color", **(more or {})}


@pytest.fixture
def terminal(place: str) -> Iterator[Callable[..., Terminal]]:
    """Run a command in a real pseudo-terminal."""
    with contextlib.ExitStack() as opened:

        def run(*words: str | Path, more: Mapping[str, str] | None = None) -> Terminal:
            return opened.enter_context(Terminal(command(*words), clean_env(more)))

        yield run


def said(terminal: Terminal) -> str:
    """Everything that was written to the terminal."""
    return terminal.raw.decode(errors="replace")
