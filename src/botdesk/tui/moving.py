"""Migrations off personal tokens, to cells and texts: pure, like `render`."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from rich.text import Text

from botdesk import recipes, sentences, stages, wording
from botdesk.stages import ENDED, Stage
from botdesk.tui.render import SOON, Cell, plain

if TYPE_CHECKING:
    from textual.binding import Binding

    from botdesk.migration import Line, View
    from botdesk.uses import Source

TONES: Final = {Stage.DONE: "good", Stage.CANCELLED: "muted"}
TAKER: Final = 24
"""How much is told of where the new token went, so that a step is one line."""

LAST: Final = datetime.max.replace(tzinfo=UTC)


def line(found: "Line", now: datetime) -> Sequence[Cell]:
    """A migration's cells: what, whose token, to which account, step, since, old seen, from, new seen, end."""
    row, facts = found.migration, found.facts
    return (
        plain(row.what, "muted" if found.stage in ENDED else "accent"),
        plain(found.owner),
        plain(found.account),
        Cell(found.stage, TONES.get(found.stage, "")),
        Cell(wording.ago_short(row.started_at, now)),
        Cell(wording.ago_short(facts.old_used_at, now), "" if facts.old_used_at else "muted"),
        plain(facts.old_used_from or "–", "" if facts.old_used_from else "muted"),
        Cell(wording.ago_short(facts.first_used_at, now), "good" if facts.first_used_at else "muted"),
        _end(found, now),
    )


def marks(found: "Line", now: datetime) -> list[str]:
    """What is to be known of a migration besides its step: `overdue`, `paused`."""
    if found.stage in ENDED:
        return []
    return ["overdue"] * stages.overdue(found.facts, now) + ["paused"] * bool(found.facts.paused_at)


def _end(found: "Line", now: datetime) -> Cell:
    """When the old token's acceptance ends, or what is to be known before that."""
    mark, until = marks(found, now), found.facts.accept_until
    if mark:
        return Cell(mark[0], "bad" if mark[0] == "overdue" else "warn")
    if found.stage in ENDED or until is None:
        return Cell("–", "muted")
    return Cell(wording.until_short(until, now), "warn" if until - now < SOON else "")


def says(found: "Line", words: Sequence[str], now: datetime) -> bool:
    """Whether all the words are in what is told of a migration."""
    row = found.migration
    told = [row.what, row.place, row.platform, found.owner, found.account, found.stage, *marks(found, now)]
    text = " ".join(told).lower()
    return all(word in text for word in words)


def _at(at: datetime | None) -> datetime:
    return LAST if at is None else at


_STAGES: Final = list(Stage)
ORDERS: Final[dict[str, Callable[[Any], Any]]] = {
    "what": lambda found: found.migration.what.lower(),
    "owner": lambda found: found.owner,
    "account": lambda found: found.account,
    "step": lambda found: _STAGES.index(found.stage),
    "since": lambda found: found.migration.started_at,
    "old": lambda found: _at(found.facts.old_used_at),
    "new": lambda found: _at(found.facts.first_used_at),
    "end": lambda found: _at(found.facts.accept_until),
}
"""What a list is sorted by, by the key of the column."""


def ordered(found: Sequence["Line"], by: str, *, descending: bool) -> list["Line"]:
    """Migrations in an order; those that are over come last."""
    lines = sorted(found, key=ORDERS[by], reverse=descending)
    return sorted(lines, key=lambda line: line.stage in ENDED)


def facts(found: "Line", now: datetime) -> Text:
    """A migration in a few lines: what and where, who runs it, the old token, the new one."""
    row = found.migration
    place = f" at {row.place}" if row.place else ""
    mark = "".join(f" · {each}" for each in marks(found, now))
    text = Text(wording.visible(row.what), style="bold")
    text.append(wording.visible(f"{place} ({row.platform}) to {found.account}"), style="not bold")
    began = f"begun {wording.ago(row.started_at, now)} by {found.starter}, run by {found.runner}{mark}"
    return _below(text, "not bold", began, f"old  {old(found, now)}", f"new  {new(found, now)}")


def glance(found: "Line", now: datetime) -> Text:
    """The same, and when the old token ends."""
    return _below(facts(found, now), "not bold", f"end  {end(found, now)}")


def _below(text: Text, style: str, *lines: str) -> Text:
    for told in lines:
        text.append(f"\n{wording.visible(told)}", style=style)
    return text


def old(found: "Line", now: datetime) -> str:
    """Whose the old token is, when and from where it was seen last, and who had the desk know it."""
    at, where = found.facts.old_used_at, found.facts.old_used_from or "somewhere"
    seen = f"last seen {wording.ago(at, now)} from {where}" if at else "never seen at the gate"
    if not found.facts.registered:
        return f"{found.owner}'s token, not known to the desk"
    return f"{found.owner}'s token, {seen}, registered by {found.registrar}"


def end(found: "Line", now: datetime) -> str:
    """When the old token ends here, or when, by whom and how it was ended."""
    known = found.facts
    if known.ended_at is not None:
        how = found.migration.ended_how or "refused here since"
        return f"{wording.when(known.ended_at)}  by {found.ender}: {how}"
    if not known.registered:
        return "the desk does not know it, so it is ended where it is from"
    if known.accept_until is None:
        return "it is refused, and goes on where it is from"
    accepted = stages.accepts(known.accept_until, None, now)
    verb = "it is accepted until" if accepted else "it was to end, and is refused since"
    return f"{verb} {wording.when(known.accept_until)}, {wording.until(known.accept_until, now)}"


def new(found: "Line", now: datetime) -> str:
    """What is known of the new token."""
    token = found.token
    if token is None:
        return "not issued yet"
    first = found.facts.first_used_at
    if first is not None:
        return f"{token.id}, first used {wording.ago(first, now)}, last from {last_from(found)}"
    return f"{token.id}, " + ("not used yet" if found.facts.delivered_at else "does not work")


def page(found: "View", now: datetime) -> Text:
    """A migration whole: whose, where, the four steps each with its proof, and what comes next."""
    text = facts(found.line, now)
    for number, step in enumerate(stages.steps(found.line.facts, now), 1):
        word = "done" if step.proved_at else "next" if step.stage is found.line.stage else "–"
        style = "bold" if word == "next" else "not bold"
        _below(text, style, f"{number} {step.stage:<8} {word:<5} {_proof(found.line, step, now)}")
    key, words = coming(found, now)
    _below(text, "bold", f"→ {f'{key} ' if key else ''}{words}")
    return _below(text, "not bold dim", *(f"  {hint}" for hint in hints(found)))


def last_from(found: "Line") -> str:
    """From where the new token was used last."""
    return (found.token.last_used_from if found.token else None) or "somewhere"


def _proof(found: "Line", step: stages.Step, now: datetime) -> str:
    """What proves a step, by whom and when; what is missing while it is not proved."""
    if step.stage is Stage.REVOKE:
        return end(found, now)
    if step.proved_at is None:
        return step.words
    at = wording.when(step.proved_at)
    if step.stage is Stage.ACCOUNT:
        return f"{at}  chosen by {found.starter}"
    if step.stage is Stage.SWITCH:
        return f"{at}  seen in use, last from {last_from(found)}"
    taker = (found.token.delivered_to if found.token else None) or ""
    to = f" to {wording.shortened(sentences.destination(taker), TAKER)}" if taker else ""
    return f"{at}  handed over{to} by {found.issuer}"


def coming(found: "View", now: datetime) -> tuple[str, str]:
    """The key of what comes next, empty where nothing is to be done by one, and what that is."""
    line = found.line
    if line.stage is Stage.DONE:
        return "", "nothing is left to do"
    if line.stage is Stage.CANCELLED:
        return "", "it was given up"
    if line.facts.paused_at:
        return "p", "goes on with it: it is paused"
    if line.stage is Stage.ACCOUNT:
        gone = line.facts.idle.endswith("removed")
        return ("D", f"gives it up: {line.facts.idle}") if gone else ("e", f"enables the account: {line.facts.idle}")
    if line.stage is Stage.TOKEN:
        return "i", "issues the new token and hands it over"
    if line.stage is Stage.SWITCH:
        return "", "switch the integration by the recipe; its first use shows here by itself"
    if not line.facts.registered:
        return "c", "confirms that the old token was ended where it is from"
    why = stages.unready(line.facts, now)
    return "x", f"ends the old token here{f'; not yet: {why}' if why else ''}"


ACTIONS: Final = {"p": "rest", "e": "enable", "i": "issue", "c": "confirm", "x": "revoke", "D": "cancel"}
"""What the keys of `coming` do."""


def hints(found: "View") -> list[str]:
    """What else would help now."""
    line = found.line
    if line.stage in ENDED or line.facts.paused_at:
        return []
    if not line.facts.registered:
        return ["o registers the old token: the gate then tells who still uses it"]
    if line.facts.accept_until is None:
        return [f"a accepts it as {line.account} until a date: the switch has no outage"]
    return []


DECIDED: Final = frozenset({"next", "issue", "register", "accept", "revoke", "confirm", "rest", "enable", "cancel"})
"""The actions that a migration may not be ripe for, or somebody not allowed."""


def over(found: "Line") -> str:
    """That a migration is over; empty while it is not."""
    return "it is over" if found.stage in ENDED else ""


def title(binding: "Binding", found: "Line | None") -> str:
    """What a key does with a migration: Resume is what Pause is for a paused one."""
    paused = binding.action == "rest" and found is not None and found.facts.paused_at
    return "Resume" if paused else binding.description


def refusal(found: "View", action: str) -> str:
    """Why something cannot be done with a migration now; empty when nothing is known to speak against it."""
    line = found.line
    if line.stage in ENDED:
        return over(line)
    if not (found.ends if action in _OWN else found.runs):
        return f"it takes 'manage' on {wording.visible(line.account)}"
    if line.facts.paused_at and action not in ("rest", "cancel"):
        return "it is paused: p goes on with it"
    return _WHY[action](line) if action in _WHY else ""


_OWN: Final = frozenset({"register", "revoke", "confirm"})
UNKNOWN: Final = "the desk does not know the old token: o registers it"
"""What is told where the old token would have to be known."""

_WHY: Final[dict[str, Callable[[Any], str]]] = {
    "enable": lambda line: "" if line.facts.idle else "the account is not disabled",
    "issue": lambda line: line.facts.idle or ("the new token works already" if line.facts.delivered_at else ""),
    "accept": lambda line: "" if line.facts.registered else UNKNOWN,
    "revoke": lambda line: "" if line.facts.registered else f"{UNKNOWN}; c confirms its end by hand",
}


@dataclass(frozen=True, slots=True)
class Seen:
    """An address from which the old token was presented, and whether it was refused."""

    source: "Source"
    refused: bool

    @property
    def key(self) -> str:
        """What tells it from all others."""
        return f"{self.refused} {self.source.address}"


def seen(found: "View") -> list[Seen]:
    """Who tried with the old token and was refused, and who uses it still."""
    return [Seen(each, True) for each in found.tries] + [Seen(each, False) for each in found.stragglers]


def heading(found: Seen, *, switched: bool) -> str:
    """What stands above addresses of a kind."""
    if found.refused:
        return "tried, and were refused"
    return "used the old token since the new one was seen" if switched else "use the old token"


def seen_cells(found: Seen, now: datetime) -> Sequence[Cell]:
    """An address: where, how often, when last."""
    tone = "bad" if found.refused else ""
    return (
        plain(found.source.address, tone),
        Cell(f"{found.source.count:,}"),
        Cell(wording.ago(found.source.last_at, now)),
    )


def recipe(found: "Line") -> list[str]:
    """The recipe of where the integration runs, in lines."""
    return recipes.told(recipes.recipe(found.migration.platform, found.account, found.migration.place))
