"""`botdesk person`: the people of the desk."""

from collections.abc import Callable
from typing import Annotated

import typer

from botdesk import people
from botdesk.access import Standing
from botdesk.cli import output
from botdesk.cli.context import AsJson, PersonName, Transaction, Visit, visiting

app = typer.Typer(help="The people who may use the desk.", no_args_is_help=True)

FullName = Annotated[str | None, typer.Option("--full-name", help="What they are called.")]
StandingOption = Annotated[Standing | None, typer.Option("--standing", help="What they are on the whole desk.")]


@app.command()
@visiting
def add(
    visit: Visit, person: PersonName, full_name: FullName = None, standing: StandingOption = None, json: AsJson = False
) -> None:
    """Let a person use the desk, under their operating-system name."""
    with visit.begin() as tx:
        people.add(tx, person, full_name=full_name or "", standing=standing or Standing.MEMBER)
        line = _line(tx, person)
    _changed("added", line, json=json)


@app.command("list")
@visiting
def list_(visit: Visit, json: AsJson = False) -> None:
    """List the people of the desk."""
    with visit.read() as tx:
        lines = people.listed(tx)
    if json:
        output.as_json([_facts(line) for line in lines])
    else:
        output.table(
            ("NAME", "FULL NAME", "STANDING", "STATE", "ACCOUNTS", "ROLES"),
            [
                (
                    line.person.name,
                    line.person.full_name,
                    line.person.standing.value,
                    _state(line),
                    str(line.accounts),
                    ", ".join(line.roles),
                )
                for line in lines
            ],
        )


@app.command()
@visiting
def modify(
    visit: Visit, person: PersonName, full_name: FullName = None, standing: StandingOption = None, json: AsJson = False
) -> None:
    """Change a person's full name or standing; what is not said stays as it is."""
    with visit.begin() as tx:
        people.modify(tx, person, full_name=full_name, standing=standing)
        line = _line(tx, person)
    _changed("modified", line, json=json)


@app.command()
@visiting
def disable(visit: Visit, person: PersonName, json: AsJson = False) -> None:
    """Let a person use the desk no more; the bots that they made go on."""
    _changed("disabled", _switched(visit, people.disable, person), json=json)


@app.command()
@visiting
def enable(visit: Visit, person: PersonName, json: AsJson = False) -> None:
    """Let a disabled person use the desk again."""
    _changed("enabled", _switched(visit, people.enable, person), json=json)


def _switched(visit: Visit, switch: Callable[[Transaction, str], people.Person], person: str) -> people.PersonLine:
    with visit.begin() as tx:
        switch(tx, person)
        return _line(tx, person)


def _line(tx: Transaction, person: str) -> people.PersonLine:
    found = people.find(tx, person)
    return next(line for line in people.listed(tx) if line.person.id == found.id)


def _changed(verb: str, line: people.PersonLine, *, json: bool) -> None:
    output.talk(f"{verb} the person '{line.person.name}' ({line.person.standing}, {_state(line)})")
    if json:
        output.as_json(_facts(line))


def _state(line: people.PersonLine) -> str:
    return "active" if line.active else "disabled"


def _facts(line: people.PersonLine) -> dict[str, object]:
    return {
        "id": line.person.id,
        "name": line.person.name,
        "full_name": line.person.full_name,
        "standing": line.person.standing,
        "state": _state(line),
        "roles": list(line.roles),
        "accounts": line.accounts,
        "added_at": line.person.added_at,
        "disabled_at": line.person.disabled_at,
    }
