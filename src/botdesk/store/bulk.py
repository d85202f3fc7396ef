"""Many rows in few statements.

A driver gives other threads their turn at each statement and takes its own back late when they are busy, so a statement
a row is dear. The sizes are few, so that the statements stay prepared.
"""

from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import chain
from typing import Any, Final

from sqlalchemy import Connection, Table

SIZES: Final = (256, 64, 16, 4, 1)

Row = Sequence[Any]


def insert(connection: Connection, table: Table, names: tuple[str, ...], rows: Sequence[Row]) -> None:
    """Insert rows.

    Args:
        connection: A connection with a writing transaction under way.
        table: The table.
        names: The columns, in the order of the values.
        rows: Their values, just as they are to be stored.
    """
    quoted = connection.dialect.identifier_preparer.format_table(table)
    mark = "?" if connection.dialect.paramstyle == "qmark" else "%s"
    for part in _parts(rows):
        values = tuple(chain.from_iterable(part))
        connection.exec_driver_sql(_statement(quoted, names, mark, len(part)), values)


def _parts(rows: Sequence[Row]) -> Iterator[Sequence[Row]]:
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
