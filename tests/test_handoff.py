"""A secret is given away once: to a file, a command or a clipboard, and nowhere else."""

import base64
import os
import shlex
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from botdesk import bearer, handoff
from botdesk.bearer import LEAKED, Secret
from botdesk.errors import BotdeskError, HandoffFailed
from botdesk.handoff import Cleared
from botdesk.target import Clipboard, Command, File
from botdesk.testing import seeded
from tests.frames import secrets_in

MINTED = bearer.mint(bytes(32), seeded())
SECRET = MINTED.token
TEXT = SECRET.reveal()
PROOF = MINTED.proof.reveal()
FORMS = (TEXT, PROOF, base64.b64encode(TEXT.encode()).decode(), TEXT.encode().hex())


def python(script: str, *arguments: str | Path) -> Command:
    return Command((sys.executable, "-c", f"import os, sys, time\n{script}", *map(str, arguments)))


def sh(script: str) -> Command:
    return Command(("sh", "-c", script))


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o777], ids="{:03o}".format)
def test_a_new_file_has_the_secret_and_mode_0600_whatever_the_umask(tmp_path: Path, umask: int) -> None:
    path = tmp_path / "secret"
    before = os.umask(umask)
    try:
        receipt = handoff.give(SECRET, File(path))
    finally:
        os.umask(before)
    assert path.read_bytes() == TEXT.encode() + b"\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert (receipt.method, receipt.certain, receipt.clearing) == ("file", True, None)
    assert receipt.target_words == f"file:{path}"
    assert str(path) in receipt.words


@pytest.mark.parametrize(
    "there",
    [
        lambda path: path.write_text("mine"),
        lambda path: path.symlink_to("elsewhere"),
        lambda path: path.mkdir(),
        os.mkfifo,
        lambda path: path.symlink_to("/dev/null"),
    ],
    ids=["a file", "a symlink to nothing", "a folder", "a pipe", "a symlink to a device"],
)
def test_a_secret_never_replaces_anything(tmp_path: Path, there: Callable[[Path], object]) -> None:
    path = tmp_path / "secret"
    there(path)
    before = path.lstat()
    with pytest.raises(HandoffFailed, match="is there already") as refused:
        handoff.give(SECRET, File(path))
    assert refused.value.hint
    assert path.lstat() == before
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("path", ["/no/such/folder/secret", "/dev/null/secret", "/proc/secret", "/tmp/" + "x" * 300])
def test_a_file_that_cannot_be_made_is_told_with_the_reason(path: str) -> None:
    with pytest.raises(HandoffFailed, match=r"cannot be made: [A-Z]") as refused:
        handoff.give(SECRET, File(Path(path)))
    assert refused.value.hint


def test_a_full_disk_leaves_no_half_written_file(tmp_path: Path) -> None:
    script = """
import resource, sys
from pathlib import Path
from botdesk import handoff
from botdesk.bearer import Secret
from botdesk.errors import HandoffFailed
resource.setrlimit(resource.RLIMIT_FSIZE, (10, 10))
try:
    handoff.give(Secret("s" * 64), handoff.File(Path(sys.argv[1])))
except HandoffFailed as error:
    sys.exit(f"{error.message}, {error.hint}")
"""
    done = subprocess.run(
        [sys.executable, "-c", script, tmp_path / "secret"], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 1
    assert "cannot be written: File too large, is the disk full?" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_command_gets_the_secret_on_its_stdin_and_nowhere_else(tmp_path: Path) -> None:
    keep = "open(sys.argv[1], 'wb').write(sys.stdin.buffer.read())"
    seen = "b''.join(open(f'/proc/self/{name}', 'rb').read() for name in ('environ', 'cmdline'))"
    look = f"open(sys.argv[2], 'wb').write({seen})"
    receipt = handoff.give(SECRET, python(f"{keep}\n{look}", tmp_path / "taken", tmp_path / "around"))
    assert (tmp_path / "taken").read_bytes() == TEXT.encode()
    assert (tmp_path / "around").read_bytes()
    assert PROOF.encode() not in (tmp_path / "around").read_bytes()
    assert (receipt.method, receipt.certain) == ("command", True)
    assert receipt.target_words.startswith("command:python")


def test_what_a_command_prints_to_stdout_is_not_shown(capfd: pytest.CaptureFixture[str]) -> None:
    handoff.give(SECRET, Command(("cat",)))
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("cat >/dev/null; echo 'not allowed: secret/ci' >&2; exit 3", "'sh' failed with 3: not allowed: secret/ci"),
        ("cat >/dev/null; exit 1", "'sh' failed with 1"),
        ("cat >/dev/null; kill -9 $$", "'sh' failed with -9"),
    ],
)  # fmt: skip
def test_a_command_that_fails_is_told_with_what_it_said(script: str, said: str) -> None:
    with pytest.raises(HandoffFailed) as refused:
        handoff.give(SECRET, sh(script))
    assert refused.value.message == said
    assert refused.value.hint


SPILLS = {
    "as it is": "sys.stderr.write(s)",
    "in a sentence": "sys.stderr.write('no token ' + s + '!')",
    "without its beginning": "sys.stderr.write(s[15:])",
    "a piece of it": "sys.stderr.write('near ' + s[20:40])",
    "in two lines": "sys.stderr.write(s[:40] + '\\n' + s[40:])",
    "reversed": "sys.stderr.write(s[::-1])",
    "in base64": "import base64; sys.stderr.write(base64.b64encode(s.encode()).decode())",
    "in base64 with more": "import base64; sys.stderr.write(base64.b64encode(('token=' + s + '!').encode()).decode())",
    "in base64 with other more": "import base64; sys.stderr.write(base64.b64encode(('key: ' + s).encode()).decode())",
    "in hexadecimal": "sys.stderr.write(s.encode().hex())",
    "in JSON": "import json; json.dump({'data': s}, sys.stderr)",
    "many times": "sys.stderr.write((s + ' ') * 10_000)",
    "quoted by repr": "sys.stderr.write(repr(s.encode()))",
}


@pytest.mark.parametrize("spill", SPILLS)
def test_a_command_cannot_spill_the_secret_into_the_error(spill: str) -> None:
    with pytest.raises(HandoffFailed) as refused:
        handoff.give(SECRET, python(f"s = sys.stdin.read(); {SPILLS[spill]}; sys.exit(1)"))
    shown = refused.value.message
    assert "[redacted]" in shown
    assert len(shown) < handoff.MOST_SAID + 100
    pieces = [form[at : at + 10] for form in _forms() for at in range(len(form) - 10)]
    assert not [piece for piece in pieces if piece in shown]


def _forms() -> Iterator[str]:
    bare = TEXT[15:]
    yield from (bare, bare[::-1], bare.encode().hex())
    for shift in range(3):
        yield base64.b64encode(b"x" * shift + bare.encode()).decode()[4:-4]


def test_what_a_command_says_cannot_steer_the_terminal() -> None:
    with pytest.raises(HandoffFailed) as refused:
        handoff.give(
            SECRET,
            python(r"sys.stdin.read(); sys.stderr.buffer.write(b'\x1b]0;x\x07 \xff caf\xc3\xa9\n\nb\r'); sys.exit(1)"),
        )
    assert refused.value.message.isprintable()
    assert "café" in refused.value.message


@pytest.mark.parametrize("program", ["no-such-program-here", "/etc/passwd", "/", "", "a\0b", "x" * 5000])
def test_a_command_that_cannot_be_started_is_told(program: str) -> None:
    with pytest.raises(HandoffFailed, match="cannot be started") as refused:
        handoff.give(SECRET, Command((program,)))
    assert refused.value.hint


@pytest.mark.parametrize("script", ["true", "exit 0", "exec <&-; sleep 0.1", "head -c 10 >/dev/null"])
def test_a_command_that_does_not_read_it_all_took_nothing(script: str) -> None:
    with pytest.raises(HandoffFailed, match="did not read the secret"):
        handoff.give(SECRET, sh(script))


def test_a_command_that_takes_too_long_is_ended(tmp_path: Path) -> None:
    with pytest.raises(HandoffFailed, match=r"took longer than 0\.5 s") as refused:
        handoff.give(SECRET, sh(f"echo $$ > {shlex.quote(str(tmp_path / 'pid'))}; exec sleep 600"), patience=0.5)
    assert refused.value.hint
    assert not Path(f"/proc/{(tmp_path / 'pid').read_text().strip()}").exists()


@pytest.mark.parametrize("script", ["exec sleep 600", "exec 2>&-; exec sleep 600"])
def test_a_command_that_nobody_waits_for_any_more_is_ended(tmp_path: Path, script: str) -> None:
    pid = tmp_path / "pid"
    with pytest.raises(HandoffFailed, match="was cut off"):
        handoff.give(SECRET, sh(f"echo $$ > {shlex.quote(str(pid))}; {script}"), cut=lambda: pid.exists())
    assert not Path(f"/proc/{pid.read_text().strip()}").exists()


@pytest.mark.parametrize(("script", "patience"), [("true", 60), ("false", 60), ("exec sleep 600", 2)])
@pytest.mark.parametrize("apart", ["", "setsid"], ids=["in its group", "in a session of its own"])
def test_what_a_failed_command_left_behind_never_gets_the_secret(
    tmp_path: Path, script: str, patience: int, apart: str
) -> None:
    go, got, half, pid = (tmp_path / name for name in ("go", "got", "half", "pid"))
    later = f"echo $$ > {pid}; while [ ! -e {go} ]; do sleep 0.01; done; cat > {half}; mv {half} {got}"
    child = shlex.join([*apart.split(), "sh", "-c", later])
    begun = f"exec 3<&0; {child} <&3 & while [ ! -s {pid} ]; do sleep 0.01; done"
    with pytest.raises(HandoffFailed):
        handoff.give(SECRET, sh(f"{begun}; {script}"), patience=patience)
    go.touch()
    if apart:
        _wait(got.exists)
        assert got.read_bytes() == b""
    else:
        _wait(lambda: _is_over(int(pid.read_text())))
        assert not got.exists()


def _wait(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.01)


def _is_over(pid: int) -> bool:
    """Whether a process has ended, collected or not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def test_a_command_that_goes_on_in_the_background_is_not_waited_for(tmp_path: Path) -> None:
    stop = tmp_path / "stop"
    waiting = f"cat >/dev/null; (while [ ! -e {shlex.quote(str(stop))} ]; do sleep 0.05; done) & exit 0"
    try:
        assert handoff.give(SECRET, sh(waiting), patience=1e6).method == "command"
    finally:
        stop.touch()


def test_a_command_that_says_very_much_is_heard_to_its_end() -> None:
    with pytest.raises(HandoffFailed, match="the last word"):
        handoff.give(
            SECRET, python("sys.stdin.read(); sys.stderr.write('x ' * 1_000_000 + 'the last word'); sys.exit(1)")
        )


def test_a_receipt_knows_the_secret_when_it_is_pasted_and_shows_it_nowhere(tmp_path: Path) -> None:
    receipt = handoff.give(SECRET, File(tmp_path / "secret"))
    assert receipt.matches(TEXT)
    assert receipt.matches(f"  {TEXT}\n")
    assert not receipt.matches(TEXT[:-1])
    assert not receipt.matches("")
    assert not any(form in repr(receipt) for form in FORMS)


def _broken(text: str) -> None:
    raise RuntimeError("the terminal is gone")


FAILURES: dict[str, Callable[[Path], object]] = {
    "a file that is there": lambda folder: handoff.give(SECRET, File(folder)),
    "a file in no folder": lambda folder: handoff.give(SECRET, File(folder / "no" / "file")),
    "a command that is not there": lambda _: handoff.give(SECRET, Command(("no-such-program",))),
    "a command that fails": lambda _: handoff.give(SECRET, python("sys.exit(sys.stdin.read())")),
    "a command that reads nothing": lambda _: handoff.give(SECRET, sh("true")),
    "a command that takes long": lambda _: handoff.give(SECRET, sh("sleep 600"), patience=0.2),
    "no terminal": lambda _: handoff.give(SECRET, Clipboard(), write=_broken, method="osc52", environ={}),
    "no clipboard": lambda _: handoff.give(SECRET, Clipboard(), method="native", environ={}),
    "a secret in a text": lambda _: f"{SECRET}",
}


@pytest.mark.parametrize("failure", FAILURES)
def test_no_error_that_leaves_a_handoff_has_the_secret_in_its_frames(tmp_path: Path, failure: str) -> None:
    with pytest.raises((BotdeskError, TypeError)) as raised:
        FAILURES[failure](tmp_path)
    assert secrets_in(raised.value, *FORMS) == []


@pytest.fixture
def interrupted() -> Iterator[Callable[[float], None]]:
    """Press Ctrl-C, so to say, after a while."""
    before = signal.signal(signal.SIGALRM, signal.default_int_handler)

    def press(seconds: float) -> None:
        signal.setitimer(signal.ITIMER_REAL, seconds)

    yield press
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)


def test_an_interrupt_leaves_no_secret_in_a_frame_and_no_command_behind(
    interrupted: Callable[[float], None], tmp_path: Path
) -> None:
    endless = Secret(TEXT * 5_000)
    stuck = sh(f"echo $$ > {shlex.quote(str(tmp_path / 'pid'))}; exec sleep 600")
    interrupted(1)
    with pytest.raises(KeyboardInterrupt) as raised:
        handoff.give(endless, stuck)
    assert secrets_in(raised.value, *FORMS) == []
    assert not Path(f"/proc/{(tmp_path / 'pid').read_text().strip()}").exists()


def test_the_sequence_for_the_terminal_is_all_that_a_terminal_gets() -> None:
    sent: list[str] = []
    receipt = handoff.give(SECRET, Clipboard(), write=sent.append, method="osc52", environ={})
    assert sent == [f"\x1b]52;c;{base64.b64encode(TEXT.encode()).decode()}\x07"]
    assert (receipt.method, receipt.certain) == ("osc52", False)
    assert "sent to your terminal" in receipt.words
    assert receipt.hint
    assert receipt.clearing is not None
    assert receipt.clearing.clear() is Cleared.ASKED
    assert sent[1:] == ["\x1b]52;c;!\x07"]
    assert not any(form in repr((receipt, receipt.clearing)) for form in FORMS)


def test_a_terminal_that_cannot_be_written_to_is_a_failed_handoff() -> None:
    with pytest.raises(HandoffFailed, match="no terminal") as refused:
        handoff.give(SECRET, Clipboard(), write=_broken, method="osc52", environ={})
    assert "file:PATH" in refused.value.hint
    assert not LEAKED.search(refused.value.message)
