"""Waiting for the first use of a migration's new token."""

import sys
import time
from typing import Final

from botdesk import migration, stages, wording
from botdesk.cli import output
from botdesk.desk import Desk
from botdesk.errors import Conflict
from botdesk.migration import Line

LOOK_SECONDS: Final = 0.5


def for_first_use(desk: Desk, migration_id: str, patience: float | None) -> Line:
    """Look again whenever the desk changes, until the new token was used; gives how it stands then.

    Args:
        desk: The desk.
        migration_id: The migration's id.
        patience: After how many seconds to give up; None for never.

    Raises:
        Conflict: The migration ended meanwhile.
        NotFound: There is no such migration in reach.
    """
    live, begun, head = output.on_terminal(sys.stderr), time.monotonic(), desk.head()
    line = desk.ask(migration.line, migration_id)
    if not live:
        output.talk(f"waiting for the first use of the new token of '{line.account}'")
    try:
        while line.facts.first_used_at is None and not _over(begun, patience):
            if line.stage in stages.ENDED:
                raise Conflict(f"the migration of {line.migration.what!r} is over", hint="there is nothing to wait for")
            if live:
                output.overwrite(_waiting(line, desk))
            time.sleep(LOOK_SECONDS)
            if (found := desk.head()) != head:
                head, line = found, desk.ask(migration.line, migration_id)
    finally:
        if live:
            output.overwrite("")
    return line


def _over(begun: float, patience: float | None) -> bool:
    return patience is not None and time.monotonic() - begun >= patience


def _waiting(line: Line, desk: Desk) -> str:
    new = "the new token has not been used yet" if line.facts.delivered_at else "no new token works yet"
    old = f", the old one {wording.ago(line.facts.old_used_at, desk.clock())}" if line.facts.old_used_at else ""
    return f"{new}{old}; Ctrl-C ends the waiting"
