"""Rules on the keeping of accounts: somebody should be there for each, and know it by its name."""

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Final

from botdesk import accounts, endings, usage
from botdesk.condition import Condition
from botdesk.finding import Finding, Kind, Mend, Severity, about, rank

Rule = Callable[[Condition, datetime], Iterator[Finding]]


def findings(account: Condition, now: datetime) -> list[Finding]:
    """What is not as it should be with an account, the worst first."""
    found = [finding for rule in _RULES for finding in rule(account, now)]
    return sorted(found, key=rank)


def _orphaned(account: Condition, now: datetime) -> Iterator[Finding]:
    if not account.managed:
        yield Finding(
            kind=Kind.ORPHANED,
            severity=Severity.WARNING,
            mend=Mend.GRANT,
            what="nobody active can manage it, but for the admins",
            why="when it breaks or leaks, nobody is there for it",
            **about(account),
        )


def _left(account: Condition, now: datetime) -> Iterator[Finding]:
    for person in account.left:
        yield Finding(
            kind=Kind.LEFT,
            severity=Severity.NOTICE,
            mend=Mend.WITHDRAW,
            what=f"{person} left, but still has a grant on it",
            why="it counts again the moment the person is enabled",
            about=person,
            **about(account),
        )


def _vague_name(account: Condition, now: datetime) -> Iterator[Finding]:
    if hint := accounts.vague(account.name):
        yield Finding(
            kind=Kind.VAGUE_NAME,
            severity=Severity.NOTICE,
            mend=Mend.RENAME,
            what=hint,
            why="at two in the morning nobody knows what it is",
            **about(account),
        )


def left_in_role(role: str, person: str) -> Finding:
    """A disabled person who is in a role still."""
    return Finding(
        kind=Kind.LEFT_IN_ROLE,
        severity=Severity.NOTICE,
        mend=Mend.DROP_MEMBER,
        what=f"{person} left, but is still in the role {role}",
        why="all the role's access counts again the moment the person is enabled",
        about=f"{role}/{person}",
    )


_RULES: Final[tuple[Rule, ...]] = (*endings.RULES, *usage.RULES, _orphaned, _left, _vague_name)
