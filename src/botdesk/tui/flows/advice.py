"""Mend what advice points out, or dismiss it."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Final

from botdesk import accounts, advice, grants, roles, scopes, tokens, uses
from botdesk.access import Level
from botdesk.advice import Advice, Finding, Mend
from botdesk.tui import flows, render
from botdesk.tui.dialogs.advice import DismissDialog
from botdesk.tui.dialogs.confirm import Confirm

if TYPE_CHECKING:
    from botdesk.tui.app import BotdeskApp

Mending = Callable[["BotdeskApp", Finding, accounts.Line], Awaitable[None]]


async def mend(app: "BotdeskApp", found: Advice) -> None:
    """Do what mends a line: each way asks before it changes anything."""
    finding = found.finding
    if finding.mend is Mend.DROP_MEMBER:
        return await _drop_member(app, finding)
    line = await app.ask(accounts.line, finding.account_id)
    needed, way = _WAYS[finding.mend]
    refusal = render.refusal(line, needed, render.PRESENT)
    if refusal:
        return app.say(refusal)
    return await way(app, finding, line)


async def dismiss(app: "BotdeskApp", found: Advice) -> None:
    """Dismiss a line."""
    dialog = DismissDialog(found, app.desk.clock())
    draft = await app.prompt(dialog)
    if draft is None:
        return
    account = found.finding.account_id or None
    done = await app.act(advice.dismiss, found.id, reason=draft.reason, until=draft.until, account=account)
    if done is not None:
        app.say("dismissed; h shows it still")


async def recall(app: "BotdeskApp", found: Advice) -> None:
    """Show a dismissed line again."""
    await app.act(advice.recall, found.id)


async def _rotate(app: "BotdeskApp", finding: Finding, line: accounts.Line) -> None:
    await flows.token.rotate(app, await app.ask(tokens.line, finding.token_id), line.account)


async def _revoke(app: "BotdeskApp", finding: Finding, line: accounts.Line) -> None:
    await flows.token.revoke(app, await app.ask(tokens.line, finding.token_id))


async def _extend(app: "BotdeskApp", finding: Finding, line: accounts.Line) -> None:
    await flows.cutover.extend(app, await app.ask(tokens.find, finding.token_id))


async def _issue(app: "BotdeskApp", finding: Finding, line: accounts.Line) -> None:
    await flows.token.issue(app, line.account)


async def _enable(app: "BotdeskApp", finding: Finding, line: accounts.Line) -> None:
    await flows.account.switch(app, line)


async def _add_scope(app: "BotdeskApp", finding: Finding, line: accounts.Line) -> None:
    scope, name = finding.about, line.account.name
    text = f"Tokens issued to {name} from now on may be allowed {scope}; those there are stay as they are."
    if await app.prompt(Confirm(f"Add the scope {scope} to {name}?", text)):
        await _change_scopes(app, line, scopes.parse(line.account.scopes) | {scope}, f"{name} has {scope} now")


async def _drop_scope(app: "BotdeskApp", finding: Finding, line: accounts.Line) -> None:
    scope, name = finding.about, line.account.name
    tried = await app.ask(uses.without, line.account.id, [scope])
    if await app.prompt(Confirm(f"Drop the scope {scope} of {name}?", f"By the recorded uses, {tried.words}.")):
        await _change_scopes(app, line, scopes.parse(line.account.scopes) - {scope}, f"{name} has no {scope} any more")


async def _change_scopes(app: "BotdeskApp", line: accounts.Line, wanted: frozenset[str], said: str) -> None:
    done = await app.act(accounts.modify, line.account.id, scopes=wanted, seen=line.version)
    if done is not None:
        app.say(said)


async def _grant(app: "BotdeskApp", finding: Finding, line: accounts.Line) -> None:
    await flows.access.give(app, line, level=Level.MANAGE)


async def _withdraw(app: "BotdeskApp", finding: Finding, line: accounts.Line) -> None:
    given = await app.ask(grants.listed, line.account.id)
    theirs = next((one for one in given if one.grantee == f"person:{finding.about}"), None)
    await flows.access.withdraw(app, line.account, theirs)


async def _rename(app: "BotdeskApp", finding: Finding, line: accounts.Line) -> None:
    await flows.account.modify(app, line)


async def _watch(app: "BotdeskApp", finding: Finding, line: accounts.Line) -> None:
    from botdesk.tui.screens.cutover import CutoverScreen

    await app.push_screen(CutoverScreen(finding.token_id))


async def _look(app: "BotdeskApp", finding: Finding, line: accounts.Line) -> None:
    await flows.token.show_uses(app, finding.token_id, finding.label)


async def _end(app: "BotdeskApp", finding: Finding, line: accounts.Line) -> None:
    await flows.migration.revoke(app, finding.about)


async def _drop_member(app: "BotdeskApp", finding: Finding) -> None:
    role, _, person = finding.about.partition("/")
    sure = await app.prompt(Confirm(f"Take {person} out of {role}?", f"{person} left, and is disabled."))
    if sure and await app.act(roles.drop_member, role, person) is not None:
        app.say(f"took {person} out of {role}")


_WAYS: Final[dict[Mend, tuple[Level, Mending]]] = {
    Mend.ROTATE: (Level.OPERATE, _rotate),
    Mend.REVOKE: (Level.OPERATE, _revoke),
    Mend.EXTEND: (Level.OPERATE, _extend),
    Mend.ISSUE: (Level.OPERATE, _issue),
    Mend.ENABLE: (Level.MANAGE, _enable),
    Mend.ADD_SCOPE: (Level.MANAGE, _add_scope),
    Mend.DROP_SCOPE: (Level.MANAGE, _drop_scope),
    Mend.GRANT: (Level.MANAGE, _grant),
    Mend.WITHDRAW: (Level.MANAGE, _withdraw),
    Mend.RENAME: (Level.MANAGE, _rename),
    Mend.WATCH: (Level.VIEW, _watch),
    Mend.LOOK: (Level.VIEW, _look),
    Mend.END: (Level.VIEW, _end),
}
"""What each way takes, and does."""
