"""`botdesk due`: what expires or should be rotated soon, for people, mail, figures and calendars."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated

import typer

from botdesk import due as dues
from botdesk import feed, wording
from botdesk.cli import output
from botdesk.cli.context import AsJson, Visit, complete_account, visiting
from botdesk.due import Due


class Format(StrEnum):
    """How it is written."""

    TEXT = "text"
    JSON = "json"
    PROM = "prom"
    ICS = "ics"


@visiting
def due(
    visit: Visit,
    within: Annotated[str, typer.Option("--within", metavar="DURATION", help="How far ahead to look.")] = "30d",
    account: Annotated[
        str | None,
        typer.Option("--account", metavar="ACCOUNT", help="Only of this account.", autocompletion=complete_account),
    ] = None,
    manager: Annotated[
        str | None, typer.Option("--manager", metavar="NAME", help="Only what this person or role can manage.")
    ] = None,
    form: Annotated[
        Format, typer.Option("--format", help="For people, programs, Prometheus or a calendar.")
    ] = Format.TEXT,
    json: AsJson = False,
) -> None:
    """Tell what expires, should be rotated or moved off soon, or is overdue; ends with 9 when there is anything."""
    with visit.read() as tx:
        found = dues.listed(tx, within=wording.duration(within), account=account, manager=manager)
        now = tx.now
    _write(found, Format.JSON if json else form, now)
    if found:
        raise typer.Exit(output.SOMETHING)


def _write(found: list[Due], form: Format, now: datetime) -> None:
    if form is Format.JSON:
        return output.as_json([_facts(one, now) for one in found])
    if form is Format.TEXT:
        return _table(found, now)
    for line in feed.prometheus(found, now) if form is Format.PROM else feed.calendar(found, now):
        output.data(line) if form is Format.PROM else output.verbatim(f"{wording.visible(line)}\r")
    return None


def _table(found: list[Due], now: datetime) -> None:
    if not found:
        return output.talk("nothing is due")
    titles = ("WHEN", "WHAT", "ACCOUNT", "TOKEN", "ID", "MANAGED BY")
    return output.table(titles, [_row(one, now) for one in found])


def _row(one: Due, now: datetime) -> tuple[str, ...]:
    return (
        wording.until(one.at, now),
        _WORDS[one.what],
        one.account,
        one.label,
        one.token_id,
        ", ".join(one.managers) or "nobody",
    )


_WORDS = {dues.What.EXPIRES: "expires", dues.What.ROTATION: "rotate", dues.What.PERSONAL: "move off"}


def _facts(one: Due, now: datetime) -> dict[str, object]:
    return {
        "account": one.account,
        "account_id": one.account_id,
        "token_id": one.token_id,
        "label": one.label,
        "what": one.what,
        "at": one.at,
        "overdue": one.at <= now,
        "managers": list(one.managers),
    }
