"""Keys of people: whose they are, who adds them, and what they open."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from botdesk import accounts, audit, keys, people
from botdesk.access import Action, Standing
from botdesk.audit import Outcome
from botdesk.desk import Desk
from botdesk.errors import AccessDenied, Conflict, InvalidInput, NotFound, StoreError
from botdesk.remote import Entry
from botdesk.testing import open_desk
from tests.public_keys import ADAS, BENS

PRINT = "SHA256:"


@pytest.fixture
def team(desk: Desk) -> Desk:
    desk.run(people.add, "ben")
    desk.run(people.add, "cleo", standing=Standing.AUDITOR)
    desk.run(keys.add, "ada", ADAS)
    desk.run(keys.add, "ben", BENS)
    return desk


def key_of(desk: Desk, person: str) -> str:
    return desk.ask(keys.listed, person)[0].key.fingerprint


def enter(store: str, person: str, key: str | None, *, proven: bool = True) -> Desk:
    entry = Entry(person, key, "ssh 203.0.113.7 SHA256:x", proven)
    with open_desk(store, seed=8) as opened:
        settings, how = opened.settings, {"clock": opened.clock}
    return Desk.enter(entry, settings=settings, store=store, **how)


def test_a_key_is_listed_with_its_owner_and_removed_by_its_beginning(team: Desk) -> None:
    lines = team.ask(keys.listed)
    assert [(line.person, line.key.comment, line.active, line.added_by) for line in lines] == [
        ("ada", "ada@laptop", True, "ada"),
        ("ben", "ben@desk", True, "ada"),
    ]
    fingerprint = key_of(team, "ben")
    assert team.run(keys.remove, fingerprint.removeprefix(PRINT)[:12]).fingerprint == fingerprint
    assert [line.person for line in team.ask(keys.listed)] == ["ada"]
    last = team.ask(audit.page).rows[0]
    assert (last.action, audit.detail_of(last)) == (Action.KEY_REMOVED, {"person": "ben", "key": fingerprint})
    assert team.ask(audit.verify).holds


def test_a_key_belongs_to_one_person(team: Desk) -> None:
    with pytest.raises(Conflict, match="lets 'ada' in already"):
        team.run(keys.add, "ben", ADAS)
    with pytest.raises(Conflict):
        team.run(keys.add, "ada", ADAS)


@pytest.mark.parametrize("start", ["", PRINT, "SHA256:nothing", "x" * 1000])
def test_what_begins_no_fingerprint_is_not_found(team: Desk, start: str) -> None:
    with pytest.raises((NotFound, Conflict)) as refused:
        team.run(keys.remove, start)
    assert refused.value.hint


def test_keys_are_the_admins_to_give_and_ones_own_to_see(team: Desk) -> None:
    for name, seen in (("ada", {"ada", "ben"}), ("cleo", {"ada", "ben"}), ("ben", {"ben"})):
        with team.read(actor=name) as tx:
            assert {line.person for line in keys.listed(tx)} == seen
    for name in ("ben", "cleo"):
        with pytest.raises(AccessDenied), team.begin(actor=name) as tx:
            keys.add(tx, name, ADAS)
        with pytest.raises(AccessDenied), team.begin(actor=name) as tx:
            keys.remove(tx, PRINT)
    with pytest.raises(AccessDenied), team.read(actor="ben") as tx:
        keys.open_now(tx)


def test_a_disabled_persons_keys_open_nothing(team: Desk) -> None:
    assert {line.person for line in team.ask(keys.open_now)} == {"ada", "ben"}
    team.run(people.disable, "ben")
    assert {line.person for line in team.ask(keys.open_now)} == {"ada"}
    assert team.ask(keys.open_now, "SHA256:else") == []


@pytest.fixture
def bens(team: Desk) -> Iterator[Desk]:
    with enter(team.location, "ben", key_of(team, "ben")) as opened:
        yield opened


def test_who_came_in_with_their_key_is_recorded_with_where_from(bens: Desk) -> None:
    bens.run(accounts.create, "bens-bot")
    last = bens.ask(audit.page).rows[0]
    assert (last.actor, last.source) == ("ben", "ssh 203.0.113.7 SHA256:x")


@pytest.mark.parametrize("key", ["ada's", "SHA256:unknown"])
def test_a_key_that_is_not_ones_own_lets_nobody_in_and_is_recorded(team: Desk, key: str) -> None:
    with pytest.raises(AccessDenied, match="does not let 'ben' in"):
        enter(team.location, "ben", key_of(team, "ada") if key == "ada's" else key)
    last = team.ask(audit.page).rows[0]
    assert (last.action, last.outcome, last.actor) == (Action.DESK_OPENED, Outcome.DENIED, "ben")


def test_who_is_in_is_out_when_their_key_is_removed(team: Desk, bens: Desk) -> None:
    team.run(keys.remove, key_of(team, "ben"))
    head = team.head()
    for _ in range(3):
        with pytest.raises(AccessDenied):
            bens.ask(accounts.page)
    assert team.head() == head
    with pytest.raises(AccessDenied):
        bens.run(accounts.create, "bens-bot")
    assert team.ask(audit.page).rows[0].outcome is Outcome.DENIED


def test_what_sshd_did_not_let_in_is_the_operator_in_somebodys_stead(team: Desk) -> None:
    from botdesk.desk import system_user

    with pytest.raises(AccessDenied):
        enter(team.location, "ben", None, proven=False)
    team.run(people.add, system_user())
    with pytest.raises(AccessDenied, match="may not act as somebody else"):
        enter(team.location, "ben", None, proven=False)
    last = team.ask(audit.page).rows[0]
    assert (last.action, last.outcome, last.detail) == ("person:impersonated", "denied", '{"person":"ben"}')
    team.run(people.modify, system_user(), standing=Standing.ADMIN)
    with enter(team.location, "ben", key_of(team, "ben"), proven=False) as opened:
        opened.run(accounts.create, "bens-bot")
        assert opened.ask(audit.page).rows[0].actor == f"{system_user()} as ben"


def test_the_ssh_entry_founds_no_desk(tmp_path: Path) -> None:
    from botdesk import settings

    for made in (False, True):
        store = tmp_path / f"{made}.db"
        if made:
            store.touch(mode=0o600)
        with pytest.raises(StoreError):
            Desk.enter(Entry("ada", None, "ssh", True), settings=settings.load(store=str(store)))
        assert store.exists() is made
        assert not made or store.stat().st_size == 0


def test_a_key_with_options_is_refused(team: Desk) -> None:
    with pytest.raises(InvalidInput):
        team.run(keys.add, "ben", f'command="sh" {BENS}')
