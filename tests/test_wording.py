"""Words for people, and texts that are safe to show."""

import unicodedata
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from botdesk import wording
from botdesk.errors import InvalidInput

NOW = datetime(2026, 11, 23, 9, 41, tzinfo=UTC)
STEERING = {
    "ESC": "\x1b", "BEL": "\x07", "NUL": "\x00", "CR": "\r", "LF": "\n", "TAB": "\t", "BS": "\b", "DEL": "\x7f",
    "CSI": "\x9b", "OSC": "\x9d", "NEL": "\x85", "soft hyphen": "\xad", "zero-width space": "\u200b",
    "zero-width joiner": "\u200d", "LRM": "\u200e", "RLO": "\u202e", "LRI": "\u2066", "PDI": "\u2069", "BOM": "\ufeff",
    "line separator": "\u2028", "word joiner": "\u2060", "Arabic letter mark": "\u061c", "Mongolian": "\u180e",
    "tag": "\U000e0041", "surrogate": "\udcff", "annotation": "\ufff9",
}  # fmt: skip


@given(st.text(st.characters(exclude_categories=[])))
def test_a_visible_text_steers_nothing_and_stays_so(text: str) -> None:
    shown = wording.visible(text)
    assert not wording.hidden(shown)
    assert not any(unicodedata.category(letter) in ("Cc", "Cs", "Zl", "Zp") for letter in shown)
    assert wording.visible(shown) == shown
    assert wording.hidden(text) is (shown != text)


def test_every_control_bidi_and_zero_width_character_becomes_visible() -> None:
    formats = {chr(code) for code in range(0x110000) if unicodedata.category(chr(code)) in ("Cc", "Cs", "Zl", "Zp")}
    bidi = {chr(code) for code in range(0x110000) if unicodedata.bidirectional(chr(code)) in _BIDI}
    for letter in formats | bidi | set(STEERING.values()):
        assert wording.hidden(letter), f"U+{ord(letter):04X}"


_BIDI = ("LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI")


def test_what_people_write_stays_as_it_is() -> None:
    for text in ("Zoë's bot", "東京", "naïve – “quoted” · 1½ €", "[red]x[/red]", "🚀", "مرحبا", "שלום"):
        assert wording.visible(text) == text
        assert wording.clean(text, "label", longest=80) == text


def test_lines_and_tabs_are_kept_where_they_are_wanted() -> None:
    assert wording.visible("a\n\tb\r", lines=True) == "a\n\tb␍"
    assert wording.visible("a\n\tb") == "a␊␉b"
    assert wording.clean("a\nb", "text", longest=9, lines=True) == "a\nb"


@pytest.mark.parametrize("name", STEERING)
def test_a_steering_character_is_refused_on_entry_and_named(name: str) -> None:
    letter = STEERING[name]
    with pytest.raises(InvalidInput, match=f"U\\+{ord(letter):04X}") as refused:
        wording.clean(f"a{letter}b", "label", longest=80)
    assert refused.value.hint
    assert not wording.hidden(refused.value.message)


def test_texts_are_stripped_composed_and_bounded() -> None:
    assert wording.clean("  Zoe\u0308  ", "label", longest=80) == "Zoë"
    assert wording.clean("x" * 80, "label", longest=80)
    for wrong in ("x" * 81, "x" * 10_000):
        with pytest.raises(InvalidInput, match=str(len(wrong))) as refused:
            wording.clean(wrong, "label", longest=80)
        assert len(refused.value.message) < 80
    assert wording.clean("  ", "label", longest=80) == ""
    with pytest.raises(InvalidInput, match="the label is empty"):
        wording.clean("  ", "label", longest=80, required=True)


def test_marks_are_not_stacked_over_other_lines() -> None:
    assert wording.clean("ệ n\u0323\u0302\u0301\u0308", "label", longest=80)
    for stack in ("\u0301", "\u0301\u0336\u0489", "\u20dd"):
        with pytest.raises(InvalidInput, match="stacked"):
            wording.clean("a" + stack * 20, "label", longest=200)


def test_a_token_is_kept_in_no_text() -> None:
    token = f"bdk_7fQ2kLm9Xa_{'a1B' * 16}c"
    for text in (token, f"leaked: {token}", f"x{token[:40]}"):
        with pytest.raises(InvalidInput, match="has a token in it") as refused:
            wording.clean(text, "reason", longest=200)
        assert "a1B" not in refused.value.message + refused.value.hint
        assert "a1B" not in wording.withheld(text)
    assert wording.clean("leaked: bdk_7fQ2kLm9Xa_••••", "reason", longest=200)
    assert wording.withheld("7fQ2kLm9Xa") == "7fQ2kLm9Xa"


@given(st.integers(1, 3650 * 86400))
def test_a_duration_that_is_written_is_read_again(seconds: int) -> None:
    delta = timedelta(seconds=seconds)
    assert wording.duration(wording.in_short(delta)) == delta


def test_durations_are_a_number_and_a_unit() -> None:
    assert wording.duration("90d") == timedelta(days=90)
    assert wording.duration("12h") == timedelta(hours=12)
    assert wording.duration("30m") == timedelta(minutes=30)
    assert wording.duration(" 2W ") == timedelta(weeks=2)
    assert wording.duration("3650d") == timedelta(days=3650)


@pytest.mark.parametrize(
    "text",
    ["", "90", "d", "0d", "-1d", "1.5h", "1 d", "90 days", "3651d", "99999999999d", "1d12h", "١d", "1d\n2", "\x1b[1d"],
)
def test_a_wrong_duration_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        wording.duration(text)
    assert "90d" in refused.value.hint
    assert refused.value.message.isascii()
    assert not wording.hidden(refused.value.message)


@pytest.mark.parametrize(
    ("step", "past", "future", "short"),
    [
        (timedelta(seconds=20), "just now", "in 1 minute", "now"),
        (timedelta(minutes=1), "1 minute ago", "in 2 minutes", "1m"),
        (timedelta(minutes=59), "59 minutes ago", "in 1 hour", "59m"),
        (timedelta(hours=23), "23 hours ago", "in 23 hours", "23h"),
        (timedelta(days=1), "1 day ago", "in 1 day", "1d"),
        (timedelta(days=90), "90 days ago", "in 90 days", "90d"),
        (timedelta(days=119), "119 days ago", "in 119 days", "119d"),
        (timedelta(days=150), "5 months ago", "in 5 months", "5mo"),
        (timedelta(days=800), "2 years ago", "in 2 years", "2y"),
    ],
)
def test_times_are_told_as_people_tell_them(step: timedelta, past: str, future: str, short: str) -> None:
    assert wording.ago(NOW - step, NOW) == past
    assert wording.until(NOW + step, NOW) == future
    assert wording.ago_short(NOW - step, NOW) == short
    assert wording.until(NOW - step, NOW) == past


def test_what_never_was_or_is_over_is_told_so() -> None:
    assert wording.ago(None, NOW) == wording.until(None, NOW) == wording.until_short(None, NOW) == "never"
    assert wording.ago_short(None, NOW) == "–"
    assert wording.until_short(NOW, NOW) == wording.until_short(NOW - timedelta(days=9), NOW) == "over"
    assert wording.ago(NOW + timedelta(hours=2), NOW) == "just now"


def test_what_was_issued_for_ninety_days_just_now_ends_in_ninety_days() -> None:
    ends = NOW + timedelta(days=90)
    assert wording.until_short(ends, NOW + timedelta(seconds=59)) == "90d"
    assert wording.until_short(ends, NOW + timedelta(minutes=2)) == "89d"


def test_instants_have_hour_and_zone() -> None:
    zone = timezone(timedelta(hours=2), "EET")
    assert wording.when(NOW, UTC) == "2026-11-23 09:41 UTC"
    assert wording.when(NOW, zone) == "2026-11-23 11:41 EET"
    assert wording.clock(NOW, zone) == "11:41"
    assert wording.day(NOW, UTC) == "Monday 23 November 2026"
    assert wording.day(NOW, timezone(timedelta(hours=20))) == "Tuesday 24 November 2026"


def test_instants_are_read_as_people_type_them() -> None:
    read = {text: wording.instant(text, NOW) for text in ("today", "Yesterday", "7d", " 12h ", "2026-11-20")}
    assert read["today"] == datetime(2026, 11, 23, tzinfo=UTC)
    assert read["Yesterday"] == datetime(2026, 11, 22, tzinfo=UTC)
    assert read["7d"] == NOW - timedelta(days=7)
    assert read[" 12h "] == NOW - timedelta(hours=12)
    assert read["2026-11-20"] == datetime(2026, 11, 20, tzinfo=UTC)
    assert wording.instant("2026-11-20T10:00+02:00", NOW) == datetime(2026, 11, 20, 8, tzinfo=UTC)
    assert wording.instant("2026-11-20T10:00:00Z", NOW) == datetime(2026, 11, 20, 10, tzinfo=UTC)


@pytest.mark.parametrize("text", ["", "soon", "2026-13-01", "31.12.2026", "10:00", "\x1b[2J", "9999999d", "x" * 10_000])
def test_what_is_no_time_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        wording.instant(text, NOW)
    assert refused.value.hint
    assert not wording.hidden(refused.value.message)


def test_things_are_counted() -> None:
    assert wording.plural(1, "token") == "1 token"
    assert wording.plural(0, "token") == "0 tokens"
    assert wording.plural(1204, "person", "people") == "1,204 people"


@given(st.lists(st.integers(0, 10**6), max_size=40), st.booleans())
def test_a_sparkline_has_a_bar_for_each_value_and_a_blank_for_none(values: list[int], ascii: bool) -> None:
    drawn = wording.sparkline(values, ascii=ascii)
    assert len(drawn) == len(values)
    assert [bar == " " for bar in drawn] == [value == 0 for value in values]
    assert not ascii or drawn.isascii()
