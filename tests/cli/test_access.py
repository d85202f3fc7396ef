"""`botdesk access`, `--dry-run`, `account hand-over` and `person leaving`: questions before a change."""

from collections.abc import Callable

import pytest

from tests.terminal import Terminal

from .conftest import Run


@pytest.fixture
def team(desk: Run) -> Run:
    """nightly-build is the operator's; ben made bens-bot, chen is in `platform`, which operates nightly-build."""
    for words in (
        ("person", "add", "ben"),
        ("person", "add", "chen"),
        ("role", "create", "platform"),
        ("role", "add", "platform", "chen"),
        ("grant", "give", "nightly-build", "--role", "platform", "--level", "operate"),
        ("grant", "give", "nightly-build", "--person", "chen", "--level", "view"),
        ("account", "create", "bens-bot", "--as", "ben"),
    ):
        done = desk(*words)
        assert done.code == 0, done.err
    return desk


def test_who_can_reach_an_account_is_told_with_a_line_for_each_reason(team: Run) -> None:
    lines = [line.split(maxsplit=2) for line in team("access", "who", "nightly-build").out.splitlines()[1:]]
    assert [line[1:] for line in lines] == [
        ["manage", "creator"],
        ["manage", "admin"],
        ["operate", "role platform"],
        ["operate", "by name (view)"],
    ]
    assert team("access", "who", "nightly-build", "--json").json[1] == {
        "person": "chen",
        "account": "nightly-build",
        "account_id": team("account", "show", "nightly-build", "--json").json["id"],
        "level": "operate",
        "reasons": [{"level": "operate", "why": "role platform"}, {"level": "view", "why": "by name"}],
    }


def test_what_a_person_can_reach_is_told_within_ones_own_reach(team: Run) -> None:
    assert [one["account"] for one in team("access", "what", "chen", "--json").json] == ["nightly-build"]
    assert "role platform" in team("access", "what", "chen").out
    assert team("access", "what", "chen", "--as", "ben", "--json").json == []
    assert "nothing that you can reach" in team("access", "what", "chen", "--as", "ben").err
    assert team("access", "who", "nightly-build", "--as", "ben").code == 3


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("grant", "give", "bens-bot", "--person", "chen", "--level", "operate"), "chen gains operate on bens-bot"),
        (("grant", "withdraw", "nightly-build", "--role", "platform"), "operate → view"),
        (("grant", "withdraw", "nightly-build", "--person", "chen"), "nobody's access would change"),
        (("role", "add", "platform", "ben"), "ben gains operate on nightly-build"),
        (("role", "drop", "platform", "chen"), "chen loses access to nightly-build: operate → view"),
        (("role", "remove", "platform"), "chen loses access to nightly-build: operate → view"),
        (("person", "disable", "ben"), "bens-bot can be managed by nobody any more"),
        (("person", "modify", "ben", "--standing", "admin"), "ben gains manage on every account"),
        (("person", "modify", "ben", "--full-name", "Ben"), "nobody's access would change"),
        (("person", "enable", "ben"), "nobody's access would change"),
        (("account", "hand-over", "bens-bot", "--to", "chen"), "chen gains manage on bens-bot"),
    ],
)
def test_a_dry_run_tells_who_gains_and_who_loses_and_changes_nothing(
    team: Run, words: tuple[str, ...], told: str
) -> None:
    before = team("audit", "list", "--limit", "1", "--json").json
    dry = team(*words, "--dry-run")
    assert dry.code == 0, dry.err
    assert told in dry.out
    assert set(team(*words, "--dry-run", "--json").json) == {"gains", "losses", "orphaned", "adopted"}
    assert team("audit", "list", "--limit", "1", "--json").json == before
    assert team(*words, "--dry-run", "--as", "chen").code in (3, 4)


def test_an_orphan_is_listed_and_handed_over(team: Run) -> None:
    assert team("account", "list", "--orphaned", "--json").json == []
    assert team("person", "disable", "ben").code == 0
    assert [one["name"] for one in team("account", "list", "--orphaned", "--json").json] == ["bens-bot"]
    handed = team("account", "hand-over", "bens-bot", "--to", "chen", "--json").json
    assert (handed["created_by"], handed["owned_by"], handed["managers"]) == ("ben", "chen", ["chen"])
    reached = team("access", "who", "bens-bot", "--json").json
    assert ["manage", "owner"] in [[why["level"], why["why"]] for one in reached for why in one["reasons"]]
    assert "handed bens-bot over from ben to chen" in team("audit", "list", "--limit", "1").out
    assert team("account", "show", "bens-bot", "--as", "chen").code == 0
    assert team("account", "hand-over", "bens-bot", "--to", "ben").code == 5
    assert team("account", "hand-over", "bens-bot", "--to", "nobody").code == 3
    assert team("account", "hand-over", "bens-bot", "--to", "ben", "--as", "chen").code == 4


def test_if_somebody_leaves_what_ends_and_what_they_have_is_told(team: Run, tmp_path: object) -> None:
    team("token", "issue", "bens-bot", "--label", "laptop", "--to", f"file:{tmp_path}/secret", "--as", "ben")
    team("token", "issue", "bens-bot", "--label", "gone", "--to", f"file:{tmp_path}/gone")
    told = team("person", "leaving", "ben").out
    assert "ben loses manage on bens-bot" in told
    assert "bens-bot can be managed by nobody any more" in told
    found = team("person", "leaving", "ben", "--json").json
    assert (found["last_admin"], found["orphaned"], found["handed"]) == (False, ["bens-bot"], [])
    me = team("person", "list", "--json").json[-1]["name"]
    mine = team("person", "leaving", me, "--json").json
    assert mine["last_admin"]
    assert [token["label"] for token in mine["handed"]] == ["gone", "laptop"]
    assert "last active admin" in team("person", "leaving", me).out
    assert team("person", "disable", me).code == 5


def test_at_a_terminal_disabling_a_person_asks_first(team: Run, terminal: Callable[..., Terminal]) -> None:
    asked = terminal("person", "disable", "ben")
    asked.wait_for("disable 'ben'? [y/N]")
    assert "bens-bot can be managed by nobody any more" in asked.text
    asked.send("n\n")
    assert asked.wait_exit() == 2
    assert team("person", "list", "--json").json[0]["state"] == "active"
    asked = terminal("person", "disable", "ben")
    asked.wait_for("[y/N]")
    asked.send("y\n")
    assert asked.wait_exit() == 0
    assert terminal("person", "disable", "chen", "--yes").wait_exit() == 0
    assert {one["state"] for one in team("person", "list", "--json").json[:2]} == {"disabled"}


def test_a_stale_change_is_refused_with_what_was_changed_and_by_whom(team: Run, tmp_path: object) -> None:
    team("token", "issue", "nightly-build", "--label", "build", "--to", f"file:{tmp_path}/secret")
    token = team("token", "list", "nightly-build", "--json").json[0]
    seen = str(team("account", "show", "nightly-build", "--json").json["version"])
    assert seen == str(token["version"]) == str(team("grant", "list", "nightly-build", "--json").json[0]["version"])
    team("account", "modify", "nightly-build", "--description", "theirs")
    for words in (
        ("account", "modify", "nightly-build", "--description", "mine"),
        ("grant", "give", "nightly-build", "--person", "chen", "--level", "manage"),
        ("grant", "withdraw", "nightly-build", "--person", "chen"),
        ("token", "rotate", token["id"], "--to", f"file:{tmp_path}/next"),
    ):
        stale = team(*words, "--if-version", seen)
        assert stale.code == 5
        assert "modified nightly-build: description none → theirs" in stale.err
        assert "botdesk account show nightly-build" in stale.err
        now = str(team("account", "show", "nightly-build", "--json").json["version"])
        assert team(*words, "--if-version", now).code == 0
