"""The peers, each in a virtual environment of its own, made once and kept in the user's cache folder."""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from platformdirs import user_cache_path


def environment(name: str, packages: Sequence[str]) -> Path:
    """The folder with the programs of a virtual environment that has these packages; made when it is not there yet.

    Raises:
        RuntimeError: It cannot be made.
    """
    folder = user_cache_path("botdesk-bench", appauthor=False) / name
    programs = folder / "bin"
    ready = folder / ".ready"
    wanted = "\n".join(packages)
    if not ready.exists() or ready.read_text("utf-8") != wanted:
        print(f"setting up {', '.join(packages)}", file=sys.stderr)
        _run([sys.executable, "-m", "venv", "--clear", str(folder)])
        _run([str(programs / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *packages])
        ready.write_text(wanted, "utf-8")
    return programs


def _run(argv: Sequence[str]) -> None:
    done = subprocess.run(argv, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(done.stderr.strip().splitlines()[-1] if done.stderr.strip() else f"{argv[0]} failed")
