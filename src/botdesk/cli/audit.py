"""`botdesk audit`: what happened, and whether the record can be trusted."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, TextIO

import typer

from botdesk import audit, keeping, people, sentences, wording
from botdesk.cli import archive, output, patience, progress
from botdesk.cli.context import AsJson, Transaction, Visit, complete_account, visiting
from botdesk.errors import AuditBroken, Conflict, InvalidInput, NotFound

app = typer.Typer(help="What happened, and whether the record holds.", no_args_is_help=True)

PAGE = 500
MOST = 1_000_000
"""How many events a list has at the most; an export has them all."""

OfAccount = Annotated[
    str | None,
    typer.Option("--account", metavar="ACCOUNT", help="About this account.", autocompletion=complete_account),
]
ByActor = Annotated[str | None, typer.Option("--actor", metavar="ACTOR", help="Done by this person or account.")]
OfAction = Annotated[str | None, typer.Option("--action", help="As in token:rotated, or token for all of a noun.")]
WithOutcome = Annotated[audit.Outcome | None, typer.Option("--outcome", help="How it ended.")]
Since = Annotated[str | None, typer.Option("--since", metavar="TIME", help="2026-11-23, 2026-11-23T09:30, or 7d ago.")]
Until = Annotated[str | None, typer.Option("--until", metavar="TIME", help="Before this time, written like --since.")]
WithText = Annotated[str, typer.Option("--text", help="Words that must all be in it.")]


class Form(StrEnum):
    """What an export is written as."""

    JSONL = "jsonl"
    CSV = "csv"


@app.command("list")
@visiting
def list_(
    visit: Visit,
    account: OfAccount = None,
    actor: ByActor = None,
    action: OfAction = None,
    outcome: WithOutcome = None,
    since: Since = None,
    until: Until = None,
    text: WithText = "",
    limit: Annotated[int, typer.Option("--limit", min=1, max=MOST, help="How many at the most, newest first.")] = 50,
    json: AsJson = False,
) -> None:
    """List events, newest first."""
    with visit.desk() as desk, progress.bar("events") as told:
        wanted = _filter(desk.clock(), account, actor, action, outcome, since, until, text)
        with desk.read() as tx:
            _see_that_they_are_known(tx, account, actor)
        page = patience.ask(desk, audit.page, wanted, limit=limit, progress=told)
        begins = desk.ask(audit.kept_since)
    if json:
        output.as_json([_facts(event) for event in page.rows])
        return
    if page.rows:
        output.table(("NO", "WHEN", "EVENT"), [_row(event) for event in page.rows])
    else:
        output.talk("no such events")
    if page.next is None and begins and (wanted.since is None or wanted.since < begins):
        output.talk(f"what was before {wording.when(begins)} is in an archive")
    if page.next is not None:
        output.talk(f"{len(page.rows)} of {audit.told(page.total, at_least=page.at_least)}; --limit shows more")


def _filter(
    now: datetime,
    account: str | None,
    actor: str | None,
    action: str | None,
    outcome: audit.Outcome | None,
    since: str | None,
    until: str | None,
    text: str,
) -> audit.Filter:
    return audit.Filter(
        account=account,
        actor=actor,
        action=audit.action_named(action) if action else None,
        outcome=outcome,
        since=wording.instant(since, now) if since else None,
        until=wording.instant(until, now) if until else None,
        text=text,
    )


def _see_that_they_are_known(tx: Transaction, account: str | None, actor: str | None) -> None:
    """Tell a slip from a history with nothing in it; what was removed is known by its events.

    Raises:
        NotFound: Nothing in reach, and no event in reach, has that name.
    """
    if account:
        audit.page(tx, audit.Filter(account=account), limit=1)
    if actor and not audit.page(tx, audit.Filter(actor=actor), limit=1).rows and not _is_somebody(tx, actor):
        raise NotFound(
            f"nobody called {actor[:40]!r} did anything in your reach", hint="'botdesk audit list' tells who did"
        )


def _is_somebody(tx: Transaction, name: str) -> bool:
    try:
        people.find(tx, name)
    except NotFound:
        return False
    return True


def _row(event: audit.Event) -> tuple[str, ...]:
    return str(event.sequence), wording.when(event.at), sentences.event(event, audit.detail_of(event))


def _facts(event: audit.Event) -> dict[str, object]:
    return {
        "sequence": event.sequence,
        "at": event.at,
        "actor": event.actor,
        "actor_kind": event.actor_kind,
        "actor_id": event.actor_id,
        "action": event.action,
        "account": event.account,
        "account_id": event.account_id,
        "subject_kind": event.subject_kind,
        "subject_id": event.subject_id,
        "outcome": event.outcome,
        "source": event.source,
        "detail": audit.detail_of(event),
        "previous": event.previous,
        "hash": event.hash,
    }


@app.command()
@visiting
def export(
    visit: Visit,
    account: OfAccount = None,
    actor: ByActor = None,
    action: OfAction = None,
    outcome: WithOutcome = None,
    since: Since = None,
    until: Until = None,
    text: WithText = "",
    form: Annotated[Form, typer.Option("--format", help="What to write.")] = Form.JSONL,
    file: Annotated[
        Path | None, typer.Option("--output", metavar="FILE", help="A new file, mode 0600; stdout by default.")
    ] = None,
) -> None:
    """Export events, oldest first, with their hashes."""
    with _new_file(file) if file else _held() as opened:
        with visit.desk() as desk:
            wanted = _filter(desk.clock(), account, actor, action, outcome, since, until, text)
            with desk.read() as tx:
                _see_that_they_are_known(tx, account, actor)
            recorded = desk.run(audit.record_export, form=form.value)
            with desk.read() as tx:
                begins = audit.kept_since(tx)
                for line in audit.export(tx, wanted, form=form.value, until=recorded):
                    opened.write(f"{line}\n")
        if file is None:
            opened.seek(0)
            for line in opened:
                output.verbatim(line.removesuffix("\n"))
    if begins:
        output.talk(f"what was before {wording.when(begins)} is in an archive, which is an export of it")
    if file is not None:
        output.talk(f"exported to '{file}'")


@contextmanager
def _held() -> Iterator[TextIO]:
    """Hold an export for stdout back, so that a slow reader does not keep the store locked."""
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="surrogatepass", newline="\n") as opened:
        yield opened


@contextmanager
def _new_file(path: Path) -> Iterator[TextIO]:
    """Make a private file; one that could not be written in full is not left behind."""
    try:
        descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | getattr(os, "O_NOFOLLOW", 0), 0o600)
    except FileExistsError:
        raise Conflict(f"'{path}' is there already", hint="name a new file; nothing is written over") from None
    except OSError as error:
        raise InvalidInput(f"'{path}' cannot be written: {error.strerror}", hint="name another file") from None
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", errors="surrogatepass", newline="\n") as opened:
            yield opened
    except BaseException:
        path.unlink(missing_ok=True)
        raise


@app.command()
@visiting
def verify(
    visit: Visit,
    head: Annotated[
        str | None,
        typer.Option("--head", metavar="SEQ:HASH", help="A head that was printed before and kept elsewhere."),
    ] = None,
    from_start: Annotated[
        bool, typer.Option("--from-start", help="Walk all events, those too that you have verified before.")
    ] = False,
    forget: Annotated[
        bool,
        typer.Option("--forget", help="Forget what you verified before: the store's backup was restored on purpose."),
    ] = False,
    files: Annotated[
        list[Path] | None, typer.Option("--archive", metavar="FILE", help="An archive to hold as well; repeatable.")
    ] = None,
    alone: Annotated[
        bool, typer.Option("--alone", help="Hold the archives alone, without a store: each for itself.")
    ] = False,
    json: AsJson = False,
) -> None:
    """Verify the record, and print its head to keep elsewhere.

    Of a long record, what you verified before is not walked again, unless something does not hold; but the record is
    always held against it. What was archived is held by its own file.
    """
    kept = audit.Head.parse(head) if head else None
    if alone:
        archive.verify_alone(files or [], kept, json=json)
        return
    with visit.desk() as desk, progress.bar("events") as told:
        verdict = keeping.verify(
            desk, head=kept, from_start=from_start, forget=forget, archives=files or [], progress=told
        )
    if json:
        output.as_json(_verdict(verdict))
    else:
        _tell(verdict, archives=len(files or []))
    if not verdict.holds:
        raise AuditBroken(
            f"the audit does not verify: {wording.plural(len(verdict.findings), 'finding')}",
            hint="keep a copy of the store as it is; SECURITY.md says what to do, after a restored backup too",
        )


def _tell(verdict: audit.Verdict, *, archives: int) -> None:
    for finding in verdict.findings:
        where = "store" if finding.sequence is None else f"event {finding.sequence}"
        output.data(f"{where}: {finding.what}")
    holds = "the chain holds" if verdict.holds else "the chain does not hold"
    output.data(f"{holds}: {wording.plural(verdict.events, 'event')}")
    if verdict.archived and not archives:
        output.talk(f"{verdict.archived:,} of them are in archives; --archive FILE holds those as well")
    if archives and verdict.holds:
        output.talk(f"{wording.plural(archives, 'archive')} held against it")
    if verdict.after > verdict.archived:
        output.talk(f"you had verified {verdict.after:,} of them before; --from-start walks all")
    output.data(f"head {verdict.head}")


def _verdict(verdict: audit.Verdict) -> dict[str, object]:
    return {
        "holds": verdict.holds,
        "events": verdict.events,
        "head": str(verdict.head),
        "after": verdict.after,
        "archived": verdict.archived,
        "findings": archive.findings(verdict.findings),
    }


app.command("archive")(archive.archive)
