"""Personal tokens of other systems that are registered with a migration: what the gate makes of one, and the record.

While the migration runs and until the date that was set, one counts as the account that the migration leads to. After
that, and once it is ended, it is refused, and each further try is on record. As with the desk's own tokens, the verdict
comes from the row as it is in the transaction that records it.
"""

import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, Final

from sqlmodel import col, select

from botdesk import audit, ledger, people, stages, verification
from botdesk import scopes as scope_words
from botdesk.access import Action, Actor, ActorKind
from botdesk.bearer import Proofs
from botdesk.errors import BotdeskError
from botdesk.store.tables import Account, Migration, Outcome
from botdesk.store.transaction import Transaction
from botdesk.verdict import INACTIVE, UNKNOWN, Answer, Asked, Introspection, Refusal, Use

FRESH_SECONDS: Final = 1.0
"""How long it is relied on which personal tokens are registered; so soon one counts that was registered elsewhere."""

Read = Callable[[], frozenset[str]]


class Registered:
    """The digests of the registered personal tokens: what is not among them is nobody's, and costs no transaction.

    It tells what is worth a look, never what is accepted. From any thread; time is monotonic seconds.
    """

    def __init__(self, read: Read, clock: Callable[[], float] = time.monotonic) -> None:
        """Read them for the first time.

        Args:
            read: Reads the digests that are registered.
            clock: Gives monotonic seconds.

        Raises:
            StoreError: The store cannot be read.
        """
        self._read = read
        self._clock = clock
        self._turn = threading.Lock()
        self._due = False
        self._read_at = clock()
        self._known = read()

    def suspects(self, digest: str) -> bool:
        """Whether a string may be a registered token: it was one, or it is time for one caller to read again."""
        if digest in self._known:
            return True
        with self._turn:
            if self._clock() - self._read_at < FRESH_SECONDS:
                return False
            self._read_at, self._due = self._clock(), True
            return True

    def has(self, digest: str) -> bool:
        """Whether a digest is registered, read again if that is due; if that fails, what was known counts on."""
        with self._turn:
            due, self._due = self._due, False
        if due:
            with suppress(BotdeskError):
                self._known = self._read()
        return digest in self._known


def settle(tx: Transaction, uses: Sequence[Use], proofs: Proofs) -> list[Answer | str]:
    """Judge and record what was presented, as `verification.settle` does, personal tokens too.

    Args:
        tx: A writing transaction of the system; nobody may hear of an answer before it is committed.
        uses: What was presented.
        proofs: What argon2 said yes to before.

    Returns:
        For each use its answer; or the stored hash that argon2 has to hold it against before it can be judged.

    Raises:
        StoreError: The clock was set back, or the store holds what it should not.
    """
    if not any(use.personal for use in uses):
        return verification.settle(tx, uses, proofs)
    own = iter(verification.settle(tx, [use for use in uses if not use.personal], proofs))
    known = _rows(tx, {use.personal for use in uses if use.personal})
    return [_settle(tx, known.get(use.personal), use.asked) if use.personal else next(own) for use in uses]


def _rows(tx: Transaction, digests: set[str]) -> dict[str, tuple[Migration, Account]]:
    query = (
        select(Migration, Account)
        .join(Account, col(Account.id) == Migration.account_id)
        .where(col(Migration.digest).in_(digests))
    )
    return {str(row.digest): (row, account) for row, account in tx.session.exec(query).all()}


def _settle(tx: Transaction, found: tuple[Migration, Account] | None, asked: Asked) -> Answer:
    if found is None:
        return UNKNOWN
    row, account = found
    answer = judge(row, account, asked, tx)
    _note(tx, row, account, answer, asked)
    return answer


def judge(row: Migration, account: Account, asked: Asked, tx: Transaction) -> Answer:
    """Give the verdict on a registered personal token by its migration's row.

    Args:
        row: The migration.
        account: Its account.
        asked: What the token is presented for.
        tx: The transaction, for its instant.
    """
    if why := _refusal(row, account, tx):
        return Answer(INACTIVE, why, token_id=row.id, account=account.name)
    missing = asked.scopes - scope_words.parse(account.scopes)
    told = Introspection(
        active=True,
        scope=scope_words.format(scope_words.parse(account.scopes)),
        client_id=account.id,
        username=account.name,
        sub=account.id,
        jti=row.id,
        iat=int((row.registered_at or row.started_at).timestamp()),
        exp=int(row.accept_until.timestamp()) if row.accept_until else None,
        token_type="Bearer",
    )
    return Answer(told, Refusal.SCOPE if missing else None, missing, row.id, account.name)


def _refusal(row: Migration, account: Account, tx: Transaction) -> Refusal | None:
    if account.removed_at:
        return Refusal.REMOVED
    if row.ended_at:
        return Refusal.REVOKED
    if row.accept_until is None:
        return Refusal.PERSONAL
    if not stages.accepts(row.accept_until, row.ended_at, tx.now):
        return Refusal.EXPIRED
    return Refusal.DISABLED if account.disabled_at else None


def _note(tx: Transaction, row: Migration, account: Account, answer: Answer, asked: Asked) -> None:
    """Record a verdict as the service account's own act, and on the row from where it was."""
    source = ledger.cleaned(asked.address, 64) or tx.source
    accepted = answer.refusal is None
    if accepted:
        row.last_used_at, row.last_used_from = tx.now, source
    else:
        row.last_refused_at, row.last_refused_from = tx.now, source
        row.last_refused_reason = answer.refusal.value if answer.refusal else None
    detail: dict[str, Any] = {
        "what": row.what,
        "owner": people.names(tx).get(row.owner_id),
        "reason": None if answer.refusal is None else answer.refusal.value,
        **ledger.told(asked, answer.missing),
    }
    audit.record(
        tx,
        Action.PERSONAL_TOKEN_USED if accepted else Action.PERSONAL_TOKEN_REFUSED,
        row,
        account=account,
        actor=Actor(ActorKind.ACCOUNT, account.id, account.name),
        outcome=Outcome.DONE if accepted else Outcome.DENIED,
        source=source,
        **detail,
    )


def note(tx: Transaction, migration_id: str, asked: Asked) -> Answer:
    """Judge a migration's personal token as if it had been presented, and record that: for desks of made-up data."""
    row = tx.session.get_one(Migration, migration_id)
    return _settle(tx, (row, tx.session.get_one(Account, row.account_id)), asked)
