"""The package itself: its names are there, and cost nothing until they are used."""

import subprocess
import sys

import pytest

import botdesk

HEAVY = ("sqlalchemy", "sqlmodel", "pydantic", "textual", "typer", "alembic", "argon2", "starlette")


def test_every_name_is_there() -> None:
    for name in botdesk.__all__:
        assert getattr(botdesk, name) is not None
    with pytest.raises(AttributeError, match="nothing_like_it"):
        _ = botdesk.nothing_like_it


@pytest.mark.parametrize("words", ["import botdesk", "import botdesk.__main__", "from botdesk import handoff, wording"])
def test_importing_it_loads_no_database_and_no_screen(words: str) -> None:
    script = f"{words}\nimport sys\nprint([name for name in {HEAVY!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == "[]\n"
