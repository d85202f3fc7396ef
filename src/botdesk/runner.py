"""The runner: carries a plan out over a desk, each of its items in a transaction of its own.

Killed at any moment, it leaves each item done or as it was: the secret of a rotation goes out between two transactions,
and the old token goes on until the second one.
"""

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import timedelta
from typing import Final

from botdesk import bulk, handoff, runs, tokens
from botdesk.bulk import Item, Order, Plan, Refused, Verb
from botdesk.desk import Desk
from botdesk.errors import BotdeskError, Conflict, HandoffFailed, InvalidInput, StoreError
from botdesk.handoff import Command
from botdesk.runs import Fate, Run
from botdesk.wording import visible, withheld

Tell = Callable[[int, int, str], None]
"""Told how many are done, of how many, and what else there is to say of it; empty when nothing."""

AT_WORK: Final = timedelta(seconds=handoff.COMMAND_SECONDS + 30)
"""Whoever did something so short a time ago may be at work still."""

LONGEST_NAME: Final = 64


def plan(
    desk: Desk,
    order: Order,
    named: Iterable[str],
    *,
    tell: Tell | None = None,
    stopped: Callable[[], bool] = lambda: False,
) -> Plan:
    """Find out what will happen to each of many, and what will not and why; nothing is changed.

    Args:
        desk: The desk.
        order: What is to be done.
        named: Accounts by name or id, or tokens by id; one that is named twice counts once.
        tell: Told how far it is.
        stopped: Asked before each whether nobody wants to know any more; the plan is of those before, then.

    Raises:
        InvalidInput: The order cannot be taken, or nothing is named, or too much.
    """
    order, wanted = bulk.settled(order), list(dict.fromkeys(named))
    if not 0 < len(wanted) <= bulk.MOST:
        raise InvalidInput(f"{order.many(len(wanted))} are named", hint=f"name 1 to {bulk.MOST:,} at once")
    items: dict[str, Item] = {}
    refused: list[Refused] = []
    for number, one in enumerate(wanted, 1):
        if stopped():
            break
        try:
            item = desk.ask(bulk.check, order, one)
            items.setdefault(item.id, item)
        except StoreError:
            raise
        except BotdeskError as error:
            refused.append(Refused(visible(withheld(one))[:LONGEST_NAME], error))
        if tell is not None:
            tell(number, len(wanted), "")
    return Plan(order, tuple(items.values()), tuple(refused))


def refuse_one_place(target: Command, count: int) -> None:
    """Refuse a command that would put several secrets into one place, one over the other.

    Raises:
        InvalidInput: It would.
    """
    if count > 1 and filled(target, "a", "b", "c") == target:
        raise InvalidInput(
            f"the secrets of {count} tokens would all go to one place",
            hint="put {account} and {predecessor_id} or {token_id} into the command's arguments",
        )


def filled(target: Command, account: str, token_id: str, predecessor_id: str) -> Command:
    """The command for one token, with its names put into the arguments; the program itself is never named by them."""
    places = {"{account}": account, "{token_id}": token_id, "{predecessor_id}": predecessor_id}
    words = []
    for word in target.argv[1:]:
        for place, name in places.items():
            word = word.replace(place, name)
        words.append(word)
    return Command((target.argv[0], *words))


def carry_out(
    desk: Desk,
    plan: Plan,
    *,
    target: Command | None = None,
    number: int | None = None,
    tell: Tell | None = None,
    stopped: Callable[[], bool] = lambda: False,
    cut: Callable[[], bool] = lambda: False,
) -> Run:
    """Carry a plan out, and tell what was done and what was not.

    Args:
        desk: The desk.
        plan: The plan.
        target: What takes the secrets of a rotation on its stdin.
        number: The run that this goes on with; a new one by default.
        tell: Told how far it is, and how many have failed.
        stopped: Asked before each item whether somebody wants it to stop.
        cut: Asked while a command has a secret whether nobody waits for it any more.

    Raises:
        AccessDenied: The actor changes nothing on this desk.
        InvalidInput: A rotation has no command, or one that puts all secrets into one place.
        StoreError: The store failed; the hint names the run.
    """
    if plan.order.verb is Verb.ROTATE:
        if target is None:
            raise InvalidInput("where are the secrets to go?", hint="a command takes them on its stdin")
        refuse_one_place(target, len(plan.items))
    failed: dict[str, BotdeskError] = {}
    if number is None:
        number = desk.run(bulk.begin, plan, to=target.words if target else "")
    else:
        failed |= {one.id: one.error for one in plan.refused}
        _go_on(desk, number, plan)
    ends = False
    for done, item in enumerate(plan.items, 1):
        if ends := stopped():
            break
        try:
            _one(desk, number, plan.order, item, target, cut)
        except StoreError as error:
            hint = f"'botdesk bulk show {number}' tells what was done, 'botdesk bulk resume {number}' goes on"
            raise StoreError(error.message, hint=hint) from None
        except BotdeskError as error:
            failed[item.id] = error
        if tell is not None:
            tell(done, len(plan.items), f"{plan.order.verb}, {len(failed)} failed" if failed else "")
    return _ended(desk, number, failed, stopped=ends)


def _go_on(desk: Desk, number: int, plan: Plan) -> None:
    _let_go(desk, desk.ask(runs.show, number))
    desk.run(bulk.resume, number, plan)


def _one(desk: Desk, number: int, order: Order, item: Item, target: Command | None, cut: Callable[[], bool]) -> None:
    if target is None or order.verb is not Verb.ROTATE:
        desk.run(bulk.within, number, bulk.do, order, item.id)
    else:
        _rotate(desk, number, order, item, target, cut)


def _rotate(desk: Desk, number: int, order: Order, item: Item, target: Command, cut: Callable[[], bool]) -> None:
    """Rotate one token: if its secret is not taken, or that cannot be recorded, the successor ends and it goes on."""
    issued = desk.run(bulk.within, number, bulk.rotate, order, item.id)
    token_id = issued.token.id
    try:
        given = handoff.give(issued.secret, filled(target, issued.account.name, token_id, item.id), cut=cut)
        desk.run(bulk.within, number, tokens.deliver, token_id, to=given.target_words)
    except BaseException as error:
        if desk.ask(tokens.line, token_id).state is tokens.TokenState.PENDING:
            why = f"not handed over: {_short(error)}" if isinstance(error, BotdeskError) else "not handed over"
            desk.run(bulk.within, number, tokens.abandon, token_id, reason=why[: bulk.MOST_TOLD])
        raise


def _short(error: BotdeskError) -> str:
    """Why it failed, as the audit keeps it: without what a command said, which may be anything."""
    return error.message.partition(": ")[0] if isinstance(error, HandoffFailed) else error.message


def _ended(desk: Desk, number: int, failed: dict[str, BotdeskError], *, stopped: bool) -> Run:
    """Record the end, and tell it with what the commands said."""
    run = desk.ask(runs.show, number)
    results = tuple(
        replace(one, fate=Fate.FAILED, words=failed[one.id].message)
        if one.id in failed and one.fate is not Fate.DONE
        else one
        for one in run.results
    )
    short = {item_id: _short(error) for item_id, error in failed.items()}
    desk.run(bulk.end, number, told=runs.told(results), failed=short, stopped=stopped)
    return replace(run, results=results, ended=True, stopped=stopped)


def finish(desk: Desk, number: int, *, anyway: bool = False) -> Run:
    """End a run whose process was killed: successors that nobody was given end, and the rest stays as it is.

    Args:
        desk: The desk.
        number: The run.
        anyway: Even if it was at work a moment ago.

    Raises:
        Conflict: It has ended, or may be at work still.
        NotFound: There is no such run.
    """
    run = desk.ask(runs.show, number)
    if run.ended:
        raise Conflict(f"the run {number} has ended", hint=f"'botdesk bulk show {number}' tells how")
    _refuse_at_work(desk, run, anyway=anyway)
    _let_go(desk, run)
    return _ended(desk, number, {}, stopped=True)


def take_up(
    desk: Desk,
    number: int,
    *,
    anyway: bool = False,
    tell: Tell | None = None,
    stopped: Callable[[], bool] = lambda: False,
) -> Plan:
    """Plan what is left of a run that was stopped or killed; `carry_out` then goes on with it. Nothing is changed.

    Raises:
        Conflict: Nothing is left, or it may be at work still.
        NotFound: There is no such run.
    """
    run = desk.ask(runs.show, number)
    if not run.open_ids:
        raise Conflict(f"nothing is left of the run {number}", hint=f"'botdesk bulk show {number}' tells what was done")
    _refuse_at_work(desk, run, anyway=anyway)
    return plan(desk, run.order, run.open_ids, tell=tell, stopped=stopped)


def at_work(desk: Desk, run: Run) -> bool:
    """Tell whether a process may be at work with a run still."""
    return not run.ended and desk.clock() - run.last_at < AT_WORK


def _refuse_at_work(desk: Desk, run: Run, *, anyway: bool) -> None:
    if not anyway and at_work(desk, run):
        raise Conflict(
            f"the run {run.number} was at work a moment ago",
            hint=f"if it was killed, wait {int(AT_WORK.total_seconds())} s, or say --force",
        )


def _let_go(desk: Desk, run: Run) -> None:
    """End the successors that were left when it was killed, and that nobody was given."""
    for token_id in run.pending:
        desk.run(bulk.within, run.number, tokens.abandon, token_id, reason=runs.CUT_SHORT)
