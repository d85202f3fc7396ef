"""The verdict on a presented token by its row at an instant: pure rules, and what is told of it."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import lru_cache
from typing import Final

from botdesk import scopes as scope_words
from botdesk import tokens
from botdesk.bearer import Presented, Proofs
from botdesk.errors import InsufficientScope, InvalidToken, StoreError
from botdesk.store.lookup import Row
from botdesk.tokens import TokenState


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


def glance(use: Use, row: Row | None, now: str, proofs: Proofs) -> Answer | None:
    """The answer to a use that is accepted by this row without argon2, unrecorded; None when it is not that simple."""
    if row is None or not proved(use, row, proofs):
        return None
    answer = judge(row, now, use.asked)
    return answer if answer.refusal is None else None
