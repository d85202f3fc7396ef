"""The dialogs about an account: create or modify it, disable it, remove it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from textual.widgets import Input, Static

from botdesk import accounts, removal, scopes, wording
from botdesk.errors import InvalidInput
from botdesk.tui.dialogs.form import Field, Form, reason_field, text_of

NAME_HINT: Final = "lower-case words joined by '-', as in nightly-build"
IN_USE: Final = 3
"""How many tokens that are in use are warned of one by one."""

LABEL: Final = 30
DESCRIPTION_HINT: Final = "what it does, in a sentence"
SCOPES_HINT: Final = "as in catalog:read deploy:write"
ROTATION_HINT: Final = "how long its tokens live, in whole days"


@dataclass(frozen=True, slots=True)
class AccountDraft:
    """What was filled in about an account."""

    name: str
    purpose: accounts.Purpose
    description: str
    scopes: str
    rotation: timedelta


class AccountDialog(Form[AccountDraft]):
    """Create an account, or modify one."""

    def __init__(self, existing: accounts.Account | None = None) -> None:
        super().__init__(f"Modify {existing.name}" if existing else "New service account", account_fields(existing))

    def on_input_changed(self, event: Input.Changed) -> None:
        """Say at once whether the name is clear."""
        if event.input.id != "name":
            return
        hint = self.query_one("#name-hint", Static)
        try:
            name = accounts.check_name(event.value)
        except InvalidInput as error:
            hint.update(error.hint if event.value else NAME_HINT)
        else:
            hint.update(accounts.vague(name) or "a good name")

    def result(self, values: dict[str, Any]) -> AccountDraft:
        """Make the draft."""
        return AccountDraft(**values)


def account_fields(found: accounts.Account | None) -> list[Field]:
    """The fields of an account as it is; of a new one without any."""
    purpose = found.purpose if found else accounts.Purpose.CI
    purposes = list(accounts.PURPOSES.items())
    described = text_of("description", longest=500)
    return [
        Field("name", "Name", found.name if found else "", NAME_HINT, check=accounts.check_name),
        Field("purpose", "Purpose", purpose, options=purposes, check=accounts.Purpose),
        Field("description", "Description", found.description if found else "", DESCRIPTION_HINT, check=described),
        Field("scopes", "Scopes", found.scopes if found else "", SCOPES_HINT, check=scope_words),
        Field(
            "rotation",
            "Rotation",
            f"{found.rotation_days}d" if found else "90d",
            ROTATION_HINT,
            check=wording.duration,
        ),
    ]


class DisableDialog(Form[str]):
    """Disable an account: the answer is the reason, which may be empty."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"Disable {name}",
            [reason_field(hint="kept in the audit; may be empty")],
            said="All tokens are refused from the next request on, until it is enabled again.",
        )

    def result(self, values: dict[str, Any]) -> str:
        """Take the reason."""
        return str(values["reason"])


class RemoveDialog(Form[str]):
    """Remove an account: its name must be typed; the answer is the reason."""

    def __init__(self, line: accounts.Line, recent: Sequence[removal.Recent], now: datetime) -> None:
        """Make the dialog.

        Args:
            line: The account.
            recent: Those of its tokens that were used lately.
            now: The present instant.
        """
        ends = f"{_live(line.live)} at once, and its grants go. Its history stays."
        super().__init__(
            f"Remove {line.account.name}",
            [
                Field("name", "Its name", hint="type it to go on; its id does, too", check=self._insist),
                reason_field(hint="kept in the audit; may be empty"),
            ],
            said="\n".join([*_in_use(recent, now), ends]),
        )
        self._named_by = {line.account.name, line.account.id}
        self._account_name = line.account.name

    def _insist(self, typed: str) -> str:
        if typed.strip() not in self._named_by:
            raise InvalidInput("that is not its name", hint=f"type {self._account_name}, or leave by esc")
        return typed

    def result(self, values: dict[str, Any]) -> str:
        """Take the reason."""
        return str(values["reason"])


def _in_use(recent: Sequence[removal.Recent], now: datetime) -> list[str]:
    """A warning of what would stop, and what stops it so that it can be taken back at once."""
    if not recent:
        return []
    days = removal.RECENT.days
    lines = [
        f"IN USE: '{wording.shortened(token.label, LABEL)}' was used {wording.ago(token.last_used_at, now)}"
        f" from {token.last_used_from}"
        for token in recent[:IN_USE]
    ]
    more = [f"and {len(recent) - IN_USE} more in {days} days"] if len(recent) > IN_USE else []
    return [*lines, *more, "Disabling stops it too, shows who still knocks, and is taken back at once.", ""]


class RestoreDialog(Form[str]):
    """Restore a removed account: the answer is the name that it is to have."""

    def __init__(self, account: accounts.Account, now: datetime) -> None:
        removed_at = account.removed_at or now
        super().__init__(
            f"Restore {account.name}",
            [
                Field(
                    "name",
                    "Its name",
                    account.name,
                    "another one, if it is taken meanwhile",
                    check=accounts.check_name,
                )
            ],
            said=f"It was removed {wording.ago(removed_at, now)}, and can be restored until"
            f" {wording.when(removed_at + removal.RESTORABLE)}.\n"
            "Its grants come back to those who are there still; its tokens stay revoked.",
        )

    def result(self, values: dict[str, Any]) -> str:
        """Take the name."""
        return str(values["name"])


def _live(count: int) -> str:
    return "It has no live token; it ends" if not count else f"{wording.plural(count, 'live token')} of it will end"


def scope_words(text: str) -> str:
    """Check scopes.

    Raises:
        InvalidInput: They cannot be taken.
    """
    return scopes.format(scopes.parse(text))
