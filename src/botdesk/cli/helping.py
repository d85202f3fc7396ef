"""How the help looks: commands in the order in which one meets them, and each word as it is typed."""

from collections.abc import Mapping
from typing import Any, Final

PANELS: Final[Mapping[str, tuple[str, ...]]] = {
    "Bots": ("account", "token", "migration", "bulk", "incident"),
    "People": ("person", "role", "grant", "access"),
    "Watch": ("advice", "due", "audit", "notify"),
    "Desk": ("demo", "doctor", "database", "gate", "ssh"),
}
"""Under which title the help of the whole lists which command."""

NEW_HERE: Final = "New here? 'botdesk demo' opens a made-up desk to try everything on; 'botdesk' opens your own."

FEW: Final = 3
"""How many choices stand together; of more of them a line may be broken between two."""


def arrange(whole: Any) -> Any:
    """Put the commands under their titles, and have every command's help show words as they are typed."""
    found = dict(whole.commands)
    for title, names in PANELS.items():
        for name in names:
            found[name].rich_help_panel = title
    whole.commands = {name: found[name] for names in PANELS.values() for name in names}
    return _plain(whole)


def _plain(command: Any) -> Any:
    for param in command.params:
        _plain_option(param) if param.param_type_name == "option" else _plain_argument(param)
    command.get_help_option = lambda ctx: _without_value(type(command).get_help_option(command, ctx))
    for other in getattr(command, "commands", {}).values():
        _plain(other)
    return command


def _without_value(option: Any) -> Any:
    option.metavar = ""
    return option


def _plain_option(option: Any) -> None:
    """Name the value that an option takes; a flag takes none."""
    if option.metavar is None:
        option.metavar = "" if option.is_flag else _value(option.type_descriptor)


def _value(kind: Any) -> str:
    if kind.is_choice:
        choices = [str(getattr(choice, "value", choice)) for choice in kind.choices]
        return ("|" if len(choices) <= FEW else " | ").join(choices)
    return "NUMBER" if kind.is_ranged or kind.annotation is int else "FILE" if kind.is_path else "TEXT"


def _plain_argument(argument: Any) -> None:
    """Write an argument as manual pages do: `NAME`, `[NAME]`, `[NAME]...`; the help below says what it is."""
    name = argument.metavar = argument.metavar or argument.name.upper()
    written = (name if argument.required else f"[{name}]") + ("..." if argument.nargs != 1 else "")
    argument.get_usage_pieces = lambda ctx: [written]
    argument.display_type_rich = lambda ctx: None
