"""What an operator's own program remembers: theme, last screen, filters, and the last audit head that it saw."""

import contextlib
import json
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Self


@dataclass(slots=True)
class Memory:
    """What is remembered from one start to the next; lost without harm.

    Attributes:
        path: The file, mode 0600.
        theme: The name of the theme.
        screen: The name of the last screen.
        filters: The filter text of each screen.
        heads: The last audit head seen of each store, as `SEQ:HASH`.
    """

    path: Path
    theme: str = ""
    screen: str = ""
    filters: dict[str, str] = field(default_factory=dict)
    heads: dict[str, str] = field(default_factory=dict)

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read the memory; an empty one when the file is absent or unreadable."""
        memory = cls(path)
        with contextlib.suppress(OSError, ValueError, AttributeError):
            found = json.loads(path.read_text("utf-8"))
            for name in ("theme", "screen"):
                setattr(memory, name, str(found.get(name, "")))
            for name in ("filters", "heads"):
                setattr(memory, name, {str(key): str(value) for key, value in found.get(name, {}).items()})
        return memory

    def save(self) -> None:
        """Write the memory, wholly or not at all; a folder that cannot be written is no harm."""
        values = asdict(self)
        del values["path"]
        beside = self.path.with_name(f"{self.path.name}.{os.getpid()}")
        with contextlib.suppress(OSError):
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor = os.open(beside, os.O_CREAT | os.O_WRONLY | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                json.dump(values, file, indent=1, sort_keys=True)
            beside.replace(self.path)
