"""Scopes as RFC 6749 §3.3 has them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from botdesk import scopes
from botdesk.errors import InvalidInput

ALLOWED = [chr(code) for code in range(0x21, 0x7F) if chr(code) not in '"\\']
words = st.text(st.sampled_from([letter for letter in ALLOWED if letter != ","]), min_size=1, max_size=scopes.LONGEST)
some = st.frozensets(words, max_size=8)


@given(some)
def test_what_is_written_is_read_again_whatever_the_order(wanted: frozenset[str]) -> None:
    text = scopes.format(wanted)
    assert scopes.parse(text) == wanted
    assert scopes.parse(reversed(text.split(" "))) == wanted
    assert scopes.format(scopes.parse(text)) == text


@given(some, some)
def test_a_scope_is_covered_only_by_itself_letter_by_letter(one: frozenset[str], two: frozenset[str]) -> None:
    assert scopes.covers(one | two, two)
    assert scopes.covers(one, two) is (two <= one)
    assert scopes.covers(one, ())


def test_letter_case_matters_and_a_prefix_is_no_scope() -> None:
    assert not scopes.covers({"catalog:read"}, {"Catalog:read"})
    assert not scopes.covers({"catalog:read"}, {"catalog"})
    assert not scopes.covers({"catalog"}, {"catalog:read"})


def test_several_spaces_and_repeated_scopes_are_one() -> None:
    assert scopes.parse("  deploy:write   catalog:read catalog:read ") == {"catalog:read", "deploy:write"}
    assert scopes.parse("") == scopes.parse([]) == scopes.parse([" ", ""]) == frozenset()


@pytest.mark.parametrize("letter", ['"', "\\", "\t", "\n", "\x00", "\x7f", "é", "\u202e", "\u200b", "\udcff", "\x1b"])
def test_a_character_outside_the_grammar_is_refused_with_a_hint(letter: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        scopes.parse(f"catalog{letter}read")
    assert refused.value.hint
    assert refused.value.message.isascii()


@pytest.mark.parametrize("wrong", ["a,b", "x" * (scopes.LONGEST + 1), "x" * 10_000])
def test_commas_and_endless_scopes_are_refused_with_a_hint(wrong: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        scopes.parse(wrong)
    assert refused.value.hint
    assert len(refused.value.message) < 200


def test_there_are_at_most_so_many() -> None:
    many = [f"scope-{number}" for number in range(scopes.MOST)]
    assert len(scopes.parse(many)) == scopes.MOST
    with pytest.raises(InvalidInput, match="too many"):
        scopes.parse([*many, "one-more"])
