"""`botdesk person`: the people of the desk."""

from collections.abc import Callable
from typing import Annotated

import typer

from botdesk import people, whatif
from botdesk.access import Standing
from botdesk.cli import key, output
from botdesk.cli.access import difference_facts, rehearse
from botdesk.cli.context import (
    AsJson,
    DryRun,
    PersonName,
    Transaction,
    Visit,
    Yes,
    at_terminal,
    confirm,
    insist,
    visiting,
)
from botdesk.leaving import Leaving, preview
from botdesk.leaving import told as _told

app = typer.Typer(help="The people who may use the desk.", no_args_is_help=True)
app.add_typer(key.app, name="key")

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
    visit: Visit,
    person: PersonName,
    full_name: FullName = None,
    standing: StandingOption = None,
    dry_run: DryRun = False,
    json: AsJson = False,
) -> None:
    """Change a person's full name or standing; what is not said stays as it is."""
    insist(full_name, standing)
    if dry_run:
        return rehearse(visit.ask(whatif.modified, person, standing), json=json)
    with visit.begin() as tx:
        people.modify(tx, person, full_name=full_name, standing=standing)
        line = _line(tx, person)
    return _changed("modified", line, json=json)


@app.command()
@visiting
def disable(visit: Visit, person: PersonName, yes: Yes = False, dry_run: DryRun = False, json: AsJson = False) -> None:
    """Let a person use the desk no more; the bots that they made go on."""
    if dry_run:
        return rehearse(visit.ask(whatif.disabled, person), json=json)
    if not yes and at_terminal():
        for line in _told(visit.ask(preview, person)):
            output.talk(line)
    confirm(f"disable '{person}'?", yes=yes)
    return _changed("disabled", _switched(visit, people.disable, person), json=json)


@app.command()
@visiting
def leaving(visit: Visit, person: PersonName, json: AsJson = False) -> None:
    """Tell what it would mean if a person left; changes nothing."""
    found = visit.ask(preview, person)
    if json:
        output.as_json(_leaving_facts(found))
    else:
        for line in _told(found):
            output.data(line)


def _leaving_facts(found: Leaving) -> dict[str, object]:
    return {
        "person": found.person.name,
        "last_admin": found.last_admin,
        "roles": list(found.roles),
        **difference_facts(found.difference),
        "handed": [
            {
                "id": line.token.id,
                "label": line.token.label,
                "account": line.account,
                "state": line.state,
                "delivered_at": line.token.delivered_at,
                "delivered_to": line.token.delivered_to,
            }
            for line in found.handed
        ],
    }


@app.command()
@visiting
def enable(visit: Visit, person: PersonName, dry_run: DryRun = False, json: AsJson = False) -> None:
    """Let a disabled person use the desk again."""
    if dry_run:
        return rehearse(visit.ask(whatif.enabled, person), json=json)
    return _changed("enabled", _switched(visit, people.enable, person), json=json)


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
