"""What is due, for the programs of others: figures for Prometheus, a calendar for people's own."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Final

from botdesk.due import Due, What

_SAID: Final = {What.EXPIRES: "expires", What.ROTATION: "should be rotated", What.PERSONAL: "is accepted no longer"}
_MENDS: Final = {
    What.EXPIRES: "botdesk token rotate",
    What.ROTATION: "botdesk token rotate",
    What.PERSONAL: "botdesk migration show",
}


def prometheus(found: Sequence[Due], now: datetime) -> Iterator[str]:
    """Tell what is due in Prometheus' text format, as the textfile collector of node_exporter reads it.

    Args:
        found: What is due.
        now: When that was asked.
    """
    yield "# HELP botdesk_due_timestamp_seconds When a token expires, should be rotated or is accepted no longer."
    yield "# TYPE botdesk_due_timestamp_seconds gauge"
    for due in found:
        named = {"account": due.account, "token": due.token_id, "label": due.label, "what": due.what.value}
        labels = ",".join(f'{name}="{_quoted(text)}"' for name, text in named.items())
        yield f"botdesk_due_timestamp_seconds{{{labels}}} {due.at.timestamp():.0f}"
    yield "# HELP botdesk_due_tokens How many tokens expire, should be rotated or are accepted no longer."
    yield "# TYPE botdesk_due_tokens gauge"
    for what in What:
        yield f'botdesk_due_tokens{{what="{what}"}} {sum(due.what is what for due in found)}'
    yield "# HELP botdesk_due_checked_timestamp_seconds When this was asked."
    yield "# TYPE botdesk_due_checked_timestamp_seconds gauge"
    yield f"botdesk_due_checked_timestamp_seconds {now.timestamp():.0f}"


def _quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def calendar(found: Iterable[Due], now: datetime) -> Iterator[str]:
    """Tell what is due as an iCalendar (RFC 5545), in folded lines without their ends.

    An event is the same at each time of asking, so that a calendar that subscribes to it holds each once.

    Args:
        found: What is due.
        now: When that was asked.
    """
    yield from ("BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//botdesk//due//EN", "CALSCALE:GREGORIAN")
    for due in found:
        yield from _event(due, now)
    yield "END:VCALENDAR"


def _event(due: Due, now: datetime) -> Iterator[str]:
    whom = f"Managed by {', '.join(due.managers)}." if due.managers else "Nobody active manages it."
    yield "BEGIN:VEVENT"
    yield f"UID:{due.token_id}-{due.what}@botdesk"
    yield f"DTSTAMP:{_stamp(now)}"
    yield f"DTSTART:{_stamp(due.at)}"
    yield from _folded(f"SUMMARY:{_escaped(f'{due.account}: the token {due.label} {_SAID[due.what]}')}")
    yield from _folded(f"DESCRIPTION:{_escaped(f'{_MENDS[due.what]} {due.token_id}. {whom}')}")
    yield from ("BEGIN:VALARM", "ACTION:DISPLAY", "TRIGGER:-P1D", "DESCRIPTION:due tomorrow", "END:VALARM")
    yield "TRANSP:TRANSPARENT"
    yield "END:VEVENT"


def _stamp(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y%m%dT%H%M%SZ}"


def _escaped(text: str) -> str:
    for sign in "\\;,":
        text = text.replace(sign, f"\\{sign}")
    return text.replace("\n", "\\n")


def _folded(line: str) -> Iterator[str]:
    """Fold a line after at most 75 octets, between characters."""
    part, room = "", 75
    for character in line:
        size = len(character.encode())
        if size > room:
            yield part
            part, room = " ", 74
        part, room = part + character, room - size
    yield part
