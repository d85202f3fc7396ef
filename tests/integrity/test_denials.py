"""What is refused is rolled back and recorded; what is out of reach answers just like what is not there."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
from sqlmodel import select

from botdesk import accounts, audit, grants, people, removal, roles, tokens
from botdesk.access import Action, Level, Standing
from botdesk.audit import Filter, Outcome
from botdesk.desk import Desk
from botdesk.errors import AccessDenied, BotdeskError, Conflict, NotFound, StoreError
from botdesk.store.tables import Account
from botdesk.store.transaction import Transaction
from botdesk.testing import Clock, open_desk
from tests.integrity import house
from tests.integrity.worker import VERBS

REFUSED_TO_AUDITORS = {
    verb: next(action for action in Action if action.value == said)
    for verb, said in {
        "account create": "account:created",
        "account modify": "account:modified",
        "account disable": "account:disabled",
        "account enable": "account:enabled",
        "account remove": "account:removed",
        "token issue": "token:issued",
        "token deliver": "token:delivered",
        "token rotate": "token:rotated",
        "token revoke": "token:revoked",
        "token abandon": "token:revoked",
        "grant give": "grant:given",
        "grant withdraw": "grant:withdrawn",
        "person add": "person:added",
        "person modify": "person:modified",
        "person disable": "person:disabled",
        "person enable": "person:enabled",
        "role create": "role:created",
        "role modify": "role:modified",
        "role add": "role:member-added",
        "role drop": "role:member-dropped",
        "role remove": "role:removed",
        "database backup": "desk:backed-up",
    }.items()
}


@pytest.fixture
def ben(home: str) -> Iterator[Desk]:
    """The desk of ben, a member: he operates nightly-build, manages metrics-ingest and sees no other account."""
    with open_desk(home, operator="ben", clock=Clock(house.LATER), seed=5) as desk:
        yield desk


@pytest.mark.parametrize("verb", REFUSED_TO_AUDITORS)
def test_a_refused_verb_changes_nothing_and_is_recorded(home: str, verb: str) -> None:
    before = house.contents(home)
    with open_desk(home, operator="cleo", clock=Clock(house.LATER)) as desk:
        with pytest.raises(AccessDenied) as refused:
            VERBS[verb](desk)
        assert refused.value.hint
        last = desk.ask(audit.page).rows[0]
        assert desk.ask(audit.verify).holds
    assert (last.outcome, last.actor, last.action) == (Outcome.DENIED, "cleo", REFUSED_TO_AUDITORS[verb])
    assert (last.source, last.before, last.after) == ("test", None, None)
    after = house.contents(home)
    assert len(after.pop("event")) == len(before.pop("event")) + 1
    assert after == before


def test_work_that_was_done_before_the_refusal_is_rolled_back(home: str, ben: Desk) -> None:
    before = ben.head().sequence
    with pytest.raises(AccessDenied):
        ben.run(_do_all, lambda tx: accounts.disable(tx, "nightly-build", reason="I want to"))
    assert ben.head().sequence == before + 1
    assert ben.ask(accounts.page, accounts.Filter(text="bens-bot")).total == 0
    last = ben.ask(audit.page).rows[0]
    assert (last.action, last.outcome, last.account) == (Action.ACCOUNT_DISABLED, Outcome.DENIED, "nightly-build")
    assert ben.ask(audit.verify).holds


def test_work_that_failed_is_rolled_back_and_not_recorded(ben: Desk) -> None:
    before = ben.head()
    with pytest.raises(Conflict):
        ben.run(_do_all, lambda tx: accounts.create(tx, "bens-bot"))
    with pytest.raises(ZeroDivisionError):
        ben.run(_do_all, lambda tx: 1 / 0)
    assert ben.head() == before


def test_a_transaction_that_only_reads_changes_nothing(desk: Desk) -> None:
    before = desk.head()
    with pytest.raises(StoreError, match="only reads") as refused:
        desk.ask(accounts.create, "nightly-build")
    assert refused.value.hint
    assert desk.head() == before
    assert desk.ask(accounts.page).total == 0


def _do_all(tx: Transaction, then: Callable[[Transaction], object]) -> None:
    accounts.create(tx, "bens-bot")
    then(tx)


def test_a_refused_question_is_recorded_too(home: str, ben: Desk) -> None:
    with pytest.raises(NotFound):
        ben.ask(accounts.find, "claude-bot")
    with open_desk(home, operator="bea") as desk:
        last = desk.ask(audit.page).rows[0]
    assert (last.action, last.outcome) == (Action.ACCOUNT_VIEWED, Outcome.DENIED)
    assert (last.actor, last.account) == ("ben", "claude-bot")


def test_acting_as_somebody_else_is_refused_to_members_and_recorded_as_theirs(home: str) -> None:
    with pytest.raises(AccessDenied) as refused:
        Desk.open(home, operator="ben", acting_as="ada", clock=Clock(house.LATER))
    assert refused.value.hint
    with open_desk(home, operator="bea") as desk:
        last = desk.ask(audit.page).rows[0]
    assert (last.actor, last.outcome) == ("ben", Outcome.DENIED)


@pytest.mark.parametrize("name", ["mallory", "", "ada ", "x" * 10_000])
def test_who_is_no_person_is_let_in_nowhere(home: str, name: str) -> None:
    before = house.contents(home)
    with pytest.raises(AccessDenied) as refused:
        Desk.open(home, operator=name or "nobody-at-all", clock=Clock(house.LATER))
    assert refused.value.hint
    assert house.contents(home) == before


@pytest.mark.parametrize(("operator", "acting_as"), [("dan", None), ("bea", "dan"), ("dan", "bea")])
def test_a_disabled_persons_knocking_is_refused_and_recorded(home: str, operator: str, acting_as: str | None) -> None:
    with pytest.raises(AccessDenied) as refused:
        Desk.open(home, operator=operator, acting_as=acting_as, clock=Clock(house.LATER))
    assert str(refused.value) == "'dan' is no active person of this desk"
    with open_desk(home, operator="bea") as desk:
        last = desk.ask(audit.page).rows[0]
    assert (last.action, last.outcome) == (Action.DESK_OPENED, Outcome.DENIED)
    assert last.actor == ("bea as dan" if operator == "bea" else "dan")


def test_who_is_disabled_while_at_the_desk_can_do_nothing_more_and_cannot_flood_the_audit(home: str, ben: Desk) -> None:
    with open_desk(home, operator="bea", seed=7) as desk:
        desk.run(people.disable, "ben")
    before = ben.head().sequence
    for _ in range(3):
        with pytest.raises(AccessDenied):
            ben.ask(accounts.page)
    assert ben.head().sequence == before
    with pytest.raises(AccessDenied):
        ben.run(accounts.create, "bens-bot")
    assert ben.head().sequence == before + 1


ON_ACCOUNTS: dict[str, Callable[..., Any]] = {
    "find": accounts.find,
    "audit": lambda tx, name: audit.page(tx, Filter(account=name)),
    "line": accounts.line,
    "modify": lambda tx, name: accounts.modify(tx, name, description="mine"),
    "disable": accounts.disable,
    "enable": accounts.enable,
    "remove": accounts.remove,
    "issue": lambda tx, name: tokens.issue(tx, name, "mine"),
    "tokens": tokens.listed,
    "give": lambda tx, name: grants.give(tx, name, "person:ben", Level.MANAGE),
    "give to nobody": lambda tx, name: grants.give(tx, name, "person:nobody", Level.MANAGE),
    "withdraw": lambda tx, name: grants.withdraw(tx, name, "person:ben"),
    "grants": grants.listed,
    "who reaches": grants.who_reaches,
}

ON_TOKENS: dict[str, Callable[..., Any]] = {
    "find": tokens.find,
    "line": tokens.line,
    "deliver": lambda tx, token: tokens.deliver(tx, token, to="clipboard"),
    "rotate": tokens.rotate,
    "revoke": lambda tx, token: tokens.revoke(tx, token, reason="mine"),
    "abandon": tokens.abandon,
}


def answer(desk: Desk, verb: Callable[..., Any], wanted: str) -> tuple[Any, ...]:
    """All that an asker sees of an error, with what was asked for left out."""
    with pytest.raises(BotdeskError) as refused:
        desk.run(verb, wanted)
    error = refused.value
    said = [text.replace(wanted, "…") for text in (*map(str, error.args), error.message, error.hint, repr(error))]
    return type(error), said, error.__cause__, error.__suppress_context__, error.__dict__.keys()


@pytest.mark.parametrize("by", ["name", "id", "id of a removed one"])
@pytest.mark.parametrize("verb", ON_ACCOUNTS)
def test_an_account_out_of_reach_answers_as_one_that_is_not_there(home: str, ben: Desk, verb: str, by: str) -> None:
    with open_desk(home, seed=6) as desk, desk.read() as tx:
        hidden = accounts.find(tx, "claude-bot")
        removed = tx.session.exec(select(Account).where(Account.name == "old-hook")).one()
    there, absent = {
        "name": ("claude-bot", "clause-bot"),
        "id": (hidden.id, "acc_0000000000"),
        "id of a removed one": (removed.id, "acc_0000000000"),
    }[by]
    assert answer(ben, ON_ACCOUNTS[verb], there) == answer(ben, ON_ACCOUNTS[verb], absent)


@pytest.mark.parametrize("form", ["{}", "bdk_{}", "bdk_{}_••••"])
@pytest.mark.parametrize("verb", ON_TOKENS)
def test_a_token_out_of_reach_answers_as_one_that_is_not_there(home: str, ben: Desk, verb: str, form: str) -> None:
    with open_desk(home, seed=6, clock=Clock(house.LATER)) as desk:
        hidden = desk.run(tokens.issue, "claude-bot", "hidden").token.id
        if verb in ("rotate", "revoke"):
            house.deliver(desk, hidden)

    def told(token: str) -> Any:
        kind, said, *rest = answer(ben, ON_TOKENS[verb], form.format(token))
        return kind, [text.replace(token, "…") for text in said], rest

    assert told(hidden) == told("0000000000")


def test_asking_leaves_no_trace_that_the_asker_can_read(home: str, ben: Desk) -> None:
    def seen() -> tuple[Any, ...]:
        since, until = house.LATER - timedelta(days=31), house.LATER + timedelta(days=1)
        return (
            ben.ask(audit.page, limit=1000),
            ben.ask(audit.page, Filter(outcome=Outcome.DENIED)).total,
            ben.ask(audit.counts, since=since, until=until, buckets=4),
        )

    before, head = seen(), ben.head()
    for verb in ON_ACCOUNTS.values():
        answer(ben, verb, "claude-bot")
    assert ben.head() != head
    assert seen() == before


def test_what_an_actor_was_refused_on_an_account_in_reach_they_can_read(ben: Desk) -> None:
    with pytest.raises(AccessDenied):
        ben.run(accounts.disable, "nightly-build")
    with pytest.raises(AccessDenied):
        ben.run(people.add, "mallory")
    found = ben.ask(audit.page, Filter(outcome=Outcome.DENIED, actor="ben"), limit=2).rows
    assert [event.action for event in found] == [Action.PERSON_ADDED, Action.ACCOUNT_DISABLED]


def test_lists_tell_nothing_of_what_is_out_of_reach(ben: Desk) -> None:
    assert {line.account.name for line in ben.ask(accounts.page).rows} == {"nightly-build", "metrics-ingest"}
    assert {line.account for line in ben.ask(grants.listed)} == {"nightly-build", "metrics-ingest"}
    assert {line.account for line in ben.ask(tokens.listed)} == {"nightly-build"}
    assert {reach.account for reach in ben.ask(grants.what_reaches, "ada")} == {"nightly-build", "metrics-ingest"}
    assert {line.role.name: line.accounts for line in ben.ask(roles.listed)} == {
        "data-ops": 0,
        "night-shift": 1,
        "platform": 1,
    }
    assert next(line for line in ben.ask(people.listed) if line.person.name == "ada").accounts == 2
    named = {event.account for event in ben.ask(audit.page, limit=1000).rows}
    assert named <= {"nightly-build", "metrics-ingest", None}


def test_what_one_did_to_an_account_is_not_ones_own_once_it_is_out_of_reach(home: str, ben: Desk) -> None:
    ben.run(accounts.modify, "metrics-ingest", description="mine")
    assert ben.ask(audit.page, Filter(actor="ben", account="metrics-ingest")).total == 1
    with open_desk(home, operator="bea", seed=7) as desk:
        desk.run(grants.withdraw, "metrics-ingest", "person:ben")
        desk.run(grants.give, "claude-bot", "role:platform", Level.OPERATE)
        assert {line.role.name: line.accounts for line in desk.ask(roles.listed)}["platform"] == 2
    with pytest.raises(NotFound):
        ben.ask(audit.page, Filter(actor="ben", account="metrics-ingest"))
    assert "metrics-ingest" not in {event.account for event in ben.ask(audit.page, limit=1000).rows}


def test_taking_the_name_of_an_account_out_of_reach_leaves_word_of_it(home: str, ben: Desk) -> None:
    with pytest.raises(Conflict):
        ben.run(accounts.create, "claude-bot")
    with open_desk(home, operator="bea", seed=7) as desk:
        last = desk.ask(audit.page).rows[0]
    assert (last.actor, last.account, last.outcome) == ("ben", "claude-bot", Outcome.DENIED)


def test_nobody_grants_beyond_their_own_level(ben: Desk) -> None:
    for level in Level:
        with pytest.raises(AccessDenied):
            ben.run(grants.give, "nightly-build", "person:ben", level)
        ben.run(grants.give, "metrics-ingest", "role:platform", level)


@pytest.mark.parametrize(
    "step",
    [
        lambda tx: people.modify(tx, "ben", standing=Standing.ADMIN),
        lambda tx: roles.add_member(tx, "data-ops", "ben"),
        lambda tx: roles.modify(tx, "platform", scopes="deploy:write admin:all"),
        lambda tx: people.enable(tx, "dan"),
    ],
)
def test_nobody_gives_themselves_standing(ben: Desk, step: Callable[[Transaction], object]) -> None:
    with pytest.raises(AccessDenied):
        ben.run(step)


@pytest.mark.parametrize("step", [people.disable, lambda tx, who: people.modify(tx, who, standing=Standing.MEMBER)])
def test_the_last_admin_cannot_go(auditing: Desk, step: Callable[[Transaction, str], object]) -> None:
    auditing.run(step, "ada")
    with pytest.raises(Conflict) as refused:
        auditing.run(step, "bea")
    assert refused.value.message == "'bea' is the last active admin"


@pytest.mark.parametrize("writing", [True, False], ids=["changing", "reading"])
def test_a_refusal_that_ends_nothing_is_on_record_all_the_same(home: str, ben: Desk, writing: bool) -> None:
    with ben.begin() if writing else ben.read() as tx:
        with suppress(NotFound):
            accounts.find(tx, "claude-bot")
        if writing:
            accounts.create(tx, "bens-bot")
    with open_desk(home, operator="bea", seed=7) as desk:
        told = [(event.action, event.account, event.outcome) for event in desk.ask(audit.page).rows]
    assert told[0] == (Action.ACCOUNT_VIEWED, "claude-bot", Outcome.DENIED)
    assert (told[1] == (Action.ACCOUNT_CREATED, "bens-bot", Outcome.DONE)) is writing


def test_restoring_what_is_out_of_reach_leaves_word_of_it(home: str, ben: Desk) -> None:
    with open_desk(home, operator="bea", seed=7) as desk:
        desk.run(accounts.remove, "claude-bot")
    for name in ("claude-bot", "never-was"):
        with pytest.raises(NotFound) as refused:
            ben.run(removal.restore, name)
        assert refused.value.message == f"there is no removed account {name!r}"
    with open_desk(home, operator="bea", seed=8) as desk:
        last = desk.ask(audit.page).rows[0]
        before = desk.ask(audit.page).rows[1]
    assert (last.actor, last.action, last.account) == ("ben", Action.ACCOUNT_RESTORED, "claude-bot")
    assert last.outcome == Outcome.DENIED
    assert before.outcome == Outcome.DONE
