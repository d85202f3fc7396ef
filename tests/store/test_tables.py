"""How values are kept: as text and whole numbers, the same everywhere."""

from datetime import UTC, datetime, timedelta, timezone
from enum import StrEnum
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import BigInteger, Integer, String, Text

from botdesk.access import ActorKind, Level, Standing
from botdesk.errors import StoreError
from botdesk.store import tables
from botdesk.store.digest import table_of

ZONES = st.timedeltas(timedelta(hours=-23), timedelta(hours=23)).map(timezone)
AWARE = st.datetimes(datetime(1970, 1, 2), datetime(9998, 1, 1), timezones=ZONES)


@given(AWARE)
def test_an_instant_is_read_as_it_was_written(at: datetime) -> None:
    text = tables.to_text(at)
    assert len(text) == 27
    assert tables.from_text(text) == at
    assert tables.from_text(text).tzinfo is UTC


@given(AWARE, AWARE)
def test_the_order_of_texts_is_the_order_of_time(one: datetime, two: datetime) -> None:
    assert (tables.to_text(one) < tables.to_text(two)) is (one < two)


@pytest.mark.parametrize("text", ["", "yesterday", "2026-11-23", "2026-11-23T09:30:00Z", "2026-13-23T09:30:00.000000Z"])
def test_a_text_that_is_no_instant_is_refused(text: str) -> None:
    with pytest.raises(StoreError) as refused:
        tables.from_text(text)
    assert "audit verify" in refused.value.hint


@pytest.mark.parametrize("words", [Standing, Level, ActorKind, tables.Purpose, tables.Outcome])
def test_a_word_is_kept_as_itself_and_no_other_is_read(words: type[StrEnum]) -> None:
    kept: Any = tables.Word(words)
    dialect: Any = None
    for word in words:
        assert kept.process_bind_param(word, dialect) == word.value
        assert kept.process_result_value(word.value, dialect) is word
    for other in ("boss", "", "ADMIN", 7, b"admin"):
        with pytest.raises(StoreError) as refused:
            kept.process_result_value(other, dialect)
        assert refused.value.hint
    assert kept.process_result_value(None, dialect) is None


def test_every_column_is_text_or_a_whole_number() -> None:
    for row in tables.TABLES:
        for column in table_of(row).columns:
            kind = getattr(column.type, "impl_instance", column.type)
            assert isinstance(kind, (String, Text, Integer, BigInteger)), f"{column.table.name}.{column.name}"


def test_the_hash_of_a_token_is_not_shown_with_its_row() -> None:
    token = tables.Token(
        id="7fQ2kLm9Xa", account_id="acc_1", label="x", hash="$argon2id$", issued_at=datetime.now(UTC), issued_by="p"
    )
    assert "argon2id" not in repr(token)
    assert "argon2id" not in str(token)
