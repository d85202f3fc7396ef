"""How far an operator's own program has verified each store: it need not walk there again each time.

Kept in the operator's state folder, mode 0600, where nobody who can change the store can change it too; lost without
harm.
"""

import contextlib
import json
import os
from pathlib import Path
from typing import Any, Final

from botdesk.audit import Footing
from botdesk.errors import BotdeskError

FILE: Final = "verified.json"

WORTHWHILE: Final = 20_000
"""A chain with fewer events is walked wholly each time: it takes a fraction of a second."""


def load(folder: Path, store: str) -> Footing | None:
    """Read how far a store was verified; None when nothing is known."""
    told = _read(folder).get(store)
    with contextlib.suppress(BotdeskError):
        return Footing.parse(told) if isinstance(told, str) else None
    return None


def save(folder: Path, store: str, footing: Footing) -> None:
    """Keep it, wholly or not at all; a folder that cannot be written is no harm."""
    _write(folder, _read(folder) | {store: str(footing)})


def forget(folder: Path, store: str) -> None:
    """Keep nothing of this store any more."""
    if store in (told := _read(folder)):
        _write(folder, {name: footing for name, footing in told.items() if name != store})


def _write(folder: Path, told: dict[str, Any]) -> None:
    beside = folder / f"{FILE}.{os.getpid()}"
    with contextlib.suppress(OSError):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(beside, os.O_CREAT | os.O_WRONLY | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(told, file, indent=1, sort_keys=True)
        beside.replace(folder / FILE)


def _read(folder: Path) -> dict[str, Any]:
    try:
        found = json.loads((folder / FILE).read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
