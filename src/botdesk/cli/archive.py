"""`botdesk audit archive`: old events to a sealed file; and such a file held for itself."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated

import typer

from botdesk import audit, keeping, retention, wording
from botdesk.cli import output, progress
from botdesk.cli.context import AsJson, Visit, Yes, confirm_typed, visiting
from botdesk.errors import AuditBroken, InvalidInput
from botdesk.retention import Archived, Plan


@visiting
def archive(
    visit: Visit,
    before: Annotated[
        str, typer.Option("--before", metavar="TIME", help="Move what is older: 2026-08-01, or 365d; 90 days stay.")
    ],
    file: Annotated[Path | None, typer.Option("--output", metavar="FILE", help="A new file for it, mode 0600.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Move nothing; tell what would be moved.")] = False,
    yes: Yes = False,
    json: AsJson = False,
) -> None:
    """Move old events to a sealed file that verifies by itself; the record goes on after them.

    The file is on the disk, and holds, before anything is let go of. Keep it: it is the only copy of those events.
    """
    with visit.desk() as desk:
        instant = wording.instant(before, desk.clock())
        plan = desk.ask(retention.plan, instant)
        if dry_run:
            _tell_plan(plan, json=json)
            return
        if file is None:
            raise InvalidInput("there is no file to move the events to", hint="say --output FILE, or --dry-run")
        retention.refuse_present(file)
        what = f"{wording.plural(plan.events, 'event')} will be in '{file}' alone"
        confirm_typed("archive", yes=yes, what=what)
        with progress.bar("verifying") as tell:
            told = (lambda what, done, of: tell(done, of, what)) if tell else None
            made = keeping.archive(desk, instant, file, progress=told)
    _tell(made, file, json=json)


def _tell_plan(plan: Plan, *, json: bool) -> None:
    if json:
        told = {"first": plan.first, "last": plan.last, "events": plan.events, "stay": plan.stays}
        output.as_json(told | {"since": plan.since, "until": plan.until, "bytes": plan.size})
        return
    output.data(f"{wording.plural(plan.events, 'event')} would be moved: {plan.first:,} to {plan.last:,}")
    output.data(f"from {wording.when(plan.since)} to {wording.when(plan.until)}")
    output.data(f"a file of about {plan.size / 1e6:,.1f} MB; {wording.plural(plan.stays, 'event')} stay")


def _tell(made: Archived, file: Path, *, json: bool) -> None:
    head = made.footing.head
    if json:
        told = {"file": str(file), "first": made.first, "last": made.last, "head": str(head), "sha256": made.digest}
        output.as_json(told)
        return
    output.talk(f"events {made.first:,} to {made.last:,} are in '{file}' now; keep it, it is their only copy")
    output.data(f"head {head}")
    output.data(f"sha256 {made.digest}")


def verify_alone(files: Sequence[Path], kept: audit.Head | None, *, json: bool) -> None:
    """Hold each archive for itself: what is sealed, and a head that was kept, if it lies in one of them.

    Raises:
        AuditBroken: One of them does not verify.
        InvalidInput: There is none, or one cannot be read.
    """
    if not files:
        raise InvalidInput("there is no archive to verify", hint="say --archive FILE")
    with progress.bar("events") as told:
        read = [retention.read(path, [kept.sequence] if kept else (), told) for path in files]
    found = [finding for one in read for finding in one.told()] + ([_held(kept, read)] if kept else [])
    wrong = [finding for finding in found if finding is not None]
    if json:
        output.as_json([_facts(one) for one in read])
    for one in () if json else read:
        if not one.findings:
            output.data(f"'{one.path}' holds: events {one.begin.head.sequence + 1:,} to {one.end.head.sequence:,}")
            output.data(f"head {one.end.head}")
    for finding in () if json else wrong:
        output.data(finding.what)
    if wrong:
        raise AuditBroken(
            f"the archives do not verify: {wording.plural(len(wrong), 'finding')}", hint="look for another copy of them"
        )


def _held(kept: audit.Head, read: Sequence[audit.Sealed]) -> audit.Finding | None:
    hashes = [one.hashes[kept.sequence] for one in read if kept.sequence in one.hashes]
    if not hashes:
        return audit.Finding(None, f"event {kept.sequence}, whose head was kept, is in none of them")
    if set(hashes) != {kept.hash}:
        return audit.Finding(kept.sequence, f"event {kept.sequence} has another hash than the head that was kept")
    return None


def _facts(one: audit.Sealed) -> dict[str, object]:
    return {
        "file": str(one.path),
        "holds": not one.findings,
        "first": one.begin.head.sequence + 1,
        "head": str(one.end.head),
        "sha256": one.digest,
        "findings": findings(one.findings),
    }


def findings(found: Iterable[audit.Finding]) -> list[dict[str, object]]:
    """What does not verify, for JSON."""
    return [{"sequence": finding.sequence, "what": finding.what} for finding in found]
