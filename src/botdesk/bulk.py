"""Work on many accounts or tokens: what is to be done to them, whether it may be, and the run's own record.

A run is known by the sequence of the event that it began with. Every event of its items carries that number, so what it
did is told by the audit, whatever became of the process that did it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Any, Concatenate, Final, ParamSpec, TypeVar

from botdesk import accounts, audit, grants, tokens, wording
from botdesk.access import Action, Level
from botdesk.errors import BotdeskError, InvalidInput
from botdesk.store.transaction import Transaction

P = ParamSpec("P")
T = TypeVar("T")

MOST: Final = 10_000
"""How many things one run is of."""

MOST_TOLD: Final = 120
"""How many characters of a reason why something was not done are kept."""


class Verb(StrEnum):
    """What can be done to many at once."""

    REVOKE = "revoke"
    DISABLE = "disable"
    ENABLE = "enable"
    EXTEND = "extend"
    GRANT = "grant"
    ROTATE = "rotate"


ON_TOKENS: Final = frozenset({Verb.REVOKE, Verb.EXTEND, Verb.ROTATE})
"""What is done to tokens; the rest is done to accounts."""

_MEANT: Final = {
    Verb.REVOKE: frozenset(tokens.TokenState) - {tokens.TokenState.EXPIRED, tokens.TokenState.REVOKED},
    Verb.EXTEND: frozenset({tokens.TokenState.ACTIVE}),
    Verb.ROTATE: frozenset({tokens.TokenState.ACTIVE}),
}
"""The states of those of an account's tokens that are meant by all of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What is to be done, and how; a verb takes only what is its own.

    Attributes:
        verb: What.
        reason: Why tokens are revoked, or accounts disabled.
        by: How much longer tokens are to live.
        grantee: Who is given access: `role:platform` or `person:ben`.
        level: Which access.
        overlap: How long rotated tokens work on.
        lifetime: How long their successors live; the accounts' rotation periods by default.
        never: Their successors never expire.
    """

    verb: Verb
    reason: str = ""
    by: timedelta = timedelta()
    grantee: str = ""
    level: Level = Level.VIEW
    overlap: timedelta = tokens.DEFAULT_OVERLAP
    lifetime: timedelta | None = None
    never: bool = False

    def many(self, count: int) -> str:
        """So many of what it is done to: `3 tokens`."""
        return wording.plural(count, "token" if self.verb in ON_TOKENS else "account")


@dataclass(frozen=True, slots=True)
class Item:
    """An account or a token that it will be done to.

    Attributes:
        id: The row's id.
        account: The account's name.
        label: What tells a token from others; empty for an account.
        will: What becomes of it, besides what the verb says.
    """

    id: str
    account: str
    label: str = ""
    will: str = ""

    @property
    def name(self) -> str:
        """What it is called: `'build farm' of nightly-build`."""
        return f"'{self.label}' of {self.account}" if self.label else self.account


@dataclass(frozen=True, slots=True)
class Refused:
    """What it will not be done to, as it was named, and why."""

    id: str
    error: BotdeskError


@dataclass(frozen=True, slots=True)
class Plan:
    """What will happen to each of many, before anything happens."""

    order: Order
    items: tuple[Item, ...] = ()
    refused: tuple[Refused, ...] = ()


def settled(order: Order) -> Order:
    """Check what the order says besides its verb.

    Raises:
        InvalidInput: Something cannot be taken.
    """
    if order.verb in (Verb.REVOKE, Verb.DISABLE):
        wording.clean(order.reason, "reason", longest=200, required=order.verb is Verb.REVOKE)
    if order.verb is Verb.EXTEND and order.by < timedelta(minutes=1):
        raise InvalidInput("the extension is out of range", hint="say by how much, as in 24h or 7d")
    if order.never and order.lifetime is not None:
        raise InvalidInput("a token with a lifetime cannot last for ever", hint="give a lifetime or 'never', not both")
    return order


def all_of(tx: Transaction, verb: Verb, account: str) -> list[tokens.Line]:
    """All tokens of an account that are meant: for a rotation or an extension those in use; to revoke, all not ended.

    Raises:
        NotFound: There is no such account in reach.
    """
    return tokens.listed(tx, account, states=_MEANT[verb])


def check(tx: Transaction, order: Order, named: str) -> Item:
    """Tell what would be done to one account or token now; refuses as doing it would.

    Raises:
        AccessDenied: The actor may not.
        Conflict: Its state does not allow it.
        InvalidInput: A value cannot be taken.
        NotFound: It is not in reach.
    """
    return _CHECKS[order.verb](tx, order, named)


def _revocable(tx: Transaction, order: Order, named: str) -> Item:
    token, account = tokens.revocable(tx, named)
    return Item(token.id, account.name, token.label)


def _extendable(tx: Transaction, order: Order, named: str) -> Item:
    token, account, ends = tokens.extendable(tx, named, by=order.by)
    return Item(token.id, account.name, token.label, f"ends {wording.when(ends)}")


def _rotatable(tx: Transaction, order: Order, named: str) -> Item:
    token, account = tokens.rotatable(tx, named, overlap=order.overlap)
    return Item(token.id, account.name, token.label)


def _disablable(tx: Transaction, order: Order, named: str) -> Item:
    account = accounts.able(tx, named)
    return Item(account.id, account.name)


def _enablable(tx: Transaction, order: Order, named: str) -> Item:
    account = accounts.unable(tx, named)
    return Item(account.id, account.name)


def _givable(tx: Transaction, order: Order, named: str) -> Item:
    account, _, held = grants.givable(tx, named, order.grantee, order.level)
    return Item(account.id, account.name, will=f"has {held.level.value} now" if held else "")


_CHECKS: Final[Mapping[Verb, Callable[[Transaction, Order, str], Item]]] = {
    Verb.REVOKE: _revocable,
    Verb.DISABLE: _disablable,
    Verb.ENABLE: _enablable,
    Verb.EXTEND: _extendable,
    Verb.GRANT: _givable,
    Verb.ROTATE: _rotatable,
}


def do(tx: Transaction, order: Order, item_id: str) -> None:
    """Do it to one account or token; a rotation is not done here, for its secret has to go somewhere.

    Raises:
        BotdeskError: What the operation itself says.
    """
    match order.verb:
        case Verb.REVOKE:
            tokens.revoke(tx, item_id, reason=order.reason)
        case Verb.DISABLE:
            accounts.disable(tx, item_id, reason=order.reason)
        case Verb.ENABLE:
            accounts.enable(tx, item_id)
        case Verb.EXTEND:
            tokens.extend(tx, item_id, by=order.by)
        case Verb.GRANT:
            grants.give(tx, item_id, order.grantee, order.level)
        case Verb.ROTATE:
            rotate(tx, order, item_id)


def rotate(tx: Transaction, order: Order, token_id: str) -> tokens.Issued:
    """Issue the successor of one token, as ordered."""
    return tokens.rotate(tx, token_id, overlap=order.overlap, lifetime=order.lifetime, never=order.never)


def within(
    tx: Transaction, number: int, operation: Callable[Concatenate[Transaction, P], T], *args: P.args, **kwargs: P.kwargs
) -> T:
    """Do an operation as a part of a run: its events carry the run's number."""
    tx.bulk = number
    return operation(tx, *args, **kwargs)


def begin(tx: Transaction, plan: Plan, *, to: str = "") -> int:
    """Record that a run begins, with all that it will be done to; gives the run's number.

    Args:
        tx: The transaction.
        plan: The plan.
        to: Where secrets go, in words.

    Raises:
        AccessDenied: The actor changes nothing on this desk.
    """
    audit.require(tx, Action.BULK_BEGUN)
    order = plan.order
    begun = audit.record(
        tx,
        Action.BULK_BEGUN,
        verb=order.verb.value,
        many=order.many(len(plan.items)),
        items=" ".join(item.id for item in plan.items),
        refused={one.id: one.error.message[:MOST_TOLD] for one in plan.refused} or None,
        order=_written(order),
        to=to or None,
    )
    return begun.sequence


def resume(tx: Transaction, number: int, plan: Plan) -> None:
    """Record that a run is gone on with.

    Args:
        tx: The transaction.
        number: The run.
        plan: What is left of it.

    Raises:
        AccessDenied: The actor changes nothing on this desk.
    """
    audit.require(tx, Action.BULK_RESUMED)
    tx.bulk = number
    audit.record(tx, Action.BULK_RESUMED, verb=plan.order.verb.value, many=plan.order.many(len(plan.items)))


def end(tx: Transaction, number: int, *, told: str, failed: Mapping[str, str], stopped: bool) -> None:
    """Record that a run has ended.

    Args:
        tx: The transaction.
        number: The run.
        told: How it ended, in a few words.
        failed: Why it was not done to some.
        stopped: Whether it was stopped before all were done.
    """
    audit.require(tx, Action.BULK_ENDED)
    kept = {item_id: why[:MOST_TOLD] for item_id, why in failed.items()}
    tx.bulk = number
    audit.record(tx, Action.BULK_ENDED, told=told, failed=kept or None, stopped=stopped or None)


def _written(order: Order) -> dict[str, Any]:
    """An order as the audit keeps it: what is as it is by default is left out."""
    plain = Order(verb=order.verb)
    return {
        name: value.total_seconds() if isinstance(value, timedelta) else value
        for name in ("reason", "by", "grantee", "level", "overlap", "lifetime", "never")
        if (value := getattr(order, name)) != getattr(plain, name)
    }


def read(verb: str, written: Mapping[str, Any]) -> Order:
    """Read an order as the audit keeps it."""
    how: dict[str, Any] = {
        name: timedelta(seconds=value) if name in ("by", "overlap", "lifetime") else value
        for name, value in written.items()
    }
    return Order(verb=Verb(verb), **(how | {"level": Level(how.get("level", Level.VIEW))}))
