"""`botdesk person key`: with which keys people come in over SSH."""

import sys
from typing import Annotated

import typer

from botdesk import keys, sshkey, wording
from botdesk.cli import output
from botdesk.cli.context import AsJson, PersonName, Visit, Yes, at_terminal, complete_person, confirm, visiting

app = typer.Typer(help="With which keys people come in over SSH.", no_args_is_help=True)


@app.command()
@visiting
def add(
    visit: Visit,
    person: PersonName,
    comment: Annotated[str | None, typer.Option("--comment", help="What it is called; its own comment else.")] = None,
    json: AsJson = False,
) -> None:
    """Let a person in with the public key that comes on stdin: … person key add ada < id_ed25519.pub."""
    if at_terminal():
        output.talk("paste the public key, the one line of the .pub file:")
    line = sys.stdin.readline() if at_terminal() else sys.stdin.read(sshkey.LONGEST_LINE + 1)
    with visit.begin() as tx:
        made = keys.add(tx, person, line, comment=comment)
        added = next(line for line in keys.listed(tx) if line.key.fingerprint == made.fingerprint)
    _told(f"'{added.person}' may come in with {made.fingerprint}", added, json=json)


@app.command("list")
@visiting
def list_(
    visit: Visit,
    person: Annotated[
        str | None, typer.Argument(metavar="PERSON", help="Only theirs.", autocompletion=complete_person)
    ] = None,
    json: AsJson = False,
) -> None:
    """List keys: everybody's for admins and auditors, your own else."""
    with visit.read() as tx:
        lines = keys.listed(tx, person)
    if json:
        output.as_json([_facts(line) for line in lines])
    elif not lines:
        output.talk("no keys here; 'botdesk person key add PERSON < id.pub' lets somebody in")
    else:
        output.table(
            ("PERSON", "STATE", "TYPE", "FINGERPRINT", "ADDED", "BY", "COMMENT"), [_row(line) for line in lines]
        )


@app.command()
@visiting
def remove(
    visit: Visit,
    key: Annotated[str, typer.Argument(metavar="KEY", help="The fingerprint, or as much of it as is needed.")],
    yes: Yes = False,
    json: AsJson = False,
) -> None:
    """Let nobody in with a key any more."""
    with visit.desk() as desk:
        found = desk.ask(keys.find, key)
        gone = next(line for line in desk.ask(keys.listed) if line.key.fingerprint == found.fingerprint)
        confirm(f"remove the key {found.fingerprint} of '{gone.person}'?", yes=yes)
        desk.run(keys.remove, found.fingerprint)
    _told(f"'{gone.person}' may not come in with {found.fingerprint} any more", gone, json=json)


def _told(what: str, line: keys.Line, *, json: bool) -> None:
    output.talk(what)
    if json:
        output.as_json(_facts(line))


def _row(line: keys.Line) -> tuple[str, ...]:
    key = line.key
    state = "active" if line.active else "disabled"
    return line.person, state, key.kind, key.fingerprint, wording.when(key.added_at), line.added_by, key.comment


def _facts(line: keys.Line) -> dict[str, object]:
    return {
        "fingerprint": line.key.fingerprint,
        "person": line.person,
        "state": "active" if line.active else "disabled",
        "type": line.key.kind,
        "comment": line.key.comment,
        "added_by": line.added_by,
        "added_at": line.key.added_at,
    }
