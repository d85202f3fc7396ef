"""Work on many: what is told beforehand, what is done, and what the audit tells of it afterwards."""

import re
from collections.abc import Callable
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pysqlite3
import pytest

from botdesk import accounts, audit, bulk, grants, people, roles, runner, runs, tokens
from botdesk.access import Level, Standing
from botdesk.bulk import Order, Verb
from botdesk.desk import Desk
from botdesk.errors import AccessDenied, AuditBroken, Conflict, InvalidInput, NotFound, StoreError
from botdesk.handoff import Command
from botdesk.testing import Clock, open_desk
from botdesk.tokens import TokenState
from tests.raw import raw

REVOKE = Order(verb=Verb.REVOKE, reason="leaked")
ROTATE = Order(verb=Verb.ROTATE, overlap=timedelta(hours=1))


@pytest.fixture
def held(desk: Desk) -> list[str]:
    """The ids of four tokens that work, of two accounts."""
    made = []
    for name in ("nightly-build", "web-hook"):
        desk.run(accounts.create, name)
        for label in ("farm", "spare"):
            token_id = desk.run(tokens.issue, name, label).token.id
            desk.run(tokens.deliver, token_id, to="command:vault")
            made.append(token_id)
    return made


def states(desk: Desk) -> dict[str, str]:
    return {line.token.id: line.state.value for line in desk.ask(tokens.listed)}


def fates(run: runs.Run) -> dict[str, str]:
    return {one.id: one.fate.value for one in run.results}


def taking(folder: Path, script: str = 'cat > "$0/$1.$2"') -> Command:
    return Command(("sh", "-c", script, str(folder), "{account}", "{token_id}"))


def test_a_plan_tells_what_will_happen_and_what_will_not_and_changes_nothing(desk: Desk, held: list[str]) -> None:
    desk.run(tokens.revoke, held[1], reason="gone")
    before = desk.head()
    plan = runner.plan(desk, REVOKE, [held[0], held[1], "AAAAAAAAAA", held[0], f"bdk_{held[2]}_••••"])
    assert [item.id for item in plan.items] == [held[0], held[2]]
    assert [item.name for item in plan.items] == ["'farm' of nightly-build", "'farm' of web-hook"]
    assert [(one.id, one.error.message) for one in plan.refused] == [
        (held[1], "the token 'spare' is revoked already"),
        ("AAAAAAAAAA", "there is no token 'AAAAAAAAAA'"),
    ]
    assert desk.head() == before


def test_whoever_may_not_is_refused_item_by_item_and_each_refusal_is_recorded(desk: Desk, held: list[str]) -> None:
    desk.run(people.add, "ben")
    desk.run(grants.give, "nightly-build", "person:ben", Level.OPERATE)
    desk.run(grants.give, "web-hook", "person:ben", Level.VIEW)
    with open_desk(desk.location, operator="ben", seed=9) as bens:
        plan = runner.plan(bens, REVOKE, held)
        run = runner.carry_out(bens, plan)
    assert list(fates(run).values()) == ["done", "done", "refused", "refused"]
    assert [states(desk)[one] for one in held] == ["revoked", "revoked", "active", "active"]
    denied = desk.ask(audit.page, audit.Filter(outcome=audit.Outcome.DENIED)).rows
    assert [(event.action, event.account) for event in denied] == [("token:revoked", "web-hook")] * 2


@pytest.mark.parametrize(
    ("order", "on_tokens", "is_done"),
    [
        (REVOKE, True, lambda desk, one: desk.ask(tokens.line, one).token.revoked_reason == "leaked"),
        (
            Order(verb=Verb.EXTEND, by=timedelta(days=7)),
            True,
            lambda desk, one: desk.ask(tokens.line, one).token.expires_at == desk.clock() + timedelta(days=97),
        ),
        (
            Order(verb=Verb.DISABLE, reason="holidays"),
            False,
            lambda desk, one: desk.ask(accounts.find, one).disabled_reason == "holidays",
        ),
        (
            Order(verb=Verb.ENABLE),
            False,
            lambda desk, one: desk.ask(accounts.find, one).disabled_at is None,
        ),
        (
            Order(verb=Verb.GRANT, grantee="role:platform", level=Level.OPERATE),
            False,
            lambda desk, one: [line.level for line in desk.ask(grants.listed, one)] == ["operate"],
        ),
    ],
    ids=lambda value: value.verb.value if isinstance(value, Order) else "",
)
def test_each_is_done_in_a_transaction_of_its_own_and_the_audit_tells_the_run(
    desk: Desk, held: list[str], order: Order, on_tokens: bool, is_done: Callable[[Desk, str], bool]
) -> None:
    desk.run(roles.create, "platform")
    named = held if on_tokens else ["nightly-build", "web-hook"]
    for name in named if order.verb is Verb.ENABLE else ():
        desk.run(accounts.disable, name)
    plan = runner.plan(desk, order, named)
    told: list[tuple[int, int]] = []
    run = runner.carry_out(desk, plan, tell=lambda done, of, what: told.append((done, of)))
    assert told == [(number, len(named)) for number in range(1, len(named) + 1)]
    assert all(is_done(desk, one) for one in named)
    assert run.told == f"{len(named)} done"
    assert desk.ask(runs.show, run.number) == run
    assert run.order == order
    last = desk.ask(audit.page, limit=1).rows[0]
    assert (last.action, audit.detail_of(last)["bulk"]) == ("bulk:ended", run.number)
    assert desk.ask(audit.verify).holds


def test_all_of_an_account_are_those_that_work_and_to_revoke_those_that_may_work_yet_too(
    desk: Desk, held: list[str]
) -> None:
    desk.run(tokens.revoke, held[1], reason="gone")
    successor = desk.run(tokens.rotate, held[0]).token.id
    desk.run(tokens.deliver, successor, to="command:vault")
    pending = desk.run(tokens.issue, "nightly-build", "new").token.id
    meant = {verb: {line.token.id for line in desk.ask(bulk.all_of, verb, "nightly-build")} for verb in bulk.ON_TOKENS}
    assert meant == {
        Verb.REVOKE: {held[0], successor, pending},
        Verb.EXTEND: {successor},
        Verb.ROTATE: {successor},
    }


def test_a_rotation_gives_each_secret_to_the_command_with_the_names_in_its_arguments(
    desk: Desk, held: list[str], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    out.mkdir()
    run = runner.carry_out(desk, runner.plan(desk, ROTATE, held), target=taking(out))
    new = {line.token.id: line for line in desk.ask(tokens.listed) if line.state is TokenState.ACTIVE}
    assert {file.name for file in out.iterdir()} == {f"{line.account}.{line.token.id}" for line in new.values()}
    for file in out.iterdir():
        assert file.read_text().startswith(f"bdk_{file.name.split('.')[1]}_")
    assert [states(desk)[one] for one in held] == ["retiring"] * 4
    assert (run.to, run.told) == ("command:sh", "4 done")
    assert "sh -c" not in "".join(event.detail for event in desk.ask(audit.page, limit=100).rows)


def test_a_command_that_fails_leaves_its_token_as_it_was_and_the_run_goes_on(
    desk: Desk, held: list[str], tmp_path: Path
) -> None:
    picky = taking(
        tmp_path, 'case $1 in web*) cat >/dev/null; echo "no room for $2" >&2; exit 3;; *) cat >/dev/null;; esac'
    )
    run = runner.carry_out(desk, runner.plan(desk, ROTATE, held), target=picky)
    assert list(fates(run).values()) == ["done", "done", "failed", "failed"]
    assert "failed with 3: no room for" in run.results[2].words
    kept = desk.ask(runs.show, run.number)
    assert fates(kept) == fates(run)
    assert kept.results[2].words == "'sh' failed with 3"
    assert [states(desk)[one] for one in held] == ["retiring", "retiring", "active", "active"]
    assert TokenState.PENDING not in states(desk).values()
    again = runner.take_up(desk, run.number)
    done = runner.carry_out(desk, again, target=taking(tmp_path), number=run.number)
    assert (done.told, desk.ask(runs.show, run.number).told) == ("4 done", "4 done")


def test_what_is_stopped_is_left_after_the_item_in_work_and_can_be_taken_up_again(desk: Desk, held: list[str]) -> None:
    done: list[int] = []
    plan = runner.plan(desk, REVOKE, held)
    run = runner.carry_out(
        desk, plan, tell=lambda number, of, what: done.append(number), stopped=lambda: len(done) >= 2
    )
    assert (run.stopped, list(fates(run).values())) == (True, ["done", "done", "untouched", "untouched"])
    assert desk.ask(runs.listed)[0].how == "2 done, 2 untouched"
    desk.run(tokens.revoke, held[2], reason="by hand")
    run = runner.carry_out(desk, runner.take_up(desk, run.number), number=run.number)
    assert list(fates(run).values()) == ["done", "done", "failed", "done"]
    assert "revoked already" in desk.ask(runs.show, run.number).results[2].words
    assert desk.ask(runs.listed)[0].how == "3 done, 1 failed"


def test_what_changed_meanwhile_fails_alone(desk: Desk, held: list[str]) -> None:
    plan = runner.plan(desk, REVOKE, held)
    desk.run(tokens.revoke, held[1], reason="by hand")
    run = runner.carry_out(desk, plan)
    assert list(fates(run).values()) == ["done", "failed", "done", "done"]


def test_a_run_that_was_killed_is_ended_and_its_successor_with_it(desk: Desk, held: list[str], clock: Clock) -> None:
    number = desk.run(bulk.begin, runner.plan(desk, ROTATE, held))
    cut = desk.run(bulk.within, number, bulk.rotate, ROTATE, held[0]).token.id
    run = desk.ask(runs.show, number)
    assert (run.ended, run.pending, run.told) == (False, (cut,), "4 untouched")
    assert "not handed over and never works" in run.results[0].words
    with pytest.raises(Conflict, match="at work a moment ago"):
        runner.finish(desk, number)
    clock.forward(timedelta(minutes=2))
    runner.finish(desk, number)
    run = desk.ask(runs.show, number)
    assert (run.ended, run.pending, states(desk)[cut], states(desk)[held[0]]) == (True, (), "revoked", "active")
    assert run.results[0].words.endswith("was not handed over and has ended")
    with pytest.raises(Conflict, match="has ended"):
        runner.finish(desk, number)


def test_a_run_that_was_gone_on_with_and_killed_then_has_not_ended(desk: Desk, held: list[str], clock: Clock) -> None:
    run = runner.carry_out(desk, runner.plan(desk, REVOKE, held), stopped=lambda: True)
    desk.run(people.add, "root-two", standing=Standing.ADMIN)
    with open_desk(desk.location, operator="root-two", clock=clock, seed=9) as others:
        left = runner.take_up(others, run.number)
        assert desk.ask(runs.show, run.number).ended
        others.run(bulk.resume, run.number, left)
        others.run(bulk.within, run.number, bulk.do, REVOKE, held[0])
        assert [line.how for line in desk.ask(runs.listed)] == [""]
        (found,) = desk.ask(runs.unfinished)
        assert (found.ended, found.stopped, found.told) == (False, False, "1 done, 3 untouched")
        clock.forward(timedelta(minutes=2))
        runner.carry_out(others, runner.take_up(others, run.number), number=run.number)
    assert [line.how for line in desk.ask(runs.listed)] == ["4 done"]
    assert desk.ask(runs.unfinished) == []


def test_nothing_is_changed_before_it_is_confirmed_that_a_killed_run_is_gone_on_with(
    desk: Desk, held: list[str], clock: Clock, tmp_path: Path
) -> None:
    number = desk.run(bulk.begin, runner.plan(desk, ROTATE, held))
    desk.run(bulk.within, number, bulk.rotate, ROTATE, held[0])
    clock.forward(timedelta(minutes=2))
    before = desk.head()
    left = runner.take_up(desk, number)
    assert (desk.head(), len(left.items)) == (before, 4)
    assert runner.carry_out(desk, left, target=taking(tmp_path), number=number).told == "4 done"
    assert TokenState.PENDING not in states(desk).values()


def test_a_run_without_an_end_is_told_to_who_began_it(desk: Desk, held: list[str], clock: Clock) -> None:
    number = desk.run(bulk.begin, runner.plan(desk, REVOKE, held))
    runner.carry_out(desk, runner.plan(desk, REVOKE, held[:1]))
    desk.run(people.add, "root-two", standing=Standing.ADMIN)
    (run,) = desk.ask(runs.unfinished)
    assert (run.number, runner.at_work(desk, run)) == (number, True)
    clock.forward(timedelta(minutes=2))
    assert not runner.at_work(desk, run)
    with open_desk(desk.location, operator="root-two", seed=9) as others:
        assert (len(others.ask(runs.listed)), others.ask(runs.unfinished)) == (2, [])
    runner.finish(desk, number)
    assert desk.ask(runs.unfinished) == []


def test_a_plan_that_nobody_waits_for_is_given_up(desk: Desk, held: list[str]) -> None:
    looked: list[int] = []
    plan = runner.plan(
        desk, REVOKE, held, tell=lambda done, of, what: looked.append(done), stopped=lambda: len(looked) == 2
    )
    assert (len(plan.items), looked) == (2, [1, 2])


def test_a_run_that_the_audit_tells_as_none_begins_is_no_crash(desk: Desk) -> None:
    number = desk.run(bulk.begin, bulk.Plan(REVOKE))
    with raw(desk.location) as sql, sql.unguarded():
        sql.execute("UPDATE event SET detail = ? WHERE sequence = ?", ('{"verb":"dance","order":[]}', number))
    with pytest.raises(AuditBroken, match=f"event {number} does not tell a run"):
        desk.ask(runs.show, number)
    assert [line.number for line in desk.ask(runs.listed)] == [number]


def test_a_run_is_told_to_who_began_it_and_who_sees_everything(desk: Desk, held: list[str]) -> None:
    for name in ("ben", "cleo"):
        desk.run(people.add, name)
    desk.run(grants.give, "nightly-build", "person:ben", Level.OPERATE)
    with open_desk(desk.location, operator="ben", seed=9) as bens:
        run = runner.carry_out(bens, runner.plan(bens, REVOKE, held[:1]))
        assert bens.ask(runs.show, run.number) == run
        desk.run(grants.withdraw, "nightly-build", "person:ben")
        assert bens.ask(runs.show, run.number).results[0].name == held[0]
    with open_desk(desk.location, operator="cleo", seed=10) as cleos:
        assert cleos.ask(runs.listed) == []
        for number in (run.number, 1, 999_999):
            with pytest.raises(NotFound, match=f"there is no run {number}"):
                cleos.ask(runs.show, number)
    assert desk.ask(runs.show, run.number).actor == "ben"


@pytest.mark.parametrize(
    ("order", "named", "error"),
    [
        (Order(verb=Verb.REVOKE), ["AAAAAAAAAA"], "the reason is empty"),
        (Order(verb=Verb.EXTEND), ["AAAAAAAAAA"], "out of range"),
        (REVOKE, [], "0 tokens are named"),
        (REVOKE, [str(number) for number in range(bulk.MOST + 1)], "10,001 tokens are named"),
    ],
)
def test_what_cannot_be_ordered_is_refused(desk: Desk, order: Order, named: list[str], error: str) -> None:
    with pytest.raises(InvalidInput, match=error):
        runner.plan(desk, order, named)


def test_secrets_are_not_put_over_each_other(desk: Desk, held: list[str]) -> None:
    plan = runner.plan(desk, ROTATE, held)
    with pytest.raises(InvalidInput, match="the secrets of 4 tokens would all go to one place"):
        runner.carry_out(desk, plan, target=Command(("vault", "kv", "put", "secret/ci", "token=-")))
    assert desk.ask(runs.listed) == []


def test_the_program_itself_is_not_named_by_an_account() -> None:
    filled = runner.filled(Command(("{account}", "a={account}", "{token_id}{predecessor_id}", "{x}")), "bot", "T", "P")
    assert filled.argv == ("{account}", "a=bot", "TP", "{x}")


def test_a_whole_token_that_is_named_is_kept_nowhere(desk: Desk, held: list[str]) -> None:
    whole = f"bdk_{held[0]}_" + "s" * 49
    plan = runner.plan(desk, REVOKE, [whole, held[1]])
    run = runner.carry_out(desk, plan)
    kept = "".join(event.detail for event in desk.ask(audit.page, limit=100).rows)
    assert "s" * 20 not in kept + str(run) + str(plan)
    assert fates(run) == {held[1]: "done", "bdk_••••": "refused"}


def test_who_only_looks_carries_nothing_out(desk: Desk, held: list[str]) -> None:
    plan = runner.plan(desk, REVOKE, held)
    desk.run(people.add, "aud", standing=Standing.AUDITOR)
    with open_desk(desk.location, operator="aud", seed=9) as auds, pytest.raises(AccessDenied):
        runner.carry_out(auds, plan)
    assert set(states(desk).values()) == {"active"}


@pytest.mark.sqlite
def test_a_store_that_fails_ends_the_run_and_the_hint_names_it(desk: Desk, held: list[str]) -> None:
    def spoil(done: int, of: int, what: str) -> None:
        with closing(pysqlite3.connect(desk.location)) as other:
            other.execute("ALTER TABLE token RENAME TO elsewhere")

    with pytest.raises(StoreError) as raised:
        runner.carry_out(desk, runner.plan(desk, REVOKE, held), tell=spoil)
    assert re.search("botdesk bulk show [0-9]+", raised.value.hint)
