"""How far long work is, on stderr alone and only where somebody looks at it."""

import io
import sys

import pytest

from botdesk.cli import progress


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def test_a_bar_counts_on_a_terminal_and_is_gone_at_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", shown := Terminal())
    monkeypatch.setenv("TERM", "xterm")
    with progress.bar("events", patience=0) as tell:
        assert tell
        tell(1000, 4000)
    assert "events" in shown.getvalue()
    assert "1000/4000" in shown.getvalue()
    assert shown.getvalue().endswith("\x1b[2K"), "its line is cleared"


def test_a_bar_tells_what_it_goes_on_with(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", shown := Terminal())
    monkeypatch.setenv("TERM", "xterm")
    with progress.bar("verifying the source", patience=0) as tell:
        assert tell
        tell(10, 10)
        tell(1, 40, "copying")
    assert "copying" in shown.getvalue()
    assert "1/40" in shown.getvalue()


def test_what_is_done_soon_shows_no_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", shown := Terminal())
    with progress.bar("events", patience=1e6) as tell:
        assert tell
        tell(1000, 4000)
    assert shown.getvalue() == ""


def test_a_pipe_gets_no_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", shown := io.StringIO())
    with progress.bar("events", patience=0) as tell:
        assert tell is None
    assert shown.getvalue() == ""
