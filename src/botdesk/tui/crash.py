"""What is said when the program crashes: the kind and the place, and nothing that was in memory."""

import traceback
from pathlib import Path

from rich.text import Text
from textual.worker import WorkerFailed


def cause(error: BaseException | None) -> BaseException | None:
    """What really went wrong, behind the worker that it went wrong in."""
    return error.error if isinstance(error, WorkerFailed) else error


def told(error: BaseException | None) -> Text:
    """A line about a crash; Textual would print the locals of every frame."""
    found = cause(error)
    frames = traceback.extract_tb(found.__traceback__) if found else []
    place = f"{Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else "an unknown place"
    return Text(f"botdesk crashed: {type(found).__name__} at {place}; nothing that was saved is lost")
