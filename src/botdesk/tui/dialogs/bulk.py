"""The dialogs before something is done to many: what, how, and where the secrets of a rotation go."""

import shlex
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from botdesk import handoff, runner, wording
from botdesk.bulk import Order, Verb
from botdesk.errors import InvalidInput
from botdesk.handoff import Command
from botdesk.tui.dialogs.form import Field, Form, Wrong, reason, taken

VERBS: Final[Mapping[Verb, str]] = {
    Verb.REVOKE: "revoke: tokens are refused at the next request",
    Verb.ROTATE: "rotate: each new secret goes to a command",
    Verb.EXTEND: "extend: tokens work longer",
    Verb.DISABLE: "disable: accounts' tokens are refused for a while",
    Verb.ENABLE: "enable: disabled accounts' tokens work again",
    Verb.GRANT: "grant: a role or a person gets access",
}
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
            [Field("verb", "What", verbs[0], options=[(verb, VERBS[verb]) for verb in verbs])],
            said="What will happen to each is shown before anything happens.",
        )

    def result(self, values: dict[str, str]) -> Verb:
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
        self._verb, self._count = verb, count
        order = Order(verb=verb)
        super().__init__(
            f"{verb.capitalize()} {order.many(count)}",
            _fields(verb, command),
            said="What will happen to each is shown before anything happens.",
        )

    def result(self, values: dict[str, str]) -> Ordered:
        """Check everything once more."""
        verb = self._verb
        match verb:
            case Verb.REVOKE | Verb.DISABLE:
                required = verb is Verb.REVOKE
                return Ordered(Order(verb=verb, reason=reason(values["reason"], required=required)))
            case Verb.EXTEND:
                return Ordered(Order(verb=verb, by=taken("by", lambda: wording.duration(values["by"]))))
            case _:
                overlap, lifetime, never = _overlap(values["overlap"]), *_lifetime(values["lifetime"])
                order = Order(verb=verb, overlap=overlap, lifetime=lifetime, never=never)
                return Ordered(order, command_of(values["command"], self._count))


class CommandDialog(Form[Command]):
    """Ask where the secrets of a rotation go that is gone on with."""

    def __init__(self, count: int, *, command: Sequence[str] = ()) -> None:
        super().__init__(f"Rotate {wording.plural(count, 'token')}", [_command_field(command)])
        self._count = count

    def result(self, values: dict[str, str]) -> Command:
        """Check the command."""
        return command_of(values["command"], self._count)


def _fields(verb: Verb, command: Sequence[str]) -> list[Field]:
    match verb:
        case Verb.REVOKE:
            return [Field("reason", "Reason", hint="kept in the audit: leaked, no longer used, owner left")]
        case Verb.DISABLE:
            return [Field("reason", "Reason", hint="kept in the audit; may be empty")]
        case Verb.EXTEND:
            return [Field("by", "By", "7d", "how much longer each works, as in 24h or 30d")]
        case _:
            return [
                _command_field(command),
                Field("overlap", "Overlap", "24h", "how long the old ones work on after the handoff"),
                Field("lifetime", "Lifetime", "", "of the new ones; empty for each account's own; or 'never'"),
            ]


def _command_field(command: Sequence[str]) -> Field:
    return Field("command", "Command", shlex.join(command), COMMAND_HINT)


def command_of(text: str, count: int) -> Command:
    """Read the command that takes the secrets of so many tokens.

    Raises:
        Wrong: It is none, it is not there, or it would put all secrets into one place.
    """
    target = taken("command", lambda: _read(text))
    taken("command", lambda: runner.refuse_one_place(target, count))
    if shutil.which(target.argv[0]) is None:
        hint = "check its name, or give its whole path"
        raise Wrong("command", InvalidInput(f"there is no command '{target.argv[0]}'", hint=hint))
    return target


def _read(text: str) -> Command:
    if not text.strip():
        raise InvalidInput(
            "where are the secrets to go?", hint="as in: vault kv put secret/{account}/{token_id} token=-"
        )
    target = handoff.parse_target(f"command:{text}")
    assert isinstance(target, Command)
    return target


def _overlap(text: str) -> timedelta:
    ends_at_once = text.strip() in ("0", "")
    return timedelta() if ends_at_once else taken("overlap", lambda: wording.duration(text))


def _lifetime(text: str) -> tuple[timedelta | None, bool]:
    if text.strip().lower() == "never":
        return None, True
    return taken("lifetime", lambda: wording.duration(text)) if text.strip() else None, False
