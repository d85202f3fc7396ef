"""The exit codes, the tables and the texts that go out."""

import io
import json

import pytest
from rich.cells import cell_len

import botdesk.errors
from botdesk.cli import output


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        ("InvalidInput", 2),
        ("NotFound", 3),
        ("AccessDenied", 4),
        ("Conflict", 5),
        ("InvalidToken", 6),
        ("InsufficientScope", 6),
        ("HandoffFailed", 7),
        ("AuditBroken", 8),
        ("StoreError", 8),
        ("SchemaMismatch", 8),
        ("Overloaded", 8),
    ],
)
def test_errors_end_with_the_documented_exit_code(kind: str, code: int, capsys: pytest.CaptureFixture[str]) -> None:
    error = getattr(botdesk.errors, kind)("it went wrong", hint="try again")
    assert output.report(error) == code
    out, err = capsys.readouterr()
    assert (out, err) == ("", "botdesk: it went wrong\nhint: try again\n")


def test_an_unexpected_exception_shows_its_type_and_no_value(capsys: pytest.CaptureFixture[str]) -> None:
    assert output.report(ValueError("bdk_secret")) == 1
    err = capsys.readouterr().err
    assert "internal error: ValueError" in err
    assert "bdk_secret" not in err
    assert "Traceback" not in err


def test_an_interrupt_ends_with_130() -> None:
    assert output.report(KeyboardInterrupt()) == 130


def test_a_table_fits_the_terminal_and_cuts_the_widest_cells() -> None:
    rows = [("a-very-long-account-name-that-goes-on-and", "x" * 90, "active", "b" * 40)]
    lines = output.laid_out(("NAME", "LABEL", "STATE", "MANAGED BY"), rows, width=80)
    assert all(cell_len(line) <= 80 for line in lines)
    assert "active" in lines[1]
    assert lines[1].count("…") >= 2


def test_wide_characters_keep_columns_aligned() -> None:
    lines = output.laid_out(("NAME", "STATE"), [("東京", "active"), ("oslo", "active")], width=80)
    assert len({cell_len(line[: line.index("active")]) for line in lines[1:]}) == 1


def test_a_cell_without_a_terminal_is_whole_up_to_a_bound() -> None:
    lines = output.laid_out(("DETAIL",), [("y" * 100,), ("z" * 10_000,)], width=None)
    assert lines[1] == "y" * 100
    assert cell_len(lines[2]) == output.WIDEST_CELL


@pytest.mark.parametrize(
    "hostile", ["\x1b]0;owned\x07", "\x1b[31mred", "a\u202eb", "a\u200bb", "a\nb", "a\x9bm", "a\rb"]
)
def test_hostile_cells_are_drawn_harmlessly(hostile: str) -> None:
    line = "".join(output.laid_out(("NAME",), [(hostile,)], width=80)[1:])
    assert not any(bad in line for bad in "\x1b\x07\u202e\u200b\n\x9b\r")


def test_words_of_state_are_coloured_and_nothing_else_is() -> None:
    lines = output.laid_out(("NAME", "STATE"), [("active", "active"), ("bot", "disabled")], width=80, coloured=True)
    assert lines[1] == "active  \x1b[32mactive  \x1b[0m"
    assert lines[2] == "bot     \x1b[33mdisabled\x1b[0m"


def test_markup_is_only_text() -> None:
    assert output.laid_out(("NAME",), [("[red]x[/x]",)], width=80)[1] == "[red]x[/x]"


def test_json_is_ascii_whatever_is_stored(capsys: pytest.CaptureFixture[str]) -> None:
    hostile = "\x1b]0;x\x07\u202e\x7f\x9b é"
    output.as_json({"label": hostile})
    out = capsys.readouterr().out
    assert out.isascii()
    assert not any(bad in out for bad in "\x1b\x07\x7f")
    assert json.loads(out) == {"label": hostile}


def test_colours_are_for_terminals_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    assert output.coloured(Terminal())
    assert not output.coloured(io.StringIO())
    monkeypatch.setenv("NO_COLOR", "1")
    assert not output.coloured(Terminal())
