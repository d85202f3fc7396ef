"""The secret's bytes are in nothing but the target that it was meant for.

The program runs in a real pseudo-terminal; everything that it writes there is kept, and so are the store, its log, and
what the process shows of itself in /proc.
"""

import base64
import os
import re
import shutil
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from botdesk.bearer import LEAKED
from tests.integrity.house import contents
from tests.stores import Stores
from tests.terminal import Terminal
from tests.tui import program

OSC_52 = re.compile(rb"\x1b\]52;c;([A-Za-z0-9+/=]+)\x07")
ESC, CTRL_S = "\x1b", "\x13"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A private home without anything in it."""
    folder = tmp_path / "home"
    folder.mkdir(mode=0o700)
    return folder


@pytest.fixture
def environ(home: Path) -> dict[str, str]:
    """The environment of an operator who came in by ssh, and who wants a log of Textual's."""
    return program.environ(home, TEXTUAL_LOG=str(home / "textual.log"))


@pytest.fixture
def path(stores: Stores, home: Path) -> Iterator[str]:
    """A store with nothing in it; a file lies in that home."""
    store = stores.new(home)
    yield store
    stores.drop(store)


@pytest.fixture
def terminal(path: str, environ: dict[str, str]) -> Iterator[Terminal]:
    """The program, as its user starts it."""
    with program.started(path, environ) as opened:
        yield opened


def the_secret(raw: bytes) -> str:
    """The last secret that was sent to the clipboard."""
    found = [base64.b64decode(payload).decode() for payload in OSC_52.findall(raw)]
    secrets = [text for text in found if LEAKED.fullmatch(text)]
    assert secrets, "no secret reached the clipboard"
    return secrets[-1]


PART = 16
"""So many letters of a secret in a row are a leak as well."""


def forms(secret: str) -> list[bytes]:
    """Every part of the secret, and what it looks like encoded."""
    confidential = secret.split("_")[2].encode()
    parts = [confidential[start : start + PART] for start in range(len(confidential) - PART + 1)]
    return [*parts, *(part.hex().encode() for part in parts), *map(base64.b64encode, (secret.encode(), confidential))]


def assert_nowhere(secret: str, places: dict[str, bytes]) -> None:
    """Fail where any form of the secret is found."""
    for name, content in places.items():
        assert not any(form in content for form in forms(secret)), f"the secret is in {name}"


def what_lies_about(terminal: Terminal, home: Path, store: str) -> dict[str, bytes]:
    """Everything that is left behind: terminal, the rows of the store, files, argv, environment."""
    places = {"the terminal": OSC_52.sub(b"", terminal.raw), "the store": repr(contents(store)).encode()}
    places |= {str(file): file.read_bytes() for file in home.rglob("*") if file.is_file()}
    for name in ("cmdline", "environ"):
        shown = Path(f"/proc/{terminal.pid}/{name}")
        if os.access(shown, os.R_OK):
            places[str(shown)] = shown.read_bytes()
    return places


def create_and_issue(terminal: Terminal) -> None:
    """Create an account and issue its first token, up to the handoff."""
    terminal.wait_for("no service accounts yet")
    terminal.send("n")
    terminal.wait_for("New service account")
    terminal.send("nightly-build")
    terminal.wait_for("a good name")
    terminal.send(CTRL_S)
    terminal.wait_for("created nightly-build")
    terminal.send("i")
    terminal.wait_for("Issue a token to nightly-build")
    terminal.send("build farm" + CTRL_S)
    terminal.wait_for("Hand the secret over")


def hand_over(terminal: Terminal) -> str:
    """Hand the secret to the clipboard, close the dialog, and return the secret."""
    terminal.send("c")
    terminal.wait_for("sent to your terminal")
    terminal.wait_for("The token works now")
    terminal.send("\r")
    terminal.wait_gone("Hand the secret over")
    terminal.wait_for("active  ")
    terminal.wait_gone("pending")
    return the_secret(terminal.raw)


def test_a_secret_is_in_nothing_but_the_clipboard_it_was_sent_to(
    terminal: Terminal, home: Path, path: str, stores: Stores
) -> None:
    create_and_issue(terminal)
    first = hand_over(terminal)
    terminal.send("o")
    terminal.wait_for("Rotate 'build farm'")
    terminal.send(CTRL_S)
    terminal.wait_for("Hand the secret over")
    second = hand_over(terminal)
    terminal.wait_for("retiring")
    terminal.send("x")
    terminal.wait_for("Revoke 'build farm'")
    terminal.send("leaked" + CTRL_S)
    terminal.wait_for("revoked 'build farm'")
    places = what_lies_about(terminal, home, path)
    terminal.send("q")
    assert terminal.wait_exit() == 0
    places |= {f"{name}, at the end": content for name, content in what_lies_about(terminal, home, path).items()}
    assert first != second
    assert stores.engine == "postgresql" or path in places
    assert b"build farm" in places["the store"]
    assert_nowhere(first, places)
    assert_nowhere(second, places)


def test_the_clipboard_is_cleared_when_the_program_is_left(terminal: Terminal) -> None:
    create_and_issue(terminal)
    hand_over(terminal)
    assert b"\x1b]52;c;!\x07" not in terminal.raw
    terminal.send("q")
    assert terminal.wait_exit() == 0
    assert terminal.raw.endswith(b"\x1b]52;c;!\x07")


def test_pasting_to_check_says_yes_or_no_and_keeps_nothing(terminal: Terminal, home: Path, path: str) -> None:
    create_and_issue(terminal)
    terminal.send("c")
    terminal.wait_for("The token works now")
    secret = the_secret(terminal.raw)
    terminal.send("p")
    terminal.wait_for("paste here to check")
    terminal.send(f"\x1b[200~{'x' * 64}\x1b[201~")
    terminal.wait_for("no: that is something else")
    terminal.send(f"\x1b[200~{secret}\x1b[201~")
    terminal.wait_for("yes: that is the secret")
    terminal.send("\x16\x16")
    terminal.settle()
    assert_nowhere(secret, what_lies_about(terminal, home, path))


def test_leaving_without_a_handoff_revokes_the_token(terminal: Terminal, home: Path) -> None:
    create_and_issue(terminal)
    terminal.send(ESC)
    terminal.wait_for("esc again revokes it")
    terminal.send(ESC)
    terminal.wait_for("it was revoked")
    assert OSC_52.search(terminal.raw) is None


CRASHING = """
    import sys
    from pathlib import Path
    from botdesk import handoff, settings
    from botdesk.tui import start

    def give(secret, target, **kwargs):
        Path(sys.argv[1]).write_text(secret.reveal())
        raise RuntimeError(f"the {target.words} is on fire")

    handoff.give = give
    try:
        code = start.run(settings=settings.load())
    except RuntimeError:
        code = 99
    sys.exit(code)
"""


def test_a_crash_in_the_handoff_shows_no_secret(tmp_path: Path, home: Path, path: str, environ: dict[str, str]) -> None:
    script, kept = tmp_path / "crashing.py", tmp_path / "kept"
    script.write_text(textwrap.dedent(CRASHING), "utf-8")
    environ["BOTDESK_STORE"] = path
    with Terminal([sys.executable, str(script), str(kept)], environ) as terminal:
        create_and_issue(terminal)
        terminal.send("c")
        assert terminal.wait_exit() == 1
        assert b"botdesk crashed: RuntimeError" in terminal.raw
        assert b"on fire" not in terminal.raw
        assert b"Traceback" not in terminal.raw
        assert_nowhere(kept.read_text("utf-8"), what_lies_about(terminal, home, path))


def test_the_native_clipboard_takes_the_secret_on_stdin(
    tmp_path: Path, home: Path, path: str, environ: dict[str, str], needs: Callable[[str], None]
) -> None:
    needs("xclip")
    needs("Xvfb")
    del environ["SSH_CONNECTION"]
    import subprocess

    display = f":{90 + os.getpid() % 400}"
    server = subprocess.Popen(
        [str(shutil.which("Xvfb")), display, "-screen", "0", "64x64x8"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        environ["DISPLAY"] = display
        argv = [sys.executable, "-m", "botdesk", "--store", path]
        with Terminal(argv, environ) as terminal:
            create_and_issue(terminal)
            terminal.send("c")
            terminal.wait_for("copied to the clipboard")
            held = subprocess.run(
                ["xclip", "-selection", "c", "-o"], env=environ, capture_output=True, timeout=10, check=True
            ).stdout.decode()
            assert LEAKED.fullmatch(held)
            assert_nowhere(held, what_lies_about(terminal, home, path))
            terminal.send("\rq")
            assert terminal.wait_exit() == 0
        after = subprocess.run(
            ["xclip", "-selection", "c", "-o"], env=environ, capture_output=True, timeout=10, check=False
        )
        assert LEAKED.search(after.stdout.decode()) is None
    finally:
        server.terminate()
        server.wait()
