"""How far an operator's own program has verified each store: it need not walk there again each time.

Kept in the operator's state folder, mode 0600, where nobody who can change the store can change it too; lost without
harm.
"""

import contextlib
from pathlib import Path
from typing import Any, Final

from botdesk import statefile
from botdesk.audit import Footing
from botdesk.errors import BotdeskError

FILE: Final = "verified.json"

WORTHWHILE: Final = 20_000
"""A chain with fewer events is walked wholly each time: it takes a fraction of a second."""


def load(folder: Path, store: str) -> Footing | None:
    """Read how far a store was verified; None when nothing is known."""
    told = statefile.read(folder / FILE).get(store)
    with contextlib.suppress(BotdeskError):
        return Footing.parse(told) if isinstance(told, str) else None
    return None


def save(folder: Path, store: str, footing: Footing) -> None:
    """Keep it, wholly or not at all; a folder that cannot be written is no harm."""
    statefile.write(folder / FILE, statefile.read(folder / FILE) | {store: str(footing)})


def forget(folder: Path, store: str) -> None:
    """Keep nothing of this store any more, neither how far it was verified nor the head that was seen last."""
    if store in (told := statefile.read(folder / FILE)):
        statefile.write(folder / FILE, _without(told, store))
    remembered = statefile.read(folder / statefile.MEMORY)
    heads = remembered.get("heads")
    if isinstance(heads, dict) and store in heads:
        statefile.write(folder / statefile.MEMORY, remembered | {"heads": _without(heads, store)})


def _without(told: dict[str, Any], store: str) -> dict[str, Any]:
    return {name: value for name, value in told.items() if name != store}
