"""Bare Textual with a table, as the peer that everything in the terminal is measured against.

    python -m benchmarks.bare ROWS [sqlmodel]

With `sqlmodel` it imports SQLModel first, as a program does that opens its store before it paints.
"""

import sys
from typing import ClassVar

from textual.app import App, ComposeResult
from textual.binding import BindingType
from textual.widgets import DataTable

COLUMNS = ("NAME", "PURPOSE", "STATE", "LIVE", "EXPIRES", "USED", "MANAGED BY")
if "sqlmodel" in sys.argv:
    import sqlmodel  # noqa: F401


class Bare(App[None]):
    """A table, and nothing else."""

    BINDINGS: ClassVar[list[BindingType]] = [("q", "quit", "Quit")]

    def compose(self) -> ComposeResult:
        """The table."""
        yield DataTable(cursor_type="row")

    def on_mount(self) -> None:
        """Fill it."""
        table = self.query_one(DataTable)
        table.add_columns(*COLUMNS)
        for number in range(int(sys.argv[1])):
            table.add_row(f"bot-{number:07}", "ci", "active", "2", "in 3d", "1h", "team-07")


if __name__ == "__main__":
    Bare().run()
