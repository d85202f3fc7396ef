"""`botdesk account`."""

from collections.abc import Callable

import pytest

from tests.terminal import Terminal

from .conftest import Run, said


def test_create_prints_talk_on_stderr_and_nothing_on_stdout(botdesk: Run) -> None:
    made = botdesk("account", "create", "nightly-build", "--purpose", "ci")
    assert (made.code, made.out) == (0, "")
    assert "created the account 'nightly-build'" in made.err


def test_json_of_an_account_has_the_words_of_the_design(desk: Run) -> None:
    shown = desk("account", "show", "nightly-build", "--json").json
    assert shown["name"] == "nightly-build"
    assert shown["purpose"] == "ci"
    assert shown["state"] == "active"
    assert shown["scopes"] == ["catalog:read", "deploy:write"]
    assert shown["rotation_days"] == 90
    assert shown["live_tokens"] == 0
    assert shown["soonest_expires_at"] is None
    assert shown["created_at"].endswith("Z")
    assert len(shown["created_at"]) == len("2026-11-23T09:30:00Z")
    assert shown["managers"] == [shown["created_by"]]
    assert [shown] == desk("account", "list", "--json").json


def test_an_account_is_found_by_name_and_by_id(desk: Run) -> None:
    by_name = desk("account", "show", "nightly-build", "--json").json
    assert desk("account", "show", by_name["id"], "--json").json == by_name


def test_show_tells_the_facts_as_text(desk: Run) -> None:
    shown = desk("account", "show", "nightly-build").out
    assert "catalog:read deploy:write" in shown
    assert "rotation days" in shown


def test_modify_changes_what_is_said_and_nothing_else(desk: Run) -> None:
    changed = desk(
        "account", "modify", "nightly-build", "--description", "builds at night", "--rotation", "30d", "--json"
    )
    assert changed.json["description"] == "builds at night"
    assert changed.json["rotation_days"] == 30
    assert changed.json["purpose"] == "ci"


def test_disable_and_enable(desk: Run) -> None:
    assert desk("account", "disable", "nightly-build", "--reason", "odd traffic", "--json").json["state"] == "disabled"
    assert desk("account", "list", "--state", "active", "--json").json == []
    assert desk("account", "enable", "nightly-build", "--json").json["state"] == "active"


def test_remove_is_refused_where_nobody_can_be_asked(desk: Run) -> None:
    refused = desk("account", "remove", "nightly-build")
    assert refused.code == 2
    assert "--yes" in refused.err
    assert desk("account", "show", "nightly-build").code == 0


def test_remove_keeps_the_account_as_a_tombstone(desk: Run) -> None:
    removed = desk("account", "remove", "nightly-build", "--yes", "--json").json
    assert removed["state"] == "removed"
    assert desk("account", "list", "--json").json == []
    assert [one["id"] for one in desk("account", "list", "--state", "removed", "--json").json] == [removed["id"]]
    assert desk("account", "show", "nightly-build").code == 3


def test_remove_asks_for_the_name_on_a_terminal(desk: Run, terminal: Callable[..., Terminal]) -> None:
    for typed, code, left in (("nightly\n", 2, 0), ("nightly-build\n", 0, 3)):
        screen = terminal("account", "remove", "nightly-build")
        screen.wait_for("to go on:")
        screen.send(typed)
        assert screen.wait_exit() == code, screen.text
        assert desk("account", "show", "nightly-build").code == left


@pytest.mark.parametrize("name", ["Nightly Build", "ab", "-x-", "[red]", "a\x1b[0m", "x" * 10_000])
def test_bad_names_are_refused_with_a_hint(botdesk: Run, name: str) -> None:
    refused = botdesk("account", "create", "--", name)
    assert refused.code == 2
    assert "hint:" in refused.err
    assert "\x1b" not in refused.err


def test_a_name_that_is_taken_conflicts(desk: Run) -> None:
    assert desk("account", "create", "nightly-build").code == 5


def test_an_unknown_account_is_not_found(desk: Run) -> None:
    missing = desk("account", "show", "nobody-here")
    assert (missing.code, missing.out) == (3, "")
    assert "botdesk: there is no account 'nobody-here'" in missing.err


def test_a_wrong_duration_is_refused_with_an_example(botdesk: Run) -> None:
    refused = botdesk("account", "create", "nightly-build", "--rotation", "soon")
    assert refused.code == 2
    assert "90d" in refused.err


def test_the_list_fits_eighty_columns_on_a_terminal(desk: Run, terminal: Callable[..., Terminal]) -> None:
    desk("account", "create", "the-longest-name-that-an-account-can-hav", "--purpose", "schedule")
    screen = terminal("account", "list", more={"NO_COLOR": "1"})
    assert screen.wait_exit() == 0
    assert all(len(line) <= 80 for line in said(screen).splitlines())
    assert "MANAGED BY" in said(screen)


def test_hostile_descriptions_are_refused_or_drawn_harmlessly(desk: Run) -> None:
    for hostile in ("\x1b]0;x\x07", "a\u202eb", "a\nb", "x" * 10_000):
        assert desk("account", "modify", "nightly-build", "--description", hostile).code == 2
    assert desk("account", "modify", "nightly-build", "--description", "[@click=app.quit]x[/x]").code == 0
    assert "[@click=app.quit]x[/x]" in desk("account", "show", "nightly-build").out
