"""`botdesk notify`: whom the settings name, and how it went."""

import json
from pathlib import Path

import pytest

from .conftest import Run


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return tmp_path / "config.toml"


def test_without_anybody_to_be_told_it_says_how_to_name_them(desk: Run) -> None:
    for verb in ("run", "test"):
        told = desk("notify", verb)
        assert (told.code, "notify_webhook" in told.err) == (2, True)
    assert desk("notify", "show", "--json").json == []
    assert any(one["about"] == "notify" and one["result"] == "ok" for one in desk("doctor", "--json").json)


def test_a_command_is_tried_told_and_looked_after(desk: Run, config: Path, tmp_path: Path) -> None:
    config.write_text(f"""notify = ["sh", "-c", "cat >> '{tmp_path}/heard'; test ! -e '{tmp_path}/broken'"]\n""")
    assert desk("notify", "test").code == 0
    assert desk("notify", "run", "--once").code == 0
    assert desk("person", "add", "ben").code == 0
    assert desk("notify", "run", "--once").code == 0
    kinds = [json.loads(line)["kind"] for line in (tmp_path / "heard").read_text().splitlines()]
    assert kinds == ["test", "admin"]
    (tmp_path / "broken").touch()
    assert desk("notify", "test").code == 9
    assert desk("person", "add", "cleo").code == 0
    assert desk("notify", "run", "--once").code == 9
    (shown,) = desk("notify", "show", "--json").json
    assert (shown["failure"], shown["tries"], shown["to"]) == ("it ended with 1", 1, "the command sh")
    (found,) = (one for one in desk("doctor", "--json").json if one["about"] == "notify")
    assert (found["result"], found["hint"]) == ("warn", "botdesk notify test")


@pytest.mark.parametrize(
    "line",
    [
        'notify_webhook = "http://example.com/services/secret-path"',
        'notify_webhook = "ftp://example.com/secret-path"',
        'notify_on = ["everything"]',
    ],
)
def test_settings_that_cannot_be_are_refused_and_the_url_is_not_told(desk: Run, config: Path, line: str) -> None:
    config.write_text(line + "\n")
    told = desk("notify", "show")
    assert (told.code, "secret-path" in told.err) == (2, False)
