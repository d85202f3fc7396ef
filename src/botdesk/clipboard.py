"""The clipboard: natively, or by OSC 52 through the terminal.

On X11 and Wayland a program takes the secret on its stdin, and its exit code tells whether there was a display that
took it; elsewhere pyperclip knows the way. OSC 52 cannot confirm anything: what was sent may have been dropped, by tmux
silently.
"""

import base64
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from typing import Any, Final, Literal

from botdesk.bearer import Secret

Way = Literal["native", "osc52"]
Write = Callable[[str], None]

PATIENCE_SECONDS: Final = 3.0
"""How long a native clipboard program may take; some hang without a display."""

SCREEN_PIECE: Final = 76
_PROGRAMS: Final = {
    "wl-copy": (("wl-copy",), ("wl-paste", "--no-newline")),
    "xclip": (("xclip", "-selection", "clipboard"), ("xclip", "-selection", "clipboard", "-o")),
    "xsel": (("xsel", "-b", "-i"), ("xsel", "-b", "-o")),
}
"""By the program's name: how it is called to take a text, and how to give it back."""

_REMOTE: Final = ("SSH_CONNECTION", "SSH_TTY", "SSH_CLIENT")


def way(environ: Mapping[str, str] | None = None, method: str = "auto") -> Way:
    """Tell which way would be used: native when a display is at hand and not over SSH, else OSC 52.

    Args:
        environ: The environment; the process's own by default.
        method: `auto`, or the way that the settings force.
    """
    if method == "native":
        return "native"
    environ = os.environ if environ is None else environ
    remote = any(environ.get(name) for name in _REMOTE)
    return "osc52" if method == "osc52" or remote or mechanism(environ) is None else "native"


def advice(environ: Mapping[str, str] | None = None) -> str:
    """What may have to be set so that OSC 52 gets through; an instruction, not a report."""
    environ = os.environ if environ is None else environ
    if in_tmux(environ):
        return "in tmux: 'set -g allow-passthrough on', or it is dropped silently"
    if environ.get("STY"):
        return "in screen: the terminal around it must allow OSC 52"
    return "the terminal must allow programs to set the clipboard (OSC 52)"


def mechanism(environ: Mapping[str, str]) -> str | None:
    """What makes the native clipboard: the name of a program, or of pyperclip's function; None without one."""
    if sys.platform == "darwin":
        return "init_osx_pbcopy_clipboard"
    if sys.platform == "win32":
        return "init_windows_clipboard"
    path = environ.get("PATH")
    if environ.get("WSL_DISTRO_NAME") and shutil.which("clip.exe", path=path):
        return "init_wsl_clipboard"
    if environ.get("WAYLAND_DISPLAY") and shutil.which("wl-copy", path=path):
        return "wl-copy"
    if environ.get("DISPLAY"):
        return next((program for program in ("xclip", "xsel") if shutil.which(program, path=path)), None)
    return None


def copy_native(secret: Secret, environ: Mapping[str, str]) -> bool:
    """Put a secret on the native clipboard; False when nothing took it in time."""
    name = mechanism(environ)
    return name is not None and _bounded(lambda: _copy(name, secret, environ)) is True


def paste_native(environ: Mapping[str, str]) -> str | None:
    """What the native clipboard holds; None when that cannot be told."""
    name = mechanism(environ)
    found = None if name is None else _bounded(lambda: _paste(name, environ))
    return found if isinstance(found, str) else None


def clear_native(environ: Mapping[str, str]) -> bool:
    """Empty the native clipboard; False when that failed."""
    return copy_native(Secret(""), environ)


def _copy(name: str, secret: Secret, environ: Mapping[str, str]) -> bool:
    if name not in _PROGRAMS:
        _pyperclip(name)[0](secret.reveal())
        return True
    return _run(_PROGRAMS[name][0], environ, input=secret.reveal().encode(), stdout=subprocess.DEVNULL).returncode == 0


def _paste(name: str, environ: Mapping[str, str]) -> str | None:
    if name not in _PROGRAMS:
        return _pyperclip(name)[1]()
    done = _run(_PROGRAMS[name][1], environ, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
    return done.stdout.decode("utf-8", "replace") if done.returncode == 0 else None


def _run(argv: tuple[str, ...], environ: Mapping[str, str], **how: Any) -> "subprocess.CompletedProcess[bytes]":
    return subprocess.run(
        argv, env=dict(environ), stderr=subprocess.DEVNULL, timeout=PATIENCE_SECONDS, check=False, **how
    )


def _pyperclip(name: str) -> tuple[Callable[[str], None], Callable[[], str]]:
    import pyperclip

    copy, paste = getattr(pyperclip, name)()
    return copy, paste


def _bounded(work: Callable[[], Any]) -> Any:
    """Do the work in a thread of its own, for a bounded time; None when it failed or took too long."""
    answers: list[Any] = []

    def attempt() -> None:
        try:
            answers.append(work())
        except Exception:
            answers.append(None)

    thread = threading.Thread(target=attempt, daemon=True, name="clipboard")
    thread.start()
    thread.join(PATIENCE_SECONDS)
    return answers[0] if answers else None


def sequence(secret: Secret, environ: Mapping[str, str]) -> Secret:
    """The OSC 52 sequence that sets the clipboard to a secret, wrapped for tmux and screen."""
    return Secret(wrapped(f"\x1b]52;c;{base64.b64encode(secret.reveal().encode()).decode()}\x07", environ))


def clearing_sequence(environ: Mapping[str, str]) -> str:
    """The OSC 52 sequence that empties the clipboard: a payload that is no base64 clears it."""
    return wrapped("\x1b]52;c;!\x07", environ)


def wrapped(text: str, environ: Mapping[str, str]) -> str:
    """Wrap an escape sequence so that tmux or screen passes it on to the terminal around it."""
    if in_tmux(environ):
        doubled = text.replace("\x1b", "\x1b\x1b")
        return f"\x1bPtmux;{doubled}\x1b\\"
    if environ.get("STY"):
        pieces = (text[start : start + SCREEN_PIECE] for start in range(0, len(text), SCREEN_PIECE))
        return "".join(f"\x1bP{piece}\x1b\\" for piece in pieces)
    return text


def tmux_passes(environ: Mapping[str, str]) -> bool | None:
    """Ask the tmux around this whether it passes OSC 52 on; None when it cannot be asked, as over SSH."""
    program = shutil.which("tmux", path=environ.get("PATH"))
    if program is None or not environ.get("TMUX"):
        return None
    asked = (program, "show-options", "-pAv", "allow-passthrough")
    try:
        told = _run(asked, environ, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE).stdout.strip()
    except (OSError, subprocess.TimeoutExpired):
        return None
    return {b"on": True, b"all": True, b"off": False}.get(told)


def in_tmux(environ: Mapping[str, str]) -> bool:
    """Tell whether tmux is around this; over SSH, only the terminal's name tells of the one at the other end."""
    return bool(environ.get("TMUX")) or environ.get("TERM", "").startswith("tmux")
