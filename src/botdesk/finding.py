"""Something that is not as it should be: what, how soon to look, why it matters, and what mends it."""

import shlex
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from botdesk.condition import Condition, TokenFacts


class Kind(StrEnum):
    """What may be wrong."""

    REUSED = "reused"
    FORGED = "forged"
    LOCKED_OUT = "locked-out"
    EXPIRING = "expiring"
    RETIRING_USED = "retiring-used"
    PERSONAL_OVERDUE = "personal-overdue"
    ROTATION_OVERDUE = "rotation-overdue"
    ROTATION_DUE = "rotation-due"
    NEW_SOURCE = "new-source"
    SCOPE_REFUSED = "scope-refused"
    ORPHANED = "orphaned"
    LEFT = "left"
    LEFT_IN_ROLE = "left-in-role"
    UNUSED = "unused"
    NEVER_USED = "never-used"
    SURPLUS = "surplus"
    PENDING = "pending"
    SCOPE_UNUSED = "scope-unused"
    VAGUE_NAME = "vague-name"


class Severity(StrEnum):
    """How soon somebody should look."""

    URGENT = "urgent"
    WARNING = "warning"
    NOTICE = "notice"


class Mend(StrEnum):
    """What mends it."""

    ROTATE = "rotate"
    REVOKE = "revoke"
    EXTEND = "extend"
    ISSUE = "issue"
    ENABLE = "enable"
    ADD_SCOPE = "add scope"
    DROP_SCOPE = "drop scope"
    GRANT = "grant"
    WITHDRAW = "withdraw"
    DROP_MEMBER = "drop from role"
    RENAME = "rename"
    WATCH = "watch"
    LOOK = "look"
    END = "end old token"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that is not as it should be.

    Attributes:
        kind: What.
        severity: How soon somebody should look.
        mend: What mends it.
        what: What was found, in words.
        why: Why it matters.
        since: Since when it is so, where that can be told.
        account_id: The account's id; empty when it is about no account.
        account: The account's name.
        token_id: The token's lookup id, if it is about one.
        label: That token's label.
        about: What else tells it from another of its kind: a scope, a source, a person, a stage, a migration.
    """

    kind: Kind
    severity: Severity
    mend: Mend
    what: str
    why: str
    since: datetime | None = None
    account_id: str = ""
    account: str = ""
    token_id: str = ""
    label: str = ""
    about: str = ""


def rank(finding: Finding) -> tuple[int, int, str, str, str]:
    """The place of a finding in a list: the worst first, then by account, token and what else."""
    return (
        _SEVERITIES.index(finding.severity),
        _KINDS.index(finding.kind),
        finding.account,
        finding.token_id,
        finding.about,
    )


_SEVERITIES: Final = tuple(Severity)
_KINDS: Final = tuple(Kind)


def about(account: Condition, token: TokenFacts | None = None) -> dict[str, Any]:
    """What a finding says of whom it is about."""
    named = {"account_id": account.id, "account": account.name}
    return named | ({} if token is None else {"token_id": token.id, "label": token.label})


def command(finding: Finding) -> str:
    """The command that mends it, with an ellipsis for what only a person can know."""
    role, _, person = finding.about.partition("/")
    words = {
        "account": finding.account, "token": finding.token_id, "about": finding.about, "role": role, "person": person,
    }  # fmt: skip
    return _COMMANDS[finding.mend].format(**{name: shlex.quote(word) for name, word in words.items()})


_COMMANDS: Final = {
    Mend.ROTATE: "botdesk token rotate {token}",
    Mend.REVOKE: "botdesk token revoke {token} --reason …",
    Mend.EXTEND: "botdesk token extend {token} --by 24h",
    Mend.ISSUE: "botdesk token issue {account} --label …",
    Mend.ENABLE: "botdesk account enable {account}",
    Mend.ADD_SCOPE: "botdesk account modify {account} --add-scope {about}",
    Mend.DROP_SCOPE: "botdesk account modify {account} --drop-scope {about}",
    Mend.GRANT: "botdesk grant give {account} --level manage …",
    Mend.WITHDRAW: "botdesk grant withdraw {account} --person {about}",
    Mend.DROP_MEMBER: "botdesk role drop {role} {person}",
    Mend.RENAME: "botdesk account modify {account} --name …",
    Mend.WATCH: "botdesk token cutover {token}",
    Mend.LOOK: "botdesk token uses {token}",
    Mend.END: "botdesk migration revoke {about} --force",
}
