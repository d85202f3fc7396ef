"""`botdesk grant`: who may handle which account."""

from typing import Annotated

import typer

from botdesk import accounts, grants, whatif, wording
from botdesk.access import Level
from botdesk.cli import output
from botdesk.cli.access import rehearse
from botdesk.cli.context import (
    AccountName,
    AsJson,
    DryRun,
    IfVersion,
    SomeAccount,
    Transaction,
    Visit,
    complete_person,
    complete_role,
    visiting,
)
from botdesk.errors import InvalidInput

app = typer.Typer(help="Who may handle which account.", no_args_is_help=True)

ToRole = Annotated[
    str | None,
    typer.Option("--role", metavar="ROLE", help="The role, that is all its members.", autocompletion=complete_role),
]
ToPerson = Annotated[
    str | None, typer.Option("--person", metavar="PERSON", help="The person.", autocompletion=complete_person)
]


@app.command()
@visiting
def give(
    visit: Visit,
    account: AccountName,
    level: Annotated[Level, typer.Option("--level", help="What they may do; each level includes the one before.")],
    role: ToRole = None,
    person: ToPerson = None,
    dry_run: DryRun = False,
    if_version: IfVersion = None,
    json: AsJson = False,
) -> None:
    """Let a role or a person handle an account; giving again changes the level."""
    grantee = grantee_of(role, person)
    if dry_run:
        return rehearse(visit.ask(whatif.given, account, grantee, level), json=json)
    with visit.begin() as tx:
        found = accounts.find(tx, account)
        given = grants.give(tx, found.id, grantee, level, seen=if_version)
        line = _line(tx, found.id, given.id)
    return _told(f"gave {line.grantee.replace(':', ' ', 1)} {level} on '{line.account}'", line, json=json)


@app.command()
@visiting
def withdraw(
    visit: Visit,
    account: AccountName,
    role: ToRole = None,
    person: ToPerson = None,
    dry_run: DryRun = False,
    if_version: IfVersion = None,
    json: AsJson = False,
) -> None:
    """Take a grant back."""
    grantee = grantee_of(role, person)
    if dry_run:
        return rehearse(visit.ask(whatif.withdrawn, account, grantee), json=json)
    with visit.begin() as tx:
        found = accounts.find(tx, account)
        before = {line.grant.id: line for line in grants.listed(tx, found.id)}
        line = before[grants.withdraw(tx, found.id, grantee, seen=if_version).id]
    return _told(f"withdrew the grant of {line.grantee.replace(':', ' ', 1)} on '{line.account}'", line, json=json)


def _told(what: str, line: grants.Line, *, json: bool) -> None:
    output.talk(what)
    if json:
        output.as_json(_facts(line))


@app.command("list")
@visiting
def list_(visit: Visit, account: SomeAccount = None, json: AsJson = False) -> None:
    """List the grants on an account, or on all in your reach."""
    with visit.read() as tx:
        lines = grants.listed(tx, account)
    if json:
        output.as_json([_facts(line) for line in lines])
    elif not lines:
        output.talk("no grants here; an account's owner and the admins need none")
    else:
        output.table(
            ("ACCOUNT", "GRANTEE", "LEVEL", "GIVEN BY", "WHEN"),
            [
                (line.account, line.grantee, line.level.value, line.given_by, wording.when(line.grant.given_at))
                for line in lines
            ],
        )


def grantee_of(role: str | None, person: str | None) -> str:
    """Read whom `--role` or `--person` names.

    Raises:
        InvalidInput: It is not one of the two.
    """
    if (role is None) is (person is None):
        raise InvalidInput("a grant is for one role or one person", hint="say --role ROLE or --person PERSON")
    return f"person:{person}" if role is None else f"role:{role}"


def _line(tx: Transaction, account_id: str, grant_id: str) -> grants.Line:
    return next(line for line in grants.listed(tx, account_id) if line.grant.id == grant_id)


def _facts(line: grants.Line) -> dict[str, object]:
    return {
        "id": line.grant.id,
        "account": line.account,
        "account_id": line.grant.account_id,
        "grantee": line.grantee,
        "level": line.level,
        "given_by": line.given_by,
        "given_at": line.grant.given_at,
        "version": line.version,
    }
