"""A rotation that runs: seen, finished, extended, undone."""

from datetime import timedelta

import pytest

from botdesk import accounts, audit, cutover, people, tokens, uses, verification
from botdesk.access import Action
from botdesk.cutover import QUIET
from botdesk.desk import Desk
from botdesk.errors import AccessDenied, Conflict, InvalidInput, NotFound
from botdesk.testing import Clock
from botdesk.tokens import LONGEST_OVERLAP, TokenState
from botdesk.verification import Asked, Refusal

DAY, HOUR, MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)


@pytest.fixture
def old(desk: Desk) -> str:
    """A token that was issued for 90 days."""
    desk.run(accounts.create, "nightly-build", scopes="catalog:read")
    return delivered(desk, desk.run(tokens.issue, "nightly-build", "runner"))


@pytest.fixture
def new(desk: Desk, clock: Clock, old: str) -> str:
    """Its successor, five days later, with an overlap of two days."""
    clock.forward(5 * DAY)
    return rotated(desk, old)


def delivered(desk: Desk, issued: tokens.Issued) -> str:
    return desk.run(tokens.deliver, issued.token.id, to="file:/run/secret").id


def rotated(desk: Desk, token_id: str, overlap: timedelta = 2 * DAY) -> str:
    return delivered(desk, desk.run(tokens.rotate, token_id, overlap=overlap))


def use(desk: Desk, token_id: str, address: str = "10.0.0.7") -> Refusal | None:
    return desk.run(verification.note, token_id, Asked(address=address)).refusal


def state(desk: Desk, token_id: str) -> TokenState:
    return desk.ask(tokens.line, token_id).state


def test_a_fresh_rotation_is_quiet_but_its_successor_was_not_seen(desk: Desk, clock: Clock, old: str, new: str) -> None:
    (found,) = desk.ask(cutover.listed)
    assert (found.account, found.old.id, found.new.id) == ("nightly-build", old, new)
    assert (found.began_at, found.ends_at) == (clock.now, clock.now + 2 * DAY)
    assert (found.new_first_seen, found.old_last_seen, found.old_uses) == (None, None, 0)
    assert (found.quiet, found.ready, found.undoable) == (True, False, True)
    assert "has not been used yet" in cutover.unready(found, clock.now)


def test_uses_of_the_old_one_are_those_since_the_rotation_by_address(desk: Desk, clock: Clock, old: str) -> None:
    use(desk, old, "10.0.0.1")
    clock.forward(DAY)
    new = rotated(desk, old)
    clock.forward(HOUR)
    for address in ("10.0.0.1", "10.0.0.2", "10.0.0.2"):
        use(desk, old, address)
    clock.forward(MINUTE)
    use(desk, new, "10.0.0.1")
    found = desk.ask(cutover.view, new)
    assert found == desk.ask(cutover.view, old)
    assert [(source.address, source.count) for source in found.old_sources] == [("10.0.0.2", 2), ("10.0.0.1", 1)]
    assert found.old_last_seen == found.old_sources[0].last_at == clock.now - MINUTE
    assert found.new_first_seen == clock.now
    assert not found.ready
    assert "10.0.0.2" in cutover.unready(found, clock.now)


def test_it_is_ready_once_the_new_one_is_seen_and_the_old_one_was_quiet_for_an_hour(
    desk: Desk, clock: Clock, old: str, new: str
) -> None:
    clock.forward(MINUTE)
    use(desk, old)
    use(desk, new)
    clock.forward(QUIET - timedelta(seconds=1))
    assert not desk.ask(cutover.view, old).ready
    with pytest.raises(Conflict, match=r"used 59 minutes ago from 10\.0\.0\.7"):
        desk.run(cutover.finish, old)
    clock.forward(timedelta(seconds=1))
    assert desk.ask(cutover.view, old).ready
    desk.run(cutover.finish, new)
    assert state(desk, old) is TokenState.EXPIRED
    assert use(desk, old) is Refusal.RETIRED
    assert use(desk, new) is None
    assert desk.ask(cutover.listed) == []
    assert desk.ask(audit.verify).holds


def test_it_is_finished_anyway_when_that_is_said(desk: Desk, old: str, new: str) -> None:
    use(desk, old)
    with pytest.raises(Conflict, match="has not been used yet"):
        desk.run(cutover.finish, old)
    assert use(desk, old) is None
    desk.run(cutover.finish, old, anyway=True)
    assert use(desk, old) is Refusal.RETIRED


def test_it_is_listed_until_the_instant_at_which_it_ends(desk: Desk, clock: Clock, new: str) -> None:
    clock.forward(2 * DAY - timedelta(microseconds=1))
    assert len(desk.ask(cutover.listed, "nightly-build")) == 1
    clock.forward(timedelta(microseconds=1))
    assert desk.ask(cutover.listed, "nightly-build") == []
    with pytest.raises(Conflict, match="no rotation of 'runner' runs"):
        desk.ask(cutover.view, new)


def test_undoing_gives_the_old_one_its_earlier_end_and_ends_the_successor(
    desk: Desk, clock: Clock, old: str, new: str
) -> None:
    before = clock.now - 5 * DAY + 90 * DAY
    desk.run(cutover.undo, new)
    found = desk.ask(tokens.find, old)
    assert (found.expires_at, found.successor_id, found.prior_expires_at) == (before, None, None)
    assert state(desk, old) is TokenState.ACTIVE
    assert (state(desk, new), use(desk, new)) == (TokenState.REVOKED, Refusal.REVOKED)
    assert use(desk, old) is None
    assert rotated(desk, old) not in (old, new)
    assert desk.ask(audit.verify).holds


def test_undoing_gives_a_token_that_never_expired_no_end(desk: Desk, clock: Clock) -> None:
    desk.run(accounts.create, "nightly-build")
    old = delivered(desk, desk.run(tokens.issue, "nightly-build", "endless", never=True))
    rotated(desk, old)
    assert desk.ask(tokens.find, old).expires_at == clock.now + 2 * DAY
    desk.run(cutover.undo, old)
    assert desk.ask(tokens.find, old).expires_at is None


def test_undoing_works_after_the_successor_was_revoked_and_not_after_the_overlap(
    desk: Desk, clock: Clock, old: str, new: str
) -> None:
    desk.run(tokens.revoke, new, reason="leaked at once")
    desk.run(cutover.undo, old)
    assert state(desk, old) is TokenState.ACTIVE
    rotated(desk, old)
    clock.forward(2 * DAY)
    with pytest.raises(Conflict):
        desk.run(cutover.undo, old)


def test_a_rotation_is_undone_after_the_one_that_came_later(desk: Desk, old: str, new: str) -> None:
    newest = rotated(desk, new)
    assert [found.old.id for found in desk.ask(cutover.listed)] == [old, new]
    with pytest.raises(Conflict, match="rotated itself"):
        desk.run(cutover.undo, old)
    desk.run(cutover.undo, newest)
    desk.run(tokens.rotate, new)  # left pending: it must not come to life after its predecessor is gone
    desk.run(cutover.undo, new)
    assert [line.token.id for line in desk.ask(tokens.listed, states=[TokenState.ACTIVE])] == [old]
    assert desk.ask(tokens.listed, states=[TokenState.PENDING, TokenState.RETIRING]) == []


def test_an_overlap_is_extended_but_never_beyond_the_end_without_the_rotation(
    desk: Desk, clock: Clock, old: str, new: str
) -> None:
    prior = clock.now + 85 * DAY
    assert desk.run(tokens.extend, old, by=DAY).expires_at == clock.now + 3 * DAY
    assert desk.ask(cutover.view, old).ends_at == clock.now + 3 * DAY
    assert desk.run(tokens.extend, old, by=84 * DAY).expires_at == prior
    with pytest.raises(Conflict, match="would have expired then"):
        desk.run(tokens.extend, old, by=DAY)


def test_an_overlap_is_extended_to_the_longest_overlap_at_the_most(desk: Desk, clock: Clock) -> None:
    desk.run(accounts.create, "nightly-build")
    old = delivered(desk, desk.run(tokens.issue, "nightly-build", "endless", never=True))
    rotated(desk, old, DAY)
    with pytest.raises(InvalidInput, match="out of range"):
        desk.run(tokens.extend, old, by=LONGEST_OVERLAP - DAY + MINUTE)
    assert desk.run(tokens.extend, old, by=LONGEST_OVERLAP - DAY).expires_at == clock.now + LONGEST_OVERLAP


def test_an_active_token_is_extended_and_what_does_not_live_is_not(desk: Desk, clock: Clock, old: str) -> None:
    assert desk.run(tokens.extend, old, by=10 * DAY).expires_at == clock.now + 100 * DAY
    with pytest.raises(InvalidInput):
        desk.run(tokens.extend, old, by=timedelta())
    with pytest.raises(InvalidInput):
        desk.run(tokens.extend, old, by=3650 * DAY)
    endless = delivered(desk, desk.run(tokens.issue, "nightly-build", "endless", never=True))
    with pytest.raises(Conflict, match="never expires"):
        desk.run(tokens.extend, endless, by=DAY)
    desk.run(tokens.revoke, old, reason="done")
    with pytest.raises(Conflict, match="is revoked"):
        desk.run(tokens.extend, old, by=DAY)
    pending = desk.run(tokens.issue, "nightly-build", "left over").token.id
    with pytest.raises(Conflict, match="is pending"):
        desk.run(tokens.extend, pending, by=DAY)


def test_who_may_only_view_decides_nothing_and_who_may_not_sees_nothing(desk: Desk, old: str, new: str) -> None:
    from botdesk import grants
    from botdesk.access import Level

    for name in ("ben", "cleo"):
        desk.run(people.add, name)
    desk.run(grants.give, "nightly-build", "person:ben", Level.VIEW)
    with desk.read(actor="cleo") as tx:
        assert cutover.listed(tx) == []
    with pytest.raises(NotFound), desk.begin(actor="cleo") as tx:
        cutover.undo(tx, old)
    for operation in (cutover.finish, cutover.undo):
        with pytest.raises(AccessDenied), desk.begin(actor="ben") as tx:
            operation(tx, old)
    with desk.read(actor="ben") as tx:
        assert len(cutover.listed(tx)) == 1
    assert len(desk.ask(cutover.listed)) == 1


def test_sources_count_what_was_coalesced_and_begin_where_they_are_asked_to(desk: Desk, clock: Clock, old: str) -> None:
    with desk.begin() as tx:
        verification.record_counted(tx, [(_use(old), 40)])
    clock.forward(HOUR)
    use(desk, old)
    with desk.read() as tx:
        account = accounts.find(tx, "nightly-build")
        (found,) = uses.sources(tx, account, old, Action.TOKEN_USED, since=clock.now - HOUR)
        (later,) = uses.sources(tx, account, old, Action.TOKEN_USED, since=clock.now - HOUR + MINUTE)
    assert (found.count, later.count) == (41, 1)
    assert found.last_at == later.last_at == clock.now


def _use(token_id: str) -> verification.Use:
    from botdesk.bearer import Presented, Secret

    return verification.Use(Presented(token_id, Secret("")), Asked(address="10.0.0.7"))


def test_a_dry_run_counts_the_uses_that_needed_a_scope_since_the_edge(desk: Desk, clock: Clock) -> None:
    desk.run(accounts.create, "nightly-build", scopes="catalog:read deploy:write deploy:writer")
    token = delivered(desk, desk.run(tokens.issue, "nightly-build", "runner", never=True))
    needs = ["deploy:write catalog:read", "deploy:writer", "catalog:read", ""]
    for scopes in needs:
        clock.forward(timedelta(seconds=1))
        desk.run(verification.note, token, Asked(scopes=frozenset(scopes.split()), path="/a", address="::1"))
    found = desk.ask(uses.without, "nightly-build", ["deploy:write"])
    assert (found.refused, found.uses, found.by_scope) == (1, 4, {"deploy:write": 1})
    both = desk.ask(uses.without, "nightly-build", ["deploy:write", "catalog:read"])
    assert (both.refused, both.by_scope) == (2, {"catalog:read": 2, "deploy:write": 1})
    assert found.words == "dropping deploy:write would have refused 1 of 4 uses in 1 day"
    clock.forward(90 * DAY - timedelta(seconds=3))
    found = desk.ask(uses.without, "nightly-build", ["deploy:write"])
    assert (found.refused, found.uses, found.days) == (1, 4, 90)
    clock.forward(timedelta(microseconds=1))
    found = desk.ask(uses.without, "nightly-build", ["deploy:write"])
    assert found.words == "dropping deploy:write would have refused 0 of 3 uses in 90 days"
