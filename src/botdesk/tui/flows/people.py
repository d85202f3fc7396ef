"""Let people in and out, and keep the roles that they are in."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from botdesk import facts, leaving, people, roles, whatif, wording
from botdesk.errors import NotFound
from botdesk.tui.dialogs.access import PickDialog
from botdesk.tui.dialogs.confirm import Confirm
from botdesk.tui.dialogs.people import PersonDialog, PersonDraft, RoleDialog, RoleDraft
from botdesk.tui.flows.access import UNCHANGED

if TYPE_CHECKING:
    from botdesk.desk import Transaction
    from botdesk.tui.app import BotdeskApp


async def add(app: "BotdeskApp") -> people.Person | None:
    """Let a person in."""

    async def attempt(draft: PersonDraft) -> people.Person:
        return await app.run_operation(people.add, draft.name, full_name=draft.full_name, standing=draft.standing)

    done = await app.fill_in(PersonDialog(), attempt)
    if done is not None:
        app.say(f"let {done.name} in as {done.standing}")
    return done


async def modify(app: "BotdeskApp", person: people.Person) -> None:
    """Modify a person."""

    async def attempt(draft: PersonDraft) -> people.Person:
        return await app.run_operation(people.modify, person.name, full_name=draft.full_name, standing=draft.standing)

    async def what_if(draft: PersonDraft) -> list[str]:
        return facts.told(await app.ask(whatif.modified, person.name, draft.standing))

    dialog = PersonDialog(person.name, person.full_name, person.standing)
    dialog.what_if = what_if
    if await app.fill_in(dialog, attempt) is not None:
        app.say(f"modified {person.name}")


async def switch(app: "BotdeskApp", line: people.PersonLine) -> None:
    """Disable a person, or enable them again; no bot changes."""
    name = line.person.name
    if not line.active:
        text = "What their standing, roles and grants give counts again at once."
        if await app.prompt(Confirm(f"Enable {name}?", text)) and await app.act(people.enable, name) is not None:
            app.say(f"enabled {name}")
        return
    await app.ask(whatif.disabled, name)
    would = _left_behind(await app.ask(leaving.preview, name))
    owned = wording.plural(line.accounts, "account")
    you = "This is you: you can do nothing here any more. " if name == app.desk.operator else ""
    text = f"{you}No bot changes: the {owned} they own go on, with all tokens."
    if await app.prompt(Confirm(f"Disable {name}?", text, would)) and await app.act(people.disable, name) is not None:
        app.say(f"disabled {name}; no bot changed")


def _left_behind(found: leaving.Leaving) -> list[str]:
    """What is to be done something about, then the levels that go with the person."""
    lost = found.difference.losses
    pressing = leaving.told(replace(found, difference=replace(found.difference, losses=())))
    return pressing + facts.told(facts.Difference(losses=lost))


async def create_role(app: "BotdeskApp") -> roles.Role | None:
    """Create a role."""

    async def attempt(draft: RoleDraft) -> roles.Role:
        return await app.run_operation(roles.create, draft.name, description=draft.description, scopes=draft.scopes)

    done = await app.fill_in(RoleDialog(), attempt)
    if done is not None:
        app.say(f"created the role {done.name}; m adds members")
    return done


async def modify_role(app: "BotdeskApp", role: roles.Role) -> None:
    """Modify a role."""

    async def attempt(draft: RoleDraft) -> roles.Role:
        return await app.run_operation(
            roles.modify, role.name, new_name=draft.name, description=draft.description, scopes=draft.scopes
        )

    done = await app.fill_in(RoleDialog(role), attempt)
    if done is not None:
        app.say(f"modified the role {done.name}")


async def remove_role(app: "BotdeskApp", line: roles.RoleLine) -> None:
    """Remove a role, once confirmed."""
    name = line.role.name
    members = wording.plural(len(line.members), "member") + (f" ({', '.join(line.members)})" if line.members else "")
    text = f"{members} and {wording.plural(line.accounts, 'grant')} go with it."
    would = facts.told(await app.ask(whatif.role_removed, name)) or [UNCHANGED]
    sure = await app.prompt(Confirm(f"Remove the role {name}?", text, would))
    if sure and await app.act(roles.remove, name) is not None:
        app.say(f"removed the role {name}")


async def add_member(app: "BotdeskApp", line: roles.RoleLine) -> None:
    """Put a person into a role."""
    role = line.role.name
    everybody = [each.person.name for each in await app.ask(people.listed, disabled=False)]
    others = [name for name in everybody if name not in line.members]
    if not others:
        raise NotFound(f"everybody is in the role {role} already", hint="let another person in first")
    dialog = PickDialog(f"Put into {role}", others)
    dialog.what_if = partial(_what_if, app, whatif.joined, role)
    name = await app.prompt(dialog)
    if name and await app.act(roles.add_member, role, name) is not None:
        app.say(f"put {name} into {role}")


async def drop_member(app: "BotdeskApp", line: roles.RoleLine) -> None:
    """Take a person out of a role."""
    role = line.role.name
    if not line.members:
        raise NotFound(f"nobody is in the role {role}", hint="m adds a member")
    dialog = PickDialog(f"Take out of {role}", line.members)
    dialog.what_if = partial(_what_if, app, whatif.dropped, role)
    name = await app.prompt(dialog)
    if name and await app.act(roles.drop_member, role, name) is not None:
        app.say(f"took {name} out of {role}")


async def _what_if(
    app: "BotdeskApp", question: "Callable[[Transaction, str, str], facts.Difference]", role: str, person: str
) -> list[str]:
    return facts.told(await app.ask(question, role, person)) or [UNCHANGED]
