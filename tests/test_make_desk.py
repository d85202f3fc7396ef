"""The large desks that are measured are as honest as any other."""

import sys
from pathlib import Path

import pytest
from benchmarks import make_desk

from botdesk import accounts, audit, keeping
from botdesk.audit import Filter
from botdesk.testing import open_desk
from tests.integrity import house


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("large") / "desk" / "botdesk.db"
    make_desk.make(path, accounts=40, events=2000)
    return path


def test_a_made_desk_verifies_and_has_what_was_asked_for(made: Path) -> None:
    with open_desk(made, operator="person-00") as desk:
        verdict = desk.ask(audit.verify)
        assert verdict.findings == ()
        assert verdict.events == 2000
        assert desk.ask(accounts.page).total == 40
        assert desk.ask(audit.page, Filter(action="token:used")).total > 1000
        assert desk.ask(audit.page, Filter(action="token:refused")).total > 10
        assert [check.words for check in keeping.check(desk) if not check.ok] == []


def test_a_made_desk_has_every_index_and_trigger_of_an_ordinary_one(made: Path, tmp_path: Path) -> None:
    open_desk(tmp_path / "ordinary.db").close()
    with house.raw(made) as large, house.raw(tmp_path / "ordinary.db") as ordinary:
        asked = "SELECT type, name, sql FROM sqlite_master ORDER BY name"
        assert large.execute(asked).fetchall() == ordinary.execute(asked).fetchall()


def test_more_accounts_than_events_can_tell_of_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["make_desk", "--accounts", "100", "--events", "100", str(tmp_path / "desk.db")]
    monkeypatch.setattr(sys, "argv", words)
    with pytest.raises(SystemExit):
        make_desk.main()
    assert "events" in capsys.readouterr().err
