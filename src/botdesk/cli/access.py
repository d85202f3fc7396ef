"""`botdesk access`: who can reach what, and why."""

import typer

from botdesk import facts, grants
from botdesk.cli import output
from botdesk.cli.context import AccountName, AsJson, PersonName, Visit, visiting
from botdesk.facts import Difference, Reach, Shift

app = typer.Typer(help="Who can reach what, and why.", no_args_is_help=True)


@app.command()
@visiting
def who(visit: Visit, account: AccountName, json: AsJson = False) -> None:
    """Tell who can reach an account, and why: a line for each reason, the one that counts first."""
    with visit.read() as tx:
        found = grants.who_reaches(tx, account)
    if json:
        output.as_json([_facts(reach) for reach in found])
    elif not found:
        output.talk("nobody can reach it")
    else:
        output.table(("PERSON", "LEVEL", "WHY"), [(reach.person.name, *why) for reach in found for why in _why(reach)])


@app.command()
@visiting
def what(visit: Visit, person: PersonName, json: AsJson = False) -> None:
    """Tell what a person can reach within your own reach, and why."""
    with visit.read() as tx:
        found = grants.what_reaches(tx, person)
    if json:
        output.as_json([_facts(reach) for reach in found])
    elif not found:
        output.talk(f"'{person}' can reach nothing that you can reach")
    else:
        output.table(("ACCOUNT", "LEVEL", "WHY"), [(reach.account, *why) for reach in found for why in _why(reach)])


def _why(reach: Reach) -> list[tuple[str, str]]:
    """The level that counts, and each reason; what a reason gives is told when that is something else."""
    return [
        (reach.level.value, reason.why if reason.level is reach.level else f"{reason.why} ({reason.level})")
        for reason in reach.reasons
    ]


def _facts(reach: Reach) -> dict[str, object]:
    return {
        "person": reach.person.name,
        "account": reach.account,
        "account_id": reach.account_id,
        "level": reach.level,
        "reasons": [{"level": reason.level, "why": reason.why} for reason in reach.reasons],
    }


def rehearse(difference: Difference, *, json: bool) -> None:
    """Tell what a change would do, instead of doing it."""
    if json:
        output.as_json(difference_facts(difference))
        return
    for line in facts.told(difference) or ["nobody's access would change"]:
        output.data(line)
    output.talk("nothing was changed")


def difference_facts(difference: Difference) -> dict[str, object]:
    """A difference, for JSON; an account of null is all that somebody reaches by their standing alone."""
    return {
        "gains": [_shift(shift) for shift in difference.gains],
        "losses": [_shift(shift) for shift in difference.losses],
        "orphaned": list(difference.orphaned),
        "adopted": list(difference.adopted),
    }


def _shift(shift: Shift) -> dict[str, object]:
    return {"person": shift.person, "account": shift.account, "before": shift.before, "after": shift.after}
