"""What is done to many, as words and cells: pure, like `render`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from botdesk import runs, wording
from botdesk.bulk import Item, Order, Plan, Refused, Verb
from botdesk.handoff import Command
from botdesk.runs import Fate, Run
from botdesk.tui.render import Cell, plain

BAR: Final = 24
"""How wide the bar is, in cells."""

_COMES: Final[Mapping[Verb, str]] = {
    Verb.REVOKE: "Refused at the very next request, everywhere. This cannot be undone.",
    Verb.DISABLE: "All their tokens are refused from the next request on, until they are enabled again.",
    Verb.ENABLE: "Those of their tokens that have not ended work again.",
}
_TONES: Final = {Fate.DONE: "good", Fate.FAILED: "bad", Fate.REFUSED: "warn", Fate.UNTOUCHED: "warn"}
_ORDER: Final = {Fate.FAILED: 0, Fate.UNTOUCHED: 1, Fate.REFUSED: 2, Fate.DONE: 3}
"""In which order a summary tells them: first what somebody has to look at."""


@dataclass(frozen=True, slots=True)
class Row:
    """One account or token, what is done to it, and what there is to say of that."""

    id: str
    fate: Cell
    name: str
    why: str

    @property
    def cells(self) -> Sequence[Cell]:
        """What becomes of it, its name, its id, and why."""
        return self.fate, plain(self.name), plain(self.id, "muted"), plain(self.why)

    @property
    def in_full(self) -> str:
        """All that there is to say, in a sentence."""
        return f"{self.name} ({self.id}): {self.fate.text}{f', {self.why}' if self.why else ''}"


def planned(plan: Plan, known: Mapping[str, str]) -> list[Row]:
    """What will happen to each; first those that are refused."""
    left = [_refused(one, known) for one in plan.refused]
    return left + [_item(item, plan.order.verb) for item in plan.items]


def _refused(one: Refused, known: Mapping[str, str]) -> Row:
    return Row(one.id, Cell("refused", "warn"), known.get(one.id, one.id), one.error.message)


def _item(item: Item, verb: Verb) -> Row:
    return Row(item.id, Cell(verb.value), item.name, item.will)


def told_plan(plan: Plan, target: Command | None) -> str:
    """A plan in short."""
    order, will = plan.order, len(plan.items)
    first = f"{order.many(will)} to {order.verb}" if will else "there is nothing to do"
    left = [f"{len(plan.refused):,} refused"] if plan.refused else []
    return "\n".join([", ".join([first, *left]), *([_comes(order, target)] if will else [])])


def _comes(order: Order, target: Command | None) -> str:
    """What comes of it."""
    match order.verb:
        case Verb.EXTEND:
            return f"Each works {wording.in_short(order.by)} longer."
        case Verb.GRANT:
            return f"{wording.visible(order.grantee.replace(':', ' '))} may {order.level} each."
        case Verb.ROTATE:
            ends = f"end after {wording.in_short(order.overlap)}" if order.overlap else "end at once"
            taker = wording.visible(Path(target.argv[0]).name) if target else "a command"
            return f"Each secret goes to {taker} on its stdin; the old ones {ends}."
        case _:
            return _COMES[order.verb]


def results(run: Run) -> list[Row]:
    """What became of each."""
    return [_result(one) for one in sorted(run.results, key=lambda one: _ORDER[one.fate])]


def _result(one: runs.Result) -> Row:
    return Row(one.id, Cell(one.fate.value, _TONES[one.fate]), one.name, one.words)


def told_run(run: Run) -> str:
    """How a run went, in short."""
    how = "It was stopped." if run.stopped else ""
    how = how if run.ended else "It has not ended: it is at work, or was killed. The rest is as it was."
    return "\n".join([run.told, *([how] if how else [])])


def line(found: runs.Line, now: datetime) -> Sequence[Cell]:
    """A run as the list shows it."""
    how = plain(found.how) if found.how else Cell("not ended", "warn")
    what = plain(f"{found.verb} {found.many}")
    return Cell(str(found.number), "accent"), Cell(wording.ago_short(found.at, now)), plain(found.actor), what, how


def progress(what: str, done: int, of: int) -> str:
    """How far something is, in one line; where that is too long, the bar is cut off and not the number."""
    full, told = done * BAR // of, f"{of:,}"
    return f"{what}  {f'{done:,}':>{len(told)}} of {told}  {'█' * full}{'▁' * (BAR - full)}"
