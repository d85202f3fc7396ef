"""What scripts rely on: the commands, the options that are everywhere, the keys of JSON."""

import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from typer.core import TyperGroup
from typer.main import get_command

from botdesk.cli.app import app

from .conftest import Run

PROMISED = {
    "advice",
    "advice dismiss",
    "advice recall",
    "demo",
    "doctor",
    "due",
    "incident",
    *(f"account {verb}" for verb in ("create", "list", "show", "modify", "disable", "enable", "remove")),
    *(f"token {verb}" for verb in ("issue", "rotate", "revoke", "list", "show")),
    *(f"grant {verb}" for verb in ("give", "withdraw", "list")),
    *(f"person {verb}" for verb in ("add", "list", "modify", "disable", "enable")),
    *(f"role {verb}" for verb in ("create", "list", "add", "drop", "remove", "modify")),
    *(f"audit {verb}" for verb in ("list", "export", "verify")),
    *(f"database {verb}" for verb in ("upgrade", "backup", "check")),
}


def commands(command: Any = None, path: str = "") -> Iterator[tuple[str, Any]]:
    command = command or get_command(app)
    for name, child in getattr(command, "commands", {}).items():
        yield from commands(child, f"{path} {name}".strip())
    if not getattr(command, "commands", {}) or (path and command.invoke_without_command):
        yield path, command


def options(command: Any) -> set[str]:
    return {option for param in command.params for option in param.opts}


def test_every_promised_command_is_there_with_a_help_of_a_sentence() -> None:
    found = dict(commands())
    assert set(found) >= PROMISED
    for name, command in found.items():
        assert re.fullmatch(r"[A-Z].*\.", command.help.strip().splitlines()[0]), name
        for param in command.params:
            assert param.name == "help" or getattr(param, "help", None), f"{name} {param.name}"


def test_store_and_as_are_options_of_every_command_and_json_of_every_listing() -> None:
    for name, command in commands():
        assert {"--store", "--as"} <= options(command), name
        if name.endswith((" list", " show", " check", " verify")) or name in ("doctor", "token issue", "advice", "due"):
            assert "--json" in options(command), name


KEYS = {
    "account": "id name purpose description state disabled_reason scopes rotation_days live_tokens soonest_expires_at"
    " last_used_at created_by owned_by created_at modified_at disabled_at removed_at managers",
    "token": "id label account account_id state scopes issued_at issued_by expires_at delivered_at delivered_to"
    " predecessor_id successor_id revoked_at revoked_reason last_used_at last_used_from suspended",
    "grant": "id account account_id grantee level given_by given_at",
    "person": "id name full_name standing state roles accounts added_at disabled_at",
    "role": "id name description members accounts created_at",
    "audit": "sequence at actor actor_kind actor_id action account account_id subject_kind subject_id outcome source"
    " detail previous hash",
}


@pytest.fixture
def peopled(desk: Run, tmp_path: Path) -> Run:
    for words in (
        ("person", "add", "ben"),
        ("role", "create", "platform"),
        ("role", "add", "platform", "ben"),
        ("grant", "give", "nightly-build", "--role", "platform", "--level", "view"),
        ("token", "issue", "nightly-build", "--label", "farm", "--to", f"file:{tmp_path / 'farm'}"),
    ):
        assert desk(*words).code == 0
    return desk


@pytest.mark.parametrize("noun", KEYS)
def test_a_listing_is_an_array_of_objects_with_these_keys_and_times_in_utc(peopled: Run, noun: str) -> None:
    found = peopled(noun, "list", "--json").json
    assert isinstance(found, list)
    assert found
    for one in found:
        assert set(one) >= set(KEYS[noun].split())
        for key, value in one.items():
            if key.endswith("_at") and value is not None:
                assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", value), key
                assert datetime.fromisoformat(value)


def test_one_thing_is_one_object_with_the_keys_of_the_listing(peopled: Run, tmp_path: Path) -> None:
    accounts, tokens = peopled("account", "list", "--json").json, peopled("token", "list", "--json").json
    assert peopled("account", "show", "nightly-build", "--json").json == accounts[0]
    assert peopled("token", "show", tokens[0]["id"], "--json").json == tokens[0]
    issued = peopled("token", "issue", "nightly-build", "--label", "x", "--json", "--to", f"file:{tmp_path / 'x'}").json
    assert set(issued) == set(tokens[0])
    assert set(peopled("account", "create", "web-hook", "--json").json) == set(accounts[0])


def test_a_listing_of_nothing_is_an_empty_array(botdesk: Run) -> None:
    botdesk("person", "add", "ben")
    for noun in ("account", "token", "grant", "role"):
        listed = botdesk(noun, "list", "--json")
        assert (listed.code, listed.json) == (0, [])
        assert botdesk(noun, "list").out == ""


def test_the_commands_of_the_readme_are_commands(botdesk: Run) -> None:
    readme = (Path(__file__).parents[2] / "README.md").read_text("utf-8")
    told = re.findall(r"^botdesk ([a-z]+(?: [a-z][a-z-]*)?)(.*)", readme, re.MULTILINE)
    assert len(told) > 8
    known = dict(commands())
    for words, rest in told:
        name = words if words in known else words.split()[0]
        assert name in known, words
        assert set(re.findall(r"(?<=\s)--[a-z-]+", rest)) <= options(known[name]), words


def test_the_help_shows_each_word_as_it_is_typed(botdesk: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    for path, _ in commands():
        told = botdesk(*path.split(), "--help").out
        assert not re.search(r"<[a-z]+>|<list|\{[A-Z]|\[\[", told), path
    assert "botdesk token list [OPTIONS] [ACCOUNT]" in botdesk("token", "list", "-h").out
    assert "botdesk role add [OPTIONS] ROLE PERSON" in botdesk("role", "add", "-h").out
    assert "botdesk incident [OPTIONS] [FILE]..." in botdesk("incident", "-h").out


def test_the_help_of_the_whole_begins_with_bots_and_tells_a_newcomer_where_to_try(botdesk: Run) -> None:
    told = botdesk("--help").out
    assert told.index(" account ") < told.index(" token ") < told.index(" person ") < told.index(" doctor ")
    assert "botdesk demo" in told
    whole = get_command(app)
    assert isinstance(whole, TyperGroup)
    for name in whole.commands:
        assert f"│ {name} " in told, name
