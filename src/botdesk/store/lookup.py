"""A token with its account, by the token's id, just as the store keeps both: the read behind every verification."""

import threading
from collections.abc import Collection
from typing import Any, NamedTuple

from sqlalchemy import Connection, Engine, Select, bindparam, type_coerce
from sqlalchemy.types import NullType
from sqlmodel import select

from botdesk.store import engine as engines
from botdesk.store.digest import table_of
from botdesk.store.driver import translated
from botdesk.store.tables import Account, Migration, Token


class Row(NamedTuple):
    """A token and what its account says of it; instants are text, as stored.

    The fields up to `prior_expires_at` are the columns of the table `token`, in its order.
    """

    id: str
    account_id: str
    label: str
    hash: str
    scopes: str
    issued_at: str
    issued_by: str
    expires_at: str | None
    delivered_at: str | None
    delivered_to: str | None
    predecessor_id: str | None
    successor_id: str | None
    overlap_seconds: int | None
    revoked_at: str | None
    revoked_reason: str | None
    last_used_at: str | None
    last_used_from: str | None
    first_used_at: str | None
    last_refused_at: str | None
    last_refused_from: str | None
    last_refused_reason: str | None
    seen: str | None
    prior_expires_at: str | None
    account: str
    account_scopes: str
    account_disabled_at: str | None
    account_removed_at: str | None

    def __repr__(self) -> str:
        return f"Row(id={self.id!r}, account={self.account!r})"

    def token(self) -> dict[str, Any]:
        """The columns of the token's own row."""
        return dict(zip(COLUMNS, self, strict=False))


COLUMNS = tuple(column.name for column in table_of(Token).columns)


def _query() -> Select[Any]:
    token, account = table_of(Token), table_of(Account)
    of_account = [account.c.name, account.c.scopes, account.c.disabled_at, account.c.removed_at]
    columns = [type_coerce(column, NullType()) for column in (*token.columns, *of_account)]
    named = [column.label(name) for column, name in zip(columns, Row._fields, strict=True)]
    return select(*named).join_from(token, account, account.c.id == token.c.account_id)


_TOKEN_ID = table_of(Token).c.id
_SOME = _query().where(_TOKEN_ID.in_(bindparam("ids", expanding=True)))
_PERSONAL = select(table_of(Migration).c.digest).where(table_of(Migration).c.digest.is_not(None))
_ONE = _query().where(bindparam("id") == _TOKEN_ID)


def rows(connection: Connection, ids: Collection[str]) -> dict[str, Row]:
    """Read the tokens with these ids; those that are not there are left out."""
    found = connection.execute(_SOME, {"ids": list(ids)})
    return {values[0]: Row._make(values) for values in found}


class Lookup:
    """Reads one token at a time on a connection that it holds; each read sees what is committed by then.

    It may be called from any thread. It is quick because nothing is prepared, begun or pooled anew for a read.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._turn = threading.Lock()
        self._held: Any = None
        self._statement = str(_ONE.compile(dialect=engine.dialect))
        self._same_store = engines.of(engine.url).watch(engine.url)

    def find(self, token_id: str) -> Row | None:
        """Read a token with its account; None when there is no such token.

        Raises:
            StoreError: The store cannot be read.
        """
        with self._turn:
            try:
                found = self._read(token_id)
            except self._engine.dialect.loaded_dbapi.Error:
                self._drop()
            else:
                return found
        with translated(), self._engine.connect() as connection:
            return rows(connection, [token_id]).get(token_id)

    def personal(self) -> frozenset[str]:
        """The digests of the personal tokens that are registered.

        Raises:
            StoreError: The store cannot be read.
        """
        with translated(), self._engine.connect() as connection:
            return frozenset(connection.execute(_PERSONAL).scalars())

    def _read(self, token_id: str) -> Row | None:
        self._same_store()
        if self._held is None:
            self._held = engines.of(self._engine.url).hold(self._engine)
        values = self._held.driver_connection.execute(self._statement, self._parameters(token_id)).fetchone()
        return None if values is None else Row._make(values)

    def _parameters(self, token_id: str) -> Any:
        return (token_id,) if self._engine.dialect.positional else {"id": token_id}

    def _drop(self) -> None:
        if self._held is not None:
            self._held.invalidate()
            self._held = None

    def close(self) -> None:
        """Close the connection."""
        with self._turn:
            self._drop()
