"""The rules of advice, each on both sides of its edge; badges, and lines that are dismissed."""

from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

import pytest

from botdesk import (
    accounts,
    advice,
    audit,
    condition,
    grants,
    migration,
    people,
    personal,
    roles,
    tokens,
    upkeep,
    verification,
)
from botdesk.access import Level
from botdesk.advice import DISMISSED_FOR, LONGEST_DISMISSAL, Kind, Mend, Severity
from botdesk.bearer import Secret
from botdesk.condition import Condition, Moving, TokenFacts
from botdesk.desk import Desk
from botdesk.errors import AccessDenied, Conflict, InvalidInput, NotFound
from botdesk.finding import Finding, command
from botdesk.relocation import LATELY
from botdesk.seen import Seen, Span
from botdesk.stages import Facts
from botdesk.testing import NOON, Clock
from botdesk.tokens import TokenState
from botdesk.verification import Asked

DAY, HOUR, INSTANT = timedelta(days=1), timedelta(hours=1), timedelta(microseconds=1)
TODAY = NOON.date()
NEVER: Any = None


def token(**facts: Any) -> TokenFacts:
    """A token in good order, in use for ten days, whatever else is said of it."""
    good: dict[str, Any] = {
        "id": "7fQ2kLm9Xa",
        "label": "runner",
        "state": TokenState.ACTIVE,
        "scopes": frozenset({"catalog:read"}),
        "issued_at": NOON - 10 * DAY,
        "delivered_at": NOON - 10 * DAY,
        "first_used_at": NOON - 10 * DAY,
        "last_used_at": NOON - HOUR,
        "last_used_from": "10.0.0.7",
        "seen": seen(),
    }
    return TokenFacts(**good | facts)


def seen(**facts: Any) -> Seen:
    good: dict[str, Any] = {
        "sources": {"10.0.0.7": Span(TODAY - 60 * DAY, TODAY)},
        "needed": {"catalog:read": TODAY},
    }
    return Seen(**good | facts)


def account(*held: TokenFacts, **facts: Any) -> Condition:
    good: dict[str, Any] = {
        "id": "acc_1",
        "name": "nightly-build",
        "scopes": frozenset({"catalog:read"}),
        "scopes_since": NOON - 200 * DAY,
        "rotation": 90 * DAY,
        "tokens": held,
    }
    return Condition(**good | facts)


def refused(state: TokenState, reason: str, ago: timedelta, **facts: Any) -> TokenFacts:
    return token(
        state=state, last_refused_at=NOON - ago, last_refused_from="10.0.0.9", last_refused_reason=reason, **facts
    )


def retiring(**facts: Any) -> TokenFacts:
    return token(state=TokenState.RETIRING, rotated_at=NOON - HOUR, expires_at=NOON + 10 * DAY, **facts)


def moving(until: datetime) -> Moving:
    facts = Facts(started_at=NOON - 20 * DAY, registered=True, accept_until=until)
    return Moving(id="mig_1", what="shop build", owner="ben", facts=facts)


def from_new(day: date) -> TokenFacts:
    return token(seen=seen(sources={"10.0.0.7": Span(TODAY - 60 * DAY, TODAY), "::1": Span(day, TODAY)}))


def test_of_an_account_in_good_order_nothing_is_said() -> None:
    assert upkeep.findings(account(token()), NOON) == []


EDGES: list[tuple[Kind, Severity, Mend, Condition, Condition]] = [
    (
        *(Kind.EXPIRING, Severity.NOTICE, Mend.ROTATE),
        account(token(issued_at=NOON - 50 * DAY, expires_at=NOON + 14 * DAY)),
        account(token(issued_at=NOON - 50 * DAY, expires_at=NOON + 14 * DAY + INSTANT)),
    ),
    (
        *(Kind.ROTATION_DUE, Severity.NOTICE, Mend.ROTATE),
        account(token(issued_at=NOON - 76 * DAY)),
        account(token(issued_at=NOON - 76 * DAY + INSTANT)),
    ),
    (
        *(Kind.ROTATION_OVERDUE, Severity.WARNING, Mend.ROTATE),
        account(token(issued_at=NOON - 90 * DAY)),
        account(token(issued_at=NOON - 90 * DAY + INSTANT)),
    ),
    (
        *(Kind.RETIRING_USED, Severity.NOTICE, Mend.WATCH),
        account(retiring(last_used_at=NOON - HOUR + INSTANT)),
        account(retiring(last_used_at=NOON - HOUR)),
    ),
    (
        *(Kind.PERSONAL_OVERDUE, Severity.WARNING, Mend.END),
        account(token(), moving=(moving(NOON),)),
        account(token(), moving=(moving(NOON + INSTANT),)),
    ),
    (
        *(Kind.PENDING, Severity.NOTICE, Mend.REVOKE),
        account(token(state=TokenState.PENDING, issued_at=NOON - HOUR)),
        account(token(state=TokenState.PENDING, issued_at=NOON - HOUR + INSTANT)),
    ),
    (
        *(Kind.LOCKED_OUT, Severity.URGENT, Mend.ISSUE),
        account(refused(TokenState.EXPIRED, "expired", 7 * DAY - INSTANT, expires_at=NOON - 8 * DAY)),
        account(refused(TokenState.EXPIRED, "expired", 7 * DAY, expires_at=NOON - 8 * DAY)),
    ),
    (
        *(Kind.LOCKED_OUT, Severity.WARNING, Mend.ENABLE),
        account(refused(TokenState.ACTIVE, "disabled", HOUR), disabled=True),
        account(refused(TokenState.ACTIVE, "disabled", HOUR)),
    ),
    (
        *(Kind.REUSED, Severity.URGENT, Mend.LOOK),
        account(refused(TokenState.REVOKED, "revoked", 7 * DAY - INSTANT, revoked_at=NOON - 8 * DAY)),
        account(refused(TokenState.REVOKED, "revoked", 7 * DAY, revoked_at=NOON - 8 * DAY)),
    ),
    (
        *(Kind.FORGED, Severity.URGENT, Mend.LOOK),
        account(refused(TokenState.ACTIVE, "proof", 7 * DAY - INSTANT)),
        account(refused(TokenState.ACTIVE, "proof", 7 * DAY)),
    ),
    (
        *(Kind.NEVER_USED, Severity.NOTICE, Mend.REVOKE),
        account(token(delivered_at=NOON - 7 * DAY, first_used_at=NEVER, last_used_at=NEVER)),
        account(token(delivered_at=NOON - 7 * DAY + INSTANT, first_used_at=NEVER, last_used_at=NEVER)),
    ),
    (
        *(Kind.UNUSED, Severity.WARNING, Mend.REVOKE),
        account(token(last_used_at=NOON - 90 * DAY)),
        account(token(last_used_at=NOON - 90 * DAY + INSTANT)),
    ),
    (
        *(Kind.SURPLUS, Severity.NOTICE, Mend.REVOKE),
        account(token(), token(id="second0000", last_used_at=NOON - 30 * DAY)),
        account(token(), token(id="second0000", last_used_at=NOON - 30 * DAY + INSTANT)),
    ),
    (
        *(Kind.NEW_SOURCE, Severity.WARNING, Mend.LOOK),
        account(from_new(TODAY - 6 * DAY)),
        account(from_new(TODAY - 7 * DAY)),
    ),
    (
        *(Kind.SCOPE_UNUSED, Severity.NOTICE, Mend.DROP_SCOPE),
        account(token(), scopes=frozenset({"catalog:read", "deploy:write"}), scopes_since=NOON - 30 * DAY),
        account(token(), scopes=frozenset({"catalog:read", "deploy:write"}), scopes_since=NOON - 30 * DAY + INSTANT),
    ),
    (
        *(Kind.SCOPE_REFUSED, Severity.WARNING, Mend.ADD_SCOPE),
        account(token(seen=seen(lacked={"deploy:write": TODAY - 30 * DAY}))),
        account(token(seen=seen(lacked={"deploy:write": TODAY - 31 * DAY}))),
    ),
    (
        *(Kind.ORPHANED, Severity.WARNING, Mend.GRANT),
        account(token(), managed=False),
        account(token(), managed=True),
    ),
    (
        *(Kind.LEFT, Severity.NOTICE, Mend.WITHDRAW),
        account(token(), left=("dan",)),
        account(token()),
    ),
    (
        *(Kind.VAGUE_NAME, Severity.NOTICE, Mend.RENAME),
        account(token(), name="test"),
        account(token(), name="nightly-test"),
    ),
]


def of_kind(found: Condition, kind: Kind) -> list[Finding]:
    return [finding for finding in upkeep.findings(found, NOON) if finding.kind is kind]


@pytest.mark.parametrize(("kind", "severity", "mend", "within", "beyond"), EDGES, ids=[str(edge[0]) for edge in EDGES])
def test_each_rule_has_an_edge(
    kind: Kind, severity: Severity, mend: Mend, within: Condition, beyond: Condition
) -> None:
    (found,) = of_kind(within, kind)
    assert (found.severity, found.mend, found.account) == (severity, mend, within.name)
    assert found.what
    assert found.why
    assert found.since is None or found.since <= NOON
    assert of_kind(beyond, kind) == []


def test_every_kind_is_tested_at_its_edge() -> None:
    assert {edge[0] for edge in EDGES} == set(Kind) - {Kind.LEFT_IN_ROLE}


@pytest.mark.parametrize(
    ("left", "severity"),
    [
        (DAY, Severity.URGENT),
        (DAY + INSTANT, Severity.WARNING),
        (7 * DAY, Severity.WARNING),
        (7 * DAY + INSTANT, Severity.NOTICE),
    ],
)
def test_the_nearer_the_end_the_more_urgent(left: timedelta, severity: Severity) -> None:
    (found,) = of_kind(account(token(issued_at=NOON - 50 * DAY, expires_at=NOON + left)), Kind.EXPIRING)
    assert found.severity is severity


def test_of_a_token_that_lives_for_two_days_only_the_last_day_is_near_its_end() -> None:
    short = token(issued_at=NOON - DAY, delivered_at=NOON - DAY, first_used_at=NOON - DAY, expires_at=NOON + DAY)
    assert len(of_kind(account(short), Kind.EXPIRING)) == 1
    assert of_kind(account(replace(short, expires_at=NOON + DAY + INSTANT)), Kind.EXPIRING) == []


@pytest.mark.parametrize(
    ("overlap", "left", "mend"),
    [
        (8 * DAY, DAY, Mend.EXTEND),
        (8 * DAY, DAY + INSTANT, Mend.WATCH),
        (DAY, 6 * HOUR, Mend.EXTEND),
        (DAY, 6 * HOUR + INSTANT, Mend.WATCH),
    ],
)
def test_a_straggler_is_urgent_in_the_last_quarter_of_the_overlap_and_the_last_day(
    overlap: timedelta, left: timedelta, mend: Mend
) -> None:
    late = replace(retiring(), rotated_at=NOON + left - overlap, expires_at=NOON + left, last_used_at=NOON)
    (found,) = of_kind(account(late), Kind.RETIRING_USED)
    assert (found.mend, "10.0.0.7" in found.what) == (mend, True)


def test_a_new_source_is_no_news_where_there_was_none_for_long_or_there_were_many() -> None:
    begun = TODAY - 19 * DAY
    young = token(seen=seen(sources={"10.0.0.7": Span(begun, TODAY), "::1": Span(begun + 14 * DAY, TODAY)}))
    assert len(of_kind(account(young), Kind.NEW_SOURCE)) == 1
    early = token(seen=seen(sources={"10.0.0.7": Span(begun, TODAY), "::1": Span(begun + 13 * DAY, TODAY)}))
    assert of_kind(account(early), Kind.NEW_SOURCE) == []
    assert of_kind(account(replace(young, seen=replace(young.seen, roams=True))), Kind.NEW_SOURCE) == []


def test_a_new_token_that_goes_on_where_the_old_personal_one_ran_is_no_news() -> None:
    switched = replace(moving(NOON + DAY), sources=frozenset({"::1"}))
    elsewhere = replace(switched, sources=frozenset({"::2"}))
    assert of_kind(account(from_new(TODAY - DAY), moving=(switched,)), Kind.NEW_SOURCE) == []
    assert len(of_kind(account(from_new(TODAY - DAY), moving=(elsewhere,)), Kind.NEW_SOURCE)) == 1


def test_from_where_an_old_personal_token_was_used_is_known_while_its_switch_is_fresh(desk: Desk, clock: Clock) -> None:
    desk.run(people.add, "ben")
    desk.run(accounts.create, "nightly-build")
    began = desk.run(migration.start, "nightly-build", "shop build", owner="ben").id
    desk.run(migration.register, began, Secret("ghp_16C7e42F292c6912E7710c838347Ae178B4a"))
    desk.run(migration.accept, began)
    for address in ("10.0.0.8", "10.0.0.9"):
        desk.run(personal.note, began, Asked(address=address))

    def known() -> list[frozenset[str]]:
        with desk.read() as tx:
            (found,) = condition.every(tx)
        return [each.sources for each in found.moving]

    assert known() == [frozenset()]
    token_id = desk.run(migration.issue, began).token.id
    desk.run(tokens.deliver, token_id, to="clipboard")
    desk.run(verification.note, token_id, Asked(address="10.0.0.8"))
    assert known() == [{"10.0.0.8", "10.0.0.9"}]
    desk.run(migration.revoke, began, anyway=True)
    assert known() == [{"10.0.0.8", "10.0.0.9"}]
    clock.forward(LATELY)
    assert known() == []


def test_a_successor_that_goes_on_where_its_predecessor_ran_is_no_news() -> None:
    new = token(id="second0000", seen=seen(sources={"10.0.0.7": Span(TODAY, TODAY)}))
    assert of_kind(account(token(), new), Kind.NEW_SOURCE) == []


def test_of_scopes_nothing_is_said_where_nothing_tells_which_are_needed() -> None:
    two = frozenset({"catalog:read", "deploy:write"})
    assert of_kind(account(token(seen=seen(needed={})), scopes=two), Kind.SCOPE_UNUSED) == []
    (found,) = of_kind(account(token(), scopes=two), Kind.SCOPE_UNUSED)
    assert (found.about, found.what) == ("deploy:write", "deploy:write was never needed in 90 days")


def test_who_was_locked_out_is_served_once_another_token_was_handed_over() -> None:
    shut = refused(TokenState.EXPIRED, "expired", DAY, expires_at=NOON - 8 * DAY)
    late, early = (
        token(id="second0000", delivered_at=NOON - DAY + step, last_used_at=NOON) for step in (INSTANT, timedelta())
    )
    assert of_kind(account(shut, late), Kind.LOCKED_OUT) == []
    assert len(of_kind(account(shut, early), Kind.LOCKED_OUT)) == 1


def test_a_rotation_that_the_expiry_forestalls_is_not_due() -> None:
    due = NOON - 76 * DAY + 90 * DAY
    ends = [due, due + INSTANT]
    found = [of_kind(account(token(issued_at=NOON - 76 * DAY, expires_at=end)), Kind.ROTATION_DUE) for end in ends]
    assert [len(one) for one in found] == [0, 1]


@pytest.fixture
def idle(desk: Desk, clock: Clock) -> str:
    """A token that was handed over a week ago and never used, on an account that ben manages and cleo views."""
    for name in ("ben", "cleo", "dan"):
        desk.run(people.add, name)
    desk.run(accounts.create, "nightly-build", scopes="catalog:read")
    desk.run(grants.give, "nightly-build", "person:ben", Level.MANAGE)
    desk.run(grants.give, "nightly-build", "person:cleo", Level.VIEW)
    issued = desk.run(tokens.issue, "nightly-build", "runner", lifetime=60 * DAY).token.id
    desk.run(tokens.deliver, issued, to="clipboard")
    clock.forward(7 * DAY)
    return issued


def one(desk: Desk) -> advice.Advice:
    (found,) = desk.ask(advice.listed)
    return found


def test_advice_comes_from_what_is_stored_and_names_the_command(desk: Desk, idle: str) -> None:
    found = one(desk)
    assert (found.finding.kind, found.finding.token_id) == (Kind.NEVER_USED, idle)
    assert found.command == f"botdesk token revoke {idle} --reason …"
    assert desk.ask(advice.badges, [desk.ask(accounts.find, "nightly-build").id]) == {
        found.finding.account_id: advice.Badge(1, Severity.NOTICE)
    }


def test_dismissed_advice_is_hidden_until_the_instant_and_comes_back(desk: Desk, clock: Clock, idle: str) -> None:
    found = one(desk)
    row = desk.run(advice.dismiss, found.id, reason="a spare for the winter")
    assert row.until == clock.now + DISMISSED_FOR
    assert desk.ask(advice.listed) == []
    assert desk.ask(advice.badges, [found.finding.account_id]) == {}
    (hidden,) = desk.ask(advice.listed, dismissed=True)
    assert hidden.dismissal is not None
    assert hidden.dismissal.reason == "a spare for the winter"
    clock.forward(DISMISSED_FOR - INSTANT)
    assert desk.ask(advice.listed) == []
    clock.forward(INSTANT)
    assert one(desk).id == found.id
    desk.run(advice.dismiss, found.id, reason="still", until=clock.now + DAY)
    assert desk.ask(advice.listed) == []
    assert desk.ask(audit.verify).holds


def test_dismissed_advice_is_recalled(desk: Desk, idle: str) -> None:
    found = one(desk)
    desk.run(advice.dismiss, found.id, reason="spare")
    desk.run(advice.recall, found.id)
    assert one(desk).id == found.id
    with pytest.raises(NotFound):
        desk.run(advice.recall, found.id)
    assert desk.ask(audit.verify).holds


@pytest.mark.parametrize("ahead", [timedelta(), -DAY, LONGEST_DISMISSAL + INSTANT])
def test_a_dismissal_needs_a_date_ahead_and_a_reason(desk: Desk, clock: Clock, idle: str, ahead: timedelta) -> None:
    with pytest.raises(InvalidInput):
        desk.run(advice.dismiss, one(desk).id, reason="spare", until=clock.now + ahead)
    with pytest.raises(InvalidInput):
        desk.run(advice.dismiss, one(desk).id, reason=" ")
    with pytest.raises(NotFound):
        desk.run(advice.dismiss, "000000000000", reason="spare")


def test_only_who_manages_the_account_dismisses_and_others_do_not_see_it(desk: Desk, idle: str) -> None:
    found = one(desk)
    outcomes: dict[str, type[Exception]] = {"cleo": AccessDenied, "dan": NotFound}
    for name, refusal in outcomes.items():
        with pytest.raises(refusal), desk.begin(actor=name) as tx:
            advice.dismiss(tx, found.id, reason="spare")
    with desk.begin(actor="ben") as tx:
        advice.dismiss(tx, found.id, reason="spare")
    for name, refusal in outcomes.items():
        with pytest.raises(refusal), desk.begin(actor=name) as tx:
            advice.recall(tx, found.id)
    with desk.begin(actor="ben") as tx:
        advice.recall(tx, found.id)


def test_who_left_is_pointed_out_in_roles_to_admins_and_dismissed_by_them(desk: Desk, idle: str) -> None:
    desk.run(roles.create, "platform")
    desk.run(roles.add_member, "platform", "dan")
    desk.run(people.disable, "dan")
    found = next(one for one in desk.ask(advice.listed) if one.finding.kind is Kind.LEFT_IN_ROLE)
    assert found.command == "botdesk role drop platform dan"
    with desk.read(actor="ben") as tx:
        assert all(one.finding.kind is not Kind.LEFT_IN_ROLE for one in advice.listed(tx))
    desk.run(advice.dismiss, found.id, reason="on leave")
    with pytest.raises((AccessDenied, NotFound, Conflict)), desk.begin(actor="ben") as tx:
        advice.recall(tx, found.id)
    desk.run(advice.recall, found.id)
    desk.run(roles.drop_member, "platform", "dan")
    assert [one.finding.kind for one in desk.ask(advice.listed)] == [Kind.NEVER_USED]


def test_the_worst_comes_first_and_accounts_in_pages_are_all_gone_through(desk: Desk, clock: Clock, idle: str) -> None:
    for number in range(5):
        desk.run(accounts.create, f"bot-{number}-job")
        made = desk.run(tokens.issue, f"bot-{number}-job", "one", never=True).token.id
        desk.run(tokens.deliver, made, to="clipboard")
    clock.forward(7 * DAY)
    desk.run(tokens.revoke, idle, reason="leaked")
    desk.run(verification.note, idle, Asked(address="203.0.113.9"))
    found = [advice.finding for advice in desk.ask(advice.listed)]
    assert [finding.kind for finding in found] == [Kind.REUSED, *[Kind.NEVER_USED] * 5]
    assert "203.0.113.9" in found[0].what
    with desk.read() as tx:
        paged, after = list[Condition](), None
        while page := condition.page(tx, after=after, limit=2):
            paged, after = [*paged, *page], (page[-1].name, page[-1].id)
        assert paged == list(condition.every(tx))
        assert len(paged) == 6


def test_words_from_data_are_quoted_in_commands() -> None:
    (finding,) = upkeep.findings(account(token(), scopes=frozenset({"catalog:read", "a;$b"})), NOON)
    assert command(finding) == "botdesk account modify nightly-build --drop-scope 'a;$b'"


def test_a_personal_token_past_its_end_date_is_told_until_it_is_ended(desk: Desk, clock: Clock) -> None:
    desk.run(people.add, "ben")
    desk.run(accounts.create, "nightly-build")
    began = desk.run(migration.start, "nightly-build", "shop build", owner="ben").id
    desk.run(migration.register, began, Secret("ghp_16C7e42F292c6912E7710c838347Ae178B4a"))
    desk.run(migration.accept, began, until=clock.now + DAY)
    clock.forward(DAY - INSTANT)
    assert desk.ask(advice.listed) == []
    clock.forward(INSTANT)
    found = one(desk)
    assert (found.finding.kind, found.command) == (
        Kind.PERSONAL_OVERDUE,
        f"botdesk migration revoke {began} --force",
    )
    assert found.finding.what == "'shop build' was to be off ben's token just now"
    desk.run(migration.revoke, began, anyway=True)
    assert desk.ask(advice.listed) == []
