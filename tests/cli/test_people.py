"""`botdesk person`, `botdesk role` and `botdesk grant`."""

import pytest

from .conftest import Run


@pytest.fixture
def team(desk: Run) -> Run:
    for words in (
        ("person", "add", "ben", "--full-name", "Ben Okafor"),
        ("person", "add", "chen"),
        ("role", "create", "platform", "--description", "who runs the platform"),
        ("role", "add", "platform", "ben"),
    ):
        done = desk(*words)
        assert done.code == 0, done.err
    return desk


def test_people_are_listed_with_standing_state_and_roles(team: Run) -> None:
    ben = next(one for one in team("person", "list", "--json").json if one["name"] == "ben")
    assert (ben["full_name"], ben["standing"], ben["state"], ben["roles"]) == (
        "Ben Okafor",
        "member",
        "active",
        ["platform"],
    )
    assert "Ben Okafor" in team("person", "list").out


def test_a_person_is_modified_disabled_and_enabled(team: Run) -> None:
    assert team("person", "modify", "ben", "--standing", "auditor", "--json").json["standing"] == "auditor"
    assert team("person", "disable", "ben", "--json").json["state"] == "disabled"
    assert team("account", "list", "--as", "ben").code == 4
    assert team("person", "enable", "ben", "--json").json["state"] == "active"


def test_a_role_is_created_filled_changed_and_removed(team: Run) -> None:
    assert team("role", "list", "--json").json[0]["members"] == ["ben"]
    assert team("role", "modify", "platform", "--name", "infra", "--json").json["name"] == "infra"
    assert team("role", "drop", "infra", "ben", "--json").json["members"] == []
    assert "infra" in team("role", "list").out
    assert team("role", "remove", "infra").code == 0
    assert team("role", "list", "--json").json == []


def test_a_grant_lets_a_role_in_and_withdrawing_shuts_it_out(team: Run) -> None:
    assert team("account", "show", "nightly-build", "--as", "ben").code == 3
    given = team("grant", "give", "nightly-build", "--role", "platform", "--level", "operate", "--json").json
    assert (given["grantee"], given["level"], given["account"]) == ("role:platform", "operate", "nightly-build")
    assert team("account", "show", "nightly-build", "--as", "ben").code == 0
    assert team("grant", "list", "nightly-build", "--json").json == [given]
    assert team("grant", "withdraw", "nightly-build", "--role", "platform").code == 0
    assert team("grant", "list", "--json").json == []
    assert team("account", "show", "nightly-build", "--as", "ben").code == 3


def test_giving_again_changes_the_level(team: Run) -> None:
    team("grant", "give", "nightly-build", "--person", "chen", "--level", "view")
    team("grant", "give", "nightly-build", "--person", "chen", "--level", "manage")
    assert [one["level"] for one in team("grant", "list", "--json").json] == ["manage"]
    assert "person:chen" in team("grant", "list").out


@pytest.mark.parametrize("who", [(), ("--role", "platform", "--person", "ben")])
def test_a_grant_is_for_one_role_or_one_person(team: Run, who: tuple[str, ...]) -> None:
    assert team("grant", "give", "nightly-build", "--level", "view", *who).code == 2


def test_what_a_level_does_not_allow_is_denied_and_recorded(team: Run) -> None:
    team("grant", "give", "nightly-build", "--person", "ben", "--level", "view")
    denied = team("account", "disable", "nightly-build", "--as", "ben")
    assert denied.code == 4
    assert "hint:" in denied.err
    newest = team("audit", "list", "--outcome", "denied", "--json").json[0]
    assert (newest["action"], newest["account"]) == ("account:disabled", "nightly-build")
    assert newest["actor"].endswith("as ben")


def test_out_of_reach_and_not_there_read_the_same(team: Run) -> None:
    hidden = team("account", "show", "nightly-build", "--as", "ben")
    absent = team("account", "show", "nightly-built", "--as", "ben")
    assert hidden.code == absent.code == 3
    assert hidden.err.replace("nightly-build", "x") == absent.err.replace("nightly-built", "x")


def test_as_works_before_the_noun_too(team: Run) -> None:
    assert team("--as", "ben", "person", "add", "dora").code == 4


def test_scopes_are_opened_to_a_role_shown_and_closed(team: Run) -> None:
    assert team("role", "scopes", "platform").out == "none\n"
    assert team("account", "create", "bens-bot", "--scope", "catalog:read", "--as", "ben").code == 4
    opened = team("role", "scopes", "platform", "--set", "deploy:write catalog:read", "--json").json
    assert opened["scopes"] == ["catalog:read", "deploy:write"]
    assert team("role", "scopes", "platform").out == "catalog:read deploy:write\n"
    assert "catalog:read deploy:write" in team("role", "list").out
    assert team("account", "create", "bens-bot", "--scope", "catalog:read", "--as", "ben").code == 0
    assert team("role", "scopes", "platform", "--set", "x", "--as", "ben").code == 4
    assert team("role", "scopes", "platform", "--set", "x", "--clear").code == 2
    assert team("role", "scopes", "platform", "--clear", "--json").json["scopes"] == []
    assert team("role", "scopes", "platform", "--clear").code == 5
    assert team("role", "create", "on-call", "--scope", "page:send", "--json").json["scopes"] == ["page:send"]
