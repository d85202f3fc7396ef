"""Rows to cells: pure, without a widget, a desk or markup.

A tone is one of `good`, `warn`, `bad`, `muted`, `accent`; what it looks like is the theme's business.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from rich.text import Text

from botdesk import sentences, wording
from botdesk.access import Level

if TYPE_CHECKING:
    from botdesk import accounts, advice, audit, grants, people, roles, tokens, uses
    from botdesk import cutover as rotation

LABEL: Final = 16
"""How much of a token's label is told where the reason matters more."""

KNOCKS: Final = 3
"""How many places are told from which a disabled account is knocked at."""

SOON: Final = timedelta(days=7)

PRESENT: Final = ("active", "disabled")
"""The states of an account that is not removed."""

_STATES: Final = {
    "active": "good",
    "retiring": "warn",
    "pending": "warn",
    "disabled": "warn",
    "expired": "muted",
    "revoked": "bad",
    "removed": "muted",
    "done": "muted",
    "denied": "bad",
    "failed": "warn",
}


@dataclass(frozen=True, slots=True)
class Cell:
    """A text in a list, and its tone; empty for the usual one."""

    text: str
    tone: str = ""


def plain(text: str, tone: str = "") -> Cell:
    """A cell from any text that is data."""
    return Cell(wording.visible(text), tone)


def tone(word: str) -> str:
    """The tone of a state or an outcome."""
    return _STATES.get(word, "")


def expiry(at: datetime | None, now: datetime, *, live: bool) -> Cell:
    """When something expires, in few letters; it warns a week before."""
    if not live:
        return Cell("–", "muted")
    if at is None:
        return Cell("never", "muted")
    return Cell(wording.until_short(at, now), "warn" if at - now < SOON else "")


def account(line: "accounts.Line", now: datetime, found: "advice.Badge | None" = None) -> Sequence[Cell]:
    """An account's cells: name, purpose, state, advice, live tokens, expiry, last use, managers."""
    return (
        plain(line.account.name, "muted" if line.state == "removed" else "accent"),
        Cell(line.account.purpose),
        Cell(line.state, tone(line.state)),
        badge(found),
        _live(line),
        expiry(line.soonest, now, live=line.live > 0),
        Cell(wording.ago_short(line.last_used_at, now), "" if line.last_used_at else "muted"),
        plain(", ".join(line.managers)) if line.managers else Cell("nobody", "bad"),
    )


def _live(line: "accounts.Line") -> Cell:
    if line.suspends:
        return Cell(f"({line.live})", "warn")
    return Cell(str(line.live)) if line.live else Cell("–", "muted")


def badge(found: "advice.Badge | None") -> Cell:
    """How much advice there is on an account, and by a sign how bad the worst is; nothing when all is well."""
    if found is None:
        return Cell("")
    sign, tone = _SEVERITIES[found.worst]
    return Cell(f"{sign} {found.count}".strip(), tone)


_SEVERITIES: Final = {"urgent": ("!!", "bad"), "warning": ("!", "warn"), "notice": ("", "muted")}


def advice_line(found: "advice.Advice") -> Sequence[Cell]:
    """A line of advice: how bad, account, what, what mends it."""
    finding = found.finding
    gone = found.dismissal is not None
    return (
        Cell("hidden", "muted") if gone else Cell(finding.severity, _SEVERITIES[finding.severity][1]),
        plain(finding.account or "the desk", "muted" if gone else "accent"),
        plain(finding.what, "muted" if gone else ""),
        Cell(finding.mend, "muted"),
    )


def advice_in_full(found: "advice.Advice") -> Text:
    """A line of advice in full: what, why it matters, the command that mends it, why it was dismissed."""
    text = Text(f"{wording.visible(found.finding.what)}\n", style="bold")
    text.append(f"why: {found.finding.why}\n", style="not bold")
    text.append(f"m mends it: {wording.visible(found.command)}", style="not bold")
    if found.dismissal is not None:
        text.append(f"\ndismissed until {wording.when(found.dismissal.until)}: ", style="not bold dim")
        text.append(wording.visible(found.dismissal.reason), style="not bold dim")
    return text


def source(found: "uses.Source", now: datetime) -> Sequence[Cell]:
    """Where a token was presented from: address, how often, when last."""
    return plain(found.address), Cell(f"{found.count:,}"), Cell(wording.ago(found.last_at, now))


def cutover(found: "rotation.Cutover", why: str, now: datetime) -> Text:
    """How a rotation stands: whose, since when, each token's use, what is left, and what speaks against its end."""
    text = Text(f"{wording.visible(found.account)}: '{wording.visible(found.old.label)}'", style="bold")
    seen = f"first used {wording.ago(found.new_first_seen, now)}" if found.new_first_seen else "not used yet"
    last = f"last used {wording.ago(found.old_last_seen, now)}" if found.old_last_seen else "not used since"
    lines = (
        f"rotated {wording.ago(found.began_at, now)}",
        f"new  {found.new.id}  {seen}",
        f"old  {found.old.id}  {last}, {wording.plural(found.old_uses, 'use')}",
        f"the old one ends {wording.until(found.ends_at, now)} ({wording.when(found.ends_at)})",
        f"not yet: {wording.visible(why)}" if why else "the old one can be ended: f finishes it",
    )
    return text.append("".join(f"\n{line}" for line in lines), style="not bold")


def token(line: "tokens.Line", now: datetime) -> Sequence[Cell]:
    """A token's cells: label, state, masked form, created, by whom, expiry, last use."""
    found = line.token
    live = line.state in ("active", "retiring", "pending")
    return (
        plain(found.label, "" if live else "muted"),
        Cell("refused", "warn") if line.suspended else Cell(line.state, tone(line.state)),
        Cell(found.id, "muted"),
        Cell(wording.ago_short(found.issued_at, now)),
        plain(line.issuer),
        expiry(found.expires_at, now, live=live),
        Cell(wording.ago_short(found.last_used_at, now), "" if found.last_used_at else "muted"),
    )


@dataclass(frozen=True, slots=True)
class Why:
    """One reason for which somebody reaches an account; the first one, at place 0, is what counts."""

    found: "grants.Reach"
    place: int

    @property
    def key(self) -> str:
        """What tells it from all others."""
        return f"{self.found.account_id}/{self.found.person.id}/{self.place}"


def whys(reaches: "Sequence[grants.Reach]") -> list[Why]:
    """Every reason of every reach, a line for each."""
    return [Why(found, place) for found in reaches for place in range(len(found.reasons))]


def reach(line: Why) -> Sequence[Cell]:
    """A reason for a person's access to an account: name, level, why."""
    return _reason(line, line.found.person.name)


def reached(line: Why) -> Sequence[Cell]:
    """A reason for which a person can reach an account: name, level, why."""
    return _reason(line, line.found.account)


def _reason(line: Why, name: str) -> Sequence[Cell]:
    reason, counts = line.found.reasons[line.place], line.place == 0
    tone = "" if counts else "muted"
    return plain(name, "accent") if counts else Cell(""), Cell(reason.level, tone), plain(reason.why, tone)


def grant(line: "grants.Line", now: datetime) -> Sequence[Cell]:
    """A grant: grantee, level, given by whom and when."""
    return (
        plain(line.grantee.replace(":", " "), "accent"),
        Cell(line.level),
        plain(line.given_by),
        Cell(wording.ago(line.grant.given_at, now)),
    )


def person(line: "people.PersonLine") -> Sequence[Cell]:
    """A person: name, full name, standing, state, roles, accounts."""
    return (
        plain(line.person.name, "accent" if line.active else "muted"),
        plain(line.person.full_name),
        Cell(line.person.standing, "good" if line.person.standing == "admin" else ""),
        Cell("active", "good") if line.active else Cell("disabled", "warn"),
        plain(", ".join(line.roles) or "–", "" if line.roles else "muted"),
        Cell(str(line.accounts)),
    )


def role(line: "roles.RoleLine") -> Sequence[Cell]:
    """A role: name, what it is, members, the scopes opened to it, grants."""
    return (
        plain(line.role.name, "accent"),
        plain(line.role.description),
        plain(", ".join(line.members) or "nobody", "" if line.members else "muted"),
        plain(line.role.scopes or "–", "" if line.role.scopes else "muted"),
        Cell(str(line.accounts)),
    )


def event(found: "audit.Event", detail: dict[str, object]) -> Sequence[Cell]:
    """An event: time of day, outcome in a letter, what happened, source; a long label gives way to the reason."""
    refused = found.outcome != "done"
    label = str(detail.get("label", ""))
    if "reason" in detail and label:
        detail = {**detail, "label": wording.shortened(label, LABEL)}
    return (
        Cell(wording.clock(found.at), "muted"),
        Cell({"done": "·", "denied": "R", "failed": "F"}[found.outcome], tone(found.outcome)),
        Cell(sentences.event(found, detail), "bad" if refused else ""),
        plain(found.source, "muted"),
    )


def refusal(line: "accounts.Line | None", needed: Level, states: Sequence[str]) -> str:
    """Why something cannot be done with an account now; empty when it can."""
    if line is None:
        return "there is no account under the cursor"
    if line.state not in states:
        return f"{wording.visible(line.account.name)} is {line.state}"
    if line.level is None or line.level.rank < needed.rank:
        return f"it takes '{needed}' on {wording.visible(line.account.name)}, you have '{line.level or 'nothing'}'"
    return ""


def head(line: "accounts.Line") -> Text:
    """The three lines about an account: what it is, what it does, what it may."""
    from botdesk import accounts

    account = line.account
    text = Text(no_wrap=True, overflow="ellipsis")
    text.append(f" {wording.visible(account.name)}", style="bold")
    text.append(f"  {line.state} · {accounts.PURPOSES[account.purpose]} · every {account.rotation_days}d")
    text.append(f" · {wording.visible(made_by(line))}\n")
    reason = f"disabled: {account.disabled_reason}" if account.disabled_reason else account.description
    text.append(f" {wording.visible(reason or 'no description')}\n")
    return text.append(f" scopes {wording.visible(account.scopes or 'none')}", style="dim")


def made_by(line: "accounts.Line") -> str:
    """Who created an account, and whose it is now if that is somebody else."""
    handed = "" if line.account.owned_by == line.account.created_by else f", owned by {line.owner}"
    return f"by {line.creator}{handed}"


def knocks(found: "Sequence[uses.Knock]", now: datetime) -> str:
    """Who still presents the tokens of a disabled account, the latest first: a line each, but for many."""
    if not found:
        return "nobody has knocked since it was disabled"
    lines = [
        f"still knocks: {each.source.address} with '{each.label}', {wording.plural(each.source.count, 'time')},"
        f" last {wording.ago(each.source.last_at, now)}"
        for each in found[:KNOCKS]
    ]
    more = [f"and {wording.plural(len(found) - KNOCKS, 'more place')}"] if len(found) > KNOCKS else []
    return "\n".join(wording.visible(line) for line in [*lines, *more])


def chart(counts: Mapping[str, Sequence[int]], days: int) -> str:
    """How often things happened, day by day: a line of bars each, but for the second and later ones only if any."""
    lines = [
        f" {name:<8} {wording.sparkline(each)}  {sum(each):,}{f' in {days} days' if not place else ''}"
        for place, (name, each) in enumerate(counts.items())
        if sum(each) or not place
    ]
    return "\n".join(lines)
