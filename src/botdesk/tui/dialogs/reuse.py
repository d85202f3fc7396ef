"""Ended tokens that are presented again: which, why they ended, from where."""

from collections.abc import Sequence
from datetime import datetime
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import Static

from botdesk import wording
from botdesk.tui.dialogs.base import Dialog
from botdesk.uses import Reuse


class ReuseDialog(Dialog[bool]):
    """The answer is whether they are seen, and to be told no more."""

    KEYS = (
        "[@click=screen.seen]a seen: tell it no more, but from another address[/] · [@click=screen.leave]esc later[/]"
    )
    BINDINGS: ClassVar[list[BindingType]] = [Binding("a", "seen", "Seen", show=False)]

    def __init__(self, found: Sequence[Reuse], now: datetime) -> None:
        super().__init__("Ended tokens that are presented again")
        lines = [
            f"{one.account} '{one.label}' {one.token_id}, {one.reason}\n"
            f"  last {wording.ago(one.source.last_at, now)} from {one.source.address}"
            for one in found
        ]
        why = "Each is refused. Either a straggler was not switched over, or it is in the wrong hands."
        self._told = wording.visible("\n".join([*lines, "", why]), lines=True)

    def body(self) -> ComposeResult:
        """A line or two for each."""
        yield Static(self._told, markup=False)

    def action_seen(self) -> None:
        """They are seen."""
        self.dismiss(True)
