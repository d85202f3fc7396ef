"""`botdesk token verify`: whose token it is, from stdin or a file."""

import subprocess
from datetime import timedelta
from pathlib import Path

import pytest

from botdesk import keeping
from botdesk.desk import Desk, system_clock
from botdesk.testing import light_hasher

from .conftest import Ran, Run, clean_env, command


@pytest.fixture
def secret_file(desk: Run, tmp_path: Path) -> Path:
    """A file with a token of nightly-build."""
    file = tmp_path / "farm"
    done = desk("token", "issue", "nightly-build", "--label", "farm", "--to", f"file:{file}")
    assert done.code == 0, done.err
    return file


def piped(text: str, *words: str) -> Ran:
    done = subprocess.run(
        command("token", "verify", *words), input=text, capture_output=True, text=True, timeout=60, env=clean_env()
    )
    return Ran(done.returncode, done.stdout, done.stderr)


def test_a_token_on_stdin_tells_whose_it_is_and_that_is_recorded(desk: Run, secret_file: Path) -> None:
    done = piped(secret_file.read_text(), "--json", "--scope", "catalog:read")
    assert done.code == 0, done.err
    assert (done.json["account"], done.json["label"]) == ("nightly-build", "farm")
    assert done.json["scope"] == "catalog:read deploy:write"
    assert done.json["jti"] == secret_file.read_text()[4:14]
    event = desk("audit", "list", "--action", "token:used", "--json").json[0]
    assert (event["actor"], event["source"]) == ("nightly-build", "cli")


def test_a_script_gets_the_name_alone(desk: Run, secret_file: Path) -> None:
    assert piped(secret_file.read_text(), "--name-only").out == "nightly-build\n"
    assert piped(secret_file.read_text(), "--name-only", "--json").code == 2


def test_a_token_is_read_from_a_file_and_shown_nowhere(desk: Run, secret_file: Path) -> None:
    done = desk("token", "verify", "--file", secret_file)
    assert done.code == 0
    assert "nightly-build" in done.out
    assert secret_file.read_text().strip() not in done.out + done.err


def test_a_refused_token_ends_with_6_and_the_reason(desk: Run, secret_file: Path) -> None:
    token_id = secret_file.read_text()[4:14]
    assert desk("token", "revoke", token_id, "--reason", "leaked").code == 0
    done = desk("token", "verify", "--file", secret_file)
    assert (done.code, done.out) == (6, "")
    assert "it was revoked" in done.err


def test_a_lacking_scope_ends_with_6_and_names_it(desk: Run, secret_file: Path) -> None:
    done = desk("token", "verify", "--file", secret_file, "--scope", "billing:write")
    assert done.code == 6
    assert "billing:write" in done.err


@pytest.mark.parametrize("junk", ["", "hello", "bdk_0000000000_" + "0" * 49, "\xff\x00"])
def test_what_is_no_token_ends_with_6(desk: Run, secret_file: Path, junk: str) -> None:
    done = piped(junk)
    assert (done.code, done.out) == (6, "")
    assert "no token of this desk" in done.err


def test_a_file_that_is_not_there_is_told(desk: Run, secret_file: Path, tmp_path: Path) -> None:
    done = desk("token", "verify", "--file", tmp_path / "nothing")
    assert done.code == 2
    assert "cannot be read" in done.err


def test_a_clock_that_was_set_back_is_told_and_can_be_accepted(desk: Run, secret_file: Path, store: Path) -> None:
    with Desk.open(store, clock=lambda: system_clock() + timedelta(days=2), hasher=light_hasher()) as ahead:
        keeping.backup(ahead)
    done = desk("token", "verify", "--file", secret_file)
    assert done.code == 8
    assert "the clock is behind" in done.err
    assert "database clock --accept" in done.err
    assert desk("database", "clock").code == 8
    assert desk("database", "clock", "--accept").code == 0
    assert desk("token", "verify", "--file", secret_file).code == 0
