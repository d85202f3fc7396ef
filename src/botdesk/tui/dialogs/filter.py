"""Which events of the audit are asked for."""

from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

from botdesk import audit, wording
from botdesk.tui.dialogs.form import Field, Form

ACTION_HINT: Final = "as in token:rotated, or token for all of them"
SINCE_HINT: Final = "2026-11-23, yesterday, or 7d for a week ago"

UNTIL_HINT: Final = "the same; without a zone it is UTC"


class AuditFilterDialog(Form[audit.Filter]):
    """The filters of the audit, combined."""

    def __init__(self, current: audit.Filter, now: Callable[[], datetime]) -> None:
        outcomes = [("", "any"), *((each.value, each.value) for each in audit.Outcome)]
        super().__init__(
            "Filter the audit",
            [
                Field("account", "Account", current.account or "", "a name or an id", check=_some),
                Field("actor", "Actor", current.actor or "", "a person or an account: ada, ci-bot", check=_some),
                Field("action", "Action", current.action or "", ACTION_HINT, check=_action),
                Field("outcome", "Outcome", current.outcome or "", options=outcomes, check=_outcome),
                Field("since", "Since", _text(current.since), SINCE_HINT, check=self._instant),
                Field("until", "Until", _text(current.until), UNTIL_HINT, check=self._instant),
                Field("text", "Text", current.text, "words that must all be there", check=str.strip),
            ],
        )
        self._now = now

    def result(self, values: dict[str, Any]) -> audit.Filter:
        """Make the filter."""
        return audit.Filter(**values)

    def _instant(self, typed: str) -> datetime | None:
        return wording.instant(typed, self._now()) if typed.strip() else None


def _some(typed: str) -> str | None:
    return typed.strip() or None


def _action(typed: str) -> str | None:
    return audit.action_named(typed.strip()) if typed.strip() else None


def _outcome(chosen: str) -> audit.Outcome | None:
    return audit.Outcome(chosen) if chosen else None


def _text(at: datetime | None) -> str:
    return at.isoformat(timespec="minutes") if at else ""
