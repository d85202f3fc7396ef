"""Ask what may take long so that ctrl+c ends it: Python hears of that only between two calls of the engine."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Concatenate, Final, ParamSpec, TypeVar

from botdesk.desk import Desk, Stop, Transaction

P = ParamSpec("P")
T = TypeVar("T")

HEARD_SECONDS: Final = 0.1
"""How often it is looked for ctrl+c."""


def ask(desk: Desk, question: Callable[Concatenate[Transaction, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Ask in a thread.

    Raises:
        KeyboardInterrupt: Somebody did not want to wait; the question is ended first.
    """
    stop = Stop()

    def asked() -> T:
        with desk.read(stop=stop) as tx:
            return question(tx, *args, **kwargs)

    with ThreadPoolExecutor(1) as thread:
        answer = thread.submit(asked)
        try:
            while True:
                try:
                    return answer.result(HEARD_SECONDS)
                except TimeoutError:
                    if answer.done():
                        raise
        except KeyboardInterrupt:
            stop()
            raise
