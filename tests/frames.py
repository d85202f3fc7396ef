"""What an error carries in the locals of its frames: whoever prints those must not print a secret."""

from collections.abc import Iterator
from types import TracebackType
from typing import Any


def secrets_in(error: BaseException, *texts: str) -> list[str]:
    """Where an error, its causes and contexts carry one of the texts: frames' locals by name, and arguments."""
    return [
        place for one in _related(error, []) for place in (*_in_frames(one.__traceback__, texts), *_told(one, texts))
    ]


def _related(error: BaseException | None, seen: list[BaseException]) -> Iterator[BaseException]:
    if error is not None and error not in seen:
        seen.append(error)
        yield error
        yield from _related(error.__cause__, seen)
        yield from _related(error.__context__, seen)


def _in_frames(trace: TracebackType | None, texts: tuple[str, ...]) -> Iterator[str]:
    while trace is not None:
        frame = trace.tb_frame
        if "/tests/" not in frame.f_code.co_filename:
            held = [name for name, value in frame.f_locals.items() if _holds(value, texts)]
            yield from (f"{frame.f_code.co_name}: {name}" for name in held)
        trace = trace.tb_next


def _told(error: BaseException, texts: tuple[str, ...]) -> Iterator[str]:
    yield from (f"{type(error).__name__}: {part!r}" for part in (*error.args, vars(error)) if _holds(part, texts))


def _holds(value: Any, texts: tuple[str, ...]) -> bool:
    shown = value.decode("latin-1") if isinstance(value, bytes) else value if isinstance(value, str) else repr(value)
    return any(text in shown for text in texts)
