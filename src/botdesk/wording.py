"""Words for people: times, counts, and texts that are safe to show.

Everything here is pure: instants are aware datetimes that are handed in.
"""

import re
import unicodedata
from collections.abc import Sequence
from datetime import UTC, datetime, time, timedelta, tzinfo
from typing import Final

from botdesk.errors import InvalidInput

STACKED: Final = 5
"""So many marks on one letter are no language's, and cover the lines around."""

LONGEST_DURATION: Final = timedelta(days=3650)

_UNITS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_TOKEN: Final = re.compile(r"bdk_[0-9A-Za-z]{10}_[0-9A-Za-z]{20,}")
"""What is, or was cut from, a whole token: it is kept in no text."""

_DURATION: Final = re.compile(r"([1-9][0-9]{0,8})([smhdw])")
_DAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MONTHS: Final = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip
PURPOSES: Final = {
    "ci": "CI/CD",
    "catalog": "catalog queries",
    "metrics": "metrics",
    "webhook": "webhooks",
    "schedule": "scheduled jobs",
    "agent": "AI agents",
    "other": "other",
}
"""What people call what an account is for."""

_BARS: Final = " ▁▂▃▄▅▆▇█"
_ASCII_BARS: Final = " .:-=+*#%"


def _unseen() -> dict[int, str]:
    table = {code: chr(0x2400 + code) for code in range(0x20)} | {0x7F: "␡"}
    spans = (
        (0x80, 0x9F), (0xAD, 0xAD), (0x61C, 0x61C), (0x180E, 0x180E), (0x200B, 0x200F), (0x2028, 0x202E),
        (0x2060, 0x206F), (0xD800, 0xDFFF), (0xFEFF, 0xFEFF), (0xFFF9, 0xFFFB), (0xE0000, 0xE007F),
    )  # fmt: skip
    return table | {code: f"‹U+{code:04X}›" for first, last in spans for code in range(first, last + 1)}


_UNSEEN: Final = _unseen()
_UNSEEN_BUT_LINES: Final = {code: shown for code, shown in _UNSEEN.items() if code not in (0x09, 0x0A)}


def visible(text: str, *, lines: bool = False) -> str:
    """Turn control, bidi and zero-width characters into visible symbols, so that a text cannot steer a terminal.

    Args:
        text: Any text.
        lines: Keep newlines and tabs.
    """
    return text.translate(_UNSEEN_BUT_LINES if lines else _UNSEEN)


def withheld(text: str) -> str:
    """Take the confidential part of any token out of a text that is kept though nobody checked it."""
    return _TOKEN.sub("bdk_••••", text)


def hidden(text: str, *, lines: bool = False) -> bool:
    """Tell whether the text has a character that `visible` would turn into a symbol."""
    return not (text.isascii() and text.isprintable()) and visible(text, lines=lines) != text


def clean(text: str, what: str, *, longest: int, required: bool = False, lines: bool = False) -> str:
    """Check a text on entry and return it in NFC, stripped.

    Args:
        text: What was given.
        what: What it is, for the error: `"label"`.
        longest: The most characters that it may have.
        required: Whether it may not be empty.
        lines: Whether it may have newlines.

    Raises:
        InvalidInput: It is empty, too long, has a control, bidi or zero-width character, or a whole token in it.
    """
    unseen = _UNSEEN_BUT_LINES if lines else _UNSEEN
    text = unicodedata.normalize("NFC", text).strip()
    wrong = next((character for character in text if ord(character) in unseen), None)
    if wrong is not None:
        raise InvalidInput(
            f"the {what} has the character U+{ord(wrong):04X}",
            hint="control, bidi and zero-width characters are not taken: type it anew",
        )
    if "".join("M" if unicodedata.category(letter) in ("Mn", "Me") else "." for letter in text).count("M" * STACKED):
        raise InvalidInput(f"the {what} has marks stacked on a letter", hint="leave them out: they cover other lines")
    if _TOKEN.search(text):
        raise InvalidInput(f"the {what} has a token in it", hint="a secret is never kept: name the token by its id")
    if len(text) > longest:
        raise InvalidInput(f"the {what} has {len(text)} characters", hint=f"keep to {longest}")
    if required and not text:
        raise InvalidInput(f"the {what} is empty", hint=f"give a {what}")
    return text


def duration(text: str) -> timedelta:
    """Read a duration: `90d`, `12h`, `30m`; also `s` and `w`.

    Raises:
        InvalidInput: It is none, or longer than ten years.
    """
    match = _DURATION.fullmatch(text.strip().lower())
    if match is None:
        raise InvalidInput(f"{text[:20]!a} is no duration", hint="a number and a unit, as in 90d, 12h or 30m")
    seconds = int(match[1]) * _UNITS[match[2]]
    if seconds > LONGEST_DURATION.total_seconds():
        raise InvalidInput(f"{text[:20]!a} is too long", hint="use at most 3650d, as in 90d")
    return timedelta(seconds=seconds)


def in_short(delta: timedelta) -> str:
    """Write a duration so that `duration` reads it: `90d`, `12h`, `30m`."""
    seconds = int(delta.total_seconds())
    unit = next((unit for unit in "dhm" if seconds and seconds % _UNITS[unit] == 0), "s")
    return f"{seconds // _UNITS[unit]}{unit}"


def shortened(text: str, longest: int) -> str:
    """Cut a text that is longer, and say so by an ellipsis."""
    return text if len(text) <= longest else f"{text[: longest - 1].rstrip()}…"


def plural(count: int, noun: str, plural: str = "") -> str:
    """Count things: `1 token`, `3 tokens`, `1,204 events`."""
    return f"{count:,} {noun if count == 1 else plural or noun + 's'}"


_STEPS: Final = (
    (365 * 86400, "year", "y"), (30 * 86400, "month", "mo"),
    (86400, "day", "d"), (3600, "hour", "h"), (60, "minute", "m"),
)  # fmt: skip


_GRACE: Final = timedelta(minutes=1)
"""So that what was just issued for 90 days ends in 90 days, not in 89."""


def _largest(seconds: float) -> tuple[int, str, str] | None:
    """The largest unit that fits; months only from 120 days on, so that 90 days are 90 days."""
    steps = _STEPS if seconds >= 120 * 86400 else _STEPS[2:]
    return next(((int(seconds // size), noun, unit) for size, noun, unit in steps if seconds >= size), None)


def ago(at: datetime | None, now: datetime) -> str:
    """Say how long ago: `just now`, `5 minutes ago`, `3 days ago`; `never` for None."""
    if at is None:
        return "never"
    found = _largest((now - at).total_seconds())
    return f"{plural(found[0], found[1])} ago" if found else "just now"


def until(at: datetime | None, now: datetime) -> str:
    """Say how far ahead: `in 3 days`, or `3 days ago` when it is over; `never` for None."""
    if at is None:
        return "never"
    if at <= now:
        return ago(at, now)
    found = _largest((at - now + _GRACE).total_seconds())
    return f"in {plural(found[0], found[1])}" if found else "in a moment"


def ago_short(at: datetime | None, now: datetime) -> str:
    """Say how long ago in a narrow column: `now`, `5m`, `3h`, `12d`, `4mo`; `–` for None."""
    if at is None:
        return "–"
    found = _largest((now - at).total_seconds())
    return f"{found[0]}{found[2]}" if found else "now"


def until_short(at: datetime | None, now: datetime) -> str:
    """Say how far ahead in a narrow column: `5m`, `3h`, `12d`; `over` when past, `never` for None."""
    if at is None:
        return "never"
    if at <= now:
        return "over"
    found = _largest((at - now + _GRACE).total_seconds())
    return f"{found[0]}{found[2]}" if found else "1m"


def when(at: datetime, zone: tzinfo | None = None) -> str:
    """Write an instant with hour and zone, local by default: `2026-11-23 09:30 UTC`."""
    return f"{at.astimezone(zone):%Y-%m-%d %H:%M %Z}"


def clock(at: datetime, zone: tzinfo | None = None) -> str:
    """Write the time of day, local by default: `09:30`."""
    return f"{at.astimezone(zone):%H:%M}"


def day(at: datetime, zone: tzinfo | None = None) -> str:
    """Write the day, local by default: `Monday 23 November 2026`."""
    local = at.astimezone(zone)
    return f"{_DAYS[local.weekday()]} {local.day} {_MONTHS[local.month - 1]} {local.year}"


def instant(text: str, now: datetime) -> datetime:
    """Read an instant as people type it: a date, a time, `today`, `yesterday`, or `7d` for that long ago.

    A time without a zone is UTC.

    Raises:
        InvalidInput: It is nothing of that.
    """
    word = text.strip().lower()
    if word in ("today", "yesterday"):
        midnight = datetime.combine(now.astimezone(UTC).date(), time(), UTC)
        return midnight - timedelta(days=word == "yesterday")
    if _DURATION.fullmatch(word):
        return now - duration(word)
    try:
        found = datetime.fromisoformat(text.strip())
    except ValueError:
        raise InvalidInput(
            f"{text[:30]!a} is no time", hint="as in 2026-11-23, 2026-11-23T09:30, today, yesterday or 7d"
        ) from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def ahead(text: str, now: datetime) -> datetime:
    """Read an instant to come as people type it: a date, a time, or `30d` for that long from now.

    Raises:
        InvalidInput: It is nothing of that.
    """
    return now + duration(text) if _DURATION.fullmatch(text.strip().lower()) else instant(text, now)


def sparkline(values: Sequence[int], *, ascii: bool = False) -> str:
    """Draw counts as a row of bars, a blank for none."""
    bars = _ASCII_BARS if ascii else _BARS
    most = max(values, default=0)
    return "".join(bars[0] if not value else bars[max(1, round(value * 8 / most))] for value in values)
