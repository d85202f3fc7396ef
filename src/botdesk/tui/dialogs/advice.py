"""The dialogs about advice: dismiss a line, and see where a token was presented."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from textual.app import ComposeResult
from textual.widgets import Static

from botdesk import uses, wording
from botdesk.access import Action
from botdesk.advice import Advice
from botdesk.tui.dialogs.base import Dialog
from botdesk.tui.dialogs.form import Field, Form, reason_field


@dataclass(frozen=True, slots=True)
class DismissDraft:
    """What was filled in about a line that is to be dismissed."""

    reason: str
    until: datetime


class DismissDialog(Form[DismissDraft]):
    """Dismiss a line of advice."""

    def __init__(self, found: Advice, now: datetime) -> None:
        super().__init__(
            "Dismiss this advice",
            [
                reason_field(hint="kept in the audit: known, a spare, on leave", required=True),
                Field(
                    "until",
                    "Until",
                    "30d",
                    "when it comes back: 30d from now, or 2027-01-31",
                    check=lambda typed: wording.ahead(typed, now),
                ),
            ],
            said=f"{found.finding.account or 'the desk'}: {found.finding.what}\nNobody sees it until then.",
        )

    def result(self, values: dict[str, Any]) -> DismissDraft:
        """Make the draft."""
        return DismissDraft(**values)


class UsesDialog(Dialog[None]):
    """From where a token was presented."""

    def __init__(self, label: str, found: dict[Action, list[uses.Source]], now: datetime) -> None:
        super().__init__(f"Where '{label}' was presented in 90 days")
        self._found = found
        self._now = now

    def body(self) -> ComposeResult:
        """A line for each place."""
        lines = [
            f"{how} {source.count:>9,}×  {source.address}, last {wording.ago(source.last_at, self._now)}"
            for action, how in ((Action.TOKEN_USED, "accepted"), (Action.TOKEN_REFUSED, "refused "))
            for source in self._found[action]
        ]
        yield Static(wording.visible("\n".join(lines) or "nowhere", lines=True), markup=False)
