"""What is told to the outside: the few events and dates that somebody should hear of, without any secret."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from sqlmodel import col, select

from botdesk import audit, due, sentences, wording
from botdesk.access import Action
from botdesk.store.tables import Event, to_text
from botdesk.store.transaction import Transaction
from botdesk.verdict import Refusal

PAGE: Final = 200


class Kind(StrEnum):
    """What can be told, by the words of the setting `notify_on`."""

    REVOKED = "revoked"
    REUSE = "reuse"
    OVERDUE = "overdue"
    ADMIN = "admin"


PAUSES: Final = {Kind.REUSE: timedelta(hours=1), Kind.OVERDUE: timedelta(days=1)}
"""How long the same of the same token is not told again."""

_ADMIN_NOUNS: Final = ("desk", "person", "key", "role")
_ACTIONS: Final = {
    Kind.REVOKED: (Action.TOKEN_REVOKED,),
    Kind.REUSE: (Action.TOKEN_REFUSED,),
    Kind.OVERDUE: (),
    Kind.ADMIN: (
        *(action for action in Action if action.partition(":")[0] in _ADMIN_NOUNS),
        Action.ACCOUNT_HANDED_OVER,
    ),
}


@dataclass(frozen=True, slots=True)
class Note:
    """One thing to be told.

    Attributes:
        kind: What sort of thing; `test` for a harmless try.
        text: It in words.
        facts: What a program may want to know besides: plain values.
        sequence: The event that it is; 0 when it is none.
        once: Under which name it is remembered that it was told; empty when it is told each time.
    """

    kind: str
    text: str
    facts: dict[str, Any]
    sequence: int = 0
    once: str = ""

    @property
    def as_event(self) -> dict[str, Any]:
        """What a command gets on its stdin, as JSON."""
        return {"kind": self.kind, "text": self.text, **self.facts}


def news(tx: Transaction, kinds: Collection[str], *, after: int) -> tuple[list[Note], int]:
    """The events after a place in the audit that are to be told, the first first, and the place up to which that is.

    Raises:
        AccessDenied: The actor does not see everything.
    """
    audit.require(tx, Action.AUDIT_EXPORTED)
    head = audit.head(tx).sequence
    actions = [action for kind, some in _ACTIONS.items() if kind in kinds for action in some]
    query = select(Event).where(col(Event.action).in_(actions), col(Event.sequence) > after)
    rows = tx.session.exec(query.order_by(col(Event.sequence)).limit(PAGE)).all()
    place = rows[-1].sequence if len(rows) == PAGE else head
    return [note for row in rows for note in _of(row)], place


def _of(event: Event) -> Iterator[Note]:
    kind = next(kind for kind, actions in _ACTIONS.items() if event.action in actions)
    detail = audit.detail_of(event)
    reused = detail.get("reason") in (Refusal.REVOKED, Refusal.RETIRED)
    if kind is Kind.REUSE and not reused:
        return
    if kind is not Kind.REUSE and event.outcome is not audit.Outcome.DONE:
        return
    facts = {
        "sequence": event.sequence, "at": to_text(event.at), "actor": event.actor, "action": event.action,
        "account": event.account, "account_id": event.account_id, "subject": event.subject_id, "source": event.source,
    }  # fmt: skip
    told = wording.withheld(sentences.event(event, detail))
    yield Note(kind, told, facts, event.sequence, f"reuse {event.subject_id}" if kind is Kind.REUSE else "")


def overdue(tx: Transaction) -> list[Note]:
    """The rotations that are overdue by the accounts' periods, and the personal tokens past their end dates."""
    found = due.listed(tx, within=timedelta())
    return [_overdue(one, tx.now) for one in found if one.what is not due.What.EXPIRES]


def _overdue(one: due.Due, now: datetime) -> Note:
    managed = f"; managed by {', '.join(one.managers)}" if one.managers else ""
    ago = wording.ago(one.at, now)
    if one.what is due.What.PERSONAL:
        told = f"{one.label} to {one.account} was to end {ago}{managed}"
    else:
        told = f"token '{one.label}' of {one.account} should have been rotated {ago}{managed}"
    facts = {"account": one.account, "account_id": one.account_id, "subject": one.token_id, "at": to_text(one.at)}
    return Note(Kind.OVERDUE, wording.withheld(wording.visible(told)), facts, once=f"overdue {one.token_id}")


def trial(actor: str, now: datetime) -> Note:
    """A harmless note, to try whether notes arrive."""
    return Note("test", f"botdesk: {actor} tries whether this arrives", {"actor": actor, "at": to_text(now)})
