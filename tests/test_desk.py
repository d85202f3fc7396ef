"""The desk: who opens it, what a transaction is, and what became of a commit that failed."""

import contextlib
import getpass
import os
import pwd
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, event
from sqlalchemy.exc import OperationalError

from botdesk import accounts, audit, desk, people, tokens
from botdesk.access import Level, Standing
from botdesk.audit import Filter, Outcome
from botdesk.desk import Desk, Transaction
from botdesk.errors import AccessDenied, InvalidInput, StoreError
from botdesk.testing import NOON, Clock, light_hasher, open_desk
from tests.stores import Stores


def test_the_first_opening_founds_the_desk_and_says_so(place: str) -> None:
    with open_desk(place, operator="zoe") as opened:
        assert opened.founded
        assert [(line.person.name, line.person.standing) for line in opened.ask(people.listed)] == [
            ("zoe", Standing.ADMIN)
        ]
        told = [(event.action, event.actor) for event in opened.ask(audit.page, oldest_first=True).rows]
        assert told[0] == ("desk:founded", "system")
        assert told[-1] == ("person:added", "system")
        assert opened.ask(audit.verify).holds
    with open_desk(place, operator="zoe") as opened:
        assert not opened.founded


def test_two_desks_have_keys_of_their_own(tmp_path: Path) -> None:
    keys = []
    for name in ("one.db", "two.db"):
        with Desk.open(tmp_path / name, operator="ada", hasher=light_hasher()) as opened:
            keys.append(opened.ask(tokens.mint_key))
    assert len(set(keys)) == 2


def test_the_operator_is_who_the_operating_system_says(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("USER", "LOGNAME", "USERNAME", "LNAME", "SUDO_USER"):
        monkeypatch.setenv(name, "mallory")
    assert getpass.getuser() == "mallory"
    assert desk.system_user() == pwd.getpwuid(os.geteuid()).pw_name.lower()
    with Desk.open(tmp_path / "botdesk.db", hasher=light_hasher()) as opened:
        assert opened.operator == desk.system_user()


@pytest.mark.parametrize("operator", ["a\x1b[0mb", "a\u202eb", "x" * 65])
def test_a_hostile_operator_founds_nothing(place: str, operator: str) -> None:
    with pytest.raises(InvalidInput):
        open_desk(place, operator=operator)
    with open_desk(place, operator="ada") as opened:
        assert opened.founded


def test_a_transaction_is_one_actor_and_one_instant(desk: Desk, clock: Clock) -> None:
    with desk.begin() as tx:
        accounts.create(tx, "ci-bot")
        clock.forward(timedelta(hours=1))
        tokens.issue(tx, "ci-bot", "farm")
        assert (tx.actor.name, tx.now, tx.source) == ("ada", NOON, "test")
    assert {event.at for event in desk.ask(audit.page, Filter(account="ci-bot")).rows} == {NOON}


class Boom(BaseException):
    """Anything at all that may end a transaction."""


@pytest.mark.parametrize("boom", [Boom, KeyboardInterrupt, SystemExit, ValueError, GeneratorExit])
def test_whatever_ends_a_transaction_early_undoes_all_of_it(desk: Desk, boom: type[BaseException]) -> None:
    before = desk.head()
    with pytest.raises(boom):
        desk.run(_create_and_raise, boom)
    assert desk.head() == before
    assert desk.ask(accounts.page).total == 0
    desk.run(accounts.create, "ci-bot")


def _create_and_raise(tx: Transaction, boom: type[BaseException]) -> None:
    accounts.create(tx, "ci-bot")
    raise boom


def test_an_admin_acts_in_anothers_stead_with_their_rights_and_both_are_named(desk: Desk) -> None:
    desk.run(people.add, "ben")
    desk.run(accounts.create, "ci-bot")
    with Desk.open(desk.location, operator="ada", acting_as="ben", clock=desk.clock, hasher=light_hasher()) as stead:
        assert stead.ask(accounts.page).total == 0
        with pytest.raises(AccessDenied):
            stead.run(people.add, "eve")
        made = stead.run(accounts.create, "bens-bot")
        assert stead.ask(accounts.line, "bens-bot").level is Level.MANAGE
    told = desk.ask(audit.page, limit=2).rows
    assert [(event.actor, event.outcome) for event in told] == [
        ("ada as ben", Outcome.DONE),
        ("ada as ben", Outcome.DENIED),
    ]
    assert desk.ask(people.find, made.created_by).name == "ben"


@pytest.mark.parametrize("name", ["nobody", "gone", "ADA", "", "x" * 10_000])
def test_nobody_acts_as_somebody_who_is_not_active(desk: Desk, name: str) -> None:
    desk.run(people.add, "gone")
    desk.run(people.disable, "gone")
    if name:
        with pytest.raises(AccessDenied) as refused:
            Desk.open(desk.location, operator="ada", acting_as=name, clock=desk.clock)
        assert refused.value.hint
        assert len(refused.value.message) < 200


def test_what_is_said_of_the_source_cannot_steer_a_terminal(desk: Desk) -> None:
    with Desk.open(desk.location, operator="ada", source="ssh\x1b[2J" + "x" * 500, clock=desk.clock) as opened:
        opened.run(accounts.create, "ci-bot")
    source = desk.ask(audit.page, limit=1).rows[0].source
    assert source.startswith("ssh␛[2J")
    assert len(source) <= 100


Fault = Callable[[Desk, Connection], object]


def _before_it(_: Desk, connection: Connection) -> None:
    """The commit never reaches the store."""


def _after_it(_: Desk, connection: Connection) -> None:
    connection.exec_driver_sql("COMMIT")


def failing(opened: Desk, fault: Fault) -> None:
    """Let the next commit fail."""

    def fail(connection: Connection) -> None:
        event.remove(opened.store.engine, "commit", fail)
        fault(opened, connection)
        raise OperationalError("COMMIT", {"secret": "hush"}, Exception("disk I/O error: hush"))

    event.listen(opened.store.engine, "commit", fail)


def test_a_commit_that_failed_is_told_when_nothing_was_saved(desk: Desk) -> None:
    before = desk.head()
    failing(desk, _before_it)
    with pytest.raises(StoreError, match="cannot be reached") as refused:
        desk.run(accounts.create, "ci-bot")
    assert "hush" not in str(refused.value)
    assert desk.head() == before
    desk.run(accounts.create, "ci-bot")


def test_a_commit_that_failed_after_it_was_saved_is_no_failure(desk: Desk) -> None:
    failing(desk, _after_it)
    desk.run(accounts.create, "ci-bot")
    assert desk.ask(accounts.line, "ci-bot")
    assert desk.ask(audit.verify).holds


def test_a_commit_of_which_nobody_can_tell_is_told_as_unknown(stores: Stores, desk: Desk) -> None:
    with contextlib.ExitStack() as gone:
        failing(desk, lambda _, connection: gone.enter_context(stores.away(desk.location)))
        with pytest.raises(StoreError, match="unknown") as refused:
            desk.run(accounts.create, "ci-bot")
    assert refused.value.hint


@pytest.mark.sqlite
def test_a_closed_desk_holds_no_file_open(desk: Desk) -> None:
    store = desk.location

    def held() -> list[str]:
        links = [Path(f"/proc/self/fd/{number}") for number in os.listdir("/proc/self/fd")]  # noqa: PTH208
        return [str(link.readlink()) for link in links if link.is_symlink() and str(link.readlink()).startswith(store)]

    with Desk.open(store, operator="ada", clock=desk.clock) as other:
        other.run(accounts.create, "ci-bot")
    desk.close()
    assert held() == []


def test_questions_and_operations_take_their_arguments(desk: Desk) -> None:
    made = desk.run(accounts.create, "ci-bot", description="x")
    answer: Any = desk.ask(accounts.page, accounts.Filter(text="x"), sort=accounts.Sort.USED, limit=1)
    assert [line.account for line in answer.rows] == [made]
