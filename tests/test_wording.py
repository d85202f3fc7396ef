"""Words for people, and texts that are safe to show."""

import re
import unicodedata
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from botdesk import wording
from botdesk.access import Action
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


def tell(action: str, outcome: str = "done", account: str | None = "ci-bot", **detail: object) -> str:
    return wording.sentence(
        actor="ada", action=action, account=account, subject_kind="token", outcome=outcome, detail=detail
    )


def test_events_are_told_in_words() -> None:
    assert tell("token:rotated", label="deploy", overlap="24h") == "ada rotated token 'deploy' of ci-bot, overlap 24h"
    assert tell("token:revoked", label="x", reason="leaked") == "ada revoked token 'x' of ci-bot: leaked"
    assert tell("account:created", purpose="ci") == "ada created ci-bot for CI/CD"
    assert tell("account:created", purpose="other") == "ada created ci-bot"
    changes = {"rotation_days": ["90", "30"], "scopes": ["", "a b"]}
    assert tell("account:modified", changes=changes) == (
        "ada modified ci-bot: rotation every 90d → 30d; scopes none → a b"
    )
    assert tell("grant:given", grantee="role platform", level="view") == "ada gave role platform view on ci-bot"
    assert tell("migration:opened", owner="ben", what="x", until="2026-12-08T20:59+00:00") == (
        "ada let ben's old token of 'x' count as ci-bot until 2026-12-08 20:59 UTC"
    )


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("desk_id", "gave the desk its id"),
        ("mint_key", "made the desk's mint key"),
        ("clock_accepted", "accepted the clock as it is"),
        ("some_thing", "set the desk's some thing"),
    ],
)
def test_what_is_set_of_the_desk_is_told_as_people_say_it(name: str, told: str) -> None:
    assert tell("desk:set", account=None, name=name) == f"ada {told}"


@pytest.mark.parametrize(
    ("to", "told"),
    [
        ("clipboard", "the clipboard"),
        ("file:/run/secrets/ci", "the file /run/secrets/ci"),
        ("command:vault", "the command vault"),
        ("stdout", "stdout"),
    ],
)
def test_where_a_secret_went_is_told_as_people_say_it(to: str, told: str) -> None:
    assert tell("token:delivered", label="x", to=to) == f"ada handed token 'x' of ci-bot to {told}"


@pytest.mark.parametrize(
    ("reason", "told"),
    [("scope", "it lacks a:b"), ("proof", "its secret is another"), ("{label}", "{label}"), ("revoked", "revoked")],
)
def test_why_a_token_was_refused_is_told_as_people_say_it(reason: str, told: str) -> None:
    said = tell("token:refused", "denied", label="x", reason=reason, missing="a:b")
    assert said == f"ada was refused with token 'x': {told}"


def test_strings_that_are_no_tokens_are_counted() -> None:
    assert tell("token:unknown", count=1) == "ada turned away 1 string that is no token of this desk"
    assert tell("token:unknown", count=3) == "ada turned away 3 strings that are no tokens of this desk"


def test_refusals_are_told_without_holes() -> None:
    assert tell("account:created", "denied", None, name="my-bot") == "ada tried to create my-bot: refused"
    assert tell("person:added", "denied", None, person="eve") == "ada tried to let eve in: refused"
    assert tell("token:delivered", "denied", label="x") == "ada tried to hand token 'x' of ci-bot: refused"
    assert tell("grant:given", "denied", grantee="role:ops") == "ada tried to give role ops access on ci-bot: refused"
    assert tell("desk:backed-up", "denied", None) == "ada tried to back the store up: refused"
    assert wording.deed("token:issued", "ci-bot", {"label": "x"}) == "issue token 'x' to ci-bot"


@pytest.mark.parametrize("outcome", ["done", "denied", "failed"])
def test_every_action_is_told_with_and_without_its_facts(outcome: str) -> None:
    facts: dict[str, Any] = {
        "name": "desk_id", "person": "eve", "role": "ops", "standing": "member", "grantee": "person eve",
        "level": "view", "label": "x", "to": "clipboard", "reason": "why not", "overlap": "1h", "purpose": "ci",
        "count": 3, "token": "7fQ2kLm9Xa",
    }  # fmt: skip
    for action in Action:
        for told in (tell(action, outcome, **facts), tell(action, outcome, None)):
            assert re.match(r"ada \w", told), told
            assert not re.search(r"\{|  | [:,]|\bof$|''|None", told), told
            assert not told.endswith(" "), told
        assert action not in tell(action, outcome, **facts), "there is no sentence for it"


@given(
    st.text(max_size=30), st.text(max_size=30), st.dictionaries(st.text(max_size=9), st.text(max_size=30), max_size=3)
)
def test_no_event_can_steer_a_terminal_or_break_its_sentence(actor: str, action: str, detail: dict[str, str]) -> None:
    for which in (action, "account:modified", "token:rotated"):
        told = wording.sentence(
            actor=actor, action=which, account=actor, subject_kind=action, outcome=action, detail=detail
        )
        assert not wording.hidden(told)
        assert "\n" not in told


@pytest.mark.parametrize("action", ["x:{account.__class__}", "{0}", "a:%s", "x:{"])
def test_an_unknown_action_is_told_as_it_is(action: str) -> None:
    assert action in tell(action)


@pytest.mark.parametrize("until", ["soon", "0001-01-01", "9999-12-31T23:59-14:00"])
def test_an_odd_instant_is_told_as_it_is(until: str) -> None:
    assert tell("migration:opened", until=until).endswith(f"until {until}")


@pytest.mark.parametrize("changes", [None, "x", [], {"a": "b"}, {"a": ["b"]}, {"a": [1, None]}, {"a": 1e400}])
def test_odd_changes_break_no_sentence(changes: object) -> None:
    assert tell("account:modified", changes=changes).startswith("ada modified ci-bot")
