"""From a pending token to a delivered one: choose a target, give the secret away, clear the clipboard."""

import contextlib
import getpass
import os
import shutil
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from botdesk import handoff, tokens
from botdesk.cli import output
from botdesk.cli.context import Visit
from botdesk.desk import Desk
from botdesk.errors import BotdeskError, HandoffFailed, InvalidInput


def chosen(visit: Visit, to: str | None, *, json: bool) -> handoff.Target:
    """Read `--to` and see that the target can take a secret, before any token is made for it.

    Args:
        visit: Where it is said; over SSH neither a file nor a command of the host takes a secret.
        to: What was said; None for the clipboard, where a person sits at the terminal.
        json: Whether stdout is wanted for JSON.

    Raises:
        AccessDenied: It is not offered over SSH.
        HandoffFailed: The target would not take a secret.
        InvalidInput: It is no target, or not one that goes here.
    """
    if to is None and not output.on_terminal(sys.stdout):
        raise InvalidInput(
            "where is the secret to go?", hint="say --to file:PATH, command:'…', clipboard, or stdout into a pipe"
        )
    target = handoff.parse_target("clipboard" if to is None else to)
    refuse_unfit(visit, target, json=json)
    return target


def refuse_unfit(visit: Visit, target: handoff.Target, *, json: bool) -> None:
    """See that a target can take a secret, before any token is made for it.

    Raises:
        AccessDenied: It is not offered over SSH.
        HandoffFailed: The target would not take a secret.
        InvalidInput: It is not one that goes here.
    """
    if isinstance(target, (handoff.File, handoff.Command)):
        visit.withhold(
            f"--to {target.words.partition(':')[0]}", "use --to clipboard, or --to stdout into a pipe of yours"
        )
    _refuse_unready(target, clipboard=visit.settings.clipboard, json=json)


def _refuse_unready(target: handoff.Target, *, clipboard: str, json: bool) -> None:
    match target:
        case handoff.File(path):
            if os.path.lexists(path):
                raise HandoffFailed(f"'{path}' is there already", hint="a secret never replaces a file; name another")
            if not os.access(path.parent, os.W_OK | os.X_OK):
                raise HandoffFailed(f"no file can be made in '{path.parent}'", hint="make the folder, or name another")
        case handoff.Command(argv):
            if shutil.which(argv[0]) is None:
                raise HandoffFailed(f"there is no command '{argv[0]}'", hint="check its name, or give its whole path")
        case handoff.Clipboard() if handoff.clipboard_way(os.environ, clipboard) == "osc52":
            _refuse_no_terminal()
            handoff.refuse_dropped(os.environ)
        case handoff.Stdout():
            _refuse_stdout(json=json)


def _refuse_no_terminal() -> None:
    try:
        os.close(os.open("/dev/tty", os.O_WRONLY | os.O_NOCTTY))
    except OSError:
        raise HandoffFailed(
            "there is neither a clipboard nor a terminal here", hint="use --to file:PATH, or command:'…'"
        ) from None


def _refuse_stdout(*, json: bool) -> None:
    if json:
        raise InvalidInput(
            "stdout takes the secret alone, or JSON", hint="leave out --json, or say another target with --to"
        )
    if output.on_terminal(sys.stdout):
        raise InvalidInput(
            "a secret is never shown on a terminal", hint="pipe it into a command, or use --to file:PATH"
        )


def hand_over(
    desk: Desk, issue: Callable[[], tokens.Issued], target: handoff.Target
) -> tuple[tokens.Issued, handoff.Receipt]:
    """Issue a token, give its secret away and make it work; if that fails or is interrupted, the token is revoked.

    Raises:
        HandoffFailed: Nothing took the secret, or it was interrupted.
    """
    given: handoff.Receipt | None = None
    with _held_back() as pressed:
        issued = issue()
    try:
        if pressed:
            raise KeyboardInterrupt
        given = handoff.give(issued.secret, target, method=desk.settings.clipboard)
        desk.run(tokens.deliver, issued.token.id, to=given.target_words)
    except BaseException as error:
        failed = error
    else:
        return issued, given
    _take_back(desk, issued.token.id, given)
    if isinstance(failed, KeyboardInterrupt):
        raise HandoffFailed(
            "interrupted before the secret was handed over", hint="start again when you are ready"
        ) from None
    raise failed


@contextlib.contextmanager
def _held_back() -> Iterator[list[int]]:
    """Hold Ctrl-C back until it is known which token it would leave behind; gives whether it was pressed."""
    pressed: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, _: pressed.append(number))
    try:
        yield pressed
    finally:
        signal.signal(signal.SIGINT, before)


def _take_back(desk: Desk, token_id: str, given: handoff.Receipt | None) -> None:
    """Revoke a token whose handoff did not end well, so that what may have been given away is worth nothing."""
    if given is not None and given.clearing is not None:
        given.clearing.clear()
    try:
        pending = desk.ask(tokens.line, token_id).state is tokens.TokenState.PENDING
        if pending:
            desk.run(tokens.abandon, token_id)
        else:
            desk.run(tokens.revoke, token_id, reason="its handoff was interrupted")
    except BotdeskError:
        output.talk(f"the token {token_id} could not be revoked; see 'botdesk token show {token_id}'")
    else:
        output.talk(f"the {'pending ' if pending else ''}token {token_id} was revoked")
        if given is not None:
            output.talk(f"the secret was {given.words}; it is worth nothing now")


def tell(receipt: handoff.Receipt, *, seconds: int, wait: bool) -> None:
    """Say where the secret went; clear the clipboard after a while, or at once on Ctrl-C.

    Args:
        receipt: What became of the secret.
        seconds: How long it may stay in the clipboard.
        wait: Whether to wait for that.
    """
    output.talk(f"the secret was {receipt.words}")
    if receipt.hint:
        output.talk(f"hint: {receipt.hint}")
    if receipt.clearing is None:
        return
    if not wait:
        output.talk("it stays in the clipboard until something else is copied")
        return
    with _ending_early():
        _count_down(seconds)
    _clear(receipt.clearing)


@contextlib.contextmanager
def _ending_early() -> Iterator[None]:
    """Let Ctrl-C, a closed terminal and a kill end the wait, and nothing more."""
    ends = [signal.SIGTERM, *([signal.SIGHUP] if hasattr(signal, "SIGHUP") else [])]
    before = {number: signal.signal(number, signal.default_int_handler) for number in ends}
    try:
        yield
    except KeyboardInterrupt:
        pass
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _count_down(seconds: int) -> None:
    live = output.on_terminal(sys.stderr)
    if not live:
        output.talk(f"the clipboard is cleared in {seconds} s")
    last = time.monotonic() + seconds
    while (left := last - time.monotonic()) > 0:
        if live:
            output.overwrite(f"the clipboard is cleared in {int(left) + 1} s; Ctrl-C clears it now")
        time.sleep(min(left, 1))


def _clear(clearing: handoff.Clearing) -> None:
    cleared = clearing.clear()
    if output.on_terminal(sys.stderr):
        output.overwrite("")
    output.talk(cleared)


MOST_PRESENTED: Final = 4096


def received(file: Path | None, *, prompt: str = "token: ") -> str:
    """Read a presented token from a file, or from stdin; at a terminal it is not shown while it is typed.

    Raises:
        InvalidInput: The file cannot be read.
    """
    if file is None and output.on_terminal(sys.stdin):
        return getpass.getpass(prompt).strip()
    try:
        with sys.stdin.buffer if file is None else file.open("rb") as source:
            return source.read(MOST_PRESENTED).decode("utf-8", "replace").strip()
    except OSError as error:
        raise InvalidInput(f"'{file}' cannot be read: {error.strerror}", hint="check its name and rights") from None
