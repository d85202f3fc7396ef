"""What another program changes is on the screen soon, and the cursor is where it was."""

import inspect
import subprocess
from pathlib import Path

from botdesk import accounts
from botdesk.desk import Desk
from botdesk.tui.app import BotdeskApp
from tests.terminal import Terminal
from tests.tui.program import command, environ, started


def rows_under_the_cursor(terminal: Terminal) -> list[str]:
    """The rows whose background is that of the cursor: unlike that of most rows."""
    backgrounds = [terminal.background(line) for line in range(3, 20)]
    usual = max(set(backgrounds), key=backgrounds.count)
    lines = terminal.text.splitlines()
    return [lines[line].split()[0] for line in range(3, 20) if terminal.background(line) != usual]


def test_a_change_by_the_command_line_is_shown_and_the_cursor_stays_on_its_row(place: str, tmp_path: Path) -> None:
    path, variables = place, environ(tmp_path)
    with Desk.open(path) as desk:
        for name in ("catalog-sync", "metrics-ingest", "nightly-build"):
            desk.run(accounts.create, name)
    with started(path, variables) as terminal:
        terminal.wait_for("nightly-build")
        terminal.send("jj")
        terminal.settle()
        assert rows_under_the_cursor(terminal) == ["nightly-build"]
        for words, seen in (
            (["create", "archive-bot"], "archive-bot"),
            (["create", "backup-bot"], "backup-bot"),
            (["disable", "catalog-sync"], "disabled"),
            (["remove", "metrics-ingest", "--yes"], "4 accounts"),
        ):
            subprocess.run(command("--store", path, "account", *words), env=variables, check=True, timeout=60)
            terminal.wait_for(seen)
            terminal.settle()
            assert rows_under_the_cursor(terminal) == ["nightly-build"]
        assert "metrics-ingest" not in terminal.text


def test_it_is_looked_for_every_second() -> None:
    assert inspect.signature(BotdeskApp).parameters["poll"].default <= 1
