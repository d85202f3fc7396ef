"""Measured in the peer's own environment: textual-fastdatatable with the rows of `bare`.

python fast.py ROWS
"""

import sys
from typing import ClassVar

from textual.app import App, ComposeResult
from textual.binding import BindingType
from textual_fastdatatable import ArrowBackend, DataTable


class Fast(App[None]):
    """A table, and nothing else."""

    BINDINGS: ClassVar[list[BindingType]] = [("q", "quit", "Quit")]

    def compose(self) -> ComposeResult:
        """The table, with its rows."""
        count = int(sys.argv[1])
        values = {
            "PURPOSE": "ci",
            "STATE": "active",
            "LIVE": "2",
            "EXPIRES": "in 3d",
            "USED": "1h",
            "MANAGED BY": "team-07",
        }
        names = [f"bot-{number:07}" for number in range(count)]
        data = {"NAME": names, **{column: [value] * count for column, value in values.items()}}
        yield DataTable(backend=ArrowBackend.from_pydict(data), cursor_type="row")


if __name__ == "__main__":
    Fast().run()
