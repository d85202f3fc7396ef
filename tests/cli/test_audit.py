"""`botdesk audit`."""

import csv
import itertools
import json
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from botdesk import audit
from botdesk.desk import Desk
from botdesk.store.tables import to_text
from tests.raw import raw
from tests.terminal import Terminal

from .conftest import Run, said


def test_list_shows_newest_first_with_words(desk: Run) -> None:
    shown = desk("audit", "list").out
    assert "created nightly-build" in shown.splitlines()[1]
    newest = desk("audit", "list", "--json", "--limit", "1").json
    assert len(newest) == 1
    assert newest[0]["action"] == "account:created"
    assert newest[0]["at"].endswith("Z")


def test_a_mistyped_action_is_told_and_what_was_meant(desk: Run) -> None:
    for command in ("list", "export"):
        told = desk("audit", command, "--action", "token:rotate")
        assert (told.code, told.out) == (2, "")
        assert "no action is called 'token:rotate'" in told.err
        assert "token:rotated" in told.err


def test_filters_choose_events(desk: Run) -> None:
    assert {one["action"] for one in desk("audit", "list", "--action", "account", "--json").json} == {"account:created"}
    assert desk("audit", "list", "--account", "nightly-build", "--json").json
    assert desk("audit", "list", "--outcome", "denied", "--json").json == []
    assert desk("audit", "list", "--since", "1h", "--json").json
    assert desk("audit", "list", "--until", "1h", "--json").json == []
    assert desk("audit", "list", "--since", "2999-01-01", "--json").json == []


@pytest.mark.parametrize("verb", ["list", "export"])
@pytest.mark.parametrize("option", ["--account", "--actor"])
def test_a_name_that_nobody_can_see_is_a_slip_and_what_was_removed_is_still_found(
    desk: Run, verb: str, option: str
) -> None:
    slip = desk("audit", verb, option, "nightly-biuld")
    assert (slip.code, slip.out) == (3, "")
    assert "nightly-biuld" in slip.err
    assert "hint: " in slip.err
    assert desk("account", "remove", "nightly-build", "--yes").code == 0
    assert (
        "account:removed" in desk("audit", verb, *(["--account", "nightly-build"]), *["--json"][: verb == "list"]).out
    )
    assert desk("person", "add", "ben").code == 0
    assert desk("audit", verb, "--actor", "ben").code == 0


def test_a_history_out_of_reach_is_answered_like_one_that_is_not_there(desk: Run) -> None:
    assert desk("person", "add", "ben").code == 0
    answers = [desk("audit", "list", "--account", name, "--as", "ben") for name in ("nightly-build", "nightly-biuld")]
    assert {one.code for one in answers} == {3}
    assert answers[0].err.replace("nightly-build", "nightly-biuld") == answers[1].err


@pytest.mark.parametrize("since", ["yesterday-ish", "99999999999d", "2026-13-45"])
def test_a_wrong_time_is_refused_with_an_example(desk: Run, since: str) -> None:
    refused = desk("audit", "list", "--since", since)
    assert refused.code == 2
    assert "2026-11-23" in refused.err


def test_export_writes_one_event_a_line_with_hashes(desk: Run) -> None:
    lines = [json.loads(line) for line in desk("audit", "export").out.splitlines()]
    assert [line["sequence"] for line in lines] == list(range(1, len(lines) + 1))
    assert all(one["previous"] == before["hash"] for before, one in itertools.pairwise(lines))


def test_export_to_a_file_is_private_and_never_over_another(desk: Run, tmp_path: Path) -> None:
    file = tmp_path / "audit.csv"
    assert desk("audit", "export", "--format", "csv", "--output", file).code == 0
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    with file.open() as opened:
        rows = list(csv.DictReader(opened))
    assert "account:created" in {row["action"] for row in rows}
    before = file.read_bytes()
    assert desk("audit", "export", "--output", file).code == 5
    assert file.read_bytes() == before


def test_a_refused_export_leaves_no_file(desk: Run, tmp_path: Path) -> None:
    desk("person", "add", "ben")
    file = tmp_path / "audit.jsonl"
    assert desk("audit", "export", "--output", file, "--as", "ben").code == 4
    assert not file.exists()


def test_verify_prints_the_head_that_proves_the_past(desk: Run) -> None:
    verified = desk("audit", "verify")
    assert verified.code == 0
    assert "the chain holds" in verified.out
    head = verified.out.split()[-1]
    assert desk("audit", "verify", "--head", head).code == 0
    assert desk("audit", "verify", "--json").json["head"] == head
    sequence, _, digest = head.partition(":")
    forged = desk("audit", "verify", "--head", f"{sequence}:{'0' * len(digest)}")
    assert forged.code == 8
    assert desk("audit", "verify", "--head", f"{int(sequence) + 1}:{digest}").code == 8


def test_verify_finds_a_row_that_was_changed_by_hand(desk: Run, place: str) -> None:
    with raw(place) as connection:
        connection.execute("UPDATE account SET description = 'mine now'")
    broken = desk("audit", "verify")
    assert broken.code == 8
    assert "the chain does not hold" in broken.out
    assert "account" in broken.out
    assert "botdesk: the audit does not verify" in broken.err
    assert desk("audit", "verify", "--json").json["holds"] is False


def test_a_wrong_head_is_refused(desk: Run) -> None:
    for wrong in ("latest", f"0:{'f' * 64}", f"{'9' * 5000}:{'0' * 64}"):
        refused = desk("audit", "verify", "--head", wrong)
        assert refused.code == 2
        assert "that is no audit head" in refused.err


def test_a_limit_beyond_all_measure_is_refused(desk: Run) -> None:
    assert desk("audit", "list", "--limit", "99999999999999999999").code == 2
    assert desk("audit", "list", "--limit", "1000000").code == 0


@pytest.mark.parametrize("words", [("audit", "verify"), ("audit", "list"), ("audit", "export"), ("due",), ("advice",)])
@pytest.mark.parametrize("emptied", [False, True])
def test_what_watches_over_a_desk_makes_none(shell: Run, tmp_path: Path, words: tuple[str, ...], emptied: bool) -> None:
    """A job at night would stay green for ever over a store that is mistyped or gone."""
    folder = tmp_path / "desk"
    folder.mkdir(mode=0o700, exist_ok=True)
    store = folder / "gone.db"
    if emptied:
        store.touch(mode=0o600)
    refused = shell("--store", store, *words)
    assert (refused.code, refused.out) == (8, "")
    assert "there is no" in refused.err
    assert "hint:" in refused.err
    assert store.exists() == emptied
    assert not emptied or store.stat().st_size == 0


def test_what_was_verified_before_is_forgotten_by_its_own_word_alone(desk: Run, store: Path, tmp_path: Path) -> None:
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "verified.json").write_text(json.dumps({str(store): f"99999:{'0' * 64}:0"}))
    for words in ([], ["--from-start"]):
        refused = desk("audit", "verify", *words)
        assert refused.code == 8
        assert "it was cut short" in refused.out
        assert "restored backup" in refused.err
    assert desk("audit", "verify", "--forget").code == 0
    assert desk("audit", "verify").code == 0


@pytest.mark.sqlite
def test_ctrl_c_ends_a_long_search_with_a_word(store: Path, desk: Run, terminal: Callable[..., Terminal]) -> None:
    grown(store, 45_000)
    words = " ".join(["zzq"] * 300)
    running = terminal("audit", "list", "--text", f"{words} nowhere")
    running.wait_for("20000/45")
    running.send("\x03")
    assert running.wait_exit() == 130
    assert said(running).endswith("botdesk: interrupted\r\n")


def grown(store: Path, count: int) -> None:
    """Append events whose detail alone has `zzq` in it."""
    nobody = dict.fromkeys(("account_id", "account", "subject_kind", "subject_id", "before", "after"))
    values = {"actor_kind": "system", "actor_id": "system", "actor": "system", "action": "desk:set", "outcome": "done"}
    with Desk.open(store) as opened, opened.begin() as tx:
        more = {"at": to_text(tx.now), "source": "test", "detail": audit.written({"name": "zzq"})}
        audit.append(tx, [{**nobody, **values, **more} for _ in range(count)])
