"""`botdesk token cutover`: rotations in their overlap, watched and decided."""

from datetime import datetime
from typing import Annotated

import typer

from botdesk import cutover as cutovers
from botdesk import tokens, wording
from botdesk.cli import output
from botdesk.cli import source as sources
from botdesk.cli.context import AsJson, Visit, visiting
from botdesk.cutover import Cutover
from botdesk.errors import InvalidInput

TokenId = Annotated[
    str | None, typer.Argument(metavar="TOKEN", help="The id of the old token, or of its successor; all by default.")
]


@visiting
def cutover(
    visit: Visit,
    token: TokenId = None,
    finish: Annotated[bool, typer.Option("--finish", help="End the old token now.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Finish even if the old one is in use.")] = False,
    extend: Annotated[
        str | None, typer.Option("--extend", metavar="DURATION", help="Let the old token work longer, as in 24h.")
    ] = None,
    undo: Annotated[bool, typer.Option("--undo", help="End the successor; the old token goes on as before.")] = False,
    json: AsJson = False,
) -> None:
    """Show the rotations that run: who uses which token still. Finish, extend or undo one."""
    _refuse_unclear(token, finish=finish, force=force, extend=extend, undo=undo)
    if token is None:
        return _list(visit, json=json)
    if finish or undo:
        with visit.begin() as tx:
            ended = cutovers.finish(tx, token, anyway=force) if finish else cutovers.undo(tx, token)
        return _told(f"{ended.label} ({ended.id})", finish=finish)
    with visit.begin() if extend else visit.read() as tx:
        if extend:
            tokens.extend(tx, cutovers.view(tx, token).old.id, by=wording.duration(extend))
        found, now = cutovers.view(tx, token), tx.now
    return output.as_json(_facts(found)) if json else _show(found, now)


def _refuse_unclear(token: str | None, *, finish: bool, force: bool, extend: str | None, undo: bool) -> None:
    wanted = [finish, undo, extend is not None]
    if sum(wanted) > 1:
        raise InvalidInput("only one of --finish, --extend and --undo goes", hint="say what is to be done")
    if any(wanted) and token is None:
        raise InvalidInput("which rotation?", hint="name its token: botdesk token cutover TOKEN --finish")
    if force and not finish:
        raise InvalidInput("--force goes with --finish alone", hint="say both, or neither")


def _told(old: str, *, finish: bool) -> None:
    ended = f"ended the overlap of {old}: it is refused from now on"
    output.talk(ended if finish else f"took the rotation of {old} back: its successor is revoked")


def _list(visit: Visit, *, json: bool) -> None:
    with visit.read() as tx:
        found, now = cutovers.listed(tx), tx.now
    if json:
        output.as_json([_facts(one) for one in found])
    elif not found:
        output.talk("no rotation runs")
    else:
        titles = ("ACCOUNT", "OLD", "ID", "NEW SEEN", "OLD SEEN", "USES", "ENDS", "READY")
        output.table(titles, [_row(one, now) for one in found])


def _row(found: Cutover, now: datetime) -> tuple[str, ...]:
    return (
        found.account,
        found.old.label,
        found.old.id,
        wording.ago_short(found.new_first_seen, now),
        wording.ago_short(found.old_last_seen, now),
        f"{found.old_uses:,}",
        wording.until_short(found.ends_at, now),
        "yes" if found.ready else "no",
    )


def _show(found: Cutover, now: datetime) -> None:
    output.data(f"{found.account}: '{found.old.label}' {found.old.id} → '{found.new.label}' {found.new.id}")
    output.data(f"rotated {wording.ago(found.began_at, now)} ({wording.when(found.began_at)})")
    new, old, uses = found.new_first_seen, found.old_last_seen, wording.plural(found.old_uses, "use")
    output.data(f"new one first seen {wording.ago(new, now)}" if new else "new one not seen yet")
    output.data(f"old one last seen {wording.ago(old, now)}, {uses} since" if old else "old one not seen since")
    for source in found.old_sources:
        output.data(f"  {source.address}: {source.count:,}, last {wording.ago(source.last_at, now)}")
    output.data(f"old one ends {wording.until(found.ends_at, now)} ({wording.when(found.ends_at)})")
    why = cutovers.unready(found, now)
    output.talk(f"not yet: {why}" if why else f"ready: botdesk token cutover {found.old.id} --finish")


def _facts(found: Cutover) -> dict[str, object]:
    return {
        "account": found.account,
        "old_id": found.old.id,
        "old_label": found.old.label,
        "new_id": found.new.id,
        "new_label": found.new.label,
        "began_at": found.began_at,
        "ends_at": found.ends_at,
        "new_first_seen": found.new_first_seen,
        "old_last_seen": found.old_last_seen,
        "old_uses": found.old_uses,
        "old_sources": [sources.facts(source) for source in found.old_sources],
        "quiet": found.quiet,
        "ready": found.ready,
        "undoable": found.undoable,
    }
