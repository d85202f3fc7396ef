"""The dialogs before something is done to many: what, how, and where the secrets of a rotation go."""

import shlex
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from botdesk import handoff, runner, wording
from botdesk.bulk import Order, Verb
from botdesk.errors import InvalidInput
from botdesk.handoff import Command
from botdesk.tui.dialogs.form import Field, Form, reason_field
from botdesk.tui.dialogs.token import overlap

VERBS: Final[Mapping[Verb, str]] = {
    Verb.REVOKE: "revoke: tokens are refused at the next request",
    Verb.ROTATE: "rotate: each new secret goes to a command",
    Verb.EXTEND: "extend: tokens work longer",
    Verb.DISABLE: "disable: accounts' tokens are refused for a while",
    Verb.ENABLE: "enable: disabled accounts' tokens work again",
    Verb.GRANT: "grant: a role or a person gets access",
}
LIFETIME_HINT: Final = "of the new ones; empty for each account's own; or 'never'"
COMMAND_HINT: Final = "gets each secret on its stdin; names {account}, {token_id}, {predecessor_id}"


@dataclass(frozen=True, slots=True)
class Ordered:
    """What is to be done to many, and where the secrets of a rotation go."""

    order: Order
    target: Command | None = None


class VerbDialog(Form[Verb]):
    """Ask what is to be done."""

    def __init__(self, about: str, verbs: Sequence[Verb]) -> None:
        """Make the dialog.

        Args:
            about: What it is to be done to, in words.
            verbs: What can be.
        """
        super().__init__(
            f"What is to be done to {about}?",
            [Field("verb", "What", verbs[0], options=[(verb, VERBS[verb]) for verb in verbs], check=Verb)],
            said="What will happen to each is shown before anything happens.",
        )

    def result(self, values: dict[str, Any]) -> Verb:
        """Take what was chosen."""
        return Verb(values["verb"])


class OrderDialog(Form[Ordered]):
    """Ask how it is to be done."""

    def __init__(self, verb: Verb, count: int, *, command: Sequence[str] = ()) -> None:
        """Make the dialog.

        Args:
            verb: What is to be done.
            count: To how many.
            command: The command that takes the secrets, unless another is said.
        """
        self._verb = verb
        order = Order(verb=verb)
        super().__init__(
            f"{verb.capitalize()} {order.many(count)}",
            _fields(verb, count, command),
            said="What will happen to each is shown before anything happens.",
        )

    def result(self, values: dict[str, Any]) -> Ordered:
        """Make the order."""
        target = values.pop("command", None)
        lifetime, never = values.pop("lifetime", (None, False))
        return Ordered(Order(verb=self._verb, lifetime=lifetime, never=never, **values), target)


class CommandDialog(Form[Command]):
    """Ask where the secrets of a rotation go that is gone on with."""

    def __init__(self, count: int, *, command: Sequence[str] = ()) -> None:
        super().__init__(f"Rotate {wording.plural(count, 'token')}", [_command_field(count, command)])

    def result(self, values: dict[str, Any]) -> Command:
        """Take the command."""
        command: Command = values["command"]
        return command


def _fields(verb: Verb, count: int, command: Sequence[str]) -> list[Field]:
    match verb:
        case Verb.REVOKE:
            return [reason_field(hint="kept in the audit: leaked, no longer used, owner left", required=True)]
        case Verb.DISABLE:
            return [reason_field(hint="kept in the audit; may be empty")]
        case Verb.EXTEND:
            return [Field("by", "By", "7d", "how much longer each works, as in 24h or 30d", check=wording.duration)]
        case _:
            return [
                _command_field(count, command),
                Field("overlap", "Overlap", "24h", "how long the old ones work on after the handoff", check=overlap),
                Field("lifetime", "Lifetime", "", LIFETIME_HINT, check=_lifetime),
            ]


def _command_field(count: int, command: Sequence[str]) -> Field:
    shown = shlex.join(command)
    return Field("command", "Command", shown, COMMAND_HINT, check=lambda typed: _command_of(typed, count))


def _command_of(text: str, count: int) -> Command:
    """Read the command that takes the secrets of so many tokens."""
    target = _read(text)
    runner.refuse_one_place(target, count)
    if shutil.which(target.argv[0]) is None:
        raise InvalidInput(f"there is no command '{target.argv[0]}'", hint="check its name, or give its whole path")
    return target


def _read(text: str) -> Command:
    if not text.strip():
        raise InvalidInput(
            "where are the secrets to go?", hint="as in: vault kv put secret/{account}/{token_id} token=-"
        )
    target = handoff.parse_target(f"command:{text}")
    assert isinstance(target, Command)
    return target


def _lifetime(text: str) -> tuple[timedelta | None, bool]:
    """How long the new ones live, None for each account's own; and whether for ever."""
    if text.strip().lower() == "never":
        return None, True
    return wording.duration(text) if text.strip() else None, False
