"""`botdesk bulk`: many accounts or tokens at once, shown before anything happens, each in a transaction of its own."""

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any

import typer

from botdesk import bulk, runner, runs, wording
from botdesk.access import Level
from botdesk.bulk import Order, Plan, Verb
from botdesk.cli import delivery, output, progress
from botdesk.cli.context import AsJson, Visit, Yes, ask, at_terminal, complete_account, visiting
from botdesk.cli.grant import ToPerson, ToRole, grantee_of
from botdesk.desk import Desk
from botdesk.errors import InvalidInput
from botdesk.handoff import Command, parse_target
from botdesk.runs import Fate, Run

SHORT = "Do one thing to many accounts or tokens at once."
HELP = (
    f"{SHORT}\n\nIt is shown first what will happen to each and what will be left alone, and asked. Then each is done "
    "by itself: one that fails stops no other, and ctrl+c stops after the one in work. Such a run has a number; 'show' "
    "tells what came of it, and 'resume' goes on with what is left, also after it was killed."
)

app = typer.Typer(help=HELP, short_help=SHORT, no_args_is_help=True)

MOST_SHOWN = 20
"""So many of those that something will be done to are shown one by one."""

Tokens = Annotated[list[str] | None, typer.Argument(metavar="TOKEN", help="Ids of tokens; '-' reads them from stdin.")]
Accounts = Annotated[
    list[str] | None, typer.Argument(metavar="ACCOUNT", help="Names or ids; '-' reads them from stdin.")
]


def _all_of(which: str) -> Any:
    told = f"All tokens of this account that {which}; repeatable."
    return typer.Option("--all-of", metavar="ACCOUNT", help=told, autocompletion=complete_account)


AllLeft = Annotated[list[str] | None, _all_of("have not ended")]
AllInUse = Annotated[list[str] | None, _all_of("work, but for those that a successor takes over from")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Change nothing; tell what would be done and what not.")]
RunNumber = Annotated[int, typer.Argument(metavar="RUN", help="The run's number, as from 'bulk list'.")]
Force = Annotated[bool, typer.Option("--force", help="Even if it was at work a moment ago.")]
Everything = Annotated[bool, typer.Option("--all", help="Those that were done, too.")]
ToCommand = Annotated[
    str | None,
    typer.Option(
        "--to",
        metavar="TARGET",
        help="command:'PROGRAM ARGUMENT …', run once for each token with the new secret on its stdin. In its arguments "
        "{account} is the account's name, {token_id} the new token's id, {predecessor_id} the old one's. The setting "
        "'bulk_command' says it once and for all.",
    ),
]


@app.command()
@visiting
def revoke(
    visit: Visit,
    reason: Annotated[str, typer.Option("--reason", help="Why; kept in the audit.")],
    token: Tokens = None,
    all_of: AllLeft = None,
    dry_run: DryRun = False,
    yes: Yes = False,
    json: AsJson = False,
) -> None:
    """Revoke tokens: they are refused from the next request on, everywhere."""
    order = Order(verb=Verb.REVOKE, reason=reason)
    _many(visit, order, token, all_of, dry_run=dry_run, yes=yes, json=json)


@app.command()
@visiting
def disable(
    visit: Visit,
    account: Accounts = None,
    reason: Annotated[str, typer.Option("--reason", help="Why; kept in the audit.")] = "",
    dry_run: DryRun = False,
    yes: Yes = False,
    json: AsJson = False,
) -> None:
    """Disable accounts: all their tokens are refused until they are enabled again."""
    _many(visit, Order(verb=Verb.DISABLE, reason=reason), account, dry_run=dry_run, yes=yes, json=json)


@app.command()
@visiting
def enable(
    visit: Visit, account: Accounts = None, dry_run: DryRun = False, yes: Yes = False, json: AsJson = False
) -> None:
    """Enable disabled accounts: those of their tokens that have not ended work again."""
    _many(visit, Order(verb=Verb.ENABLE), account, dry_run=dry_run, yes=yes, json=json)


@app.command()
@visiting
def extend(
    visit: Visit,
    by: Annotated[str, typer.Option("--by", metavar="DURATION", help="How much longer they work, as in 30d.")],
    token: Tokens = None,
    all_of: AllInUse = None,
    dry_run: DryRun = False,
    yes: Yes = False,
    json: AsJson = False,
) -> None:
    """Let tokens work longer than they would."""
    order = Order(verb=Verb.EXTEND, by=wording.duration(by))
    _many(visit, order, token, all_of, dry_run=dry_run, yes=yes, json=json)


@app.command()
@visiting
def grant(
    visit: Visit,
    level: Annotated[Level, typer.Option("--level", help="What they may do; each level includes the one before.")],
    account: Accounts = None,
    role: ToRole = None,
    person: ToPerson = None,
    dry_run: DryRun = False,
    yes: Yes = False,
    json: AsJson = False,
) -> None:
    """Let a role or a person handle accounts."""
    order = Order(verb=Verb.GRANT, grantee=grantee_of(role, person), level=level)
    _many(visit, order, account, dry_run=dry_run, yes=yes, json=json)


@app.command()
@visiting
def rotate(
    visit: Visit,
    token: Tokens = None,
    to: ToCommand = None,
    all_of: AllInUse = None,
    overlap: Annotated[
        str, typer.Option("--overlap", metavar="DURATION", help="How long the old ones work on; 0 ends each at once.")
    ] = "24h",
    lifetime: Annotated[
        str | None,
        typer.Option("--lifetime", metavar="DURATION", help="As in 90d; the accounts' rotation periods by default."),
    ] = None,
    never: Annotated[bool, typer.Option("--never", help="The new ones never expire.")] = False,
    dry_run: DryRun = False,
    yes: Yes = False,
    json: AsJson = False,
) -> None:
    """Rotate tokens: each new secret goes straight to a command's stdin, each old token ends after the overlap."""
    order = Order(
        verb=Verb.ROTATE,
        overlap=timedelta() if overlap == "0" else wording.duration(overlap),
        lifetime=None if lifetime is None else wording.duration(lifetime),
        never=never,
    )
    _many(visit, order, token, all_of, target=_command(visit, to), dry_run=dry_run, yes=yes, json=json)


@app.command("list")
@visiting
def list_(visit: Visit, json: AsJson = False) -> None:
    """List what was done to many at once, the newest first."""
    with visit.read() as tx:
        found, now = runs.listed(tx), tx.now
    if json:
        return output.as_json(
            [{"run": r.number, "at": r.at, "actor": r.actor, "verb": r.verb, "of": r.many, "how": r.how} for r in found]
        )
    if not found:
        return output.talk("no runs yet; 'botdesk bulk --help' tells what can be done to many at once")
    rows = [
        (str(r.number), wording.ago_short(r.at, now), r.actor, f"{r.verb} {r.many}", r.how or "not ended")
        for r in found
    ]
    return output.table(("NO", "WHEN", "BY", "WHAT", "RESULT"), rows)


@app.command()
@visiting
def show(visit: Visit, run: RunNumber, everything: Everything = False, json: AsJson = False) -> None:
    """Tell what a run did to each, and what it did not do and why; also after it was killed."""
    found = visit.ask(runs.show, run)
    _summary(found, json=json, everything=everything)


@app.command()
@visiting
def resume(
    visit: Visit, run: RunNumber, to: ToCommand = None, force: Force = False, yes: Yes = False, json: AsJson = False
) -> None:
    """Go on with what is left of a run that was stopped or killed; what failed is tried again."""
    with visit.desk() as desk:
        rotates = desk.ask(runs.show, run).order.verb is Verb.ROTATE
        target = _command(visit, to) if rotates else None
        with progress.bar("looking") as tell:
            plan = runner.take_up(desk, run, anyway=force, tell=tell)
        _carry_out(desk, plan, target=target, number=run, yes=yes, json=json, piped=False)


@app.command()
@visiting
def end(visit: Visit, run: RunNumber, force: Force = False, json: AsJson = False) -> None:
    """End a run that was killed, without going on: new tokens that nobody was given are revoked, the rest stays."""
    with visit.desk() as desk:
        found = runner.finish(desk, run, anyway=force)
    _summary(found, json=json)


def _many(
    visit: Visit,
    order: Order,
    named: list[str] | None,
    all_of: list[str] | None = None,
    *,
    target: Command | None = None,
    dry_run: bool,
    yes: bool,
    json: bool,
) -> None:
    words, piped = _named(named or [])
    with visit.desk() as desk:
        found = [line for account in all_of or [] for line in desk.ask(bulk.all_of, order.verb, account)]
        words += [line.token.id for line in found]
        with progress.bar("looking") as tell:
            plan = runner.plan(desk, order, words, tell=tell)
        if target is not None:
            runner.refuse_one_place(target, len(plan.items))
        if dry_run:
            return _rehearsed(plan, json=json)
        return _carry_out(desk, plan, target=target, number=None, yes=yes, json=json, piped=piped)


def _named(words: list[str]) -> tuple[list[str], bool]:
    """What is named, and whether stdin was read for it."""
    if "-" not in words:
        return words, False
    if output.on_terminal(sys.stdin):
        output.talk("one a line, then ctrl+d")
    return [word for word in words if word != "-"] + sys.stdin.read().split(), True


def _command(visit: Visit, to: str | None) -> Command:
    said = visit.settings.bulk_command
    target = parse_target(to) if to is not None else Command(said) if said else None
    if not isinstance(target, Command):
        raise InvalidInput(
            "where are the secrets to go?", hint="--to command:'vault kv put secret/{account}/{token_id} token=-'"
        )
    delivery.refuse_unfit(visit, target, json=False)
    return target


def _rehearsed(plan: Plan, *, json: bool) -> None:
    if json:
        output.as_json(_plan_facts(plan))
    else:
        _preview(plan)
    _refuse_nothing(plan)
    if plan.refused:
        raise typer.Exit(output.SOMETHING)


def _refuse_nothing(plan: Plan) -> None:
    """End with the reason of the first one that was refused, when there is nothing to do."""
    if not plan.items:
        raise plan.refused[0].error


def _preview(plan: Plan) -> None:
    verb, order = plan.order.verb.value, plan.order
    output.talk(f"{verb}: {order.many(len(plan.items))} will be, {len(plan.refused):,} will not")
    for item in plan.items[:MOST_SHOWN]:
        output.talk(f"  will      {item.name} ({item.id}){f': {item.will}' if item.will else ''}")
    if len(plan.items) > MOST_SHOWN:
        output.talk(f"  will      and {len(plan.items) - MOST_SHOWN:,} more")
    for one in plan.refused:
        output.talk(f"  will not  {one.id}: {one.error.message}")


def _carry_out(
    desk: Desk, plan: Plan, *, target: Command | None, number: int | None, yes: bool, json: bool, piped: bool
) -> None:
    _preview(plan)
    _refuse_nothing(plan)
    _confirm(f"{plan.order.verb} {plan.order.many(len(plan.items))}?", yes=yes, piped=piped)
    with progress.bar(plan.order.verb.value, patience=0) as tell, _stopping() as pressed:
        run = runner.carry_out(
            desk, plan, target=target, number=number, tell=tell,
            stopped=lambda: bool(pressed), cut=lambda: len(pressed) > 1,
        )  # fmt: skip
    _summary(run, json=json)
    if run.stopped:
        raise typer.Exit(output.INTERRUPTED)
    if run.count(Fate.DONE) < len(run.results):
        raise typer.Exit(output.SOMETHING)


def _confirm(question: str, *, yes: bool, piped: bool) -> None:
    """Ask at the terminal, even if the names came on stdin; a script has said what it wants."""
    if yes or not output.on_terminal(sys.stderr) or not (piped or at_terminal()):
        return
    try:
        if piped:
            with Path("/dev/tty").open(encoding="utf-8", errors="replace") as terminal:
                answer = ask(f"{question} [y/N]", of=terminal)
        else:
            answer = ask(f"{question} [y/N]")
    except OSError:
        return
    if answer.lower() not in ("y", "yes"):
        raise InvalidInput("not confirmed, so nothing was done", hint="answer y, or say --yes")


@contextmanager
def _stopping() -> Iterator[list[int]]:
    """Have Ctrl-C, a closed terminal and a kill stop the run after the item in work, and a second one at once."""
    pressed: list[int] = []

    def stop(number: int, _: object) -> None:
        if not pressed:
            output.talk("stopping after the one in work; once more cuts that one off")
        pressed.append(number)

    ends = [signal.SIGINT, signal.SIGTERM, *([signal.SIGHUP] if hasattr(signal, "SIGHUP") else [])]
    before = {number: signal.signal(number, stop) for number in ends}
    try:
        yield pressed
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _summary(run: Run, *, json: bool, everything: bool = False) -> None:
    if json:
        return output.as_json(_run_facts(run))
    shown = [one for one in run.results if everything or one.fate is not Fate.DONE]
    if shown:
        output.table(("OUTCOME", "ID", "WHAT", "EVENT"), [_row(one) for one in shown])
    output.talk(f"run {run.number}: {run.told}{_how(run)}")
    if run.open_ids:
        output.talk(f"hint: 'botdesk bulk resume {run.number}' goes on with what is left")
    return None


def _how(run: Run) -> str:
    if not run.ended:
        return "; it has not ended: it is at work, or was killed"
    return "; it was stopped" if run.stopped else ""


def _row(one: runs.Result) -> tuple[str, str, str, str]:
    return one.fate.value, one.id, one.name if one.name != one.id else "", one.words


def _plan_facts(plan: Plan) -> dict[str, object]:
    return {
        "verb": plan.order.verb,
        "will": [{"id": item.id, "account": item.account, "label": item.label or None} for item in plan.items],
        "will_not": [{"id": one.id, "why": one.error.message} for one in plan.refused],
    }


def _run_facts(run: Run) -> dict[str, object]:
    return {
        "run": run.number,
        "verb": run.order.verb,
        "actor": run.actor,
        "at": run.at,
        "to": run.to or None,
        "ended": run.ended,
        "stopped": run.stopped,
        **{fate.value: run.count(fate) for fate in Fate},
        "results": [
            {
                "id": one.id,
                "account": one.account or None,
                "label": one.label or None,
                "outcome": one.fate,
                "why": one.words,
            }
            for one in run.results
        ],
    }
