"""`botdesk migration`: from somebody's personal token to a service account's own, step by step."""

from collections.abc import Callable
from typing import Annotated, Any, Concatenate, ParamSpec

import typer

from botdesk import accounts, migration, naming, recipes, wording
from botdesk.accounts import Purpose
from botdesk.bearer import Secret
from botdesk.cli import delivery, migration_wait, output
from botdesk.cli import migration_told as told
from botdesk.cli.context import (
    AsJson,
    Scopes,
    Transaction,
    Visit,
    Yes,
    complete_account,
    complete_person,
    completing,
    confirm,
    visiting,
)
from botdesk.errors import InvalidInput
from botdesk.recipes import Platform

P = ParamSpec("P")

app = typer.Typer(help="From personal tokens to service accounts, in four steps that are proved.", no_args_is_help=True)

complete_migration = completing(
    lambda tx, _: ((line.migration.id, f"{line.migration.what} to {line.account}") for line in migration.listed(tx))
)
MigrationId = Annotated[
    str, typer.Argument(metavar="MIGRATION", help="The migration's id.", autocompletion=complete_migration)
]
Force = Annotated[
    bool, typer.Option("--force", help="Even if the new token was not seen yet, or the old one was used lately.")
]
On = Annotated[Platform | None, typer.Option("--on", help="Where it runs: says which recipe is shown.")]


@app.command()
@visiting
def start(
    visit: Visit,
    what: Annotated[str, typer.Argument(metavar="INTEGRATION", help="What it is, as in 'shop nightly build'.")],
    owner: Annotated[
        str,
        typer.Option("--owner", metavar="PERSON", help="On whose token it runs.", autocompletion=complete_person),
    ],
    account: Annotated[
        str | None,
        typer.Option("--account", metavar="ACCOUNT", help="An account to move to.", autocompletion=complete_account),
    ] = None,
    new: Annotated[str | None, typer.Option("--new", metavar="NAME", help="Or a new account of this name.")] = None,
    purpose: Annotated[Purpose | None, typer.Option("--purpose", help="What kind of bot the new one is.")] = None,
    scope: Scopes = None,
    place: Annotated[str, typer.Option("--place", help="Where it is: a repository, a host, a job.")] = "",
    on: On = None,
    json: AsJson = False,
) -> None:
    """Begin to move an integration from somebody's personal token to a service account."""
    if new is None and (purpose or scope):
        raise InvalidInput("--purpose and --scope go with --new alone", hint="an account that is there has its own")
    with visit.begin() as tx:
        fitting = purpose or naming.purpose(on or Platform.OTHER)
        to = _destination(tx, what, account, new, purpose=fitting, scope=scope)
        how: dict[str, Any] = {"owner": owner, "place": place, "platform": on or Platform.OTHER}
        began = migration.start(tx, to, what, **how)
        line = migration.line(tx, began.id)
    told.changed(f"began to move '{line.migration.what}' to '{line.account}': {line.migration.id}", line, json=json)
    output.talk(f"next: {told.coming(line)}")


def _destination(
    tx: Transaction,
    what: str,
    account: str | None,
    new: str | None,
    *,
    purpose: Purpose,
    scope: list[str] | None,
) -> str:
    """The account to move to: the one that was named, or one that is made."""
    if (account is None) == (new is None):
        suggestion = naming.suggested(what) or "NAME"
        raise InvalidInput(
            "which account?", hint=f"say --account ACCOUNT for one that is there, or --new {suggestion} to make one"
        )
    if account is not None:
        return account
    return accounts.create(tx, str(new), purpose=purpose, scopes=scope or ()).id


@app.command("list")
@visiting
def list_(
    visit: Visit,
    everything: Annotated[bool, typer.Option("--all", help="Those that are over, too.")] = False,
    json: AsJson = False,
) -> None:
    """Tell who still runs what on whose token, since when, and when it was seen last."""
    with visit.read() as tx:
        lines, now = migration.listed(tx, over=everything), tx.now
    if json:
        output.as_json([told.facts(line) for line in lines])
    elif not lines:
        output.talk("nothing is on its way; 'botdesk migration start' moves an integration off a personal token")
    else:
        output.table(
            ("INTEGRATION", "ID", "TOKEN OF", "TO", "STEP", "SINCE", "OLD SEEN", "NEW SEEN"),
            [told.row(line, now) for line in lines],
        )


@app.command()
@visiting
def show(visit: Visit, migration_id: MigrationId, json: AsJson = False) -> None:
    """Show a migration: its four steps, what proves each, and who uses the old token still."""
    with visit.read() as tx:
        found, now = migration.view(tx, migration_id), tx.now
    if json:
        output.as_json(told.whole(found))
    else:
        told.show(found, now)


@app.command()
@visiting
def issue(
    visit: Visit,
    migration_id: MigrationId,
    label: Annotated[str | None, typer.Option("--label", help="What tells it from others.")] = None,
    lifetime: Annotated[
        str | None, typer.Option("--lifetime", metavar="DURATION", help="As in 90d; the account's period by default.")
    ] = None,
    never: Annotated[bool, typer.Option("--never", help="It never expires.")] = False,
    scope: Scopes = None,
    to: Annotated[
        str | None,
        typer.Option("--to", metavar="TARGET", help="Where the secret goes, as for 'token issue'; see 'recipe'."),
    ] = None,
    no_wait: Annotated[bool, typer.Option("--no-wait", help="Do not wait and clear the clipboard.")] = False,
    json: AsJson = False,
) -> None:
    """Issue the new token and hand its secret over, once; without --scope it gets what the old one was asked for."""
    target = delivery.chosen(visit, to, json=json)
    how: dict[str, Any] = {
        "label": label,
        "lifetime": None if lifetime is None else wording.duration(lifetime),
        "never": never,
        "scopes": scope or None,
    }
    with visit.desk() as desk:
        issued, receipt = delivery.hand_over(desk, lambda: desk.run(migration.issue, migration_id, **how), target)
        found = desk.ask(migration.view, migration_id)
    line = found.line
    told.changed(f"issued the token '{issued.token.label}' ({issued.token.id}) of '{line.account}'", line, json=json)
    if not scope:
        output.talk(told.fitting(issued.token, found.scopes))
    delivery.tell(receipt, seconds=visit.settings.clipboard_seconds, wait=not no_wait)
    output.talk(f"next: {told.coming(line)}")


@app.command()
@visiting
def recipe(
    visit: Visit,
    migration_id: Annotated[
        str | None,
        typer.Argument(metavar="MIGRATION", help="The migration that it is for.", autocompletion=complete_migration),
    ] = None,
    platform: Annotated[Platform | None, typer.Option("--for", help="Where the integration runs.")] = None,
    json: AsJson = False,
) -> None:
    """Print how an integration is given its new token: what hands it over, and what uses it."""
    if migration_id is None and platform is None:
        raise InvalidInput("which recipe?", hint=f"say --for with one of {', '.join(Platform)}")
    line = None if migration_id is None else visit.ask(migration.line, migration_id)
    account, identity, place = ("ACCOUNT", "MIGRATION", "")
    if line is not None:
        account, identity, place = line.account, line.migration.id, line.migration.place
    found = recipes.recipe(platform or (line.migration.platform if line else Platform.OTHER), account, place)
    command = recipes.handing_over(found, identity)
    if json:
        said = {"platform": found.platform, "target": found.target, "command": command, "needs": found.needs}
        return output.as_json(said | {"steps": list(found.steps)})
    if found.needs:
        output.data(f"# needs: {found.needs}")
    output.data(command)
    for step in found.steps:
        output.data(f"# {step}")
    return None


@app.command()
@visiting
def register(visit: Visit, migration_id: MigrationId, json: AsJson = False) -> None:
    """Have the desk know the old personal token, which comes on stdin or is pasted unseen; only a digest is kept."""
    secret = Secret(delivery.received(None, prompt="the old personal token: "))
    line = _done(visit, migration.register, migration_id, secret)
    told.changed(
        f"registered {line.owner}'s token of '{line.migration.what}'; it is refused until it is accepted",
        line,
        json=json,
    )
    output.talk(f"next: botdesk migration accept {line.migration.id} --until 14d, so that the switch has no outage")


@app.command()
@visiting
def accept(
    visit: Visit,
    migration_id: MigrationId,
    until: Annotated[
        str, typer.Option("--until", metavar="WHEN", help="As in 14d or 2027-01-31; 90d at most.")
    ] = "14d",
    stop: Annotated[bool, typer.Option("--stop", help="Accept it no more; it stays known.")] = False,
    json: AsJson = False,
) -> None:
    """Let the registered token count as the account's until a date; the gate records each use."""
    with visit.begin() as tx:
        if stop:
            migration.close(tx, migration_id)
        else:
            migration.accept(tx, migration_id, until=wording.ahead(until, tx.now))
        line = migration.line(tx, migration_id)
    counts = f"{line.owner}'s token counts as '{line.account}'"
    ends = line.facts.accept_until
    told.changed(f"{counts} until {wording.when(ends)}" if ends else f"{counts} no more", line, json=json)


@app.command()
@visiting
def wait(
    visit: Visit,
    migration_id: MigrationId,
    timeout: Annotated[
        str | None, typer.Option("--timeout", metavar="DURATION", help="Give up after that, with exit code 9.")
    ] = None,
    json: AsJson = False,
) -> None:
    """Wait for the first use of the new token; Ctrl-C ends the waiting and nothing else."""
    patience = None if timeout is None else wording.duration(timeout).total_seconds()
    with visit.desk() as desk:
        line = migration_wait.for_first_use(desk, migration_id, patience)
    if line.facts.first_used_at is None:
        output.talk("the new token has not been used yet")
        raise typer.Exit(output.SOMETHING)
    where = told.last_from(line.token)
    told.changed(
        f"seen: the new token was used first at {wording.when(line.facts.first_used_at)}{where}", line, json=json
    )
    output.talk(f"next: {told.coming(line)}")


@app.command()
@visiting
def revoke(
    visit: Visit, migration_id: MigrationId, force: Force = False, yes: Yes = False, json: AsJson = False
) -> None:
    """End the registered old token: it is refused from the next request on, and each further try is shown."""
    with visit.desk() as desk:
        line = desk.ask(migration.line, migration_id)
        confirm(f"refuse {line.owner}'s token of '{line.migration.what}' from now on?", yes=yes)
        with desk.begin() as tx:
            migration.revoke(tx, migration_id, anyway=force)
            line = migration.line(tx, migration_id)
    told.changed(
        f"ended {line.owner}'s token of '{line.migration.what}' here: it is refused from now on", line, json=json
    )
    output.talk("end it where it is from, too: botdesk refuses it, others may not")


@app.command("confirm")
@visiting
def confirm_(
    visit: Visit,
    migration_id: MigrationId,
    how: Annotated[str, typer.Option("--how", help="Where and how it was ended; kept with your name and the time.")],
    force: Force = False,
    json: AsJson = False,
) -> None:
    """Confirm that the old token was ended where it is from."""
    line = _done(visit, migration.confirm, migration_id, how=how, anyway=force)
    told.changed(f"confirmed: {line.owner}'s token of '{line.migration.what}' is ended", line, json=json)


@app.command()
@visiting
def pause(visit: Visit, migration_id: MigrationId, json: AsJson = False) -> None:
    """Let a migration rest; what is accepted stays accepted until its date."""
    line = _done(visit, migration.pause, migration_id)
    told.changed(f"paused the migration of '{line.migration.what}'", line, json=json)


@app.command()
@visiting
def resume(visit: Visit, migration_id: MigrationId, json: AsJson = False) -> None:
    """Go on with a paused migration, and run it from now on."""
    line = _done(visit, migration.resume, migration_id)
    told.changed(f"resumed the migration of '{line.migration.what}'; {line.runner} runs it", line, json=json)
    output.talk(f"next: {told.coming(line)}")


@app.command()
@visiting
def cancel(visit: Visit, migration_id: MigrationId, yes: Yes = False, json: AsJson = False) -> None:
    """Give a migration up: account and new token stay as they are, the old token is accepted no more."""
    with visit.desk() as desk:
        line = desk.ask(migration.line, migration_id)
        confirm(f"cancel the migration of '{line.migration.what}'?", yes=yes)
        with desk.begin() as tx:
            migration.cancel(tx, migration_id)
            line = migration.line(tx, migration_id)
    told.changed(
        f"cancelled the migration of '{line.migration.what}'; '{line.account}' stays as it is", line, json=json
    )


def _done(
    visit: Visit,
    operation: Callable[Concatenate[Transaction, str, P], object],
    migration_id: str,
    *args: P.args,
    **kwargs: P.kwargs,
) -> migration.Line:
    """Do one thing with a migration, and give how it stands then."""
    with visit.begin() as tx:
        operation(tx, migration_id, *args, **kwargs)
        return migration.line(tx, migration_id)
