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
        broken: Why the history cannot be trusted; None when it can.
        archived: Said when what this operator saw last is in an archive by now.
        lost: Why the store did not answer, last; empty when it did.
        actor: Who operates the desk, with their standing now; None once they may not any more.
        shut_out: Why they may not any more: they were disabled, or their key was removed.
    """

    def __init__(self, memory: "Memory | None") -> None:
        self.broken: BotdeskError | None = None
        self.archived: BotdeskError | None = None
        self.lost = ""
        self.actor: Actor | None = None
        self.shut_out: AccessDenied | None = None
        self._memory = memory
        self._head: Head | None = None
        self._looked: datetime | None = None

    @property
    def warning(self) -> str:
        """What the title bar has to say of it; empty when all is well."""
        return REWRITTEN if self.broken else f"{LOST}: {self.lost}" if self.lost else ""

    def begin(self, desk: "Desk") -> None:
        """Hold the history against the head that this operator saw last: a shortened or rewritten one is an alarm.

        Raises:
            StoreError: The store does not answer.
        """
        self._head, self._looked = desk.head(), desk.clock()
        self._ask_who(desk)
        self._hold(desk, self._kept(desk))
        self._remember(desk)

    def _hold(self, desk: "Desk", kept: "Head | None") -> None:
        if self.broken or kept is None or desk.holds(kept):
            return
        if kept.sequence < desk.archived():
            self.archived = BotdeskError(
                f"event {kept.sequence}, which you saw last, was moved to an archive",
                hint=f"hold it there: botdesk audit verify --head {kept} --archive FILE",
            )
            return
        self.broken = BotdeskError(
            f"the audit no longer holds event {kept.sequence} as you last saw it",
            hint=f"somebody rewrote or cut it: botdesk audit verify --head {kept}, or --forget after a restored backup",
        )
        if self._memory:
            self._memory.let_go(desk.location)

    def _kept(self, desk: "Desk") -> "Head | None":
        from botdesk import audit

        try:
            return audit.Head.parse(self._memory.heads[desk.location]) if self._memory else None
        except (KeyError, InvalidInput):
            return None

    def look(self, desk: "Desk") -> bool:
        """Look at the head; True when what is shown should be read again.

        A newer head is taken only if the history still has the one that was seen. A store that does not answer leaves
        word in `lost`.
        """
        was_lost, now = self.lost, desk.clock()
        try:
            head = desk.head()
            if head != self._head:
                self._hold(desk, self._head)
        except StoreError as error:
            self.lost = error.message
            return False
        self.lost = ""
        stale = self._looked is None or (now - self._looked).total_seconds() >= STALE_SECONDS
        if head == self._head and not stale and not was_lost:
            return False
        self._head, self._looked = head, now
        self._ask_who(desk)
        self._remember(desk)
        return True

    def _ask_who(self, desk: "Desk") -> None:
        self.actor = None
        try:
            self.actor = desk.ask(lambda tx: tx.actor)
        except AccessDenied as error:
            self.shut_out = error

    def _remember(self, desk: "Desk") -> None:
        if self._memory and self._head and self._head.sequence and not self.broken:
            self._memory.heads[desk.location] = str(self._head)
