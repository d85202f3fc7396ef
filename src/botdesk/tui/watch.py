"""The watch on the audit's head: whether anything has changed, and whether the history is what it was.

The head is the one question. A desk that does not answer is told once, and once more when it answers again.
"""

import time
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from botdesk import wording
from botdesk.errors import AccessDenied, BotdeskError, InvalidInput, StoreError

if TYPE_CHECKING:
    from datetime import datetime

    from botdesk.access import Actor
    from botdesk.audit import Head
    from botdesk.desk import Desk
    from botdesk.runs import Run
    from botdesk.tui.memory import Memory
    from botdesk.uses import Reuse

STALE_SECONDS: Final = 30
"""After how long what is shown is read again though nothing has changed: tokens expire, and times go by."""

REUSED: Final = timedelta(days=7)
"""For how long it is told that an ended token was presented again."""

NOTICED: Final = 500
"""How much of what was seen of that is remembered."""

SLOW_SECONDS: Final = 0.1
"""If looking for that takes longer, it is done the less often: for at most a hundredth of the time."""

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
        unfinished: The runs over many of who operates the desk that came to no end, and that nobody is at work with.
        reused: The ended tokens that are presented again, and were not seen yet by who operates the desk.
    """

    def __init__(self, memory: "Memory | None") -> None:
        self.broken: BotdeskError | None = None
        self.archived: BotdeskError | None = None
        self.lost = ""
        self.actor: Actor | None = None
        self.shut_out: AccessDenied | None = None
        self.reused: tuple[Reuse, ...] = ()
        self.unfinished: tuple[Run, ...] = ()
        self._noticed: list[str] = []
        self._reuse_next = 0.0
        self._open_runs = False
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
        self._noticed = self._memory.noticed.get(desk.location, "").split() if self._memory else []
        self._remember(desk)

    def look_further(self, desk: "Desk") -> None:
        """Look for what is told above every screen, which the first rows need not wait for."""
        self._look_for_reuse(desk)
        self.look_for_unfinished(desk)

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
        self._look_for_reuse(desk)
        if self._open_runs:
            self.look_for_unfinished(desk)
        self._remember(desk)
        return True

    def _ask_who(self, desk: "Desk") -> None:
        self.actor = None
        try:
            self.actor = desk.ask(lambda tx: tx.actor)
        except AccessDenied as error:
            self.shut_out = error

    def _look_for_reuse(self, desk: "Desk") -> None:
        from botdesk import uses

        if (began := time.monotonic()) < self._reuse_next:
            return
        try:
            found = desk.ask(uses.reused, since=desk.clock() - REUSED)
        except BotdeskError:
            return
        took = time.monotonic() - began
        self._reuse_next = began + 100 * took if took > SLOW_SECONDS else 0.0
        self.reused = tuple(one for one in found if _mark(one) not in self._noticed)

    def look_for_unfinished(self, desk: "Desk") -> None:
        """Look for runs over many that were killed; what may be at work still is looked at again later."""
        from botdesk import runner, runs

        try:
            found = desk.ask(runs.unfinished)
        except BotdeskError:
            found = []
        self._open_runs = bool(found)
        self.unfinished = tuple(run for run in found if not runner.at_work(desk, run))

    def told_unfinished(self, now: "datetime") -> str:
        """The latest run without an end in a line; empty when there is none."""
        if not self.unfinished:
            return ""
        run, more = self.unfinished[0], len(self.unfinished) - 1
        rest = f", and {more} more" if more else ""
        what = f"{run.order.verb} {run.order.many(len(run.results))}, {wording.ago(run.at, now)}"
        return f"! RUN {run.number} DID NOT END, B goes on with it or ends it: {what}{rest}"

    def notice(self, desk: "Desk") -> None:
        """Take what is presented again as seen: it is told once more only if it comes from another address."""
        self._noticed = [*self._noticed, *(_mark(one) for one in self.reused)][-NOTICED:]
        self.reused = ()
        if self._memory:
            self._memory.noticed[desk.location] = " ".join(self._noticed)

    def told_reuse(self, now: "datetime") -> str:
        """The latest use of an ended token in a line, and how many more there are; empty when there is none."""
        if not self.reused:
            return ""
        one, more = self.reused[0], len(self.reused) - 1
        rest = f", and {more} more" if more else ""
        label = wording.shortened(one.label, 20)
        when = wording.ago(one.source.last_at, now)
        return f"! ENDED TOKEN USED: {one.account} '{label}' {when}, {one.source.address}{rest}"

    def _remember(self, desk: "Desk") -> None:
        if self._memory and self._head and self._head.sequence and not self.broken:
            self._memory.heads[desk.location] = str(self._head)


def _mark(one: "Reuse") -> str:
    """What is remembered of a token that is presented from an address."""
    from hashlib import blake2b

    return blake2b(f"{one.token_id} {one.source.address}".encode(), digest_size=6).hexdigest()
