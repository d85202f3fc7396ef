"""Hostile text, entered through commands or planted in the store: refused, or drawn harmlessly."""

import csv
import io
import json
import shlex
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.cells import cell_len

from tests.integrity import house
from tests.terminal import Terminal

from .conftest import Run, said

HOSTILE = {
    "markup": "[red]x[/red][@click=app.quit]y[/]",
    "ANSI": "a\x1b[2J\x1b[31mb",
    "OSC 52": "a\x1b]52;c;b3duZWQ=\x07b",
    "title": "a\x1b]0;owned\x07b",
    "C1": "a\x9b2Jb\x9d0;x\x9c",
    "bidi": "a\u202eb\u2066c",
    "zero width": "a\u200bb\u200dc\ufeff",
    "lines": "a\nb\rc\td",
    "long": "x" * 10_000,
    "wide": "東" * 5_000,
    "stacked": "a" + "\u0301" * 500,
    "formula": "=HYPERLINK(1)",
    "NUL": "a\x00b",
}
REFUSED = ("ANSI", "OSC 52", "title", "C1", "bidi", "zero width", "lines", "long", "wide", "stacked")


def harmless(text: str) -> bool:
    return all(line.isprintable() for line in text.removesuffix("\n").split("\n"))


ENTRIES: dict[str, tuple[str, ...]] = {
    "account name": ("account", "create", "{}"),
    "account description": ("account", "create", "new-bot", "--description", "{}"),
    "new description": ("account", "modify", "nightly-build", "--description", "{}"),
    "scope": ("account", "modify", "nightly-build", "--scope", "{}"),
    "reason to disable": ("account", "disable", "nightly-build", "--reason", "{}"),
    "reason to remove": ("account", "remove", "nightly-build", "--yes", "--reason", "{}"),
    "label": ("token", "issue", "nightly-build", "--to", "command:cat", "--label", "{}"),
    "person": ("person", "add", "--", "{}"),
    "full name": ("person", "add", "eve", "--full-name", "{}"),
    "role": ("role", "create", "{}"),
    "role description": ("role", "create", "platform", "--description", "{}"),
}


@pytest.mark.parametrize("entry", ENTRIES)
def test_what_is_entered_is_refused_with_a_hint_and_told_harmlessly(desk: Run, entry: str) -> None:
    before = desk("audit", "verify", "--json").json["events"]
    for name in REFUSED:
        refused = desk(*[word.format(HOSTILE[name]) for word in ENTRIES[entry]])
        assert refused.code == 2, name
        assert "hint:" in refused.err
        assert len(refused.err) < 700
        assert harmless(refused.err), name
        assert refused.out == ""
    assert desk("audit", "verify", "--json").json["events"] == before


NAMES: dict[str, tuple[str, ...]] = {
    "account": ("account", "show", "--", "{}"),
    "token": ("token", "show", "--", "{}"),
    "grantee": ("grant", "give", "nightly-build", "--level", "view", "--person", "{}"),
    "role": ("role", "add", "--", "{}", "ben"),
    "actor": ("audit", "list", "--actor", "{}"),
    "text": ("audit", "list", "--text", "{}"),
    "filter": ("account", "list", "--text", "{}"),
    "time": ("audit", "list", "--since", "{}"),
    "store": ("account", "list", "--store", "{}"),
    "somebody's home": ("account", "list", "--store", "~{}/x"),
    "in whose stead": ("account", "list", "--as", "{}"),
    "target": ("token", "issue", "nightly-build", "--label", "x", "--to", "{}"),
    "command": ("{}",),
    "option": ("account", "list", "--{}"),
}


@pytest.mark.parametrize("name", NAMES)
def test_what_is_asked_for_is_answered_harmlessly(
    desk: Run, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for how in (*HOSTILE, "no UTF-8"):
        text = HOSTILE.get(how, "a\udcff\udc80b")
        answered = desk(*[word.format(text) for word in NAMES[name]])
        assert answered.code in (0, 2, 3, 4, 8), answered.err
        assert "internal error" not in answered.err, how
        assert harmless(answered.err), how
        assert harmless(answered.out), how


COLUMNS = (
    *(("account", column) for column in ("name", "description", "scopes", "disabled_reason")),
    *(("token", column) for column in ("label", "scopes", "delivered_to", "revoked_reason", "last_used_from")),
    *(("person", column) for column in ("full_name",)),
    *(("role", column) for column in ("name", "description", "scopes")),
    *(("event", column) for column in ("actor", "account", "source", "detail", "action", "subject_id")),
)

SHOWN = (
    ("account", "list"),
    ("account", "list", "--text", "a"),
    ("account", "show", "{account}"),
    ("token", "list", "--all"),
    ("token", "list", "{account}", "--all"),
    ("token", "show", "{token}"),
    ("grant", "list"),
    ("grant", "list", "{account}"),
    ("person", "list"),
    ("role", "list"),
    ("audit", "list"),
    ("audit", "verify"),
    ("audit", "export"),
    ("audit", "export", "--format", "csv"),
    ("database", "check"),
    ("doctor",),
)


@pytest.fixture
def furnished(desk: Run, store: Path, tmp_path: Path) -> dict[str, str]:
    """A desk with a row of every kind; gives the ids of its account and its token."""
    take = f"command:{shlex.join([sys.executable, '-c', 'import sys; sys.stdin.read()'])}"
    for words in (
        ("person", "add", "ben"),
        ("role", "create", "platform"),
        ("role", "add", "platform", "ben"),
        ("grant", "give", "nightly-build", "--role", "platform", "--level", "manage"),
        ("grant", "give", "nightly-build", "--person", "ben", "--level", "view"),
    ):
        assert desk(*words).code == 0
    token = desk("token", "issue", "nightly-build", "--label", "farm", "--to", take, "--json").json
    return {"account": token["account_id"], "token": token["id"]}


def plant(store: Path, text: str) -> None:
    with house.tampering(store) as sql:
        for table, column in COLUMNS:
            sql(f'UPDATE "{table}" SET "{column}" = ?', (text,))


@pytest.mark.parametrize("name", HOSTILE)
def test_what_was_planted_in_the_store_is_drawn_harmlessly(
    desk: Run, store: Path, furnished: dict[str, str], name: str
) -> None:
    plant(store, HOSTILE[name])
    for template in SHOWN:
        words = tuple(word.format(**furnished) for word in template)
        shown = desk(*words)
        assert shown.code in (0, 8), shown.err
        assert "internal error" not in shown.err, words
        assert harmless(shown.err), words
        assert harmless(shown.out), words
        if words[1:2] == ("list",):
            assert max(map(cell_len, shown.out.splitlines()), default=0) < 1000, words


@pytest.mark.parametrize("name", HOSTILE)
def test_what_was_planted_is_whole_in_json_and_no_formula_in_csv(
    desk: Run, store: Path, furnished: dict[str, str], name: str
) -> None:
    plant(store, HOSTILE[name])
    for words in SHOWN:
        if words[-1] != "csv" and words[:2] not in (("audit", "export"),):
            shown = desk(*[word.format(**furnished) for word in words], "--json")
            assert shown.out.isascii()
            assert harmless(shown.out), words
            json.loads(shown.out)
    assert desk("account", "show", furnished["account"], "--json").json["description"] == HOSTILE[name]
    assert desk("token", "show", furnished["token"], "--json").json["label"] == HOSTILE[name]
    lines = [json.loads(line) for line in desk("audit", "export").out.splitlines()]
    assert {line["source"] for line in lines[:-1]} == {HOSTILE[name]}
    rows = list(csv.reader(io.StringIO(desk("audit", "export", "--format", "csv").out)))
    assert not [field for row in rows for field in row if field.startswith(("=", "+", "-", "@"))]


def test_a_terminal_gets_nothing_but_lines_of_its_width(
    desk: Run, store: Path, furnished: dict[str, str], terminal: Callable[..., Terminal]
) -> None:
    plant(
        store, "".join(HOSTILE[name] for name in ("markup", "ANSI", "OSC 52", "C1", "bidi", "zero width", "lines")) * 9
    )
    for words in (("account", "list"), ("token", "list"), ("audit", "list"), ("audit", "export"), ("role", "list")):
        screen = terminal(*words, more={"NO_COLOR": "1"})
        assert screen.wait_exit() == 0
        shown = said(screen).replace("\r\n", "\n")
        assert harmless(shown), words
        if "export" not in words:
            assert max(len(line) for line in shown.splitlines()) <= 80, words
