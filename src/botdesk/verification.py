"""What a presented token is worth at this instant, and the record of that.

A verdict always comes from the row as it is now: what was remembered is a proof of the secret, never a verdict. A
batch of presented tokens is judged and recorded in one transaction, so that an answer is given only after its event is
committed.
"""

import re
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from typing import Any, Final

from sqlalchemy import bindparam, update

from botdesk import audit, bearer, seen, tokens, wording
from botdesk import scopes as scope_words
from botdesk.access import Action, Actor, ActorKind
from botdesk.bearer import Presented, Proofs, Secret
from botdesk.errors import Conflict, InsufficientScope, InvalidToken, NotFound, StoreError
from botdesk.store import lookup
from botdesk.store.digest import digest, table_of
from botdesk.store.lookup import Row
from botdesk.store.tables import Account, Outcome, Token, to_text
from botdesk.store.transaction import Transaction
from botdesk.tokens import TokenState

Begin = Callable[[], AbstractContextManager[Transaction]]
"""Begins a writing transaction of the system, which is committed at its end."""

CLOCK_SLACK: Final = timedelta(minutes=5)
"""How far a clock may be behind the newest event before nothing is verified any more."""


class Refusal(StrEnum):
    """Why a presented token is refused."""

    UNKNOWN = "unknown"
    PENDING = "pending"
    EXPIRED = "expired"
    RETIRED = "retired"
    REVOKED = "revoked"
    DISABLED = "disabled"
    REMOVED = "removed"
    PROOF = "proof"
    SCOPE = "scope"
    PERSONAL = "personal"


REASONS: Final = {
    Refusal.UNKNOWN: "it is no token of this desk",
    Refusal.PENDING: "it was never handed over",
    Refusal.EXPIRED: "it expired",
    Refusal.RETIRED: "it was rotated and its overlap is over",
    Refusal.REVOKED: "it was revoked",
    Refusal.DISABLED: "its account is disabled",
    Refusal.REMOVED: "its account was removed",
    Refusal.PROOF: "its secret is wrong",
    Refusal.SCOPE: "it lacks a scope",
    Refusal.PERSONAL: "it is somebody's personal token, which is not accepted",
}
"""Each refusal in words, for the audit and for whoever operates the asking service."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a token is presented for.

    Attributes:
        scopes: What the request needs (RFC 6749 §3.3).
        address: Where the request comes from.
        method: The request's method, when known.
        path: The request's path, when known; a query is cut off before anything is recorded.
        by: The name of the account that asks on behalf of a service (RFC 7662), if any.
    """

    scopes: frozenset[str] = frozenset()
    address: str = ""
    method: str | None = None
    path: str | None = None
    by: str | None = None


@dataclass(frozen=True, slots=True)
class Introspection:
    """What a token says of its bearer (RFC 7662 §2.2); all but `active` is empty when it is not active.

    Attributes:
        active: Whether the token is accepted.
        scope: The scopes that both the token and its account have, space-delimited.
        client_id: The account's id.
        username: The account's name.
        sub: The account's id, as the subject of its acts.
        jti: The token's lookup id.
        iat: When it was issued, in seconds since 1970.
        exp: When it expires, in seconds since 1970; None for never.
        token_type: `Bearer`.
    """

    active: bool = False
    scope: str = ""
    client_id: str = ""
    username: str = ""
    sub: str = ""
    jti: str = ""
    iat: int | None = None
    exp: int | None = None
    token_type: str = ""


INACTIVE: Final = Introspection()


@dataclass(frozen=True, slots=True)
class Answer:
    """The verdict on one presented token.

    Attributes:
        introspection: What may be told of it; inactive when it is refused for any reason but a lacking scope.
        refusal: Why it is refused; None when it is accepted.
        missing: The scopes that it lacks, when that is the reason.
        token_id: The lookup id, also of a refused token that this desk minted.
        account: The account's name, also of a refused token.
    """

    introspection: Introspection
    refusal: Refusal | None = None
    missing: frozenset[str] = frozenset()
    token_id: str = ""
    account: str = ""


UNKNOWN: Final = Answer(INACTIVE, Refusal.UNKNOWN)


@dataclass(slots=True, eq=False)
class Use:
    """A presented token of this desk that waits for its verdict.

    Attributes:
        presented: The token, of the right shape and check.
        asked: What for.
        checked: The stored hash that argon2 held it against, and whether it fits; None before that.
        count: How many uses this one stands for.
        at: When the last of them was, as stored, if that was before it is recorded.
        personal: The digest of a presented string that is no token of this desk, but may be a registered personal one.
    """

    presented: Presented
    asked: Asked
    checked: tuple[str, bool] | None = None
    count: int = 1
    at: str | None = None
    personal: str = ""


def require(answer: Answer) -> Introspection:
    """Turn a refusal into the error that it is.

    Raises:
        InvalidToken: The token is refused (RFC 6750 §3.1 invalid_token).
        InsufficientScope: It lacks a scope (RFC 6750 §3.1 insufficient_scope).
    """
    if answer.refusal is None:
        return answer.introspection
    if answer.refusal is Refusal.SCOPE:
        missing = scope_words.format(answer.missing)
        raise InsufficientScope(f"the token lacks the scope {missing!r}", hint="issue one that has it")
    raise InvalidToken(f"the token is refused: {REASONS[answer.refusal]}", hint="present a live token of this desk")


def refusal(row: Row, now: str) -> Refusal | None:
    """Why a token is refused at an instant, whoever holds its secret; None when it is live.

    Args:
        row: The token and its account, as stored.
        now: The instant, as stored.
    """
    if row.account_removed_at:
        return Refusal.REMOVED
    found = tokens.state(row, now)
    if found is TokenState.EXPIRED and row.successor_id:
        return Refusal.RETIRED
    if found not in tokens.LIVE:
        return _BY_STATE[found]
    return Refusal.DISABLED if row.account_disabled_at else None


_BY_STATE: Final = {
    TokenState.PENDING: Refusal.PENDING,
    TokenState.EXPIRED: Refusal.EXPIRED,
    TokenState.REVOKED: Refusal.REVOKED,
}


def proved(use: Use, row: Row, proofs: Proofs) -> bool | None:
    """Tell whether the presented secret is the token's; None when argon2 has to tell."""
    if use.checked is not None and use.checked[0] == row.hash:
        return use.checked[1]
    return True if proofs.known(row.hash, use.presented.proof) else None


def judge(row: Row, now: str, asked: Asked) -> Answer:
    """Give the verdict on a token by its row; it stands once the secret was proved.

    Args:
        row: The token and its account, as stored.
        now: The instant, as stored.
        asked: What the token is presented for.
    """
    why = refusal(row, now)
    if why is not None:
        return Answer(INACTIVE, why, token_id=row.id, account=row.account)
    missing = asked.scopes - _held(row.scopes, row.account_scopes)
    told = _told(row.id, row.account_id, row.account, row.scopes, row.account_scopes, row.issued_at, row.expires_at)
    return Answer(told, Refusal.SCOPE if missing else None, missing, row.id, row.account)


@lru_cache(maxsize=4096)
def _told(
    token_id: str,
    account_id: str,
    account: str,
    scopes: str,
    of_account: str,
    issued_at: str,
    expires_at: str | None,
) -> Introspection:
    return Introspection(
        active=True,
        scope=scope_words.format(_held(scopes, of_account)),
        client_id=account_id,
        username=account,
        sub=account_id,
        jti=token_id,
        iat=_seconds(issued_at),
        exp=None if expires_at is None else _seconds(expires_at),
        token_type="Bearer",
    )


@lru_cache(maxsize=4096)
def _held(scopes: str, of_account: str) -> frozenset[str]:
    return frozenset(scopes.split()) & frozenset(of_account.split())


def _seconds(instant: str) -> int:
    try:
        return int(datetime.fromisoformat(instant).timestamp())
    except ValueError:
        raise StoreError("the store holds an unreadable time", hint="run 'botdesk audit verify'") from None


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
    now, ledger = to_text(tx.now), _Ledger(tx)
    answers = [_settle(use, rows.get(use.presented.id), now, proofs, ledger) for use in uses]
    ledger.write()
    return answers


def _settle(use: Use, row: Row | None, now: str, proofs: Proofs, ledger: "_Ledger") -> Answer | str:
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


class _Ledger:
    """The events of one batch and the tokens that it changes."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx
        self._at = to_text(tx.now)
        self._events: list[dict[str, Any]] = []
        self._rows: dict[str, dict[str, Any]] = {}
        self._digests: dict[str, str] = {}
        self._touched: set[str] = set()

    def note(self, row: Row, answer: Answer, use: Use) -> None:
        """Note a verdict, and on the token's row what it was like."""
        before = self._digest(row)
        source = cleaned(use.asked.address, 64) or self._tx.source
        accepted = answer.refusal is None
        self._touch(row, self._changed(self._rows[row.id], answer, use, source))
        self._events.append(
            {
                "at": self._at,
                "actor_kind": ActorKind.ACCOUNT.value,
                "actor_id": row.account_id,
                "actor": row.account,
                "action": (Action.TOKEN_USED if accepted else Action.TOKEN_REFUSED).value,
                "account_id": row.account_id,
                "account": row.account,
                "outcome": (Outcome.DONE if accepted else Outcome.DENIED).value,
                "source": source,
                "detail": _detail(row.label, answer.refusal, answer.missing, use.asked, use.count, use.at),
                "subject_kind": "token",
                "subject_id": row.id,
                "before": before,
                "after": self._digests[row.id],
            }
        )

    def _digest(self, row: Row) -> str:
        if row.id not in self._digests:
            self._rows[row.id] = row.token()
            self._digests[row.id] = digest("token", self._rows[row.id])
        return self._digests[row.id]

    def _changed(self, values: dict[str, Any], answer: Answer, use: Use, source: str) -> dict[str, str]:
        """What a verdict changes on the token's row."""
        at = use.at or self._at
        day = at[:10]
        if answer.refusal is None:
            first = values["first_used_at"] or at
            like = seen.used(values["seen"], day, source, use.asked.scopes)
            last = {"last_used_at": at, "last_used_from": source} if at >= (values["last_used_at"] or "") else {}
            return {**last, "first_used_at": first, "seen": like}
        refused = {
            "last_refused_at": self._at,
            "last_refused_from": source,
            "last_refused_reason": answer.refusal.value,
        }
        return refused | ({"seen": seen.lacked(values["seen"], day, answer.missing)} if answer.missing else {})

    def _touch(self, row: Row, changed: dict[str, str]) -> None:
        values = self._rows[row.id]
        if any(values[name] != value for name, value in changed.items()):
            values |= changed
            self._digests[row.id] = digest("token", values)
            self._touched.add(row.id)

    def write(self) -> None:
        """Write the rows and their events."""
        connection = self._tx.session.connection()
        if self._touched:
            connection.execute(_TOUCH, [_touch_of(self._rows[token_id]) for token_id in sorted(self._touched)])
        if self._events:
            audit.append(self._tx, self._events)


_TOKEN: Final = table_of(Token)
_TOUCHED: Final = (
    *("last_used_at", "last_used_from", "first_used_at"),
    *("last_refused_at", "last_refused_from", "last_refused_reason", "seen"),
)
"""The columns of a token that its uses change."""

_TOUCH: Final = (
    update(_TOKEN)
    .where(_TOKEN.c.id == bindparam("token_id"))
    .values({name: bindparam(f"new_{name}", type_=_TOKEN.c.id.type) for name in _TOUCHED})
)


def _touch_of(values: dict[str, Any]) -> dict[str, Any]:
    return {"token_id": values["id"], **{f"new_{name}": values[name] for name in _TOUCHED}}


@lru_cache(maxsize=4096)
def _detail(
    label: str, refusal: Refusal | None, missing: frozenset[str], asked: Asked, count: int, last_at: str | None
) -> str:
    return audit.written(
        {
            "label": label,
            "reason": None if refusal is None else refusal.value,
            **told(asked, missing),
            "count": count if count > 1 and refusal is None else None,
            "last_at": last_at,
        }
    )


def told(asked: Asked, missing: frozenset[str]) -> dict[str, str | None]:
    """What an event says of what a token was presented for, and of the scopes that it lacks."""
    return {
        "method": cleaned(asked.method, 16) if asked.method else None,
        "path": cleaned(asked.path, 200) if asked.path else None,
        "scopes": scope_words.format(asked.scopes) if asked.scopes else None,
        "missing": scope_words.format(missing) if missing else None,
        "by": asked.by,
    }


@lru_cache(maxsize=4096)
def cleaned(text: str, longest: int) -> str:
    """What a client said, made fit for the record: no query, no token, nothing unseen, not longer than that."""
    return wording.visible(bearer.redacted(_QUERY.sub("", text)))[:longest]


_QUERY: Final = re.compile(r"[?#].*", re.DOTALL)


def note(tx: Transaction, token_id: str, asked: Asked) -> Answer:
    """Judge a token by its row alone, as if its secret had been proved, and record that: for desks of made-up data.

    Raises:
        NotFound: There is no such token.
    """
    row = lookup.rows(tx.session.connection(), [token_id]).get(token_id)
    if row is None:
        raise NotFound(f"there is no token {token_id!r}", hint="'botdesk token list' shows those in your reach")
    answer, ledger = judge(row, to_text(tx.now), asked), _Ledger(tx)
    ledger.note(row, answer, Use(Presented(token_id, Secret("")), asked))
    ledger.write()
    return answer


def record_counted(tx: Transaction, counted: Sequence[tuple[Use, int]]) -> None:
    """Record accepted uses that were counted, not recorded one by one: an event for each with its count."""
    rows = lookup.rows(tx.session.connection(), {use.presented.id for use, _ in counted})
    ledger = _Ledger(tx)
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


def glance(use: Use, row: Row | None, now: str, proofs: Proofs) -> Answer | None:
    """The answer to a use that is accepted by this row without argon2, unrecorded; None when it is not that simple."""
    if row is None or not proved(use, row, proofs):
        return None
    answer = judge(row, now, use.asked)
    return answer if answer.refusal is None else None
