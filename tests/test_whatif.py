"""Who can reach what: three tellings of it agree in any small world, and so does what would become of it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlmodel import col, select

from botdesk import accounts, facts, grants, people, roles, whatif
from botdesk.access import Actor, ActorKind, Level, Standing
from botdesk.desk import Desk
from botdesk.errors import AccessDenied, BotdeskError, Conflict, NotFound
from botdesk.facts import Difference, Shift
from botdesk.store import reach
from botdesk.store.tables import Account
from botdesk.store.transaction import Transaction
from botdesk.testing import open_desk

PEOPLE = ("ben", "chen", "dora", "emil")
ROLES = ("platform", "payments")
BOTS = ("ci-bot", "web-hook")
GRANTEES = (*(f"role:{role}" for role in ROLES), *(f"person:{person}" for person in PEOPLE))


@dataclass(frozen=True)
class World:
    standing: dict[str, Standing]
    gone: frozenset[str]
    members: frozenset[tuple[str, str]]
    creators: dict[str, str]
    granted: dict[tuple[str, str], Level]

    def level(self, person: str, bot: str) -> Level | None:
        """The rule again, as one would tell it."""
        if person in self.gone:
            return None
        if self.standing[person] != "member":
            return Level.MANAGE if self.standing[person] == "admin" else Level.VIEW
        if self.creators[bot] == person:
            return Level.MANAGE
        mine = {f"person:{person}", *(f"role:{role}" for role, member in self.members if member == person)}
        levels = [level for (account, grantee), level in self.granted.items() if account == bot and grantee in mine]
        return max(levels, key=["view", "operate", "manage"].index, default=None)


WORLDS = st.builds(
    World,
    standing=st.fixed_dictionaries({person: st.sampled_from(Standing) for person in PEOPLE}),
    gone=st.frozensets(st.sampled_from(PEOPLE), max_size=2),
    members=st.frozensets(st.tuples(st.sampled_from(ROLES), st.sampled_from(PEOPLE)), max_size=5),
    creators=st.fixed_dictionaries({bot: st.sampled_from(PEOPLE) for bot in BOTS}),
    granted=st.dictionaries(
        st.tuples(st.sampled_from(BOTS), st.sampled_from(GRANTEES)), st.sampled_from(Level), max_size=6
    ),
)

Steps = tuple[Callable[[Transaction], Difference], Callable[[Transaction], object]]
CHANGES: st.SearchStrategy[Steps] = st.one_of(
    st.builds(
        lambda bot, to, level: (
            lambda tx: whatif.given(tx, bot, to, level),
            lambda tx: grants.give(tx, bot, to, level),
        ),
        st.sampled_from(BOTS),
        st.sampled_from(GRANTEES),
        st.sampled_from(Level),
    ),
    st.builds(
        lambda bot, to: (lambda tx: whatif.withdrawn(tx, bot, to), lambda tx: grants.withdraw(tx, bot, to)),
        st.sampled_from(BOTS),
        st.sampled_from(GRANTEES),
    ),
    st.builds(
        lambda bot, to: (lambda tx: whatif.handed_over(tx, bot, to), lambda tx: grants.hand_over(tx, bot, to)),
        st.sampled_from(BOTS),
        st.sampled_from(PEOPLE),
    ),
    st.builds(
        lambda role, who: (lambda tx: whatif.joined(tx, role, who), lambda tx: roles.add_member(tx, role, who)),
        st.sampled_from(ROLES),
        st.sampled_from(PEOPLE),
    ),
    st.builds(
        lambda role, who: (lambda tx: whatif.dropped(tx, role, who), lambda tx: roles.drop_member(tx, role, who)),
        st.sampled_from(ROLES),
        st.sampled_from(PEOPLE),
    ),
    st.builds(
        lambda role: (lambda tx: whatif.role_removed(tx, role), lambda tx: roles.remove(tx, role)),
        st.sampled_from(ROLES),
    ),
    st.builds(
        lambda who, standing: (
            lambda tx: whatif.modified(tx, who, standing),
            lambda tx: people.modify(tx, who, standing=standing),
        ),
        st.sampled_from(PEOPLE),
        st.sampled_from(Standing),
    ),
    st.builds(
        lambda who: (lambda tx: whatif.disabled(tx, who), lambda tx: people.disable(tx, who)), st.sampled_from(PEOPLE)
    ),
    st.builds(
        lambda who: (lambda tx: whatif.enabled(tx, who), lambda tx: people.enable(tx, who)), st.sampled_from(PEOPLE)
    ),
)


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """A desk on which worlds are built and taken back."""
    folder = tmp_path_factory.mktemp("stage")
    folder.chmod(0o700)
    with open_desk(folder / "botdesk.db", operator="root") as desk:
        yield desk


class _Over(Exception):
    pass


@contextmanager
def built(desk: Desk, world: World) -> Iterator[Transaction]:
    with suppress(_Over), desk.begin() as tx:
        build(tx, world)
        yield tx
        raise _Over


def build(tx: Transaction, world: World) -> None:
    root = tx.actor
    for name in PEOPLE:
        people.add(tx, name)
    for role in ROLES:
        roles.create(tx, role)
    for role, name in sorted(world.members):
        roles.add_member(tx, role, name)
    for bot, creator in world.creators.items():
        tx.actor = actor(tx, creator)
        accounts.create(tx, bot)
    tx.actor = root
    for (bot, grantee), level in world.granted.items():
        grants.give(tx, bot, grantee, level)
    for name, standing in world.standing.items():
        if standing is not Standing.MEMBER:
            people.modify(tx, name, standing=standing)
    for name in sorted(world.gone):
        people.disable(tx, name)


def actor(tx: Transaction, name: str) -> Actor:
    person = people.find(tx, name)
    return Actor(ActorKind.PERSON, person.id, name, person.standing, active=person.disabled_at is None)


def told(tx: Transaction) -> dict[tuple[str, str], Level]:
    """Everybody's level on every account, as the facts tell it; root aside."""
    found = facts.reaches(reach.facts(tx.session))
    return {(one.person.name, one.account): one.level for one in found if one.person.name != "root"}


def asked(tx: Transaction, name: str) -> dict[tuple[str, str], Level]:
    """One's own level on every account that one is shown."""
    root, tx.actor = tx.actor, actor(tx, name)
    try:
        if not tx.actor.active:
            return {}
        lines = accounts.page(tx).rows
        return {(name, line.account.name): line.level for line in lines if line.level is not None}
    finally:
        tx.actor = root


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(world=WORLDS)
def test_the_facts_the_sql_and_the_model_agree(stage: Desk, world: World) -> None:
    model = {
        (person, bot): level for person in PEOPLE for bot in BOTS if (level := world.level(person, bot)) is not None
    }
    with built(stage, world) as tx:
        assert told(tx) == model
        assert {pair: level for name in PEOPLE for pair, level in asked(tx, name).items()} == model
        orphans = {line.account.name for line in accounts.page(tx, accounts.Filter(orphaned=True)).rows}
        assert orphans == {line.account.name for line in accounts.page(tx).rows if not line.managers}
        ids = facts.unmanaged(reach.facts(tx.session))
        assert orphans == set(tx.session.exec(select(Account.name).where(col(Account.id).in_(ids))).all())


@settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))
@given(world=WORLDS, change=CHANGES)
def test_what_would_be_is_what_becomes(stage: Desk, world: World, change: Steps) -> None:
    preview, work = change
    with built(stage, world) as tx:
        before, now = told(tx), reach.facts(tx.session)
        try:
            expected = preview(tx)
        except (Conflict, NotFound) as refused:
            with pytest.raises(type(refused)):
                work(tx)
            return
        assert told(tx) == before
        try:
            work(tx)
        except (Conflict, NotFound):
            assert not expected.changes
            return
        assert facts.difference(now, reach.facts(tx.session)) == expected
        named = {(shift.person, shift.account): shift for shift in (*expected.gains, *expected.losses)}
        after = told(tx)
        for person in PEOPLE:
            for bot in BOTS:
                shift, standing = named.get((person, bot)), named.get((person, None))
                moved = (before.get((person, bot)), after.get((person, bot)))
                if shift or moved[0] is not moved[1]:
                    assert (shift or standing) == Shift(person, bot if shift else None, *moved)


@pytest.fixture
def team(desk: Desk) -> Desk:
    """ada's desk, on which ben created ci-bot and is in `platform` with chen; dora looks on."""
    for name, standing in (("ben", "member"), ("chen", "member"), ("dora", "auditor"), ("emil", "member")):
        desk.run(people.add, name, standing=Standing(standing))
    desk.run(roles.create, "platform")
    for name in ("ben", "chen"):
        desk.run(roles.add_member, "platform", name)
    with desk.begin(actor="ben") as tx:
        accounts.create(tx, "ci-bot")
        accounts.create(tx, "web-hook")
    desk.run(grants.give, "web-hook", "role:platform", Level.MANAGE)
    return desk


def test_a_grant_says_who_gains_and_a_lower_one_who_loses(team: Desk) -> None:
    assert team.ask(whatif.given, "ci-bot", "role:platform", Level.OPERATE) == Difference(
        gains=(Shift("chen", "ci-bot", None, Level.OPERATE),)
    )
    assert team.ask(whatif.given, "web-hook", "role:platform", Level.VIEW) == Difference(
        losses=(Shift("chen", "web-hook", Level.MANAGE, Level.VIEW),)
    )
    assert not team.ask(whatif.given, "ci-bot", "person:dora", Level.MANAGE).changes


def test_who_goes_leaves_an_orphan_and_who_comes_back_adopts_it(team: Desk) -> None:
    expected = Difference(
        losses=(Shift("ben", "ci-bot", Level.MANAGE, None), Shift("ben", "web-hook", Level.MANAGE, None)),
        orphaned=("ci-bot",),
    )
    assert team.ask(whatif.disabled, "ben") == expected
    team.run(people.disable, "ben")
    assert team.ask(whatif.enabled, "ben").adopted == ("ci-bot",)
    assert team.ask(whatif.handed_over, "ci-bot", "emil") == Difference(
        gains=(Shift("emil", "ci-bot", None, Level.MANAGE),), adopted=("ci-bot",)
    )


def test_an_admin_reaches_everything_in_one_line(team: Desk) -> None:
    gains = team.ask(whatif.modified, "emil", Standing.ADMIN).gains
    assert gains == (Shift("emil", None, None, Level.MANAGE),)
    assert team.ask(whatif.modified, "ben", Standing.AUDITOR) == Difference(
        gains=(Shift("ben", None, None, Level.VIEW),),
        losses=(
            Shift("ben", "ci-bot", Level.MANAGE, Level.VIEW),
            Shift("ben", "web-hook", Level.MANAGE, Level.VIEW),
        ),
        orphaned=("ci-bot",),
    )


def test_a_question_is_for_who_may_do_it(team: Desk) -> None:
    with team.read(actor="chen") as tx:
        whatif.withdrawn(tx, "web-hook", "role:platform")
        with pytest.raises(NotFound):
            whatif.given(tx, "ci-bot", "person:chen", Level.VIEW)
    for question, words in (
        (whatif.disabled, ("ben",)),
        (whatif.modified, ("chen", Standing.ADMIN)),
        (whatif.joined, ("platform", "emil")),
        (whatif.role_removed, ("platform",)),
        (whatif.handed_over, ("web-hook", "chen")),
    ):
        with pytest.raises(AccessDenied), team.read(actor="chen") as tx:
            _ask(question, tx, *words)


def _ask(question: Callable[..., Any], tx: Transaction, *words: Any) -> None:
    question(tx, *words)


def test_an_orphan_is_handed_over_and_the_record_says_from_whom(team: Desk) -> None:
    team.run(people.disable, "ben")
    assert [line.account.name for line in team.ask(accounts.page, accounts.Filter(orphaned=True)).rows] == ["ci-bot"]
    team.run(grants.hand_over, "ci-bot", "emil")
    assert team.ask(accounts.page, accounts.Filter(orphaned=True)).total == 0
    assert team.ask(accounts.line, "ci-bot").managers == ("emil",)
    with team.read(actor="emil") as tx:
        assert accounts.line(tx, "ci-bot").level is Level.MANAGE
    team.run(people.enable, "ben")
    with pytest.raises(NotFound), team.read(actor="ben") as tx:
        accounts.find(tx, "ci-bot")


@pytest.mark.parametrize(("person", "error"), [("ben", Conflict), ("dora", Conflict), ("gone", Conflict)])
def test_an_account_goes_only_to_who_can_manage_it(team: Desk, person: str, error: type[Exception]) -> None:
    team.run(people.add, "gone")
    team.run(people.disable, "gone")
    for step in (grants.hand_over, whatif.handed_over):
        with pytest.raises(error) as refused:
            team.run(step, "ci-bot", person)
        assert person in str(refused.value)


def test_a_question_is_refused_as_what_it_asks_about_would_be(desk: Desk) -> None:
    for name in ("nina", "omar"):
        desk.run(people.add, name)
    desk.run(roles.create, "crew")
    desk.run(roles.add_member, "crew", "nina")
    desk.run(people.disable, "omar")
    desk.run(accounts.create, "held-bot")
    desk.run(grants.give, "held-bot", "role:crew", Level.OPERATE)
    gone = desk.run(accounts.remove, desk.run(accounts.create, "gone-bot").id).id
    tries: list[tuple[Callable[..., Any], Callable[..., Any], tuple[Any, ...]]] = [
        (whatif.joined, roles.add_member, ("crew", "nina")),
        (whatif.dropped, roles.drop_member, ("crew", "omar")),
        (whatif.disabled, people.disable, ("omar",)),
        (whatif.given, grants.give, (gone, "person:nina", Level.VIEW)),
        (whatif.given, grants.give, ("held-bot", "role:crew", Level.OPERATE)),
    ]
    for question, operation, arguments in tries:
        said = []
        for way in (partial(desk.ask, question), partial(desk.run, operation)):
            with pytest.raises(BotdeskError) as refused:
                way(*arguments)
            said.append((type(refused.value), refused.value.message))
        assert said[0] == said[1]
