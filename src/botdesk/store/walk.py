"""The walk along the whole chain, and the present rows held against it."""

import os
from collections.abc import Callable, Iterator, Sequence, Set
from contextlib import suppress
from dataclasses import replace
from typing import Final

from sqlalchemy import func
from sqlmodel import Session, col, select

from botdesk.errors import AuditBroken, StoreError
from botdesk.store import floor, sealed, stretch
from botdesk.store.chain import MODULUS, NOTHING, Finding, Footing, Head, Subject, Verdict, summed
from botdesk.store.companion import Companion
from botdesk.store.digest import digest, key_of, raw, table_of
from botdesk.store.driver import translated
from botdesk.store.floor import Archived
from botdesk.store.sealed import Sealed
from botdesk.store.stretch import Stretch
from botdesk.store.tables import TABLES, Event

Progress = Callable[[int, int], None]
"""Called with the number of events walked so far and that of all that are to be; it may raise, to end the walk."""

LARGE: Final = 400_000
"""From how many events on it is worth another process."""


def verify(
    session: Session,
    *,
    head: Head | None = None,
    since: Footing | None = None,
    from_start: bool = False,
    progress: Progress | None = None,
    large: int = LARGE,
    archives: Sequence[Sealed] = (),
) -> Verdict:
    """Hold the chain, and the present rows against it; where events were archived, it begins at what was sealed.

    Found are: a changed, missing, swapped or inserted event; a row changed, added or removed by anything but botdesk;
    and, against a head that was kept, a history that was cut short or rewritten. The head of an earlier walk is held
    as well, however much is walked; one that lies in an archive takes that archive.

    Args:
        session: A session with a transaction under way.
        head: A head that was kept from before.
        since: Where an earlier walk ended: what is before is not walked again, unless something does not verify.
        from_start: Walk what is before all the same.
        progress: Told now and then how far the walk is.
        large: From how many events on half of them are walked by another process.
        archives: The archives to hold as well.
    """
    kept = {known for known in (head, since.head if since else None) if known is not None}
    begin = Footing()
    try:
        archived = _floor(session)
    except (AuditBroken, StoreError) as error:
        verdict = _Walk(session, begin, kept, progress, large, archives=archives).verdict()
        return replace(verdict, findings=(Finding(None, error.message), *verdict.findings), footing=None)
    if archived is not None:
        begin = archived.footing
    if since is not None and not from_start and _is_enough(since, head, begin):
        verdict = _Walk(session, since, kept, progress, large, begin, archives).verdict()
        if verdict.holds:
            return verdict
    return _Walk(session, begin, kept, progress, large, begin, archives).verdict()


def _floor(session: Session) -> Archived | None:
    with translated():
        return floor.find(session)


def _is_enough(since: Footing, head: Head | None, floor: Footing) -> bool:
    """Whether a walk from an earlier one's end on tells all that is asked."""
    begins = since.head.sequence
    return begins >= floor.head.sequence and (head is None or head.sequence >= begins)


class _Walk:
    """One walk from a footing to the newest event."""

    def __init__(
        self,
        session: Session,
        begin: Footing,
        kept: Set[Head],
        progress: Progress | None,
        large: int,
        floor: Footing = Footing(),  # noqa: B008
        archives: Sequence[Sealed] = (),
    ) -> None:
        self.session = session
        self.floor = floor
        self.archives = archives
        self.begin = begin
        self.kept = kept
        self.progress = progress
        self.large = large
        self.found = Stretch(begin.head, whole=begin == Footing())

    def verdict(self) -> Verdict:
        """Walk, compare, and tell."""
        rows = 0
        try:
            with translated():
                self._events()
                rows = self._rows()
                for head in sorted(self.kept, key=lambda head: head.sequence):
                    self._hold(head)
                for finding in sealed.held(self.archives, floor.recorded(self.session) if self.archives else ()):
                    self.found.find(finding.sequence, finding.what)
        except (AuditBroken, StoreError) as error:
            self.found.find(None, f"the store cannot be read through: {error.message}")
        events = self.begin.head.sequence + self.found.events
        findings = tuple(self.found.findings)
        footing = None if findings else Footing(self.found.last, rows)
        archived = self.floor.head.sequence
        return Verdict(events, self.found.last, findings, self.begin.head.sequence, footing, archived)

    def _events(self) -> None:
        begin = self.begin.head
        self._remains()
        if begin.sequence and self._hash(begin.sequence) != begin.hash:
            self.found.find(begin.sequence, "the event has another hash than when it was verified before")
        newest = self.session.execute(select(func.max(Event.sequence))).scalar_one() or 0
        self.total = newest - begin.sequence
        middle = begin.sequence + self.total // 2
        if self.total >= self.large and _processors() > 1 and (link := self._hash(middle)):
            self._together(Head(middle, link), newest)
        self._on()

    def _remains(self) -> None:
        """Hold what an interrupted archiving left of the events that are in the archive."""
        last = self.floor.head
        if not last.sequence or (first := floor.oldest(self.session)) > last.sequence:
            return
        link = self.session.exec(select(Event.previous).where(col(Event.sequence) == first)).one()
        remains = Stretch(Head(first - 1, link))
        remains.walk(stretch.read(self.session.connection(), after=first - 1, until=last.sequence))
        for finding in remains.findings:
            self.found.find(finding.sequence, finding.what)
        if remains.last != last:
            self.found.find(remains.last.sequence, "the events that are left do not end as the archive was sealed")

    def _together(self, middle: Head, newest: int) -> None:
        """Walk to the middle, while another process walks from there on."""
        later = None
        with suppress(OSError), Companion(self.session.get_bind().engine.url, middle, newest) as companion:
            self._on(until=middle.sequence, beside=lambda: companion.events)
            later = companion.result(lambda: self._tell(self.found.events + companion.events))
        if later is not None and self.found.fits(later, middle):
            self.found.join(later)

    def _on(self, until: int | None = None, beside: Callable[[], int] = lambda: 0) -> None:
        after = self.found.last.sequence if self.found.last != NOTHING else None
        rows = stretch.read(self.session.connection(), after=after, until=until)
        self.found.walk(rows, lambda events: self._tell(events + beside()))

    def _tell(self, events: int) -> None:
        if self.progress is not None:
            self.progress(events, self.total)

    def _hash(self, sequence: int) -> str | None:
        """The hash of one event: of the store, of the last archived one, or out of an archive."""
        if sequence == self.floor.head.sequence:
            return self.floor.head.hash
        found = self.session.exec(select(Event.hash).where(col(Event.sequence) == sequence)).first()
        return found or next((one.hashes[sequence] for one in self.archives if sequence in one.hashes), None)

    def _rows(self) -> int:
        """Hold the present rows against what the events tell; gives their sum."""
        told, rows = dict(self.found.end), 0
        for number, (subject, present) in enumerate(_present(self.session), 1):
            if not number % stretch.STEP:
                self._tell(self.found.events)
            rows += summed(((subject, present),))
            expected = told.pop(subject, None if self.found.whole else present)
            if expected is None:
                self.found.find(None, f"the {subject} is there, but no event tells of it")
            elif expected != present:
                self.found.find(None, f"the {subject} is not as its last event left it")
        for subject, left in told.items():
            if left is not None:
                self.found.find(None, f"the {subject} is gone, but no event tells of it")
        self._untold(rows % MODULUS)
        return rows % MODULUS

    def _untold(self, rows: int) -> None:
        """Hold the rows that no event of the walk tells of against the footing that it began with."""
        if self.found.whole or self.found.findings:
            return
        if self.begin.moved(self.found.last, self.found.first, self.found.end).rows != rows:
            self.found.find(None, "a row that no newer event tells of is not as it was verified before")

    def _hold(self, kept: Head) -> None:
        if kept == self.begin.head:
            return
        if kept.sequence > self.found.last.sequence:
            ends = f"the history ends at {self.found.last.sequence}"
            self.found.find(None, f"{ends}, before the head that was kept, event {kept.sequence}: it was cut short")
        elif kept.sequence and (link := self._hash(kept.sequence)) is None and kept.sequence < self.floor.head.sequence:
            self.found.find(None, f"event {kept.sequence}, whose head was kept, is in an archive: hold that with it")
        elif kept.sequence and link != kept.hash:
            self.found.find(kept.sequence, "the event has another hash than the head that was kept")


def _present(session: Session) -> Iterator[tuple[Subject, str]]:
    for table in (table_of(row) for row in TABLES if row is not Event):
        for values in raw(session, table):
            yield f"{table.name} {key_of(table, values)}", digest(table.name, values)


def _processors() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
