"""A file of the operator's state folder: written wholly or not at all, mode 0600, and lost without harm."""

import contextlib
import json
import os
import threading
from pathlib import Path
from typing import Any, Final

MEMORY: Final = "tui.json"
"""Where the terminal program keeps what it remembers; under `heads`, the last head that it saw of each store."""


def read(path: Path) -> dict[str, Any]:
    """What the file holds; nothing when it is absent or damaged."""
    try:
        found = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def write(path: Path, values: dict[str, Any]) -> None:
    """Put values in its place; a folder that cannot be written is no harm."""
    beside = path.with_name(f"{path.name}.{os.getpid()}.{threading.get_ident()}")
    with contextlib.suppress(OSError):
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(beside, os.O_CREAT | os.O_WRONLY | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(values, file, indent=1, sort_keys=True)
        beside.replace(path)
