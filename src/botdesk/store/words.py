"""Whether a text holds a word, in letters of any case: the one question of all searches."""

from typing import Any, Final

from sqlalchemy import Boolean, ColumnElement, String, literal, type_coerce
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement
from sqlmodel import col

_ESCAPE: Final = "/"


class _Holds(FunctionElement[bool]):
    """`LIKE`, which heeds no case in SQLite; there it takes half the time that it takes with both sides lowered."""

    type = Boolean()
    name = "holds"
    inherit_cache = True


@compiles(_Holds)
def _like(element: Any, compiler: Any, **how: Any) -> str:
    text, pattern = (compiler.process(clause, **how) for clause in element.clauses)
    word = "ILIKE" if compiler.dialect.name == "postgresql" else "LIKE"
    return f"({text} {word} {pattern} ESCAPE '{_ESCAPE}')"


def holds(column: Any, word: str) -> ColumnElement[bool]:
    """The condition that a text column holds a word; letters of ASCII are the same in either case."""
    for special in (_ESCAPE, "%", "_"):
        word = word.replace(special, _ESCAPE + special)
    return _Holds(type_coerce(col(column), String), literal(f"%{word}%", String))
