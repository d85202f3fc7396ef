"""botdesk: the desk where bots get their keys.

    desk = botdesk.Desk.open()
    with desk.begin(actor="ada") as tx:
        bot = botdesk.accounts.create(tx, "nightly-build", scopes={"catalog:read"})
        issued = botdesk.tokens.issue(tx, bot.id, "build farm")

Names are loaded when they are first used, so that importing botdesk costs nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from botdesk import access, accounts, audit, errors, grants, handoff, people, roles, tokens, verification
    from botdesk.desk import Desk

__version__: Final = "0.1.0"

__all__ = [
    "Desk",
    "__version__",
    "access",
    "accounts",
    "audit",
    "errors",
    "grants",
    "handoff",
    "people",
    "roles",
    "tokens",
    "verification",
]


def __getattr__(name: str) -> Any:
    if name == "Desk":
        return import_module("botdesk.desk").Desk
    if name in __all__:
        return import_module(f"botdesk.{name}")
    raise AttributeError(f"module 'botdesk' has no attribute {name!r}")
