"""`botdesk ssh`: the way in for people who come over SSH, and the lines that let them in.

sshd runs `botdesk ssh --as ada --key SHA256:…` for who has ada's key, whatever they ask for. Without a wish it opens
in their terminal; a wish is a botdesk command, taken apart without a shell.
"""

import os
import re
import shlex
import sys
from pathlib import Path
from typing import Annotated, Final

import typer

from botdesk import keys, people, remote, sshkey
from botdesk.cli import output
from botdesk.cli.context import StoreOption, Visit, visiting
from botdesk.desk import system_user
from botdesk.errors import InvalidInput

app = typer.Typer(help="The way in over SSH.", invoke_without_command=True)

_SAFE: Final = re.compile(r"[A-Za-z0-9_./@:+=, -]+")
"""What stands in an authorized_keys line and in the words of a shell as it is."""


@app.callback()
def enter(
    ctx: typer.Context,
    person: Annotated[str | None, typer.Option("--as", metavar="PERSON", help="Whose key it is.")] = None,
    key: Annotated[str | None, typer.Option("--key", metavar="FINGERPRINT", help="The key's fingerprint.")] = None,
    store: StoreOption = None,
) -> None:
    """Let a person in: for the command= of an authorized_keys line alone."""
    came = ctx.find_root().obj
    if isinstance(came, Visit) and ctx.invoked_subcommand is None:
        came.withhold("ssh", "you are in already")
    if ctx.invoked_subcommand is None:
        raise typer.Exit(answer(_visit(person, key, store), _wish()))


def _visit(person: str | None, key: str | None, store: str | None) -> Visit:
    if person is None:
        raise InvalidInput(
            "who comes in is not said",
            hint="sshd says it: 'botdesk ssh authorized-keys' prints the lines for its configuration",
        )
    if not (sys.flags.isolated and remote.is_clean(os.environ, remote.home())):
        raise InvalidInput("the way in begins with 'botdesk ssh'", hint="say --store after that")
    if key is not None and not sshkey.FINGERPRINT.fullmatch(key):
        raise InvalidInput(f"{key[:60]!a} is no fingerprint", hint="as 'ssh-keygen -l' prints it: SHA256:…")
    name = people.check_person_name(person)
    return Visit(store=store, entry=remote.entry(os.environ, name, key, proven=remote.came_through_sshd()))


def _wish() -> str | None:
    """What the client asked for; nobody else reads it."""
    return os.environ.pop(remote.COMMAND, None)


def answer(visit: Visit, wish: str | None) -> int:
    """Open the desk in the terminal of who came in, or run the botdesk command that they ask for.

    Args:
        visit: Who came in, and to which desk.
        wish: `account list --json`, with or without `botdesk` before it; None for the terminal.

    Raises:
        InvalidInput: The wish cannot be taken apart, or there is no terminal.
    """
    words = _words(wish or "")
    if not words:
        return visit.show()
    from botdesk.cli import app as whole

    return whole.run(words, visit)


def _words(wish: str) -> list[str]:
    try:
        words = shlex.split(wish)
    except ValueError:
        raise InvalidInput("that has a quote without its end", hint="as in: ssh … account list --json") from None
    return words[1:] if words[:1] == ["botdesk"] else words


@app.command("authorized-keys")
@visiting
def authorized_keys(
    visit: Visit,
    user: Annotated[
        str | None,
        typer.Option("--user", metavar="USER", help="Only if this is the user that owns the store; sshd's %u."),
    ] = None,
    fingerprint: Annotated[
        str | None, typer.Option("--fingerprint", metavar="FINGERPRINT", help="Only this key; sshd's %f.")
    ] = None,
    program: Annotated[
        str | None, typer.Option("--program", metavar="WORDS", help="How botdesk is started; this Python, isolated.")
    ] = None,
) -> None:
    """Print the authorized_keys lines of all active people, or answer sshd's AuthorizedKeysCommand."""
    if user is not None and user != system_user():
        return
    command = _checked(program or f"{sys.executable} -I -m botdesk", "the program")
    place = f" --store {_checked(store, 'the store')}" if (store := _store(visit)) else ""
    for line in visit.ask(keys.open_now, fingerprint):
        forced = f"{command} ssh --as {line.person} --key {line.key.fingerprint}{place}"
        output.data(f'command="{forced}",restrict,pty {line.key.kind} {line.key.blob} {line.key.comment}'.rstrip())


def _store(visit: Visit) -> str | None:
    """The store that was named for this command, in a form that is the same wherever sshd starts it."""
    named = visit.store or os.environ.get("BOTDESK_STORE")
    return str(Path(named).expanduser().absolute()) if named and "://" not in named else named


def _checked(words: str, what: str) -> str:
    if not _SAFE.fullmatch(words):
        raise InvalidInput(
            f"{what} has a character that an authorized_keys line cannot hold",
            hint="use letters, digits and _ . / @ : + = , - alone; a store can be named in config.toml instead",
        )
    return words
