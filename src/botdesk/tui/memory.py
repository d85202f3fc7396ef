"""What an operator's own program remembers: theme, last screen, filters, and the last audit head that it saw."""

import contextlib
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from botdesk import statefile


@dataclass(slots=True)
class Memory:
    """What is remembered from one start to the next; lost without harm.

    Attributes:
        path: The file, mode 0600.
        theme: The name of the theme.
        screen: The name of the last screen.
        filters: The filter text of each screen.
        heads: The last audit head seen of each store, as `SEQ:HASH`.
        noticed: What was seen of ended tokens that are presented again, of each store, as words.
        saved: What was written last; None before that.
    """

    path: Path
    theme: str = ""
    screen: str = ""
    filters: dict[str, str] = field(default_factory=dict)
    heads: dict[str, str] = field(default_factory=dict)
    noticed: dict[str, str] = field(default_factory=dict)
    saved: dict[str, Any] | None = field(default=None, repr=False, compare=False)

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read the memory; an empty one when the file is absent or unreadable."""
        memory, found = cls(path), statefile.read(path)
        with contextlib.suppress(AttributeError):
            for name in ("theme", "screen"):
                setattr(memory, name, str(found.get(name, "")))
            for name in ("filters", "heads", "noticed"):
                setattr(memory, name, {str(key): str(value) for key, value in found.get(name, {}).items()})
        return memory

    def save(self) -> None:
        """Write what has changed, wholly or not at all; what another program saw of a store later is not set back."""
        values: dict[str, Any] = {
            "theme": self.theme,
            "screen": self.screen,
            "filters": dict(self.filters),
            "heads": dict(self.heads),
            "noticed": dict(self.noticed),
        }
        if values == self.saved:
            return
        self.saved = values
        statefile.write(self.path, values | {"heads": _later(Memory.load(self.path).heads, values["heads"])})

    def let_go(self, store: str) -> None:
        """Leave the head of a store to the file: what is forgotten there on purpose does not come back from here."""
        self.save()
        self.heads.pop(store, None)


def _later(theirs: dict[str, str], ours: dict[str, str]) -> dict[str, str]:
    """Of each store the later head."""
    return theirs | {store: head for store, head in ours.items() if _sequence(head) > _sequence(theirs.get(store, ""))}


def _sequence(head: str) -> int:
    found = re.match(r"[0-9]{1,18}(?=:)", head)
    return int(found[0]) if found else -1
