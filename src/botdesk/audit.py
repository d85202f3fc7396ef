"""The audit: every change and every refusal, hash-chained and append-only.

An event's hash is `sha256(previous hash ‖ canonical JSON)`: the previous hash as 64 hexadecimal digits (64
zeros before the first event), then the event's fields but `previous` and `hash` as JSON in UTF-8 with sorted keys
and no spaces. `before` and `after` are digests of the row that the event is about, so that `verify` can hold the
present rows against the history.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final, Generic, TypeVar

from sqlalchemy import BigInteger, CompoundSelect, and_, func, or_, union_all
from sqlalchemy import cast as sql_cast
from sqlmodel import SQLModel, col, select
from sqlmodel.sql.expression import SelectOfScalar

from botdesk import access, lines, sentences, wording
from botdesk.access import Action
from botdesk.errors import AccessDenied, Conflict, InvalidInput, NotFound, StoreError
from botdesk.sought import Conditions, alternatives, conditions
from botdesk.sought import Filter as Filter
from botdesk.sought import action_named as action_named
from botdesk.store import bulk, floor, reach, walk
from botdesk.store.chain import Finding as Finding
from botdesk.store.chain import Footing as Footing
from botdesk.store.chain import Head as Head
from botdesk.store.chain import Verdict as Verdict
from botdesk.store.digest import (
    BOUND,
    GENESIS,
    bound,
    canonical,
    chained,
    digest,
    key_of,
    linked,
    raw,
    stored,
    stored_before,
    table_of,
)
from botdesk.store.sealed import Sealed as Sealed
from botdesk.store.tables import Account, Setting, from_text, to_text
from botdesk.store.tables import Event as Event
from botdesk.store.tables import Outcome as Outcome
from botdesk.store.transaction import Denial, Transaction
from botdesk.store.walk import Progress as Progress

T = TypeVar("T")

MOST_COUNTED: Final = 1000
"""Where counting all would take longer than showing the first, so many are counted."""

STRETCH: Final = 20_000
"""So many events are searched for words at once."""

MOST_KEPT: Final = 64
"""How many characters the audit keeps of a text that was refused."""


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """A window on a long list.

    Attributes:
        rows: The rows of this page.
        next: What to pass on for the next page; None after the last one.
        total: How many rows the whole list has; filtered events are counted to one more than `MOST_COUNTED`.
        at_least: Whether it has so many at the least: a search goes no further than a page.
    """

    rows: tuple[T, ...]
    next: Any
    total: int
    at_least: bool = False


def may(tx: Transaction, action: Action, account: Account | None = None, *, owner: str | None = None) -> bool:
    """Tell whether the actor may do this now, without recording the question.

    Args:
        tx: The transaction.
        action: What is asked.
        account: The account that it is about.
        owner: The id of the person whose personal token it is about.
    """
    level = None if account is None else reach.level_on(tx.session, tx.actor, account)
    return access.allows(tx.actor, action, level, own=owner is not None and owner == tx.actor.id)


def require(
    tx: Transaction, action: Action, account: Account | None = None, *, owner: str | None = None, **detail: str
) -> None:
    """Decide whether the actor may do this; if not, leave word for the audit and refuse.

    Args:
        tx: The transaction.
        action: What is asked.
        account: The account that it is about.
        owner: The id of the person whose personal token it is about.
        detail: What the audit should say besides.

    Raises:
        AccessDenied: They may not.
    """
    if may(tx, action, account, owner=owner):
        return
    deny(tx, action, account, **detail)
    what = wording.withheld(sentences.deed(action, account.name if account else None, detail))
    raise AccessDenied(f"{tx.actor.name!r} may not {what}", hint=_denied_hint(tx.actor, action))


def deny(tx: Transaction, action: Action, account: Account | None = None, **detail: str) -> None:
    """Leave word that the actor was refused; recorded once the work has been rolled back.

    What was asked for has not been checked: it is kept short, and no character of it steers a terminal.
    """
    kept = tuple((key, wording.visible(wording.withheld(value))[:MOST_KEPT]) for key, value in detail.items())
    tx.denial = Denial(action, account.id if account else None, account.name if account else None, kept)


def _denied_hint(actor: access.Actor, action: Action) -> str:
    if actor.standing is access.Standing.AUDITOR:
        return "an auditor sees everything and changes nothing; ask an admin"
    needed = access.ON_ACCOUNT.get(action)
    if needed is None:
        return "an admin can do it"
    return f"it takes the level {needed.value!r} on the account; ask who manages it"


def record(
    tx: Transaction,
    action: Action,
    row: SQLModel | None = None,
    *,
    account: Account | None = None,
    outcome: Outcome = Outcome.DONE,
    gone: bool = False,
    actor: access.Actor | None = None,
    source: str = "",
    **detail: Any,
) -> Event:
    """Append the event of one changed row, and write both to the store.

    Args:
        tx: The transaction that made the change.
        action: What was done.
        row: The new or changed row; its state before is taken from the session.
        account: The account that it is about.
        outcome: How it ended.
        gone: The row is to be deleted.
        actor: Who did it, if not the transaction's actor.
        source: Where that one came from, if not from where the transaction's actor did.
        detail: What the audit should say besides; None values are left out.

    Raises:
        StoreError: The transaction only reads: the change would be lost.
    """
    if not tx.writing:
        raise StoreError("this transaction only reads", hint="change things within Desk.begin or Desk.run")
    who = actor or tx.actor
    detail |= {"bulk": tx.bulk} if tx.bulk else {}
    values: dict[str, Any] = {
        "at": to_text(tx.now),
        "actor_kind": who.kind.value,
        "actor_id": (who.by or who).id,
        "actor": who.title,
        "action": action.value,
        "account_id": account.id if account else None,
        "account": account.name if account else None,
        "outcome": outcome.value,
        "source": source or tx.source,
        "detail": written(detail),
    }
    values |= _subject(tx, row, gone=gone)
    return _append(tx, values)


def written(detail: Mapping[str, Any]) -> str:
    """Write what an event says besides, as `detail_of` reads it; None values are left out."""
    return canonical({key: value for key, value in detail.items() if value is not None})


def append(tx: Transaction, many: Iterable[dict[str, Any]]) -> None:
    """Append events whose stored values are all known, in few statements: the way of uses, which come in crowds.

    Args:
        tx: The transaction that changed the rows that they are about.
        many: The values of each event just as they are stored, but for `previous` and `hash`; `sequence` is set.
    """
    last, rows = _head(tx), list[tuple[Any, ...]]()
    sequence, link = last.sequence, last.hash
    for values in many:
        values["sequence"] = sequence = sequence + 1
        told = bound(values)
        previous, link = link, linked(link, told)
        rows.append((*told, previous, link))
    bulk.insert(tx.session.connection(), table_of(Event), (*BOUND, "previous", "hash"), rows)
    tx.appended = (sequence, link)


def high_water(tx: Transaction) -> datetime | None:
    """The highest time of any event since the clock was accepted: no clock should be behind it; None without events."""
    found: datetime | None = tx.session.connection().execute(_HIGHEST).scalar()
    return found


def accept_clock(tx: Transaction) -> None:
    """Begin the high-water mark of time anew at this transaction's instant, after a clock that ran ahead was mended.

    Raises:
        AccessDenied: The actor is no admin.
    """
    require(tx, Action.DESK_SET, name=CLOCK_ACCEPTED)
    setting = tx.session.get(Setting, CLOCK_ACCEPTED) or Setting(key=CLOCK_ACCEPTED, value="0")
    setting.value = str(_head(tx).sequence)
    record(tx, Action.DESK_SET, setting, name=CLOCK_ACCEPTED)


CLOCK_ACCEPTED: Final = "clock_accepted"
"""The setting that holds the sequence of the last event whose time does not count any more."""

_ACCEPTED: Final = func.coalesce(
    select(sql_cast(col(Setting.value), BigInteger)).where(Setting.key == CLOCK_ACCEPTED).scalar_subquery(), 0
)
_HIGHEST: Final = select(Event.at).where(col(Event.sequence) > _ACCEPTED).order_by(col(Event.at).desc()).limit(1)


def _subject(tx: Transaction, row: SQLModel | None, *, gone: bool) -> dict[str, Any]:
    if row is None:
        return {"subject_kind": None, "subject_id": None, "before": None, "after": None}
    subject = {"subject_kind": table_of(row).name, "subject_id": key_of(table_of(row), stored(row))}
    before = stored_before(row)
    if gone:
        tx.session.delete(row)
    else:
        tx.session.add(row)
    digests = {
        "before": digest(table_of(row).name, before) if before else None,
        "after": None if gone else digest(table_of(row).name, stored(row)),
    }
    tx.session.flush()
    return subject | digests


def _append(tx: Transaction, values: dict[str, Any]) -> Event:
    last = _head(tx)
    values["sequence"] = last.sequence + 1
    link = chained(last.hash, values)
    event = Event(**_typed(values), previous=last.hash, hash=link)
    tx.session.add(event)
    tx.session.flush()
    tx.appended = (event.sequence, link)
    return event


def _typed(values: dict[str, Any]) -> dict[str, Any]:
    return values | {
        "at": from_text(values["at"]),
        "actor_kind": access.ActorKind(values["actor_kind"]),
        "outcome": Outcome(values["outcome"]),
    }


def change(row: SQLModel, wanted: Mapping[str, Any]) -> dict[str, list[str]]:
    """Set what is wanted on the row and tell what changed: column to old and new.

    Args:
        row: The row.
        wanted: Column to new value; None leaves a column as it is.

    Raises:
        Conflict: Nothing would change.
    """
    changes = {
        name: ["" if getattr(row, name) is None else str(getattr(row, name)), str(value)]
        for name, value in wanted.items()
        if value is not None and getattr(row, name) != value
    }
    if not changes:
        raise Conflict("nothing would change", hint="give at least one new value")
    for name in changes:
        setattr(row, name, wanted[name])
    return changes


def detail_of(event: Event) -> dict[str, Any]:
    """What an event says besides; empty when it cannot be read."""
    return read_detail(event.detail)


def read_detail(text: str) -> dict[str, Any]:
    """Read what `written` wrote; empty when it cannot be read."""
    try:
        found = json.loads(text)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def head(tx: Transaction) -> Head:
    """The newest event's sequence and hash; sequence 0 when there is none."""
    return _head(tx)


def _head(tx: Transaction) -> Head:
    found = tx.session.connection().execute(_NEWEST).first()
    return Head(*found) if found else Head(0, GENESIS)


_NEWEST: Final = select(Event.sequence, Event.hash).order_by(col(Event.sequence).desc()).limit(1)
"""Made once: every event, and every poll of every front door, asks for it."""


def hash_at(tx: Transaction, sequence: int) -> str | None:
    """The hash of one event, also of the last one that was archived; None when there is no such event."""
    return floor.hash_at(tx.session, sequence)


def archived(tx: Transaction) -> int:
    """The sequence of the last event that was moved to an archive; 0 when none was."""
    return floor.sequence(tx.session)


def kept_since(tx: Transaction) -> datetime | None:
    """The time from which on events are here; None when all of them are. What was before is in archives."""
    return floor.since(tx.session)


def page(
    tx: Transaction,
    filter: Filter | None = None,
    *,
    before: int | None = None,
    limit: int = 50,
    oldest_first: bool = False,
    progress: Progress | None = None,
) -> Page[Event]:
    """List the events in the actor's reach, newest first.

    Args:
        tx: The transaction.
        filter: Which events.
        before: The `next` of the page before this one.
        limit: How many rows at the most.
        oldest_first: The other way round.
        progress: Told how many events a search for words has gone through, and of how many; it may raise, to end it.

    Raises:
        NotFound: No account in reach is called as the filter says, or was when an event in reach was recorded.
    """
    require(tx, Action.AUDIT_VIEWED)
    filter = filter or Filter()
    if filter.account:
        _see_that_it_is_known(tx, filter.account)
    wanted = alternatives(tx, filter)
    sequence = col(Event.sequence)
    place = [] if before is None else [sequence > before if oldest_first else sequence < before]
    order = sequence.asc() if oldest_first else sequence.desc()
    if filter.text and not (filter.account or filter.actor):
        query = select(Event).where(*wanted[0], *place).order_by(order)
        rows = _searched(tx, query, limit + 1, before, oldest_first, progress)
        return _page(rows, limit, len(rows), at_least=before is not None or len(rows) > limit)
    found = [select(Event.sequence).where(*one, *place).order_by(order).limit(limit + 1) for one in wanted]
    which = [*wanted[0], *place] if len(wanted) == 1 else [sequence.in_(_any_of(found))]
    some = tx.session.exec(select(Event).where(*which).order_by(order).limit(limit + 1)).all()
    return _page(some, limit, _count(tx, wanted))


def _see_that_it_is_known(tx: Transaction, name: str) -> None:
    """Tell a slip from a history with nothing in it; what was removed, or has another name now, is known by its events.

    Raises:
        NotFound: It is not there, or out of reach: the same answer for both.
    """
    called = tx.session.exec(select(Account).where(or_(col(Account.id) == name, col(Account.name) == name))).all()
    if any(may(tx, Action.ACCOUNT_VIEWED, one) for one in called):
        return
    if called:
        deny(tx, Action.ACCOUNT_VIEWED, called[0])
    elif tx.session.exec(select(Event.sequence).where(*conditions(tx, Filter(account=name))).limit(1)).first():
        return
    raise no_account(name)


def no_account(name: str) -> NotFound:
    """The one answer to a name that no account in the actor's reach has."""
    return NotFound(f"there is no account {name[:40]!r}", hint="'botdesk account list' shows those in your reach")


def _page(rows: Sequence[Event], limit: int, total: int, *, at_least: bool = False) -> Page[Event]:
    shown = tuple(rows[:limit])
    return Page(shown, shown[-1].sequence if len(rows) > limit else None, total, at_least=at_least)


def _searched(
    tx: Transaction,
    query: SelectOfScalar[Event],
    most: int,
    before: int | None,
    oldest_first: bool,
    progress: Progress | None,
) -> list[Event]:
    """Look for words stretch by stretch, as no index helps: so it can be told how far that is, and be ended."""
    sequence, rows = col(Event.sequence), list[Event]()
    first, last = floor.oldest(tx.session), _head(tx).sequence
    if before is not None:
        first, last = (before + 1, last) if oldest_first else (first, before - 1)
    for done in range(0, last - first + 1, STRETCH):
        start = first + done if oldest_first else max(last - done - STRETCH + 1, first)
        end = start + STRETCH - 1 if oldest_first else last - done
        rows += tx.session.exec(query.where(sequence.between(start, end)).limit(most - len(rows)))
        if progress is not None:
            progress(min(done + STRETCH, last - first + 1), last - first + 1)
        if len(rows) >= most:
            break
    return rows


def _any_of(found: list[SelectOfScalar[int]]) -> CompoundSelect[Any]:
    """What any of some lists has, each found by an index that has the order."""
    return union_all(*(select(one.subquery().c.sequence) for one in found))


def _count(tx: Transaction, wanted: list[Conditions]) -> int:
    if wanted == [[]]:
        return _head(tx).sequence + 1 - floor.oldest(tx.session)
    counted = _any_of([select(Event.sequence).where(*one).limit(MOST_COUNTED + 1) for one in wanted]).subquery()
    return min(tx.session.exec(select(func.count()).select_from(counted)).one(), MOST_COUNTED + 1)


def told(total: int, *, at_least: bool = False) -> str:
    """A page's total in words: `17 events`, or `1000+ events` where no more were counted."""
    return f"{total - 1}+ events" if at_least or total == MOST_COUNTED + 1 else wording.plural(total, "event")


def counts(
    tx: Transaction, filter: Filter | None = None, *, since: datetime, until: datetime, buckets: int
) -> list[int]:
    """Count the events in each of `buckets` equal spans from `since` to `until`, oldest first."""
    require(tx, Action.AUDIT_VIEWED)
    step, at = (until - since) / buckets, col(Event.at)
    spans = [and_(at >= since + step * place, at < since + step * (place + 1)) for place in range(buckets)]
    filter = filter or Filter()
    if filter == Filter() and reach.sees_everything(tx.actor):
        by_time = (select(func.count()).select_from(Event).where(span).scalar_subquery() for span in spans)
        return list(tx.session.execute(select(*by_time)).one())
    begin = max(since, filter.since) if filter.since else since
    end = min(until, filter.until) if filter.until else until
    wanted = conditions(tx, replace(filter, since=begin, until=end))
    found = tx.session.execute(select(*(func.count().filter(span) for span in spans)).select_from(Event).where(*wanted))
    return list(found.one())


def record_export(tx: Transaction, *, form: str = "jsonl") -> int:
    """Record that the audit is exported; gives the sequence of that event, up to which `export` then reads.

    Raises:
        AccessDenied: The actor is neither an admin nor an auditor.
        InvalidInput: The form is unknown.
    """
    require(tx, Action.AUDIT_EXPORTED)
    if form not in ("jsonl", "csv"):
        raise InvalidInput(f"unknown form {form[:20]!r}", hint="use jsonl or csv")
    return record(tx, Action.AUDIT_EXPORTED, form=form).sequence


def export(
    tx: Transaction, filter: Filter | None = None, *, form: str = "jsonl", until: int | None = None
) -> Iterator[str]:
    """Write the events in the actor's reach as text lines, oldest first, hashes included.

    A JSON line is verified without botdesk: read, and written again without `previous` and `hash`, with sorted keys
    and no spaces, it is what was hashed after the previous hash. So is a line of CSV, once the apostrophe before a
    value is taken off, `sequence` is a number, and what is empty is null. Characters that could steer a terminal are
    escaped in JSON and made visible in CSV.

    Args:
        tx: A writing transaction, since the export itself is recorded; a reading one when that was done before.
        filter: Which events.
        form: `jsonl` or `csv`; in CSV a field that a spreadsheet would take for a formula starts with an apostrophe.
        until: What `record_export` gave, in a transaction of its own: a long export then keeps no writer waiting.

    Raises:
        AccessDenied: The actor is neither an admin nor an auditor.
        InvalidInput: The form is unknown.
    """
    if until is None:
        until = record_export(tx, form=form)
    else:
        require(tx, Action.AUDIT_EXPORTED)
    wanted = [*conditions(tx, filter or Filter()), col(Event.sequence) <= until]
    rows = raw(tx.session, table_of(Event), wanted)
    return lines.as_csv(rows) if form == "csv" else lines.as_json(rows)


def verify(
    tx: Transaction,
    *,
    head: Head | None = None,
    since: Footing | None = None,
    from_start: bool = False,
    progress: Progress | None = None,
    archives: Sequence[Sealed] = (),
) -> Verdict:
    """Hold the chain, and the present rows against it; see `store.walk.verify`.

    Args:
        tx: A reading transaction.
        head: A head that was kept from before.
        since: Where an earlier walk ended; what is before is not walked again, unless something does not verify.
        from_start: Walk what is before all the same; the head of the earlier walk is held all the same.
        progress: Told the number of events walked so far and that of all that are to be; it may raise, to end it.
        archives: Archives that were read, to hold against what is on record of them.
    """
    return walk.verify(tx.session, head=head, since=since, from_start=from_start, progress=progress, archives=archives)
