"""What the commands print: data on stdout, talk on stderr, errors with a hint and an exit code.

Every text passes `wording.visible` on its way out, so nothing that is stored can steer the terminal.
"""

import codecs
import io
import json
import os
import shutil
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final, TextIO

from botdesk import errors, wording

EXIT_CODES: Final[Mapping[type[errors.BotdeskError], int]] = {
    errors.InvalidInput: 2,
    errors.NotFound: 3,
    errors.AccessDenied: 4,
    errors.Conflict: 5,
    errors.InvalidToken: 6,
    errors.InsufficientScope: 6,
    errors.HandoffFailed: 7,
    errors.AuditBroken: 8,
    errors.StoreError: 8,
    errors.SchemaMismatch: 8,
    errors.Overloaded: 8,
}
"""The exit code of every error; 0 is done, 1 an internal error or one of the system."""

SOMETHING: Final = 9
"""The exit code of a question whose answer is that there is something to do: advice, due, incident, bulk."""

INTERNAL: Final = 1
INTERRUPTED: Final = 130
PIPE_GONE: Final = 141
"""What a shell reports for a program that SIGPIPE ended."""

WIDEST_CELL: Final = 120
"""The most columns a cell takes where no terminal sets the width."""

_NARROWEST: Final = 6
_FIRM: Final = frozenset({"ID", "STATE", "LEVEL", "OUTCOME", "EXPIRES", "WHEN", "NO"})
_FOLDED: Final = frozenset({"EVENT", "FOUND"})
"""Last columns that go on below instead of being cut: what they say matters to its end."""

_MOST_LINES: Final = 6
_ASCII: Final = {"…": "...", "–": "-", "—": "--", "→": "->", "·": "-", "×": "x"}
"""What stands for what we write ourselves, where a terminal has ASCII alone."""

_TONED: Final = frozenset({"STATE", "OUTCOME", "RESULT"})
_TONES: Final = {
    "active": "32",
    "ok": "32",
    "done": "32",
    "retiring": "33",
    "pending": "33",
    "disabled": "33",
    "warn": "33",
    "denied": "31",
    "failed": "31",
    "revoked": "31",
    "removed": "2",
    "expired": "2",
}


def speak(stream: TextIO) -> None:
    """Have a stream that cannot write every letter write what comes next to it, instead of failing."""
    if isinstance(stream, io.TextIOWrapper):
        codecs.register_error("botdesk", _next_to_it)
        stream.reconfigure(errors="botdesk")


def _next_to_it(error: UnicodeError) -> tuple[str | bytes, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    letter = error.object[error.start]
    return _ASCII.get(letter) or letter.encode("ascii", "backslashreplace").decode(), error.start + 1


def data(text: str) -> None:
    """Print a line of data to stdout."""
    _write(sys.stdout, wording.visible(text))


def verbatim(line: str) -> None:
    """Print a line of an export: as it is to a pipe or a file, made visible on a terminal."""
    data(line) if on_terminal(sys.stdout) else _write(sys.stdout, line)


def talk(text: str) -> None:
    """Say a line to the person at the terminal, on stderr."""
    _write(sys.stderr, wording.visible(text))


def _write(stream: TextIO | None, text: str) -> None:
    if stream is None:
        return
    try:
        stream.write(f"{text}\n")
        stream.flush()
    except BrokenPipeError:
        _silence(stream)
        raise SystemExit(PIPE_GONE) from None


def overwrite(text: str) -> None:
    """Say a line on stderr in the place of the one before it; only for a terminal."""
    sys.stderr.write(f"\r\x1b[K{wording.visible(text)}")
    sys.stderr.flush()


def _silence(stream: TextIO) -> None:
    """Point a stream that nobody reads any more at nothing, or Python complains about it at its exit."""
    if stream in (sys.__stdout__, sys.__stderr__):
        nothing = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nothing, stream.fileno())
        os.close(nothing)


def as_json(value: object) -> None:
    """Print a value as JSON, in ASCII alone: whatever is stored, the terminal shows it harmlessly."""
    _write(sys.stdout, json.dumps(value, indent=2, default=_plain).replace("\x7f", "\\u007f"))


def _plain(value: Any) -> object:
    if isinstance(value, datetime):
        return moment(value)
    if isinstance(value, (set, frozenset)):
        return sorted(value)
    raise TypeError(type(value).__name__)


def moment(instant: datetime) -> str:
    """Write an instant as ISO 8601 in UTC: `2026-11-23T09:30:00Z`."""
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def thing(named: Mapping[str, object], *, json: bool) -> None:
    """Print one thing: as JSON, or as a line for each fact that there is something to say about."""
    if json:
        return as_json(named)
    said = {name.replace("_", " "): _said(value) for name, value in named.items() if value not in (None, "", [])}
    widest = max(map(len, said))
    for name, value in said.items():
        data(f"{name:<{widest}}  {value}")
    return None


def _said(value: object) -> str:
    if isinstance(value, datetime):
        return wording.when(value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    return " ".join(map(str, value)) if isinstance(value, list) else str(value)


def table(titles: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print rows under their titles, fitted into the terminal's width when stdout is a terminal."""
    width = shutil.get_terminal_size().columns if on_terminal(sys.stdout) else None
    for line in laid_out(titles, rows, width=width, coloured=coloured(sys.stdout)):
        _write(sys.stdout, line)


def laid_out(
    titles: Sequence[str], rows: Iterable[Sequence[str]], *, width: int | None, coloured: bool = False
) -> list[str]:
    """Lay a table out in lines of at most `width` terminal columns.

    Args:
        titles: The title of each column.
        rows: The cells; unsafe characters in them are made visible here.
        width: The columns there are; None for no limit but `WIDEST_CELL` for each cell.
        coloured: Whether words of state are coloured.
    """
    from rich.cells import cell_len

    cells = [list(titles), *([wording.visible(cell) for cell in row] for row in rows)]
    widths = [min(max(map(cell_len, column)), WIDEST_CELL) for column in zip(*cells, strict=True)]
    if width is not None:
        widths = _shrunk(titles, widths, width)
    paint = [coloured and title in _TONED for title in titles]
    parts = [part for row in cells for part in _parts(row, widths, fold=titles[-1] in _FOLDED)]
    return [_line(part, widths, paint) for part in parts]


def _parts(row: Sequence[str], widths: Sequence[int], *, fold: bool) -> list[Sequence[str]]:
    """A row, and below it what its last cell has still to say."""
    if not fold:
        return [row]
    first, *rest = folded(row[-1], widths[-1])
    return [[*row[:-1], first], *([*[""] * (len(row) - 1), line] for line in rest)]


def folded(text: str, width: int) -> list[str]:
    """Break a text into lines of at most so many terminal columns, between words where it can be."""
    from rich.cells import cell_len, chop_cells

    lines = [""]
    for word in fitted(text, min(cell_len(text), _MOST_LINES * width)).split(" "):
        if lines[-1] and cell_len(lines[-1]) + 1 + cell_len(word) <= width:
            lines[-1] += f" {word}"
        else:
            lines += chop_cells(word, width) or [""]
    return lines[1:] or [""]


def _shrunk(titles: Sequence[str], widths: list[int], width: int) -> list[int]:
    """Take columns from the widest cells that may be cut until the line fits."""
    widths = list(widths)
    while sum(widths) + 2 * (len(widths) - 1) > width:
        cuttable = [i for i, title in enumerate(titles) if title not in _FIRM and widths[i] > _NARROWEST]
        if not cuttable:
            break
        widths[max(cuttable, key=lambda i: widths[i])] -= 1
    return widths


def _line(row: Sequence[str], widths: Sequence[int], paint: Sequence[bool]) -> str:
    cells = [fitted(cell, width) for cell, width in zip(row, widths, strict=True)]
    tones = [_TONES.get(cell.strip()) if toned else None for cell, toned in zip(row, paint, strict=True)]
    return "  ".join(
        f"\x1b[{tone}m{cell}\x1b[0m" if tone else cell for cell, tone in zip(cells, tones, strict=True)
    ).rstrip()


def fitted(text: str, width: int) -> str:
    """Fit a text into exactly so many terminal columns; what is cut ends in `…`."""
    from rich.cells import cell_len, set_cell_size

    if cell_len(text) <= width:
        return text + " " * (width - cell_len(text))
    return set_cell_size(text, width - 1) + "…"


def coloured(stream: TextIO | None) -> bool:
    """Tell whether the stream is a terminal that wants colours (https://no-color.org)."""
    wanted = not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    return wanted and on_terminal(stream)


def on_terminal(stream: TextIO | None) -> bool:
    """Tell whether a standard stream is there and is a terminal."""
    return stream is not None and stream.isatty()


def exit_code(error: errors.BotdeskError) -> int:
    """The exit code of an error, that of its nearest ancestor in the table."""
    return next((EXIT_CODES[kind] for kind in type(error).__mro__ if kind in EXIT_CODES), INTERNAL)


def report(error: BaseException) -> int:
    """Say what went wrong in a line or two and return the exit code; never a traceback or a value."""
    if isinstance(error, SystemExit):
        return error.code if isinstance(error.code, int) else INTERNAL
    if isinstance(error, KeyboardInterrupt):
        talk("botdesk: interrupted")
        return INTERRUPTED
    if isinstance(error, errors.BotdeskError):
        complain(error.message, error.hint)
        return exit_code(error)
    if isinstance(error, OSError):
        complain(f"the system refused: {error.strerror or type(error).__name__}", "is the disk full, or a folder gone?")
        return INTERNAL
    complain(f"internal error: {type(error).__name__}", "this is a bug: please report what you did, without secrets")
    return INTERNAL


def complain(message: str, hint: str = "") -> None:
    """Say an error and its hint on stderr."""
    talk(f"botdesk: {message}")
    if hint:
        talk(f"hint: {hint}")
