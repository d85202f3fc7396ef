"""Everything about one event of the audit."""

import json
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import Static

from botdesk import audit, wording
from botdesk.tui import render
from botdesk.tui.dialogs.base import Dialog


class EventDialog(Dialog[None]):
    """One event, with its digests and hashes."""

    KEYS = "[@click=screen.copy]y copies SEQ:HASH[/] · [@click=screen.leave]esc leaves[/]"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("y", "copy", "Copy", show=False)]

    def __init__(self, event: audit.Event) -> None:
        super().__init__(f"Event {event.sequence}")
        self._event = event

    def body(self) -> ComposeResult:
        """The event in words, then field by field."""
        yield Static(facts(self._event))

    def action_copy(self) -> None:
        """Send the event's head to the terminal's clipboard."""
        self.app.copy_to_clipboard(f"{self._event.sequence}:{self._event.hash}")
        self.app.notify("sent SEQ:HASH to your terminal for its clipboard", markup=False)


def facts(event: audit.Event) -> Text:
    """An event field by field."""
    detail = audit.detail_of(event)
    text = Text(render.sentence(event, detail) + "\n\n", style="bold")
    rows = {
        "when": wording.when(event.at),
        "actor": f"{event.actor} ({event.actor_kind} {event.actor_id})",
        "action": f"{event.action}, {event.outcome}",
        "account": f"{event.account} ({event.account_id})" if event.account else "–",
        "subject": f"{event.subject_kind} {event.subject_id}" if event.subject_kind else "–",
        "source": event.source,
        "detail": json.dumps(detail, ensure_ascii=False) if detail else "–",
        "before": event.before or "–",
        "after": event.after or "–",
        "previous": event.previous,
        "hash": event.hash,
    }
    for name, value in rows.items():
        text.append(f"{name:<9}", style="dim not bold").append(f"{wording.visible(value)}\n", style="not bold")
    return text
