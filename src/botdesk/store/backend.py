"""What a database engine does for the store; `sqlite` and `postgresql` are the two that do."""

from collections.abc import Callable, Collection
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

from sqlalchemy import URL, Connection, Engine, PoolProxiedConnection


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at: its name, whether it is well, what was found and what to do."""

    name: str
    ok: bool
    words: str
    hint: str = ""

    @classmethod
    def of_triggers(cls, missing: Collection[str]) -> "Check":
        """Whether the triggers are there that keep events as they are, from the names of those that are not."""
        if not missing:
            return cls("triggers", True, "events are guarded against any change")
        hint = "somebody dropped them: see whether the record still holds, 'botdesk audit verify --from-start'"
        return cls("triggers", False, f"missing: {', '.join(sorted(missing))}", hint)


class Backend(Protocol):
    """The functions of an engine's module.

    A writing transaction has the execution option `writing`; all writing transactions of all processes come one after
    the other. Any other transaction sees the store as it is at one moment. With the option `outside` there is none.

    Attributes:
        MODE: Whom the access rules bind: `solo`, the operator holds the store; `team`, a server does.
        PATIENCE: Seconds to wait before each try to learn what became of a commit that failed.
    """

    @property
    def MODE(self) -> str: ...  # noqa: D102, N802

    @property
    def PATIENCE(self) -> tuple[float, ...]: ...  # noqa: D102, N802

    def checked(self, url: URL) -> URL:
        """Check a store's URL, and give it in the one form that is used from then on."""

    def location(self, url: URL) -> str:
        """Where the store is, in full, without any password; it can be given as a store's name again."""

    def title(self, url: URL) -> str:
        """What the store is called in few words."""

    def open_engine(self, url: URL, *, create: bool, make_folder: bool) -> Engine:
        """Make the engine, after what it needs was made sure of."""

    def watch(self, url: URL) -> Callable[[], None]:
        """Make a check that the store is still the one that it was; it raises StoreError when it is not."""

    def hold(self, engine: Engine) -> PoolProxiedConnection:
        """Take a connection on which each statement is a transaction of its own; it is not to be given back."""

    def interrupter(self, connection: Connection) -> Callable[[], None]:
        """Make what interrupts the statement that runs in a connection, from another thread."""

    def settle(self, engine: Engine) -> None:
        """Set what stays with a store; done once it is known to be one that this program may write to."""

    def locked(self, engine: Engine) -> AbstractContextManager[None]:
        """Let one process at a time found or upgrade the store."""

    def probe(self, connection: Connection) -> None:
        """Write something that changes nothing, so that its commit tells whether the store takes a write."""

    def is_ours(self, connection: Connection) -> bool | None:
        """Tell whether the store is botdesk's; None for one with nothing in it."""

    def mark(self, connection: Connection) -> None:
        """Mark the store as botdesk's."""

    def save(self, engine: Engine, now: datetime) -> None:
        """Copy the store before its schema changes, where a failure would not leave it as it was."""

    def backup_path(self, url: URL, now: datetime) -> Path:
        """Where a backup goes when nobody says."""

    def copy(self, engine: Engine, path: Path) -> None:
        """Copy the whole store into a new private file."""

    def checks(self, connection: Connection) -> list[Check]:
        """Look over what is the engine's: version, integrity, triggers."""
