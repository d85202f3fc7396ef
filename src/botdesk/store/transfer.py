"""A whole desk from one store into another: every row as it is kept, so ids, digests and hashes stay what they are."""

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final

from sqlalchemy import URL, Connection, Engine, Table, bindparam, func, update
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import Session, SQLModel, select

from botdesk.errors import AuditBroken, Conflict, StoreError
from botdesk.store import bulk, engine, schema, walk
from botdesk.store.chain import Head
from botdesk.store.digest import raw, table_of
from botdesk.store.driver import translated
from botdesk.store.tables import TABLES

Progress = Callable[[str, int, int], None]
"""Called now and then with what is being done, how far it is, and how far it goes."""

_TOGETHER: Final = 512


@dataclass(frozen=True, slots=True)
class Moved:
    """What arrived: where, how many rows, and the audit's head, the same as where it came from."""

    location: str
    rows: int
    head: Head


def carry(source: Session, url: URL, *, progress: Progress | None = None) -> Moved:
    """Copy a desk into a store in which there is nothing, and verify what arrived; a failure leaves nothing there.

    Args:
        source: A session with a reading transaction under way.
        url: The store to copy into.
        progress: Told how far it is.

    Raises:
        AuditBroken: The source does not verify, or what arrived does not.
        Conflict: There is something in the target.
        StoreError: The target cannot be used, or either store failed.
    """
    progress = progress or (lambda what, done, of: None)
    head = _verified(source, "verifying the source", progress)
    backend = engine.of(url)
    target = backend.open_engine(url, create=True, make_folder=False)
    try:
        with backend.locked(target):
            _refuse_full(target, backend.location(url))
            backend.settle(target)
            rows = _fill(source, target, head, progress)
    finally:
        target.dispose()
    return Moved(backend.location(url), rows, head)


def _verified(session: Session, what: str, progress: Progress, *, large: int = walk.LARGE) -> Head:
    verdict = walk.verify(session, progress=lambda done, of: progress(what, done, of), large=large)
    progress(what, verdict.events, verdict.events)
    if not verdict.holds:
        raise AuditBroken(
            f"the audit does not verify: {verdict.findings[0].what}",
            hint="nothing was moved; 'botdesk audit verify' shows all that is wrong with the source",
        )
    return verdict.head


def _count(session: Session, table: Table) -> int:
    return session.exec(select(func.count()).select_from(table)).one()


def _refuse_full(target: Engine, location: str) -> None:
    with translated(), target.connect() as connection:
        found = schema.revision(connection)
    if found is not None:
        raise Conflict(f"there is a desk in '{location}' already", hint="move into a store with nothing in it")


def _fill(source: Session, target: Engine, head: Head, progress: Progress) -> int:
    with translated(), target.connect() as plain, Session(plain.execution_options(writing=True)) as session:
        connection = session.connection()
        schema.upgrade(connection)
        rows = _copy(source, connection, progress)
        if _verified(session, "verifying what arrived", progress, large=sys.maxsize) != head:
            raise AuditBroken("what arrived has another head than the source", hint="nothing was moved")
        try:
            session.commit()
        except SQLAlchemyError:
            raise StoreError(
                "the target failed while saving; whether the desk arrived is unknown",
                hint="see what is in it with 'botdesk audit verify'; the source is as it was",
            ) from None
    return rows


def _copy(source: Session, target: Connection, progress: Progress) -> int:
    tables = [table for table in SQLModel.metadata.sorted_tables if table in {table_of(row) for row in TABLES}]
    total = sum(_count(source, table) for table in tables)
    done = 0
    for table in tables:
        for part in _parts(raw(source, table)):
            _insert(target, table, part)
            done += len(part)
            progress("copying", done, total)
        _bind(source, target, table)
    return done


def _parts(rows: Iterator[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    while part := list(islice(rows, _TOGETHER)):
        yield part


def _insert(target: Connection, table: Table, rows: list[dict[str, Any]]) -> None:
    """Insert rows, but not yet what in them points to rows of the same table, which may be still to come."""
    later = dict.fromkeys(_to_itself(table))
    bulk.insert(target, table, tuple(rows[0]), [(*(row | later).values(),) for row in rows])


def _bind(source: Session, target: Connection, table: Table) -> None:
    key = next(iter(table.primary_key.columns))
    for name in _to_itself(table):
        column = table.columns[name]
        known = update(table).where(key == bindparam("row")).values({name: bindparam("points_to")})
        for part in _parts(raw(source, table, [column.is_not(None)])):
            target.execute(known, [{"row": row[key.name], "points_to": row[name]} for row in part])


def _to_itself(table: Table) -> list[str]:
    return [column.name for column in table.columns if any(key.column.table is table for key in column.foreign_keys)]
