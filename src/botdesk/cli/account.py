"""`botdesk account`: service accounts."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Annotated, Any

import typer

from botdesk import accounts, grants, removal, scopes, uses, whatif, wording
from botdesk.cli import output
from botdesk.cli import source as sources
from botdesk.cli.access import rehearse
from botdesk.cli.context import (
    AccountName,
    AsJson,
    Description,
    DryRun,
    IfVersion,
    Scopes,
    Transaction,
    Visit,
    Yes,
    confirm_typed,
    insist,
    visiting,
)
from botdesk.errors import InvalidInput

app = typer.Typer(help="Service accounts: the identities of bots.", no_args_is_help=True)

NewName = Annotated[
    str, typer.Argument(metavar="NAME", help="Lower-case words joined by hyphens, as in nightly-build.")
]
Purpose = Annotated[accounts.Purpose | None, typer.Option("--purpose", help="What kind of bot it is.")]
Rotation = Annotated[
    str | None, typer.Option("--rotation", metavar="DURATION", help="How long its tokens live by default, as in 90d.")
]
Reason = Annotated[str, typer.Option("--reason", help="Why; kept in the audit.")]
PAGE = 500


@app.command()
@visiting
def create(
    visit: Visit,
    name: NewName,
    purpose: Purpose = None,
    description: Description = None,
    scope: Scopes = None,
    rotation: Rotation = None,
    json: AsJson = False,
) -> None:
    """Create a service account."""
    with visit.begin() as tx:
        account = accounts.create(
            tx,
            name,
            purpose=purpose or accounts.Purpose.OTHER,
            description=description or "",
            scopes=scope or (),
            rotation=_period(rotation) or accounts.DEFAULT_ROTATION,
        )
        line = accounts.line(tx, account.id)
    _changed("created", line, json=json)
    if hint := accounts.vague(name):
        output.talk(f"hint: {hint}")


def _period(text: str | None) -> timedelta | None:
    return None if text is None else wording.duration(text)


@app.command("list")
@visiting
def list_(
    visit: Visit,
    text: Annotated[str, typer.Option("--text", help="Only those with these words in what is known of them.")] = "",
    state: Annotated[accounts.AccountState | None, typer.Option("--state", help="Only those in this state.")] = None,
    purpose: Purpose = None,
    orphaned: Annotated[
        bool, typer.Option("--orphaned", help="Only those that nobody active can manage, but for the admins.")
    ] = False,
    sort: Annotated[accounts.Sort, typer.Option("--sort", help="What to sort by.")] = accounts.Sort.NAME,
    descending: Annotated[bool, typer.Option("--descending", help="The other way round.")] = False,
    json: AsJson = False,
) -> None:
    """List the service accounts in your reach."""
    wanted = accounts.Filter(text=text, state=state, purpose=purpose, orphaned=orphaned)
    with visit.read() as tx:
        lines, now = _all(tx, wanted, sort, descending=descending), tx.now
    if json:
        output.as_json([_facts(line) for line in lines])
    elif not lines:
        output.talk(_none(wanted))
    else:
        output.table(
            ("NAME", "PURPOSE", "STATE", "TOKENS", "EXPIRES", "USED", "MANAGED BY"),
            [_row(line, now) for line in lines],
        )


def _none(wanted: accounts.Filter) -> str:
    if wanted == accounts.Filter():
        return "no accounts here; 'botdesk account create NAME' makes one"
    return "no account is like that; 'botdesk account list' shows all"


def _all(tx: Transaction, wanted: accounts.Filter, sort: accounts.Sort, *, descending: bool) -> list[accounts.Line]:
    lines: list[accounts.Line] = []
    after: Any = None
    while True:
        page = accounts.page(tx, wanted, sort=sort, descending=descending, after=after, limit=PAGE)
        lines += page.rows
        if (after := page.next) is None:
            return lines


def _row(line: accounts.Line, now: datetime) -> tuple[str, ...]:
    return (
        line.account.name,
        line.account.purpose.value,
        line.state.value,
        f"({line.live})" if line.suspends else str(line.live),
        wording.until_short(line.soonest, now) if line.live else "–",
        wording.ago_short(line.last_used_at, now),
        ", ".join(line.managers),
    )


@app.command()
@visiting
def show(visit: Visit, account: AccountName, json: AsJson = False) -> None:
    """Show a service account."""
    with visit.read() as tx:
        line = accounts.line(tx, account)
    output.thing(_facts(line), json=json)


@app.command()
@visiting
def knocks(visit: Visit, account: AccountName, json: AsJson = False) -> None:
    """Show who still presents the tokens of a disabled account, since it was disabled."""
    with visit.read() as tx:
        found, now = uses.knocks(tx, account), tx.now
    if json:
        output.as_json([_knock(knock) for knock in found])
    elif not found:
        output.talk("nobody knocks")
    else:
        output.table(("TOKEN", "LABEL", "FROM", "TIMES", "LAST"), [_knocking(knock, now) for knock in found])


def _knock(knock: uses.Knock) -> dict[str, object]:
    return {"token_id": knock.token_id, "label": knock.label, **sources.facts(knock.source)}


def _knocking(knock: uses.Knock, now: datetime) -> tuple[str, ...]:
    source = knock.source
    return knock.token_id, knock.label, source.address, f"{source.count:,}", wording.ago_short(source.last_at, now)


@app.command()
@visiting
def modify(
    visit: Visit,
    account: AccountName,
    name: Annotated[str | None, typer.Option("--name", help="Its new name.")] = None,
    purpose: Purpose = None,
    description: Description = None,
    scope: Scopes = None,
    add_scope: Annotated[
        list[str] | None, typer.Option("--add-scope", metavar="SCOPE", help="One more scope; repeatable.")
    ] = None,
    drop_scope: Annotated[
        list[str] | None, typer.Option("--drop-scope", metavar="SCOPE", help="A scope less; repeatable.")
    ] = None,
    rotation: Rotation = None,
    if_version: IfVersion = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Change nothing; tell which uses fewer scopes would have refused.")
    ] = False,
    json: AsJson = False,
) -> None:
    """Change a service account; what is not said stays as it is."""
    insist(name, purpose, description, scope, add_scope, drop_scope, rotation)
    with visit.begin() if not dry_run else visit.read() as tx:
        found = accounts.find(tx, account)
        wanted = _wanted_scopes(found, scope, add_scope, drop_scope)
        if dry_run:
            return _rehearse_scopes(tx, found, wanted, json=json)
        accounts.modify(
            tx,
            found.id,
            name=name,
            purpose=purpose,
            description=description,
            scopes=wanted,
            rotation=_period(rotation),
            seen=if_version,
        )
        line = accounts.line(tx, found.id)
    return _changed("modified", line, json=json)


def _wanted_scopes(
    account: accounts.Account, all_of: list[str] | None, added: list[str] | None, dropped: list[str] | None
) -> frozenset[str] | None:
    """The scopes that an account is to have; None when nothing was said about them."""
    if not (all_of or added or dropped):
        return None
    if all_of and (added or dropped):
        raise InvalidInput("--scope says all scopes", hint="use it alone, or --add-scope and --drop-scope")
    has, less = scopes.parse(account.scopes), scopes.parse(dropped or ())
    if less - has:
        raise InvalidInput(
            f"{account.name!r} does not have the scope {scopes.format(less - has)!r}",
            hint=f"it has: {account.scopes or 'none'}",
        )
    return scopes.parse(all_of) if all_of else (has | scopes.parse(added or ())) - less


def _rehearse_scopes(tx: Transaction, account: accounts.Account, wanted: frozenset[str] | None, *, json: bool) -> None:
    if wanted is None:
        raise InvalidInput("there is nothing to try", hint="say which scopes: --drop-scope deploy:write --dry-run")
    found = uses.without(tx, account.id, scopes.parse(account.scopes) - wanted)
    if json:
        return output.as_json(_dry(found))
    if not found.dropped:
        return output.data("no scope would be dropped, so no use would be refused")
    for scope, count in found.by_scope.items() if len(found.by_scope) > 1 else ():
        output.data(f"{scope} was needed by {wording.plural(count, 'use')}")
    return output.data(found.words)


def _dry(found: uses.DryRun) -> dict[str, object]:
    return {
        "dropped": found.dropped,
        "would_have_refused": found.refused,
        "uses": found.uses,
        "by_scope": found.by_scope,
        "since": found.since,
        "days": found.days,
    }


@app.command()
@visiting
def disable(visit: Visit, account: AccountName, reason: Reason = "", json: AsJson = False) -> None:
    """Refuse all tokens of an account until it is enabled again."""
    with visit.begin() as tx:
        found = accounts.disable(tx, account, reason=reason)
        line = accounts.line(tx, found.id)
    _changed("disabled", line, json=json)


@app.command()
@visiting
def enable(visit: Visit, account: AccountName, json: AsJson = False) -> None:
    """Let the tokens of a disabled account work again."""
    with visit.begin() as tx:
        found = accounts.enable(tx, account)
        line = accounts.line(tx, found.id)
    _changed("enabled", line, json=json)


@app.command()
@visiting
def remove(visit: Visit, account: AccountName, reason: Reason = "", yes: Yes = False, json: AsJson = False) -> None:
    """Remove an account: its tokens end, its grants go, its history stays."""
    with visit.desk() as desk:
        found = desk.ask(accounts.find, account)
        _warn(desk.ask(removal.recent, found.id), desk.clock())
        confirm_typed(found.name, yes=yes, what=f"removing '{found.name}' ends all its tokens at once")
        with desk.begin() as tx:
            before = accounts.line(tx, found.id)
            gone = accounts.remove(tx, found.id, reason=reason)
    line = replace(before, account=gone, state=accounts.state(gone), live=0, soonest=None)
    _changed("removed", line, json=json)
    output.talk(f"it can be restored for {removal.RESTORABLE.days} days: botdesk account restore {line.account.id}")


def _warn(recent: list[removal.Recent], now: datetime) -> None:
    for token in recent:
        when = wording.ago(token.last_used_at, now)
        output.talk(f"warning: the token '{token.label}' was used {when} from {token.last_used_from}")
    if recent:
        output.talk("hint: 'botdesk account disable' stops it too, and shows who still knocks")


@app.command()
@visiting
def restore(
    visit: Visit,
    account: Annotated[str, typer.Argument(metavar="ACCOUNT", help="The removed account's id, or its name.")],
    name: Annotated[str | None, typer.Option("--name", help="A new name, if its own is taken.")] = None,
    json: AsJson = False,
) -> None:
    """Take the removal of an account back, within 30 days; its tokens stay revoked."""
    with visit.begin() as tx:
        found = removal.restore(tx, account, name=name)
        line = accounts.line(tx, found.id)
    _changed("restored", line, json=json)
    output.talk("it has its grants again and no token that works: botdesk token issue")


@app.command("hand-over")
@visiting
def hand_over(
    visit: Visit,
    account: AccountName,
    to: Annotated[str, typer.Option("--to", metavar="PERSON", help="Who owns it from now on and always has access.")],
    dry_run: DryRun = False,
    json: AsJson = False,
) -> None:
    """Put an account into other hands; for admins."""
    if dry_run:
        return rehearse(visit.ask(whatif.handed_over, account, to), json=json)
    with visit.begin() as tx:
        found = grants.hand_over(tx, account, to)
        line = accounts.line(tx, found.id)
    return _changed("handed over", line, json=json)


def _changed(verb: str, line: accounts.Line, *, json: bool) -> None:
    output.talk(f"{verb} the account '{line.account.name}' ({line.account.id})")
    if json:
        output.as_json(_facts(line))


def _facts(line: accounts.Line) -> dict[str, object]:
    account = line.account
    return {
        "id": account.id,
        "name": account.name,
        "purpose": account.purpose,
        "description": account.description,
        "state": line.state,
        "disabled_reason": account.disabled_reason,
        "scopes": account.scopes.split(),
        "rotation_days": account.rotation_days,
        "live_tokens": line.live,
        "soonest_expires_at": line.soonest,
        "last_used_at": line.last_used_at,
        "created_by": line.creator,
        "owned_by": line.owner,
        "created_at": account.created_at,
        "modified_at": account.modified_at,
        "disabled_at": account.disabled_at,
        "removed_at": account.removed_at,
        "managers": list(line.managers),
        "version": line.version,
    }
