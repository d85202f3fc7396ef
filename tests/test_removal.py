"""Before an account is removed, and the way back."""

from datetime import timedelta

import pytest

from botdesk import accounts, audit, grants, people, removal, roles, tokens, uses, verification
from botdesk.access import Level
from botdesk.desk import Desk
from botdesk.errors import AccessDenied, Conflict, NotFound
from botdesk.removal import RECENT, RESTORABLE
from botdesk.testing import Clock
from botdesk.verification import Asked, Refusal

INSTANT = timedelta(microseconds=1)


@pytest.fixture
def token(desk: Desk) -> str:
    """A token of `nightly-build`, which ben manages by a grant and the role `platform` may view."""
    for name in ("ben", "cleo"):
        desk.run(people.add, name)
    desk.run(roles.create, "platform")
    desk.run(accounts.create, "nightly-build", scopes="catalog:read")
    desk.run(grants.give, "nightly-build", "person:ben", Level.MANAGE)
    desk.run(grants.give, "nightly-build", "role:platform", Level.VIEW)
    issued = desk.run(tokens.issue, "nightly-build", "runner", never=True).token.id
    return desk.run(tokens.deliver, issued, to="clipboard").id


def use(desk: Desk, token_id: str, address: str = "10.0.0.7") -> Refusal | None:
    return desk.run(verification.note, token_id, Asked(address=address)).refusal


def granted(desk: Desk) -> list[tuple[str, Level]]:
    return [(line.grantee, line.level) for line in desk.ask(grants.listed, "nightly-build")]


def test_a_token_is_warned_of_while_it_was_used_in_the_last_seven_days(desk: Desk, clock: Clock, token: str) -> None:
    assert desk.ask(removal.recent, "nightly-build") == []
    use(desk, token)
    used = clock.now
    clock.forward(RECENT - INSTANT)
    assert desk.ask(removal.recent, "nightly-build") == [removal.Recent(token, "runner", used, "10.0.0.7")]
    clock.forward(INSTANT)
    assert desk.ask(removal.recent, "nightly-build") == []


def test_restoring_gives_back_the_name_and_the_access_and_no_token(desk: Desk, clock: Clock, token: str) -> None:
    before = granted(desk)
    assert ("person:ben", Level.MANAGE) in before
    gone = desk.run(accounts.remove, "nightly-build").id
    clock.forward(RESTORABLE)
    assert desk.run(removal.restore, "nightly-build").id == gone
    assert granted(desk) == before
    assert use(desk, token) is Refusal.REVOKED
    fresh = desk.run(tokens.issue, "nightly-build", "runner").token.id
    desk.run(tokens.deliver, fresh, to="clipboard")
    assert use(desk, fresh) is None
    assert desk.ask(audit.verify).holds


def test_after_thirty_days_a_removal_is_final(desk: Desk, clock: Clock, token: str) -> None:
    desk.run(accounts.remove, "nightly-build")
    clock.forward(RESTORABLE + INSTANT)
    with pytest.raises(Conflict, match="more than 30 days ago"):
        desk.run(removal.restore, "nightly-build")


def test_a_name_that_is_taken_meanwhile_needs_another(desk: Desk, token: str) -> None:
    gone = desk.run(accounts.remove, "nightly-build").id
    desk.run(accounts.create, "nightly-build")
    with pytest.raises(Conflict, match="nightly-build"):
        desk.run(removal.restore, gone)
    restored = desk.run(removal.restore, gone, name="nightly-build-old")
    assert (restored.id, restored.name) == (gone, "nightly-build-old")
    with pytest.raises(Conflict, match="is not removed"):
        desk.run(removal.restore, gone)


def test_of_two_removed_ones_the_name_means_the_last(desk: Desk, clock: Clock, token: str) -> None:
    desk.run(accounts.remove, "nightly-build")
    clock.forward(timedelta(days=1))
    second = desk.run(accounts.create, "nightly-build").id
    desk.run(accounts.remove, second)
    assert desk.run(removal.restore, "nightly-build").id == second


def test_a_role_that_went_meanwhile_gets_nothing_back_nor_does_its_namesake(desk: Desk, token: str) -> None:
    desk.run(accounts.remove, "nightly-build")
    desk.run(roles.remove, "platform")
    desk.run(roles.create, "platform")
    desk.run(removal.restore, "nightly-build")
    assert granted(desk) == [("person:ben", Level.MANAGE)]


def test_only_who_managed_it_restores_and_others_see_nothing(desk: Desk, token: str) -> None:
    with desk.begin(actor="cleo") as tx:
        own = accounts.create(tx, "cleo-bot")
        accounts.remove(tx, own.id)
    desk.run(accounts.remove, "nightly-build")
    with pytest.raises((AccessDenied, NotFound)), desk.begin(actor="cleo") as tx:
        removal.restore(tx, "nightly-build")
    with desk.begin(actor="cleo") as tx:
        assert removal.restore(tx, "cleo-bot").removed_at is None


@pytest.mark.parametrize("named", ["by name", "by id"])
def test_who_removed_what_they_managed_by_a_role_takes_it_back(desk: Desk, token: str, named: str) -> None:
    desk.run(grants.give, "nightly-build", "role:platform", Level.MANAGE)
    desk.run(roles.add_member, "platform", "cleo")
    before = granted(desk)
    with desk.begin(actor="cleo") as tx:
        gone = accounts.remove(tx, "nightly-build").id
    with pytest.raises(NotFound), desk.begin(actor="ben") as tx:
        removal.restore(tx, "nightly-build")
    with desk.begin(actor="cleo") as tx:
        removal.restore(tx, gone if named == "by id" else "nightly-build")
    assert granted(desk) == before
    with desk.read(actor="cleo") as tx:
        assert accounts.find(tx, "nightly-build").id == gone
    assert desk.ask(audit.verify).holds


def test_who_left_the_role_meanwhile_does_not_restore_what_they_removed(desk: Desk, token: str) -> None:
    desk.run(grants.give, "nightly-build", "role:platform", Level.MANAGE)
    desk.run(roles.add_member, "platform", "cleo")
    with desk.begin(actor="cleo") as tx:
        gone = accounts.remove(tx, "nightly-build").id
    desk.run(roles.drop_member, "platform", "cleo")
    with pytest.raises(AccessDenied), desk.begin(actor="cleo") as tx:
        removal.restore(tx, gone)
    assert desk.ask(accounts.find, gone).removed_at is not None
    assert desk.ask(audit.page).rows[0].outcome == audit.Outcome.DENIED


def test_who_knocks_is_told_since_the_account_was_disabled(desk: Desk, clock: Clock, token: str) -> None:
    use(desk, token)
    clock.forward(timedelta(hours=1))
    assert desk.ask(uses.knocks, "nightly-build") == []
    desk.run(accounts.disable, "nightly-build")
    for address in ("10.0.0.8", "10.0.0.7", "10.0.0.8"):
        clock.forward(timedelta(hours=1))
        assert use(desk, token, address) is Refusal.DISABLED
    knocks = [
        (knock.label, knock.source.address, knock.source.count) for knock in desk.ask(uses.knocks, "nightly-build")
    ]
    assert knocks == [("runner", "10.0.0.8", 2), ("runner", "10.0.0.7", 1)]
    desk.run(accounts.enable, "nightly-build")
    assert desk.ask(uses.knocks, "nightly-build") == []


def test_an_ended_token_that_is_presented_again_stands_out_for_who_can_manage(
    desk: Desk, clock: Clock, token: str
) -> None:
    use(desk, token)
    desk.run(tokens.revoke, token, reason="leaked")
    assert desk.ask(uses.reused, since=clock.now) == []
    clock.forward(timedelta(hours=1))
    use(desk, token, "203.0.113.9")
    (found,) = desk.ask(uses.reused, since=clock.now)
    assert (found.account, found.label, found.reason) == ("nightly-build", "runner", "revoked")
    assert (found.source.address, found.source.last_at) == ("203.0.113.9", clock.now)
    assert desk.ask(uses.reused, since=clock.now + INSTANT) == []
    with desk.read(actor="ben") as tx:
        assert len(uses.reused(tx, since=clock.now)) == 1
    with desk.read(actor="cleo") as tx:
        assert uses.reused(tx, since=clock.now) == []
