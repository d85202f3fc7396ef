"""`botdesk database` and `botdesk doctor`, on stores that are well, missing, damaged and of the future."""

import sqlite3
import stat
from hashlib import sha256
from pathlib import Path

import pytest

from .conftest import Run


def digest(path: Path) -> str:
    return sha256(path.read_bytes()).hexdigest()


@pytest.fixture
def damaged(store: Path) -> Path:
    store.write_bytes(b"this is not a database, but it may be somebody's thesis" * 100)
    store.chmod(0o600)
    return store


@pytest.fixture
def future(desk: Run, store: Path) -> Path:
    with sqlite3.connect(store) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    return store


@pytest.mark.sqlite
def test_check_looks_at_everything(desk: Run) -> None:
    checked = desk("database", "check", "--json")
    assert checked.code == 0
    assert {"integrity", "schema", "triggers", "audit"} <= {one["name"] for one in checked.json}
    assert all(one["ok"] for one in checked.json)
    assert "integrity" in desk("database", "check").out


def test_check_finds_dropped_triggers(desk: Run, store: Path) -> None:
    with sqlite3.connect(store) as connection:
        connection.execute("DROP TRIGGER event_no_update")
    connection.close()
    checked = desk("database", "check")
    assert checked.code == 8
    assert "triggers" in checked.err


@pytest.mark.sqlite
def test_backup_prints_the_path_of_a_private_copy(desk: Run, tmp_path: Path) -> None:
    wanted = tmp_path / "copies" / "copy.db"
    made = desk("database", "backup", wanted)
    assert (made.code, made.out) == (0, f"{wanted}\n")
    assert stat.S_IMODE(wanted.stat().st_mode) == 0o600
    assert desk("account", "show", "nightly-build", "--store", wanted).code == 0
    assert desk("database", "backup", wanted).code == 5
    somewhere = Path(desk("database", "backup").out.strip())
    assert somewhere.is_file()


def test_upgrade_says_that_the_schema_is_this_programs(desk: Run) -> None:
    done = desk("database", "upgrade")
    assert (done.code, done.out) == (0, "")


@pytest.mark.parametrize("words", [("account", "list"), ("database", "check"), ("database", "upgrade"), ("doctor",)])
def test_a_damaged_file_is_reported_and_left_as_it_is(botdesk: Run, damaged: Path, words: tuple[str, ...]) -> None:
    before = digest(damaged)
    refused = botdesk(*words)
    assert refused.code == 8
    assert "hint:" in refused.err
    assert "Traceback" not in refused.err
    assert digest(damaged) == before
    assert list(damaged.parent.iterdir()) == [damaged]


@pytest.mark.parametrize("words", [("account", "list"), ("database", "check"), ("database", "upgrade"), ("doctor",)])
def test_a_schema_from_the_future_is_reported_and_left_as_it_is(
    botdesk: Run, future: Path, words: tuple[str, ...]
) -> None:
    before = digest(future)
    refused = botdesk(*words)
    assert refused.code == 8
    assert "9999" in refused.out + refused.err
    assert digest(future) == before


def test_a_cut_off_file_is_reported_and_left_as_it_is(desk: Run, store: Path) -> None:
    connection = sqlite3.connect(store)
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    store.write_bytes(store.read_bytes()[:6000])
    before = digest(store)
    refused = desk("account", "list")
    assert refused.code == 8
    assert "Traceback" not in refused.err
    assert digest(store) == before


def test_a_folder_that_cannot_be_made_is_an_error_with_a_hint(botdesk: Run, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    refused = botdesk("account", "list", "--store", tmp_path / "file" / "botdesk.db")
    assert refused.code == 8
    assert "hint:" in refused.err


def test_a_missing_folder_of_a_named_store_is_an_error_with_a_hint(botdesk: Run, tmp_path: Path) -> None:
    refused = botdesk("account", "list", "--store", tmp_path / "typo" / "botdesk.db")
    assert refused.code == 8
    assert "hint:" in refused.err
    assert not (tmp_path / "typo").exists()


@pytest.mark.parametrize("words", [("database", "check"), ("database", "backup"), ("database", "upgrade")])
def test_a_missing_store_is_not_made_by_looking(botdesk: Run, store: Path, words: tuple[str, ...]) -> None:
    assert botdesk(*words).code == 8
    assert not store.exists()


def test_an_unknown_engine_is_refused(botdesk: Run) -> None:
    assert botdesk("account", "list", "--store", "oracle://scott:tiger@host/db").code == 2
    assert "tiger" not in botdesk("account", "list", "--store", "oracle://scott:tiger@host/db").err


def test_doctor_tells_of_store_terminal_and_clipboard(desk: Run, store: Path) -> None:
    told = desk("doctor", "--json")
    assert told.code == 0, told.out
    found = {(one["about"], one["name"]): one for one in told.json}
    assert found["store", "place"]["words"] == str(store)
    assert found["store", "permissions"]["words"] == "file 0600, folder 0700"
    assert found["store", "integrity"]["result"] == "ok"
    assert {about for about, _ in found} == {"store", "terminal", "clipboard", "notify"}
    assert "integrity" in desk("doctor").out


@pytest.mark.parametrize(
    ("file", "folder", "words", "hint"),
    [
        (0o644, 0o700, "file 0644, folder 0700", "may have a copy"),
        (0o600, 0o755, "file 0600, folder 0755", "chmod 700"),
    ],
)
def test_doctor_warns_of_a_store_that_others_can_read(
    desk: Run, store: Path, file: int, folder: int, words: str, hint: str
) -> None:
    store.chmod(file)
    store.parent.chmod(folder)
    (found,) = [one for one in desk("doctor", "--json").json if one["name"] == "permissions"]
    assert (found["result"], found["words"]) == ("warn", words)
    assert hint in found["hint"]


def test_doctor_reports_a_missing_store_and_makes_none(botdesk: Run, store: Path) -> None:
    told = botdesk("doctor")
    assert told.code == 8
    assert "there is no" in told.out
    assert "terminal" in told.out
    assert not store.exists()
