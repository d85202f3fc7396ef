"""`botdesk token`: bearer tokens, and where their secrets go."""

from dataclasses import asdict
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import typer

from botdesk import audit, migration, scopes, tokens, uses, wording
from botdesk.access import Action
from botdesk.cli import cutover, delivery, output
from botdesk.cli import source as sources
from botdesk.cli.context import (
    AccountName,
    AsJson,
    IfVersion,
    Scopes,
    SomeAccount,
    TokenId,
    Visit,
    Yes,
    confirm,
    visiting,
)
from botdesk.desk import Desk
from botdesk.errors import InvalidInput
from botdesk.tokens import TokenState
from botdesk.verdict import Asked

app = typer.Typer(help="Bearer tokens of service accounts.", no_args_is_help=True)

ENDED = frozenset({TokenState.EXPIRED, TokenState.REVOKED})

Lifetime = Annotated[
    str | None,
    typer.Option("--lifetime", metavar="DURATION", help="As in 90d; the account's rotation period by default."),
]
Never = Annotated[bool, typer.Option("--never", help="It never expires.")]
To = Annotated[
    str | None,
    typer.Option(
        "--to",
        metavar="TARGET",
        help="Where the secret goes: clipboard, file:PATH, command:'…' (to its stdin), or stdout when that is a pipe.",
    ),
]
NoWait = Annotated[bool, typer.Option("--no-wait", help="Do not wait and clear the clipboard.")]


@app.command()
@visiting
def issue(
    visit: Visit,
    account: AccountName,
    label: Annotated[str, typer.Option("--label", help="What tells it from others: where it is used.")],
    lifetime: Lifetime = None,
    never: Never = False,
    scope: Scopes = None,
    to: To = None,
    no_wait: NoWait = False,
    json: AsJson = False,
) -> None:
    """Issue a token and hand its secret over, once."""
    target = delivery.chosen(visit, to, json=json)
    with visit.desk() as desk:
        how: dict[str, Any] = {"lifetime": _duration(lifetime), "never": never, "scopes": scope or None}
        issued, receipt = delivery.hand_over(desk, lambda: desk.run(tokens.issue, account, label, **how), target)
        line = desk.ask(tokens.line, issued.token.id)
    _handed(f"issued the token '{line.token.label}' ({line.token.id}) of '{line.account}'", line, json=json)
    delivery.tell(receipt, seconds=visit.settings.clipboard_seconds, wait=not no_wait)


@app.command()
@visiting
def rotate(
    visit: Visit,
    token: TokenId,
    overlap: Annotated[
        str,
        typer.Option("--overlap", metavar="DURATION", help="How long the old one works on, as in 24h; 0 ends it now."),
    ] = "24h",
    lifetime: Lifetime = None,
    never: Never = False,
    label: Annotated[
        str | None, typer.Option("--label", help="The successor's label; the old one's by default.")
    ] = None,
    to: To = None,
    no_wait: NoWait = False,
    if_version: IfVersion = None,
    json: AsJson = False,
) -> None:
    """Issue the successor of a token; the old one ends after the overlap."""
    target = delivery.chosen(visit, to, json=json)
    with visit.desk() as desk:
        how: dict[str, Any] = {
            "overlap": timedelta() if overlap == "0" else wording.duration(overlap),
            "lifetime": _duration(lifetime),
            "never": never,
            "label": label,
            "seen": if_version,
        }
        issued, receipt = delivery.hand_over(desk, lambda: desk.run(tokens.rotate, token, **how), target)
        line = desk.ask(tokens.line, issued.token.id)
        old = desk.ask(tokens.line, token)
    _handed(f"rotated the token '{old.token.label}': {old.token.id} to {line.token.id}", line, json=json)
    if old.token.expires_at:
        ended = old.state in ENDED
        output.talk(
            "the old one has ended" if ended else f"the old one works until {wording.when(old.token.expires_at)}"
        )
    delivery.tell(receipt, seconds=visit.settings.clipboard_seconds, wait=not no_wait)


def _duration(text: str | None) -> timedelta | None:
    if text is not None and text.strip().lower() == "never":
        raise InvalidInput("a lifetime ends", hint="say --never for a token that does not expire")
    return None if text is None else wording.duration(text)


def _handed(what: str, line: tokens.Line, *, json: bool) -> None:
    output.talk(what)
    if json:
        output.as_json(_facts(line))


@app.command("uses")
@visiting
def uses_(
    visit: Visit,
    token: TokenId,
    within: Annotated[str, typer.Option("--within", metavar="DURATION", help="How far back to look.")] = "90d",
    json: AsJson = False,
) -> None:
    """Tell from where a token was used, and from where it was refused: how often, and when last."""
    with visit.read() as tx:
        found, now, begins = uses.of_token(tx, token, within=wording.duration(within)), tx.now, audit.kept_since(tx)
    lines = [(_HOW[action], source) for action, all_of in found.items() for source in all_of]
    if json:
        output.as_json([{"outcome": how, **sources.facts(source)} for how, source in lines])
    elif not lines:
        output.talk(f"it was not presented in the last {within}")
    else:
        rows = [(how, one.address, f"{one.count:,}", wording.ago(one.last_at, now)) for how, one in lines]
        output.table(("OUTCOME", "FROM", "TIMES", "LAST"), rows)
    if begins and begins > now - wording.duration(within):
        output.talk(f"what was before {wording.when(begins)} is in an archive")


_HOW = {Action.TOKEN_USED: "accepted", Action.TOKEN_REFUSED: "refused"}


@app.command()
@visiting
def extend(
    visit: Visit,
    token: TokenId,
    by: Annotated[str, typer.Option("--by", metavar="DURATION", help="How much longer it works, as in 24h.")],
    json: AsJson = False,
) -> None:
    """Let a token work longer; one in its overlap, too."""
    with visit.begin() as tx:
        found = tokens.extend(tx, token, by=wording.duration(by))
        line = tokens.line(tx, found.id)
    _handed(f"extended the token '{line.token.label}' ({line.token.id}) of '{line.account}'", line, json=json)
    if line.token.expires_at:
        output.talk(f"it works until {wording.when(line.token.expires_at)}")


@app.command()
@visiting
def revoke(
    visit: Visit,
    token: TokenId,
    reason: Annotated[str, typer.Option("--reason", help="Why; kept in the audit.")],
    yes: Yes = False,
    json: AsJson = False,
) -> None:
    """Revoke a token: it is refused from the next request on, everywhere."""
    with visit.desk() as desk:
        found = desk.ask(tokens.line, token)
        confirm(f"revoke the token '{found.token.label}' of '{found.account}'?", yes=yes)
        with desk.begin() as tx:
            tokens.revoke(tx, token, reason=reason)
            line = tokens.line(tx, token)
    _handed(f"revoked the token '{line.token.label}' ({line.token.id}) of '{line.account}'", line, json=json)


@app.command()
@visiting
def verify(
    visit: Visit,
    scope: Scopes = None,
    file: Annotated[
        Path | None, typer.Option("--file", metavar="PATH", help="Read the token from this file, not from stdin.")
    ] = None,
    name_only: Annotated[bool, typer.Option("--name-only", help="Print the account's name alone.")] = False,
    json: AsJson = False,
) -> None:
    """Say whose token it is that comes on stdin; it is recorded as a use of it."""
    if name_only and json:
        raise InvalidInput("--name-only and --json are two forms of one answer", hint="say one of them")
    presented = delivery.received(file)
    with visit.desk() as desk, desk.verifier() as verifier:
        asked = Asked(scopes=scopes.parse(scope or ()), address="cli")
        found = verifier.require(presented, asked=asked)
        label = _label(desk, found.jti)
    if name_only:
        return output.data(found.username)
    facts = {name: value for name, value in asdict(found).items() if name != "active"}
    return output.thing({"account": found.username, "label": label, **facts}, json=json)


def _label(desk: Desk, found: str) -> str:
    """What an accepted token is called; a personal one is told by the migration that it is registered with."""
    if found.startswith(migration.PREFIX):
        return desk.ask(migration.line, found).migration.what
    return desk.ask(tokens.line, found).token.label


@app.command()
@visiting
def show(visit: Visit, token: TokenId, json: AsJson = False) -> None:
    """Show a token: everything but its secret, which nobody has any more."""
    with visit.read() as tx:
        line = tokens.line(tx, token)
    output.thing(_facts(line), json=json)


@app.command("list")
@visiting
def list_(
    visit: Visit,
    account: SomeAccount = None,
    state: Annotated[
        list[TokenState] | None, typer.Option("--state", help="Only those in this state; repeatable.")
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="Ended tokens one by one, too.")] = False,
    json: AsJson = False,
) -> None:
    """List the tokens of an account, or of all in your reach; ended ones are folded."""
    with visit.read() as tx:
        lines, now = tokens.listed(tx, account, states=state or None), tx.now
    if json:
        output.as_json([_facts(line) for line in lines])
    elif not lines:
        told = "no token is like that" if state else "no tokens here; 'botdesk token issue ACCOUNT --label …' makes one"
        output.talk(told)
    else:
        _show_all(lines, now, one_account=account is not None, fold=not (everything or state))


def _show_all(lines: list[tokens.Line], now: datetime, *, one_account: bool, fold: bool) -> None:
    shown = [line for line in lines if not (fold and line.state in ENDED)]
    titles: tuple[str, ...] = ("LABEL", "ACCOUNT", "ID", "STATE", "EXPIRES", "CREATED", "USED", "BY")
    rows = [_row(line, now) for line in shown]
    if one_account:
        titles, rows = _without(titles, 1), [_without(row, 1) for row in rows]
    if shown:
        output.table(titles, rows)
    if len(shown) < len(lines):
        output.talk(f"{wording.plural(len(lines) - len(shown), 'ended token')} (use --all)")


def _without(cells: tuple[str, ...], place: int) -> tuple[str, ...]:
    return cells[:place] + cells[place + 1 :]


def _row(line: tokens.Line, now: datetime) -> tuple[str, ...]:
    token = line.token
    return (
        token.label,
        line.account,
        token.id,
        f"{line.state} (refused)" if line.suspended else line.state.value,
        "–" if line.state in ENDED else wording.until_short(token.expires_at, now),
        wording.ago_short(token.issued_at, now),
        wording.ago_short(token.last_used_at, now),
        line.issuer,
    )


def _facts(line: tokens.Line) -> dict[str, object]:
    """What may be shown of a token: everything but its secret and the hash of that."""
    token = line.token
    return {
        "id": token.id,
        "label": token.label,
        "account": line.account,
        "account_id": token.account_id,
        "state": line.state,
        "suspended": line.suspended,
        "scopes": token.scopes.split(),
        "issued_at": token.issued_at,
        "issued_by": line.issuer,
        "expires_at": token.expires_at,
        "delivered_at": token.delivered_at,
        "delivered_to": token.delivered_to,
        "predecessor_id": token.predecessor_id,
        "successor_id": token.successor_id,
        "revoked_at": token.revoked_at,
        "revoked_reason": token.revoked_reason,
        "last_used_at": token.last_used_at,
        "last_used_from": token.last_used_from,
        "version": line.version,
    }


app.command("cutover")(cutover.cutover)
