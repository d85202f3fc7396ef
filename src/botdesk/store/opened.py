"""An open store, and the transactions in it."""

import contextlib
import time
from collections.abc import Callable, Iterator
from datetime import datetime

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import Session

from botdesk.access import SYSTEM
from botdesk.bearer import Entropy, Hasher
from botdesk.errors import StoreError
from botdesk.store import engine, floor
from botdesk.store.backend import Backend as Backend
from botdesk.store.driver import translated
from botdesk.store.stop import Stop
from botdesk.store.transaction import Transaction

Clock = Callable[[], datetime]


class Store:
    """An open store; time, chance and the hasher come into its transactions from here.

    Attributes:
        engine: What gives its connections.
        backend: What its engine does for it.
        source: Where those come from who act in it, as the audit shows it.
        clock: Gives the present instant, aware UTC.
        entropy: Gives n random bytes.
        hasher: Hashes the confidential part of tokens.
        as_is: Whether it is only read.
    """

    def __init__(
        self, opened: Engine, *, source: str, clock: Clock, entropy: Entropy, hasher: Hasher, as_is: bool = False
    ) -> None:
        self.engine = opened
        self.backend: Backend = engine.of(opened.url)
        self.source = source
        self.clock = clock
        self.entropy = entropy
        self.hasher = hasher
        self.as_is = as_is

    @property
    def location(self) -> str:
        """Its path, or its URL without any password."""
        return self.backend.location(self.engine.url)

    def close(self) -> None:
        """Close all connections."""
        self.engine.dispose()

    @contextlib.contextmanager
    def transaction(self, *, writing: bool = False, stop: Stop | None = None) -> Iterator[Transaction]:
        """Begin a transaction of the system, which is rolled back at the end unless it is committed.

        Args:
            writing: Whether it may change anything.
            stop: Ends it when it is called, from any thread.

        Raises:
            StoreError: The store failed, or is only read.
        """
        if writing and self.as_is:
            raise StoreError("this desk was opened to be read alone", hint="open it without as_is")
        with translated(), self.engine.connect() as plain:
            connection = plain.execution_options(writing=writing)
            with (
                Session(connection, expire_on_commit=False, autoflush=False) as session,
                stop.watching(connection, self.backend.interrupter(connection)) if stop else contextlib.nullcontext(),
            ):
                session.connection()
                yield Transaction(session, SYSTEM, self.source, self.clock(), self.entropy, self.hasher, writing)

    @contextlib.contextmanager
    def change(self, turn: contextlib.AbstractContextManager[None] | None = None) -> Iterator[Transaction]:
        """Begin a writing transaction of the system, which is committed at the end, or rolled back on any error.

        Args:
            turn: Held meanwhile; where several processes write, they wait in line for it.

        Raises:
            StoreError: The store failed; nothing was saved, or the message says that this is unknown.
        """
        with turn or contextlib.nullcontext(), self.transaction(writing=True) as tx:
            yield tx
            self.commit(tx)

    def commit(self, tx: Transaction) -> None:
        """Commit a transaction; when that fails, find out what became of it.

        Raises:
            StoreError: Nothing was saved, or the message says that this is unknown.
        """
        try:
            tx.session.commit()
        except SQLAlchemyError as error:
            failed = error
        else:
            return
        with contextlib.suppress(SQLAlchemyError):
            tx.session.rollback()
            _give_up(tx)
        if tx.appended is None or not self._was_saved(*tx.appended):
            raise failed

    def _was_saved(self, sequence: int, link: str) -> bool:
        """Read again whether an event is there, as a writer: so the failed commit is over, one way or the other."""
        for pause in self.backend.PATIENCE:
            time.sleep(pause)
            with contextlib.suppress(StoreError), self.transaction(writing=True) as again:
                return floor.hash_at(again.session, sequence) == link
        raise StoreError(
            "the store failed while saving; whether it was saved is unknown", hint="look again once it answers"
        )


def _give_up(tx: Transaction) -> None:
    """Drop a connection whose commit failed: it may still hold the lock for which the next look would wait."""
    connection = tx.session.get_bind()
    assert isinstance(connection, Connection)
    connection.invalidate()
