"""Words for people: times, counts, events, and texts that are safe to show.

Everything here is pure: instants are aware datetimes that are handed in.
"""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, time, timedelta, tzinfo
from typing import Any, Final, Protocol

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


_SENTENCES: Final = {
    "desk:founded": "founded the desk",
    "desk:set": "{set}",
    "desk:backed-up": "backed the store up{target}",
    "desk:opened": "opened the desk",
    "ssh:used": "used {what} over ssh",
    "key:added": "let {person} in with the key {key}",
    "key:viewed": "looked at the keys of all people",
    "key:removed": "took the key {key} from {person}",
    "person:added": "let {person} in{standing}",
    "person:modified": "modified {person}{changes}",
    "person:disabled": "disabled the person {person}",
    "person:enabled": "enabled the person {person}",
    "person:impersonated": "acted as {person}",
    "role:created": "created the role {role}",
    "role:modified": "modified the role {role}{changes}",
    "role:removed": "removed the role {role}",
    "role:member-added": "put {person} into the role {role}",
    "role:member-dropped": "took {person} out of the role {role}",
    "account:viewed": "looked at {account}",
    "account:created": "created {account}{purpose}",
    "account:modified": "modified {account}{changes}",
    "account:disabled": "disabled {account}{because}",
    "account:enabled": "enabled {account}",
    "account:removed": "removed {account}{because}",
    "account:restored": "restored {account}",
    "account:handed-over": "handed {account} over{former} to {person}",
    "grant:given": "gave {grantee} {level} on {account}",
    "grant:withdrawn": "withdrew the access of {grantee} to {account}",
    "token:issued": "issued token {label} to {account}",
    "token:delivered": "handed token {label} of {account}{target}",
    "token:rotated": "rotated token {label} of {account}{overlap}",
    "token:extended": "extended token {label} of {account}{longer}",
    "token:retired": "ended the overlap of token {label} of {account}",
    "token:reinstated": "took the rotation of token {label} of {account} back",
    "token:revoked": "revoked token {label} of {account}{because}",
    "token:used": "used token {label}{times}",
    "token:refused": "was refused with token {label}{refusal}",
    "token:unknown": "turned away {strings} of this desk{forged}",
    "token:rehashed": "renewed the stored hash of token {label} of {account}",
    "advice:dismissed": "dismissed the advice '{kind}' on {subject}{because}",
    "advice:recalled": "recalled the advice '{kind}' on {subject}",
    "bulk:begun": "began to {verb} {many}",
    "bulk:resumed": "went on with the run {bulk}: {many} left",
    "bulk:ended": "ended the run {bulk}: {told}",
    "notify:claimed": "took it on to tell the {via} of {note}",
    "notify:told": "told the {via} of {note}",
    "notify:gave-up": "gave up telling the {via} of {note}, after {tries} tries",
    "migration:started": "began to move {work} from {owner}'s token to {account}",
    "migration:equipped": "set token {label} of {account} as the new one of {work}",
    "migration:opened": "let {owner}'s old token of {work} count as {account}{until}",
    "migration:closed": "stopped letting {owner}'s old token of {work} count as {account}",
    "migration:paused": "paused the migration of {work} to {account}",
    "migration:resumed": "resumed the migration of {work} to {account}",
    "migration:cancelled": "cancelled the migration of {work} to {account}",
    "personal-token:registered": "registered {owner}'s old token of {work}",
    "personal-token:revoked": "revoked {owner}'s old token of {work}",
    "personal-token:confirmed": "confirmed that {owner}'s old token of {work} is revoked{because}",
    "personal-token:used": "used {owner}'s old token of {work}",
    "personal-token:refused": "was refused with {owner}'s old token of {work}{refusal}",
    "audit:viewed": "looked at the audit",
    "audit:exported": "exported the audit",
    "audit:archived": "archived old events{span}{target}",
}
_SETTINGS: Final = {
    "desk_id": "gave the desk its id",
    "mint_key": "made the desk's mint key",
    "clock_accepted": "accepted the clock as it is",
}
_INFINITIVES: Final = {
    "accepted": "accept", "acted": "act", "archived": "archive", "backed": "back", "began": "begin",
    "cancelled": "cancel",
    "confirmed": "confirm", "created": "create", "disabled": "disable", "dismissed": "dismiss", "enabled": "enable",
    "ended": "end", "exported": "export", "extended": "extend", "founded": "found", "gave": "give", "handed": "hand",
    "issued": "issue", "looked": "look", "made": "make", "modified": "modify", "opened": "open", "paused": "pause",
    "recalled": "recall", "registered": "register", "removed": "remove", "restored": "restore", "resumed": "resume",
    "revoked": "revoke", "rotated": "rotate", "stopped": "stop", "took": "take", "turned": "turn",
    "used": "use", "was": "be", "withdrew": "withdraw",
}  # fmt: skip
_REFUSALS: Final = {
    "pending": "it was not handed over",
    "proof": "its secret is another",
    "retired": "its overlap is over",
    "scope": "it lacks {missing}",
}
"""Why a token was refused, where its code alone would not say."""

_ENDINGS: Final = {"denied": "refused", "failed": "it failed"}


class _Facts(dict[str, str]):
    """What is told of an event; anything else is `…`."""

    def __missing__(self, name: str) -> str:
        return "…"


def sentence(
    *,
    actor: str,
    action: str,
    account: str | None,
    subject_kind: str | None,
    outcome: str,
    detail: Mapping[str, Any],
) -> str:
    """Tell an event of the audit in words: `ada rotated token 'deploy' of ci-bot, overlap 24h`."""
    told = _told(action, account, subject_kind, detail)
    if outcome in _ENDINGS and not action.endswith("token:refused"):
        told = f"tried to {_infinitive(told)}: {_ENDINGS[outcome]}"
    return visible(f"{actor} {told}")


class Told(Protocol):
    """What of an event its sentence is made of, besides its detail."""

    actor: str
    action: str
    account: str | None
    subject_kind: str | None
    outcome: Any


def event(event: Told, detail: Mapping[str, Any]) -> str:
    """Tell an event of the audit in words, as `sentence` does.

    Args:
        event: The event.
        detail: Its detail, as `audit.detail_of` reads it.
    """
    return sentence(
        actor=event.actor,
        action=event.action,
        account=event.account,
        subject_kind=event.subject_kind,
        outcome=event.outcome,
        detail=detail,
    )


def deed(action: str, account: str | None, detail: Mapping[str, Any]) -> str:
    """Name in words what somebody wants to do: `rotate token 'deploy' of ci-bot`."""
    return visible(_infinitive(_told(action, account, None, detail)))


def _infinitive(told: str) -> str:
    verb, _, rest = told.partition(" ")
    return f"{_INFINITIVES.get(verb, verb)} {rest}"


def _told(action: str, account: str | None, subject_kind: str | None, detail: Mapping[str, Any]) -> str:
    template = _SENTENCES.get(action)
    if template is None:
        return " ".join(f"did {action} {subject_kind or ''} {account or ''}".split())
    return " ".join(template.format_map(_phrases(account, detail)).split())


def _phrases(account: str | None, detail: Mapping[str, Any]) -> _Facts:
    """What the sentences are filled with; a fact that is not told leaves no hole."""
    facts = _Facts({name: str(value) for name, value in detail.items() if value not in (None, "")})

    def said(name: str, form: str) -> str:
        return form.format(facts[name]) if name in facts else ""

    purpose = facts.get("purpose", "other")
    phrases = {
        "account": account or facts.get("name", "an account"),
        "set": _SETTINGS.get(facts["name"], f"set the desk's {facts['name'].replace('_', ' ')}"),
        "label": said("label", "'{}'") or facts["token"],
        "grantee": facts["grantee"].replace(":", " ", 1),
        "level": facts.get("level", "access"),
        "purpose": "" if purpose == "other" else f" for {PURPOSES.get(purpose, purpose)}",
        "standing": said("standing", " as {}"),
        "target": f" to {destination(facts['to'])}" if "to" in facts else "",
        "because": said("reason", ": {}"),
        "refusal": f": {_REFUSALS.get(facts['reason'], '{reason}').format_map(facts)}" if "reason" in facts else "",
        "times": said("count", " {} times"),
        "strings": "1 string that is no token"
        if facts["count"] == "1"
        else f"{facts['count']} strings that are no tokens",
        "forged": said("forged", ", {} of them made with its key"),
        "overlap": said("overlap", ", overlap {}"),
        "changes": _changes(detail.get("changes")),
        "former": said("former", " from {}"),
        "subject": account or facts.get("about", "the desk"),
        "longer": said("by", " by {}"),
        "span": f" {facts['first']} to {facts['last']}" if {"first", "last"} <= facts.keys() else "",
        "work": said("what", "'{}'") or "an integration",
        "owner": facts.get("owner", "somebody"),
        "until": f" until {_at(facts['until'])}" if "until" in facts else "",
    }
    return _Facts(facts | phrases)


def _at(text: str) -> str:
    """An instant of an event, in UTC as people read it; what is none is told as it is."""
    try:
        return when(datetime.fromisoformat(text), UTC)
    except (ValueError, OverflowError):
        return text


def destination(to: str) -> str:
    """Say where a secret or a file went: `the clipboard`, `the file /run/secrets/ci`, `the command vault`."""
    kind, _, named = to.partition(":")
    if kind in ("file", "command") and named:
        return f"the {kind} {named}"
    return {"clipboard": "the clipboard", "stdout": "stdout"}.get(to, to)


def _changes(changes: Any) -> str:
    if not isinstance(changes, Mapping):
        return ""
    told = [
        f"rotation every {pair[0]}d → {pair[1]}d"
        if name == "rotation_days"
        else f"{name.replace('_', ' ')} {pair[0] or 'none'} → {pair[1] or 'none'}"
        for name, pair in changes.items()
        if isinstance(pair, list) and len(pair) == 2
    ]
    return f": {'; '.join(told)}" if told else ""
