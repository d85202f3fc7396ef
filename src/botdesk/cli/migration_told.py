"""How migrations are told on the command line."""

from datetime import datetime

from botdesk import stages, tokens, wording
from botdesk.cli import output
from botdesk.cli import source as sources
from botdesk.migration import Line, View
from botdesk.uses import Source


def changed(what: str, line: Line, *, json: bool) -> None:
    """Say what was done, and print the migration as it is now where JSON is wanted."""
    output.talk(what)
    if json:
        output.as_json(facts(line))


def facts(line: Line) -> dict[str, object]:
    """A migration as JSON tells it."""
    row, known = line.migration, line.facts
    return {
        "id": row.id,
        "integration": row.what,
        "place": row.place,
        "platform": row.platform,
        "account": line.account,
        "owner": line.owner,
        "run_by": line.runner,
        "stage": line.stage,
        "started_at": row.started_at,
        "started_by": line.starter,
        "token_id": line.token.id if line.token else None,
        "token_delivered_at": known.delivered_at,
        "token_first_used_at": known.first_used_at,
        "registered": known.registered,
        "registered_at": row.registered_at,
        "registered_by": line.registrar or None,
        "accept_until": known.accept_until,
        "old_last_used_at": known.old_used_at,
        "old_last_used_from": known.old_used_from,
        "paused_at": row.paused_at,
        "cancelled_at": row.cancelled_at,
        "ended_at": row.ended_at,
        "ended_by": line.ender or None,
        "ended_how": row.ended_how,
    }


def whole(found: View) -> dict[str, object]:
    """A migration as JSON tells it, with what is on record of the old token."""
    return facts(found.line) | {
        "stragglers": [sources.facts(source) for source in found.stragglers],
        "tries": [sources.facts(source) for source in found.tries],
        "scopes_asked": found.scopes,
    }


def row(line: Line, now: datetime) -> tuple[str, ...]:
    """A migration as a line of a table."""
    return (
        line.migration.what,
        line.migration.id,
        line.owner,
        line.account,
        _step(line),
        wording.ago_short(line.migration.started_at, now),
        wording.ago_short(line.facts.old_used_at, now),
        wording.ago_short(line.facts.first_used_at, now),
    )


def _step(line: Line) -> str:
    return f"{line.stage.value}, paused" if line.facts.paused_at and line.stage not in stages.ENDED else line.stage


def show(found: View, now: datetime) -> None:
    """Print the four steps, what proves each, and who uses the old token still."""
    line, row = found.line, found.line.migration
    output.data(f"'{row.what}' from {line.owner}'s token to {line.account}{f', at {row.place}' if row.place else ''}")
    paused = ", paused" if row.paused_at else ""
    output.data(f"begun {wording.ago(row.started_at, now)} by {line.starter}, run by {line.runner}{paused}")
    if known := row.registered_at:
        output.data(f"the old token was registered {wording.ago(known, now)} by {line.registrar}")
    for number, step in enumerate(stages.steps(line.facts, now), 1):
        proved = f"{wording.when(step.proved_at)}  " if step.proved_at else ""
        output.data(f"  {number} {step.stage:<8} {'yes' if step.proved_at else 'no':<4} {proved}{step.words}")
    if row.ended_at:
        output.data(f"ended by {line.ender}{f': {row.ended_how}' if row.ended_how else ''}")
    _show_sources(
        "the old token is still used from" if line.facts.first_used_at else "used from", found.stragglers, now
    )
    _show_sources("tried since it was ended, and refused, from" if row.ended_at else "refused from", found.tries, now)
    if found.scopes:
        output.data(f"asked for so far: {' '.join(sorted(found.scopes))}")
    if line.stage not in stages.ENDED:
        output.talk(f"next: {coming(line)}")


def _show_sources(title: str, found: tuple[Source, ...], now: datetime) -> None:
    if found:
        output.data(f"{title}:")
    for source in found:
        output.data(f"  {source.address}: {source.count:,}, last {wording.ago(source.last_at, now)}")


def coming(line: Line) -> str:
    """The command that comes next."""
    if line.facts.paused_at:
        return f"botdesk migration resume {line.migration.id}"
    match line.stage:
        case stages.Stage.ACCOUNT:
            return f"{line.facts.idle}: botdesk account enable {line.account}, or cancel this and start another"
        case stages.Stage.TOKEN:
            return f"botdesk migration recipe {line.migration.id}"
        case stages.Stage.SWITCH:
            return f"botdesk migration wait {line.migration.id}"
        case _ if line.facts.registered:
            return f"botdesk migration revoke {line.migration.id}"
        case _:
            return f"end it where it is from, then: botdesk migration confirm {line.migration.id} --how …"


def fitting(token: tokens.Token, asked: frozenset[str]) -> str:
    """Which scopes a new token was given when nobody said, and why these."""
    given = f"its scopes are {token.scopes}" if token.scopes else "it has no scopes"
    known = "what the old token was used for so far"
    why = known if asked else "all of the account's: it is not known what the old token was used for"
    return f"{given}, {why}; --scope gives others"


def last_from(token: tokens.Token | None) -> str:
    """From where the new token was used last."""
    return f", last from {token.last_used_from}" if token is not None and token.last_used_from else ""
