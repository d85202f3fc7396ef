"""Whose turn it is to tell a note, of all hosts and users whose settings name the same target: one alone tells it.

Who is about to tell a note claims it on record, and records then that it was told. Whoever claimed it and was killed,
or gets no answer, is waited for as long as a claim lasts; then the next one takes it on. So each note is told at least
once, and twice only if it arrived and that could not be recorded any more.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import blake2b
from typing import Final

from sqlmodel import col, select

from botdesk import audit, tokens
from botdesk.access import Action
from botdesk.notify import PAUSES, Kind, Note
from botdesk.store.tables import Event
from botdesk.store.transaction import Transaction

LASTS: Final = timedelta(seconds=90)
"""How long a claim lasts: longer than telling takes at the most."""

_RECORDED: Final = (Action.NOTIFY_CLAIMED, Action.NOTIFY_TOLD, Action.NOTIFY_GAVE_UP)


@dataclass(frozen=True, slots=True)
class To:
    """A target as the audit tells it.

    Attributes:
        via: What sort of one it is: `command` or `webhook`.
        named: All that makes it this one; only a keyed digest of that is kept.
    """

    via: str
    named: str


@dataclass(frozen=True, slots=True)
class Turn:
    """Who tells a note.

    Attributes:
        mine: Whoever asked does, now.
        told_at: When it was told, or given up; None when it was not yet.
    """

    mine: bool
    told_at: datetime | None = None


def begin(tx: Transaction, to: To, note: Note, *, by: str) -> Turn:
    """Claim a note, unless it was told or somebody else is at it.

    Args:
        tx: The transaction.
        to: The target.
        note: The note.
        by: Who claims it: the same each time, and another one for each host and user.

    Raises:
        AccessDenied: The actor does not see everything.
    """
    audit.require(tx, Action.AUDIT_EXPORTED)
    last = _last(tx, to, note)
    if last is not None and last.action != Action.NOTIFY_CLAIMED:
        return Turn(mine=False, told_at=last.at)
    if last is not None and audit.detail_of(last).get("by") != by and tx.now - last.at < LASTS:
        return Turn(mine=False)
    audit.record(tx, Action.NOTIFY_CLAIMED, via=to.via, to=_known(tx, to), note=name(note), by=by)
    return Turn(mine=True)


def end(tx: Transaction, to: To, note: Note) -> None:
    """Record that a note was told."""
    audit.record(tx, Action.NOTIFY_TOLD, via=to.via, to=_known(tx, to), note=name(note))


def give_up(tx: Transaction, to: To, note: Note, *, tries: int) -> None:
    """Record that a note did not arrive, and is not tried any more."""
    audit.record(tx, Action.NOTIFY_GAVE_UP, via=to.via, to=_known(tx, to), note=name(note), tries=tries)


def name(note: Note) -> str:
    """What a note goes by: what is not told again for a while has a name of its own, anything else is an event."""
    return note.once or f"event {note.sequence}"


def _last(tx: Transaction, to: To, note: Note) -> Event | None:
    """What was recorded last of telling it; of what is told again after a while nothing from before that."""
    said = [
        col(Event.detail).contains(f'"{key}":"{value}"', autoescape=True)
        for key, value in (("note", name(note)), ("to", _known(tx, to)))
    ]
    found = select(Event).where(col(Event.action).in_(_RECORDED), *said)
    after = 0 if note.once else note.sequence
    last = tx.session.exec(
        found.where(col(Event.sequence) > after).order_by(col(Event.sequence).desc()).limit(1)
    ).first()
    if last is None or not note.once:
        return last
    return last if tx.now - last.at < PAUSES[Kind(note.kind)] else None


def _known(tx: Transaction, to: To) -> str:
    """The keyed digest by which a target is known again, for whoever knows a webhook's URL can write there."""
    return blake2b(
        to.named.encode("utf-8", "surrogatepass"), key=tokens.mint_key(tx), digest_size=8, person=b"botdesk notify"
    ).hexdigest()
