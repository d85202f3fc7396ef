"""The command line as a whole: the nouns, the options before them, and one place where errors end."""

import sys
from functools import cache
from typing import Annotated, Any, Final

import typer
from typer.main import get_command

from botdesk import __version__
from botdesk.cli import (
    access,
    account,
    advice,
    audit,
    bulk,
    database,
    doctor,
    due,
    gate,
    grant,
    helping,
    incident,
    migration,
    notify,
    output,
    person,
    role,
    ssh,
    token,
)
from botdesk.cli.context import AsOption, StoreOption, Visit, visit_of, visiting

MISUSED: Final = 2
"""The exit code of a command line that cannot be understood."""

_WORDS: Final = {
    "Value error, ": "",
    "Input should be a valid integer, unable to parse string as an integer": "it should be a whole number",
    "Input should be ": "it should be ",
    "got unexpected extra argument(s)": "there is a word too many, or several:",
}
"""What the libraries below say about a command line, and how it is said here."""

_OF_THE_SHELL: Final = frozenset({"install_completion", "show_completion"})
"""What Typer adds to the command line for the shell of who is at the host."""

app = typer.Typer(
    name="botdesk",
    help="The desk where bots get their keys. Without a command it opens in the terminal.",
    epilog=helping.NEW_HERE,
    invoke_without_command=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(account.app, name="account")
app.add_typer(token.app, name="token")
app.add_typer(grant.app, name="grant")
app.add_typer(access.app, name="access")
app.add_typer(person.app, name="person")
app.add_typer(role.app, name="role")
app.add_typer(migration.app, name="migration")
app.add_typer(advice.app, name="advice")
app.add_typer(audit.app, name="audit")
app.add_typer(bulk.app, name="bulk")
app.add_typer(notify.app, name="notify")
app.add_typer(database.app, name="database")
app.command("due")(due.due)
app.command("doctor")(doctor.doctor)
app.command("incident")(incident.incident)
app.command("gate")(gate.gate)
app.add_typer(ssh.app, name="ssh")


def _print_version(wanted: bool) -> None:
    if wanted:
        output.data(f"botdesk {__version__}")
        raise typer.Exit


@app.callback()
def desk(
    ctx: typer.Context,
    store: StoreOption = None,
    acting_as: AsOption = None,
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """The desk where bots get their keys. Without a command it opens in the terminal."""
    if ctx.invoked_subcommand is None:
        raise typer.Exit(visit_of(ctx).show())


@app.command()
@visiting
def demo(visit: Visit) -> None:
    """Open a throw-away copy of the demo desk."""
    raise typer.Exit(visit.show(demo=True))


def run(words: list[str], visit: Visit | None = None) -> int:
    """Run a command line and return its exit code; whatever goes wrong is told on stderr.

    Args:
        words: The command line, without the program's name.
        visit: Who came in over SSH, and to which desk; None at the host.
    """
    for stream in (sys.stdout, sys.stderr):
        output.speak(stream)
    try:
        command = _whole(over_ssh=visit is not None)
        code = command.main(args=words, prog_name="botdesk", standalone_mode=False, obj=visit)
    except typer.TyperException as error:
        return _misused(error)
    except typer.Abort:
        return output.INTERRUPTED
    if code == output.INTERRUPTED:
        return output.report(KeyboardInterrupt())
    return code if isinstance(code, int) else 0


@cache
def _whole(*, over_ssh: bool) -> Any:
    """All commands, put together once; whoever comes in over SSH has no shell here to complete words in."""
    command = helping.arrange(get_command(app))
    if over_ssh:
        command.params = [param for param in command.params if param.name not in _OF_THE_SHELL]
    return command


def _misused(error: typer.TyperException) -> int:
    """Say what is wrong with the command line; a noun alone has shown its help already."""
    said = error.format_message().strip().removesuffix(".")
    message = said[:1].lower() + said[1:]
    for theirs, ours in _WORDS.items():
        message = message.replace(theirs, ours)
    context = getattr(error, "ctx", None)
    where = context.command_path if context else "botdesk"
    if message:
        output.complain(message, f"see '{where} --help'")
    return MISUSED
