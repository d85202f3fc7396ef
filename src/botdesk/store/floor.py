"""The floor: the events up to it were moved to an archive, and the chain that stays begins there.

Where it is, an event of the chain itself tells; so a floor that nobody recorded is no floor, and one that was forged
does not fit to the event that follows it.
"""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Self

from sqlalchemy import func
from sqlmodel import Session, col, select

from botdesk.access import Action
from botdesk.errors import AuditBroken, InvalidInput
from botdesk.store.chain import Footing
from botdesk.store.tables import Event, Outcome


@dataclass(frozen=True, slots=True)
class Archived:
    """What an event tells of the archive that it records.

    Attributes:
        first: The sequence of the first event that was moved.
        footing: The last event that was moved, and what all rows were by then.
        digest: The SHA-256 of the archive's file.
    """

    first: int
    footing: Footing
    digest: str

    @property
    def last(self) -> int:
        """The sequence of the last event that was moved."""
        return self.footing.head.sequence

    @classmethod
    def told(cls, detail: str) -> Self:
        """Read what an event says.

        Raises:
            AuditBroken: It says nothing of an archive.
        """
        try:
            told = json.loads(detail)
            footing = Footing.parse(f"{told['last']}:{told['head']}:{told['rows']}")
            return cls(int(told["first"]), footing, str(told["sha256"]))
        except (ValueError, KeyError, TypeError, InvalidInput):
            raise AuditBroken(
                "the event that records an archive is unreadable", hint="'botdesk audit verify' shows what is wrong"
            ) from None

    def detail(self) -> dict[str, Any]:
        """What an event says of it, besides where the file is."""
        head = self.footing.head
        rows = f"{self.footing.rows:x}"
        return {"first": self.first, "last": head.sequence, "head": head.hash, "rows": rows, "sha256": self.digest}


_RECORDED: Final = (
    select(Event.detail)
    .where(col(Event.action) == Action.AUDIT_ARCHIVED.value, col(Event.outcome) == Outcome.DONE)
    .order_by(col(Event.sequence).desc())
)


def find(session: Session) -> Archived | None:
    """The archive that was made last; None when there is none.

    Raises:
        AuditBroken: What is recorded of it cannot be read.
    """
    detail = session.exec(_RECORDED.limit(1)).first()
    return None if detail is None else Archived.told(detail)


def recorded(session: Session) -> list[Archived]:
    """All archives that the present events tell of, the latest first."""
    return [Archived.told(detail) for detail in session.exec(_RECORDED).all()]


def sequence(session: Session) -> int:
    """The sequence of the last event that was archived; 0 when none was."""
    found = find(session)
    return 0 if found is None else found.last


def oldest(session: Session) -> int:
    """The sequence of the first event that is there; 1 when there is none."""
    return session.exec(select(func.min(Event.sequence))).one() or 1


def since(session: Session) -> datetime | None:
    """The time of the first event that stays; None when none was archived."""
    last = sequence(session)
    return session.exec(select(Event.at).where(col(Event.sequence) == last + 1)).first() if last else None


def hash_at(session: Session, sequence: int) -> str | None:
    """The hash of one event, also of the last one that was archived; None when it is not known here."""
    found = session.exec(select(Event.hash).where(col(Event.sequence) == sequence)).first()
    if found is None and (archived := find(session)) is not None and archived.last == sequence:
        return archived.footing.head.hash
    return found
