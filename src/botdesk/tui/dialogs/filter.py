"""Which events of the audit are asked for."""

from collections.abc import Callable
from datetime import datetime

from botdesk import audit, wording
from botdesk.tui.dialogs.form import Field, Form, taken


class AuditFilterDialog(Form[audit.Filter]):
    """The filters of the audit, combined."""

    def __init__(self, current: audit.Filter, now: Callable[[], datetime]) -> None:
        outcomes = [("", "any"), *((each.value, each.value) for each in audit.Outcome)]
        super().__init__(
            "Filter the audit",
            [
                Field("account", "Account", current.account or "", "a name or an id"),
                Field("actor", "Actor", current.actor or "", "a person or an account: ada, ci-bot"),
                Field("action", "Action", current.action or "", "as in token:rotated, or token for all of them"),
                Field("outcome", "Outcome", current.outcome or "", options=outcomes),
                Field("since", "Since", _text(current.since), "2026-11-23, yesterday, or 7d for a week ago"),
                Field("until", "Until", _text(current.until)),
                Field("text", "Text", current.text, "words that must all be there"),
            ],
        )
        self._now = now

    def result(self, values: dict[str, str]) -> audit.Filter:
        """Check the times and the outcome."""
        return audit.Filter(
            account=values["account"].strip() or None,
            actor=values["actor"].strip() or None,
            action=values["action"].strip() or None,
            outcome=audit.Outcome(values["outcome"]) if values["outcome"] else None,
            since=self._instant("since", values["since"]),
            until=self._instant("until", values["until"]),
            text=values["text"].strip(),
        )

    def _instant(self, key: str, text: str) -> datetime | None:
        return taken(key, lambda: wording.instant(text, self._now())) if text.strip() else None


def _text(at: datetime | None) -> str:
    return at.isoformat(timespec="minutes") if at else ""
