"""Where a secret may go, as it is written."""

from pathlib import Path

import pytest

from botdesk.errors import InvalidInput
from botdesk.target import Clipboard, Command, File, Stdout, parse_target


def test_targets_are_read_as_they_are_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/ada")
    monkeypatch.chdir(tmp_path)
    assert parse_target("clipboard") == Clipboard()
    assert parse_target(" stdout ") == Stdout()
    assert parse_target("file:/run/secrets/ci") == File(Path("/run/secrets/ci"))
    assert parse_target("file:~/ci") == File(Path("/home/ada/ci"))
    assert parse_target("file:here/../ci") == File(tmp_path / "ci")
    assert parse_target("file:/a b:c") == File(Path("/a b:c"))
    assert parse_target("command:vault kv put 'secret/a b' token=-") == Command(
        ("vault", "kv", "put", "secret/a b", "token=-")
    )


@pytest.mark.parametrize(
    "text",
    ["", "printer", "file", "file:", "file:  ", "command", "command:", "command: ", "command:'", "stdout:x",
     "clipboard:x", "FILE:/x", "\x1b]52;c;!\x07", "x" * 10_000, "file:/tmp/a\u200bb", "file:/tmp/\udcffb",
     "file:/" + "x" * 400, "command:/bin/a\u202eb", "command:" + "x" * 400],
)  # fmt: skip
def test_what_is_no_target_is_refused_with_a_hint(text: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        parse_target(text)
    assert refused.value.hint
    assert refused.value.message.isascii()
    assert refused.value.message.isprintable()


def test_the_audit_is_told_the_place_and_no_arguments() -> None:
    assert parse_target("clipboard").words == "clipboard"
    assert parse_target("stdout").words == "stdout"
    assert parse_target("file:/run/secrets/ci").words == "file:/run/secrets/ci"
    assert parse_target("command:/usr/bin/curl -u me:hunter2 https://vault").words == "command:curl"


@pytest.mark.parametrize("text", ["command:cat | wc -c", "command:cat > /tmp/x", "command:true && cat"])
def test_what_only_a_shell_reads_is_refused_with_the_way_to_one(text: str) -> None:
    with pytest.raises(InvalidInput, match="no shell reads the command") as refused:
        parse_target(text)
    assert "sh -c" in refused.value.hint
    assert parse_target("command:sh -c 'cat | wc -c'").words == "command:sh"
