"""The driver's errors are botdesk's own by the time they leave, and never show a row."""

import re
from pathlib import Path

import pysqlite3
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
from botdesk.errors import BotdeskError, Conflict, InvalidInput, StoreError
from botdesk.store.engine import to_url, translated

SECRET = "$argon2id$hush"


def raised(kind: type[SQLAlchemyError], said: str) -> SQLAlchemyError:
    if issubclass(kind, InvalidRequestError):
        return kind(said)
    return kind("INSERT INTO token VALUES (?)", {"hash": SECRET}, Exception(f"{said} {SECRET}"))  # type: ignore[call-arg]


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


@pytest.mark.parametrize(
    ("store", "path"),
    [
        ("/srv/desk.db", "/srv/desk.db"),
        ("sqlite:////srv/desk.db", "/srv/desk.db"),
        ("sqlite+pysqlite:////srv/desk.db", "/srv/desk.db"),
        ("/srv/a b?c#d%20.db", "/srv/a b?c#d%20.db"),
    ],
)
def test_a_store_is_named_by_path_or_url(store: str, path: str) -> None:
    assert to_url(store).database == path


def test_a_relative_path_and_a_tilde_are_made_whole(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", "/home/ada")
    assert to_url("desk.db").database == str(tmp_path / "desk.db")
    assert to_url("sqlite:///desk.db").database == str(tmp_path / "desk.db")
    assert to_url("~/desk.db").database == "/home/ada/desk.db"


@pytest.mark.parametrize(
    "store", ["sqlite://", "sqlite:///:memory:", "://x", "mysql://u:hush@h/d", "sqlite:///x.db?mode=ro", "nonsense://"]
)
def test_what_names_no_store_is_refused_with_a_hint_and_without_its_password(store: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        to_url(store)
    assert refused.value.hint
    assert "hush" not in refused.value.message + refused.value.hint


def test_the_sqlite_here_is_one_that_loses_nothing() -> None:
    assert pysqlite3.sqlite_version_info >= (3, 51, 3)
