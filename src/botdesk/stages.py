"""The four steps from somebody's personal token to a service account's own, each proved by what happened.

Rules over plain facts, pure: account, token, switch, and the end of the old token. Nothing is ticked off: a step is
done while what proves it is so.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from botdesk import wording

QUIET: Final = timedelta(minutes=10)
"""How long an old token has to be unused, where the gate sees it, before it is ended without a second thought."""


class Stage(StrEnum):
    """What comes next."""

    ACCOUNT = "account"
    TOKEN = "token"
    SWITCH = "switch"
    REVOKE = "revoke"
    DONE = "done"
    CANCELLED = "cancelled"


ENDED: Final = frozenset({Stage.DONE, Stage.CANCELLED})
"""The stages in which nothing more is to be done."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What is known of one migration.

    Attributes:
        started_at: When an account was chosen.
        idle: Why that account can have no token; empty when it can.
        delivered_at: When the new token was handed over; None when neither it nor a successor works.
        first_used_at: When the new token was used first.
        registered: Whether the desk knows the old token.
        accept_until: Until when the gate takes it for the account's.
        old_used_at: When it was used last, as far as the gate saw it.
        old_used_from: From where.
        ended_at: When the old token was revoked, or that was confirmed.
        paused_at: When the migration was paused.
        cancelled_at: When it was cancelled.
    """

    started_at: datetime
    idle: str = ""
    delivered_at: datetime | None = None
    first_used_at: datetime | None = None
    registered: bool = False
    accept_until: datetime | None = None
    old_used_at: datetime | None = None
    old_used_from: str | None = None
    ended_at: datetime | None = None
    paused_at: datetime | None = None
    cancelled_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """One of the four steps.

    Attributes:
        stage: Which one.
        proved_at: Since when it is proved; None when it is not.
        words: What proves it, or what is missing.
    """

    stage: Stage
    proved_at: datetime | None
    words: str


def stage(facts: Facts) -> Stage:
    """What comes next: the first step that is not proved; the end of the old token is the end of all."""
    if facts.ended_at:
        return Stage.DONE
    if facts.cancelled_at:
        return Stage.CANCELLED
    return next((step.stage for step in steps(facts, facts.started_at) if step.proved_at is None), Stage.REVOKE)


def steps(facts: Facts, now: datetime) -> tuple[Step, ...]:
    """The four steps, each with what proves it at an instant."""
    return (
        Step(Stage.ACCOUNT, None if facts.idle else facts.started_at, facts.idle or "chosen"),
        Step(Stage.TOKEN, facts.delivered_at, "handed over" if facts.delivered_at else "none works yet"),
        Step(Stage.SWITCH, facts.first_used_at, "seen in use" if facts.first_used_at else "waiting for the first use"),
        Step(Stage.REVOKE, facts.ended_at, "the old token is ended" if facts.ended_at else _left(facts, now)),
    )


def _left(facts: Facts, now: datetime) -> str:
    """What is known of the old token while it is not ended."""
    if not facts.registered:
        return "the desk does not know the old token"
    used = f"last seen {wording.ago(facts.old_used_at, now)}" if facts.old_used_at else "never seen at the gate"
    if facts.accept_until is None:
        return f"registered, not accepted; {used}"
    told = "accepted, ends" if facts.accept_until > now else "refused since"
    return f"{told} {wording.until(facts.accept_until, now)}; {used}"


def accepts(accept_until: datetime | str | None, ended_at: datetime | str | None, now: datetime | str) -> bool:
    """Whether the gate takes the old token for the account's; instants are all aware, or all as stored."""
    return accept_until is not None and ended_at is None and accept_until > now  # type: ignore[operator]


def overdue(facts: Facts, now: datetime) -> bool:
    """Whether the old token should have been ended by now."""
    return stage(facts) not in ENDED and facts.accept_until is not None and facts.accept_until <= now


def unready(facts: Facts, now: datetime) -> str:
    """Why the old token should not be ended yet; empty when nothing speaks against it."""
    if facts.first_used_at is None:
        return "the new token has not been used yet"
    if facts.old_used_at is not None and now - facts.old_used_at < QUIET:
        where = facts.old_used_from or "somewhere"
        return f"the old token was used {wording.ago(facts.old_used_at, now)} from {where}"
    return ""
