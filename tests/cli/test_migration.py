"""`botdesk migration`: off a personal token, from the command line."""

import io
from collections.abc import Callable
from pathlib import Path

import pytest

from botdesk.desk import system_user
from tests.terminal import Terminal

from .conftest import Ran, Run, said

SOMETHING = 9
OLD = "a-forge's-token-0123456789-of-ben"


@pytest.fixture
def begun(desk: Run) -> str:
    """The id of a migration of ben's job to `nightly-build`."""
    assert desk("person", "add", "ben").code == 0
    began = desk(
        *("migration", "start", "shop nightly build", "--owner", "ben", "--account", "nightly-build"),
        *("--on", "github-actions", "--place", "acme/shop", "--json"),
    )
    assert (began.code, began.json["stage"]) == (0, "token"), began.err
    assert f"next: botdesk migration recipe {began.json['id']}" in began.err
    return str(began.json["id"])


@pytest.fixture
def piped(desk: Run, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Ran]:
    """Run a command with a text on its stdin."""

    def run(*words: str, text: str) -> Ran:
        with io.TextIOWrapper(io.BytesIO(text.encode())) as given, monkeypatch.context() as patch:
            patch.setattr("sys.stdin", given)
            return desk(*words)

    return run


def test_an_account_is_chosen_or_made_and_a_name_is_suggested(desk: Run) -> None:
    assert desk("person", "add", "ben").code == 0
    start = ("migration", "start", "GitHub: acme/shop nightly build", "--owner", "ben")
    neither = desk(*start)
    assert (neither.code, "--new shop-nightly-build" in neither.err) == (2, True)
    assert desk(*start, "--account", "nightly-build", "--new", "other").code == 2
    assert desk(*start, "--account", "nightly-build", "--purpose", "ci").code == 2
    assert desk(*start, "--account", "nobody-there").code == 3
    made = desk(*start, "--new", "shop-nightly-build", "--purpose", "ci", "--scope", "catalog:read", "--json")
    assert (made.code, made.json["account"]) == (0, "shop-nightly-build")
    assert desk("account", "show", "shop-nightly-build", "--json").json["scopes"] == ["catalog:read"]
    assert desk(*start[:-1], "nobody", "--new", "another-bot").code == 3
    assert desk("account", "show", "another-bot").code == 3


def test_one_glance_tells_who_runs_what_on_whose_token(desk: Run, begun: str) -> None:
    listed = desk("migration", "list")
    head, row = listed.out.splitlines()
    assert head.split("  ")[0] == "INTEGRATION"
    for text in ("shop nightly build", begun, "ben", "nightly-build", "token"):
        assert text in row
    assert desk("migration", "pause", begun).code == 0
    assert "token, paused" in desk("migration", "list").out
    assert desk("migration", "pause", begun).code == 5
    assert desk("migration", "resume", begun).code == 0
    assert desk("migration", "cancel", begun, "--yes").code == 0
    assert desk("migration", "list").out == ""
    assert desk("migration", "list", "--all", "--json").json[0]["stage"] == "cancelled"
    assert desk("migration", "show", "mig_0000000000").code == 3


def test_the_four_steps_are_shown_and_done(desk: Run, piped: Callable[..., Ran], begun: str, tmp_path: Path) -> None:
    shown = desk("migration", "show", begun)
    assert [line.split()[:3] for line in shown.out.splitlines() if line.startswith("  ")] == [
        ["1", "account", "yes"],
        ["2", "token", "no"],
        ["3", "switch", "no"],
        ["4", "revoke", "no"],
    ]
    secret = tmp_path / "new.token"
    issued = desk("migration", "issue", begun, "--to", f"file:{secret}")
    assert (issued.code, f"next: botdesk migration wait {begun}" in issued.err) == (0, True)
    assert "it is not known what the old token was used for; --scope gives others" in issued.err
    assert desk("migration", "wait", begun, "--timeout", "1s").code == SOMETHING
    early = desk("migration", "confirm", begun, "--how", "deleted")
    assert (early.code, "new token has not been used" in early.err) == (5, True)
    assert piped("token", "verify", text=secret.read_text()).code == 0
    seen = desk("migration", "wait", begun, "--json")
    assert (seen.code, seen.json["stage"], "seen: the new token was used first" in seen.err) == (0, "revoke", True)
    assert desk("migration", "revoke", begun, "--yes").code == 5
    assert desk("migration", "confirm", begun, "--how", "deleted at the forge").code == 0
    ended = desk("migration", "show", begun, "--json").json
    assert (ended["stage"], ended["ended_how"]) == ("done", "deleted at the forge")


def test_the_old_token_is_registered_by_stdin_and_never_told(desk: Run, piped: Callable[..., Ran], begun: str) -> None:
    told = piped("migration", "register", begun, "--json", text=f"{OLD}\n")
    assert told.code == 0, told.err
    assert OLD not in told.out + told.err
    wrong = piped("migration", "register", begun, text="hunter2\n")
    assert (wrong.code, "hunter2" in wrong.err) == (2, False)
    assert desk("migration", "accept", begun, "--until", "91d").code == 2
    assert desk("migration", "accept", begun, "--until", "14d").code == 0
    used = piped("token", "verify", text=OLD)
    assert (used.code, "nightly-build" in used.out, "shop nightly build" in used.out) == (0, True, True)
    assert desk("migration", "accept", begun, "--stop").code == 0
    assert piped("token", "verify", text=OLD).code == 6
    assert desk("migration", "revoke", begun, "--force", "--yes").code == 0
    again = piped("token", "verify", text=OLD)
    assert again.code == 6
    assert OLD not in again.out + again.err
    shown = desk("migration", "show", begun)
    assert f"the old token was registered just now by {system_user()}" in shown.out
    assert desk("migration", "show", begun, "--json").json["registered_by"] == system_user()
    assert "tried since it was ended, and refused, from:\n  cli: 1" in shown.out
    assert "refused with ben's old token of" in desk("audit", "list").out
    assert desk("audit", "verify").code == 0


def test_without_a_scope_the_new_token_gets_what_the_old_one_was_asked_for(
    desk: Run, piped: Callable[..., Ran], begun: str, tmp_path: Path
) -> None:
    assert piped("migration", "register", begun, text=f"{OLD}\n").code == 0
    assert piped("token", "verify", "--scope", "deploy:write", text=OLD).code == 6
    given = desk("migration", "issue", begun, "--to", f"file:{tmp_path / 'least'}")
    assert "its scopes are deploy:write, what the old token was used for so far" in given.err
    token = desk("migration", "show", begun, "--json").json["token_id"]
    assert desk("token", "show", token, "--json").json["scopes"] == ["deploy:write"]
    assert desk("token", "revoke", token, "--reason", "again", "--yes").code == 0
    other = desk("migration", "issue", begun, "--scope", "catalog:read", "--to", f"file:{tmp_path / 'other'}")
    assert (other.code, "its scopes are" in other.err) == (0, False)
    token = desk("migration", "show", begun, "--json").json["token_id"]
    assert desk("token", "show", token, "--json").json["scopes"] == ["catalog:read"]


def test_at_a_terminal_the_old_token_is_typed_unseen(desk: Run, begun: str, terminal: Callable[..., Terminal]) -> None:
    typed = terminal("migration", "register", begun)
    typed.wait_for("the old personal token:")
    typed.send(f"{OLD}\r")
    assert typed.wait_exit() == 0
    assert OLD not in said(typed)
    assert desk("migration", "show", begun, "--json").json["registered"]


def test_a_recipe_is_printed_for_each_place(desk: Run, begun: str) -> None:
    own = desk("migration", "recipe", begun)
    assert f"botdesk migration issue {begun} --to 'command:gh secret set BOTDESK_TOKEN" in own.out
    assert "BOTDESK_TOKEN: ${{ secrets.BOTDESK_TOKEN }}" in own.out
    other = desk("migration", "recipe", begun, "--for", "kubernetes", "--json").json
    assert other["target"] == "command:kubectl create secret generic nightly-build --from-file=token=/dev/stdin"
    assert desk("migration", "recipe", "--for", "cron").code == 0
    assert desk("migration", "recipe").code == 2
