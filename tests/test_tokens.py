"""Tokens: issue, deliver, rotate with overlap, revoke; their states follow from one pure function."""

from datetime import datetime, timedelta
from functools import partial
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from botdesk import accounts, audit, bearer, grants, people, tokens, verification
from botdesk.access import Level, Standing
from botdesk.audit import Filter
from botdesk.desk import Desk
from botdesk.errors import AccessDenied, BotdeskError, Conflict, InvalidInput, NotFound
from botdesk.testing import NOON, Clock
from botdesk.tokens import Token, TokenState
from botdesk.verification import Asked

TICK = timedelta(microseconds=1)
DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def bot(desk: Desk) -> str:
    """The id of the account `ci-bot`, whose tokens live for 30 days."""
    made = desk.run(accounts.create, "ci-bot", scopes="deploy:write catalog:read", rotation=30 * DAY)
    return made.id


def live(desk: Desk, label: str = "farm", **how: Any) -> Token:
    """A token that was handed over."""
    issued = desk.run(tokens.issue, "ci-bot", label, **how)
    return desk.run(tokens.deliver, issued.token.id, to="clipboard")


def state(desk: Desk, token_id: str) -> TokenState:
    return desk.ask(tokens.line, token_id).state


def token(**facts: Any) -> Token:
    return Token(id="7fQ2kLm9Xa", account_id="acc_1", label="x", hash="", issued_at=NOON, issued_by="per_1", **facts)


instants = st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1)).map(lambda at: at.replace(tzinfo=NOON.tzinfo))
perhaps = st.none() | instants


@given(perhaps, perhaps, perhaps, st.sampled_from([None, "9999999999"]), instants)
def test_the_state_follows_from_four_facts_and_the_time(
    delivered: datetime | None, expires: datetime | None, revoked: datetime | None, successor: str | None, now: datetime
) -> None:
    found = tokens.state(
        token(delivered_at=delivered, expires_at=expires, revoked_at=revoked, successor_id=successor), now
    )
    expected = (
        TokenState.REVOKED
        if revoked
        else TokenState.EXPIRED
        if expires and expires <= now
        else TokenState.PENDING
        if not delivered
        else TokenState.RETIRING
        if successor
        else TokenState.ACTIVE
    )
    assert found is expected
    assert (found in tokens.LIVE) is bool(delivered and not revoked and not (expires and expires <= now))


def test_a_token_expires_at_its_instant_and_not_before() -> None:
    ends = token(delivered_at=NOON, expires_at=NOON + DAY)
    assert tokens.state(ends, NOON + DAY - TICK) is TokenState.ACTIVE
    assert tokens.state(ends, NOON + DAY) is TokenState.EXPIRED
    assert tokens.state(ends, NOON + DAY + TICK) is TokenState.EXPIRED
    assert tokens.state(token(delivered_at=NOON), NOON + 10_000 * DAY) is TokenState.ACTIVE


def test_an_issued_token_is_pending_until_it_was_handed_over(desk: Desk) -> None:
    issued = desk.run(tokens.issue, "ci-bot", "farm")
    assert state(desk, issued.token.id) is TokenState.PENDING
    assert desk.ask(accounts.line, "ci-bot").live == 0
    desk.run(tokens.deliver, issued.token.id, to="file:/run/secret")
    row = desk.ask(tokens.find, issued.token.id)
    assert (row.delivered_at, row.delivered_to) == (NOON, "file:/run/secret")
    assert state(desk, row.id) is TokenState.ACTIVE
    assert desk.ask(accounts.line, "ci-bot").live == 1


def test_the_secret_is_in_the_answer_alone_and_its_hash_is_argon2ids(desk: Desk) -> None:
    issued = desk.run(tokens.issue, "ci-bot", "farm")
    with desk.read() as tx:
        row = tokens.find(tx, issued.token.id)
        presented = bearer.parse(issued.secret.reveal(), tokens.mint_key(tx))
        assert presented is not None
        assert presented.id == row.id
        assert row.hash.startswith("$argon2id$")
        assert tx.hasher.verify(row.hash, presented.proof)
    assert presented.proof.reveal() not in repr((row, issued))
    assert row.hash not in repr(row)


def test_a_token_lives_as_long_as_its_account_says_or_as_was_asked(desk: Desk) -> None:
    assert live(desk).expires_at == NOON + 30 * DAY
    assert live(desk, lifetime=timedelta(hours=1)).expires_at == NOON + timedelta(hours=1)
    assert live(desk, never=True).expires_at is None
    desk.run(accounts.create, "plain-bot")
    assert desk.run(tokens.issue, "plain-bot", "x").token.expires_at == NOON + 90 * DAY


@pytest.mark.parametrize(
    "how",
    [
        {"lifetime": timedelta()},
        {"lifetime": timedelta(seconds=59)},
        {"lifetime": -DAY},
        {"lifetime": 3651 * DAY},
        {"lifetime": DAY, "never": True},
        {"scopes": "admin:all"},
        {"scopes": "catalog:read admin:all"},
        {"scopes": "Catalog:Read"},
        {"scopes": "catalog:read,deploy:write"},
        {"label": ""},
        {"label": "  "},
        {"label": "x" * 81},
        {"label": "a\nb"},
        {"label": "bdk_7fQ2kLm9Xa_" + "a" * 49},
    ],
    ids=str,
)
def test_what_cannot_be_taken_is_refused_and_issues_nothing(desk: Desk, how: dict[str, Any]) -> None:
    before = desk.head()
    with pytest.raises(InvalidInput) as refused:
        desk.run(tokens.issue, "ci-bot", **{"label": "farm", **how})
    assert refused.value.hint
    assert desk.head() == before


def test_scopes_are_a_subset_of_the_accounts(desk: Desk) -> None:
    assert live(desk).scopes == "catalog:read deploy:write"
    assert live(desk, scopes={"catalog:read"}).scopes == "catalog:read"
    assert live(desk, scopes="").scopes == ""


def test_a_disabled_or_removed_account_gets_no_token(desk: Desk, bot: str) -> None:
    old = live(desk)
    desk.run(accounts.disable, "ci-bot")
    for attempt in (
        partial(desk.run, tokens.issue, "ci-bot", "x"),
        partial(desk.run, tokens.rotate, old.id),
    ):
        with pytest.raises(Conflict, match="disabled"):
            attempt()
    desk.run(accounts.remove, "ci-bot")
    with pytest.raises(Conflict, match="removed"):
        desk.run(tokens.issue, bot, "x")


def test_a_token_is_delivered_once(desk: Desk, clock: Clock) -> None:
    for end in ("delivered", "revoked", "expired"):
        issued = desk.run(tokens.issue, "ci-bot", end, lifetime=timedelta(hours=1))
        if end == "delivered":
            desk.run(tokens.deliver, issued.token.id, to="clipboard")
        elif end == "revoked":
            desk.run(tokens.abandon, issued.token.id)
        else:
            clock.forward(timedelta(hours=1))
        before = desk.head()
        with pytest.raises(Conflict):
            desk.run(tokens.deliver, issued.token.id, to="clipboard")
        assert desk.head() == before


def rotate(desk: Desk, old: str, **how: Any) -> tokens.Issued:
    successor = desk.run(tokens.rotate, old, **how)
    desk.run(tokens.deliver, successor.token.id, to="clipboard")
    return successor


@pytest.mark.parametrize(
    ("lives", "overlap", "ends"),
    [
        (30 * DAY, DAY, DAY),
        (30 * DAY, timedelta(), timedelta()),
        (timedelta(hours=1), DAY, timedelta(hours=1)),
        (DAY, DAY, DAY),
        (None, timedelta(hours=2), timedelta(hours=2)),
        (90 * DAY, 90 * DAY, 90 * DAY),
    ],
    ids=["overlap", "at once", "its own end comes first", "both at once", "never", "the longest"],
)
def test_the_old_token_ends_after_the_overlap_or_earlier_by_itself(
    desk: Desk, clock: Clock, lives: timedelta | None, overlap: timedelta, ends: timedelta
) -> None:
    old = live(desk, never=True) if lives is None else live(desk, lifetime=lives)
    successor = rotate(desk, old.id, overlap=overlap)
    row = desk.ask(tokens.find, old.id)
    assert row.expires_at == NOON + ends
    assert row.successor_id == successor.token.id
    if ends:
        clock.now = NOON + ends - TICK
        assert state(desk, old.id) is TokenState.RETIRING
    clock.now = NOON + ends
    assert state(desk, old.id) is TokenState.EXPIRED
    assert desk.ask(tokens.find, successor.token.id).predecessor_id == old.id


def test_the_overlap_begins_when_the_successor_is_handed_over(desk: Desk, clock: Clock) -> None:
    old = live(desk)
    successor = desk.run(tokens.rotate, old.id, overlap=timedelta(hours=1))
    assert desk.ask(tokens.find, old.id).expires_at == NOON + 30 * DAY
    assert state(desk, old.id) is TokenState.ACTIVE
    clock.forward(timedelta(hours=5))
    desk.run(tokens.deliver, successor.token.id, to="clipboard")
    assert desk.ask(tokens.find, old.id).expires_at == NOON + timedelta(hours=6)


def test_the_successor_has_a_fresh_life_and_what_the_old_one_had(desk: Desk, clock: Clock) -> None:
    old = live(desk, "farm", lifetime=DAY, scopes="catalog:read")
    clock.forward(timedelta(hours=3))
    plain = desk.run(tokens.rotate, old.id).token
    assert (plain.label, plain.scopes) == ("farm", "catalog:read")
    assert plain.expires_at == clock.now + 30 * DAY
    asked = desk.run(tokens.rotate, old.id, lifetime=2 * DAY, label="new farm").token
    assert (asked.label, asked.expires_at) == ("new farm", clock.now + 2 * DAY)
    assert desk.run(tokens.rotate, old.id, never=True).token.expires_at is None


def test_a_scope_that_the_account_lost_is_not_handed_on(desk: Desk) -> None:
    old = live(desk)
    desk.run(accounts.modify, "ci-bot", scopes="catalog:read audit:read")
    assert desk.run(tokens.rotate, old.id).token.scopes == "catalog:read"


def test_only_an_active_token_is_rotated(desk: Desk, clock: Clock) -> None:
    retiring, revoked, expiring = live(desk), live(desk), live(desk, lifetime=timedelta(hours=1))
    pending = desk.run(tokens.issue, "ci-bot", "pending").token
    rotate(desk, retiring.id)
    desk.run(tokens.revoke, revoked.id, reason="old")
    clock.forward(timedelta(hours=2))
    before = desk.head()
    for which, words in (
        (retiring, "rotated already"),
        (revoked, "revoked"),
        (expiring, "expired"),
        (pending, "pending"),
    ):
        with pytest.raises(Conflict, match=words):
            desk.run(tokens.rotate, which.id)
    assert desk.head() == before


@pytest.mark.parametrize("overlap", [-TICK, -DAY, 90 * DAY + TICK])
def test_an_overlap_out_of_range_is_refused(desk: Desk, overlap: timedelta) -> None:
    old = live(desk)
    with pytest.raises(InvalidInput, match="overlap"):
        desk.run(tokens.rotate, old.id, overlap=overlap)


def test_a_successor_that_nobody_took_makes_room_for_the_next(desk: Desk) -> None:
    old = live(desk)
    left = desk.run(tokens.rotate, old.id).token
    taken = rotate(desk, old.id).token
    assert state(desk, left.id) is TokenState.REVOKED
    assert desk.ask(tokens.find, old.id).successor_id == taken.id
    with pytest.raises(Conflict):
        desk.run(tokens.deliver, left.id, to="clipboard")


def test_a_successor_of_a_token_that_ended_meanwhile_works_alone(desk: Desk, clock: Clock) -> None:
    old = live(desk, lifetime=timedelta(hours=1))
    successor = desk.run(tokens.rotate, old.id).token
    clock.forward(timedelta(hours=2))
    desk.run(tokens.deliver, successor.id, to="clipboard")
    assert state(desk, successor.id) is TokenState.ACTIVE
    assert state(desk, old.id) is TokenState.EXPIRED
    assert desk.ask(tokens.find, old.id).successor_id is None


def test_a_failed_handoff_ends_the_pending_token_and_leaves_the_old_one(desk: Desk) -> None:
    old = live(desk)
    successor = desk.run(tokens.rotate, old.id).token
    desk.run(tokens.abandon, successor.id)
    assert state(desk, successor.id) is TokenState.REVOKED
    assert state(desk, old.id) is TokenState.ACTIVE
    with pytest.raises(Conflict):
        desk.run(tokens.abandon, old.id)
    with pytest.raises(Conflict):
        desk.run(tokens.abandon, successor.id)


def test_revoking_wants_a_reason_and_happens_once(desk: Desk, clock: Clock) -> None:
    row = live(desk)
    for reason in ("", "  ", "a\x1bb", "x" * 201):
        with pytest.raises(InvalidInput):
            desk.run(tokens.revoke, row.id, reason=reason)
    clock.forward(DAY)
    revoked = desk.run(tokens.revoke, row.id, reason="seen in a log")
    assert (revoked.revoked_at, revoked.revoked_reason) == (NOON + DAY, "seen in a log")
    assert state(desk, row.id) is TokenState.REVOKED
    with pytest.raises(Conflict, match="already"):
        desk.run(tokens.revoke, row.id, reason="again")


def test_every_step_is_in_the_audit_in_its_order(desk: Desk) -> None:
    old = live(desk)
    new = rotate(desk, old.id, overlap=timedelta(hours=2)).token
    desk.run(tokens.revoke, old.id, reason="moved")
    found = desk.ask(audit.page, Filter(action="token"), oldest_first=True).rows
    assert [(event.action, event.subject_id) for event in found] == [
        ("token:issued", old.id),
        ("token:delivered", old.id),
        ("token:issued", new.id),
        ("token:delivered", new.id),
        ("token:rotated", old.id),
        ("token:revoked", old.id),
    ]
    assert audit.detail_of(found[4])["overlap"] == "2h"
    assert audit.detail_of(found[4])["successor"] == new.id
    assert desk.ask(audit.verify).holds


def test_a_token_is_found_by_its_id_and_by_its_masked_form(desk: Desk) -> None:
    row = live(desk)
    for written in (row.id, f"bdk_{row.id}", bearer.masked(row.id)):
        assert desk.ask(tokens.find, written).id == row.id
    for wrong in ("", "bdk_", row.id.swapcase(), row.id[:-1], "%", "a'b", "x" * 10_000, "\udcff", "é"):
        with pytest.raises((NotFound, InvalidInput)):
            desk.ask(tokens.find, wrong)


def test_a_whole_token_is_no_id_and_is_not_repeated(desk: Desk) -> None:
    secret = desk.run(tokens.issue, "ci-bot", "farm").secret.reveal()
    for written in (secret, f"Bearer {secret}"):
        with pytest.raises(InvalidInput) as refused:
            desk.ask(tokens.find, written)
        assert secret[20:] not in refused.value.message + refused.value.hint


def test_lists_show_live_tokens_first_then_the_newest(desk: Desk, clock: Clock) -> None:
    made = {}
    for label in ("oldest", "revoked", "expired", "newest"):
        clock.forward(timedelta(minutes=1))
        lifetime = timedelta(minutes=5) if label == "expired" else None
        made[label] = live(desk, label, lifetime=lifetime).id
    desk.run(tokens.revoke, made["revoked"], reason="old")
    clock.forward(timedelta(minutes=30))
    assert [line.token.label for line in desk.ask(tokens.listed)] == ["newest", "oldest", "expired", "revoked"]
    assert {line.issuer for line in desk.ask(tokens.listed)} == {"ada"}
    ended = desk.ask(tokens.listed, "ci-bot", states={TokenState.REVOKED, TokenState.EXPIRED})
    assert [line.token.label for line in ended] == ["expired", "revoked"]
    assert desk.ask(tokens.listed, states=set()) == []


def test_a_use_is_the_bots_own_and_is_kept_with_its_place(desk: Desk, clock: Clock, bot: str) -> None:
    row = live(desk)
    clock.forward(DAY)
    with desk.begin() as tx:
        verification.note(tx, row.id, Asked(address="10.0.0.7"))
    used = desk.ask(tokens.find, row.id)
    assert (used.last_used_at, used.last_used_from) == (NOON + DAY, "10.0.0.7")
    last = desk.ask(audit.page, limit=1).rows[0]
    assert (last.action, last.actor, last.actor_kind, last.actor_id) == ("token:used", "ci-bot", "account", bot)


@pytest.mark.parametrize(
    ("level", "allowed"), [(None, False), (Level.VIEW, False), (Level.OPERATE, True), (Level.MANAGE, True)]
)
def test_tokens_are_handled_from_operate_on(desk: Desk, level: Level | None, allowed: bool) -> None:
    desk.run(people.add, "ben")
    desk.run(people.add, "cleo", standing=Standing.AUDITOR)
    row = live(desk)
    if level:
        desk.run(grants.give, "ci-bot", "person:ben", level)

    def may(actor: str) -> bool:
        with desk.begin(actor) as tx:
            tokens.issue(tx, "ci-bot", "mine")
            tokens.revoke(tx, row.id, reason="mine")
        return True

    if allowed:
        assert may("ben")
    else:
        with pytest.raises((AccessDenied, NotFound)):
            may("ben")
    with pytest.raises(AccessDenied):
        may("cleo")


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    steps=st.lists(
        st.sampled_from(["issue", "issue", "deliver", "deliver", "rotate", "revoke", "abandon"]), max_size=15
    ),
    chance=st.randoms(use_true_random=False),
)
@pytest.mark.dear
def test_whatever_is_done_in_any_order_a_token_is_live_only_after_its_delivery(
    desk: Desk, clock: Clock, steps: list[str], chance: Any
) -> None:
    ids: list[str] = []
    for step in steps:
        clock.forward(timedelta(hours=chance.choice([0, 1, 30, 3000])))
        try:
            ids += _take(desk, step, chance.choice(ids) if ids else "0000000000")
        except BotdeskError:
            continue
    lines = desk.ask(tokens.listed)
    delivered = {event.subject_id for event in desk.ask(audit.page, Filter(action="token:delivered"), limit=999).rows}
    assert {line.token.id for line in lines if line.state in tokens.LIVE} <= delivered
    successors = [line.token.successor_id for line in lines if line.token.successor_id]
    assert len(successors) == len(set(successors))
    assert desk.ask(audit.verify).holds


def _take(desk: Desk, step: str, some: str) -> list[str]:
    if step == "issue":
        return [desk.run(tokens.issue, "ci-bot", "x").token.id]
    if step == "rotate":
        return [desk.run(tokens.rotate, some, overlap=timedelta(hours=2)).token.id]
    if step == "deliver":
        desk.run(tokens.deliver, some, to="clipboard")
    elif step == "revoke":
        desk.run(tokens.revoke, some, reason="old")
    elif step == "abandon":
        desk.run(tokens.abandon, some)
    return []
