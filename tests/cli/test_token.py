"""`botdesk token`: where secrets go, and where they never are."""

import base64
import os
import re
import shlex
import signal
import stat
import subprocess
import sys
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, cast

import pytest

from botdesk import accounts, handoff, tokens
from botdesk.bearer import LEAKED
from botdesk.cli import delivery
from botdesk.desk import Desk, system_user
from botdesk.errors import HandoffFailed
from botdesk.testing import open_desk
from botdesk.tokens import TokenState
from tests.terminal import Terminal

from .conftest import Ran, Run, clean_env, command, said

OSC_52 = re.compile(rb"\x1b\]52;c;([A-Za-z0-9+/=]+)\x07")


@pytest.fixture
def issued(desk: Run, tmp_path: Path) -> Ran:
    """A token labelled `farm` whose secret went to the file `farm`."""
    done = desk("token", "issue", "nightly-build", "--label", "farm", "--to", f"file:{tmp_path / 'farm'}", "--json")
    assert done.code == 0, done.err
    return done


def states(desk: Run) -> list[str]:
    return [one["state"] for one in desk("token", "list", "--json").json]


def test_a_file_gets_the_secret_and_nothing_else_does(issued: Ran, desk: Run, tmp_path: Path, store: Path) -> None:
    file = tmp_path / "farm"
    secret = file.read_text().strip()
    assert LEAKED.fullmatch(secret)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert secret not in issued.out + issued.err
    assert issued.json["id"] in secret
    assert all(secret.encode() not in path.read_bytes() for path in store.parent.iterdir())
    shown = "".join(
        desk(*words).out for words in (("token", "list"), ("token", "show", issued.json["id"]), ("audit", "export"))
    )
    assert not LEAKED.search(shown)
    assert "argon2" not in shown


def test_json_of_a_token_has_the_words_of_the_design(issued: Ran, desk: Run, tmp_path: Path) -> None:
    token = issued.json
    assert (token["label"], token["account"], token["state"]) == ("farm", "nightly-build", "active")
    assert token["scopes"] == ["catalog:read", "deploy:write"]
    assert token["delivered_to"] == f"file:{tmp_path / 'farm'}"
    lived = datetime.fromisoformat(token["expires_at"]) - datetime.fromisoformat(token["issued_at"])
    assert lived == timedelta(days=90)
    assert token["predecessor_id"] is token["successor_id"] is token["last_used_at"] is None
    assert desk("token", "list", "nightly-build", "--json").json == [token]
    assert desk("token", "show", token["id"], "--json").json == token


def test_lifetime_scopes_and_never_are_chosen(desk: Run, tmp_path: Path) -> None:
    words = ("token", "issue", "nightly-build", "--label", "a", "--json", "--scope", "catalog:read", "--to")
    short = desk(*words, f"file:{tmp_path / 'a'}", "--lifetime", "12h").json
    assert short["scopes"] == ["catalog:read"]
    assert short["expires_at"] < desk(*words, f"file:{tmp_path / 'b'}").json["expires_at"]
    assert desk(*words, f"file:{tmp_path / 'c'}", "--never").json["expires_at"] is None
    assert desk(*words, f"file:{tmp_path / 'd'}", "--never", "--lifetime", "1d").code == 2
    assert desk(*words, f"file:{tmp_path / 'd'}", "--scope", "admin:all").code == 2
    assert not (tmp_path / "d").exists()


def test_an_existing_file_is_refused_before_any_token_is_made(desk: Run, tmp_path: Path) -> None:
    (tmp_path / "farm").write_text("mine")
    refused = desk("token", "issue", "nightly-build", "--label", "farm", "--to", f"file:{tmp_path / 'farm'}")
    assert refused.code == 7
    assert "hint:" in refused.err
    assert (tmp_path / "farm").read_text() == "mine"
    assert states(desk) == []


def test_a_dangling_symlink_is_an_existing_file(desk: Run, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    assert desk("token", "issue", "nightly-build", "--label", "x", "--to", f"file:{tmp_path / 'link'}").code == 7
    assert not (tmp_path / "elsewhere").exists()


@pytest.mark.parametrize("target", ["file:/no/such/folder/secret", "command:no-such-program-here"])
def test_a_target_that_cannot_take_it_makes_no_token(desk: Run, target: str) -> None:
    assert desk("token", "issue", "nightly-build", "--label", "x", "--to", target).code == 7
    assert states(desk) == []


@pytest.mark.parametrize("target", ["", "printer", "file:", "command:", "command:'", "file:/tmp/a\u202eb"])
def test_what_is_no_target_is_refused(desk: Run, target: str) -> None:
    assert desk("token", "issue", "nightly-build", "--label", "x", "--to", target).code == 2
    assert states(desk) == []


def test_a_clipboard_that_is_nowhere_makes_no_token(desk: Run) -> None:
    words = command("token", "issue", "nightly-build", "--label", "x", "--to", "clipboard")
    alone = subprocess.run(words, capture_output=True, text=True, env=clean_env(), timeout=60, start_new_session=True)
    assert alone.returncode == 7
    assert "file:PATH" in alone.stderr
    assert states(desk) == []


def test_without_a_terminal_the_target_must_be_said(desk: Run) -> None:
    refused = desk("token", "issue", "nightly-build", "--label", "x")
    assert refused.code == 2
    assert "--to" in refused.err
    assert states(desk) == []


def test_a_command_gets_the_secret_on_its_stdin(desk: Run, tmp_path: Path) -> None:
    taker = f"command:{shlex.join([sys.executable, '-c', _TAKE, str(tmp_path / 'taken')])}"
    done = desk("token", "issue", "nightly-build", "--label", "x", "--to", taker, "--json")
    assert done.code == 0, done.err
    assert LEAKED.fullmatch((tmp_path / "taken").read_text().strip())
    assert states(desk) == ["active"]


_TAKE = "import sys, pathlib; pathlib.Path(sys.argv[1]).write_text(sys.stdin.read())"
_SPILL = "import sys; sys.exit('no: ' + sys.stdin.read())"


def test_a_command_that_fails_leaves_a_revoked_token_and_no_secret(desk: Run) -> None:
    spill = f"command:{shlex.join([sys.executable, '-c', _SPILL])}"
    failed = desk("token", "issue", "nightly-build", "--label", "x", "--to", spill)
    assert failed.code == 7
    assert "was revoked" in failed.err
    assert not LEAKED.search(failed.out + failed.err)
    assert states(desk) == ["revoked"]


def test_stdout_to_a_pipe_gets_the_secret_alone(desk: Run, shell: Run) -> None:
    piped = shell("token", "issue", "nightly-build", "--label", "x", "--to", "stdout")
    assert piped.code == 0, piped.err
    assert LEAKED.fullmatch(piped.out.removesuffix("\n"))
    assert piped.out.strip() not in piped.err
    assert states(desk) == ["active"]


def test_stdout_and_json_exclude_each_other(desk: Run, shell: Run) -> None:
    assert shell("token", "issue", "nightly-build", "--label", "x", "--to", "stdout", "--json").code == 2
    assert states(desk) == []


def test_stdout_to_nobody_leaves_no_live_token(desk: Run) -> None:
    read, write = os.pipe()
    os.close(read)
    words = command("token", "issue", "nightly-build", "--label", "x", "--to", "stdout")
    done = subprocess.run(words, stdout=write, stderr=subprocess.PIPE, text=True, env=clean_env(), timeout=60)
    os.close(write)
    assert done.returncode == 7
    assert "Traceback" not in done.stderr
    assert states(desk) == ["revoked"]


def test_stdout_to_a_terminal_is_refused(desk: Run, terminal: Callable[..., Terminal]) -> None:
    screen = terminal("token", "issue", "nightly-build", "--label", "x", "--to", "stdout")
    assert screen.wait_exit() == 2
    assert "never shown on a terminal" in said(screen)
    assert states(desk) == []


def on_clipboard(terminal: Callable[..., Terminal], *more: str, seconds: int = 5) -> Terminal:
    settings = {"BOTDESK_CLIPBOARD": "osc52", "BOTDESK_CLIPBOARD_SECONDS": str(seconds)}
    return terminal("token", "issue", "nightly-build", "--label", "x", *more, more=settings)


def test_on_a_terminal_the_clipboard_is_set_and_cleared(desk: Run, terminal: Callable[..., Terminal]) -> None:
    screen = on_clipboard(terminal)
    screen.wait_for("Ctrl-C clears it now")
    sent = OSC_52.search(screen.raw)
    assert sent is not None
    secret = base64.b64decode(sent[1]).decode()
    assert LEAKED.fullmatch(secret)
    assert screen.wait_exit() == 0
    assert "sent to your terminal" in said(screen)
    assert "\x1b]52;c;!\x07" in said(screen)
    assert "asked to clear" in said(screen)
    assert secret not in said(screen)
    assert states(desk) == ["active"]


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_the_end_of_the_wait_clears_the_clipboard_at_once(
    desk: Run, terminal: Callable[..., Terminal], end: signal.Signals
) -> None:
    screen = on_clipboard(terminal, seconds=600)
    screen.wait_for("Ctrl-C clears it now")
    os.kill(screen.pid, end)
    assert screen.wait_exit() == 0
    assert "\x1b]52;c;!\x07" in said(screen)
    assert states(desk) == ["active"]


def test_no_wait_leaves_the_clipboard_and_says_so(desk: Run, terminal: Callable[..., Terminal]) -> None:
    screen = on_clipboard(terminal, "--no-wait", seconds=600)
    assert screen.wait_exit() == 0
    assert "stays in the clipboard" in said(screen)
    assert "\x1b]52;c;!\x07" not in said(screen)


@pytest.fixture
def native(tmp_path: Path) -> dict[str, str]:
    """The environment of a display whose clipboard is the file `clip`."""
    (tmp_path / "bin").mkdir()
    program = tmp_path / "bin" / "xclip"
    program.write_text(f"""#!/bin/sh
case "$*" in *-o*) exec cat '{tmp_path / "clip"}' ;; *) exec cat > '{tmp_path / "clip"}' ;; esac
""")
    program.chmod(0o700)
    path = f"{tmp_path / 'bin'}:{os.environ['PATH']}"
    return {"PATH": path, "DISPLAY": ":99", "BOTDESK_CLIPBOARD": "native", "BOTDESK_CLIPBOARD_SECONDS": "600"}


@pytest.mark.parametrize(("copied", "told"), [(None, "was cleared"), ("groceries", "was left alone")])
def test_a_native_clipboard_is_cleared_only_while_it_holds_the_secret(
    desk: Run,
    terminal: Callable[..., Terminal],
    native: dict[str, str],
    tmp_path: Path,
    copied: str | None,
    told: str,
) -> None:
    screen = terminal("token", "issue", "nightly-build", "--label", "x", more=native)
    screen.wait_for("Ctrl-C clears it now")
    assert LEAKED.fullmatch((tmp_path / "clip").read_text())
    if copied:
        (tmp_path / "clip").write_text(copied)
    screen.send("\x03")
    assert screen.wait_exit() == 0
    assert told in said(screen)
    assert not LEAKED.search(said(screen))
    assert (tmp_path / "clip").read_text() == (copied or "")


def test_a_clipboard_that_cannot_be_read_is_to_be_cleared_by_hand(
    desk: Run, terminal: Callable[..., Terminal], native: dict[str, str], tmp_path: Path
) -> None:
    screen = terminal("token", "issue", "nightly-build", "--label", "x", more=native)
    screen.wait_for("Ctrl-C clears it now")
    (tmp_path / "clip").rename(tmp_path / "out of reach")
    screen.send("\x03")
    assert screen.wait_exit() == 0
    assert "clear it by hand" in said(screen)
    assert "left alone" not in said(screen)


def test_an_interrupt_after_the_delivery_revokes_the_token_too(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with open_desk(tmp_path / "botdesk.db") as desk:

        class Interrupted:
            settings = desk.settings

            @staticmethod
            def ask(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
                return desk.ask(function, *args, **kwargs)

            @staticmethod
            def run(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
                done = desk.run(function, *args, **kwargs)
                if function is tokens.deliver:
                    raise KeyboardInterrupt
                return done

        desk.run(accounts.create, "nightly-build")
        issued = desk.run(tokens.issue, "nightly-build", "farm")
        target = handoff.File(tmp_path / "secret")
        with pytest.raises(HandoffFailed):
            delivery.hand_over(cast("Desk", Interrupted()), lambda: issued, target)
        assert desk.ask(tokens.line, issued.token.id).state is TokenState.REVOKED
    assert "worth nothing now" in capsys.readouterr().err


def test_an_interrupt_while_the_token_is_issued_leaves_none_pending(desk: Run, tmp_path: Path, store: Path) -> None:
    with open_desk(store, operator=system_user()) as opened:

        def interrupted() -> tokens.Issued:
            issued = opened.run(tokens.issue, "nightly-build", "farm")
            signal.raise_signal(signal.SIGINT)
            return issued

        with pytest.raises(HandoffFailed, match="interrupted"):
            delivery.hand_over(opened, interrupted, handoff.File(tmp_path / "secret"))
    assert states(desk) == ["revoked"]
    assert not (tmp_path / "secret").exists()


def test_an_interrupt_during_the_handoff_revokes_the_pending_token(
    desk: Run, terminal: Callable[..., Terminal]
) -> None:
    screen = terminal("token", "issue", "nightly-build", "--label", "x", "--to", "command:sleep 60")
    while "pending" not in states(desk):
        screen.pump()
    screen.settle()
    screen.send("\x03")
    assert screen.wait_exit() == 7
    assert "was revoked" in said(screen)
    assert states(desk) == ["revoked"]


def test_rotate_keeps_the_old_token_for_the_overlap(issued: Ran, desk: Run, tmp_path: Path) -> None:
    words = ("token", "rotate", issued.json["id"], "--overlap", "2h", "--json", "--to", f"file:{tmp_path / 'new'}")
    rotated = desk(*words)
    assert rotated.code == 0, rotated.err
    assert rotated.json["predecessor_id"] == issued.json["id"]
    assert rotated.json["label"] == "farm"
    assert "the old one works until" in rotated.err
    old = desk("token", "show", issued.json["id"], "--json").json
    assert (old["state"], old["successor_id"]) == ("retiring", rotated.json["id"])
    assert old["expires_at"] < issued.json["expires_at"]
    assert desk("token", "rotate", issued.json["id"], "--to", f"file:{tmp_path / 'third'}").code == 5


def test_rotate_without_an_overlap_ends_the_old_token(issued: Ran, desk: Run, tmp_path: Path) -> None:
    assert desk("token", "rotate", issued.json["id"], "--overlap", "0", "--to", f"file:{tmp_path / 'new'}").code == 0
    assert desk("token", "show", issued.json["id"], "--json").json["state"] == "expired"


def test_a_failed_rotation_leaves_the_old_token_as_it_is(issued: Ran, desk: Run) -> None:
    assert desk("token", "rotate", issued.json["id"], "--to", "command:false").code == 7
    after = desk("token", "show", issued.json["id"], "--json").json
    assert after | {"version": 0} == issued.json | {"version": 0}


def test_revoke_gives_the_reason(issued: Ran, desk: Run) -> None:
    revoked = desk("token", "revoke", issued.json["id"], "--reason", "leaked in a log", "--json").json
    assert (revoked["state"], revoked["revoked_reason"]) == ("revoked", "leaked in a log")
    assert desk("token", "revoke", issued.json["id"], "--reason", "again").code == 5


def test_revoke_asks_on_a_terminal(issued: Ran, desk: Run, terminal: Callable[..., Terminal]) -> None:
    for typed, code, state in (("n\n", 2, "active"), ("y\n", 0, "revoked")):
        screen = terminal("token", "revoke", issued.json["id"], "--reason", "old")
        screen.wait_for("[y/N]")
        screen.send(typed)
        assert screen.wait_exit() == code
        assert states(desk) == [state]


def test_a_whole_token_is_refused_as_an_id_and_not_repeated(issued: Ran, desk: Run, tmp_path: Path) -> None:
    secret = (tmp_path / "farm").read_text().strip()
    refused = desk("token", "revoke", secret, "--reason", "x")
    assert refused.code == 2
    assert secret not in refused.out + refused.err


def test_ended_tokens_are_folded_until_they_are_asked_for(issued: Ran, desk: Run, tmp_path: Path) -> None:
    for number in range(3):
        made = desk(
            "token",
            "issue",
            "nightly-build",
            "--label",
            f"old-{number}",
            "--json",
            "--to",
            f"file:{tmp_path / str(number)}",
        )
        desk("token", "revoke", made.json["id"], "--reason", "old")
    listed = desk("token", "list", "nightly-build")
    folded = listed.out
    assert listed.err == "3 ended tokens (use --all)\n"
    assert "ended" not in folded
    assert "old-0" not in folded
    assert folded.splitlines()[1].startswith("farm")
    assert "old-0" in desk("token", "list", "nightly-build", "--all").out
    assert "old-0" in desk("token", "list", "--state", "revoked").out
    assert len(desk("token", "list", "--json").json) == 4
    assert [one["label"] for one in desk("token", "list", "--state", "active", "--json").json] == ["farm"]


@pytest.mark.sqlite
def test_the_list_fits_eighty_columns_on_a_terminal(
    desk: Run, tmp_path: Path, terminal: Callable[..., Terminal]
) -> None:
    desk("token", "issue", "nightly-build", "--label", "l" * 80, "--to", f"file:{tmp_path / 'x'}")
    for words in (("token", "list"), ("token", "list", "nightly-build"), ("audit", "list"), ("doctor",)):
        screen = terminal(*words, more={"NO_COLOR": "1"})
        assert screen.wait_exit() == 0
        assert all(len(line) <= 80 for line in said(screen).splitlines() if not line.startswith("hint")), said(screen)


@pytest.mark.parametrize("label", ["[red]x[/red]", "[@click=app.quit]x[/]"])
def test_markup_in_a_label_is_text(desk: Run, tmp_path: Path, label: str) -> None:
    assert desk("token", "issue", "nightly-build", "--label", label, "--to", f"file:{tmp_path / 'x'}").code == 0
    assert label in desk("token", "list").out


@pytest.mark.parametrize("label", ["", "a\x1b[31mb", "a\u202eb", "a\nb", "x" * 10_000])
def test_hostile_labels_are_refused(desk: Run, tmp_path: Path, label: str) -> None:
    assert desk("token", "issue", "nightly-build", "--label", label, "--to", f"file:{tmp_path / 'x'}").code == 2
    assert not (tmp_path / "x").exists()


def test_wrong_durations_are_refused_with_an_example(issued: Ran, desk: Run, tmp_path: Path) -> None:
    target = f"file:{tmp_path / 'x'}"
    for words in (
        ("issue", "nightly-build", "--label", "x", "--lifetime", "3 months", "--to", target),
        ("rotate", issued.json["id"], "--overlap", "-1h", "--to", target),
    ):
        refused = desk("token", *words)
        assert refused.code == 2
        assert "90d" in refused.err or "--help" in refused.err
    assert len(states(desk)) == 1


def test_a_token_of_a_disabled_account_is_not_listed_as_one_that_works(issued: Ran, desk: Run) -> None:
    assert [one["suspended"] for one in desk("token", "list", "--json").json] == [False]
    assert desk("account", "disable", "nightly-build").code == 0
    assert "active (refused)" in desk("token", "list").out
    assert [(one["state"], one["suspended"]) for one in desk("token", "list", "--json").json] == [("active", True)]
    assert "(1)" in desk("account", "list").out.split()
    assert desk("account", "enable", "nightly-build").code == 0
    assert "refused" not in desk("token", "list").out
    assert "(1)" not in desk("account", "list").out.split()
