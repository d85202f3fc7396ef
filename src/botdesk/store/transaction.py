"""One transaction: one actor, one instant, one source of chance."""

from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session

from botdesk.access import Action, Actor
from botdesk.bearer import Entropy, Hasher, base62


@dataclass(frozen=True, slots=True)
class Denial:
    """What an actor asked for and did not get; recorded after the work was rolled back.

    Attributes:
        action: What was asked.
        account_id: The account that it was about, if any.
        account: The account's name.
        detail: What the audit should say besides.
    """

    action: Action
    account_id: str | None = None
    account: str | None = None
    detail: tuple[tuple[str, str], ...] = ()


@dataclass(slots=True)
class Transaction:
    """What an operation works with; front doors get one from `Desk.begin` or `Desk.read`.

    Attributes:
        session: The SQLModel session, with a transaction under way.
        actor: Who acts.
        source: Where the actor came from, as the audit shows it: `cli`, `tui`, an address.
        now: The instant of everything that this transaction does, aware UTC.
        entropy: Gives n random bytes.
        hasher: Hashes the confidential part of tokens.
        writing: False in a reading transaction.
        denial: What was refused in this transaction, if anything.
        bulk: The number of the run that it is a part of; every event of it says so.
        appended: Sequence and hash of the last event that it added, to tell after a failed commit what became of it.
    """

    session: Session
    actor: Actor
    source: str
    now: datetime
    entropy: Entropy
    hasher: Hasher
    writing: bool = True
    denial: Denial | None = None
    bulk: int | None = None
    appended: tuple[int, str] | None = None

    def new_id(self, prefix: str) -> str:
        """Draw a row id such as `acc_7fQ2kLm9Xa`."""
        return f"{prefix}_{base62(10, self.entropy)}"
