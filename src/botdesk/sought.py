"""What is sought in the audit: a filter, and its conditions as the store's indexes serve them."""

from dataclasses import dataclass
from datetime import datetime
from difflib import get_close_matches
from typing import Any

from sqlalchemy import ColumnElement, String, and_, false, literal_column, or_, type_coerce
from sqlmodel import col, select

from botdesk import access
from botdesk.errors import InvalidInput
from botdesk.store import reach, span
from botdesk.store.tables import CONDITIONS, Account, Event, Outcome, Person, to_text
from botdesk.store.transaction import Transaction
from botdesk.store.words import holds

Conditions = list[ColumnElement[bool]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """Which events are asked for; whatever is not set does not matter.

    Attributes:
        account: An account's id or name.
        actor: An actor's id or name.
        action: `token:rotated`, or `token` for all that is done to tokens.
        outcome: How it ended.
        since: Not before this instant.
        until: Before this instant.
        text: Words that must all be somewhere in actor, action, account, subject, source or detail.
    """

    account: str | None = None
    actor: str | None = None
    action: str | None = None
    outcome: Outcome | None = None
    since: datetime | None = None
    until: datetime | None = None
    text: str = ""


def action_named(text: str) -> str:
    """Read an action as people type it, or the noun of several: `token:rotated`, `token`.

    Raises:
        InvalidInput: Nothing is called that.
    """
    known = sorted({name for action in access.Action for name in (action.value, action.value.partition(":")[0])})
    if text not in known:
        meant = ", or ".join(get_close_matches(text, known, n=2)) or "token:rotated, or token for all of them"
        raise InvalidInput(f"no action is called {text[:40]!r}", hint=f"as in {meant}")
    return text


def conditions(tx: Transaction, filter: Filter) -> Conditions:
    """The conditions of a filter, all of which an event meets."""
    found = alternatives(tx, filter)
    return found[0] if len(found) == 1 else [or_(*(and_(*one) for one in found))]


def alternatives(tx: Transaction, filter: Filter) -> list[Conditions]:
    """The conditions of a filter; where there is more than one list of them, no event meets two."""
    wanted = [_about(tx, filter.account)] if filter.account else []
    actors = _by(tx, filter.actor, aside=bool(wanted)) if filter.actor else [[]]
    aside = bool(wanted or filter.actor)
    if filter.action:
        wanted.append(_doing(filter.action, aside=aside))
    if filter.outcome:
        wanted += _ending(filter.outcome, aside=aside or bool(filter.action))
    wanted += _within(tx, filter)
    wanted += [_says(word) for word in filter.text.split()]
    wanted += [] if reach.sees_everything(tx.actor) else [_own(tx)]
    return [[*one, *wanted] for one in actors]


def _within(tx: Transaction, filter: Filter) -> Conditions:
    """By sequence, which every index has, and by time what is left."""
    at, sequence, wanted = _unindexed(Event.at), col(Event.sequence), list[ColumnElement[bool]]()
    if filter.since:
        first = span.first_since(tx.session, filter.since)
        wanted += [sequence >= first if first is not None else false(), at >= to_text(filter.since)]
    if filter.until:
        wanted += [sequence <= span.last_before(tx.session, filter.until), at < to_text(filter.until)]
    return wanted


def _about(tx: Transaction, text: str) -> ColumnElement[bool]:
    """By the ids of the accounts that are called so, which the store has an index for; else by what one was called."""
    ids = _called(tx, text)
    return col(Event.account_id).in_(ids) if ids else col(Event.account) == text


def _by(tx: Transaction, text: str, *, aside: bool) -> list[Conditions]:
    """By the index of what others than accounts did, and the few events of what somebody did in another's stead.

    What an account did is about itself, so it is among the account's events.
    """
    called = or_(col(Person.id) == text, col(Person.name) == text)
    person = tx.session.exec(select(Person).where(called)).first()
    actor, actor_id = col(Event.actor), _unindexed(Event.actor_id) if aside else col(Event.actor_id)
    if person is not None or text == access.SYSTEM.id:
        who, name = (person.id, person.name) if person else (text, text)
        stead = [by_condition("event_stead"), actor.iendswith(f" as {name}", autoescape=True), actor_id != who]
        return [[by_condition("event_actor"), actor_id == who], stead]
    if ids := _called(tx, text):
        return [[col(Event.account_id).in_(ids), _unindexed(Event.actor_id).in_(ids)]]
    first, second = (
        actor.istartswith(f"{text} as ", autoescape=True),
        actor.iendswith(f" as {text}", autoescape=True),
    )
    return [[or_(actor_id == text, actor == text, first, second)]]


def by_condition(index: str) -> ColumnElement[bool]:
    """The condition of a partial index in its very words, without which no engine takes it."""
    return literal_column(f"event.{CONDITIONS[index]}")


def _doing(text: str, *, aside: bool) -> ColumnElement[bool]:
    action: Any = _unindexed(Event.action) if aside else col(Event.action)
    found: ColumnElement[bool] = action == text if ":" in text else action.istartswith(text + ":", autoescape=True)
    return found


def _ending(outcome: Outcome, *, aside: bool) -> list[ColumnElement[bool]]:
    """By the index of what was not done, which is asked for in its very words; most events were."""
    if aside or outcome is Outcome.DONE:
        return [_unindexed(Event.outcome) == outcome.value]
    return [col(Event.outcome) == outcome, by_condition("event_refused")]


def _unindexed(column: Any) -> Any:
    """A column that no index is taken for: beside an account's or actor's few events, all of an action are too many."""
    return type_coerce(col(column), String).concat("")


def _called(tx: Transaction, text: str) -> list[str]:
    """The ids of all accounts of that id or name, removed ones too."""
    return list(tx.session.exec(select(Account.id).where(or_(col(Account.id) == text, col(Account.name) == text))))


def _says(word: str) -> ColumnElement[bool]:
    columns = (Event.actor, Event.action, Event.account, Event.subject_id, Event.source, Event.detail, Event.outcome)
    return or_(*(holds(column, word) for column in columns))


def _own(tx: Transaction) -> ColumnElement[bool]:
    reachable = select(Account.id).where(reach.in_reach(tx.actor))
    account = col(Event.account_id)
    return or_(account.in_(reachable), and_(col(Event.actor_id) == tx.actor.id, account.is_(None)))
