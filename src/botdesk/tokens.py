"""Bearer tokens of service accounts: issue, deliver, rotate, revoke.

A token is pending until its secret was handed over; a pending token never works. Its states are derived by one pure
function and never stored.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final, Protocol, TypeVar

from sqlmodel import col, select

from botdesk import accounts, audit, bearer, people, versions, wording
from botdesk import scopes as scope_words
from botdesk.access import Action
from botdesk.bearer import Secret
from botdesk.errors import Conflict, InvalidInput, NotFound, StoreError
from botdesk.store import reach
from botdesk.store.tables import Account, Setting
from botdesk.store.tables import Token as Token
from botdesk.store.transaction import Transaction
from botdesk.target import LONGEST_TARGET

DEFAULT_OVERLAP: Final = timedelta(hours=24)
LONGEST_OVERLAP: Final = timedelta(days=90)
LONGEST_LIFETIME: Final = timedelta(days=3650)


class TokenState(StrEnum):
    """The state of a token (NIST SP 800-57), derived and never stored."""

    PENDING = "pending"
    ACTIVE = "active"
    RETIRING = "retiring"
    EXPIRED = "expired"
    REVOKED = "revoked"


SUSPENDED: Final = ", refused: its account is disabled"

LIVE: Final = frozenset({TokenState.ACTIVE, TokenState.RETIRING})
"""The states in which a token works."""


@dataclass(frozen=True, slots=True)
class Issued:
    """A token that was just made, with the only copy of its secret; still pending."""

    token: Token
    account: Account
    secret: Secret


@dataclass(frozen=True, slots=True)
class Line:
    """A token as a list shows it.

    Attributes:
        token: The token.
        state: Its state.
        account: Its account's name.
        issuer: Who issued it: a person, or the account itself.
        version: The version that this is.
        suspended: It is live, and refused all the same, as long as its account is disabled.
    """

    token: Token
    state: TokenState
    account: str
    issuer: str
    version: int
    suspended: bool = False

    @property
    def stands(self) -> str:
        """Its state in words: a suspended token does not stand there as plainly active."""
        return f"{self.state.value}{SUSPENDED}" if self.suspended else self.state.value


At = TypeVar("At", datetime, str)
At_co = TypeVar("At_co", bound=datetime | str, covariant=True)


class Dated(Protocol[At_co]):
    """What the state of a token follows from: a `Token`, or a row just as the store keeps it, with instants as text."""

    @property
    def delivered_at(self) -> At_co | None:
        """When its secret was handed over."""

    @property
    def expires_at(self) -> At_co | None:
        """When it ends by itself."""

    @property
    def revoked_at(self) -> At_co | None:
        """When it was ended."""

    @property
    def successor_id(self) -> str | None:
        """The token that it was rotated to."""


def state(token: Dated[At], now: At) -> TokenState:
    """The state of a token at an instant."""
    if token.revoked_at:
        return TokenState.REVOKED
    if token.expires_at and token.expires_at <= now:
        return TokenState.EXPIRED
    if not token.delivered_at:
        return TokenState.PENDING
    return TokenState.RETIRING if token.successor_id else TokenState.ACTIVE


def issue(
    tx: Transaction,
    account_id: str,
    label: str,
    *,
    lifetime: timedelta | None = None,
    never: bool = False,
    scopes: str | Iterable[str] | None = None,
) -> Issued:
    """Issue a token to an account; it is pending until `deliver`.

    Args:
        tx: The transaction.
        account_id: The account's id or name.
        label: What tells this token from others: where it is used.
        lifetime: How long it lives; the account's rotation period by default.
        never: It never expires; only when said out loud, and not together with a lifetime.
        scopes: A subset of the account's scopes; all of them by default.

    Raises:
        AccessDenied: The actor may not operate the account.
        Conflict: The account is disabled or removed.
        InvalidInput: A value cannot be taken, or a scope is not the account's.
        NotFound: There is no such account in reach.
    """
    account = accounts.find(tx, account_id)
    audit.require(tx, Action.TOKEN_ISSUED, account, label=label[:64])
    refuse_idle(account)
    return _make(
        tx,
        account,
        label=_checked_label(label),
        expires_at=_end(tx, account, lifetime, never=never),
        scopes=_subset(account, scopes),
    )


def _make(
    tx: Transaction,
    account: Account,
    *,
    label: str,
    expires_at: datetime | None,
    scopes: str,
    predecessor: Token | None = None,
    overlap: timedelta | None = None,
) -> Issued:
    minted = bearer.mint(mint_key(tx), tx.entropy)
    token = Token(
        id=minted.id,
        account_id=account.id,
        label=label,
        hash=tx.hasher.hash(minted.proof, salt=tx.entropy(16)),
        scopes=scopes,
        issued_at=tx.now,
        issued_by=tx.actor.id,
        expires_at=expires_at,
        predecessor_id=predecessor.id if predecessor else None,
        overlap_seconds=int(overlap.total_seconds()) if overlap is not None else None,
    )
    expiry = expires_at.isoformat(timespec="seconds") if expires_at else "never"
    detail: dict[str, Any] = {
        "label": label,
        "expires_at": expiry,
        "scopes": scopes,
        "predecessor": token.predecessor_id,
    }
    audit.record(tx, Action.TOKEN_ISSUED, token, account=account, **detail)
    return Issued(token, account, minted.token)


def deliver(tx: Transaction, token_id: str, *, to: str) -> Token:
    """Note that the secret was handed over: from now on the token works.

    If it is the successor of another, that one's overlap begins now: it ends after the overlap, or earlier by itself.

    Args:
        tx: The transaction.
        token_id: The token's lookup id.
        to: Where the secret went, in words: `clipboard`, `file:/run/secret`.

    Raises:
        AccessDenied: The actor may not operate the account.
        Conflict: The token is not pending any more.
        NotFound: There is no such token in reach.
    """
    token, account = find_for(tx, token_id, Action.TOKEN_DELIVERED)
    if state(token, tx.now) is not TokenState.PENDING:
        raise Conflict(f"the token {token.label!r} is {state(token, tx.now)}", hint="issue a new one")
    token.delivered_at, token.delivered_to = tx.now, wording.clean(to, "target", longest=LONGEST_TARGET, required=True)
    audit.record(tx, Action.TOKEN_DELIVERED, token, account=account, label=token.label, to=token.delivered_to)
    if token.predecessor_id:
        _retire(tx, account, token)
    return token


def _retire(tx: Transaction, account: Account, successor: Token) -> None:
    old = tx.session.get_one(Token, successor.predecessor_id)
    if state(old, tx.now) is not TokenState.ACTIVE:
        return
    overlap = timedelta(seconds=successor.overlap_seconds or 0)
    ends = tx.now + overlap
    old.prior_expires_at = old.expires_at
    old.successor_id, old.expires_at = successor.id, min(old.expires_at or ends, ends)
    audit.record(
        tx,
        Action.TOKEN_ROTATED,
        old,
        account=account,
        label=old.label,
        successor=successor.id,
        overlap=wording.in_short(overlap) if overlap else "none",
        ends_at=old.expires_at.isoformat(timespec="seconds"),
    )


def rotate(
    tx: Transaction,
    token_id: str,
    *,
    overlap: timedelta = DEFAULT_OVERLAP,
    lifetime: timedelta | None = None,
    never: bool = False,
    label: str | None = None,
    seen: int | None = None,
) -> Issued:
    """Issue the successor of a token; the old one is left as it is until the successor is delivered.

    Args:
        tx: The transaction.
        token_id: The token's lookup id.
        overlap: How long the old one works on after the successor was delivered; 0 ends it then.
        lifetime: How long the successor lives; the account's rotation period by default.
        never: The successor never expires.
        label: The successor's label; the old one's by default.
        seen: The version that the actor saw; refused when the account or the token was changed since then.

    Raises:
        AccessDenied: The actor may not operate the account.
        Conflict: The token is pending, retiring, expired or revoked, or the account is disabled; or one of them was
            changed meanwhile.
        InvalidInput: A value cannot be taken.
        NotFound: There is no such token in reach.
    """
    token, account = rotatable(tx, token_id, overlap=overlap, seen=seen)
    label = token.label if label is None else _checked_label(label)
    expires_at = _end(tx, account, lifetime, never=never)
    kept = scope_words.format(scope_words.parse(token.scopes) & scope_words.parse(account.scopes))
    drop_leftovers(tx, account, token)
    return _make(tx, account, label=label, expires_at=expires_at, scopes=kept, predecessor=token, overlap=overlap)


def rotatable(
    tx: Transaction, token_id: str, *, overlap: timedelta = DEFAULT_OVERLAP, seen: int | None = None
) -> tuple[Token, Account]:
    """Find a token that the actor may rotate now, and its account; refuses as `rotate` does."""
    token, account = find_for(tx, token_id, Action.TOKEN_ROTATED)
    versions.refuse_stale(tx, seen, account, versions.of_token(token))
    refuse_idle(account)
    if state(token, tx.now) is not TokenState.ACTIVE:
        raise Conflict(
            f"the token {token.label!r} is {_why_not(token, tx.now)}", hint="only an active token is rotated"
        )
    if not timedelta() <= overlap <= LONGEST_OVERLAP:
        raise InvalidInput("the overlap is out of range", hint="use at most 90d, as in 24h")
    return token, account


def _why_not(token: Token, now: datetime) -> str:
    found = state(token, now)
    return "rotated already" if found is TokenState.RETIRING else found.value


def drop_leftovers(tx: Transaction, account: Account, token: Token) -> None:
    """End the successors of a token that were never handed over."""
    left = select(Token).where(
        Token.predecessor_id == token.id, col(Token.delivered_at).is_(None), col(Token.revoked_at).is_(None)
    )
    for successor in tx.session.exec(left).all():
        end_now(tx, account, successor, "never handed over")


def extend(tx: Transaction, token_id: str, *, by: timedelta) -> Token:
    """Let a token live longer: an active one, or one in its overlap, which never outlives the end that it had before.

    Args:
        tx: The transaction.
        token_id: The token's lookup id.
        by: How much longer.

    Raises:
        AccessDenied: The actor may not operate the account.
        Conflict: The token does not live, never expires, or would have ended then without its rotation.
        InvalidInput: It would end too far ahead.
        NotFound: There is no such token in reach.
    """
    token, account, ends = extendable(tx, token_id, by=by)
    before, token.expires_at = token.expires_at, ends
    audit.record(
        tx,
        Action.TOKEN_EXTENDED,
        token,
        account=account,
        label=token.label,
        by=wording.in_short(by),
        ended_at=before.isoformat(timespec="seconds") if before else None,
        ends_at=ends.isoformat(timespec="seconds"),
    )
    return token


def extendable(tx: Transaction, token_id: str, *, by: timedelta) -> tuple[Token, Account, datetime]:
    """Find a token that the actor may extend now, its account, and when it would end; refuses as `extend` does."""
    token, account = find_for(tx, token_id, Action.TOKEN_EXTENDED)
    _refuse_unending(tx, token)
    return token, account, _later(tx, token, by)


def _refuse_unending(tx: Transaction, token: Token) -> None:
    if (found := state(token, tx.now)) not in LIVE:
        raise Conflict(
            f"the token {token.label!r} is {found}", hint="only a token that works is extended; issue a new one"
        )
    if token.expires_at is None:
        raise Conflict(f"the token {token.label!r} never expires", hint="there is nothing to do")


def _later(tx: Transaction, token: Token, by: timedelta) -> datetime:
    assert token.expires_at is not None
    retiring = state(token, tx.now) is TokenState.RETIRING
    most = LONGEST_OVERLAP if retiring else LONGEST_LIFETIME
    ends = token.expires_at + by
    if by < timedelta(minutes=1) or ends > tx.now + most:
        raise InvalidInput(
            "the extension is out of range", hint=f"it may end {wording.in_short(most)} from now at the most"
        )
    last = min(ends, token.prior_expires_at) if retiring and token.prior_expires_at else ends
    if last <= token.expires_at:
        raise Conflict(
            f"the token {token.label!r} would have expired then without its rotation",
            hint="switch to its successor, or undo the rotation",
        )
    return last


def revoke(tx: Transaction, token_id: str, *, reason: str) -> Token:
    """Revoke a token (RFC 7009): it is refused at the very next request, everywhere.

    Raises:
        AccessDenied: The actor may not operate the account.
        Conflict: It is revoked already.
        InvalidInput: There is no reason.
        NotFound: There is no such token in reach.
    """
    token, account = revocable(tx, token_id)
    return end_now(tx, account, token, wording.clean(reason, "reason", longest=200, required=True))


def revocable(tx: Transaction, token_id: str) -> tuple[Token, Account]:
    """Find a token that the actor may revoke now, and its account; refuses as `revoke` does."""
    token, account = find_for(tx, token_id, Action.TOKEN_REVOKED)
    if token.revoked_at:
        raise Conflict(f"the token {token.label!r} is revoked already", hint="there is nothing to do")
    return token, account


def abandon(tx: Transaction, token_id: str, *, reason: str = "not handed over") -> Token:
    """Revoke a token whose handoff failed or was given up.

    Raises:
        AccessDenied: The actor may not operate the account.
        Conflict: It is not pending.
        NotFound: There is no such token in reach.
    """
    token, account = find_for(tx, token_id, Action.TOKEN_REVOKED)
    if token.delivered_at or token.revoked_at:
        raise Conflict(f"the token {token.label!r} is {state(token, tx.now)}", hint="revoke it instead")
    return end_now(tx, account, token, wording.clean(reason, "reason", longest=200, required=True))


def end_now(tx: Transaction, account: Account, token: Token, reason: str) -> Token:
    """Revoke a token that the actor was found to operate."""
    token.revoked_at, token.revoked_reason = tx.now, reason
    audit.record(tx, Action.TOKEN_REVOKED, token, account=account, label=token.label, reason=reason)
    return token


def find(tx: Transaction, token_id: str) -> Token:
    """Find a token by its lookup id, or by its masked form.

    Raises:
        InvalidInput: A whole token was given: it may have leaked where it was typed.
        NotFound: There is no such token in reach.
    """
    return find_for(tx, token_id, Action.ACCOUNT_VIEWED)[0]


def find_for(tx: Transaction, token_id: str, action: Action) -> tuple[Token, Account]:
    """Find a token and its account, to do an action on it that takes a level on the account.

    Raises:
        AccessDenied: The actor may not do that.
        InvalidInput: A whole token was given.
        NotFound: There is no such token in reach.
    """
    if bearer.LEAKED.search(token_id):
        raise InvalidInput(
            "that is a whole token, not its id",
            hint="where it was typed it may be kept: revoke it, by the 10 characters",
        )
    lookup = token_id.removeprefix(bearer.PREFIX)[: bearer.ID_LENGTH]
    token = tx.session.get(Token, lookup)
    account = None if token is None else tx.session.get_one(Account, token.account_id)
    if token is None or account is None or not audit.may(tx, Action.ACCOUNT_VIEWED, account):
        if account is not None:
            audit.deny(tx, action, account, token=lookup)
        raise NotFound(f"there is no token {lookup!r}", hint="'botdesk token list' shows those in your reach")
    audit.require(tx, action, account, label=token.label)
    return token, account


def line(tx: Transaction, token_id: str) -> Line:
    """Find a token with all that a list shows of it.

    Raises:
        NotFound: There is no such token in reach.
    """
    token, account = find_for(tx, token_id, Action.ACCOUNT_VIEWED)
    return lines(tx, [(token, account.name, account.disabled_at)])[0]


def listed(tx: Transaction, account: str | None = None, *, states: Collection[TokenState] | None = None) -> list[Line]:
    """List the tokens of one account, or of all in the actor's reach: live ones first, then newest first.

    Raises:
        NotFound: There is no such account in reach.
    """
    wanted = reach.in_reach(tx.actor) if account is None else col(Account.id) == accounts.find(tx, account).id
    query = select(Token, Account.name, Account.disabled_at)
    query = query.join(Account, col(Account.id) == Token.account_id).where(wanted)
    found = lines(tx, tx.session.exec(query).all())
    chosen = [line for line in found if states is None or line.state in states]
    return sorted(chosen, key=lambda line: (_ORDER[line.state], -line.token.issued_at.timestamp(), line.token.id))


_ORDER: Final = {
    TokenState.ACTIVE: 0,
    TokenState.RETIRING: 0,
    TokenState.PENDING: 0,
    TokenState.EXPIRED: 1,
    TokenState.REVOKED: 1,
}


def lines(tx: Transaction, found: Iterable[tuple[Token, str, datetime | None]]) -> list[Line]:
    """Tokens, each with the name of its account and when that was disabled, as a list shows them."""
    names, version = people.names(tx), versions.current(tx)
    made = []
    for token, account, disabled_at in found:
        now = state(token, tx.now)
        suspended = disabled_at is not None and now in LIVE
        issuer = account if token.issued_by == token.account_id else names.get(token.issued_by, "?")
        made.append(Line(token, now, account, issuer, version, suspended))
    return made


def mint_key(tx: Transaction) -> bytes:
    """The desk's mint key.

    Raises:
        StoreError: The store has none, or one that was tampered with.
    """
    found = tx.session.get(Setting, "mint_key")
    try:
        key = bytes.fromhex(found.value) if found else b""
    except ValueError:
        key = b""
    if len(key) != bearer.MINT_KEY_BYTES:
        raise StoreError("the store holds no mint key", hint="run 'botdesk audit verify' to find what was changed")
    return key


def refuse_idle(account: Account) -> None:
    """See that an account can have tokens that work.

    Raises:
        Conflict: It is removed or disabled.
    """
    if account.removed_at:
        raise Conflict(f"{account.name!r} was removed", hint="'botdesk account restore' takes that back for 30 days")
    if account.disabled_at:
        raise Conflict(f"{account.name!r} is disabled", hint=f"botdesk account enable {account.name}")


def _checked_label(label: str) -> str:
    return wording.clean(label, "label", longest=80, required=True)


def _end(tx: Transaction, account: Account, lifetime: timedelta | None, *, never: bool) -> datetime | None:
    if never and lifetime is not None:
        raise InvalidInput("a token with a lifetime cannot last for ever", hint="give a lifetime or 'never', not both")
    if never:
        return None
    lifetime = timedelta(days=account.rotation_days) if lifetime is None else lifetime
    if not timedelta(minutes=1) <= lifetime <= LONGEST_LIFETIME:
        raise InvalidInput("the lifetime is out of range", hint="use 1m to 3650d, as in 90d")
    return tx.now + lifetime


def _subset(account: Account, scopes: str | Iterable[str] | None) -> str:
    if scopes is None:
        return account.scopes
    wanted = scope_words.parse(scopes)
    extra = wanted - scope_words.parse(account.scopes)
    if extra:
        raise InvalidInput(
            f"{account.name!r} does not have the scope {scope_words.format(extra)!r}",
            hint=f"it has: {account.scopes or 'none'}",
        )
    return scope_words.format(wanted)
