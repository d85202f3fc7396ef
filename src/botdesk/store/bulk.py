"""Many rows in few statements.

A driver gives other threads their turn at each statement and takes its own back late when they are busy, so a statement
a row is dear. The sizes are few, so that the statements stay prepared.
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import chain
from operator import itemgetter
from typing import Any, Final

from sqlalchemy import Connection, Table

SIZES: Final = (256, 64, 16, 4, 1)


def insert(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert rows whose values are just as they are to be stored."""
    names = tuple(column.name for column in table.columns)
    quoted = connection.dialect.identifier_preparer.format_table(table)
    picked = itemgetter(*names) if len(names) > 1 else lambda row: (row[names[0]],)
    mark = "?" if connection.dialect.paramstyle == "qmark" else "%s"
    for part in _parts(rows):
        values = tuple(chain.from_iterable(map(picked, part)))
        connection.exec_driver_sql(_statement(quoted, names, mark, len(part)), values)


def _parts(rows: Sequence[Mapping[str, Any]]) -> Iterator[Sequence[Mapping[str, Any]]]:
    start = 0
    for size in SIZES:
        while len(rows) - start >= size:
            yield rows[start : start + size]
            start += size


@lru_cache
def _statement(table: str, names: tuple[str, ...], mark: str, count: int) -> str:
    row = f"({', '.join([mark] * len(names))})"
    columns = ", ".join(f'"{name}"' for name in names)
    return f"INSERT INTO {table} ({columns}) VALUES {', '.join([row] * count)}"  # noqa: S608
