"""How a store is named."""

from pathlib import Path

import pysqlite3
import pytest

from botdesk.errors import InvalidInput
from botdesk.store.engine import to_url


@pytest.mark.parametrize(
    ("store", "path"),
    [
        ("/srv/desk.db", "/srv/desk.db"),
        ("sqlite:////srv/desk.db", "/srv/desk.db"),
        ("sqlite+pysqlite:////srv/desk.db", "/srv/desk.db"),
        ("/srv/a b?c#d%20.db", "/srv/a b?c#d%20.db"),
    ],
)
def test_a_store_is_named_by_path_or_url(store: str, path: str) -> None:
    assert to_url(store).database == path


def test_a_relative_path_and_a_tilde_are_made_whole(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", "/home/ada")
    assert to_url("desk.db").database == str(tmp_path / "desk.db")
    assert to_url("sqlite:///desk.db").database == str(tmp_path / "desk.db")
    assert to_url("~/desk.db").database == "/home/ada/desk.db"


@pytest.mark.parametrize(
    "store", ["sqlite://", "sqlite:///:memory:", "://x", "mysql://u:hush@h/d", "sqlite:///x.db?mode=ro", "nonsense://"]
)
def test_what_names_no_store_is_refused_with_a_hint_and_without_its_password(store: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        to_url(store)
    assert refused.value.hint
    assert "hush" not in refused.value.message + refused.value.hint


def test_the_sqlite_here_is_one_that_loses_nothing() -> None:
    assert pysqlite3.sqlite_version_info >= (3, 51, 3)
