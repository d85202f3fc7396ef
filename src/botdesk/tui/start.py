"""Start the terminal program, and tidy up however it ends."""

import contextlib
import signal
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from botdesk import statefile
from botdesk.errors import BotdeskError
from botdesk.settings import Settings
from botdesk.tui.app import BotdeskApp
from botdesk.tui.base import DEMO
from botdesk.tui.memory import Memory
from botdesk.tui.scout import Scout

if TYPE_CHECKING:
    from botdesk.desk import Desk
    from botdesk.remote import Entry

SWITCH_SECONDS: Final = 0.001
"""After how long a thread that reads lets the one that draws go on: a key does not wait five times as long for it."""

ENDING: Final = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP", "SIGINT") if hasattr(signal, name)]
"""What asks a program to end; SIGINT comes from outside alone, for ctrl+c is a key here."""


def run(
    *,
    settings: Settings,
    acting_as: str | None = None,
    entry: "Entry | None" = None,
    demo: bool = False,
    scout: Scout | None = None,
) -> int:
    """Open botdesk in this terminal and return its exit code.

    Args:
        settings: How the desk behaves, and where its store is.
        acting_as: The person in whose stead the operator acts.
        entry: Who came in over SSH; None at the host.
        demo: Open a throw-away copy of the demo desk.
        scout: A process that was sent for the first rows.

    Raises:
        BotdeskError: The desk could not be opened.
    """
    sys.setswitchinterval(SWITCH_SECONDS)
    with contextlib.ExitStack() as stack:
        opener = _demo_opener(stack) if demo else _opener(stack, settings, acting_as, entry)
        memory = None if demo else Memory.load(settings.state_dir / statefile.MEMORY)
        if scout is not None:
            stack.callback(scout.recall)
        app = BotdeskApp(opener, memory=memory, scout=scout)
        try:
            with _ended_by_signals(app):
                answer = app.run()
        finally:
            _tidy(app)
        if app.failure:
            raise app.failure
    return run(settings=settings, demo=True) if answer == DEMO and not settings.confined else app.return_code or 0


@contextlib.contextmanager
def _ended_by_signals(app: BotdeskApp) -> Iterator[None]:
    """Leave in good order when the system asks for it, or when the terminal is gone."""
    before = {number: signal.signal(number, lambda number, _: app.leave(number)) for number in ENDING}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _opener(
    stack: contextlib.ExitStack, settings: Settings, acting_as: str | None, entry: "Entry | None"
) -> "Callable[[], Desk]":
    def opener() -> "Desk":
        from botdesk.desk import Desk

        if entry is not None:
            return Desk.enter(entry, settings=settings)
        desk = Desk.open(settings=settings, acting_as=acting_as, source="tui")
        if settings.notify or settings.notify_webhook:
            from botdesk import messenger

            stack.enter_context(messenger.beside(desk))
        return desk

    return opener


def _demo_opener(stack: contextlib.ExitStack) -> "Callable[[], Desk]":
    import tempfile

    folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="botdesk-demo-")))

    def opener() -> "Desk":
        from botdesk import demo

        return demo.open_desk(folder / "demo.db", live=True, source="tui")

    return opener


def _tidy(app: BotdeskApp) -> None:
    """Clear the clipboard, revoke what nobody was given, remember, and close the desk."""
    from botdesk import handoff, tokens

    for clearing in app.clearings:
        cleared = replace(clearing, write=handoff.write_tty).clear()
        if cleared is handoff.Cleared.UNKNOWN:
            with contextlib.suppress(OSError):
                sys.stderr.write(f"botdesk: {cleared}\n")
    if app.memory is not None:
        app.memory.save()
    if app.is_open:
        for token_id in app.pending:
            with contextlib.suppress(BotdeskError):
                app.desk.run(tokens.abandon, token_id)
        app.desk.close()
