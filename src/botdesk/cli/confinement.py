"""What is offered to who came in over SSH: botdesk's own commands, and of those the ones that stay within the desk.

Nothing here reads or writes a file of the host, starts a program, or lets anybody be somebody else.
"""

from typing import Final, NoReturn

from botdesk import audit
from botdesk.access import Action
from botdesk.desk import Desk, Transaction
from botdesk.errors import AccessDenied

OFFERED: Final = frozenset(
    {
        *("account create", "account list", "account show", "account modify", "account disable", "account enable"),
        *("account remove", "account restore", "account hand-over", "account knocks"),
        *("token issue", "token list", "token show", "token rotate", "token revoke", "token verify", "token extend"),
        "token cutover",
        *("grant give", "grant withdraw", "grant list"),
        *("access who", "access what"),
        *("person add", "person list", "person modify", "person disable", "person enable", "person leaving"),
        *("person key add", "person key list", "person key remove"),
        *("role create", "role list", "role add", "role drop", "role modify", "role scopes", "role remove"),
        *("bulk revoke", "bulk disable", "bulk enable", "bulk extend", "bulk grant"),
        *("bulk list", "bulk show", "bulk resume", "bulk end"),
        *("migration start", "migration list", "migration show", "migration issue", "migration recipe"),
        *("migration register", "migration accept", "migration wait", "migration revoke", "migration confirm"),
        *("migration pause", "migration resume", "migration cancel"),
        *("audit list", "audit export", "audit verify"),
        *("advice", "advice dismiss", "advice recall", "due", "token uses"),
        *("database check", "doctor", "incident"),
    }
)
"""The commands that run over SSH; any other is for who is at the host."""

WITHHELD: Final = frozenset(
    {
        *("database backup", "database upgrade", "database clock", "database move", "audit archive", "bulk rotate"),
        *("notify run", "notify test", "notify show"),
        *("demo", "gate", "ssh", "ssh authorized-keys"),
    }
)
"""The commands that do not, so that a new command has to be put in one place or the other."""


def withhold(desk: Desk, what: str, hint: str) -> NoReturn:
    """Refuse what is not for who came in over SSH, and have it recorded.

    Raises:
        AccessDenied: Always.
    """
    desk.ask(_withhold, what, hint)
    raise AssertionError("unreachable")


def _withhold(tx: Transaction, what: str, hint: str) -> None:
    audit.deny(tx, Action.SSH_USED, what=what)
    raise AccessDenied(f"{what!r} is not offered over ssh", hint=hint)
