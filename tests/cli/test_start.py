"""How botdesk starts: words before nouns, bad flags, processes, pipes, completion."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from botdesk import __version__
from tests.integrity import house
from tests.terminal import Terminal

from .conftest import Run, clean_env, command, said


def test_version_is_printed_without_loading_the_rest(shell: Run) -> None:
    told = shell("--version")
    assert (told.code, told.out) == (0, f"botdesk {__version__}\n")
    loaded = shell("--version", more={"PYTHONPROFILEIMPORTTIME": "1"}).err
    assert "typer" not in loaded
    assert "sqlmodel" not in loaded


def test_version_works_after_other_options(botdesk: Run) -> None:
    assert botdesk("--as", "ben", "--version").out == f"botdesk {__version__}\n"


@pytest.mark.parametrize(
    "words",
    [
        ("--no-such-flag",),
        ("accounts",),
        ("account", "create"),
        ("account", "create", "nightly-build", "--purpose", "fun"),
        ("account", "list", "extra"),
        ("audit", "list", "--limit", "0"),
        ("audit", "list", "--limit", "many"),
        ("account", "frobnicate"),
        ("account", "list", "--store"),
    ],
)
def test_bad_words_are_usage_errors_with_a_hint(botdesk: Run, store: Path, words: tuple[str, ...]) -> None:
    refused = botdesk(*words)
    assert refused.code == 2
    assert refused.err.startswith("botdesk: ")
    assert "--help" in refused.err
    assert refused.out == ""
    assert not store.exists()


@pytest.mark.parametrize("what", [("account", "nightly-build"), ("person", "ben"), ("role", "platform")])
def test_to_modify_nothing_is_a_usage_error(botdesk: Run, what: tuple[str, str]) -> None:
    noun, name = what
    refused = botdesk(noun, "modify", name)
    assert (refused.code, refused.out) == (2, "")
    assert "hint: give at least one option" in refused.err


def test_what_is_wrong_is_told_in_our_words(desk: Run, tmp_path: Path) -> None:
    botdesk = desk
    assert "'--limit': it should be a whole number" in botdesk("audit", "list", "--limit", "many").err
    assert "it should be " in botdesk("audit", "list", "--limit", "0").err
    assert "a word too many" in botdesk("account", "list", "extra").err
    to = f"file:{tmp_path / 'secret'}"
    never = botdesk("token", "issue", "nightly-build", "--label", "x", "--lifetime", "never", "--to", to)
    assert (never.code, "--never" in never.err) == (2, True)


def test_where_there_is_ascii_alone_our_own_signs_are_written_in_it(desk: Run, shell: Run) -> None:
    ascii_alone = {"PYTHONIOENCODING": "ascii", "LC_ALL": "C"}
    listed = shell("account", "list", more=ascii_alone)
    assert listed.out.splitlines()[1].split()[:6] == ["nightly-build", "ci", "active", "0", "-", "-"]
    assert "command:'...'" in shell("token", "issue", "--help", more=ascii_alone).out
    assert desk("account", "modify", "nightly-build", "--description", "über 雪").code == 0
    assert r"\xfcber \u96ea" in shell("account", "show", "nightly-build", more=ascii_alone).out


def test_hostile_words_are_told_harmlessly(botdesk: Run) -> None:
    refused = botdesk("account", "\x1b]0;x\x07")
    assert refused.code == 2
    assert "\x1b" not in refused.err
    assert "\x07" not in refused.err


@pytest.mark.parametrize("noun", ["account", "token", "grant", "person", "role", "audit", "database"])
def test_a_noun_alone_shows_its_help(botdesk: Run, noun: str) -> None:
    shown = botdesk(noun)
    assert shown.code == 2
    assert "Usage" in shown.out + shown.err
    assert "hint:" not in shown.err
    assert botdesk(noun, "--help").code == 0


def test_the_store_is_named_before_the_noun_or_after_the_verb(botdesk: Run, tmp_path: Path) -> None:
    other = tmp_path / "desk" / "other.db"
    assert botdesk("--store", other, "account", "create", "web-hook").code == 0
    assert [one["name"] for one in botdesk("account", "list", "--store", other, "--json").json] == ["web-hook"]
    assert botdesk("account", "list", "--json").code == 8
    both = botdesk("--store", tmp_path / "desk" / "third.db", "account", "list", "--store", other, "--json")
    assert len(both.json) == 1


@pytest.mark.parametrize(
    "words",
    [
        ("account", "list"),
        ("account", "show", "nightly-build"),
        ("account", "modify", "nightly-build", "--description", "x"),
        ("token", "issue", "nightly-build", "--label", "x", "--to", "command:cat"),
        ("person", "disable", "ben"),
        ("audit", "list"),
        ("audit", "verify"),
        ("due",),
    ],
    ids=" ".join,
)
def test_a_mistyped_store_is_refused_and_not_made(botdesk: Run, tmp_path: Path, words: tuple[str, ...]) -> None:
    mistyped = tmp_path / "desk" / "mistyped.db"
    refused = botdesk(*words, "--store", mistyped)
    assert (refused.code, refused.out) == (8, "")
    assert f"there is no store at '{mistyped}'" in refused.err
    assert "hint: check where it is" in refused.err
    assert list(mistyped.parent.glob("mistyped*")) == []
    nowhere = botdesk(*words, "--store", tmp_path / "nowhere" / "botdesk.db")
    assert (nowhere.code, "there is no folder" in nowhere.err, "mkdir" in nowhere.err) == (8, True, False)


@pytest.mark.parametrize(
    "words", [("account", "create", "web-hook"), ("person", "add", "ben"), ("role", "create", "platform")], ids=" ".join
)
def test_what_comes_first_on_a_new_desk_founds_it_and_says_so(botdesk: Run, place: str, words: tuple[str, ...]) -> None:
    made = botdesk(*words)
    assert made.code == 0
    assert "the first admin of this desk" in made.err
    assert place in made.err.replace("%2F", "/")
    assert "the first admin" not in botdesk("account", "list").err


def test_the_screens_are_refused_without_a_terminal(shell: Run) -> None:
    for words in ((), ("demo",), ("--store", "x.db")):
        refused = shell(*words)
        assert refused.code == 2
        assert "terminal" in refused.err
        assert "Traceback" not in refused.err


def test_a_terminal_that_cannot_be_drawn_on_is_told_so(terminal: Callable[..., Terminal], store: Path) -> None:
    asked = terminal(more={"TERM": "dumb"})
    assert asked.wait_exit() == 2
    assert "this one is 'dumb'" in said(asked)
    assert "\x1b" not in said(asked)
    assert not store.exists()


def test_data_goes_to_stdout_and_talk_to_stderr_in_a_fresh_process(shell: Run) -> None:
    made = shell("account", "create", "nightly-build", "--json")
    assert made.code == 0, made.err
    assert made.json["name"] == "nightly-build"
    assert "created the account" in made.err


def test_the_store_is_private_whatever_the_umask(shell: Run, store: Path) -> None:
    before = os.umask(0)
    try:
        assert shell("account", "create", "nightly-build").code == 0
    finally:
        os.umask(before)
    assert all(path.stat().st_mode & 0o077 == 0 for path in (store.parent, *store.parent.iterdir()))


def test_a_reader_that_goes_away_is_no_error(desk: Run) -> None:
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run(
        command("account", "list", "--json"),
        stdout=write,
        stderr=subprocess.PIPE,
        text=True,
        env=clean_env(),
        timeout=60,
    )
    os.close(write)
    assert done.stderr == ""
    assert done.returncode == 141


def test_a_full_disk_at_stdout_is_an_error_without_a_traceback(desk: Run) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            command("account", "list", "--json"),
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            env=clean_env(),
            timeout=60,
        )
    assert done.returncode == 1
    assert "No space left" in done.stderr
    assert "Traceback" not in done.stderr


def test_textual_variables_are_dropped_and_core_dumps_forbidden(shell: Run) -> None:
    asked = (
        "from botdesk.__main__ import harden; import ctypes, os, resource; harden();"
        "print('TEXTUAL_LOG' in os.environ, resource.getrlimit(resource.RLIMIT_CORE), oct(os.umask(0)),"
        "ctypes.CDLL(None).prctl(3, 0, 0, 0, 0))"
    )
    done = subprocess.run(
        [*command()[:1], "-c", asked], capture_output=True, text=True, env=clean_env({"TEXTUAL_LOG": "x"}), timeout=60
    )
    assert done.stdout == "False (0, 0) 0o77 0\n"


def complete(shell: Run, line: str) -> list[str]:
    words = line.split(" ")
    done = shell(
        more={
            "_BOTDESK_COMPLETE": "complete_bash",
            "COMP_WORDS": line,
            "COMP_CWORD": str(len(words) - 1),
        }
    )
    assert done.err == ""
    return done.out.split()


def test_completion_offers_accounts_tokens_people_and_roles(desk: Run, shell: Run, store: Path) -> None:
    desk("role", "create", "platform")
    desk("person", "add", "ben")
    token = desk("token", "issue", "nightly-build", "--label", "x", "--to", "command:cat", "--json").json["id"]
    desk("account", "create", "nightmare-bot")
    with house.tampering(store) as sql:
        sql("UPDATE account SET name = ? WHERE name = 'nightmare-bot'", ("night\x1b]0;x\x07",))
    assert complete(shell, "botdesk account show nigh") == ["nightly-build"]
    assert complete(shell, "botdesk token revoke ") == [token]
    assert complete(shell, "botdesk grant give nightly-build --role p") == ["platform"]
    assert complete(shell, "botdesk person disable b") == ["ben"]
    assert complete(shell, "botdesk account list --sort e") == ["expiry"]
    assert "account" in complete(shell, "botdesk acc")


def test_completion_says_nothing_when_the_store_is_missing_or_broken(shell: Run, store: Path) -> None:
    assert complete(shell, "botdesk account show nigh") == []
    assert not store.exists()
    store.write_text("no database")
    assert complete(shell, "botdesk account show nigh") == []


def test_completion_can_be_shown(shell: Run) -> None:
    shown = shell("--show-completion", "bash", more={"_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"})
    assert shown.code == 0
    assert "complete -o default -F _botdesk_completion botdesk" in shown.out


def test_stderr_that_nobody_reads_breaks_nothing(desk: Run) -> None:
    read, write = os.pipe()
    os.close(read)
    words = command("account", "modify", "nightly-build", "--description", "x")
    done = subprocess.run(words, stdout=subprocess.PIPE, stderr=write, env=clean_env(), timeout=60)
    os.close(write)
    assert done.returncode == 141
    assert desk("account", "show", "nightly-build", "--json").json["description"] == "x"
