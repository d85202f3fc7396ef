"""Settings: defaults, then the file, then the environment, then the command line."""

from pathlib import Path

import pytest

from botdesk import settings
from botdesk.errors import InvalidInput


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return tmp_path / "config.toml"


def load(config: Path, *, store: str | None = None, **environ: str) -> settings.Settings:
    return settings.load(store=store, environ={"BOTDESK_CONFIG": str(config), **environ})


def test_without_anything_said_the_defaults_hold(config: Path) -> None:
    found = load(config)
    assert found.store == str(settings.default_store())
    assert (found.clipboard, found.clipboard_seconds) == ("auto", 45)
    assert (found.argon2_memory_kib, found.argon2_passes, found.argon2_lanes) == (19 * 1024, 2, 1)
    assert found.config_file == config


def test_the_command_line_wins_over_the_environment_and_that_over_the_file(config: Path) -> None:
    config.write_text('store = "/from/file.db"\nclipboard_seconds = 10\nclipboard = "osc52"\n')
    assert load(config).store == "/from/file.db"
    found = load(config, BOTDESK_STORE="/from/environ.db", BOTDESK_CLIPBOARD_SECONDS="20")
    assert (found.store, found.clipboard_seconds, found.clipboard) == ("/from/environ.db", 20, "osc52")
    assert load(config, store="/said.db", BOTDESK_STORE="/from/environ.db").store == "/said.db"


def test_a_command_is_a_list_of_words_or_words_as_a_shell_quotes_them(config: Path) -> None:
    words = ("vault", "kv", "put", "secret/{account} x", "token=-")
    config.write_text(f"bulk_command = {list(words)!r}\n")
    assert load(config).bulk_command == words
    assert load(config, BOTDESK_BULK_COMMAND="vault kv put 'secret/{account} x' token=-").bulk_command == words


def test_an_empty_variable_says_nothing(config: Path) -> None:
    assert load(config, BOTDESK_STORE="", BOTDESK_CLIPBOARD="").store == str(settings.default_store())


def test_the_state_folder_may_be_written_with_a_tilde(config: Path) -> None:
    config.write_text('state_dir = "~/desk-state"\n')
    assert load(config).state_dir == Path.home() / "desk-state"


@pytest.mark.parametrize(
    "text",
    [
        "clipboard = 'printer'",
        "clipboard_seconds = 4",
        "clipboard_seconds = 601",
        "clipboard_seconds = 'soon'",
        "clipboard_seconds = 10.5",
        "argon2_memory_kib = 1000000000",
        "argon2_passes = 0",
        "colour = 'red'",
        "store = ",
        "\x00",
    ],
)
def test_what_is_no_setting_is_refused_with_a_hint(config: Path, text: str) -> None:
    config.write_text(text)
    with pytest.raises(InvalidInput) as refused:
        load(config)
    assert refused.value.hint


def test_a_file_that_cannot_be_read_is_told_with_its_name(config: Path) -> None:
    config.write_bytes(b"store = '\xff'")
    with pytest.raises(InvalidInput, match=str(config)):
        load(config)
    config.unlink()
    config.mkdir()
    with pytest.raises(InvalidInput, match=str(config)):
        load(config)


def test_a_wrong_variable_is_refused_too(config: Path) -> None:
    with pytest.raises(InvalidInput, match="argon2_lanes"):
        load(config, BOTDESK_ARGON2_LANES="many")
