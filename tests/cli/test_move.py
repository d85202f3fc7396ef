"""`botdesk database move`, and what the other commands say of a store in PostgreSQL."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.stores import Postgresql, Stores

from .conftest import Run


@pytest.fixture
def other(stores: Stores, postgresql: Postgresql, tmp_path: Path) -> Iterator[str]:
    """A store of the other engine with nothing in it."""
    if stores.engine == "postgresql":
        yield str(tmp_path / "desk" / "moved.db")
        return
    store = postgresql.new(tmp_path)
    yield store
    postgresql.drop(store)


def test_a_desk_is_moved_to_the_other_engine_and_goes_on_there(desk: Run, place: str, other: str) -> None:
    before = desk("audit", "verify").out
    moved = desk("database", "move", place, other)
    assert moved.code == 0, moved.err
    assert moved.out.strip() == before.split()[-1]
    assert "arrived in" in moved.err
    assert "the source is as it was" in moved.err
    assert desk("audit", "verify").out == before
    assert desk("audit", "verify", "--store", other, "--head", moved.out.strip()).code == 0
    assert [one["name"] for one in desk("account", "list", "--json", "--store", other).json] == ["nightly-build"]
    assert desk("account", "disable", "nightly-build", "--store", other).code == 0


def test_nothing_is_moved_over_a_desk_or_from_nowhere(desk: Run, place: str, other: str, tmp_path: Path) -> None:
    refused = desk("database", "move", place, place)
    assert refused.code == 5
    assert "nothing in it" in refused.err
    lost = desk("database", "move", tmp_path / "desk" / "nowhere.db", other)
    assert lost.code == 8
    assert not (tmp_path / "desk" / "nowhere.db").exists()
    assert not Path(other).exists()
    assert desk("database", "move", place).code == 2


@pytest.fixture
def far(postgresql: Postgresql, botdesk: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Run]:
    """Run commands on a desk in PostgreSQL, whose URL holds a password."""
    store = postgresql.new(tmp_path)
    monkeypatch.setenv("BOTDESK_STORE", store.replace("desk@", "desk:hush-hush@"))
    assert botdesk("account", "create", "nightly-build").code == 0
    yield botdesk
    postgresql.drop(store)


@pytest.mark.sqlite
def test_a_backup_in_postgresql_is_told_how(far: Run) -> None:
    told = far("database", "backup")
    assert told.code == 2
    assert "pg_dump" in told.err
    assert "hush-hush" not in told.err
    assert far("audit", "list", "--action", "desk:backed-up", "--json").json == []


@pytest.mark.sqlite
def test_the_doctor_knows_the_server_and_tells_no_password(far: Run) -> None:
    told = far("doctor", "--json")
    found = {one["name"]: one for one in told.json if one["about"] == "store"}
    assert found["mode"]["words"].startswith("team: ")
    assert found["engine"]["words"].startswith("PostgreSQL ")
    assert found["triggers"]["result"] == "ok"
    assert found["place"]["words"].startswith("postgresql+psycopg://desk@/")
    assert (found["durability"]["result"], told.code) == ("failed", 8)
    assert "hush-hush" not in told.out + told.err
    assert "hush-hush" not in far("database", "upgrade").err


@pytest.mark.sqlite
def test_a_server_that_is_not_there_is_told_in_a_line_with_a_hint(botdesk: Run) -> None:
    refused = botdesk("account", "list", "--store", "postgresql://ada:hush-hush@127.0.0.1:1/desk")
    assert refused.code == 8
    assert "cannot be reached" in refused.err
    assert "hint:" in refused.err
    assert "hush-hush" not in refused.err
