"""Proving: argon2 in a few threads of its own, once for the same secret however often it is presented meanwhile."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from botdesk.bearer import Hasher, Presented, Proofs
from botdesk.errors import BotdeskError, Overloaded, StoreError

Outcome = tuple[str, bool] | BotdeskError
"""The stored hash and whether the secret fits it; or why that could not be told."""

Then = Callable[[Outcome], None]
Renew = Callable[[Presented, str], str | None]
"""Keeps a proved secret under new parameters; returns the new stored hash, None when that was not to be."""


class Prover:
    """Holds presented secrets against stored hashes.

    Attributes:
        proofs: What was proved before.
        runs: argon2 computations so far.
    """

    def __init__(self, hasher: Hasher, proofs: Proofs, renew: Renew, *, at_once: int, queued: int) -> None:
        """Make a prover.

        Args:
            hasher: What proves.
            proofs: Where it is remembered.
            renew: Keeps a secret again when the parameters changed.
            at_once: How many computations run at once.
            queued: How many more may wait for their turn.
        """
        self.proofs = proofs
        self.runs = 0
        self._hasher = hasher
        self._renew = renew
        self._pool = ThreadPoolExecutor(max_workers=at_once, thread_name_prefix="argon2")
        self._most = at_once + queued
        self._waiting: dict[bytes, list[Then]] = {}
        self._met: set[str] = set()
        self._turn = threading.Lock()

    def prove(self, presented: Presented, stored: str, then: Then) -> None:
        """Have it told whether the secret fits the stored hash; `then` is called in another thread, or at once.

        It is told `Overloaded` when too many wait already.
        """
        mark = self.proofs.mark(stored, presented.proof)
        with self._turn:
            if mark in self._waiting:
                self._waiting[mark].append(then)
                return
            known = self.proofs.known(stored, presented.proof)
            full = len(self._waiting) >= self._most
            if not known and not full:
                self._waiting[mark] = [then]
        if known or full:
            then((stored, True) if known else overloaded())
            return
        try:
            self._pool.submit(self._run, mark, presented, stored)
        except RuntimeError:
            self._tell(mark, StoreError("the verifier is closed", hint="open the desk again"))

    def met(self, presented: Presented) -> bool:
        """Tell whether a secret of this token was proved before; its row may have another hash by now."""
        return presented.id in self._met

    def close(self) -> None:
        """Finish what was begun, and stop."""
        self._pool.shutdown(wait=True)

    def _run(self, mark: bytes, presented: Presented, stored: str) -> None:
        self.runs += 1
        try:
            right = self._hasher.verify(stored, presented.proof)
            if right:
                self._remember(presented, stored)
        except BotdeskError as error:
            self._tell(mark, error)
        except Exception as error:
            self._tell(mark, StoreError(f"argon2 failed ({type(error).__name__})", hint="run 'botdesk doctor'"))
        else:
            self._tell(mark, (stored, right))

    def _remember(self, presented: Presented, stored: str) -> None:
        self.proofs.remember(stored, presented.proof)
        if len(self._met) >= Proofs.MOST:
            self._met.clear()
        self._met.add(presented.id)
        if self._hasher.outdated(stored):
            renewed = self._renew(presented, stored)
            if renewed is not None:
                self.proofs.remember(renewed, presented.proof)

    def _tell(self, mark: bytes, outcome: Outcome) -> None:
        with self._turn:
            waiting = self._waiting.pop(mark, [])
        for then in waiting:
            then(outcome)


def overloaded() -> Overloaded:
    """The error for what comes beyond all queues."""
    return Overloaded("too many tokens are presented at once", hint="try again in a moment")
