"""The audit's rows as lines of text, for elsewhere."""

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from botdesk import wording
from botdesk.store.digest import canonical, table_of
from botdesk.store.tables import Event

_FORMULA: Final = ("=", "+", "-", "@", "＝", "＋", "－", "＠", "'")


def as_json(rows: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """JSON Lines, as they were hashed, but that what could steer a terminal is escaped."""
    return (_escaped(canonical(values)) for values in rows)


def _escaped(line: str) -> str:
    if not wording.hidden(line):
        return line
    return "".join(json.dumps(letter)[1:-1] if wording.hidden(letter) else letter for letter in line)


def as_csv(rows: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """CSV with a heading; what a spreadsheet would take for a formula starts with an apostrophe."""
    import csv
    import io

    names = [column.name for column in table_of(Event).columns]
    yield ",".join(names)
    for values in rows:
        line = io.StringIO()
        csv.writer(line, lineterminator="").writerow([_harmless(values[name]) for name in names])
        yield line.getvalue()


def _harmless(value: Any) -> Any:
    """A value that neither a spreadsheet takes for a formula nor a terminal for a command."""
    if not isinstance(value, str):
        return value
    return wording.visible(f"'{value}" if value.startswith(_FORMULA) else value)
