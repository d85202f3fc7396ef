"""The door from the command line to the TUI."""

import gc
import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final, TypedDict, cast

from botdesk import settings
from botdesk.cli import output
from botdesk.errors import InvalidInput

if TYPE_CHECKING:
    from botdesk.remote import Entry
    from botdesk.settings import Settings


class Asked(TypedDict, total=False):
    """What a command line says of the screens that it opens."""

    store: str
    acting_as: str
    demo: bool


_OPTIONS: Final = {"--store": "store", "--as": "acting_as"}


def asked(words: Sequence[str]) -> Asked | None:
    """Read a command line that does no more than open the screens; None for any other, which is for Typer to read.

    Typer and what the commands need are most of a start, so the screens are painted without them.
    """
    found: dict[str, Any] = {}
    left = iter(words)
    for word in left:
        option, equals, value = word.partition("=")
        if option in _OPTIONS:
            found[_OPTIONS[option]] = value if equals else next(left, None)
        elif word == "demo" and "demo" not in found:
            found["demo"] = True
        else:
            return None
    return None if None in found.values() else cast("Asked", {name: value for name, value in found.items() if value})


def show(
    *,
    store: str | None = None,
    acting_as: str | None = None,
    demo: bool = False,
    entry: "Entry | None" = None,
    found: "Settings | None" = None,
) -> int:
    """Open the TUI and return its exit code.

    Nothing that a start makes is garbage, so it is not looked for until the desk is open.

    Args:
        store: The store that the command line named.
        acting_as: The person to act as; None for the operator.
        demo: Whether to open a throw-away copy of the demo desk.
        entry: Who came in over SSH; None at the host.
        found: The settings, if they are known already.

    Raises:
        InvalidInput: There is no terminal, or none that can be drawn on.
    """
    if not (output.on_terminal(sys.stdin) and output.on_terminal(sys.stdout)):
        raise InvalidInput(
            "the desk opens in a terminal, and this is none",
            hint="ask for one with ssh -t; scripts use the commands: see 'botdesk --help'"
            if entry
            else "scripts use the commands: see 'botdesk --help'",
        )
    if os.environ.get("TERM") == "dumb":
        raise InvalidInput(
            "the desk needs a terminal that can be drawn on, and TERM says that this one is 'dumb'",
            hint="set TERM to what it is, as in TERM=xterm-256color, or use the commands: see 'botdesk --help'",
        )
    gc.disable()
    loaded = found or settings.load(store=store)
    from botdesk.tui.scout import Scout

    scout = None if demo else Scout.sent(loaded, acting_as=acting_as, entry=entry)
    from botdesk.tui.start import run

    return run(settings=loaded, acting_as=acting_as, entry=entry, demo=demo, scout=scout)
