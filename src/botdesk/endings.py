"""Rules on the ends of tokens: which come near, which are overdue, which caught somebody unawares.

A time is compared with the present instant alone, so that each rule has one edge that can be told in days.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

from botdesk import stages, wording
from botdesk.condition import HISTORY, Condition, TokenFacts
from botdesk.finding import Finding, Kind, Mend, Severity, about
from botdesk.tokens import TokenState
from botdesk.verdict import Refusal

STAGES: Final = (timedelta(days=1), timedelta(days=7), timedelta(days=14))
"""How long before its end a token is pointed out; a stage counts for one that lives at least twice as long."""

HANDING: Final = timedelta(hours=1)
"""How long a token may be pending while somebody hands it over."""


def stage(left: timedelta, lifetime: timedelta) -> timedelta | None:
    """The stage that something is in that much time before its end; None when that is far off."""
    return next((span for span in STAGES if left <= span and lifetime >= 2 * span), None)


def rotation_due(account: Condition, token: TokenFacts) -> datetime | None:
    """When a token should be rotated by its account's period; None when it ends by itself before that."""
    due = token.issued_at + account.rotation
    return due if token.expires_at is None or token.expires_at > due else None


def _expiring(account: Condition, now: datetime) -> Iterator[Finding]:
    for token in account.of_state(TokenState.ACTIVE):
        if token.expires_at is None or not (token.in_use(now, within=HISTORY) or token.settling(now)):
            continue
        span = stage(token.expires_at - now, token.expires_at - token.issued_at)
        if span is not None:
            yield Finding(
                kind=Kind.EXPIRING,
                severity=_URGENCY[span],
                mend=Mend.ROTATE,
                what=f"'{token.label}' expires {wording.until(token.expires_at, now)}",
                why="what runs on it stops then",
                since=token.expires_at - span,
                about=wording.in_short(span),
                **about(account, token),
            )


_URGENCY: Final = dict(zip(STAGES, (Severity.URGENT, Severity.WARNING, Severity.NOTICE), strict=True))


def _rotation(account: Condition, now: datetime) -> Iterator[Finding]:
    for token in account.of_state(TokenState.ACTIVE):
        due = rotation_due(account, token)
        if due is None:
            continue
        overdue = due <= now
        span = stage(due - now, account.rotation)
        if overdue or span is not None:
            passed = "should have been rotated" if overdue else "should be rotated"
            yield Finding(
                kind=Kind.ROTATION_OVERDUE if overdue else Kind.ROTATION_DUE,
                severity=Severity.WARNING if overdue else Severity.NOTICE,
                mend=Mend.ROTATE,
                what=f"'{token.label}' {passed} {wording.until(due, now)}, by the period of"
                f" {wording.plural(account.rotation.days, 'day')}",
                why="the longer a secret lives, the more places know it",
                since=due if overdue else due - (span or timedelta()),
                **about(account, token),
            )


def _retiring_used(account: Condition, now: datetime) -> Iterator[Finding]:
    for token in account.of_state(TokenState.RETIRING):
        if not (token.last_used_at and token.rotated_at and token.expires_at) or token.last_used_at <= token.rotated_at:
            continue
        left = token.expires_at - now
        short = left <= min(timedelta(days=1), (token.expires_at - token.rotated_at) / 4)
        yield Finding(
            kind=Kind.RETIRING_USED,
            severity=Severity.URGENT if short else Severity.NOTICE,
            mend=Mend.EXTEND if short else Mend.WATCH,
            what=f"'{token.label}' was rotated {wording.ago(token.rotated_at, now)} and is still used, last"
            f" {wording.ago(token.last_used_at, now)} from {token.last_used_from or 'somewhere'};"
            f" it ends {wording.until(token.expires_at, now)}",
            why="what still runs on it stops when its overlap is over",
            since=token.last_used_at,
            about="ends soon" if short else "",
            **about(account, token),
        )


def _pending(account: Condition, now: datetime) -> Iterator[Finding]:
    for token in account.of_state(TokenState.PENDING):
        if token.issued_at <= now - HANDING:
            yield Finding(
                kind=Kind.PENDING,
                severity=Severity.NOTICE,
                mend=Mend.REVOKE,
                what=f"'{token.label}' was issued {wording.ago(token.issued_at, now)} and never handed over",
                why="its secret is gone, so it will never work",
                since=token.issued_at + HANDING,
                **about(account, token),
            )


def _locked_out(account: Condition, now: datetime) -> Iterator[Finding]:
    for token, at, reason in account.refused(now):
        last = token.refused_last(now)
        if account.served_since(at):
            continue
        if reason == Refusal.EXPIRED and token.state is TokenState.EXPIRED:
            yield _shut(account, token, at, Mend.ISSUE, f"'{token.label}' expired and is still presented, last {last}")
        elif reason == Refusal.PENDING and token.state is TokenState.PENDING:
            yield _shut(
                account, token, at, Mend.ISSUE, f"'{token.label}' never took effect, but is presented, last {last}"
            )
        elif reason == Refusal.DISABLED and account.disabled:
            yield _shut(
                account, token, at, Mend.ENABLE, f"it is disabled, but still knocks with '{token.label}', last {last}"
            )


def _shut(account: Condition, token: TokenFacts, at: datetime, mend: Mend, what: str) -> Finding:
    return Finding(
        kind=Kind.LOCKED_OUT,
        severity=Severity.WARNING if mend is Mend.ENABLE else Severity.URGENT,
        mend=mend,
        what=what,
        why="the bot is shut out and goes on trying",
        since=at,
        **about(account, token),
    )


def _personal_overdue(account: Condition, now: datetime) -> Iterator[Finding]:
    for each in account.moving:
        if stages.overdue(each.facts, now):
            last = f", last seen {wording.ago(each.facts.old_used_at, now)}" if each.facts.old_used_at else ""
            yield Finding(
                kind=Kind.PERSONAL_OVERDUE,
                severity=Severity.WARNING,
                mend=Mend.END,
                what=f"'{each.what}' was to be off {each.owner}'s token {wording.until(each.facts.accept_until, now)}"
                f"{last}",
                why="the gate refuses that token since; where it is from it works until it is ended",
                since=each.facts.accept_until,
                about=each.id,
                **about(account),
            )


RULES: Final = (_expiring, _rotation, _retiring_used, _personal_overdue, _pending, _locked_out)
