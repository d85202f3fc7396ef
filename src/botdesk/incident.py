"""A leak: whose the tokens are that were seen where they should not be, where they were used, and their end."""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from sqlmodel import col, select

from botdesk import audit, seen, tokens
from botdesk.access import Action
from botdesk.leak import Extent, Readable, Sighting, sightings
from botdesk.seen import Span
from botdesk.store import reach
from botdesk.store.tables import Account, Token
from botdesk.store.transaction import Transaction
from botdesk.tokens import TokenState

BATCH: Final = 500
MOST_HELD: Final = 20_000
"""How many ids are held before those that nobody knows are forgotten."""

ENDABLE: Final = frozenset({TokenState.PENDING, *tokens.LIVE})
"""The states in which a leaked token has to be revoked."""

_EXTENTS: Final = list(Extent)


@dataclass(slots=True)
class Trace:
    """How a token was seen in the texts: how often, at the most how much of it, and where first."""

    extent: Extent
    times: int
    place: tuple[str, int]


@dataclass(slots=True)
class Traces:
    """What was seen in the texts.

    Attributes:
        known: The traces of tokens on record in the actor's reach, by id.
        strangers: How often something was seen that has the form of a token, and is none of these.
        unrecorded: How many of those have this desk's own check: it minted them, but they are not on record in reach.
    """

    known: dict[str, Trace] = field(default_factory=dict)
    strangers: int = 0
    unrecorded: int = 0


@dataclass(frozen=True, slots=True)
class Leaked:
    """A token that was seen.

    Attributes:
        token: Its row.
        account: Its account's name.
        state: Its state.
        trace: How it was seen.
        sources: From where it was used, with the first day and the last.
        revocable: It works still, or may yet, and the actor may revoke it.
    """

    token: Token
    account: str
    state: TokenState
    trace: Trace
    sources: dict[str, Span]
    revocable: bool


def traced(texts: Iterable[tuple[str, Readable]], key: bytes, known: Callable[[Collection[str]], set[str]]) -> Traces:
    """Go through texts, each once and in constant memory, and gather what was seen.

    Args:
        texts: What they are called, and the texts.
        key: The desk's mint key.
        known: Which of some ids are on record, as `on_record` tells it.
    """
    return gathered((one for name, text in texts for one in sightings(text, key, name=name)), known)


def gathered(found: Iterable[Sighting], known: Callable[[Collection[str]], set[str]]) -> Traces:
    """Gather sightings by token; what nobody knows is counted and forgotten."""
    traces, fresh = Traces(), dict[str, Trace]()
    for sighting in found:
        held = traces.known if sighting.id in traces.known else fresh
        _note(held, sighting)
        if len(fresh) >= MOST_HELD:
            _sift(traces, fresh, known)
    _sift(traces, fresh, known)
    return traces


def _note(held: dict[str, Trace], sighting: Sighting) -> None:
    trace = held.setdefault(sighting.id, Trace(sighting.extent, 0, sighting.place))
    trace.times += 1
    trace.extent = min(trace.extent, sighting.extent, key=_EXTENTS.index)


def _sift(traces: Traces, fresh: dict[str, Trace], known: Callable[[Collection[str]], set[str]]) -> None:
    on_record = known(fresh.keys())
    for token_id, trace in fresh.items():
        if token_id in on_record:
            traces.known[token_id] = trace
        else:
            traces.strangers += trace.times
            traces.unrecorded += trace.extent is Extent.WHOLE
    fresh.clear()


def on_record(tx: Transaction, ids: Collection[str]) -> set[str]:
    """Which of these are ids of tokens in the actor's reach."""
    found: set[str] = set()
    for some in _batches(list(ids)):
        query = select(Token.id).join(Account, col(Account.id) == Token.account_id)
        found.update(tx.session.exec(query.where(col(Token.id).in_(some), reach.in_reach(tx.actor))))
    return found


def _batches(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    return (ids[start : start + BATCH] for start in range(0, len(ids), BATCH))


def leaked(tx: Transaction, traces: Traces) -> list[Leaked]:
    """The tokens that were seen: those that have to be revoked first, then by account and label."""
    found = [one for some in _batches(list(traces.known)) for one in _leaked(tx, some, traces)]
    return sorted(found, key=lambda one: (not one.revocable, one.account, one.token.label, one.token.id))


def _leaked(tx: Transaction, ids: Sequence[str], traces: Traces) -> Iterator[Leaked]:
    query = select(Token, Account).join(Account, col(Account.id) == Token.account_id)
    rows = tx.session.exec(query.where(col(Token.id).in_(ids), reach.in_reach(tx.actor))).all()
    allowed: dict[str, bool] = {}
    for token, account in rows:
        if account.id not in allowed:
            allowed[account.id] = audit.may(tx, Action.TOKEN_REVOKED, account)
        state = tokens.state(token, tx.now)
        sources = dict(seen.read(token.seen).sources)
        revocable = state in ENDABLE and allowed[account.id]
        yield Leaked(token, account.name, state, traces.known[token.id], sources, revocable)


def to_revoke(found: Iterable[Leaked], *, partial: bool = False) -> list[str]:
    """The ids of those that have to be revoked.

    Args:
        found: What was seen.
        partial: Those of which only a part was seen, too: it may have been a masked form, which is no leak.
    """
    return [one.token.id for one in found if one.revocable and (partial or one.trace.extent is not Extent.PART)]


def revoke(tx: Transaction, ids: Iterable[str], *, reason: str) -> int:
    """Revoke those of these tokens that are not revoked yet; how many that were.

    Raises:
        AccessDenied: The actor may not operate the account of one of them.
        NotFound: One of them is not in reach.
    """
    rows = [row for token_id in ids if (row := tokens.find(tx, token_id)).revoked_at is None]
    return len([tokens.revoke(tx, row.id, reason=reason) for row in rows])
