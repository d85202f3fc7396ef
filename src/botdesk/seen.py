"""What a token's uses were like, in a text that its row carries: from where, what they needed, what they lacked.

Kept are days, not instants, so that the text of a token in use changes once a day, and no more entries than
`MOST_SOURCES` and `MOST_SCOPES`: the ones seen longest ago are forgotten first.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from typing import Any, Final, TypeVar

MOST_SOURCES: Final = 16
MOST_SCOPES: Final = 64


@dataclass(frozen=True, slots=True)
class Span:
    """The first and the last day of something."""

    first: date
    last: date


@dataclass(frozen=True, slots=True)
class Seen:
    """What the recorded uses of a token were like.

    Attributes:
        sources: Where it was accepted from, and when.
        needed: The scopes that accepted uses required, with the last day of each.
        lacked: The scopes that it was refused for want of, with the last day of each.
        roams: There were more sources than are kept: it comes from everywhere.
    """

    sources: Mapping[str, Span] = field(default_factory=dict)
    needed: Mapping[str, date] = field(default_factory=dict)
    lacked: Mapping[str, date] = field(default_factory=dict)
    roams: bool = False


NOTHING: Final = Seen()


def read(text: str | None) -> Seen:
    """Read what a row carries; nothing at all when it cannot be read, since advice hangs on it and no verdict."""
    if not text:
        return NOTHING
    try:
        found = json.loads(text)
        return Seen(
            sources={source: Span(*map(date.fromisoformat, days)) for source, days in found.get("from", {}).items()},
            needed=_days(found.get("need", {})),
            lacked=_days(found.get("lack", {})),
            roams=bool(found.get("roams")),
        )
    except (ValueError, TypeError, AttributeError):
        return NOTHING


def _days(found: Mapping[str, str]) -> dict[str, date]:
    return {scope: date.fromisoformat(day) for scope, day in found.items()}


@lru_cache(maxsize=8192)
def used(text: str | None, day: str, source: str, scopes: frozenset[str]) -> str:
    """Note an accepted use.

    Args:
        text: What the row carries.
        day: The day of the use, as `2026-11-23`.
        source: Where it came from.
        scopes: What it required.
    """
    found, today = read(text), date.fromisoformat(day)
    before = found.sources.get(source, Span(today, today))
    sources = {**found.sources, source: Span(min(before.first, today), max(before.last, today))}
    kept = _newest(sources, MOST_SOURCES, lambda span: span.last)
    roams = found.roams or len(kept) < len(sources)
    return _written(Seen(kept, _noted(found.needed, scopes, today), found.lacked, roams))


@lru_cache(maxsize=8192)
def lacked(text: str | None, day: str, scopes: frozenset[str]) -> str:
    """Note a use that was refused for want of scopes."""
    found = read(text)
    noted = _noted(found.lacked, scopes, date.fromisoformat(day))
    return _written(Seen(found.sources, found.needed, noted, found.roams))


def _noted(days: Mapping[str, date], scopes: Iterable[str], today: date) -> Mapping[str, date]:
    noted = {**days, **{scope: max(days.get(scope, today), today) for scope in scopes}}
    return _newest(noted, MOST_SCOPES, lambda day: day)


T = TypeVar("T")


def _newest(noted: Mapping[str, T], most: int, last: Callable[[T], date]) -> Mapping[str, T]:
    if len(noted) <= most:
        return noted
    return dict(sorted(noted.items(), key=lambda item: (last(item[1]), item[0]))[-most:])


def _written(found: Seen) -> str:
    written: dict[str, Any] = {
        "from": {source: [str(span.first), str(span.last)] for source, span in found.sources.items()},
        "need": {scope: str(day) for scope, day in found.needed.items()},
        "lack": {scope: str(day) for scope, day in found.lacked.items()},
        "roams": found.roams,
    }
    kept = {name: value for name, value in written.items() if value}
    return json.dumps(kept, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
