"""The dialogs about a token: issue, rotate, revoke it, and all that is known of it."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from textual.app import ComposeResult
from textual.widgets import Static

from botdesk import accounts, bearer, tokens, wording
from botdesk.tui import panes
from botdesk.tui.dialogs.account import scope_words
from botdesk.tui.dialogs.base import Dialog
from botdesk.tui.dialogs.form import Field, Form, reason_field, text_of


@dataclass(frozen=True, slots=True)
class IssueDraft:
    """What was filled in about a new token."""

    label: str
    lifetime: timedelta | None
    never: bool
    scopes: str


class IssueDialog(Form[IssueDraft]):
    """Issue a token to an account."""

    def __init__(self, account: accounts.Account, *, label: str = "", least: str = "") -> None:
        """Make the dialog.

        Args:
            account: The account.
            label: What the token is suggested to be called.
            least: The scopes that are known to be enough; empty when that is not known.
        """
        super().__init__(
            f"Issue a token to {account.name}",
            [
                Field("label", "Label", label, "where it will be used: GitHub Actions · main", check=_label),
                _lifetime_field(account, "as in 90d or 12h; 'never' if it must not expire"),
                Field("scopes", "Scopes", least or account.scopes, _which(account, least), check=scope_words),
            ],
        )

    def result(self, values: dict[str, Any]) -> IssueDraft:
        """Make the draft."""
        lifetime = values["lifetime"]
        return IssueDraft(values["label"], lifetime, lifetime is None, values["scopes"])


def _which(account: accounts.Account, least: str) -> str:
    if not least:
        return "all of the account's, or fewer"
    return f"what the old token was used for so far; the account has {account.scopes}"


@dataclass(frozen=True, slots=True)
class RotateDraft:
    """What was filled in about a rotation."""

    overlap: timedelta
    lifetime: timedelta | None
    never: bool
    label: str


class RotateDialog(Form[RotateDraft]):
    """Rotate a token."""

    def __init__(self, line: tokens.Line, account: accounts.Account) -> None:
        super().__init__(
            f"Rotate '{line.token.label}' of {line.account}",
            rotation_fields(line, account),
            said=f"{bearer.masked(line.token.id)} gets a successor. The old one dies by itself after the overlap.",
        )

    def result(self, values: dict[str, Any]) -> RotateDraft:
        """Make the draft."""
        lifetime = values["lifetime"]
        return RotateDraft(values["overlap"], lifetime, lifetime is None, values["label"])


def rotation_fields(line: tokens.Line, account: accounts.Account) -> list[Field]:
    """The fields of a rotation, with what they start with."""
    return [
        Field("overlap", "Overlap", "24h", "how long the old one works on after the handoff", check=overlap),
        _lifetime_field(account, "of the new one; 'never' if it must not expire"),
        Field("label", "Label", line.token.label, check=_label),
    ]


class ExtendDialog(Form[timedelta]):
    """Let a token work longer: the answer is by how much."""

    def __init__(self, token: tokens.Token) -> None:
        ends = wording.when(token.expires_at) if token.expires_at else "never"
        super().__init__(
            f"Extend '{token.label}'",
            [Field("by", "By", "24h", "how much longer, as in 24h or 7d", check=wording.duration)],
            said=f"It ends {ends}.",
        )

    def result(self, values: dict[str, Any]) -> timedelta:
        """Take the duration."""
        by: timedelta = values["by"]
        return by


class RevokeDialog(Form[str]):
    """Revoke a token: the answer is the reason."""

    def __init__(self, line: tokens.Line, retiring: tokens.Line | None, now: datetime) -> None:
        """Make the dialog.

        Args:
            line: The token.
            retiring: The token that it is to take over from, if that still works.
            now: The present instant.
        """
        told = _told(line, retiring, now)
        super().__init__(
            f"Revoke '{line.token.label}' of {line.account}",
            [reason_field(hint="kept in the audit: leaked, no longer used, owner left", required=True)],
            said=f"{told}\nRefused at the very next request, everywhere. This cannot be undone.",
        )

    def result(self, values: dict[str, Any]) -> str:
        """Take the reason."""
        return str(values["reason"])


def _told(line: tokens.Line, retiring: tokens.Line | None, now: datetime) -> str:
    """Which token that is; a successor is told apart from the old one, which has the same label."""
    told = f"{bearer.masked(line.token.id)} · {line.stands} · made {wording.ago(line.token.issued_at, now)}"
    if retiring is None:
        return told
    return f"{told}\n  this is the successor: the old one ends {wording.until(retiring.token.expires_at, now)}"


class TokenDialog(Dialog[None]):
    """All that is known of one token."""

    def __init__(self, line: tokens.Line, now: datetime) -> None:
        super().__init__("Token")
        self._line = line
        self._now = now

    def body(self) -> ComposeResult:
        """Its facts."""
        yield Static(panes.token(self._line, self._now))


_label = text_of("label", longest=80, required=True)


def _lifetime_field(account: accounts.Account, hint: str) -> Field:
    return Field("lifetime", "Lifetime", f"{account.rotation_days}d", hint, check=_lifetime)


def _lifetime(text: str) -> timedelta | None:
    """How long a token is to live; None for one that never expires."""
    return None if text.strip().lower() == "never" else wording.duration(text)


def overlap(text: str) -> timedelta:
    """Read how long an old token works on; nothing or 0 for not at all.

    Raises:
        InvalidInput: It is no duration.
    """
    return timedelta() if text.strip() in ("0", "") else wording.duration(text)
