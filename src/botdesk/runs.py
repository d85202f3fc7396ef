"""Runs over many accounts or tokens, as the audit tells of them: what was done to each, and what was not."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from sqlmodel import col, or_, select

from botdesk import audit, bearer, bulk
from botdesk.access import Action
from botdesk.bulk import Order, Verb
from botdesk.errors import AuditBroken, NotFound
from botdesk.store import reach
from botdesk.store.tables import Account, Event, Token
from botdesk.store.transaction import Transaction

CUT_SHORT: Final = "its run was cut short"
"""Why a successor was ended whose handoff nobody came back to."""

PART: Final = 500

_DOES: Final = (
    *(Action.TOKEN_ISSUED, Action.TOKEN_DELIVERED, Action.TOKEN_REVOKED, Action.TOKEN_EXTENDED),
    *(Action.ACCOUNT_DISABLED, Action.ACCOUNT_ENABLED, Action.GRANT_GIVEN),
    *(Action.BULK_RESUMED, Action.BULK_ENDED),
)
"""All that a run records after its beginning."""


class Fate(StrEnum):
    """What became of one account or token in a run."""

    DONE = "done"
    FAILED = "failed"
    REFUSED = "refused"
    UNTOUCHED = "untouched"


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one of them, by id and, where it is in reach, by name; and in words what there is to say."""

    id: str
    fate: Fate
    words: str = ""
    account: str = ""
    label: str = ""

    @property
    def name(self) -> str:
        """What it is called; its id where that is all that may be told."""
        return f"'{self.label}' of {self.account}" if self.label else self.account or self.id


@dataclass(frozen=True, slots=True)
class Run:
    """A run.

    Attributes:
        number: What it is known by.
        order: What was to be done.
        actor: Who began it.
        at: When.
        to: Where secrets went, in words.
        results: What became of each.
        ended: Whether it came to its end; else its process is at work, or was killed.
        stopped: Whether somebody stopped it before all were done.
        last_at: When it did anything last.
        pending: The successors that nobody was given, by id.
    """

    number: int
    order: Order
    actor: str
    at: datetime
    to: str
    results: tuple[Result, ...]
    ended: bool
    stopped: bool
    last_at: datetime
    pending: tuple[str, ...] = ()

    def count(self, *fates: Fate) -> int:
        """Of how many this became."""
        return sum(one.fate in fates for one in self.results)

    @property
    def told(self) -> str:
        """How it stands, in a few words: `3 done, 1 failed`."""
        return told(self.results)

    @property
    def open_ids(self) -> list[str]:
        """Those that it was to be done to, and was not."""
        return [one.id for one in self.results if one.fate in (Fate.FAILED, Fate.UNTOUCHED)]


def told(results: Iterable[Result]) -> str:
    """Count what became of them, in a few words."""
    counts = Counter(one.fate for one in results)
    return ", ".join(f"{counts[fate]:,} {fate.value}" for fate in Fate if counts[fate]) or "nothing to do"


@dataclass(slots=True)
class _Trail:
    """What the events of a run tell of its items so far."""

    fates: dict[str, tuple[Fate, str]] = field(default_factory=dict)
    successors: dict[str, str] = field(default_factory=dict)
    predecessors: dict[str, str] = field(default_factory=dict)
    ended: bool = False
    stopped: bool = False


def show(tx: Transaction, number: int) -> Run:
    """Tell what a run did, and what it did not.

    Raises:
        AuditBroken: What it began with cannot be read.
        NotFound: There is no such run, or it is another person's.
    """
    begun = _begun(tx, number)
    detail = audit.detail_of(begun)
    order, items, refused = _read(begun, detail)
    trail, last_at = _Trail(), begun.at
    for event in tx.session.exec(_of_run(begun)):
        _follow(trail, event, audit.detail_of(event), order.verb)
        last_at = event.at
    results = [Result(item_id, *_fate(tx, trail, item_id)) for item_id in items]
    results += [Result(named, Fate.REFUSED, str(why)) for named, why in refused.items()]
    return Run(
        number, order, begun.actor, begun.at, str(detail.get("to", "")), tuple(_named(tx, order, results)),
        trail.ended, trail.stopped, last_at, tuple(_pending(tx, trail)),
    )  # fmt: skip


def _read(begun: Event, detail: dict[str, Any]) -> tuple[Order, list[str], dict[str, str]]:
    """What a run began with: the order, what it was to be done to, and what not and why."""
    try:
        order = bulk.read(str(detail["verb"]), detail["order"])
        return order, str(detail["items"]).split(), dict(detail.get("refused") or {})
    except (AttributeError, KeyError, TypeError, ValueError):
        raise AuditBroken(
            f"event {begun.sequence} does not tell a run as one begins", hint="'botdesk audit verify' looks at it all"
        ) from None


def _begun(tx: Transaction, number: int) -> Event:
    audit.require(tx, Action.AUDIT_VIEWED)
    event = tx.session.get(Event, number)
    if event is not None and event.action == Action.BULK_BEGUN and event.outcome is audit.Outcome.DONE:
        if reach.sees_everything(tx.actor) or _is_own(tx, event):
            return event
        audit.deny(tx, Action.AUDIT_VIEWED, run=str(number))
    raise NotFound(f"there is no run {number}", hint="'botdesk bulk list' shows yours")


def _is_own(tx: Transaction, event: Event) -> bool:
    """Whether the actor did it; in somebody's stead one sees only what one did in that one's stead."""
    by = tx.actor.by
    return event.actor_id == tx.actor.id if by is None else (event.actor_id, event.actor) == (by.id, tx.actor.title)


def _of_run(begun: Event) -> Any:
    """Its events, the first first, whoever went on with it; the store has an index for what they do."""
    part = [col(Event.detail).contains(f'"bulk":{begun.sequence}{end}', autoescape=True) for end in ",}"]
    after = (col(Event.action).in_(_DOES), col(Event.sequence) > begun.sequence)
    return select(Event).where(*after, or_(*part)).order_by(col(Event.sequence))


def _follow(trail: _Trail, event: Event, detail: dict[str, Any], verb: Verb) -> None:
    subject = str(event.subject_id)
    match event.action:
        case Action.BULK_ENDED:
            trail.ended, trail.stopped = True, bool(detail.get("stopped"))
            trail.fates |= {named: (Fate.FAILED, str(why)) for named, why in detail.get("failed", {}).items()}
        case Action.BULK_RESUMED:
            trail.ended = trail.stopped = False
        case Action.TOKEN_ISSUED:
            old = str(detail.get("predecessor"))
            trail.successors[old], trail.predecessors[subject] = subject, old
            trail.fates.pop(old, None)
        case Action.TOKEN_DELIVERED if subject in trail.predecessors:
            trail.fates[trail.predecessors[subject]] = Fate.DONE, f"to {bearer.masked(subject)}"
        case Action.TOKEN_REVOKED if verb is Verb.ROTATE:
            if subject in trail.predecessors and detail.get("reason") != CUT_SHORT:
                trail.fates[trail.predecessors[subject]] = Fate.FAILED, str(detail.get("reason", ""))
        case Action.GRANT_GIVEN:
            trail.fates[str(event.account_id)] = Fate.DONE, ""
        case Action.TOKEN_REVOKED | Action.TOKEN_EXTENDED | Action.ACCOUNT_DISABLED | Action.ACCOUNT_ENABLED:
            trail.fates[subject] = Fate.DONE, ""


def _fate(tx: Transaction, trail: _Trail, item_id: str) -> tuple[Fate, str]:
    """What became of one; a successor whose handoff was cut short never works, and leaves its token as it was."""
    if item_id in trail.fates:
        return trail.fates[item_id]
    successor = tx.session.get(Token, trail.successors.get(item_id, ""))
    if successor is None:
        return Fate.UNTOUCHED, ""
    how = "has ended" if successor.revoked_at else "never works"
    return Fate.UNTOUCHED, f"its successor {bearer.masked(successor.id)} was not handed over and {how}"


def _pending(tx: Transaction, trail: _Trail) -> Iterator[str]:
    for old, new in trail.successors.items():
        if old not in trail.fates:
            successor = tx.session.get(Token, new)
            if successor is not None and not successor.revoked_at:
                yield new


def _named(tx: Transaction, order: Order, results: list[Result]) -> Iterator[Result]:
    """Give the results their names, where they are in the actor's reach."""
    named = _tokens if order.verb in bulk.ON_TOKENS else _accounts
    for start in range(0, len(results), PART):
        part = results[start : start + PART]
        known = named(tx, [one.id for one in part])
        for one in part:
            account, label = known.get(one.id, ("", ""))
            yield replace(one, account=account, label=label)


def _tokens(tx: Transaction, ids: list[str]) -> dict[str, tuple[str, str]]:
    query = select(Token.id, Account.name, Token.label).join(Account, col(Account.id) == Token.account_id)
    found = tx.session.exec(query.where(col(Token.id).in_(ids), reach.in_reach(tx.actor))).all()
    return {token_id: (account, label) for token_id, account, label in found}


def _accounts(tx: Transaction, ids: list[str]) -> dict[str, tuple[str, str]]:
    found = select(Account.id, Account.name).where(col(Account.id).in_(ids), reach.in_reach(tx.actor))
    return {account_id: (name, "") for account_id, name in tx.session.exec(found).all()}


@dataclass(frozen=True, slots=True)
class Line:
    """A run as a list shows it; `how` tells how it ended, and is empty when it has not."""

    number: int
    at: datetime
    actor: str
    verb: str
    many: str
    how: str


def listed(tx: Transaction, *, limit: int = 50, own: bool = False) -> list[Line]:
    """List the runs that the actor may see: their own, or all for who sees everything; the newest first.

    Args:
        tx: The transaction.
        limit: How many at the most.
        own: Their own alone.
    """
    audit.require(tx, Action.AUDIT_VIEWED)
    mine = [] if reach.sees_everything(tx.actor) and not own else [Event.actor_id == (tx.actor.by or tx.actor).id]
    query = select(Event).where(Event.action == Action.BULK_BEGUN, Event.outcome == audit.Outcome.DONE, *mine)
    found = tx.session.exec(query.order_by(col(Event.sequence).desc()).limit(limit)).all()
    begun = [event for event in found if not mine or _is_own(tx, event)]
    how = _ends(tx, begun[-1].sequence) if begun else {}
    return [_line(event, how.get(event.sequence, "")) for event in begun]


def _ends(tx: Transaction, first: int) -> dict[int, str]:
    """How the runs from that one on ended, by their numbers; whoever went on with them."""
    turns = select(Event).where(
        col(Event.action).in_((Action.BULK_RESUMED, Action.BULK_ENDED)), col(Event.sequence) > first
    )
    details = [audit.detail_of(event) for event in tx.session.exec(turns.order_by(col(Event.sequence)))]
    return {int(detail.get("bulk", 0)): str(detail.get("told", "")) for detail in details}


def unfinished(tx: Transaction) -> list[Run]:
    """The actor's own runs that came to no end: their process is at work, or was killed."""
    return [run for line in listed(tx, own=True) if not line.how and not (run := show(tx, line.number)).ended]


def _line(event: Event, how: str) -> Line:
    detail = audit.detail_of(event)
    return Line(event.sequence, event.at, event.actor, str(detail.get("verb")), str(detail.get("many")), how)
