"""The door from the command line to the TUI."""

import sys

from botdesk import settings
from botdesk.cli import output
from botdesk.errors import InvalidInput


def show(*, store: str | None = None, acting_as: str | None = None, demo: bool = False) -> int:
    """Open the TUI and return its exit code.

    Args:
        store: The store that the command line named.
        acting_as: The person to act as; None for the operator.
        demo: Whether to open a throw-away copy of the demo desk.

    Raises:
        InvalidInput: There is no terminal to draw on.
    """
    if not (output.on_terminal(sys.stdin) and output.on_terminal(sys.stdout)):
        raise InvalidInput(
            "the desk opens in a terminal, and this is none",
            hint="scripts use the commands: see 'botdesk --help'",
        )
    from botdesk.tui.start import run

    return run(settings=settings.load(store=store), acting_as=acting_as, demo=demo)
