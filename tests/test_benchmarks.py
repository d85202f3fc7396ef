"""What the measurements stand on: load that is answered, a terminal that answers, and verdicts that are right."""

import os
import socketserver
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from benchmarks.load import by_asyncio
from benchmarks.measure import Line, table
from benchmarks.terminal import Run

ASK = r"""
import re, sys, termios, tty
before = termios.tcgetattr(0)
tty.setraw(0)
def ask(query, ends):
    sys.stdout.write(query); sys.stdout.flush()
    said = ""
    while not said.endswith(ends):
        said += sys.stdin.read(1)
    return said
said = [ask("\x1b[c", "c"), ask("\x1b[6n", "R"), ask("\x1b[?2048$p", "y"), ask("\x1b]11;?\x07", "\\")]
termios.tcsetattr(0, termios.TCSADRAIN, before)
print("\x1b[?1049h" + repr(said))
"""


class _Empty(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        while self.rfile.readline():
            while self.rfile.readline().strip():
                pass
            self.wfile.write(b"HTTP/1.1 204 No Content\r\n\r\n")


@contextmanager
def answering() -> Iterator[str]:
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Empty) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}/verify"
        finally:
            server.shutdown()
            thread.join()


def test_a_server_under_load_is_measured() -> None:
    with answering() as url:
        found = by_asyncio(url, "none", 2, 1, False)
    assert found.rate > 0
    assert found.p99 > 0


def test_the_terminal_answers_what_programs_wait_for() -> None:
    with Run([sys.executable, "-c", ASK], dict(os.environ), longest=20) as run:
        assert run.painted() > 0
        run.ended()
    assert rb"['\x1b[?62;22c', '\x1b[1;1R', '\x1b[?2048;0$y', '\x1b]11;rgb:0000/0000/0000\x1b\\']" in run.written


def test_a_program_that_paints_nothing_is_given_up() -> None:
    with (
        Run([sys.executable, "-c", "import time; time.sleep(60)"], dict(os.environ), longest=0.5) as run,
        pytest.raises(RuntimeError, match="nothing was painted"),
    ):
        run.painted()


@pytest.mark.parametrize(
    ("ours", "theirs", "aim", "reached"),
    [(6, 10, "≥0.6", "yes"), (5, 10, "≥0.6", "NO"), (11, 10, "≤1.1", "yes"), (12, 10, "≤1.1", "NO"), (1, 2, "", "")],
)
def test_an_aim_is_a_bound_on_the_ratio(ours: float, theirs: float, aim: str, reached: str) -> None:
    assert Line("it", ours, "peer", theirs, aim).reached == reached


def test_a_peer_that_could_not_be_measured_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    table("all", [Line("it", 1.0, "peer", None, "≤1")])
    assert capsys.readouterr().out.splitlines()[-1].split() == ["it", "1.0", "µs", "peer", "not", "measured", "≤1"]
