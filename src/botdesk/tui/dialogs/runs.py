"""The dialog of what was done to many at once."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from textual.app import ComposeResult

from botdesk.runs import Line
from botdesk.tui import many
from botdesk.tui.dialogs.base import Dialog
from botdesk.tui.widgets.columns import Column
from botdesk.tui.widgets.listing import MEASURED, whole
from botdesk.tui.widgets.window import Window

COLUMNS: Final = (
    Column("number", "RUN", 6, right=True),
    Column("when", "WHEN", 6),
    Column("actor", "BY", 8, grow=1, most=20),
    Column("what", "WHAT", 16, grow=1, most=30),
    Column("how", "RESULT", 18, grow=2, most=60),
)


class RunsDialog(Dialog[int]):
    """The answer is the number of the run that is to be told of."""

    KEYS = "[@click=screen.open]enter tells what it did to each, and goes on[/] · [@click=screen.leave]esc leaves[/]"

    def __init__(self, found: Sequence[Line], now: datetime) -> None:
        super().__init__("What was done to many at once")
        self._found, self._now = found, now

    def body(self) -> ComposeResult:
        """The runs, the newest first."""
        yield Window(
            COLUMNS,
            cells=lambda line: many.line(line, self._now),
            key=lambda line: str(line.number),
            opens="Tell",
            fit=MEASURED,
            id="bulk-items",
        )

    async def on_mount(self) -> None:
        """Show them."""
        window = self.query_one("#bulk-items", Window)
        window.empty = "none yet: space marks accounts or tokens,\nb does something to all that are marked"
        await window.show(whole(self._found))

    def action_open(self) -> None:
        """Tell of the one under the cursor."""
        self.query_one("#bulk-items", Window).action_open()

    def on_window_opened(self, message: Window.Opened) -> None:
        """Answer with that one."""
        self.dismiss(message.row.number)

    def action_scroll(self, lines: int) -> None:
        """Move in the list."""
        self.query_one("#bulk-items", Window).action_move(lines)
