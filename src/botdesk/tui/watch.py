"""The watch on the audit's head: whether anything has changed, and whether the history is what it was.

The head is the one question. A desk that does not answer is told once, and once more when it answers again.
"""

from typing import TYPE_CHECKING, Final

from botdesk.errors import AccessDenied, BotdeskError, InvalidInput, StoreError

if TYPE_CHECKING:
    from datetime import datetime

    from botdesk.access import Actor
    from botdesk.audit import Head
    from botdesk.desk import Desk
    from botdesk.tui.memory import Memory

STALE_SECONDS: Final = 30
"""After how long what is shown is read again though nothing has changed: tokens expire, and times go by."""

REWRITTEN: Final = "HISTORY REWRITTEN OR CUT SHORT"
LOST: Final = "NO ANSWER FROM THE STORE"


class Watch:
    """What was seen of the desk's history, last.

    Attributes:
        alarm: Why the history cannot be trusted; empty when it can.
        lost: Why the store did not answer, last; empty when it did.
        actor: Who operates the desk, with their standing now; None once they are no active person any more.
    """

    def __init__(self, memory: "Memory | None") -> None:
        self.alarm = ""
        self.lost = ""
        self.actor: Actor | None = None
        self._memory = memory
        self._head: Head | None = None
        self._looked: datetime | None = None

    @property
    def warning(self) -> str:
        """What the title bar has to say of it; empty when all is well."""
        return self.alarm or (f"{LOST}: {self.lost}" if self.lost else "")

    def begin(self, desk: "Desk") -> BotdeskError | None:
        """Hold the history against the head that this operator saw last: a shortened or rewritten one is an alarm.

        Returns:
            What to complain about; None when the history is as it was.

        Raises:
            StoreError: The store does not answer.
        """
        from botdesk import audit

        self._head, self._looked, self.actor = desk.head(), desk.clock(), _actor(desk)
        kept = self._kept(desk)
        if kept is None or desk.ask(audit.hash_at, kept.sequence) == kept.hash:
            self._remember(desk)
            return None
        self.alarm = REWRITTEN
        return BotdeskError(
            f"the audit no longer holds event {kept.sequence} as you last saw it",
            hint=f"somebody rewrote or shortened it: botdesk audit verify --head {kept}",
        )

    def _kept(self, desk: "Desk") -> "Head | None":
        from botdesk import audit

        try:
            return audit.Head.parse(self._memory.heads[desk.location]) if self._memory else None
        except (KeyError, InvalidInput):
            return None

    def look(self, desk: "Desk") -> bool:
        """Look at the head; True when what is shown should be read again.

        A store that does not answer leaves word in `lost`.
        """
        was_lost, now = self.lost, desk.clock()
        try:
            head = desk.head()
        except StoreError as error:
            self.lost = error.message
            return False
        self.lost = ""
        stale = self._looked is None or (now - self._looked).total_seconds() >= STALE_SECONDS
        if head == self._head and not stale and not was_lost:
            return False
        self._head, self._looked, self.actor = head, now, _actor(desk)
        self._remember(desk)
        return True

    def _remember(self, desk: "Desk") -> None:
        if self._memory and self._head and self._head.sequence and not self.alarm:
            self._memory.heads[desk.location] = str(self._head)


def _actor(desk: "Desk") -> "Actor | None":
    try:
        return desk.ask(lambda tx: tx.actor)
    except AccessDenied:
        return None
