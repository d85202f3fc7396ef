"""Events told in words, whatever is in them."""

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from botdesk import sentences, wording
from botdesk.access import Action


def tell(action: str, outcome: str = "done", account: str | None = "ci-bot", **detail: object) -> str:
    return sentences.sentence(
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
    assert sentences.deed("token:issued", "ci-bot", {"label": "x"}) == "issue token 'x' to ci-bot"


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
        told = sentences.sentence(
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
