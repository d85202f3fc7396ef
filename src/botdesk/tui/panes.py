"""What stands in the panes beside the lists, and in the dialogs that show one thing: pure, like the cells."""

import re
from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import groupby
from typing import TYPE_CHECKING, Final

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from botdesk import bearer, sentences, wording

if TYPE_CHECKING:
    from botdesk import accounts, audit, grants, tokens

NAMES: Final = 9
"""The width of the names at the left of facts."""

LIVE: Final = ("active", "retiring", "pending")
MOST: Final = 6

Rows = Iterable[tuple[str, str]]


def facts(rows: Rows) -> Table:
    """Names and values in two columns; a long value goes on below itself."""
    table = Table.grid(padding=(0, 1), expand=True)
    table.add_column(width=NAMES, no_wrap=True, style="dim")
    table.add_column(ratio=1, overflow="fold")
    for name, value in rows:
        table.add_row(Text(wording.visible(name)[:NAMES]), Text(wording.visible(value)))
    return table


def _titled(title: str, rows: Rows) -> list[RenderableType]:
    rows = list(rows)
    return [Text(f"\n{title}", style="bold"), facts(rows)] if rows else []


def account(
    line: "accounts.Line",
    held: "Sequence[tokens.Line]",
    granted: "Sequence[grants.Line]",
    events: "Sequence[audit.Event]",
    now: datetime,
) -> RenderableType:
    """An account with its live tokens, its grants, and what happened lately."""
    found = line.account
    live = [each for each in held if each.state in LIVE]
    about = [("scopes", found.scopes or "none"), ("rotation", f"every {found.rotation_days}d")]
    about += [("creator", line.creator)]
    about += [("owner", line.owner)] if found.owned_by != found.created_by else []
    about += [("disabled", found.disabled_reason)] if found.disabled_reason else []
    return Group(
        Text(wording.visible(found.name), style="bold"),
        Text(wording.visible(found.description) or "no description"),
        Text(),
        facts(about),
        *_titled("tokens", [("refused" if each.suspended else each.state, _ends(each, now)) for each in live[:MOST]]),
        *_titled("access", [(each.level, each.grantee.replace(":", " ")) for each in granted[:MOST]]),
        *_titled("lately", lately(events, found.name, now)),
    )


def _ends(line: "tokens.Line", now: datetime) -> str:
    expires = line.token.expires_at
    return f"{line.token.label}, {'never ends' if expires is None else f'ends {wording.until(expires, now)}'}"


def lately(events: "Sequence[audit.Event]", name: str, now: datetime) -> list[tuple[str, str]]:
    """What happened to an account, newest first: the same thing several times in a row is told once."""
    told = [(event, _about(event, name)) for event in events]
    runs = [list(run) for _, run in groupby(told, key=lambda pair: pair[1])]
    return [
        (wording.ago_short(run[0][0].at, now), run[0][1] + (f" (×{len(run)})" if len(run) > 1 else ""))
        for run in runs[:MOST]
    ]


def _about(event: "audit.Event", name: str) -> str:
    from botdesk import audit

    told = sentences.event(event, audit.detail_of(event)).removeprefix(f"{name} ")
    return re.sub(rf" (of|to) {re.escape(name)}(?![\w-])", "", told)


def token(line: "tokens.Line", now: datetime) -> RenderableType:
    """Everything about a token but its secret, which nobody has any more."""
    found = line.token
    rows = [
        ("state", line.stands),
        ("account", line.account),
        ("scopes", found.scopes or "none"),
        ("issued", f"{wording.when(found.issued_at)} by {line.issuer}"),
        (
            "handed",
            _moment(
                found.delivered_at, f"to {sentences.destination(found.delivered_to or '')}", "not yet: it does not work"
            ),
        ),
        ("expires", f"{wording.when(found.expires_at)}, {wording.until(found.expires_at, now)}")
        if found.expires_at
        else ("expires", "never"),
        ("used", _moment(found.last_used_at, f"from {found.last_used_from or 'somewhere'}", "never")),
        ("follows", found.predecessor_id or ""),
        ("then", found.successor_id or ""),
        ("revoked", _moment(found.revoked_at, f"({found.revoked_reason})", "")),
    ]
    return Group(
        Text(wording.visible(found.label), style="bold"),
        Text(f"{bearer.masked(found.id)}\n"),
        facts((name, value) for name, value in rows if value),
    )


def _moment(at: datetime | None, words: str, otherwise: str) -> str:
    return f"{wording.when(at)} {words}" if at else otherwise


def event(found: "audit.Event") -> RenderableType:
    """An event in words, then field by field."""
    from botdesk import audit

    detail = audit.detail_of(found)
    rows = [
        ("when", wording.when(found.at)),
        ("actor", f"{found.actor} ({found.actor_kind} {found.actor_id})"),
        ("action", f"{found.action}, {found.outcome}"),
        ("account", f"{found.account} ({found.account_id})" if found.account else ""),
        ("subject", f"{found.subject_kind} {found.subject_id}" if found.subject_kind else ""),
        ("source", found.source),
        *((name.replace("_", " "), _plain(value)) for name, value in detail.items()),
        ("before", found.before or ""),
        ("after", found.after or ""),
        ("previous", found.previous),
        ("hash", found.hash),
    ]
    return Group(
        Text(sentences.event(found, detail), style="bold"),
        Text(),
        facts((name, value) for name, value in rows if value),
    )


def _plain(value: object) -> str:
    if isinstance(value, dict):
        return "; ".join(f"{name} {_plain(inner)}" for name, inner in value.items())
    if isinstance(value, list):
        return " → ".join(str(inner) or "none" for inner in value)
    return str(value)
