"""`botdesk audit archive` and what verifies it, as somebody types them."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from benchmarks import make_desk

from .conftest import Ran, Run

EVENTS = 1500


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("made") / "desk" / "botdesk.db"
    make_desk.make(path, accounts=20, events=EVENTS)
    return path


@pytest.fixture
def old(botdesk: Run, store: Path, made: Path) -> Run:
    """A desk with two years behind it."""
    shutil.copy(made, store)
    return botdesk


def archive(old: Run, file: Path, before: str, *words: str) -> Ran:
    return old("audit", "archive", "--before", before, "--output", file, *words)


def test_a_dry_run_tells_how_many_from_when_to_when_and_how_large(old: Run, tmp_path: Path) -> None:
    told = old("audit", "archive", "--before", "365d", "--dry-run")
    assert told.code == 0, told.err
    found = old("audit", "archive", "--before", "365d", "--dry-run", "--json").json
    assert found["first"] == 1
    assert found["events"] == found["last"] == EVENTS - found["stay"]
    assert f"{found['events']:,} events would be moved" in told.out
    assert old("audit", "list", "--json", "--limit", "1").json[0]["sequence"] == EVENTS
    assert archive(old, tmp_path / "a", "365d", "--yes").code == 0
    assert 0.7 < found["bytes"] / (tmp_path / "a").stat().st_size < 1.4


def test_events_go_to_a_file_and_both_verify(old: Run, tmp_path: Path) -> None:
    one, two = tmp_path / "one.jsonl", tmp_path / "two.jsonl"
    done = archive(old, one, "365d", "--yes")
    assert done.code == 0, done.err
    assert "it is their only copy" in done.err
    said = archive(old, two, "180d", "--yes", "--json").json
    verified = old("audit", "verify", "--archive", one, "--archive", two)
    assert verified.code == 0, verified.out
    assert "2 archives held against it" in verified.err
    assert f"{said['last']:,} of them are in archives" in old("audit", "verify").err
    alone = old("audit", "verify", "--archive", two, "--alone")
    assert (alone.code, f"head {said['head']}" in alone.out) == (0, True)
    assert old("audit", "verify", "--head", said["head"]).code == 0
    assert "is in an archive" in old("audit", "list", "--limit", "2000").err
    assert "is in an archive" in old("audit", "export", "--output", tmp_path / "export").err
    assert "in archives" in old("database", "check").out


def test_what_is_wrong_is_told_and_nothing_is_moved(old: Run, tmp_path: Path) -> None:
    (tmp_path / "there").touch()
    tries: dict[str, Callable[[], Ran]] = {
        "to be confirmed": lambda: archive(old, tmp_path / "new", "365d"),
        "is there already": lambda: archive(old, tmp_path / "there", "365d", "--yes"),
        "the last 90 days stay": lambda: archive(old, tmp_path / "new", "10d", "--yes"),
        "is no time": lambda: archive(old, tmp_path / "new", "soon", "--yes"),
        "no event before": lambda: archive(old, tmp_path / "new", "2001-01-01", "--yes"),
        "there is no file to move the events to": lambda: old("audit", "archive", "--before", "365d", "--yes"),
        "no archive to verify": lambda: old("audit", "verify", "--alone"),
        "cannot be read": lambda: old("audit", "verify", "--archive", tmp_path / "none"),
    }
    codes = {}
    for match, attempt in tries.items():
        done = attempt()
        assert match in done.err, done
        codes[match] = done.code
    assert set(codes.values()) == {2, 5}
    damaged = old("audit", "verify", "--archive", tmp_path / "there", "--alone")
    assert (damaged.code, "is no archive of botdesk's audit" in damaged.out) == (8, True)
    assert old("audit", "verify", "--archive", tmp_path / "there").code == 8
    assert not (tmp_path / "new").exists()
    assert old("audit", "list", "--action", "audit:archived", "--json").json == []
