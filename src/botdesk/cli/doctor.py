"""`botdesk doctor`: what works here, and what to do about the rest."""

import os
import shutil
import sys
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from botdesk import clipboard as clipboards
from botdesk import keeping, messenger
from botdesk.cli import output
from botdesk.cli.context import AsJson, Visit, visiting
from botdesk.desk import Desk
from botdesk.errors import BotdeskError, StoreError
from botdesk.keeping import Check
from botdesk.settings import Settings

SMALLEST = (80, 24)
"""The least columns and lines that the screens are made for."""

_BOUND: Final = {
    "solo": "the operator holds the store: access rules guard against slips",
    "host": "a system user holds the store and people come in over ssh: access rules bind them",
    "team": "a server holds the store: access rules bind everybody who has not its password",
}


@dataclass(frozen=True, slots=True)
class Found:
    """One thing that the doctor looked at.

    Attributes:
        about: `store`, `terminal`, `clipboard` or `notify`.
        name: What was looked at.
        result: `ok`, `warn` or `failed`.
        words: What was found.
        hint: What to do about it.
    """

    about: str
    name: str
    result: str
    words: str
    hint: str = ""


@visiting
def doctor(visit: Visit, json: AsJson = False) -> None:
    """Tell what works here and what to do: store, permissions, terminal, clipboard."""
    settings = visit.settings
    found = [*store(visit), *terminal(), *clipboard(settings), *told(visit)]
    if json:
        output.as_json([_facts(one) for one in found])
    else:
        output.table(("ABOUT", "CHECK", "RESULT", "FOUND"), [(f.about, f.name, f.result, f.words) for f in found])
        for hint in dict.fromkeys(one.hint for one in found if one.result != "ok" and one.hint):
            output.talk(f"hint: {hint}")
    if any(one.result == "failed" for one in found):
        raise StoreError("the store fails", hint="see what was found above")


def store(visit: Visit) -> list[Found]:
    """Look at the store; one that cannot be opened is a finding like any other."""
    modes = _modes(str(visit.settings.store))
    try:
        with visit.desk() as desk:
            return [*_place(desk, modes), *(_of(check) for check in keeping.check(desk)), _head(desk)]
    except BotdeskError as error:
        return [Found("store", "open", "failed", error.message, error.hint)]


def _modes(store: str) -> tuple[int, int] | None:
    """The modes of the store's file and folder before it is opened, which makes the file private."""
    file = Path(store.removeprefix("sqlite:///")).expanduser()
    try:
        return file.stat().st_mode & 0o777, file.parent.stat().st_mode & 0o777
    except OSError:
        return None


def _place(desk: Desk, modes: tuple[int, int] | None) -> Iterator[Found]:
    yield Found("store", "place", "ok", desk.location)
    yield Found("store", "mode", "ok", f"{desk.mode}: {_BOUND[desk.mode]}")
    if modes is not None:
        yield _permissions(Path(desk.location).parent, *modes)


def _permissions(folder: Path, file: int, around: int) -> Found:
    words = f"file {file:04o}, folder {around:04o}"
    if file & 0o077:
        hint = "the store is private now; whoever could read it before may have a copy"
        return Found("store", "permissions", "warn", words, hint)
    if around & 0o077:
        return Found("store", "permissions", "warn", words, f"make the folder private: chmod 700 '{folder}'")
    return Found("store", "permissions", "ok", words)


def _of(check: Check) -> Found:
    return Found("store", check.name, "ok" if check.ok else "failed", check.words, "" if check.ok else check.hint)


def _head(desk: Desk) -> Found:
    return Found("store", "audit head", "ok", str(desk.head()))


def terminal() -> Iterator[Found]:
    """Look at the terminal: what it is called, its colours, its size, its letters."""
    name = os.environ.get("TERM", "")
    if not output.on_terminal(sys.stdout):
        yield Found("terminal", "stdout", "ok", "is no terminal; what follows is what the environment says")
    if name in ("", "dumb"):
        yield Found("terminal", "TERM", "warn", name or "not set", "set TERM, as in TERM=xterm-256color")
    else:
        yield Found("terminal", "TERM", "ok", name)
    yield Found("terminal", "colours", "ok", _colours(name))
    yield _size()
    yield _letters()


def _colours(name: str) -> str:
    if os.environ.get("NO_COLOR"):
        return "none, since NO_COLOR is set"
    if os.environ.get("COLORTERM") in ("truecolor", "24bit"):
        return "16 million"
    return "256" if "256" in name else "16"


def _size() -> Found:
    columns, lines = shutil.get_terminal_size()
    words = f"{columns}x{lines}"
    if columns < SMALLEST[0] or lines < SMALLEST[1]:
        return Found("terminal", "size", "warn", words, "the screens want at least 80x24")
    return Found("terminal", "size", "ok", words)


def _letters() -> Found:
    encoding = getattr(sys.stdout, "encoding", None) or "none"
    if encoding.lower().replace("-", "") == "utf8":
        return Found("terminal", "letters", "ok", "UTF-8")
    return Found("terminal", "letters", "warn", encoding, "use a UTF-8 locale, as in LC_ALL=C.UTF-8")


def clipboard(settings: Settings) -> Iterator[Found]:
    """Look at the clipboard: which way a secret would go there, and what that takes."""
    way = clipboards.way(os.environ, settings.clipboard)
    if way == "native":
        yield _native(os.environ)
        return
    yield Found("clipboard", "way", "ok", "OSC 52, through the terminal; it cannot be confirmed")
    yield _passage(clipboards.advice(os.environ))
    if (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")) and not clipboards.mechanism(os.environ):
        program = "wl-clipboard" if os.environ.get("WAYLAND_DISPLAY") else "xclip"
        words = "a display is here, but no program for its clipboard"
        yield Found("clipboard", "native", "warn", words, f"install {program}: then it can be confirmed and cleared")


def _native(environ: Mapping[str, str]) -> Found:
    if clipboards.mechanism(environ) is None:
        words = "native, by the settings, but no clipboard is here"
        return Found("clipboard", "way", "warn", words, "set BOTDESK_CLIPBOARD=osc52, or use file:PATH or command:…")
    return Found("clipboard", "way", "ok", "native; it is cleared after use")


def _passage(advice: str) -> Found:
    """Whether OSC 52 gets through; only tmux can be asked."""
    if not clipboards.in_tmux(os.environ):
        return Found("clipboard", "needs", "ok", advice)
    if clipboards.tmux_passes(os.environ):
        return Found("clipboard", "tmux", "ok", "allow-passthrough is on; the terminal around it must allow OSC 52")
    return Found("clipboard", "tmux", "warn", "it drops OSC 52 unless allow-passthrough is on", advice)


def told(visit: Visit) -> Iterator[Found]:
    """Look at who is told what somebody should hear of, and how the last note went."""
    whom = messenger.targets(visit.settings)
    if not whom:
        yield Found("notify", "targets", "ok", "nobody is told; the settings notify and notify_webhook name whom")
    with suppress(BotdeskError), visit.desk() as desk:
        for target in whom:
            at = messenger.progress(desk, target)
            last = f"told last {at.last_at}" if at.last_at else "nothing was told yet"
            words = f"{target.words}: {at.failure or last}"
            hint = "botdesk notify test" if at.failure else ""
            yield Found("notify", target.name, "warn" if at.failure else "ok", words, hint)


def _facts(found: Found) -> dict[str, object]:
    return {
        "about": found.about,
        "name": found.name,
        "result": found.result,
        "words": found.words,
        "hint": found.hint,
    }
