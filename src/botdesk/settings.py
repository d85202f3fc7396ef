"""Where files live and how botdesk behaves: one frozen `Settings` from defaults, a TOML file and the environment.

The file is `config.toml` in the platform's configuration folder; a variable `BOTDESK_<NAME>` overrides it, and
what a front door was told on its command line overrides both.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Final

from botdesk.errors import InvalidInput

CLIPBOARD_WAYS: Final = ("auto", "native", "osc52")
RECORDING_WAYS: Final = ("each", "coalesced")
NOTIFY_KINDS: Final = ("revoked", "reuse", "overdue", "admin")


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How botdesk behaves.

    Attributes:
        store: A path of an SQLite file or a URL; it may hold a password, so it is not shown.
        state_dir: The folder for what an operator's own program remembers.
        config_file: The file that was read, whether it exists or not.
        clipboard: `auto`, `native` or `osc52`.
        clipboard_seconds: After how many seconds a copied secret is cleared.
        argon2_memory_kib: Memory of one argon2id computation, in KiB.
        argon2_passes: Passes of one argon2id computation.
        argon2_lanes: Lanes of one argon2id computation.
        argon2_at_once: How many argon2id computations may run at once in a process.
        argon2_queue: How many more may wait for their turn; what comes beyond is turned away for a moment.
        record_uses: `each` use of a token is an event, or repeated ones from one source are `coalesced` into one a
            minute, with a count.
        gate_listen: Where the gate listens: `HOST:PORT`, or `unix:/path`.
        gate_workers: How many processes the gate answers with.
        gate_trusted_proxies: The networks whose word on a request's method, path and client address the gate takes.
        notify: A command that is told what somebody should hear of, each as JSON on its stdin; empty for none.
        notify_webhook: A Slack-compatible URL that is told the same; whoever knows it can write there.
        notify_on: Of what they are told.
        bulk_command: The command that takes each secret of a rotation of many on its stdin, unless another is said.
        confined: Whoever uses the desk may not use the host: set by the SSH entry, never by a file or a variable.
        gate_issuer: What the gate calls this desk in `iss` (RFC 7662 §2.2).
    """

    store: str = field(repr=False)
    state_dir: Path
    config_file: Path
    clipboard: str = "auto"
    clipboard_seconds: int = 45
    argon2_memory_kib: int = 19 * 1024
    argon2_passes: int = 2
    argon2_lanes: int = 1
    argon2_at_once: int = 2
    argon2_queue: int = 64
    record_uses: str = "each"
    notify: tuple[str, ...] = ()
    notify_webhook: str = field(default="", repr=False)
    notify_on: tuple[str, ...] = NOTIFY_KINDS
    bulk_command: tuple[str, ...] = ()
    confined: bool = False
    gate_listen: str = "127.0.0.1:8420"
    gate_workers: int = 1
    gate_trusted_proxies: tuple[str, ...] = ("127.0.0.0/8", "::1")
    gate_issuer: str = "botdesk"


_BOUNDS: Final = {
    "clipboard_seconds": (5, 600),
    "argon2_memory_kib": (8, 256 * 1024),
    "argon2_passes": (1, 16),
    "argon2_lanes": (1, 8),
    "argon2_at_once": (1, 64),
    "argon2_queue": (1, 10_000),
    "gate_workers": (1, 64),
}
_CHOICES: Final = {"clipboard": CLIPBOARD_WAYS, "record_uses": RECORDING_WAYS}
_NAMES: Final = tuple(field.name for field in fields(Settings) if field.name not in ("config_file", "confined"))


def default_store() -> Path:
    """The store of a desk that nobody named: `botdesk.db` in the platform's data folder."""
    from platformdirs import user_data_path

    return user_data_path("botdesk", appauthor=False) / "botdesk.db"


def load(*, store: str | None = None, environ: Mapping[str, str] | None = None) -> Settings:
    """Read the settings.

    Args:
        store: What the command line said; overrides `BOTDESK_STORE` and the file.
        environ: The environment; the process's own by default.

    Raises:
        InvalidInput: The file is no TOML, or a setting is unknown or out of range.
    """
    from platformdirs import PlatformDirs

    environ = os.environ if environ is None else environ
    folders = PlatformDirs("botdesk", appauthor=False)
    config_file = Path(environ.get("BOTDESK_CONFIG") or folders.user_config_path / "config.toml")
    values: dict[str, Any] = {
        "store": str(default_store()),
        "state_dir": str(folders.user_state_path),
    }
    values |= _from_file(config_file) | _from_environment(environ)
    if store:
        values["store"] = store
    checked = {name: _checked(name, value) for name, value in values.items()}
    return Settings(config_file=config_file, **checked)


def _from_file(path: Path) -> dict[str, Any]:
    try:
        text = path.read_text("utf-8")
    except FileNotFoundError:
        return {}
    except (UnicodeDecodeError, OSError) as error:
        raise _unreadable(path, error) from None
    import tomllib

    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise _unreadable(path, error) from None
    for name in values:
        if name not in _NAMES:
            raise InvalidInput(f"unknown setting {name!r} in '{path}'", hint=f"settings are: {', '.join(_NAMES)}")
    return values


def _unreadable(path: Path, error: Exception) -> InvalidInput:
    return InvalidInput(f"the settings file '{path}' cannot be read", hint=f"mend or remove it: {error}")


def _from_environment(environ: Mapping[str, str]) -> dict[str, Any]:
    found = {name: environ.get(f"BOTDESK_{name.upper()}") for name in _NAMES}
    return {name: value for name, value in found.items() if value}


def _checked(name: str, value: Any) -> Any:
    if name == "state_dir":
        return Path(os.path.expanduser(str(value)))  # noqa: PTH111
    if name in _CHOICES and value not in _CHOICES[name]:
        raise InvalidInput(f"the setting {name!r} cannot be {value!r}", hint=f"use {', '.join(_CHOICES[name])}")
    if name in _BOUNDS:
        return _whole_number(name, value)
    if name == "gate_trusted_proxies":
        return _networks(name, value)
    if name in ("notify", "notify_on", "bulk_command"):
        return _words(name, value)
    if name == "notify_webhook":
        _refuse_url(str(value))
    return str(value)


def _words(name: str, value: Any) -> tuple[str, ...]:
    import shlex

    try:
        words = tuple(map(str, value)) if isinstance(value, list) else tuple(shlex.split(str(value)))
    except ValueError:
        raise InvalidInput(f"the setting {name!r} has a quote without its end", hint="write it as a list") from None
    if name == "notify_on" and (wrong := [word for word in words if word not in NOTIFY_KINDS]):
        raise InvalidInput(f"the setting {name!r} cannot be {wrong[0]!r}", hint=f"use {', '.join(NOTIFY_KINDS)}")
    return words


def _refuse_url(url: str) -> None:
    """Refuse a webhook that would tell in the clear; the URL itself is not told, for it opens the channel."""
    from urllib.parse import urlsplit

    try:
        found = urlsplit(url)
        place, host = found.scheme, found.hostname or ""
    except ValueError:
        place, host = "", ""
    near = host in ("localhost", "127.0.0.1", "::1")
    if not host or not (place == "https" or (place == "http" and near)):
        raise InvalidInput(
            "the setting 'notify_webhook' is no https URL", hint="as in https://hooks.slack.com/services/…"
        )


def _networks(name: str, value: Any) -> tuple[str, ...]:
    from ipaddress import ip_network

    words = [str(word) for word in value] if isinstance(value, list) else str(value).replace(",", " ").split()
    try:
        return tuple(str(ip_network(word)) for word in words if word != "none")
    except ValueError:
        raise InvalidInput(
            f"the setting {name!r} cannot be {value!r}",
            hint="use addresses and networks as in '127.0.0.1 10.0.0.0/8', or 'none'",
        ) from None


def _whole_number(name: str, value: Any) -> int:
    low, high = _BOUNDS[name]
    try:
        number = int(str(value))
    except ValueError:
        number = low - 1
    if not low <= number <= high:
        raise InvalidInput(f"the setting {name!r} cannot be {value!r}", hint=f"use a whole number from {low} to {high}")
    return number
