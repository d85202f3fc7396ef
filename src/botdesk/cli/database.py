"""`botdesk database`: the store itself."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from botdesk import audit, keeping, verification, wording
from botdesk.cli import output, progress
from botdesk.cli.context import AsJson, Visit, visiting
from botdesk.errors import StoreError
from botdesk.keeping import Check

app = typer.Typer(help="The store: upgrade it, back it up, move it, look it over.", no_args_is_help=True)


@app.command()
@visiting
def upgrade(visit: Visit) -> None:
    """Bring the store to this program's schema, after a backup."""
    with visit.desk() as desk:
        output.talk(f"the store has this program's schema ({desk.location})")


@app.command()
@visiting
def backup(
    visit: Visit,
    path: Annotated[
        Path | None, typer.Argument(metavar="FILE", help="A new file; by default one in 'backups' beside the store.")
    ] = None,
) -> None:
    """Copy the whole store into a new private file, and print its path."""
    with visit.desk() as desk:
        made = keeping.backup(desk, path)
    output.data(str(made))


@app.command()
@visiting
def move(
    visit: Visit,
    source: Annotated[str, typer.Argument(metavar="FROM", help="The store with the desk.")],
    target: Annotated[str, typer.Argument(metavar="TO", help="A store with nothing in it.")],
) -> None:
    """Copy a whole desk into another store, SQLite or PostgreSQL, verify it there, and print the audit's head."""
    with replace(visit, store=source).desk() as desk:
        with progress.bar("verifying the source") as tell:
            moved = keeping.move(desk, target, progress=(lambda what, done, of: tell(done, of, what)) if tell else None)
        output.talk(f"{wording.plural(moved.rows, 'row')} arrived in {moved.location}, and the chain holds there")
        output.talk(f"the source is as it was: put it away before anybody goes on with it ({desk.location})")
    output.data(str(moved.head))


@app.command()
@visiting
def check(visit: Visit, json: AsJson = False) -> None:
    """Look the store over: integrity, schema, triggers, audit."""
    with visit.desk() as desk:
        checks = keeping.check(desk)
    if json:
        output.as_json([_facts(check) for check in checks])
    else:
        output.table(("CHECK", "RESULT", "FOUND"), [(check.name, _result(check), check.words) for check in checks])
    refuse_unwell(checks)


@app.command()
@visiting
def clock(
    visit: Visit,
    accept: Annotated[
        bool, typer.Option("--accept", help="Go by this machine's clock from now on, whatever the audit says.")
    ] = False,
) -> None:
    """Hold this machine's clock against the audit: tokens are not verified by one that was set back."""
    with visit.desk() as desk:
        if accept:
            desk.run(audit.accept_clock)
        mark, now = desk.ask(audit.high_water), desk.clock()
    output.data(f"clock  {wording.when(now)}")
    output.data(f"audit  {wording.when(mark) if mark else 'nothing newer'}")
    verification.refuse_clock(now, mark)


def refuse_unwell(checks: list[Check]) -> None:
    """End with an error that names the checks that did not pass, if any.

    Raises:
        StoreError: There are such.
    """
    unwell = [check for check in checks if not check.ok]
    if unwell:
        names = ", ".join(check.name for check in unwell)
        raise StoreError(
            f"the store is not well: {names}", hint="; ".join(check.hint for check in unwell if check.hint)
        )


def _result(check: Check) -> str:
    return "ok" if check.ok else "failed"


def _facts(check: Check) -> dict[str, object]:
    return {"name": check.name, "ok": check.ok, "words": check.words, "hint": "" if check.ok else check.hint}
