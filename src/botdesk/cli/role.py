"""`botdesk role`: named teams of people."""

from typing import Annotated

import typer

from botdesk import roles, whatif
from botdesk.cli import output
from botdesk.cli.access import rehearse
from botdesk.cli.context import (
    AsJson,
    Description,
    DryRun,
    PersonName,
    RoleName,
    Scopes,
    Transaction,
    Visit,
    Yes,
    confirm,
    insist,
    visiting,
)
from botdesk.errors import InvalidInput

app = typer.Typer(help="Roles: named teams of people.", no_args_is_help=True)


@app.command()
@visiting
def create(
    visit: Visit, role: RoleName, description: Description = None, scope: Scopes = None, json: AsJson = False
) -> None:
    """Create a role; its members may put the scopes on accounts."""
    with visit.begin() as tx:
        roles.create(tx, role, description=description or "", scopes=scope or ())
        line = _line(tx, role)
    _changed(f"created the role '{line.role.name}'", line, json=json)


@app.command("list")
@visiting
def list_(visit: Visit, json: AsJson = False) -> None:
    """List the roles and who is in them."""
    with visit.read() as tx:
        lines = roles.listed(tx)
    if json:
        output.as_json([_facts(line) for line in lines])
    elif not lines:
        output.talk("no roles yet; 'botdesk role create ROLE' makes one")
    else:
        output.table(
            ("NAME", "MEMBERS", "ACCOUNTS", "SCOPES", "DESCRIPTION"),
            [_row(line) for line in lines],
        )


def _row(line: roles.RoleLine) -> tuple[str, ...]:
    role = line.role
    return role.name, ", ".join(line.members), str(line.accounts), role.scopes or "–", role.description


@app.command()
@visiting
def add(visit: Visit, role: RoleName, person: PersonName, dry_run: DryRun = False, json: AsJson = False) -> None:
    """Put a person into a role."""
    if dry_run:
        return rehearse(visit.ask(whatif.joined, role, person), json=json)
    with visit.begin() as tx:
        roles.add_member(tx, role, person)
        line = _line(tx, role)
    return _changed(f"'{person}' is now in the role '{line.role.name}'", line, json=json)


@app.command()
@visiting
def drop(visit: Visit, role: RoleName, person: PersonName, dry_run: DryRun = False, json: AsJson = False) -> None:
    """Take a person out of a role."""
    if dry_run:
        return rehearse(visit.ask(whatif.dropped, role, person), json=json)
    with visit.begin() as tx:
        roles.drop_member(tx, role, person)
        line = _line(tx, role)
    return _changed(f"'{person}' is no longer in the role '{line.role.name}'", line, json=json)


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
    insist(name, description)
    with visit.begin() as tx:
        found = roles.modify(tx, role, new_name=name, description=description)
        line = _line(tx, found.id)
    _changed(f"modified the role '{line.role.name}'", line, json=json)


@app.command()
@visiting
def scopes(
    visit: Visit,
    role: RoleName,
    set_: Annotated[
        list[str] | None, typer.Option("--set", metavar="SCOPES", help="Open just these, in quotes; repeatable.")
    ] = None,
    clear: Annotated[bool, typer.Option("--clear", help="Open none any more.")] = False,
    json: AsJson = False,
) -> None:
    """Show, set or clear which scopes a role's members may put on accounts; admins may put any."""
    if set_ and clear:
        raise InvalidInput("scopes are either set or cleared", hint="say --set or --clear, not both")
    if set_ is None and not clear:
        with visit.read() as tx:
            line = _line(tx, role)
        return output.thing(_facts(line), json=True) if json else output.data(line.role.scopes or "none")
    with visit.begin() as tx:
        found = roles.modify(tx, role, scopes=set_ or ())
        line = _line(tx, found.id)
    opened = f"may put on accounts: {line.role.scopes}" if line.role.scopes else "may put no scopes on accounts"
    return _changed(f"the members of '{line.role.name}' {opened}", line, json=json)


@app.command()
@visiting
def remove(visit: Visit, role: RoleName, yes: Yes = False, dry_run: DryRun = False, json: AsJson = False) -> None:
    """Remove a role; its grants go with it, its people stay."""
    if dry_run:
        return rehearse(visit.ask(whatif.role_removed, role), json=json)
    with visit.desk() as desk:
        line = desk.ask(_line, role)
        confirm(f"remove the role '{line.role.name}' and its grants on {line.accounts} accounts?", yes=yes)
        desk.run(roles.remove, line.role.id)
    return _changed(f"removed the role '{line.role.name}'", line, json=json)


def _line(tx: Transaction, role: str) -> roles.RoleLine:
    found = roles.find(tx, role)
    return next(line for line in roles.listed(tx) if line.role.id == found.id)


def _changed(what: str, line: roles.RoleLine, *, json: bool) -> None:
    output.talk(what)
    if json:
        output.as_json(_facts(line))


def _facts(line: roles.RoleLine) -> dict[str, object]:
    return {
        "id": line.role.id,
        "name": line.role.name,
        "description": line.role.description,
        "members": list(line.members),
        "accounts": line.accounts,
        "scopes": (line.role.scopes or "").split(),
        "created_at": line.role.created_at,
    }
