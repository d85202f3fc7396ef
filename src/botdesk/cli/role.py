"""`botdesk role`: named teams of people."""

from typing import Annotated

import typer

from botdesk import people
from botdesk.cli import output
from botdesk.cli.context import AsJson, Description, PersonName, RoleName, Transaction, Visit, Yes, confirm, visiting

app = typer.Typer(help="Roles: named teams of people.", no_args_is_help=True)


@app.command()
@visiting
def create(visit: Visit, role: RoleName, description: Description = None, json: AsJson = False) -> None:
    """Create a role."""
    with visit.begin() as tx:
        people.create_role(tx, role, description=description or "")
        line = _line(tx, role)
    _changed(f"created the role '{line.role.name}'", line, json=json)


@app.command("list")
@visiting
def list_(visit: Visit, json: AsJson = False) -> None:
    """List the roles and who is in them."""
    with visit.read() as tx:
        lines = people.roles(tx)
    if json:
        output.as_json([_facts(line) for line in lines])
    elif not lines:
        output.talk("no roles yet; 'botdesk role create ROLE' makes one")
    else:
        output.table(
            ("NAME", "MEMBERS", "ACCOUNTS", "DESCRIPTION"),
            [(line.role.name, ", ".join(line.members), str(line.accounts), line.role.description) for line in lines],
        )


@app.command()
@visiting
def add(visit: Visit, role: RoleName, person: PersonName, json: AsJson = False) -> None:
    """Put a person into a role."""
    with visit.begin() as tx:
        people.add_member(tx, role, person)
        line = _line(tx, role)
    _changed(f"'{person}' is now in the role '{line.role.name}'", line, json=json)


@app.command()
@visiting
def drop(visit: Visit, role: RoleName, person: PersonName, json: AsJson = False) -> None:
    """Take a person out of a role."""
    with visit.begin() as tx:
        people.drop_member(tx, role, person)
        line = _line(tx, role)
    _changed(f"'{person}' is no longer in the role '{line.role.name}'", line, json=json)


@app.command()
@visiting
def modify(
    visit: Visit,
    role: RoleName,
    name: Annotated[str | None, typer.Option("--name", help="Its new name.")] = None,
    description: Description = None,
    json: AsJson = False,
) -> None:
    """Change a role's name or description; what is not said stays as it is."""
    with visit.begin() as tx:
        found = people.modify_role(tx, role, new_name=name, description=description)
        line = _line(tx, found.id)
    _changed(f"modified the role '{line.role.name}'", line, json=json)


@app.command()
@visiting
def remove(visit: Visit, role: RoleName, yes: Yes = False, json: AsJson = False) -> None:
    """Remove a role; its grants go with it, its people stay."""
    with visit.desk() as desk:
        line = desk.ask(_line, role)
        confirm(f"remove the role '{line.role.name}' and its grants on {line.accounts} accounts?", yes=yes)
        desk.run(people.remove_role, line.role.id)
    _changed(f"removed the role '{line.role.name}'", line, json=json)


def _line(tx: Transaction, role: str) -> people.RoleLine:
    found = people.find_role(tx, role)
    return next(line for line in people.roles(tx) if line.role.id == found.id)


def _changed(what: str, line: people.RoleLine, *, json: bool) -> None:
    output.talk(what)
    if json:
        output.as_json(_facts(line))


def _facts(line: people.RoleLine) -> dict[str, object]:
    return {
        "id": line.role.id,
        "name": line.role.name,
        "description": line.role.description,
        "members": list(line.members),
        "accounts": line.accounts,
        "created_at": line.role.created_at,
    }
