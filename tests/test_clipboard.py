"""The clipboard for real: a display of its own, and tmux in a terminal."""

import base64
import os
import re
import shlex
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from botdesk import bearer, clipboard, handoff
from botdesk.errors import HandoffFailed
from botdesk.handoff import Cleared
from botdesk.target import Clipboard
from botdesk.testing import seeded
from tests.terminal import Terminal

SECRET = bearer.mint(bytes(32), seeded()).token
TEXT = SECRET.reveal()
PAYLOAD = base64.b64encode(TEXT.encode()).decode()
OSC_52 = re.compile(rb"\x1b\]52;c;([^\x07\x1b]*)(?:\x07|\x1b\\)")


@pytest.fixture
def programs(tmp_path: Path) -> Callable[..., dict[str, str]]:
    """An environment in which there are just these programs."""

    def having(*names: str, **environ: str) -> dict[str, str]:
        for name in names:
            (tmp_path / name).write_text("#!/bin/sh\n")
            (tmp_path / name).chmod(0o700)
        return {"PATH": str(tmp_path), **environ}

    return having


@pytest.mark.skipif(sys.platform != "linux", reason="macOS and Windows bring their own clipboard")
def test_the_way_is_native_where_a_display_and_its_program_are(programs: Callable[..., dict[str, str]]) -> None:
    assert clipboard.way(programs(DISPLAY=":0")) == "osc52"
    assert clipboard.way(programs("xclip")) == "osc52"
    assert clipboard.way(programs("xclip", DISPLAY=":0")) == "native"
    assert clipboard.mechanism(programs("xclip", "xsel", DISPLAY=":0")) == "xclip"
    wayland = programs("xclip", "wl-copy", DISPLAY=":0", WAYLAND_DISPLAY="wayland-0")
    assert clipboard.mechanism(wayland) == "wl-copy"
    assert clipboard.mechanism(programs("clip.exe", WSL_DISTRO_NAME="Debian")) == "init_wsl_clipboard"
    assert clipboard.mechanism(programs("klipper", "qdbus", DISPLAY=":0", PATH="/nowhere")) is None


@pytest.mark.parametrize("remote", ["SSH_CONNECTION", "SSH_TTY", "SSH_CLIENT"])
def test_over_ssh_the_terminal_is_asked_unless_the_settings_force_a_way(
    programs: Callable[..., dict[str, str]], remote: str
) -> None:
    environ = programs("xclip", DISPLAY=":0", **{remote: "x"})
    assert clipboard.way(environ) == "osc52"
    assert clipboard.way(environ, "native") == "native"
    assert clipboard.way(programs("xclip", DISPLAY=":0"), "osc52") == "osc52"


@pytest.mark.parametrize(
    ("environ", "sent"),
    [
        ({}, f"\x1b]52;c;{PAYLOAD}\x07"),
        ({"TERM": "xterm-256color"}, f"\x1b]52;c;{PAYLOAD}\x07"),
        ({"TMUX": "/tmp/tmux-0/default,1,0"}, f"\x1bPtmux;\x1b\x1b]52;c;{PAYLOAD}\x07\x1b\\"),
        ({"TERM": "tmux-256color", "SSH_TTY": "/dev/pts/1"}, f"\x1bPtmux;\x1b\x1b]52;c;{PAYLOAD}\x07\x1b\\"),
    ],
    ids=["bare", "xterm", "tmux", "tmux at the other end of SSH"],
)
def test_the_sequence_is_wrapped_for_what_is_around(environ: Mapping[str, str], sent: str) -> None:
    assert clipboard.sequence(SECRET, environ).reveal() == sent
    assert repr(clipboard.sequence(SECRET, environ)) == repr(SECRET)
    assert clipboard.clearing_sequence(environ) == sent.replace(PAYLOAD, "!")
    assert clipboard.advice(environ)


def test_screen_gets_the_sequence_in_pieces_that_it_takes() -> None:
    sent = clipboard.sequence(SECRET, {"STY": "1.pts"}).reveal()
    pieces = re.findall(r"\x1bP(.*?)\x1b\\", sent, re.DOTALL)
    assert "".join(pieces) == f"\x1b]52;c;{PAYLOAD}\x07"
    assert all(len(piece) <= clipboard.SCREEN_PIECE for piece in pieces)
    assert len(pieces) > 1
    assert sent == "".join(f"\x1bP{piece}\x1b\\" for piece in pieces)


@pytest.fixture(scope="module")
def display() -> Iterator[str]:
    """A display of this test's own."""
    reading, writing = os.pipe()
    try:
        server = subprocess.Popen(
            ["Xvfb", "-displayfd", str(writing), "-screen", "0", "64x64x8", "-nolisten", "tcp"],
            pass_fds=[writing],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
    except FileNotFoundError:
        os.close(writing)
        os.close(reading)
        yield ""
        return
    os.close(writing)
    with os.fdopen(reading) as told:
        number = told.readline().strip()
    yield f":{number}"
    server.terminate()
    server.wait(timeout=60)


@pytest.fixture
def native(display: str, needs: Callable[[str], None], monkeypatch: pytest.MonkeyPatch) -> None:
    """That display is where this process is."""
    needs("Xvfb")
    needs("xclip")
    for name in ("WAYLAND_DISPLAY", "WSL_DISTRO_NAME", "SSH_CONNECTION", "SSH_TTY", "SSH_CLIENT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DISPLAY", display)


def held() -> str:
    return subprocess.run(
        ["xclip", "-selection", "clipboard", "-o"], capture_output=True, text=True, timeout=60, check=False
    ).stdout


def copied(text: str) -> None:
    subprocess.run(["xclip", "-selection", "clipboard"], input=text, text=True, timeout=60, check=True)
    assert holds(text)


def holds(text: str) -> bool:
    """Whether the display gets to hold a text: xclip ends before the display has heard of what was copied."""
    end = time.monotonic() + 20
    while (found := held()) != text and time.monotonic() < end:
        time.sleep(0.02)
    return found == text


@pytest.mark.usefixtures("native")
def test_a_display_takes_the_secret_and_gives_it_back_to_the_clearing() -> None:
    receipt = handoff.give(SECRET, Clipboard())
    assert (receipt.method, receipt.certain, receipt.hint) == ("native", True, "")
    assert holds(TEXT)
    assert not _seen_among_processes(TEXT)
    assert receipt.clearing is not None
    assert receipt.clearing.clear() is Cleared.DONE
    assert holds("")
    assert receipt.clearing.clear() is Cleared.LEFT


def _seen_among_processes(text: str) -> list[Path]:
    """Where the text is in any process's arguments, or in those environments that may be read."""
    found = []
    for path in [*Path("/proc").glob("[0-9]*/cmdline"), *Path("/proc").glob("[0-9]*/environ")]:
        try:
            found += [path] if text.encode() in path.read_bytes() else []
        except OSError:
            continue
    return found


@pytest.mark.usefixtures("native")
def test_a_clipboard_that_holds_something_else_by_now_is_left_alone() -> None:
    receipt = handoff.give(SECRET, Clipboard())
    copied("groceries")
    assert receipt.clearing is not None
    assert receipt.clearing.clear() is Cleared.LEFT
    assert holds("groceries")


@pytest.mark.parametrize("broken", ["reading", "clearing"])
def test_a_clipboard_that_cannot_be_read_or_cleared_is_not_told_to_hold_something_else(
    tmp_path: Path, broken: str
) -> None:
    kept = tmp_path / "kept"
    reading = "exit 1" if broken == "reading" else f"cat {kept}; touch {tmp_path}/read"
    program = tmp_path / "xclip"
    program.write_text(f"""#!/bin/sh
case "$*" in *-o*) {reading};; *) [ -e {tmp_path}/read ] && exit 1; cat > {kept};; esac
""")
    program.chmod(0o755)
    environ = {"DISPLAY": ":0", "PATH": f"{tmp_path}:{os.environ['PATH']}"}
    receipt = handoff.give(SECRET, Clipboard(), environ=environ)
    assert receipt.method == "native"
    assert kept.read_text() == TEXT
    assert receipt.clearing is not None
    assert receipt.clearing.clear() is Cleared.UNKNOWN
    assert "clear it by hand" in Cleared.UNKNOWN
    assert kept.read_text() == TEXT


@pytest.mark.usefixtures("native")
def test_a_clipboard_program_that_goes_on_in_the_background_is_a_command_like_any_other() -> None:
    receipt = handoff.give(SECRET, handoff.parse_target("command:xclip -selection clipboard"))
    assert receipt.method == "command"
    assert holds(TEXT)


def test_a_display_that_is_gone_fails_natively_and_the_terminal_is_asked_instead(
    needs: Callable[[str], None], monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    needs("xclip")
    monkeypatch.setenv("DISPLAY", ":9999")
    for name in ("SSH_CONNECTION", "SSH_TTY", "SSH_CLIENT", "TMUX", "STY", "TERM"):
        monkeypatch.delenv(name, raising=False)
    sent: list[str] = []
    with pytest.raises(HandoffFailed, match="no clipboard took the secret"):
        handoff.give(SECRET, Clipboard(), write=sent.append, method="native")
    assert sent == []
    assert handoff.give(SECRET, Clipboard(), write=sent.append).method == "osc52"
    assert PAYLOAD in sent[0]
    assert capfd.readouterr() == ("", "")


GIVE = """
from botdesk import bearer, handoff
from botdesk.errors import HandoffFailed
from botdesk.testing import seeded
try:
    receipt = handoff.give(bearer.mint(bytes(32), seeded()).token, handoff.Clipboard(), method="osc52")
except HandoffFailed as error:
    print(error.message)
    print(error.hint)
else:
    receipt.clearing.clear()
    print(receipt.hint)
"""


@pytest.fixture
def in_tmux(needs: Callable[[str], None]) -> Iterator[Callable[[str], bytes]]:
    """Give the secret away in a real tmux with these settings; gives all that reached the terminal around it."""
    needs("tmux")
    with tempfile.TemporaryDirectory(prefix="bd-") as folder:

        def give(settings: str) -> bytes:
            (Path(folder) / "tmux.conf").write_text(f"{settings}\n")
            (Path(folder) / "give.py").write_text(GIVE)
            done = Path(folder) / "done"
            waiting = f"touch {done}; while [ -e {done} ]; do sleep 0.05; done"
            inner = f"{shlex.quote(sys.executable)} {folder}/give.py; {waiting}"
            environ = {**os.environ, "TERM": "xterm-256color", "TMUX_TMPDIR": folder}
            environ.pop("TMUX", None)
            with Terminal(["tmux", "-f", f"{folder}/tmux.conf", "new-session", inner], environ) as terminal:
                _pump_until(terminal, done.exists)
                terminal.settle()
                done.unlink()
                assert terminal.wait_exit(seconds=60) == 0
                return terminal.raw

        yield give


def _pump_until(terminal: Terminal, reached: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not reached():
        assert terminal.pump() and time.monotonic() < end, terminal.text  # noqa: PT018


def test_tmux_passes_the_secret_on_once_it_is_told_to(in_tmux: Callable[[str], bytes]) -> None:
    passed = in_tmux("set -g allow-passthrough on")
    assert OSC_52.findall(passed) == [PAYLOAD.encode(), b"!"]
    assert TEXT.encode() not in passed


def test_a_tmux_that_would_drop_it_gets_no_secret_and_it_is_told_what_to_set(in_tmux: Callable[[str], bytes]) -> None:
    passed = in_tmux("set -g allow-passthrough off")
    assert OSC_52.findall(passed) == []
    assert PAYLOAD.encode() not in passed
    assert b"would drop the secret" in passed
    assert b"allow-passthrough on" in passed
