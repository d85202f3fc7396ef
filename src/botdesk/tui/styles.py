"""Where the style sheets lie: in the wheel beside the code, in a checkout in `styles/`."""

from pathlib import Path

import botdesk
from botdesk.errors import StoreError


def folder() -> Path:
    """The folder with every .tcss.

    Raises:
        StoreError: There is none; the installation is broken.
    """
    package = Path(botdesk.__file__).parent
    for candidate in (package / "styles", package.parent.parent / "styles"):
        if (candidate / "app.tcss").is_file():
            return candidate
    raise StoreError("the style sheets are missing", hint="install botdesk anew")


def path(stem: str) -> Path:
    """The style sheet of a screen or of all dialogs."""
    return folder() / f"{stem}.tcss"
