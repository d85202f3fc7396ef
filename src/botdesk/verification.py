"""What a presented token is worth at this instant, and the record of that.

A verdict always comes from the row as it is now: what was remembered is a proof of the secret, never a verdict. A
batch of presented tokens is judged and recorded in one transaction, so that an answer is given only after its event is
committed.
"""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from botdesk import audit, wording
from botdesk.access import Action, Actor, ActorKind
from botdesk.bearer import Presented, Proofs, Secret
from botdesk.errors import Conflict, NotFound, StoreError
from botdesk.ledger import Ledger, cleaned
from botdesk.store import lookup
from botdesk.store.lookup import Row
from botdesk.store.tables import Account, Token, to_text
from botdesk.store.transaction import Transaction
from botdesk.verdict import INACTIVE as INACTIVE
from botdesk.verdict import UNKNOWN as UNKNOWN
from botdesk.verdict import Answer as Answer
from botdesk.verdict import Asked as Asked
from botdesk.verdict import Introspection as Introspection
from botdesk.verdict import Refusal as Refusal
from botdesk.verdict import Use as Use
from botdesk.verdict import judge, proved

Begin = Callable[[], AbstractContextManager[Transaction]]
"""Begins a writing transaction of the system, which is committed at its end."""

CLOCK_SLACK: Final = timedelta(minutes=5)
"""How far a clock may be behind the newest event before nothing is verified any more."""


def check_clock(tx: Transaction) -> None:
    """Refuse to verify by a clock that was set back: what expired would work again.

    Raises:
        StoreError: The clock is more than `CLOCK_SLACK` behind the newest event.
    """
    refuse_clock(tx.now, audit.high_water(tx))


def refuse_clock(now: datetime, mark: datetime | None) -> None:
    """Refuse an instant that is more than `CLOCK_SLACK` behind the high-water mark.

    Raises:
        StoreError: It is.
    """
    if mark is not None and now < mark - CLOCK_SLACK:
        raise StoreError(
            f"the clock is behind the audit: it says {wording.when(now)}, the newest event is of {wording.when(mark)}",
            hint="set the clock; if the newest event's was wrong: botdesk database clock --accept",
        )


def settle(tx: Transaction, uses: Sequence[Use], proofs: Proofs) -> list[Answer | str]:
    """Judge presented tokens by their rows as they are in this transaction, and record each verdict.

    Args:
        tx: A writing transaction of the system; nobody may hear of an answer before it is committed.
        uses: What was presented.
        proofs: What argon2 said yes to before.

    Returns:
        For each use its answer; or the stored hash that argon2 has to hold it against before it can be judged.

    Raises:
        StoreError: The clock was set back, or the store holds what it should not.
    """
    check_clock(tx)
    rows = lookup.rows(tx.session.connection(), {use.presented.id for use in uses})
    now, ledger = to_text(tx.now), Ledger(tx)
    answers = [_settle(use, rows.get(use.presented.id), now, proofs, ledger) for use in uses]
    ledger.write()
    return answers


def _settle(use: Use, row: Row | None, now: str, proofs: Proofs, ledger: Ledger) -> Answer | str:
    if row is None:
        return UNKNOWN
    answer = judge(row, now, use.asked)
    if answer.refusal in (None, Refusal.SCOPE):
        right = proved(use, row, proofs)
        if right is None:
            return row.hash
        if not right:
            answer = Answer(INACTIVE, Refusal.PROOF, token_id=row.id, account=row.account)
    ledger.note(row, answer, use)
    return answer


def note(tx: Transaction, token_id: str, asked: Asked) -> Answer:
    """Judge a token by its row alone, as if its secret had been proved, and record that: for desks of made-up data.

    Raises:
        NotFound: There is no such token.
    """
    row = lookup.rows(tx.session.connection(), [token_id]).get(token_id)
    if row is None:
        raise NotFound(f"there is no token {token_id!r}", hint="'botdesk token list' shows those in your reach")
    answer, ledger = judge(row, to_text(tx.now), asked), Ledger(tx)
    ledger.note(row, answer, Use(Presented(token_id, Secret("")), asked))
    ledger.write()
    return answer


def record_counted(tx: Transaction, counted: Sequence[tuple[Use, int]]) -> None:
    """Record accepted uses that were counted, not recorded one by one: an event for each with its count."""
    rows = lookup.rows(tx.session.connection(), {use.presented.id for use, _ in counted})
    ledger = Ledger(tx)
    for use, count in counted:
        row = rows.get(use.presented.id)
        if row is not None:
            ledger.note(row, Answer(INACTIVE), replace(use, count=count))
    ledger.write()


def record_unknown(tx: Transaction, sources: dict[str, int], *, forged: int = 0) -> None:
    """Record how many strings that are no tokens of this desk were presented, and from where most.

    Args:
        tx: A writing transaction of the system.
        sources: How many came from each address.
        forged: How many of them had a check that only this desk's mint key makes, without a token being there: the
            key got out, or the store was put back to a time before they were issued.
    """
    most = sorted(sources.items(), key=lambda found: -found[1])[:MOST_SOURCES]
    told = {cleaned(address, 64) or "unknown": count for address, count in most}
    audit.record(tx, Action.TOKEN_UNKNOWN, count=sum(sources.values()), sources=told, forged=forged or None)


MOST_SOURCES: Final = 20


def end(tx: Transaction, presented: Presented) -> Token:
    """End a token by its own holder, who proved to hold it (RFC 7009); recorded as done by the service account.

    Raises:
        Conflict: It is revoked already.
    """
    token = tx.session.get_one(Token, presented.id)
    account = tx.session.get_one(Account, token.account_id)
    tx.actor = Actor(ActorKind.ACCOUNT, account.id, account.name, active=account.disabled_at is None)
    audit.require(tx, Action.TOKEN_REVOKED, account, label=token.label)
    if token.revoked_at:
        raise Conflict(f"the token {token.label!r} is revoked already", hint="there is nothing to do")
    token.revoked_at, token.revoked_reason = tx.now, "ended by its holder"
    audit.record(tx, Action.TOKEN_REVOKED, token, account=account, label=token.label, reason=token.revoked_reason)
    return token


def rehash(tx: Transaction, presented: Presented, stored: str) -> str | None:
    """Keep a proved secret under today's argon2 parameters.

    Returns:
        The new stored hash; None when the row has another hash by now.
    """
    token = tx.session.get_one(Token, presented.id)
    if token.hash != stored:
        return None
    account = tx.session.get_one(Account, token.account_id)
    token.hash = tx.hasher.hash(presented.proof, salt=tx.entropy(16))
    audit.record(tx, Action.TOKEN_REHASHED, token, account=account, label=token.label)
    return token.hash
