"""Retention: old events move to a sealed file, and the chain that stays begins after them.

What is moved is found out and written first; then one transaction records the archive, from which on the chain begins
at what was sealed. The events go after that, a few at a time, so that nobody who writes waits long.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import IO, Final

from sqlalchemy import BigInteger, String, delete, func, or_, type_coerce
from sqlalchemy import cast as sql_cast
from sqlmodel import col, select

from botdesk import audit, wording
from botdesk.access import Action
from botdesk.errors import Conflict, InvalidInput
from botdesk.store import floor, sealed, span, stretch
from botdesk.store.chain import Footing
from botdesk.store.digest import table_of
from botdesk.store.floor import Archived as Archived
from botdesk.store.sealed import Sealed as Sealed
from botdesk.store.sealed import new_file as new_file
from botdesk.store.sealed import refuse_present as refuse_present
from botdesk.store.tables import Event, Setting, to_text
from botdesk.store.transaction import Transaction

KEPT: Final = timedelta(days=90)
"""What is younger stays: the desk itself looks back so far, at who uses what and from where."""

_SAMPLE: Final = 200
_AROUND: Final = 480
"""How many bytes of a line are the same in every event."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What would be moved.

    Attributes:
        begin: The place after which it begins.
        last: The sequence of the last event.
        since: The time of the first event.
        until: The time of the last event.
        size: About how many bytes the file will have.
        stays: How many events stay.
    """

    begin: Footing
    last: int
    since: datetime
    until: datetime
    size: int
    stays: int

    @property
    def first(self) -> int:
        """The sequence of the first event."""
        return self.begin.head.sequence + 1

    @property
    def events(self) -> int:
        """How many events."""
        return self.last - self.begin.head.sequence


def plan(tx: Transaction, before: datetime) -> Plan:
    """Find out what an archive of all before an instant would hold; nothing is changed.

    Raises:
        AccessDenied: The actor is no admin.
        Conflict: There is nothing before that.
        InvalidInput: That is less than `KEPT` ago.
    """
    audit.require(tx, Action.AUDIT_ARCHIVED)
    if before > tx.now - KEPT:
        raise InvalidInput(
            f"the events of the last {KEPT.days} days stay in the store, where the desk itself looks at them",
            hint=f"as in --before {KEPT.days}d",
        )
    archived = floor.find(tx.session)
    begin = archived.footing if archived else Footing()
    last = _last_before(tx, before, begin.head.sequence)
    if last <= begin.head.sequence:
        raise Conflict(f"there is no event before {wording.when(before)} to move", hint="there is nothing to do")
    sequence = col(Event.sequence)
    times = select(Event.at).where(sequence.in_((begin.head.sequence + 1, last))).order_by(sequence)
    ends = tx.session.exec(times).all()
    return Plan(begin, last, ends[0], ends[-1], _size(tx, begin.head.sequence, last), audit.head(tx).sequence - last)


def _last_before(tx: Transaction, before: datetime, begin: int) -> int:
    """The last event before the first one that is not older; an accepted clock's future says nothing of its age."""
    sequence, at = col(Event.sequence), type_coerce(col(Event.at), String).concat("")
    accepted = select(Setting.value).where(Setting.key == audit.CLOCK_ACCEPTED)
    trusted = tx.session.exec(select(sql_cast(accepted.scalar_subquery(), BigInteger))).one() or 0
    counts = or_(at <= to_text(tx.now), sequence > trusted)
    near = max(begin + 1, span.first_since(tx.session, before) or audit.head(tx).sequence)
    first = select(Event.sequence).where(sequence >= near, at >= to_text(before), counts).order_by(sequence).limit(1)
    found = tx.session.exec(first).first()
    return (audit.head(tx).sequence if found is None else found) - 1


def _size(tx: Transaction, begin: int, last: int) -> int:
    """An estimate from some lines of both ends."""
    sequence = col(Event.sequence)
    digests = func.length(func.coalesce(Event.before, "")) + func.length(func.coalesce(Event.after, ""))
    told = func.length(Event.detail) + func.length(Event.actor) + func.length(Event.source) + digests
    ends = ((begin, min(last, begin + _SAMPLE)), (max(begin, last - _SAMPLE), last))
    means = [tx.session.exec(select(func.avg(told)).where(sequence > one, sequence <= two)).one() for one, two in ends]
    return (last - begin) * (int(sum(means)) // 2 + _AROUND)


def write(tx: Transaction, plan: Plan, opened: IO[bytes], progress: sealed.Progress | None = None) -> Archived:
    """Write what is planned, and seal it; all of it is verified meanwhile.

    Raises:
        AuditBroken: It does not verify.
    """
    audit.require(tx, Action.AUDIT_ARCHIVED)
    begin = plan.begin.head.sequence
    rows = stretch.read(tx.session.connection(), after=begin, until=plan.last)
    return sealed.write(opened, rows, plan.begin, plan.last, progress)


def record(tx: Transaction, archived: Archived, path: Path) -> audit.Event:
    """Record an archive whose file is safe: from then on the chain begins where it was sealed.

    Raises:
        AccessDenied: The actor is no admin.
        Conflict: Somebody else archived events meanwhile.
    """
    audit.require(tx, Action.AUDIT_ARCHIVED)
    if floor.sequence(tx.session) != archived.first - 1:
        raise Conflict("somebody else archived events meanwhile", hint="nothing was moved; try it again")
    head = archived.footing.head
    if audit.hash_at(tx, head.sequence) != head.hash:
        raise Conflict("the audit is another one than a moment ago", hint="nothing was moved; 'botdesk audit verify'")
    return audit.record(tx, Action.AUDIT_ARCHIVED, to=str(path), **archived.detail())


def clear(tx: Transaction, most: int) -> int:
    """Let go of archived events that are in the store still, the oldest first; tells how many are left.

    Args:
        tx: A writing transaction.
        most: How many at the most.
    """
    last, first = floor.sequence(tx.session), floor.oldest(tx.session)
    if first > last:
        return 0
    until = min(last, first + most - 1)
    table = table_of(Event)
    tx.session.connection().execute(delete(table).where(table.c.sequence <= until))
    return last - until


def read(path: Path, wanted: Sequence[int] = (), progress: sealed.Progress | None = None) -> Sealed:
    """Read an archive through, and hold it against itself; see `store.sealed.read`.

    Raises:
        InvalidInput: The file cannot be read.
    """
    return sealed.read(path, wanted=frozenset(wanted), progress=progress)
