"""Give a secret away, exactly once: to the clipboard, a 0600 file, a command's stdin or a pipe.

No exception that leaves this module has the secret in a frame's locals: what failed inside is reduced to words before
an error is raised, outside of any `except`.
"""

import base64
import contextlib
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal

from botdesk import clipboard
from botdesk.bearer import LEAKED, Entropy, Fingerprint, Secret
from botdesk.clipboard import Write
from botdesk.clipboard import advice as clipboard_advice
from botdesk.clipboard import way as clipboard_way
from botdesk.errors import HandoffFailed, InvalidInput

COMMAND_SECONDS: Final = 60
MOST_SAID: Final = 500
_FORMS: Final = "clipboard, file:PATH, command:'PROGRAM ARGUMENT …' or stdout"
_UNSAFE: Final = re.compile(r"[^\x20-\x7e]+")

Method = Literal["native", "osc52", "file", "command", "stdout"]


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
        InvalidInput: It is none of them.
    """
    kind, _, rest = text.strip().partition(":")
    if kind == "clipboard" and not rest:
        return Clipboard()
    if kind == "stdout" and not rest:
        return Stdout()
    if kind == "file" and rest.strip():
        return File(Path(os.path.abspath(Path(rest.strip()).expanduser())))  # noqa: PTH100
    if kind == "command" and rest.strip():
        return Command(_argv(rest))
    raise InvalidInput(f"{text[:40]!a} is no target for a secret", hint=f"use {_FORMS}")


def _argv(text: str) -> tuple[str, ...]:
    try:
        return tuple(shlex.split(text))
    except ValueError:
        raise InvalidInput("the command has a quote without its end", hint="as in command:'vault kv put …'") from None


@dataclass(frozen=True, slots=True)
class Clearing:
    """Clears the clipboard later, without keeping the secret."""

    method: Literal["native", "osc52"]
    fingerprint: Fingerprint
    write: Write = field(repr=False)
    environ: Mapping[str, str] = field(repr=False)

    def clear(self) -> bool:
        """Clear the clipboard; natively only while it still holds that secret.

        Returns:
            True when it was cleared, or asked of the terminal; False when it held something else or cannot be told.
        """
        if self.method == "osc52":
            self.write(clipboard.clearing_sequence(self.environ))
            return True
        held = clipboard.paste_native(self.environ)
        return held is not None and self.fingerprint.matches(held) and clipboard.clear_native(self.environ)


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of a secret that was given away.

    Attributes:
        target_words: Where it went, for the audit: `file:/run/secrets/ci`.
        method: By which means.
        certain: False for OSC 52, which nobody can confirm.
        words: What happened, in plain words.
        hint: What may have to be done for it to arrive; empty when nothing.
        fingerprint: Recognises the secret when it is pasted.
        clearing: How the clipboard is cleared later; None for other targets.
    """

    target_words: str
    method: Method
    certain: bool
    words: str
    hint: str
    fingerprint: Fingerprint
    clearing: Clearing | None = None

    def matches(self, pasted: str) -> bool:
        """Tell whether a pasted text is that secret."""
        return self.fingerprint.matches(pasted.strip())


def give(
    secret: Secret,
    target: Target,
    *,
    write: Write | None = None,
    environ: Mapping[str, str] | None = None,
    method: str = "auto",
    entropy: Entropy = os.urandom,
) -> Receipt:
    """Give a secret to a target.

    Args:
        secret: What to give away.
        target: Where it goes.
        write: Writes an escape sequence to the terminal; to `/dev/tty` by default.
        environ: The environment; the process's own by default.
        method: For the clipboard: `auto`, `native` or `osc52`.
        entropy: Gives n random bytes, for the fingerprint.

    Raises:
        HandoffFailed: Nothing took the secret; another target may be tried.
        InvalidInput: The target is stdout and that is a terminal.
    """
    environ = dict(os.environ) if environ is None else environ
    fingerprint = Fingerprint(secret, entropy)
    failed: HandoffFailed | InvalidInput | None
    match target:
        case Clipboard():
            return _to_clipboard(secret, fingerprint, write or write_tty, environ, method)
        case File(path):
            failed = _write_file(secret, path)
            words = f"written to {path} (mode 0600)"
        case Command(argv):
            failed = _run(secret, argv)
            words = f"given to {Path(argv[0]).name} on its stdin"
        case Stdout():
            failed = _print(secret)
            words = "written to stdout"
    if failed is not None:
        raise failed
    kind: Method = "file" if isinstance(target, File) else "command" if isinstance(target, Command) else "stdout"
    return Receipt(target.words, kind, True, words, "", fingerprint)


def _to_clipboard(
    secret: Secret, fingerprint: Fingerprint, write: Write, environ: Mapping[str, str], method: str
) -> Receipt:
    way = clipboard_way(environ, method)
    if way == "native" and clipboard.copy_native(secret, environ):
        clearing = Clearing("native", fingerprint, write, environ)
        return Receipt("clipboard", "native", True, "copied to the clipboard", "", fingerprint, clearing)
    if method == "native":
        raise HandoffFailed(
            "no clipboard took the secret", hint="install xclip or wl-clipboard, or choose another target"
        )
    if not _sent(write, clipboard.sequence(secret, environ)):
        raise HandoffFailed("there is no terminal to send the secret to", hint="use file:PATH or command:…")
    clearing = Clearing("osc52", fingerprint, write, environ)
    words = "sent to your terminal for its clipboard"
    return Receipt("clipboard", "osc52", False, words, clipboard_advice(environ), fingerprint, clearing)


def _sent(write: Write, sequence: Secret) -> bool:
    with contextlib.suppress(OSError):
        write(sequence.reveal())
        return True
    return False


def write_tty(text: str) -> None:
    """Write to the terminal of this process, wherever stdout goes.

    Raises:
        OSError: There is none.
    """
    descriptor = os.open("/dev/tty", os.O_WRONLY | os.O_NOCTTY | os.O_CLOEXEC)
    try:
        os.write(descriptor, text.encode())
    finally:
        os.close(descriptor)


def _write_file(secret: Secret, path: Path) -> HandoffFailed | None:
    flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        descriptor = os.open(path, flags, 0o600)
    except FileExistsError:
        return HandoffFailed(f"'{path}' is there already", hint="a secret never replaces a file; name another")
    except OSError as error:
        return HandoffFailed(f"'{path}' cannot be made: {error.strerror}", hint="check its folder")
    try:
        os.fchmod(descriptor, 0o600)
        _write_all(descriptor, secret, end=b"\n")
        os.fsync(descriptor)
    except OSError as error:
        path.unlink(missing_ok=True)
        return HandoffFailed(f"'{path}' cannot be written: {error.strerror}", hint="is the disk full?")
    finally:
        os.close(descriptor)
    _sync_folder(path.parent)
    return None


def _write_all(descriptor: int, secret: Secret, *, end: bytes = b"") -> None:
    left = secret.reveal().encode() + end
    while left:
        left = left[os.write(descriptor, left) :]


def _sync_folder(folder: Path) -> None:
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _run(secret: Secret, argv: tuple[str, ...]) -> HandoffFailed | None:
    name = Path(argv[0]).name
    try:
        process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    except OSError as error:
        return HandoffFailed(
            f"'{name}' cannot be started: {error.strerror}", hint="check the command's name and rights"
        )
    taken, said = _feed(process, secret)
    if process.returncode is None:
        process.kill()
        process.wait()
        return HandoffFailed(f"'{name}' took longer than {COMMAND_SECONDS} s", hint="it was ended; try it by hand")
    if process.returncode != 0:
        told = f": {_redacted(said, secret)}" if said.strip() else ""
        return HandoffFailed(
            f"'{name}' failed with {process.returncode}{told}", hint="mend it, or choose another target"
        )
    if not taken:
        return HandoffFailed(f"'{name}' did not read the secret", hint="it must read its stdin")
    return None


def _feed(process: "subprocess.Popen[bytes]", secret: Secret) -> tuple[bool, bytes]:
    """Write the secret to the command, then wait for its end; True when it was all read, and its stderr."""
    assert process.stdin is not None
    taken = False
    with contextlib.suppress(BrokenPipeError):
        _write_all(process.stdin.fileno(), secret)
        taken = True
    with contextlib.suppress(BrokenPipeError):
        process.stdin.close()
    process.stdin = None
    with contextlib.suppress(subprocess.TimeoutExpired):
        return taken, process.communicate(timeout=COMMAND_SECONDS)[1]
    return taken, b""


def _redacted(said: bytes, secret: Secret) -> str:
    text = said.decode("utf-8", "replace")
    for form in (secret.reveal(), base64.b64encode(secret.reveal().encode()).decode()):
        text = text.replace(form, "[redacted]")
    return _UNSAFE.sub(" ", LEAKED.sub("[redacted]", text)).strip()[-MOST_SAID:]


def _print(secret: Secret) -> HandoffFailed | InvalidInput | None:
    if sys.stdout.isatty():
        return InvalidInput(
            "a secret is never shown on a terminal", hint="pipe it into a command, or use --to file:PATH"
        )
    sys.stdout.flush()
    try:
        _write_all(sys.stdout.fileno(), secret, end=b"\n")
    except (OSError, ValueError):
        return HandoffFailed("stdout did not take the secret", hint="is the program behind the pipe still there?")
    return None


__all__ = [
    "Clearing", "Clipboard", "Command", "File", "Receipt", "Stdout", "Target",
    "clipboard_advice", "clipboard_way", "give", "parse_target", "write_tty",
]  # fmt: skip
