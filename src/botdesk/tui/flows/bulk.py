"""Do something to many accounts or tokens, and tell what was done."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

from botdesk import accounts, bulk, runner, runs, tokens, wording
from botdesk.bulk import Order, Plan, Verb
from botdesk.errors import AccessDenied, BotdeskError
from botdesk.handoff import Command
from botdesk.runner import Tell
from botdesk.runs import Run
from botdesk.tui.dialogs.bulk import CommandDialog, OrderDialog, Ordered, VerbDialog
from botdesk.tui.dialogs.confirm import Confirm
from botdesk.tui.dialogs.run import Over, RunDialog, Stopped, Then
from botdesk.tui.dialogs.runs import RunsDialog
from botdesk.tui.flows import access

if TYPE_CHECKING:
    from botdesk.tui.app import BotdeskApp

ON_TOKENS: Final = (Verb.REVOKE, Verb.ROTATE, Verb.EXTEND)
ON_ACCOUNTS: Final = (*ON_TOKENS, Verb.DISABLE, Verb.ENABLE, Verb.GRANT)


async def on_tokens(app: "BotdeskApp", lines: Sequence[tokens.Line], verb: Verb | None = None) -> bool:
    """Do something to tokens; what, is asked when nobody said. True when it was begun."""
    about = wording.plural(len(lines), "token")
    verb = verb or await _asked(app, about, ON_TOKENS)
    if verb is None:
        return False
    _refuse_confined(app, verb)
    return await _do(app, verb, {line.token.id: f"'{line.token.label}' of {line.account}" for line in lines})


async def on_accounts(app: "BotdeskApp", lines: Sequence[accounts.Line], verb: Verb | None = None) -> bool:
    """Do something to accounts, or to all of their tokens; what, is asked when nobody said. True when it was begun."""
    about = wording.plural(len(lines), "account")
    verb = verb or await _asked(app, about, ON_ACCOUNTS)
    if verb is None:
        return False
    _refuse_confined(app, verb)
    chosen = [line.account for line in lines]
    if verb not in bulk.ON_TOKENS:
        return await _do(app, verb, {account.id: account.name for account in chosen})
    held = [line for account in chosen for line in await app.ask(bulk.all_of, verb, account.id)]
    if not held:
        app.say(f"{about} without a token to {verb}")
        return False
    return await on_tokens(app, held, verb)


async def _asked(app: "BotdeskApp", about: str, verbs: Sequence[Verb]) -> Verb | None:
    offered = [verb for verb in verbs if verb is not Verb.ROTATE or not app.desk.settings.confined]
    return await app.prompt(VerbDialog(about, offered))


def _refuse_confined(app: "BotdeskApp", verb: Verb) -> None:
    if verb is Verb.ROTATE and app.desk.settings.confined:
        raise AccessDenied("over ssh no command of the host takes a secret", hint="rotate one by one: o without marks")


async def _do(app: "BotdeskApp", verb: Verb, known: Mapping[str, str]) -> bool:
    ordered = await _ordered(app, verb, list(known))
    if ordered is None:
        return False
    order, target = ordered.order, ordered.target

    def find(tell: Tell, stopped: Stopped) -> Plan:
        return runner.plan(app.desk, order, known, tell=tell, stopped=stopped)

    def carry_out(plan: Plan, tell: Tell, stopped: Stopped, cut: Stopped) -> Run:
        return runner.carry_out(app.desk, plan, target=target, tell=tell, stopped=stopped, cut=cut)

    dialog = RunDialog(order, find, carry_out, target=target, known=known)
    return await _follow(app, dialog, target) is not None


async def _ordered(app: "BotdeskApp", verb: Verb, ids: Sequence[str]) -> Ordered | None:
    match verb:
        case Verb.ENABLE:
            return Ordered(Order(verb=verb))
        case Verb.GRANT:
            draft = await access.draft(app, ids)
            if draft is None:
                return None
            return Ordered(Order(verb=verb, grantee=draft.grantee, level=draft.level))
        case _:
            return await app.prompt(OrderDialog(verb, len(ids), command=app.desk.settings.bulk_command))


async def _follow(app: "BotdeskApp", dialog: RunDialog, target: Command | None = None) -> Run | None:
    """See a run through, and go on with it or end it as long as that is wanted; None when nothing was done."""
    run, shown = None, dialog
    while (over := await app.prompt(shown)) is not None:
        run = over.run
        app.poll_soon()
        further = await _further(app, over, target)
        if further is None:
            app.say(f"run {run.number}: {run.told}; B shows it again" if run.ended else "")
            break
        shown, target = further
    await asyncio.to_thread(app.history.look_for_unfinished, app.desk)
    app.changed.publish(None)
    return run


async def _further(app: "BotdeskApp", over: Over, target: Command | None) -> tuple[RunDialog, Command | None] | None:
    run = over.run
    if over.then is Then.LEAVE or not await _may_be_touched(app, run):
        return None
    try:
        if over.then is Then.END:
            ended = await asyncio.to_thread(runner.finish, app.desk, run.number, anyway=True)
            return RunDialog(ended.order, run=ended), target
    except BotdeskError as error:
        app.complain(error)
        return None
    return await _gone_on(app, run, target)


async def _may_be_touched(app: "BotdeskApp", run: Run) -> bool:
    """Whether a run is not at work elsewhere, or is to be taken up even so."""
    if not runner.at_work(app.desk, run):
        return True
    text = "It did something a moment ago: somewhere it may be at work still. Take it up even so?"
    return await app.prompt(Confirm(f"Run {run.number} may be at work", text)) is True


async def _gone_on(app: "BotdeskApp", run: Run, target: Command | None) -> tuple[RunDialog, Command | None] | None:
    """The dialog that goes on with what is left of a run."""
    if run.order.verb is Verb.ROTATE:
        _refuse_confined(app, run.order.verb)
        asked = CommandDialog(len(run.open_ids), command=app.desk.settings.bulk_command)
        target = target or await app.prompt(asked)
        if target is None:
            return None

    def find(tell: Tell, stopped: Stopped) -> Plan:
        return runner.take_up(app.desk, run.number, anyway=True, tell=tell, stopped=stopped)

    def carry_out(plan: Plan, tell: Tell, stopped: Stopped, cut: Stopped) -> Run:
        return runner.carry_out(app.desk, plan, target=target, number=run.number, tell=tell, stopped=stopped, cut=cut)

    known = {one.id: one.name for one in run.results}
    return RunDialog(run.order, find, carry_out, target=target, known=known), target


async def look(app: "BotdeskApp") -> None:
    """Show what was done to many, and go on with one of them or end it."""
    while True:
        found = await app.ask(runs.listed)
        number = await app.prompt(RunsDialog(found, app.desk.clock()))
        if number is None:
            return
        run = await app.ask(runs.show, number)
        await _follow(app, RunDialog(run.order, run=run))
