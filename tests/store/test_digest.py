"""What binds rows and events: canonical, and the same for the same values alone."""

import json
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from botdesk.store.digest import BOUND, GENESIS, canonical, chained, digest, event_text

text = st.text(st.characters(exclude_categories=[]), max_size=20)
values = st.dictionaries(text, st.none() | st.integers() | text | st.binary(max_size=9), max_size=5)


@given(values)
def test_the_order_of_columns_does_not_matter(row: dict[str, object]) -> None:
    turned = dict(reversed(row.items()))
    assert canonical(row) == canonical(turned)
    assert digest("account", row) == digest("account", turned)
    assert chained(GENESIS, row) == chained(GENESIS, turned)


@given(values, values)
def test_different_values_are_bound_differently(one: dict[str, object], two: dict[str, object]) -> None:
    present = [{key: value for key, value in row.items() if value is not None} for row in (one, two)]
    assert (digest("account", one) == digest("account", two)) is (present[0] == present[1])
    assert (chained(GENESIS, one) == chained(GENESIS, two)) is (one == two)


@given(values, text)
def test_a_column_that_is_null_does_not_count_so_that_one_may_be_added(row: dict[str, object], column: str) -> None:
    if row.get(column) is None:
        assert digest("account", row | {column: None}) == digest("account", row)


def test_a_row_is_bound_to_its_table_and_an_event_to_the_one_before() -> None:
    row: dict[str, object] = {"id": "x"}
    assert digest("account", row) != digest("token", row)
    assert chained(GENESIS, row) != chained("1" * 64, row)


@pytest.mark.parametrize("row", [{"a": 1, "b": "é\u202e\x1b", "c": None}, {}])
def test_the_hash_is_what_the_documentation_says(row: dict[str, object]) -> None:
    written = json.dumps(row, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert chained(GENESIS, row) == sha256(("0" * 64 + written).encode()).hexdigest()


def test_one_and_true_and_a_text_are_not_the_same() -> None:
    rows: list[dict[str, object]] = [{"a": 1}, {"a": "1"}, {"a": 1.0}, {"a": b"1"}, {"a": "b'1'"}, {"a": True}]
    assert len({digest("account", row) for row in rows}) == len(rows)


kinds = st.sampled_from([text, st.none() | text, st.none() | text | st.integers() | st.binary(max_size=9)])


@given(kinds.flatmap(lambda kind: st.lists(kind, min_size=len(BOUND), max_size=len(BOUND))), st.integers(1))
def test_the_text_of_an_event_is_its_canonical_json_whatever_is_stored(row: list[object], sequence: int) -> None:
    row[BOUND.index("sequence")] = sequence
    assert event_text(row) == canonical(dict(zip(BOUND, row, strict=True)))
