"""The chain of events: walk it, and hold the present rows against what it tells."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from sqlmodel import Session

from botdesk.errors import InvalidInput, StoreError
from botdesk.store.digest import GENESIS, chained, digest, key_of, raw, table_of
from botdesk.store.driver import translated
from botdesk.store.tables import TABLES, Event


@dataclass(frozen=True, slots=True)
class Head:
    """The newest event: its sequence and hash. Kept elsewhere, it proves that nothing before it was rewritten."""

    sequence: int
    hash: str

    @classmethod
    def parse(cls, text: str) -> "Head":
        """Read `SEQ:HASH`.

        Raises:
            InvalidInput: The text has another form.
        """
        sequence, _, digest = text.strip().partition(":")
        if not sequence.isdecimal() or len(digest) != len(GENESIS):
            raise InvalidInput("that is no audit head", hint="as 'botdesk audit verify' prints it: SEQ:HASH, 64 digits")
        return cls(int(sequence), digest.lower())

    def __str__(self) -> str:
        return f"{self.sequence}:{self.hash}"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that does not verify: where (a sequence, or None) and what."""

    sequence: int | None
    what: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """What `verify` found out."""

    events: int
    head: Head
    findings: tuple[Finding, ...]

    @property
    def holds(self) -> bool:
        """Whether the chain and the present rows are just as the events tell."""
        return not self.findings


def verify(session: Session, *, head: Head | None = None, progress: Callable[[int], None] | None = None) -> Verdict:
    """Hold the whole chain, and the present rows against it.

    Found are: a changed, missing, swapped or inserted event; a row changed, added or removed by anything but botdesk;
    and, against a head that was kept elsewhere, a history that was cut short or rewritten.

    Args:
        session: A session with a transaction under way.
        head: A head that was kept from before.
        progress: Called with the number of events read so far, now and then.
    """
    walk = _Walk(head)
    try:
        with translated():
            for values in raw(session, table_of(Event)):
                walk.step(values)
                if progress and walk.events % 10_000 == 0:
                    progress(walk.events)
            walk.compare(session)
    except StoreError as error:
        walk.findings.append(Finding(None, f"the store cannot be read through: {error.message}"))
    walk.finish()
    return Verdict(walk.events, walk.last, tuple(walk.findings))


class _Walk:
    """A walk along the chain: what was seen so far."""

    MOST_FINDINGS: Final = 100

    def __init__(self, kept: Head | None) -> None:
        self.kept = kept
        self.kept_seen = kept is None or kept.sequence == 0
        self.events = 0
        self.last = Head(0, GENESIS)
        self.rows: dict[tuple[str, str], str] = {}
        self.findings: list[Finding] = []

    def find(self, sequence: int | None, what: str) -> None:
        if len(self.findings) < self.MOST_FINDINGS:
            self.findings.append(Finding(sequence, what))

    def step(self, values: dict[str, Any]) -> None:
        link, previous, sequence = values.pop("hash"), values.pop("previous"), values["sequence"]
        if not isinstance(sequence, int) or sequence != self.last.sequence + 1:
            self.find(sequence, f"an event is missing or out of order after {self.last.sequence}")
        if previous != self.last.hash:
            self.find(sequence, "the event does not follow the one before it")
        if chained(str(previous), values) != link:
            self.find(sequence, "the event was changed")
        self._check_kept(sequence, link)
        self._follow(values)
        self.events += 1
        self.last = Head(sequence if isinstance(sequence, int) else self.last.sequence + 1, str(link))

    def _check_kept(self, sequence: int, link: str) -> None:
        if self.kept and sequence == self.kept.sequence:
            self.kept_seen = True
            if link != self.kept.hash:
                self.find(sequence, "the event has another hash than the head that was kept")

    def _follow(self, values: dict[str, Any]) -> None:
        if values["subject_kind"] is None:
            return
        subject = (str(values["subject_kind"]), str(values["subject_id"]))
        if self.rows.get(subject) != values["before"]:
            self.find(values["sequence"], f"the {subject[0]} {subject[1]} was changed before this event without one")
        if values["after"] is None:
            self.rows.pop(subject, None)
        else:
            self.rows[subject] = values["after"]

    def compare(self, session: Session) -> None:
        told = dict(self.rows)
        for table in (table_of(row) for row in TABLES if row is not Event):
            for values in raw(session, table):
                subject = (table.name, key_of(table, values))
                expected = told.pop(subject, None)
                if expected is None:
                    self.find(None, f"the {subject[0]} {subject[1]} is there, but no event tells of it")
                elif expected != digest(table.name, values):
                    self.find(None, f"the {subject[0]} {subject[1]} is not as its last event left it")
        for kind, key in told:
            self.find(None, f"the {kind} {key} is gone, but no event tells of it")

    def finish(self) -> None:
        if not self.kept_seen and self.kept:
            self.find(
                None, f"the history ends at {self.last.sequence}, before the head that was kept: it was cut short"
            )
