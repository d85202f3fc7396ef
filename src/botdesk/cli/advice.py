"""`botdesk advice`: what is not as it should be, and the command that mends it."""

from datetime import datetime
from typing import Annotated

import typer

from botdesk import advice as advices
from botdesk import wording
from botdesk.advice import Advice, Severity
from botdesk.cli import output
from botdesk.cli.context import AsJson, AsOption, StoreOption, Visit, complete_account, visit_of, visiting

app = typer.Typer(help="What is not as it should be, and what mends it.", invoke_without_command=True)

AdviceId = Annotated[str, typer.Argument(metavar="ADVICE", help="What the list calls it.")]
Until = Annotated[
    str | None, typer.Option("--until", metavar="TIME", help="When it comes back: 2027-01-31, or 30d from now.")
]


@app.callback()
def advice(
    ctx: typer.Context,
    account: Annotated[
        str | None,
        typer.Option("--account", metavar="ACCOUNT", help="Only on this account.", autocompletion=complete_account),
    ] = None,
    least: Annotated[
        Severity, typer.Option("--severity", help="Only what is as severe as this, or worse.")
    ] = Severity.NOTICE,
    dismissed: Annotated[bool, typer.Option("--dismissed", help="What was dismissed, too.")] = False,
    json: AsJson = False,
    store: StoreOption = None,
    acting_as: AsOption = None,
) -> None:
    """What is not as it should be, the worst first, and what mends it; ends with 9 when there is anything."""
    if ctx.invoked_subcommand is None:
        _list(visit_of(ctx), account, least, dismissed=dismissed, json=json)


def _list(visit: Visit, account: str | None, least: Severity, *, dismissed: bool, json: bool) -> None:
    with visit.read() as tx:
        wanted = list(Severity)[: list(Severity).index(least) + 1]
        every = advices.listed(tx, account, dismissed=dismissed)
        found = [one for one in every if one.finding.severity in wanted]
        now = tx.now
    if json:
        output.as_json([_facts(one) for one in found])
    elif not found:
        output.talk("all is well")
    for one in found if not json else ():
        _show(one, now)
    if any(one.dismissal is None for one in found):
        raise typer.Exit(output.SOMETHING)


def _show(found: Advice, now: datetime) -> None:
    finding = found.finding
    output.data(f"{finding.severity.upper()}  {finding.account or 'the desk'}: {finding.what}  [{found.id}]")
    output.data(f"  why:  {finding.why}")
    output.data(f"  mend: {found.command}")
    if found.dismissal:
        output.data(f"  dismissed until {wording.when(found.dismissal.until)}: {found.dismissal.reason}")


def _facts(found: Advice) -> dict[str, object]:
    finding, dismissal = found.finding, found.dismissal
    return {
        "id": found.id,
        "kind": finding.kind,
        "severity": finding.severity,
        "account": finding.account or None,
        "account_id": finding.account_id or None,
        "token_id": finding.token_id or None,
        "label": finding.label or None,
        "about": finding.about or None,
        "what": finding.what,
        "why": finding.why,
        "since": finding.since,
        "mend": finding.mend,
        "command": found.command,
        "dismissed_until": dismissal.until if dismissal else None,
        "dismissed_reason": dismissal.reason if dismissal else None,
    }


@app.command()
@visiting
def dismiss(
    visit: Visit,
    advice: AdviceId,
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why nothing is to be done about it.")],
    until: Until = None,
    account: Annotated[
        str | None,
        typer.Option("--account", metavar="ACCOUNT", help="What it is about.", autocompletion=complete_account),
    ] = None,
    json: AsJson = False,
) -> None:
    """Hide a line of advice from everybody until a date, 30 days ahead by default."""
    with visit.begin() as tx:
        ends = wording.ahead(until, tx.now) if until else None
        row = advices.dismiss(tx, advice, reason=reason, until=ends, account=account)
        found = advices.find(tx, advice, account=account)
    output.talk(f"dismissed until {wording.when(row.until)}: {found.finding.what}")
    if json:
        output.as_json(_facts(found))


@app.command()
@visiting
def recall(visit: Visit, advice: AdviceId) -> None:
    """Show a line of advice again that was dismissed."""
    with visit.begin() as tx:
        advices.recall(tx, advice)
    output.talk("it is shown again")
