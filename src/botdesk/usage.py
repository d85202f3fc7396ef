"""Rules on the use of tokens: who uses what is not needed, asks for what was not granted, or comes unexpected.

A time is compared with the present instant alone, so that each rule has one edge that can be told in days.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import Final

from botdesk import wording
from botdesk.condition import HISTORY, SETTLING, Condition, TokenFacts
from botdesk.finding import Finding, Kind, Mend, Severity, about
from botdesk.tokens import TokenState
from botdesk.uses import ENDED
from botdesk.verdict import Refusal

IDLE: Final = timedelta(days=30)
"""After how long without use a token is one too many, if another one of its account is in use."""

EVIDENCE: Final = timedelta(days=30)
"""How long an account must have had a scope before its not being used means anything."""

ASKED: Final = timedelta(days=30)
"""How far back it matters that a scope was asked for and refused."""

NEW: Final = timedelta(days=7)
"""How long a source is new."""

KNOWN: Final = timedelta(days=14)
"""How long an account must have been used from other sources before a new one is news."""


def _reused(account: Condition, now: datetime) -> Iterator[Finding]:
    for token, at, reason in account.refused(now):
        if reason in ENDED:
            ended = (token.revoked_at if reason == Refusal.REVOKED else token.expires_at) or at
            verb = "revoked" if reason == Refusal.REVOKED else "rotated out"
            yield Finding(
                kind=Kind.REUSED,
                severity=Severity.URGENT,
                mend=Mend.LOOK,
                what=f"'{token.label}' was {verb} {wording.ago(ended, now)} and is still presented,"
                f" last {token.refused_last(now)}",
                why="a straggler was not switched, or it is in the wrong hands",
                since=at,
                **about(account, token),
            )


def _forged(account: Condition, now: datetime) -> Iterator[Finding]:
    for token, at, reason in account.refused(now):
        if reason == Refusal.PROOF:
            yield Finding(
                kind=Kind.FORGED,
                severity=Severity.URGENT,
                mend=Mend.LOOK,
                what=f"a made-up secret was presented as '{token.label}', last {token.refused_last(now)}",
                why="it passes the desk's own check: somebody may have read the store",
                since=at,
                **about(account, token),
            )


def _never_used(account: Condition, now: datetime) -> Iterator[Finding]:
    for token in account.of_state(TokenState.ACTIVE):
        if token.first_used_at is None and token.delivered_at and token.delivered_at <= now - SETTLING:
            yield Finding(
                kind=Kind.NEVER_USED,
                severity=Severity.NOTICE,
                mend=Mend.REVOKE,
                what=f"'{token.label}' was handed over {wording.ago(token.delivered_at, now)} and never used",
                why="a token that nobody needs can only be lost",
                since=token.delivered_at + SETTLING,
                **about(account, token),
            )


def _unused(account: Condition, now: datetime) -> Iterator[Finding]:
    for token in account.of_state(TokenState.ACTIVE):
        if token.last_used_at and token.last_used_at <= now - HISTORY:
            yield Finding(
                kind=Kind.UNUSED,
                severity=Severity.WARNING,
                mend=Mend.REVOKE,
                what=f"'{token.label}' was used last {wording.ago(token.last_used_at, now)}",
                why="a token that nobody needs can only be lost",
                since=token.last_used_at + HISTORY,
                **about(account, token),
            )


def _surplus(account: Condition, now: datetime) -> Iterator[Finding]:
    active = list(account.of_state(TokenState.ACTIVE))
    busy = [token for token in active if token.in_use(now, within=IDLE)]
    for token in active:
        if token in busy or not busy or not token.last_used_at or not token.in_use(now, within=HISTORY):
            continue
        yield Finding(
            kind=Kind.SURPLUS,
            severity=Severity.NOTICE,
            mend=Mend.REVOKE,
            what=f"'{token.label}' was used last {wording.ago(token.last_used_at, now)}, while"
            f" {len(busy)} of {len(active)} tokens are in use",
            why="one token more than is needed is one more to lose",
            since=token.last_used_at + IDLE,
            **about(account, token),
        )


def _new_source(account: Condition, now: datetime) -> Iterator[Finding]:
    """A source is new to the account: where a predecessor or an old personal token ran is no news."""
    if any(token.seen.roams for token in account.tokens):
        return
    first: dict[str, tuple[date, TokenFacts]] = {}
    for token in account.tokens:
        for source, span in token.seen.sources.items():
            if source not in first or span.first < first[source][0]:
                first[source] = span.first, token
    begun = min((day for day, _ in first.values()), default=now.date())
    moved = frozenset[str]().union(*(each.sources for each in account.moving))
    for source, (day, token) in sorted(first.items()):
        if (
            source not in moved
            and day > (now - NEW).date()
            and day >= begun + KNOWN
            and token.state in (TokenState.ACTIVE, TokenState.RETIRING)
        ):
            yield Finding(
                kind=Kind.NEW_SOURCE,
                severity=Severity.WARNING,
                mend=Mend.LOOK,
                what=f"'{token.label}' was used from {source}, where it was never seen before",
                why="it moved, or somebody else has it",
                since=_start(day),
                about=source,
                **about(account, token),
            )


def _start(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


def _scope_unused(account: Condition, now: datetime) -> Iterator[Finding]:
    """Only where what checks the tokens says which scopes it needs; elsewhere nothing can be told."""
    since = max(account.scopes_since, now - HISTORY)
    if account.disabled or now - since < EVIDENCE:
        return
    needed: dict[str, date] = {}
    for token in account.tokens:
        for scope, day in token.seen.needed.items():
            needed[scope] = max(day, needed.get(scope, day))
    lately = {scope for scope, day in needed.items() if day >= since.date()}
    for scope in sorted(account.scopes - lately) if lately else ():
        yield Finding(
            kind=Kind.SCOPE_UNUSED,
            severity=Severity.NOTICE,
            mend=Mend.DROP_SCOPE,
            what=f"{scope} was never needed in {wording.plural((now - since).days, 'day')}",
            why="what a token may do and never does serves whoever steals it",
            since=since,
            about=scope,
            **about(account),
        )


def _scope_refused(account: Condition, now: datetime) -> Iterator[Finding]:
    for token in account.of_state(TokenState.ACTIVE, TokenState.RETIRING):
        for scope, day in sorted(token.seen.lacked.items()):
            if scope in token.scopes or _start(day) + timedelta(days=1) <= now - ASKED:
                continue
            if account.served_since(_start(day), scope):
                continue
            has = scope in account.scopes
            yield Finding(
                kind=Kind.SCOPE_REFUSED,
                severity=Severity.WARNING,
                mend=Mend.ISSUE if has else Mend.ADD_SCOPE,
                what=f"'{token.label}' was refused for want of {scope}, last on {day.isoformat()}",
                why="its account has that scope, the token does not" if has else "the bot needs it, or tries too much",
                since=_start(day),
                about=scope,
                **about(account, token),
            )


RULES: Final = (_reused, _forged, _never_used, _unused, _surplus, _new_source, _scope_unused, _scope_refused)
