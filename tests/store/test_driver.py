"""The driver's errors are botdesk's own by the time they leave, and never show a row."""

import re

import pytest
from sqlalchemy import text
from sqlalchemy.exc import (
    DatabaseError,
    DataError,
    IntegrityError,
    InterfaceError,
    InvalidRequestError,
    OperationalError,
    SQLAlchemyError,
)

from botdesk.desk import Desk
from botdesk.errors import BotdeskError, Conflict, StoreError
from botdesk.store.driver import translated

SECRET = "$argon2id$hush"


def raised(kind: type[SQLAlchemyError], said: str) -> SQLAlchemyError:
    if issubclass(kind, InvalidRequestError):
        return kind(said)
    return kind("INSERT INTO token VALUES (?)", {"hash": SECRET}, Exception(f"{said} {SECRET}"))


@pytest.mark.parametrize(
    ("kind", "said", "told"),
    [
        (OperationalError, "database is locked", "the store is busy"),
        (OperationalError, "attempt to write a readonly database", "the store is read-only"),
        (OperationalError, "database or disk is full", "the disk is full"),
        (OperationalError, "unable to open database file", "cannot be opened"),
        (OperationalError, "no such column: x", "lacks a table or column"),
        (OperationalError, "disk I/O error", "cannot be reached"),
        (DatabaseError, "file is not a database", "damaged or unreadable"),
        (InterfaceError, "bad parameter", "damaged or unreadable"),
        (DataError, "out of range", "damaged or unreadable"),
        (InvalidRequestError, "closed", "the store failed"),
    ],
)
def test_each_error_of_the_driver_is_told_in_words_with_a_hint(
    kind: type[SQLAlchemyError], said: str, told: str
) -> None:
    with pytest.raises(StoreError, match=told) as refused, translated():
        raise raised(kind, said)
    assert refused.value.hint
    assert SECRET not in refused.value.message + refused.value.hint
    assert refused.value.__suppress_context__


def test_a_clash_is_a_conflict_and_a_touched_audit_is_not() -> None:
    with pytest.raises(Conflict) as refused, translated():
        raise raised(IntegrityError, "UNIQUE constraint failed: account.name")
    assert refused.value.hint
    with pytest.raises(StoreError, match="the audit refuses"), translated():
        raise raised(IntegrityError, "events are never changed")


def test_what_is_none_of_the_drivers_business_passes() -> None:
    for error in (BotdeskError("x"), ZeroDivisionError(), KeyboardInterrupt()):
        with pytest.raises(type(error)), translated():
            raise error


def test_no_statement_and_no_value_is_in_what_leaves(desk: Desk) -> None:
    with pytest.raises(BotdeskError) as refused, desk.begin() as tx:
        tx.session.connection().execute(text("INSERT INTO role (id) VALUES (:id)"), {"id": SECRET})
    assert not re.search("INSERT|VALUES|argon2", repr(refused.value))
    assert "argon2" not in str(refused.value.__context__)
