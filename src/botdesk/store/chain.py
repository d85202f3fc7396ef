"""The chain of events in words: its head, what is known of a place in it, and what a verification found out."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import shake_256
from typing import Final, Self

from botdesk.errors import InvalidInput
from botdesk.store.digest import GENESIS

_HEAD: Final = re.compile(r"([0-9]{1,18}):([0-9a-f]{64})")

Subject = str
"""A row by its table and its key: `token 7fQ2kLm9Xa`."""

Rows = Mapping[Subject, str | None]
"""Digests of rows; None for one that is gone."""


@dataclass(frozen=True, slots=True)
class Head:
    """The newest event: its sequence and hash. Kept elsewhere, it proves that nothing before it was rewritten."""

    sequence: int
    hash: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `SEQ:HASH`.

        Raises:
            InvalidInput: The text has another form.
        """
        form = _HEAD.fullmatch(text.strip().lower())
        if form is None or (int(form[1]) == 0 and form[2] != GENESIS):
            raise InvalidInput("that is no audit head", hint="as 'botdesk audit verify' prints it: SEQ:HASH, 64 digits")
        return cls(int(form[1]), form[2])

    def __str__(self) -> str:
        return f"{self.sequence}:{self.hash}"


NOTHING: Final = Head(0, GENESIS)
"""The head of a chain without events."""

_SUM_BYTES: Final = 256
MODULUS: Final = 1 << (8 * _SUM_BYTES)
"""What sums of rows are taken modulo."""


@dataclass(frozen=True, slots=True)
class Footing:
    """A place in the chain from which it can be walked on: the event there, and what all rows were by then.

    The rows are held by a sum: for each a 2048-bit SHAKE256 of its table, key and digest, added modulo 2**2048. So
    what later events tell of a row can be taken off and put on, and no row can be exchanged for others.

    Attributes:
        head: The event.
        rows: The sum.
    """

    head: Head = NOTHING
    rows: int = 0

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `SEQ:HASH:SUM`.

        Raises:
            InvalidInput: The text has another form.
        """
        head, _, rows = text.strip().rpartition(":")
        try:
            return cls(Head.parse(head), int(rows, 16) % MODULUS)
        except ValueError:
            raise InvalidInput("that is no footing", hint="as SEQ:HASH:SUM in hexadecimal digits") from None

    def __str__(self) -> str:
        return f"{self.head}:{self.rows:x}"

    def moved(self, head: Head, first: Rows, end: Rows) -> Self:
        """The footing at a later event, from what the rows in between were at first and are at the end."""
        return type(self)(head, (self.rows - summed(first.items()) + summed(end.items())) % MODULUS)


def summed(rows: Iterable[tuple[Subject, str | None]]) -> int:
    """The sum that holds these rows, each with its digest; one that is gone does not count."""
    found = 0
    for subject, digest in rows:
        if digest is not None:
            bound = f"{subject} {digest}".encode("utf-8", "surrogatepass")
            found += int.from_bytes(shake_256(bound).digest(_SUM_BYTES))
    return found % MODULUS


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that does not verify: where (a sequence, or None) and what."""

    sequence: int | None
    what: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """What `verify` found out.

    Attributes:
        events: How many events the chain has, those included that were not walked again, or are in archives.
        head: The newest event.
        findings: What does not verify.
        after: The event after which the walk began; 0 for the first of all.
        footing: Where the next walk may begin; None when this one found anything.
        archived: The last event that was moved to an archive; 0 when none was.
    """

    events: int
    head: Head
    findings: tuple[Finding, ...]
    after: int = 0
    footing: Footing | None = None
    archived: int = 0

    @property
    def holds(self) -> bool:
        """Whether the chain and the present rows are just as the events tell."""
        return not self.findings
