"""The frame is painted before anything heavy is imported, and short commands import no more than they need."""

import subprocess
import sys
from pathlib import Path

import pytest

from botdesk import accounts
from botdesk.cli import screen
from botdesk.desk import Desk
from tests.stores import Stores
from tests.terminal import Terminal
from tests.tui.program import environ, started

HEAVY = ("sqlmodel", "sqlalchemy", "pydantic", "alembic", "pysqlite3", "argon2")

HELD = """
import pathlib, sys, time

held, let_go = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])

class Hold:
    def find_spec(self, name, path=None, target=None):
        whole = name.partition(".")[0]
        if whole in {heavy!r}:
            held.touch()
            while not let_go.exists():
                time.sleep(0.01)
        if whole in ("typer", "click"):
            raise SystemExit("the screens need no Typer")

sys.meta_path.insert(0, Hold())
from botdesk.__main__ import main
sys.exit(main(sys.argv[3:]))
"""
"""Starts botdesk with every import of a heavy module held until a file is there."""

LOADED = """
import sys
from botdesk.__main__ import start
code = start(sys.argv[1:])
print(code, *sorted({name.partition(".")[0] for name in sys.modules}), file=sys.stderr)
"""


@pytest.fixture
def path(place: str) -> str:
    """A desk with two accounts."""
    with Desk.open(place) as desk:
        for name in ("nightly-build", "weekly-report"):
            desk.run(accounts.create, name)
    return place


def test_the_frame_is_there_before_anything_heavy_is_imported(path: str, tmp_path: Path) -> None:
    held, let_go = tmp_path / "held", tmp_path / "let-go"
    script = HELD.format(heavy=HEAVY)
    argv = [sys.executable, "-c", script, str(held), str(let_go), "--store", path]
    with Terminal(argv, environ(tmp_path)) as terminal:
        terminal.wait_until(held.exists)
        terminal.wait_for("1 Accounts")
        assert "nightly-build" not in terminal.text
        assert "0 accounts" not in terminal.text
        let_go.touch()
        terminal.wait_for("nightly-build")
        terminal.send("q")
        assert terminal.wait_exit() == 0


def test_a_key_draws_two_rows_anew_and_not_the_screen(path: str, tmp_path: Path) -> None:
    with started(path, environ(tmp_path)) as terminal:
        terminal.wait_for("weekly-report")
        terminal.settle()
        before = len(terminal.raw)
        terminal.send("j")
        terminal.wait_until(lambda: len(terminal.raw) > before)
        terminal.settle()
        drawn = terminal.raw[before:]
        terminal.send("q")
        assert terminal.wait_exit() == 0
    assert b"nightly-build" in drawn
    assert b"weekly-report" in drawn
    assert b"PURPOSE" not in drawn


def loaded(*words: str, path: str, home: Path) -> set[str]:
    """The modules that a command has imported by its end."""
    argv = [sys.executable, "-c", LOADED, *words]
    done = subprocess.run(argv, env=environ(home, BOTDESK_STORE=path), capture_output=True, timeout=120)
    code, *modules = done.stderr.decode().splitlines()[-1].split()
    assert code == "0", done.stderr
    return set(modules)


def test_the_version_is_told_by_the_standard_library_alone(path: str, tmp_path: Path) -> None:
    others = loaded("--version", path=path, home=tmp_path) - set(sys.stdlib_module_names)
    assert {name for name in others if not name.startswith("_")} == {"botdesk"}


def test_listing_imports_neither_the_screens_nor_the_gate_nor_upgrades_nor_what_draws_help(
    path: str, tmp_path: Path, stores: Stores
) -> None:
    found = loaded("account", "list", "--json", path=path, home=tmp_path)
    assert "sqlmodel" in found
    unwanted = {"textual", "rich", "alembic", "mako", "starlette", "uvicorn", "pyperclip"}
    unwanted |= {"psycopg" if stores.engine == "sqlite" else "pysqlite3"}
    assert found & unwanted == set()


@pytest.mark.parametrize(
    ("words", "asked"),
    [
        ([], {}),
        (["demo"], {"demo": True}),
        (["--store", "x.db"], {"store": "x.db"}),
        (["--store=x.db", "--as", "ben"], {"store": "x.db", "acting_as": "ben"}),
        (["--store", "a.db", "demo", "--store", "b.db"], {"store": "b.db", "demo": True}),
        (["--store", "demo"], {"store": "demo"}),
        (["--store="], {}),
        (["--store"], None),
        (["demo", "demo"], None),
        (["--help"], None),
        (["--store", "x.db", "account", "list"], None),
        (["demo", "--version"], None),
    ],
)
def test_a_command_line_that_only_opens_the_screens_is_read_without_typer(
    words: list[str], asked: dict[str, object] | None
) -> None:
    assert screen.asked(words) == asked
