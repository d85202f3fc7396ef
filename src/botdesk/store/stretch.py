"""A stretch of the chain: walked event by event, it tells what its rows were before it and after it."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import Connection, type_coerce
from sqlalchemy.types import NullType
from sqlmodel import select

from botdesk.store.chain import Finding, Head, Subject
from botdesk.store.digest import BOUND, linked, table_of
from botdesk.store.tables import Event

MOST_FINDINGS: Final = 100
STEP: Final = 10_000
"""How many events are walked between two words about the progress."""

Progress = Callable[[int], None]

_EVENT: Final = table_of(Event)
COLUMNS: Final = (*BOUND, "previous", "hash")
"""The order in which the values of an event are read."""

_SEQUENCE, _PREVIOUS, _HASH, _KIND, _KEY, _BEFORE, _AFTER = map(
    COLUMNS.index, ("sequence", "previous", "hash", "subject_kind", "subject_id", "before", "after")
)
_WIDTH: Final = len(BOUND)


@dataclass(slots=True)
class Stretch:
    """What a walk along some events found out.

    Attributes:
        last: The event that it ends with; before the first step the one that it begins after.
        whole: Whether `end` holds every row there is, because the walk began with the first event or an exact list.
        events: How many events it has.
        first: The digests that rows had when they were first met, but for those that were not there.
        end: The digests of the rows that were met, at the end; None for one that is gone.
        findings: What does not verify within.
    """

    last: Head
    whole: bool = False
    events: int = 0
    first: dict[Subject, str] = field(default_factory=dict)
    end: dict[Subject, str | None] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)

    def find(self, sequence: int | None, what: str) -> None:
        """Note what does not verify; a hundred such notes are enough."""
        if len(self.findings) < MOST_FINDINGS:
            self.findings.append(Finding(sequence, what))

    def walk(self, rows: Iterable[Sequence[Any]], progress: Progress | None = None) -> None:
        """Go on along these events: their values in the order of `read`.

        This is the loop that a verification spends its time in.
        """
        sequence, link = self.last.sequence, self.last.hash
        end, events = self.end, self.events
        for row in rows:
            found, previous, told = row[_SEQUENCE], row[_PREVIOUS], row[_HASH]
            if found != sequence + 1 or previous != link or linked(previous, row[:_WIDTH]) != told:
                self._explain(row, sequence, link)
            kind = row[_KIND]
            if kind is not None:
                subject = f"{kind} {row[_KEY]}"
                before = row[_BEFORE]
                if end.get(subject, "") != before:
                    self._meet(subject, before, found)
                end[subject] = row[_AFTER]
            sequence, link = (found if isinstance(found, int) else sequence + 1), str(told)
            events += 1
            if progress is not None and not events % STEP:
                progress(events)
        self.last, self.events = Head(sequence, link), events

    def _meet(self, subject: Subject, before: Any, sequence: Any) -> None:
        """Meet a row for the first time, or not as it was left."""
        if subject in self.end or (self.whole and before is not None):
            self.find(sequence, f"the {subject} was changed before this event without one")
        elif before is not None:
            self.first[subject] = before

    def _explain(self, row: Sequence[Any], sequence: int, link: str) -> None:
        found, previous = row[_SEQUENCE], row[_PREVIOUS]
        if not isinstance(found, int) or found != sequence + 1:
            self.find(found, f"an event is missing or out of order after {sequence}")
        if previous != link:
            self.find(found, "the event does not follow the one before it")
        if linked(previous, row[:_WIDTH]) != row[_HASH]:
            self.find(found, "the event was changed")

    def fits(self, later: "Stretch", begin: Head) -> bool:
        """Tell whether a stretch that was walked by itself from `begin` on goes on just where this one ends."""
        return (
            begin == self.last
            and not later.findings
            and all(
                self.end.get(subject) == later.first.get(subject)
                for subject in later.end
                if self.whole or subject in self.end
            )
        )

    def join(self, later: "Stretch") -> None:
        """Go on along a stretch that fits."""
        self.first.update((subject, told) for subject, told in later.first.items() if subject not in self.end)
        if self.whole:
            self.first.clear()
        self.end |= later.end
        self.events += later.events
        self.last = later.last


def read(connection: Connection, *, after: int | None = None, until: int | None = None) -> Iterator[Sequence[Any]]:
    """Read the events after a sequence, up to another, just as the store keeps them and in their order."""
    columns = [type_coerce(_EVENT.c[name], NullType()).label(name) for name in COLUMNS]
    query = select(*columns).order_by(_EVENT.c.sequence)
    if after is not None:
        query = query.where(_EVENT.c.sequence > after)
    if until is not None:
        query = query.where(_EVENT.c.sequence <= until)
    return iter(connection.execute(query.execution_options(yield_per=1000)))
