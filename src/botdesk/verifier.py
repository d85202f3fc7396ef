"""The verifier: presented tokens in, verdicts out, each use committed before its answer.

Tokens that are presented at the same time are judged and recorded in one transaction, by one thread of the verifier's
own; so the promise that every use is on record costs one commit a crowd. Who waited for argon2 is judged by the row as
it is afterwards.
"""

import asyncio
import queue
import threading
from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cache, partial
from typing import Any, Final, Self

from botdesk import bearer, personal, renewal, verdict, verification
from botdesk.bearer import Entropy, Hasher, Presented, Proofs, Secret
from botdesk.errors import AccessDenied, BotdeskError, Conflict, Overloaded, StoreError
from botdesk.personal import Registered
from botdesk.proving import Outcome, Prover, overloaded
from botdesk.store.lookup import Lookup, Row
from botdesk.store.tables import to_text
from botdesk.tally import Key, Tally, key
from botdesk.tokens import Issued
from botdesk.verdict import UNKNOWN, Answer, Asked, Introspection, Refusal, Use
from botdesk.verification import Begin

MOST_TOGETHER: Final = 256
MOST_WAITING: Final = 10_000
TICK_SECONDS: Final = 1.0
BATCH_SIZES: Final = (1, 2, 4, 8, 16, 32, 64, 128, MOST_TOGETHER)
NOTHING_SAID: Final = Asked()
MOST_PRESENTED: Final = 4096
"""The longest string that may be a registered personal token."""

Find = Callable[[str], Row | None]
"""Reads a token with its account, as they are by now; None when there is no such token."""


@dataclass(slots=True)
class Figures:
    """What a verifier did so far.

    Attributes:
        accepted: Uses that were accepted.
        refused: Uses that were refused, by reason.
        cache_hits: Accepted uses whose secret was proved before.
        cache_misses: Uses that waited for argon2.
        coalesced: Accepted uses that were counted into an event to come.
        overloaded: Uses that were turned away for a moment.
        commits: Transactions that recorded uses.
        recorded: Uses recorded in them.
        batches: How many of them recorded at most so many uses, by `BATCH_SIZES`.
    """

    accepted: int = 0
    refused: Counter[Refusal] = field(default_factory=Counter)
    cache_hits: int = 0
    cache_misses: int = 0
    coalesced: int = 0
    overloaded: int = 0
    commits: int = 0
    recorded: int = 0
    batches: Counter[int] = field(default_factory=Counter)

    def committed(self, uses: int) -> None:
        """Count a commit of so many uses."""
        self.commits += 1
        self.recorded += uses
        self.batches[next(size for size in BATCH_SIZES if uses <= size)] += 1

    def answered(self, use: Use | None, answer: Answer) -> None:
        """Count an answer; no use, no token of this desk."""
        if answer.refusal is not None:
            self.refused[answer.refusal] += 1
            return
        self.accepted += 1
        self.cache_hits += use is not None and use.checked is None


class _Waiting:
    """A use that somebody waits for, in a thread or in an event loop."""

    __slots__ = ("future", "loop", "use")

    def __init__(self, use: Use, loop: asyncio.AbstractEventLoop | None) -> None:
        self.use = use
        self.loop = loop
        self.future: Any = Future() if loop is None else loop.create_future()


class Verifier:
    """Verifies presented tokens on one desk; from any thread and any event loop.

    Get one from `Desk.verifier`; use it as a context manager, or `close` it.

    Attributes:
        figures: What it did so far.
    """

    def __init__(
        self,
        begin: Begin,
        lookup: Lookup,
        *,
        mint_key: bytes,
        clock: Callable[[], datetime],
        entropy: Entropy,
        hasher: Hasher,
        at_once: int = 2,
        queued: int = 64,
        coalesce: bool = False,
    ) -> None:
        """Make a verifier.

        Args:
            begin: Begins a writing transaction of the system.
            lookup: Reads one token at a time.
            mint_key: The desk's mint key.
            clock: Gives the present instant, aware UTC.
            entropy: Gives n random bytes.
            hasher: Proves secrets.
            at_once: How many argon2 computations run at once.
            queued: How many more may wait for their turn.
            coalesce: Record repeated uses of one token from one source once a minute, with a count.
        """
        self.figures = Figures()
        self._begin = begin
        self._lookup = lookup
        self._key = mint_key
        self._clock = clock
        self._coalesce = coalesce
        self._proofs = Proofs(entropy)
        self._prover = Prover(hasher, self._proofs, self._renew, at_once=at_once, queued=queued)
        self._tally = Tally()
        self._registered = Registered(lookup.personal)
        self._inbox: queue.SimpleQueue[_Waiting | None] = queue.SimpleQueue()
        self._crowds: dict[asyncio.AbstractEventLoop, list[_Waiting]] = {}
        self._mark: datetime | None = None
        self._turn = threading.Lock()
        self._thread: threading.Thread | None = None
        self._closed = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def argon2_runs(self) -> int:
        """argon2 computations so far."""
        return self._prover.runs

    def introspect(self, presented: str, asked: Asked = NOTHING_SAID) -> Introspection:
        """Tell what a presented string is worth; whatever it is, the answer is a value.

        Args:
            presented: What was presented as a bearer token.
            asked: What for.

        Raises:
            StoreError: The store cannot be read or written, so nothing may be accepted.
        """
        answer = self.verdict(presented, asked)
        return answer.introspection if answer.refusal is None else verdict.INACTIVE

    def require(self, presented: str, *scopes: str, asked: Asked = NOTHING_SAID) -> Introspection:
        """Accept a presented token, or raise.

        Args:
            presented: What was presented as a bearer token.
            scopes: What the request needs, besides `asked.scopes`.
            asked: What for.

        Raises:
            InvalidToken: It is refused (RFC 6750 §3.1 invalid_token).
            InsufficientScope: It lacks a scope (RFC 6750 §3.1 insufficient_scope).
            StoreError: The store cannot be read or written, so nothing may be accepted.
        """
        wanted = replace(asked, scopes=asked.scopes.union(scopes)) if scopes else asked
        return verdict.require(self.verdict(presented, wanted))

    def verdict(self, presented: str, asked: Asked) -> Answer:
        """Judge a presented string, and wait until that is on record.

        Raises:
            StoreError: The store cannot be read or written, so nothing may be accepted.
        """
        use = self._taken(presented, asked)
        if use is None:
            return self._stranger(asked)
        found = self._glance(use, self._lookup.find) if self._coalesce and not use.personal else None
        if found is not None:
            return found
        answer: Answer = self._put(_Waiting(use, None)).result()
        return answer

    async def answer(self, presented: str, asked: Asked) -> Answer:
        """Judge a presented string, and wait until that is on record; the event loop goes on meanwhile.

        Raises:
            StoreError: The store cannot be read or written, so nothing may be accepted.
        """
        use = self._taken(presented, asked)
        if use is None:
            return self._stranger(asked)
        answer: Answer = await self._join(_Waiting(use, asyncio.get_running_loop()))
        return answer

    async def end(self, presented: str, asked: Asked) -> bool:
        """End a token by its own holder (RFC 7009); False when it was not live.

        Raises:
            StoreError: The store cannot be read or written, so it may not have ended.
        """
        _, held = await self._holder(presented, asked)
        return held is not None and await asyncio.to_thread(self._end, held)

    async def rotate(self, presented: str, asked: Asked, *, overlap: timedelta) -> tuple[Answer, Issued | None]:
        """Rotate a token by its own holder; no successor when the token is refused.

        Args:
            presented: What was presented as a bearer token.
            asked: What for; its scopes say what the token needs.
            overlap: How long the old one works on.

        Raises:
            Conflict: A successor is in use already, or was issued by a person.
            InvalidInput: The overlap is out of range.
            StoreError: The store cannot be read or written.
        """
        answer, held = await self._holder(presented, asked)
        return answer, None if held is None else await asyncio.to_thread(self._rotate, held.id, overlap)

    async def _holder(self, presented: str, asked: Asked) -> tuple[Answer, Presented | None]:
        """Judge what its own holder presents; the token only when it is accepted."""
        held = bearer.parse(presented, self._key)
        if held is None:
            return self._stranger(asked), None
        answer = await self.answer(presented, asked)
        return answer, held if answer.refusal is None else None

    def _rotate(self, token_id: str, overlap: timedelta) -> Issued:
        with self._begin() as tx:
            return renewal.rotate(tx, token_id, overlap=overlap)

    def _end(self, presented: Presented) -> bool:
        """End a token; False when somebody else ended it, or disabled its account, since it was judged."""
        try:
            with self._begin() as tx:
                verification.end(tx, presented)
        except (Conflict, AccessDenied):
            return False
        return True

    def close(self) -> None:
        """Answer what waits, record what was counted, and stop."""
        with self._turn:
            self._closed = True
            thread = self._thread
        self._prover.close()
        self._inbox.put(None)
        if thread is not None:
            thread.join()
        self._lookup.close()

    def _taken(self, presented: str, asked: Asked) -> Use | None:
        found = bearer.parse(presented, self._key)
        return Use(found, asked) if found is not None else self._personal(presented, asked)

    def _personal(self, presented: str, asked: Asked) -> Use | None:
        """What may be a registered personal token; None when it is nobody's, which costs a digest and no more."""
        if not 1 <= len(presented) <= MOST_PRESENTED:
            return None
        known = bearer.known_by(Secret(presented), self._key)
        return Use(Presented("", Secret("")), asked, personal=known) if self._registered.suspects(known) else None

    def _stranger(self, asked: Asked) -> Answer:
        self._start()
        self._tally.stranger(asked.address)
        self.figures.answered(None, UNKNOWN)
        return UNKNOWN

    def _join(self, waiting: _Waiting) -> Any:
        """Go in with all that come in the same turn of the event loop: one commit for them, not one for the first."""
        assert waiting.loop is not None
        crowd = self._crowds.setdefault(waiting.loop, [])
        if not crowd:
            waiting.loop.call_soon(self._go_in, waiting.loop)
        crowd.append(waiting)
        return waiting.future

    def _go_in(self, loop: asyncio.AbstractEventLoop) -> None:
        for waiting in self._crowds.pop(loop):
            try:
                self._put(waiting)
            except BotdeskError as error:
                _resolve([(waiting.future, error)])

    def _put(self, waiting: _Waiting) -> Any:
        self._start()
        if self._inbox.qsize() >= MOST_WAITING:
            self.figures.overloaded += 1
            raise overloaded()
        self._inbox.put(waiting)
        return waiting.future

    def _start(self) -> None:
        if self._at_work() and not self._closed:
            return
        with self._turn:
            if self._closed:
                raise _closed()
            if not self._at_work():
                self._thread = threading.Thread(target=self._work, name="verifier", daemon=True)
                self._thread.start()

    def _at_work(self) -> bool:
        return self._thread is not None and self._thread.is_alive()

    def _work(self) -> None:
        going = True
        while going:
            together, going = self._collected()
            if together:
                self._settle_all(together)
            if self._tally.due or not going:
                with suppress(Exception):  # what was counted is kept for the next time
                    self._tally.flush(self._begin, everything=not going)
        with suppress(queue.Empty):
            while (late := self._inbox.get_nowait()) is not None:
                _tell([(late, _closed())])

    def _collected(self) -> tuple[list[_Waiting], bool]:
        """What waits by now, and whether there may be more to come."""
        together: list[_Waiting] = []
        with suppress(queue.Empty):
            found = self._inbox.get(timeout=TICK_SECONDS)
            while found is not None:
                together.append(found)
                if len(together) == MOST_TOGETHER:
                    return together, True
                found = self._inbox.get_nowait()
            return together, False
        return together, True

    def _settle_all(self, together: list[_Waiting]) -> None:
        """Judge what waits; whatever goes wrong is told to those who wait, and the thread goes on."""
        try:
            left = self._left_to_settle(together)
            if left:
                self._settle(left)
        except BotdeskError as error:
            _tell([(waiting, error) for waiting in together])
        except Exception as error:
            failed = StoreError(f"verifying failed ({type(error).__name__})", hint="run 'botdesk doctor'")
            _tell([(waiting, failed) for waiting in together])

    def _settle(self, together: list[_Waiting]) -> None:
        uses = [waiting.use for waiting in together]
        self._count_in(uses)
        with self._begin() as tx:
            found = personal.settle(tx, uses, self._proofs)
            mark = tx.now
        self._mark = max(mark, self._mark or mark)
        told: list[tuple[_Waiting, Answer]] = []
        for waiting, answer in zip(together, found, strict=True):
            if isinstance(answer, Answer):
                told.append((waiting, answer))
            else:
                self._prove(waiting, answer)
        self._committed(told)
        _tell(told)

    def _count_in(self, uses: Iterable[Use]) -> None:
        """Have the first use of each kind stand for those, too, that were counted before it."""
        met: set[Key] = set()
        for use in uses:
            kind = key(use)
            use.count = 1 if kind in met else 1 + self._tally.counted(use)
            met.add(kind)

    def _committed(self, told: list[tuple[_Waiting, Answer]]) -> None:
        if told:
            self.figures.committed(len(told))
        for waiting, answer in told:
            self.figures.answered(waiting.use, answer)
            if answer is UNKNOWN:
                self._tally.stranger(waiting.use.asked.address, forged=not waiting.use.personal)
            if self._coalesce and answer.refusal is None and not waiting.use.personal:
                self._tally.recorded(waiting.use)

    def _proved(self, waiting: _Waiting, outcome: Outcome) -> None:
        """Have the use judged again, now that argon2 told."""
        if isinstance(outcome, BotdeskError):
            self.figures.overloaded += isinstance(outcome, Overloaded)
            _tell([(waiting, outcome)])
        else:
            waiting.use.checked = outcome
            self._inbox.put(waiting)

    def _renew(self, presented: Presented, stored: str) -> str | None:
        """Hash again with today's parameters; if that cannot be saved now, the next check will do it."""
        with suppress(BotdeskError), self._begin() as tx:
            return verification.rehash(tx, presented, stored)
        return None

    def _left_to_settle(self, together: list[_Waiting]) -> list[_Waiting]:
        """Take out of the crowd what need not be recorded yet: what is only counted, and what argon2 has to see first.

        A row is read once for the whole crowd: all of it came before that.
        """
        find, told, left = cache(self._lookup.find), list[tuple[_Waiting, Answer]](), list[_Waiting]()
        try:
            for waiting in together:
                if waiting.use.personal:
                    answer = self._meet(waiting.use)
                else:
                    answer = self._glance(waiting.use, find) if self._coalesce else None
                if answer is not None:
                    told.append((waiting, answer))
                elif not self._proves_first(waiting, find):
                    left.append(waiting)
        finally:
            _tell(told)
        return left

    def _meet(self, use: Use) -> Answer | None:
        """The answer to a string that is nobody's by now; None when it is a registered personal token."""
        if self._registered.has(use.personal):
            return None
        self._tally.stranger(use.asked.address)
        self.figures.answered(None, UNKNOWN)
        return UNKNOWN

    def _proves_first(self, waiting: _Waiting, find: Find) -> bool:
        """Look a token that was never met up before the writers' turn is taken, which would be for nothing."""
        use = waiting.use
        if use.personal or use.checked is not None or self._prover.met(use.presented):
            return False
        row = find(use.presented.id)
        if row is None or verdict.refusal(row, to_text(self._clock())) is not None:
            return False
        self._prove(waiting, row.hash)
        return True

    def _prove(self, waiting: _Waiting, stored: str) -> None:
        self.figures.cache_misses += 1
        self._prover.prove(waiting.use.presented, stored, partial(self._proved, waiting))

    def _glance(self, use: Use, find: Find) -> Answer | None:
        """The answer to a use that is counted into an event to come; None when it has to be recorded now."""
        if not self._tally.open(use):
            return None
        now = self._clock()
        verification.refuse_clock(now, self._mark)
        at = to_text(now)
        answer = verdict.glance(use, find(use.presented.id), at, self._proofs)
        if answer is None or not self._tally.count(use, at):
            return None
        self.figures.coalesced += 1
        self.figures.answered(use, answer)
        return answer


def _closed() -> StoreError:
    return StoreError("the verifier is closed", hint="open the desk again")


def _tell(found: Iterable[tuple[_Waiting, Answer | BotdeskError]]) -> None:
    """Give those who wait their answers; those of one event loop together."""
    by_loop: dict[asyncio.AbstractEventLoop | None, list[tuple[Any, Answer | BotdeskError]]] = {}
    for waiting, answer in found:
        by_loop.setdefault(waiting.loop, []).append((waiting.future, answer))
    for loop, pairs in by_loop.items():
        if loop is None:
            _resolve(pairs)
        else:
            with suppress(RuntimeError):
                loop.call_soon_threadsafe(_resolve, pairs)


def _resolve(pairs: Iterable[tuple[Any, Answer | BotdeskError]]) -> None:
    for future, answer in pairs:
        if future.done():
            continue
        if isinstance(answer, BotdeskError):
            future.set_exception(answer)
        else:
            future.set_result(answer)
