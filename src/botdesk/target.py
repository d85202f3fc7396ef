"""Where a secret may go: the clipboard, a new file, a command's stdin, or stdout."""

import os
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from botdesk import wording
from botdesk.errors import InvalidInput

LONGEST_TARGET: Final = 400
"""How many characters the audit keeps of where a secret went."""

_OF_A_SHELL: Final = frozenset({"|", "||", "&", "&&", ";", "<", ">", ">>", "2>"})
_FORMS: Final = "clipboard, file:PATH, command:'PROGRAM ARGUMENT …' or stdout"


@dataclass(frozen=True, slots=True)
class Clipboard:
    """The operator's clipboard."""

    words = "clipboard"


@dataclass(frozen=True, slots=True)
class File:
    """A new file with mode 0600."""

    path: Path

    @property
    def words(self) -> str:
        """What the audit says: `file:/run/secrets/ci`."""
        return f"file:{self.path}"


@dataclass(frozen=True, slots=True)
class Command:
    """The stdin of a command; its arguments are not told, they may be sensitive."""

    argv: tuple[str, ...]

    @property
    def words(self) -> str:
        """What the audit says: `command:vault`."""
        return f"command:{Path(self.argv[0]).name}"


@dataclass(frozen=True, slots=True)
class Stdout:
    """Standard output, when it is no terminal."""

    words = "stdout"


Target = Clipboard | File | Command | Stdout


def parse_target(text: str) -> Target:
    """Read a target: `clipboard`, `file:PATH`, `command:ARGV` or `stdout`.

    Raises:
        InvalidInput: It is none of them, or not one that the audit can keep.
    """
    target = _parse(text)
    wording.clean(target.words, "target", longest=LONGEST_TARGET, required=True)
    return target


def _parse(text: str) -> Target:
    kind, _, rest = text.strip().partition(":")
    if kind == "clipboard" and not rest:
        return Clipboard()
    if kind == "stdout" and not rest:
        return Stdout()
    if kind == "file" and rest.strip():
        return File(Path(os.path.abspath(os.path.expanduser(rest.strip()))))  # noqa: PTH100, PTH111
    if kind == "command" and rest.strip():
        return Command(_argv(rest))
    raise InvalidInput(f"{text[:40]!a} is no target for a secret", hint=f"use {_FORMS}")


def _argv(text: str) -> tuple[str, ...]:
    try:
        argv = tuple(shlex.split(text))
    except ValueError:
        raise InvalidInput("the command has a quote without its end", hint="as in command:'vault kv put …'") from None
    for word in argv:
        if word in _OF_A_SHELL:
            raise InvalidInput(
                f"no shell reads the command, so {word!r} means nothing in it",
                hint="""have one read it: command:'sh -c "… | …"'""",
            )
    return argv
