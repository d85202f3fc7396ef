"""Virtual environments of the peers, made once and kept in the user's cache folder."""

import subprocess
import sys
from collections.abc import Sequence

from platformdirs import user_cache_path


def python(name: str, packages: Sequence[str]) -> str:
    """The interpreter of a virtual environment that has these packages; made when it is not there yet."""
    folder = user_cache_path("botdesk-bench", appauthor=False) / name
    found = folder / "bin" / "python"
    ready = folder / ".ready"
    wanted = "\n".join(packages)
    if not ready.exists() or ready.read_text("utf-8") != wanted:
        subprocess.run([sys.executable, "-m", "venv", "--clear", folder], check=True)
        subprocess.run([found, "-m", "pip", "install", "--quiet", *packages], check=True, capture_output=True)
        ready.write_text(wanted, "utf-8")
    return str(found)
