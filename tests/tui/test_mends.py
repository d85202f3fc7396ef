"""Each kind of advice, and the keys that mend it: the line is gone afterwards, and nothing else was done to it."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

from botdesk import accounts, advice, bearer, migration, people, roles, tokens, verification
from botdesk.access import Level
from botdesk.advice import Kind
from botdesk.bearer import Secret
from botdesk.desk import Desk
from botdesk.grants import give
from botdesk.testing import NOON, Clock, open_desk
from botdesk.verification import Asked
from tests.tui.stage import opened, paste, press, said, shown, window

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
BOT = "nightly-build"
HERE = "10.0.0.7"
TAKEN = "sh -c 'cat > /dev/null'"


@dataclass(frozen=True, slots=True)
class Place:
    """A desk whose clock the story moves."""

    desk: Desk
    clock: Clock

    def at(self, ago: timedelta) -> None:
        """Let it be that long before noon."""
        self.clock.now = NOON - ago

    def issue(self, label: str, *, handed: bool = True, **how: Any) -> str:
        """Issue a token of the bot, and hand it over; return its id."""
        made = self.desk.run(tokens.issue, BOT, label, **how).token.id
        return self.desk.run(tokens.deliver, made, to="file:/run/secret").id if handed else made

    def use(self, token: str, *scopes: str, address: str = HERE) -> None:
        """Let the bot present a token."""
        self.desk.run(verification.note, token, Asked(scopes=frozenset(scopes), address=address))


def expiring(at: Place) -> None:
    """A token in use ends in five days."""
    at.at(25 * DAY)
    token = at.issue("farm", lifetime=30 * DAY)
    at.at(HOUR)
    at.use(token)


def rotation(days: int) -> Callable[[Place], None]:
    """A token in use that never ends is that old, with a period of 90 days."""

    def arrange(at: Place) -> None:
        at.at(days * DAY)
        token = at.issue("farm", never=True)
        at.at(HOUR)
        at.use(token)

    return arrange


def retiring_used(at: Place) -> None:
    """A token that was rotated is in use in the last hours of its overlap."""
    at.at(2 * DAY)
    old = at.issue("farm")
    new = at.desk.run(tokens.rotate, old, overlap=52 * HOUR).token.id
    at.desk.run(tokens.deliver, new, to="file:/run/secret")
    at.at(HOUR)
    at.use(old)
    at.use(new)


def personal_overdue(at: Place) -> None:
    """A person's token was to be replaced by yesterday."""
    at.at(3 * DAY)
    began = at.desk.run(migration.start, BOT, "shop build", owner="ben").id
    at.desk.run(migration.register, began, Secret("ghp_16C7e42F292c6912E7710c838347Ae178B4a"))
    at.desk.run(migration.accept, began, until=NOON - DAY)


def pending(at: Place) -> None:
    """A token was issued, and whoever did it left before it was handed over."""
    at.at(2 * HOUR)
    at.issue("farm", handed=False)


def locked_out(at: Place) -> None:
    """A token expired, and the bot goes on with it."""
    at.at(20 * DAY)
    token = at.issue("farm", lifetime=10 * DAY)
    at.at(HOUR)
    at.use(token)


def disabled(at: Place) -> None:
    """The account is disabled, and the bot goes on."""
    at.at(2 * DAY)
    token = at.issue("farm")
    at.desk.run(accounts.disable, BOT)
    at.at(HOUR)
    at.use(token)


def reused(at: Place) -> None:
    """A token was revoked, and is presented from elsewhere."""
    at.at(2 * DAY)
    token = at.issue("farm")
    at.desk.run(tokens.revoke, token, reason="leaked")
    at.at(HOUR)
    at.use(token, address="203.0.113.9")


def forged(at: Place) -> None:
    """Somebody who has the mint key made a secret up for a token that is there."""
    at.at(2 * DAY)
    token = at.issue("farm")
    at.use(token)
    at.at(timedelta())
    made_up = bearer._assemble(at.desk.ask(tokens.mint_key), token, Secret("A" * bearer.SECRET_LENGTH))
    with at.desk.verifier() as verifier:
        verifier.verdict(made_up.reveal(), Asked(address="203.0.113.9"))


def never_used(at: Place) -> None:
    """A token was handed over ten days ago, and that was all."""
    at.at(10 * DAY)
    at.issue("farm")


def unused(at: Place) -> None:
    """A token was used a hundred days ago."""
    at.at(100 * DAY)
    at.use(at.issue("farm", lifetime=200 * DAY))


def surplus(at: Place) -> None:
    """Of two tokens one is in use, and the other was until forty days ago."""
    at.at(40 * DAY)
    busy, spare = at.issue("busy"), at.issue("farm")
    at.use(spare)
    at.at(HOUR)
    at.use(busy)


def new_source(at: Place) -> None:
    """A token that was used from one place for weeks comes from another."""
    at.at(30 * DAY)
    token = at.issue("farm")
    at.use(token)
    at.at(DAY)
    at.use(token, address="203.0.113.9")


def scope_unused(at: Place) -> None:
    """The account has a scope that nothing ever asked for."""
    at.desk.run(accounts.modify, BOT, scopes="catalog:read deploy:write")
    at.at(40 * DAY)
    token = at.issue("farm")
    at.at(HOUR)
    at.use(token, "catalog:read")


def scope_refused(at: Place) -> None:
    """The bot asks for what it was not granted."""
    at.at(2 * DAY)
    at.use(at.issue("farm"), "deploy:write")


def orphaned(at: Place) -> None:
    """The only one who could manage the account left."""
    at.at(DAY)
    at.desk.run(people.add, "cleo")
    with at.desk.begin(actor="cleo") as tx:
        accounts.create(tx, "claude-bot")
    at.desk.run(people.disable, "cleo")


def left(at: Place) -> None:
    """Somebody left who was given access by name."""
    at.at(DAY)
    at.desk.run(people.add, "cleo")
    at.desk.run(give, BOT, "person:cleo", Level.OPERATE)
    at.desk.run(people.disable, "cleo")


def left_in_role(at: Place) -> None:
    """Somebody left who was in a role."""
    at.at(DAY)
    at.desk.run(people.add, "cleo")
    at.desk.run(roles.add_member, "platform", "cleo")
    at.desk.run(people.disable, "cleo")


def vague_name(at: Place) -> None:
    """An account is called what says nothing."""
    at.at(DAY)
    at.desk.run(accounts.create, "test")


@dataclass(frozen=True, slots=True)
class Story:
    """How a kind of advice comes about, the keys that mend it after `m`, and what the program says then."""

    kind: Kind
    arrange: Callable[[Place], None]
    keys: tuple[str, ...]
    told: str


ROTATED = ("ctrl+s", "x", TAKEN, "enter", "enter")
ISSUED = ("runner", *ROTATED)
MENDED = (
    Story(Kind.EXPIRING, expiring, ROTATED, "'farm' given to sh on its stdin"),
    Story(Kind.ROTATION_DUE, rotation(80), ROTATED, "'farm' given to sh on its stdin"),
    Story(Kind.ROTATION_OVERDUE, rotation(100), ROTATED, "'farm' given to sh on its stdin"),
    Story(Kind.RETIRING_USED, retiring_used, ("ctrl+s",), "'farm' works until 2026-11-03 16:00"),
    Story(Kind.PERSONAL_OVERDUE, personal_overdue, ("y",), "ben's token of 'shop build' is ended here"),
    Story(Kind.PENDING, pending, ("left over", "ctrl+s"), "revoked 'farm'"),
    Story(Kind.LOCKED_OUT, locked_out, ISSUED, "'runner' given to sh on its stdin"),
    Story(Kind.LOCKED_OUT, disabled, ("y",), f"enabled {BOT}"),
    Story(Kind.NEVER_USED, never_used, ("unneeded", "ctrl+s"), "revoked 'farm'"),
    Story(Kind.UNUSED, unused, ("unneeded", "ctrl+s"), "revoked 'farm'"),
    Story(Kind.SURPLUS, surplus, ("unneeded", "ctrl+s"), "revoked 'farm'"),
    Story(Kind.SCOPE_UNUSED, scope_unused, ("y",), f"{BOT} has no deploy:write any more"),
    Story(Kind.SCOPE_REFUSED, scope_refused, ("y",), f"{BOT} has deploy:write now"),
    Story(Kind.ORPHANED, orphaned, ("right", "ctrl+s"), "gave role platform manage on claude-bot"),
    Story(Kind.LEFT, left, ("y",), f"person cleo has no grant on {BOT} any more"),
    Story(Kind.LEFT_IN_ROLE, left_in_role, ("y",), "took cleo out of platform"),
    Story(Kind.VAGUE_NAME, vague_name, ("ctrl+u", "nightly-test", "ctrl+s"), "modified nightly-test"),
)
LOOKED_AT = (
    Story(Kind.REUSED, reused, (), "refused          1×  203.0.113.9, last 1 hour ago"),
    Story(Kind.FORGED, forged, (), "refused          1×  203.0.113.9, last just now"),
    Story(Kind.NEW_SOURCE, new_source, (), "accepted         1×  203.0.113.9, last 1 day ago"),
)
"""What a key cannot mend: it shows from where the token came, and somebody says that it is known."""


def advised(path: str) -> list[tuple[str, Kind]]:
    """All advice: what each line is called, and its kind."""
    with open_desk(path) as desk:
        return [(one.id, one.finding.kind) for one in desk.ask(advice.listed)]


def arranged(path: str, story: Story) -> str:
    """Let a story come about; return what the line of advice is called."""
    clock = Clock(NOON - 200 * DAY)
    with open_desk(path, clock=clock) as desk:
        story.arrange(Place(desk, clock))
    (found,) = [name for name, kind in advised(path) if kind is story.kind]
    return found


def named(story: Story) -> str:
    return f"{story.kind}-{story.arrange.__name__}"


@pytest.mark.parametrize("story", MENDED, ids=named)
async def test_the_key_of_each_kind_mends_it(path: str, story: Story) -> None:
    line = arranged(path, story)
    async with opened(path) as pilot:
        await press(pilot, "5")
        shown_lines = window(pilot, "advice-list")
        shown_lines.seek(line)
        await press(pilot, "m")
        for key in story.keys:
            await (paste(pilot, key) if key == TAKEN else press(pilot, key))
        assert story.told in said(pilot)
        assert line not in {one.id for one in shown_lines.rows}
    assert line not in {name for name, _ in advised(path)}


@pytest.mark.parametrize("story", LOOKED_AT, ids=named)
async def test_what_is_to_be_looked_at_is_shown_by_the_key_and_dismissed_once_it_is_known(
    path: str, story: Story
) -> None:
    line = arranged(path, story)
    async with opened(path) as pilot:
        await press(pilot, "5")
        window(pilot, "advice-list").seek(line)
        await press(pilot, "m")
        assert story.told in shown(pilot)
        await press(pilot, "escape", "x", "known", "ctrl+s")
        assert line not in {one.id for one in window(pilot, "advice-list").rows}
    assert line not in {name for name, _ in advised(path)}


def test_no_kind_is_left_out() -> None:
    assert {story.kind for story in (*MENDED, *LOOKED_AT)} == set(Kind)
