"""Rotations that run, removals that are taken back, scopes dropped on trial: as a shell sees them."""

from pathlib import Path

import pytest

from .conftest import Run


@pytest.fixture
def old(desk: Run, tmp_path: Path) -> str:
    """A token whose secret is in the file `old`."""
    made = desk("token", "issue", "nightly-build", "--label", "farm", "--to", f"file:{tmp_path / 'old'}", "--json")
    assert made.code == 0, made.err
    return str(made.json["id"])


@pytest.fixture
def new(desk: Run, old: str, tmp_path: Path) -> str:
    """Its successor, whose secret is in the file `new`."""
    made = desk("token", "rotate", old, "--overlap", "2d", "--to", f"file:{tmp_path / 'new'}", "--json")
    assert made.code == 0, made.err
    return str(made.json["id"])


def verify(desk: Run, file: Path, *words: str) -> int:
    return desk("token", "verify", "--file", file, *words).code


def test_a_cutover_is_watched_and_finished(desk: Run, old: str, new: str, tmp_path: Path) -> None:
    (listed,) = desk("token", "cutover", "--json").json
    assert (listed["old_id"], listed["new_id"], listed["ready"]) == (old, new, False)
    early = desk("token", "cutover", old, "--finish")
    assert early.code == 5
    assert "has not been used yet" in early.err
    assert "new one not seen yet" in desk("token", "cutover", new).out
    assert verify(desk, tmp_path / "new") == 0
    shown = desk("token", "cutover", new)
    assert shown.code == 0
    assert "new one first seen" in shown.out
    assert f"ready: botdesk token cutover {old} --finish" in shown.err
    assert desk("token", "cutover", old, "--finish").code == 0
    assert (verify(desk, tmp_path / "old"), verify(desk, tmp_path / "new")) == (6, 0)
    assert "no rotation runs" in desk("token", "cutover").err


def test_a_cutover_that_is_in_use_is_finished_by_force_alone(desk: Run, old: str, new: str, tmp_path: Path) -> None:
    verify(desk, tmp_path / "new")
    verify(desk, tmp_path / "old")
    refused = desk("token", "cutover", old, "--finish")
    assert (refused.code, "was used" in refused.err) == (5, True)
    assert desk("token", "cutover", old, "--finish", "--force").code == 0
    assert verify(desk, tmp_path / "old") == 6


def test_a_cutover_is_extended_and_undone(desk: Run, old: str, new: str, tmp_path: Path) -> None:
    before = desk("token", "cutover", old, "--json").json["ends_at"]
    assert desk("token", "cutover", old, "--extend", "24h", "--json").json["ends_at"] > before
    assert desk("token", "cutover", new, "--undo").code == 0
    assert (verify(desk, tmp_path / "old"), verify(desk, tmp_path / "new")) == (0, 6)
    assert desk("token", "cutover", old).code == 5


@pytest.mark.parametrize(
    "words",
    [
        ("--finish",),
        ("--undo",),
        ("x", "--finish", "--undo"),
        ("x", "--finish", "--extend", "1d"),
        ("x", "--force"),
        ("x", "--extend", "soon"),
    ],
)
def test_an_unclear_wish_is_refused(desk: Run, words: tuple[str, ...]) -> None:
    refused = desk("token", "cutover", *words)
    assert refused.code in (2, 3)
    assert "hint:" in refused.err
    assert refused.out == ""


def test_a_token_is_extended(desk: Run, old: str) -> None:
    before = desk("token", "show", old, "--json").json["expires_at"]
    assert desk("token", "extend", old, "--by", "7d", "--json").json["expires_at"] > before
    assert desk("token", "extend", old, "--by", "0d").code == 2


def test_removing_warns_of_tokens_in_use_and_is_taken_back(desk: Run, old: str, tmp_path: Path) -> None:
    verify(desk, tmp_path / "old")
    removed = desk("account", "remove", "nightly-build", "--yes")
    assert "warning: the token 'farm' was used" in removed.err
    identity = removed.err.split("botdesk account restore ")[1].split()[0]
    assert desk("account", "restore", identity, "--json").json["state"] == "active"
    assert verify(desk, tmp_path / "old") == 6
    assert desk("account", "restore", "nightly-build").code == 3


def test_dropping_a_scope_is_tried_before_it_is_done(desk: Run, old: str, tmp_path: Path) -> None:
    for scope in ("catalog:read", "catalog:read", "deploy:write"):
        assert verify(desk, tmp_path / "old", "--scope", scope) == 0
    tried = desk("account", "modify", "nightly-build", "--drop-scope", "deploy:write", "--dry-run")
    assert tried.out == "dropping deploy:write would have refused 1 of 3 uses in 1 day\n"
    counted = desk("account", "modify", "nightly-build", "--drop-scope", "catalog:read", "--dry-run", "--json").json
    assert (counted["would_have_refused"], counted["uses"]) == (2, 3)
    assert verify(desk, tmp_path / "old", "--scope", "deploy:write") == 0
    done = desk("account", "modify", "nightly-build", "--drop-scope", "deploy:write", "--json").json
    assert done["scopes"] == ["catalog:read"]
    assert verify(desk, tmp_path / "old", "--scope", "deploy:write") == 6
    assert desk("account", "modify", "nightly-build", "--drop-scope", "deploy:write").code == 2
    assert desk("account", "modify", "nightly-build", "--dry-run").code == 2


def test_where_a_token_is_presented_is_told(desk: Run, old: str, tmp_path: Path) -> None:
    assert "not presented" in desk("token", "uses", old).err
    verify(desk, tmp_path / "old")
    verify(desk, tmp_path / "old")
    verify(desk, tmp_path / "old", "--scope", "billing:write")
    told = [(one["outcome"], one["count"]) for one in desk("token", "uses", old, "--json").json]
    assert told == [("accepted", 2), ("refused", 1)]
    assert "accepted" in desk("token", "uses", old).out
    assert desk("token", "uses", "0000000000").code == 3


def test_who_still_knocks_at_a_disabled_account_is_shown(desk: Run, old: str, tmp_path: Path) -> None:
    assert "nobody knocks" in desk("account", "knocks", "nightly-build").err
    desk("account", "disable", "nightly-build")
    assert verify(desk, tmp_path / "old") == 6
    (knock,) = desk("account", "knocks", "nightly-build", "--json").json
    assert (knock["token_id"], knock["label"], knock["count"]) == (old, "farm", 1)
    assert "farm" in desk("account", "knocks", "nightly-build").out
