"""`botdesk bulk`: many at once, from the command line."""

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from .conftest import Run, clean_env, command

SOMETHING, INTERRUPTED = 9, 130


@pytest.fixture
def ids(desk: Run, tmp_path: Path) -> list[str]:
    """The ids of six tokens that work, of two accounts."""
    assert desk("account", "create", "web-hook").code == 0
    for name in ("nightly-build", "web-hook"):
        for label in ("one", "two", "three"):
            to = f"file:{tmp_path / name}-{label}"
            assert desk("token", "issue", name, "--label", label, "--to", to).code == 0
    return [token["id"] for token in desk("token", "list", "--json").json]


def states(desk: Run) -> list[str]:
    return sorted(one["state"] for one in desk("token", "list", "--json").json)


def test_ids_come_as_words_by_stdin_or_by_account_and_a_dry_run_changes_nothing(
    desk: Run, ids: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    told = desk("bulk", "revoke", *ids[:2], "AAAAAAAAAA", "--reason", "leaked", "--dry-run", "--json")
    assert told.code == SOMETHING
    assert [one["id"] for one in told.json["will"]] == ids[:2]
    assert told.json["will_not"] == [{"id": "AAAAAAAAAA", "why": "there is no token 'AAAAAAAAAA'"}]
    assert states(desk) == ["active"] * 6
    done = desk("bulk", "revoke", ids[0], "AAAAAAAAAA", "--reason", "leaked", "--json")
    assert (done.code, done.json["done"], done.json["refused"]) == (SOMETHING, 1, 1)
    piped = subprocess.run(
        command("bulk", "revoke", "-", "--reason", "leaked"),
        input="\n".join(ids[1:3]), capture_output=True, text=True, timeout=60, env=clean_env(),
    )  # fmt: skip
    assert piped.returncode == 0, piped.stderr
    assert desk("bulk", "extend", "--all-of", "web-hook", "--all-of", "nightly-build", "--by", "7d").code == 0
    assert states(desk) == ["active"] * 3 + ["revoked"] * 3


def test_when_nothing_can_be_done_the_exit_code_says_why(desk: Run, ids: list[str]) -> None:
    assert desk("bulk", "disable", "nobody").code == 3
    assert desk("bulk", "disable", "nightly-build").code == 0
    assert desk("bulk", "disable", "nightly-build").code == 5
    assert desk("bulk", "grant", "nightly-build", "--level", "view").code == 2
    assert desk("bulk", "revoke", "--reason", "leaked").code == 2
    assert desk("bulk", "rotate", *ids).code == 2
    assert desk("bulk", "rotate", *ids, "--to", "clipboard").code == 2
    assert desk("bulk", "rotate", *ids, "--to", "command:cat").code == 2
    assert desk("bulk", "show", "1").code == 3


def test_the_settings_may_say_where_secrets_of_many_go(
    desk: Run, ids: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BOTDESK_BULK_COMMAND", f"sh -c 'cat > {tmp_path}/$0.$1' {{account}} {{predecessor_id}}")
    assert desk("bulk", "rotate", *ids[:2]).code == 0
    assert {path.name.partition(".")[2] for path in tmp_path.glob("*.*") if path.name[-10:] in ids} == set(ids[:2])


def test_a_summary_is_read_again_and_what_failed_is_taken_up_again(desk: Run, ids: list[str], tmp_path: Path) -> None:
    flag = tmp_path / "flag"
    script = f"""command:sh -c 'cat > /dev/null; test -e {flag} || [ $0 = web-hook ]' {{account}}"""
    done = desk("bulk", "rotate", *ids, "--to", script, "--overlap", "1h")
    assert done.code == SOMETHING
    assert "3 done, 3 failed" in done.err
    (line,) = desk("bulk", "list", "--json").json
    assert (line["verb"], line["of"], line["how"]) == ("rotate", "6 tokens", "3 done, 3 failed")
    number = line["run"]
    shown = desk("bulk", "show", number)
    assert shown.out.count("failed") == 3 * 2
    assert desk("bulk", "show", number, "--all", "--json").json["done"] == 3
    flag.touch()
    assert desk("bulk", "resume", number, "--to", script).code == 0
    assert desk("bulk", "show", number, "--json").json["done"] == 6
    assert desk("bulk", "resume", number, "--to", script).code == 5
    assert desk("bulk", "end", number).code == 5
    assert desk("audit", "verify").code == 0


def test_a_run_stops_after_the_item_in_work(desk: Run, ids: list[str], tmp_path: Path) -> None:
    out, go = tmp_path / "out", tmp_path / "go"
    out.mkdir()
    script = f"""command:sh -c 'cat > {out}/$0; until test -e {go}; do sleep 0.05; done' {{predecessor_id}}"""
    with subprocess.Popen(
        command("bulk", "rotate", *ids, "--to", script),
        stderr=subprocess.PIPE, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True, env=clean_env(),
    ) as running:  # fmt: skip
        last = time.monotonic() + 60
        while time.monotonic() < last and not any(out.iterdir()):
            time.sleep(0.02)
        os.kill(running.pid, signal.SIGINT)
        go.touch()
        _, said = running.communicate(timeout=60)
    assert running.returncode == INTERRUPTED, said
    assert "stopping after the one in work" in said
    assert "1 done, 5 untouched; it was stopped" in said
    assert len(list(out.iterdir())) == 1
    assert states(desk) == ["active"] * 6 + ["retiring"]
