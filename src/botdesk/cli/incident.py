"""`botdesk incident`: a token has leaked; whose it is, where it was used, and its end."""

import io
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime
from pathlib import Path
from typing import Annotated, cast

import typer

from botdesk import incident as incidents
from botdesk import tokens, wording
from botdesk.cli import output
from botdesk.cli.context import AsJson, Visit, Yes, ask, at_terminal, visiting
from botdesk.desk import Desk
from botdesk.errors import InvalidInput
from botdesk.incident import Leaked, Traces
from botdesk.leak import Extent, Readable

STDIN = Path("-")

Files = Annotated[
    list[Path] | None,
    typer.Argument(metavar="FILE", help="The texts that it is in; what comes on stdin if none, or '-'."),
]
ById = Annotated[
    list[str] | None, typer.Option("--id", metavar="TOKEN", help="The id of a token that leaked; repeatable.")
]


@visiting
def incident(
    visit: Visit,
    file: Files = None,
    token: ById = None,
    yes: Yes = False,
    partial: Annotated[
        bool, typer.Option("--partial", help="Revoke those of which only a part was seen, too: it may be a mask.")
    ] = False,
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why, for the audit.")] = "leaked",
    json: AsJson = False,
) -> None:
    """Find every token in a text of any size, say whose it is and where it was used, and revoke all at once.

    It asks once; where nobody can be asked, --yes revokes. It ends with 9 when one is left that has to be revoked.
    """
    reason = wording.clean(reason, "reason", longest=200, required=True)
    with visit.desk() as desk:
        traces = _traced(desk, file or [], token or [])
        found, now = desk.ask(incidents.leaked, traces), desk.clock()
        doomed = incidents.to_revoke(found, partial=partial)
        if not json:
            _show(found, traces, now)
        revoked = _revoke(desk, doomed, reason) if doomed and _confirmed(len(doomed), yes=yes, json=json) else 0
        left = desk.ask(incidents.leaked, traces) if revoked else found
    if json:
        output.as_json({**_facts(traces), "revoked": revoked, "tokens": [_token(one) for one in left]})
    if revoked:
        output.talk(f"revoked {wording.plural(revoked, 'token')}: refused from the next request on")
    if incidents.to_revoke(left, partial=partial):
        raise typer.Exit(output.SOMETHING)


def _traced(desk: Desk, files: list[Path], ids: list[str]) -> Traces:
    with ExitStack() as stack:
        named = files if files or ids else [STDIN]
        texts = [_text(stack, path) for path in named]
        texts += [("--id", io.BytesIO(one.encode())) for one in ids]
        key = desk.ask(tokens.mint_key)
        return incidents.traced(texts, key, lambda seen: desk.ask(incidents.on_record, seen))


def _text(stack: ExitStack, path: Path) -> tuple[str, Readable]:
    """A text with its name, open for as long as the stack."""
    if path == STDIN:
        return "stdin", stack.enter_context(_stdin())
    return str(path), stack.enter_context(_opened(path))


def _opened(path: Path) -> io.FileIO:
    try:
        return io.FileIO(path)
    except OSError as error:
        raise InvalidInput(
            f"the file {str(path)[:200]!a} cannot be read: {error.strerror}", hint="without a file, pipe the text in"
        ) from None


@contextmanager
def _stdin() -> Iterator[Readable]:
    """What comes on stdin; a terminal does not show it, since what is pasted there may be a whole token."""
    if not output.on_terminal(sys.stdin):
        yield cast("Readable", sys.stdin.buffer)
        return
    import termios

    before = termios.tcgetattr(sys.stdin)
    termios.tcsetattr(sys.stdin, termios.TCSANOW, [*before[:3], before[3] & ~termios.ECHO, *before[4:]])
    try:
        output.talk("paste the token, its id or a text, then press enter and ctrl+d; it is not shown")
        yield io.BytesIO(sys.stdin.buffer.read())
    finally:
        termios.tcsetattr(sys.stdin, termios.TCSADRAIN, before)


def _confirmed(count: int, *, yes: bool, json: bool) -> bool:
    """Ask once, at the terminal, even if the text came on stdin."""
    if yes:
        return True
    question = f"revoke {wording.plural(count, 'token')} now? [y/N]"
    if not json and at_terminal():
        return ask(question).lower() in ("y", "yes")
    if not json and output.on_terminal(sys.stderr):
        try:
            with Path("/dev/tty").open(encoding="utf-8", errors="replace") as terminal:
                return ask(question, of=terminal).lower() in ("y", "yes")
        except OSError:
            pass
    output.talk(f"{wording.plural(count, 'token')} to be revoked: say --yes where nobody can be asked")
    return False


def _revoke(desk: Desk, ids: list[str], reason: str) -> int:
    done = 0
    for start in range(0, len(ids), incidents.BATCH):
        done += desk.run(incidents.revoke, ids[start : start + incidents.BATCH], reason=reason)
        if len(ids) > incidents.BATCH and output.on_terminal(sys.stderr):
            output.overwrite(f"revoked {done:,} of {len(ids):,}")
    return done


def _show(found: list[Leaked], traces: Traces, now: datetime) -> None:
    if found:
        titles = ("STATE", "ACCOUNT", "TOKEN", "ID", "SEEN", "LAST USED", "FROM")
        output.table(titles, [_row(one, now) for one in found])
    else:
        output.talk("no token of this desk is in it")
    for one in found:
        if len(one.sources) > 1:
            days = (f"{source} ({span.first} to {span.last})" for source, span in sorted(one.sources.items()))
            output.data(f"{one.token.id} was used from {', '.join(days)}")
    if traces.unrecorded:
        output.talk(
            f"{wording.plural(traces.unrecorded, 'token')} of this desk's minting not on record in your reach:"
            " an admin should look"
        )
    if strangers := traces.strangers - traces.unrecorded:
        output.talk(f"{wording.plural(strangers, 'string')} that looked like tokens, but none of this desk's")
    if any(one.revocable and one.trace.extent is Extent.PART for one in found):
        output.talk("seen in part: masked, cut off or garbled; --partial revokes those, too")


def _row(one: Leaked, now: datetime) -> tuple[str, ...]:
    how = one.trace.extent.value if one.trace.times == 1 else f"{one.trace.extent}, {one.trace.times:,} times"
    used = wording.ago(one.token.last_used_at, now)
    return one.state.value, one.account, one.token.label, one.token.id, how, used, one.token.last_used_from or "–"


def _facts(traces: Traces) -> dict[str, object]:
    return {"strangers": traces.strangers - traces.unrecorded, "unrecorded": traces.unrecorded}


def _token(one: Leaked) -> dict[str, object]:
    file, offset = one.trace.place
    return {
        "id": one.token.id,
        "account": one.account,
        "label": one.token.label,
        "state": one.state,
        "extent": one.trace.extent,
        "times": one.trace.times,
        "first_seen_in": file,
        "first_seen_at_byte": offset,
        "issued_at": one.token.issued_at,
        "last_used_at": one.token.last_used_at,
        "last_used_from": one.token.last_used_from,
        "sources": {source: [str(span.first), str(span.last)] for source, span in one.sources.items()},
        "to_be_revoked": one.revocable,
    }
