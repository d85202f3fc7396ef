"""Coming in over SSH: what is kept of the environment, who comes from where, and whether sshd let them in.

An `authorized_keys` line names the person: `command="botdesk ssh --as ada --key SHA256:…"`. Its words are sshd's own
configuration; everything else, the environment and the command that was asked for, is the client's.
"""

import os
import re
import signal
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Final, NoReturn

COMMAND: Final = "SSH_ORIGINAL_COMMAND"
"""Where sshd puts the command that the client asked for."""

UTF8: Final = "C.UTF-8"
PATH: Final = "/usr/local/bin:/usr/bin:/bin"

_LOCALE: Final = re.compile(r"[A-Za-z]{1,8}(_[A-Za-z]{2,4})?(\.[A-Za-z0-9-]{1,16})?(@[A-Za-z]{1,16})?")
_KEPT: Final = {
    "TERM": re.compile(r"[A-Za-z0-9][A-Za-z0-9.+_-]{0,63}"),
    "COLORTERM": re.compile(r"[A-Za-z0-9-]{1,20}"),
    "LANG": _LOCALE,
    "LC_ALL": _LOCALE,
    "SSH_CONNECTION": re.compile(r"[0-9A-Fa-f:.%a-z]{2,64} [0-9]{1,5} [0-9A-Fa-f:.%a-z]{2,64} [0-9]{1,5}"),
    "SSH_TTY": re.compile(r"/dev/(pts/)?[A-Za-z0-9]{1,16}"),
    COMMAND: re.compile(r"[^\x00]*"),
}
"""The names that are kept, and the form that their values must have."""

_COERCED: Final = {"LC_CTYPE": re.compile(r"C\.(UTF|utf)-?8|UTF-8")}
"""What Python itself sets at its start when the locale is not UTF-8 (PEP 538)."""


@dataclass(frozen=True, slots=True)
class Entry:
    """Somebody who came in over SSH.

    Attributes:
        person: The name of the person that the key's line names.
        key: The fingerprint of their key; None when the line does not say.
        source: Where they come from, as the audit shows it.
        proven: It was sshd that let them in; otherwise it is the store's owner who says that they are this person.
    """

    person: str
    key: str | None
    source: str
    proven: bool


def checked(environ: Mapping[str, str], home: str) -> dict[str, str]:
    """What is left of an environment: a few names whose values have their proper form, and what is made anew."""
    kept = {name: environ[name] for name, form in _KEPT.items() if form.fullmatch(environ.get(name, "\x00"))}
    if not {"LANG", "LC_ALL"} & kept.keys():
        kept["LANG"] = UTF8
    return kept | {"HOME": home, "PATH": PATH}


def is_clean(environ: Mapping[str, str], home: str) -> bool:
    """Tell whether an environment is nothing but what `checked` leaves of it."""
    coerced = {name: value for name, value in environ.items() if name in _COERCED}
    rest = {name: value for name, value in environ.items() if name not in _COERCED}
    return rest == checked(environ, home) and all(_COERCED[name].fullmatch(value) for name, value in coerced.items())


def home() -> str:
    """The home of the user that this process runs as, from the system's own list of users."""
    import pwd

    try:
        return pwd.getpwuid(os.geteuid()).pw_dir
    except KeyError:
        return "/"


def isolate(words: list[str]) -> None:
    """Go on in a Python that is isolated (`-I`), with an environment that is clean; return when that is so already.

    Python's own switches, paths and start-up files are out of the client's hands then, and so is what the loader, the
    locale, Typer and Textual read from the environment. No set-uid program can be started from here on.
    """
    _renounce_privileges()
    _stay_in_the_foreground()
    if sys.flags.isolated and is_clean(os.environ, home()):
        return
    _replace(["-I", "-m", "botdesk", *words], checked(os.environ, home()))


def _replace(words: list[str], environ: dict[str, str]) -> NoReturn:
    os.execve(sys.executable, [sys.executable, *words], environ)  # noqa: S606


def _stay_in_the_foreground() -> None:
    """Do not stop for Ctrl-Z: there is no shell that could take over."""
    signal.signal(signal.SIGTSTP, signal.SIG_IGN)


def _renounce_privileges() -> None:
    """Set PR_SET_NO_NEW_PRIVS, where there is such a thing."""
    if sys.platform == "linux":
        import contextlib
        import ctypes

        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(38, 1, 0, 0, 0)


def entry(environ: Mapping[str, str], person: str, key: str | None, *, proven: bool) -> Entry:
    """Who comes in, and where from: `ssh 203.0.113.7 SHA256:…`, or that it was not sshd that let them in."""
    place = f"ssh {client(environ) or 'from an unknown address'}" if proven else "ssh entry at the host"
    return Entry(person, key, f"{place} {key}" if key else place, proven)


def client(environ: Mapping[str, str]) -> str | None:
    """The address of the client, as sshd tells it; None when it does not."""
    address = environ.get("SSH_CONNECTION", "").partition(" ")[0]
    try:
        return str(ip_address(address))
    except ValueError:
        return None


@dataclass(frozen=True, slots=True)
class Process:
    """A running process: the one that started it, whose it is, and what it is called."""

    parent: int
    user: int
    name: str


SSHD: Final = frozenset({"sshd", "sshd-session"})


def came_through_sshd(look: "Callable[[int], Process | None] | None" = None) -> bool:
    """Tell whether the system's sshd started this process: its nearest ancestor that is root's and not ours is sshd.

    Between the two there may be processes of our own user, the login shell and sshd's own. Whoever can start processes
    as that user could pretend to be anybody anyway: they own the store. But sudo, su and cron are root's, and no sshd.

    Args:
        look: Finds a process by its number; in `/proc` by default.
    """
    look = look or process
    number, own = os.getpid(), os.geteuid()
    for _ in range(16):
        found = look(number)
        if found is None:
            return False
        if number != os.getpid() and found.user == 0 and (own != 0 or found.name in SSHD):
            return found.name in SSHD
        if found.user != own:
            return False
        number = found.parent
    return False


def process(number: int) -> Process | None:
    """Find a process by its number, where the system shows it (Linux's `/proc`)."""
    try:
        with open(f"/proc/{number}/status", encoding="utf-8", errors="replace") as status:  # noqa: PTH123
            facts = dict(line.rstrip("\n").split(":\t", 1) for line in status if ":\t" in line)
        return Process(int(facts["PPid"]), int(facts["Uid"].split("\t")[1]), facts["Name"])
    except (OSError, KeyError, ValueError, IndexError):
        return None
