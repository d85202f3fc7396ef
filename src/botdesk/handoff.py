"""Give a secret away, exactly once: to the clipboard, a 0600 file, a command's stdin or a pipe.

No exception that leaves this module has the secret in a frame's locals: what failed inside is reduced to words before
an error is raised, outside of any `except`.
"""

import base64
import contextlib
import os
import re
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import IO, Final, Literal

from botdesk import clipboard, wording
from botdesk.bearer import CHECK_LENGTH, SECRET_LENGTH, Entropy, Fingerprint, Secret
from botdesk.clipboard import Write
from botdesk.clipboard import advice as clipboard_advice
from botdesk.clipboard import way as clipboard_way
from botdesk.errors import HandoffFailed, InvalidInput
from botdesk.target import Clipboard, Command, File, Stdout, Target, parse_target

COMMAND_SECONDS: Final = 60
ENDING_SECONDS: Final = 5
"""How long the end of a command is waited for; another user's, as of sudo, cannot be ended."""

MOST_SAID: Final = 500
MOST_HEARD: Final = 4096
PIECE: Final = 8
"""So many characters in a row of the secret are a piece of it."""

_HIDDEN: Final = "\x00"

Method = Literal["native", "osc52", "file", "command", "stdout"]


class Cleared(StrEnum):
    """What became of the clipboard, in words."""

    DONE = "the clipboard was cleared"
    ASKED = "your terminal was asked to clear its clipboard"
    LEFT = "the clipboard held something else and was left alone"
    UNKNOWN = "the clipboard could not be read or cleared: if it may hold the secret, clear it by hand"


@dataclass(frozen=True, slots=True)
class Clearing:
    """Clears the clipboard later, without keeping the secret."""

    method: Literal["native", "osc52"]
    fingerprint: Fingerprint
    write: Write = field(repr=False)
    environ: Mapping[str, str] = field(repr=False)

    def clear(self) -> Cleared:
        """Clear the clipboard; natively only while it still holds that secret."""
        if self.method == "osc52":
            return self._ask()
        held = clipboard.paste_native(self.environ)
        if held is not None and not self.fingerprint.matches(held):
            return Cleared.LEFT
        return Cleared.DONE if held is not None and clipboard.clear_native(self.environ) else Cleared.UNKNOWN

    def _ask(self) -> Cleared:
        try:
            self.write(clipboard.clearing_sequence(self.environ))
        except OSError:
            return Cleared.UNKNOWN
        return Cleared.ASKED


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


def disclosed(secret: Secret) -> str:
    """Give a secret away as the text of an answer to the one who proved to be its owner, over a private line."""
    return secret.reveal()


def give(
    secret: Secret,
    target: Target,
    *,
    write: Write | None = None,
    environ: Mapping[str, str] | None = None,
    method: str = "auto",
    entropy: Entropy = os.urandom,
    patience: float = COMMAND_SECONDS,
    cut: Callable[[], bool] = lambda: False,
) -> Receipt:
    """Give a secret to a target.

    Args:
        secret: What to give away.
        target: Where it goes.
        write: Writes an escape sequence to the terminal; to `/dev/tty` by default.
        environ: The environment; the process's own by default.
        method: For the clipboard: `auto`, `native` or `osc52`.
        entropy: Gives n random bytes, for the fingerprint.
        patience: How many seconds a command may take.
        cut: Asked while a command has it whether nobody waits for that any more.

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
            failed = _run(secret, argv, patience, cut)
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
    refuse_dropped(environ)
    if not _sent(write, clipboard.sequence(secret, environ)):
        raise HandoffFailed("there is no terminal to send the secret to", hint="use file:PATH or command:…")
    clearing = Clearing("osc52", fingerprint, write, environ)
    words = "sent to your terminal for its clipboard"
    return Receipt("clipboard", "osc52", False, words, clipboard_advice(environ), fingerprint, clearing)


def refuse_dropped(environ: Mapping[str, str]) -> None:
    """Refuse to send a secret to a terminal that is known to drop it, for it would be nobody's.

    Raises:
        HandoffFailed: It is in a tmux that passes nothing on.
    """
    if clipboard.tmux_passes(environ) is False:
        raise HandoffFailed(
            "this tmux would drop the secret: allow-passthrough is off",
            hint="run 'tmux set -g allow-passthrough on', or choose a file or a command",
        )


def _sent(write: Write, sequence: Secret) -> bool:
    """Whatever the writer raises has the sequence in its frames, so it ends here."""
    with contextlib.suppress(Exception):
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
        _write_all(descriptor, Secret(text))
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
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    finally:
        os.close(descriptor)
    _sync_folder(path.parent)
    return None


def _write_all(descriptor: int, secret: Secret, *, end: bytes = b"") -> None:
    """Write it all, and never hold it in a local: an interrupt may come between two writes."""
    done, size = 0, len(secret.reveal().encode() + end)
    while done < size:
        done += os.write(descriptor, (secret.reveal().encode() + end)[done:])


def _sync_folder(folder: Path) -> None:
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _run(secret: Secret, argv: tuple[str, ...], patience: float, cut: Callable[[], bool]) -> HandoffFailed | None:
    """Give it to a command, in a session of its own; what it began ends with it when it did not take the secret."""
    name = Path(argv[0]).name
    reading, writing = os.pipe()
    with os.fdopen(reading, "rb", 0) as theirs, os.fdopen(writing, "wb", 0) as ours:
        try:
            process = subprocess.Popen(
                argv,
                stdin=theirs,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                bufsize=0,
                start_new_session=True,
            )
        except (OSError, ValueError) as error:
            why = error.strerror if isinstance(error, OSError) else "no program has such a name"
            return HandoffFailed(f"'{name}' cannot be started: {why}", hint="check the command's name and rights")
        try:
            _write_all(ours.fileno(), secret)
            ours.close()
            said = _listen(process, time.monotonic() + patience, cut)
            ended, left = process.poll(), _unread(theirs.fileno())
            late = "was cut off" if cut() else f"took longer than {patience:g} s"
            failed = _complaint(name, ended, _redacted(said, secret), left=left, late=late)
        except BaseException:
            _end(process, ours, theirs)
            raise
        if failed is not None:
            _end(process, ours, theirs)
        _hang_up(process)
    return failed


def _complaint(name: str, ended: int | None, said: str, *, left: int, late: str) -> HandoffFailed | None:
    if ended is None:
        return HandoffFailed(f"'{name}' {late}", hint="it was ended; try it by hand")
    if ended != 0:
        told = f"'{name}' failed with {ended}{f': {said}' if said else ''}"
        return HandoffFailed(told, hint="mend it, or choose another target")
    return HandoffFailed(f"'{name}' did not read the secret", hint="it must read its stdin") if left else None


def _unread(descriptor: int) -> int:
    """How many bytes of a pipe nobody has read: its reading end was kept open to tell."""
    if sys.platform == "win32":
        return 0
    import fcntl
    import termios

    return int.from_bytes(fcntl.ioctl(descriptor, termios.FIONREAD, bytes(4)), sys.byteorder)


def _listen(process: "subprocess.Popen[bytes]", deadline: float, cut: Callable[[], bool]) -> bytes:
    """Wait for the command's end, and keep the last of what it says on stderr.

    What it left running in the background, as clipboard programs do, may hold its stderr open: that is not waited for.
    """
    assert process.stderr is not None
    said = b""
    with selectors.DefaultSelector() as selector:
        selector.register(process.stderr, selectors.EVENT_READ)
        while time.monotonic() < deadline and not cut():
            if selector.select(0.02):
                heard = os.read(process.stderr.fileno(), 65536)
                said = (said + heard)[-MOST_HEARD:]
                if not heard:
                    break
            elif process.poll() is not None:
                break
    while process.poll() is None and time.monotonic() < deadline and not cut():
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(min(0.1, max(0, deadline - time.monotonic())))
    return said


def _end(process: "subprocess.Popen[bytes]", ours: IO[bytes], theirs: IO[bytes]) -> None:
    """Leave nothing of the command behind, nor of the secret in its pipe: what cannot be ended finds it empty."""
    with contextlib.suppress(OSError):
        process.kill() if sys.platform == "win32" else os.killpg(process.pid, signal.SIGKILL)
    ours.close()
    while sys.platform != "win32" and os.read(theirs.fileno(), MOST_HEARD):
        pass
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(ENDING_SECONDS)
    _hang_up(process)


def _hang_up(process: "subprocess.Popen[bytes]") -> None:
    assert process.stderr is not None
    process.stderr.close()


def _redacted(said: bytes, secret: Secret) -> str:
    """What a command said, without any piece of the secret, plain, reversed, in hexadecimal digits or in base64."""
    text = wording.visible(" ".join(said.decode("utf-8", "replace").split()))
    pieces = {form[at : at + PIECE] for form in _forms(secret) for at in range(len(form) - PIECE + 1)}
    found = [at for at in range(len(text)) if text[at : at + PIECE] in pieces]
    hidden = {place for at in found for place in range(at, at + PIECE)}
    told = "".join(_HIDDEN if place in hidden else letter for place, letter in enumerate(text))
    return re.sub(f"{_HIDDEN}+", "[redacted]", told).strip()[-MOST_SAID:]


def _forms(secret: Secret) -> Iterator[str]:
    """The confidential part as commands print it; base64 has three forms, by where in a text it begins."""
    bare = secret.reveal()[-SECRET_LENGTH - CHECK_LENGTH :]
    yield from (bare, bare[::-1], bare.encode().hex(), bare.encode().hex().upper())
    for shift in range(3):
        yield base64.b64encode(b" " * shift + bare.encode()).decode()[4 if shift else 0 :]


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
    "Cleared", "Clearing", "Clipboard", "Command", "File", "Receipt", "Stdout", "Target",
    "clipboard_advice", "clipboard_way", "give", "parse_target", "write_tty",
]  # fmt: skip
