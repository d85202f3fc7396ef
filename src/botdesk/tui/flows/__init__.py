"""What the screens share: ask with a dialog, run the operation, say what happened.

Each flow runs in a worker of the program; a flow that was left changes nothing. The flows are imported when the first
one is begun, because they need the whole desk and the first screen is painted before that is there.
"""

from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from botdesk.tui.flows import access as access
    from botdesk.tui.flows import account as account
    from botdesk.tui.flows import advice as advice
    from botdesk.tui.flows import bulk as bulk
    from botdesk.tui.flows import cutover as cutover
    from botdesk.tui.flows import incident as incident
    from botdesk.tui.flows import migration as migration
    from botdesk.tui.flows import people as people
    from botdesk.tui.flows import token as token


def __getattr__(name: str) -> ModuleType:
    if name in ("access", "account", "advice", "bulk", "cutover", "incident", "migration", "people", "token"):
        return import_module(f"{__name__}.{name}")
    raise AttributeError(name)
