"""A bar on stderr for what takes long; nothing at all where stderr is no terminal."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, Protocol

from botdesk.cli import output

PATIENCE: Final = 0.5
"""What is done within these seconds shows no bar."""


class Tell(Protocol):
    """Takes how much is done, of how much, and of what, when that is another thing than before."""

    def __call__(self, done: int, of: int, what: str = "") -> None: ...  # noqa: D102


@contextmanager
def bar(what: str, *, patience: float = PATIENCE) -> Iterator[Tell | None]:
    """Show a bar while something goes on; gives what is to be told how much is done, and of how much.

    Args:
        what: What is counted.
        patience: After how many seconds it is shown.
    """
    if not output.on_terminal(sys.stderr):
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    shown = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=Console(file=sys.stderr, no_color=not output.coloured(sys.stderr)),
        transient=True,
    )
    task, begun = shown.add_task(what, total=None), time.monotonic()

    def tell(done: int, of: int, what: str = "") -> None:
        shown.update(task, completed=done, total=of, description=what or None)
        if time.monotonic() - begun >= patience:
            shown.start()

    try:
        yield tell
    finally:
        shown.stop()
