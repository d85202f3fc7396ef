"""The hierarchy of errors, and that each front door knows every one of them."""

import ast
import importlib
import pkgutil
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import botdesk
from botdesk import errors
from botdesk.errors import BotdeskError

SOURCE = Path(botdesk.__file__).parent


def kinds(root: type[BotdeskError] = BotdeskError) -> list[type[BotdeskError]]:
    return [kind for child in root.__subclasses__() for kind in (child, *kinds(child))]


@pytest.fixture(scope="module", autouse=True)
def _everything_is_imported() -> None:
    """An error that any module defines is a subclass only once that module was imported."""
    for module in pkgutil.walk_packages(botdesk.__path__, "botdesk."):
        if "schema.env" not in module.name and "__main__" not in module.name:
            importlib.import_module(module.name)


def ours() -> list[type[BotdeskError]]:
    """The errors that anybody may meet; what is raised and caught within one front door is its own."""
    return [kind for kind in kinds() if kind.__module__ == errors.__name__]


def test_the_drawing_of_the_hierarchy_is_true() -> None:
    drawn = re.findall(r"^ *│? *[├└]── (\w+)", str(errors.__doc__), re.MULTILINE)
    assert drawn == [kind.__name__ for kind in ours()]
    nested = re.findall(r"^ {8}[├└]── (\w+)", str(errors.__doc__), re.MULTILINE)
    assert nested == [kind.__name__ for kind in ours() if BotdeskError not in kind.__bases__]
    assert all(kind in ours() or set(kind.__bases__) <= set(ours()) for kind in kinds())


def tables() -> Iterator[tuple[str, dict[type[BotdeskError], object]]]:
    """Every mapping from errors that a front door has: exit codes, severities, HTTP statuses."""
    for module in pkgutil.walk_packages(botdesk.__path__, "botdesk."):
        if module.name.split(".")[1] in ("cli", "tui", "gate"):
            for name, value in vars(importlib.import_module(module.name)).items():
                keys = list(value) if isinstance(value, dict) else []
                if keys and all(isinstance(key, type) and issubclass(key, BotdeskError) for key in keys):
                    yield f"{module.name}.{name}", value


def test_each_front_doors_table_has_every_error_and_no_other() -> None:
    found = dict(tables())
    assert {name.split(".")[1] for name in found} >= {"cli", "tui"}
    for name, table in found.items():
        assert set(table) == set(ours()), name


def test_an_error_carries_its_message_and_its_hint() -> None:
    error = errors.Conflict("the name 'ci-bot' is taken", hint="choose another")
    assert (str(error), error.message, error.hint) == (
        "the name 'ci-bot' is taken",
        "the name 'ci-bot' is taken",
        "choose another",
    )
    assert BotdeskError("it went wrong").hint == ""


def raised() -> Iterator[tuple[str, ast.Call]]:
    """Every call in the source that makes one of the errors."""
    names = {kind.__name__ for kind in ours()}
    for path in sorted(SOURCE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in names:
                yield f"{path.relative_to(SOURCE)}:{node.lineno}", node


def _beginning(text: ast.expr) -> str:
    """The letters that a message certainly begins with."""
    if isinstance(text, ast.JoinedStr):
        text = text.values[0]
    return str(text.value) if isinstance(text, ast.Constant) else ""


def _end(text: ast.expr) -> str:
    if isinstance(text, ast.JoinedStr):
        text = text.values[-1]
    return str(text.value) if isinstance(text, ast.Constant) else ""


SAY = ("SQLite", "OSC 52", "PostgreSQL")


def test_messages_begin_in_lower_case_end_without_a_stop_and_bring_a_hint() -> None:
    found = list(raised())
    assert len(found) > 100
    for where, call in found:
        beginning, end = _beginning(call.args[0]), _end(call.args[0])
        assert beginning.startswith(SAY) or beginning[:1] == beginning[:1].lower(), where
        assert not end.endswith((".", "!", "\n")), where
        assert "hint" in {keyword.arg for keyword in call.keywords}, where
