"""Service accounts: names, changes, tombstones, and lists in pages."""

import re
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
import sqlalchemy
from hypothesis import given
from hypothesis import strategies as st

from botdesk import accounts, audit, grants, people, roles, tokens, verification
from botdesk.access import Level, Standing
from botdesk.accounts import AccountState, Filter, Purpose, Sort
from botdesk.audit import Outcome
from botdesk.desk import Desk
from botdesk.errors import AccessDenied, Conflict, InvalidInput, NotFound
from botdesk.testing import NOON, Clock
from botdesk.tokens import TokenState
from botdesk.verification import Asked

DAY = timedelta(days=1)
kebab = st.from_regex(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", fullmatch=True).filter(lambda name: 3 <= len(name) <= 40)


@given(kebab)
def test_lower_case_kebab_of_three_to_forty_characters_is_a_name(name: str) -> None:
    assert accounts.check_name(name) == name


@given(st.text(max_size=60).filter(lambda text: not re.fullmatch(r"\s*[a-z0-9-]*\s*", text)))
def test_any_other_name_is_refused_with_a_hint(name: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        accounts.check_name(name)
    assert refused.value.hint
    assert refused.value.message.isprintable()


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("Nightly Build", "try 'nightly-build'"),
        ("nightly_build", "try 'nightly-build'"),
        ("nightly--build", "try 'nightly-build'"),
        ("-nightly-build-", "try 'nightly-build'"),
        ("9-lives", "try 'lives'"),
        ("CI", "use 3 to 40 characters, as in nightly-build"),
        ("x" * 41, "use 3 to 40 characters, as in nightly-build"),
        ("東京ボット", "lower-case words joined by '-', as in nightly-build"),
        ("[@click=app.quit]x[/]", "try 'click-app-quit-x'"),
    ],
)
def test_a_bad_name_gets_a_hint_and_not_a_shrug(name: str, hint: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        accounts.check_name(name)
    assert refused.value.hint == hint
    if hint.startswith("try"):
        assert accounts.check_name(hint.removeprefix("try ").strip("'"))


def test_a_vague_name_is_taken_with_a_hint() -> None:
    for vague in ("test", "bot", "service", "my-bot", "new-bot"):
        assert "nightly-build" in accounts.vague(vague)
    assert accounts.vague("nightly-build") == ""


def test_an_account_is_made_as_it_was_asked_for(desk: Desk) -> None:
    made = desk.run(
        accounts.create,
        "ci-bot",
        purpose=Purpose.CI,
        description="  Builds   Zoë's things ",
        scopes="deploy:write catalog:read",
        rotation=30 * DAY,
    )
    found = desk.ask(accounts.line, "ci-bot")
    assert found.account == made
    assert (found.state, found.live, found.soonest, found.last_used_at) == (AccountState.ACTIVE, 0, None, None)
    assert (found.creator, found.managers, found.level) == ("ada", ("ada",), Level.MANAGE)
    assert (made.scopes, made.rotation_days, made.created_at) == ("catalog:read deploy:write", 30, NOON)
    assert made.description == "Builds   Zoë's things"
    assert desk.ask(accounts.find, made.id) == made


BAD: dict[str, dict[str, Any]] = {
    "a long description": {"description": "x" * 501},
    "10,000 characters": {"description": "x" * 10_000},
    "an escape code": {"description": "\x1b]0;owned\x07"},
    "two lines": {"description": "a\nb"},
    "bidi": {"description": "a\u202eb"},
    "a wrong scope": {"scopes": 'a"b'},
    "scopes with commas": {"scopes": "a,b"},
    "no rotation": {"rotation": timedelta()},
    "a rotation of hours": {"rotation": timedelta(hours=12)},
    "a crooked rotation": {"rotation": timedelta(days=30, hours=1)},
    "an endless rotation": {"rotation": timedelta(days=3651)},
}


@pytest.mark.parametrize("bad", BAD)
def test_what_cannot_be_taken_is_refused_and_changes_nothing(desk: Desk, bad: str) -> None:
    desk.run(accounts.create, "old-bot")
    before = desk.head()
    for attempt in (
        partial(desk.run, accounts.create, "ci-bot", **BAD[bad]),
        partial(desk.run, accounts.modify, "old-bot", **BAD[bad]),
    ):
        with pytest.raises(InvalidInput) as refused:
            attempt()
        assert refused.value.hint
        assert refused.value.message.isprintable()
    assert desk.head() == before


def test_modify_changes_what_is_said_and_tells_what_it_was(desk: Desk, clock: Clock) -> None:
    desk.run(accounts.create, "ci-bot", purpose=Purpose.CI, scopes="a b", description="old")
    clock.forward(DAY)
    row = desk.run(accounts.modify, "ci-bot", name="build-bot", scopes="b c", rotation=7 * DAY)
    assert (row.name, row.scopes, row.rotation_days, row.modified_at) == ("build-bot", "b c", 7, NOON + DAY)
    assert (row.purpose, row.description) == (Purpose.CI, "old")
    told = audit.detail_of(desk.ask(audit.page, limit=1).rows[0])
    assert told["changes"] == {"name": ["ci-bot", "build-bot"], "scopes": ["a b", "b c"], "rotation_days": ["90", "7"]}
    assert desk.run(accounts.modify, "build-bot", scopes="", description="").scopes == ""


def test_what_changes_nothing_is_a_conflict(desk: Desk) -> None:
    desk.run(accounts.create, "ci-bot", scopes="a")
    desk.run(accounts.create, "web-bot")
    for how in ({}, {"name": "ci-bot"}, {"scopes": ["a", "a"]}, {"rotation": 90 * DAY}):
        with pytest.raises(Conflict, match="nothing would change"):
            desk.run(accounts.modify, "ci-bot", **how)
    with pytest.raises(Conflict, match="taken"):
        desk.run(accounts.modify, "ci-bot", name="web-bot")


def test_disabling_and_enabling_are_each_done_once(desk: Desk) -> None:
    desk.run(accounts.create, "ci-bot")
    with pytest.raises(Conflict, match="not disabled"):
        desk.run(accounts.enable, "ci-bot")
    row = desk.run(accounts.disable, "ci-bot", reason="odd traffic")
    assert (accounts.state(row), row.disabled_reason) == (AccountState.DISABLED, "odd traffic")
    with pytest.raises(Conflict, match="disabled already"):
        desk.run(accounts.disable, "ci-bot")
    row = desk.run(accounts.enable, "ci-bot")
    assert (accounts.state(row), row.disabled_at, row.disabled_reason) == (AccountState.ACTIVE, None, None)


def test_a_removed_account_is_a_tombstone_and_its_name_is_free(desk: Desk) -> None:
    desk.run(people.add, "ben")
    old = desk.run(accounts.create, "ci-bot").id
    desk.run(grants.give, "ci-bot", "person:ben", Level.OPERATE)
    works = desk.run(tokens.issue, "ci-bot", "works").token.id
    desk.run(tokens.deliver, works, to="clipboard")
    pending = desk.run(tokens.issue, "ci-bot", "pending").token.id
    desk.run(accounts.remove, "ci-bot", reason="moved")
    with pytest.raises(NotFound):
        desk.ask(accounts.find, "ci-bot")
    assert accounts.state(desk.ask(accounts.find, old)) is AccountState.REMOVED
    assert {line.state for line in desk.ask(tokens.listed, old)} == {TokenState.REVOKED}
    assert {desk.ask(tokens.find, token).revoked_reason for token in (works, pending)} == {"account removed"}
    assert desk.ask(grants.listed) == []
    new = desk.run(accounts.create, "ci-bot").id
    assert new != old
    assert desk.ask(accounts.find, "ci-bot").id == new
    actions = [event.action for event in desk.ask(audit.page, audit.Filter(account=old), oldest_first=True).rows]
    assert actions[0] == "account:created"
    assert actions[-4:] == ["token:revoked", "token:revoked", "grant:withdrawn", "account:removed"]
    assert desk.ask(audit.verify).holds


def test_nothing_is_done_to_a_removed_account(desk: Desk) -> None:
    gone = desk.run(accounts.create, "ci-bot").id
    desk.run(accounts.remove, gone)
    attempts: list[Callable[[], object]] = [
        lambda: desk.run(accounts.modify, gone, description="x"),
        lambda: desk.run(accounts.disable, gone),
        lambda: desk.run(accounts.enable, gone),
        lambda: desk.run(accounts.remove, gone),
        lambda: desk.run(tokens.issue, gone, "x"),
        lambda: desk.run(grants.give, gone, "person:ada", Level.VIEW),
    ]
    for attempt in attempts:
        with pytest.raises(Conflict, match="was removed"):
            attempt()


def test_a_name_is_taken_once(desk: Desk) -> None:
    desk.run(accounts.create, "ci-bot")
    with pytest.raises(Conflict, match="taken") as refused:
        desk.run(accounts.create, "ci-bot")
    assert refused.value.hint


@pytest.mark.parametrize("name", ["", "nobody-here", "CI-BOT", "%", "ci_bot", "a'b", "x" * 10_000])
def test_what_is_not_there_is_not_found(desk: Desk, name: str) -> None:
    desk.run(accounts.create, "ci-bot")
    with pytest.raises(NotFound) as refused:
        desk.ask(accounts.find, name)
    assert refused.value.hint
    assert len(refused.value.message) < 200


def test_a_nul_is_in_no_name(desk: Desk) -> None:
    with pytest.raises((NotFound, InvalidInput)) as refused:
        desk.ask(accounts.find, "a\0b")
    assert refused.value.hint


def test_a_text_that_is_no_unicode_is_refused(desk: Desk) -> None:
    with pytest.raises(InvalidInput, match="UTF-8"):
        desk.ask(accounts.find, "\udcff")
    with pytest.raises(InvalidInput, match="UTF-8"):
        desk.ask(accounts.page, Filter(text="\udcff"))


def test_the_creator_manages_what_they_made_and_nobody_can_take_that(desk: Desk) -> None:
    desk.run(people.add, "ben")
    with desk.begin("ben") as tx:
        accounts.create(tx, "bens-bot")
    for grantee in ("person:ben",):
        with pytest.raises(Conflict, match="keeps access"):
            desk.run(grants.withdraw, "bens-bot", grantee)
    with desk.begin("ben") as tx:
        accounts.modify(tx, "bens-bot", description="mine")
    desk.run(people.disable, "ben")
    assert desk.ask(accounts.line, "bens-bot").managers == ()
    with pytest.raises(AccessDenied), desk.begin("ben"):
        pass


def test_managers_are_creator_roles_and_people_and_nobody_who_left(desk: Desk) -> None:
    for name in ("ben", "chen"):
        desk.run(people.add, name)
    desk.run(roles.create, "platform")
    desk.run(roles.add_member, "platform", "ben")
    desk.run(accounts.create, "ci-bot")
    desk.run(grants.give, "ci-bot", "person:chen", Level.MANAGE)
    desk.run(grants.give, "ci-bot", "person:ben", Level.OPERATE)
    desk.run(grants.give, "ci-bot", "role:platform", Level.MANAGE)
    assert desk.ask(accounts.line, "ci-bot").managers == ("ada", "platform", "chen")
    desk.run(people.disable, "chen")
    assert desk.ask(accounts.line, "ci-bot").managers == ("ada", "platform")
    desk.run(people.disable, "ben")
    assert desk.ask(accounts.line, "ci-bot").managers == ("ada",)


def test_the_facts_of_a_list_are_those_of_live_tokens(desk: Desk, clock: Clock) -> None:
    desk.run(accounts.create, "ci-bot")
    for label, lifetime in (("soon", DAY), ("later", 9 * DAY), ("gone", timedelta(hours=1))):
        issued = desk.run(tokens.issue, "ci-bot", label, lifetime=lifetime)
        desk.run(tokens.deliver, issued.token.id, to="clipboard")
        if label == "soon":
            with desk.begin() as tx:
                verification.note(tx, issued.token.id, Asked(address="10.0.0.1"))
    desk.run(tokens.issue, "ci-bot", "pending", lifetime=timedelta(hours=2))
    clock.forward(timedelta(hours=1))
    line = desk.ask(accounts.line, "ci-bot")
    assert (line.live, line.soonest, line.last_used_at) == (2, NOON + DAY, NOON)
    clock.now = NOON + DAY
    assert (desk.ask(accounts.line, "ci-bot").live, desk.ask(accounts.line, "ci-bot").soonest) == (1, NOON + 9 * DAY)


@pytest.fixture
def many(desk: Desk, clock: Clock) -> Desk:
    """A desk with accounts of every kind, many of them alike in what they are sorted by."""
    with desk.begin() as tx:
        for number in range(17):
            accounts.create(tx, f"bot-{number:02}", purpose=list(Purpose)[number % 3], description=f"job {number % 4}")
    for number in range(0, 17, 3):
        clock.forward(timedelta(minutes=number % 2))
        issued = desk.run(tokens.issue, f"bot-{number:02}", "x", lifetime=DAY if number % 2 else 5 * DAY)
        with desk.begin() as tx:
            row = tokens.deliver(tx, issued.token.id, to="clipboard")
            if number % 4 == 0:
                verification.note(tx, row.id, Asked(address="10.0.0.1"))
    for number in (4, 5, 9):
        desk.run(accounts.disable, f"bot-{number:02}")
    desk.run(accounts.remove, "bot-11")
    return desk


EVERYTHING = Filter(removed=True)


def in_pages(
    desk: Desk, size: int, between: Callable[[int], object] = lambda _: None, wanted: Filter = EVERYTHING, **how: Any
) -> list[str]:
    names: list[str] = []
    after, number = None, 0
    while True:
        page = desk.ask(accounts.page, wanted, after=after, limit=size, **how)
        assert len(page.rows) <= size
        names += [line.account.name for line in page.rows]
        if page.next is None:
            return names
        after = page.next
        between(number)
        number += 1


@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("sort", Sort)
def test_pages_of_any_size_are_the_whole_list_in_its_order(many: Desk, sort: Sort, descending: bool) -> None:
    whole = many.ask(accounts.page, EVERYTHING, sort=sort, descending=descending, limit=99)
    names = [line.account.name for line in whole.rows]
    assert len(set(names)) == len(names) == whole.total == 17
    assert whole.next is None
    for size in (1, 2, 5, 16, 17, 18):
        assert in_pages(many, size, sort=sort, descending=descending) == names
        assert in_pages(many, size, wanted=Filter(removed=True, text="bot"), sort=sort, descending=descending) == names
    other = many.ask(accounts.page, EVERYTHING, sort=sort, descending=not descending, limit=99).rows
    assert [line.account.name for line in other] == names[::-1]


def test_each_sort_is_by_what_it_says(many: Desk) -> None:
    def by(sort: Sort) -> list[accounts.Line]:
        return list(many.ask(accounts.page, EVERYTHING, sort=sort, limit=99).rows)

    states = list(AccountState)
    never = NOON + 10_000 * DAY
    keys: dict[Sort, Callable[[accounts.Line], Any]] = {
        Sort.NAME: lambda line: line.account.name,
        Sort.PURPOSE: lambda line: line.account.purpose,
        Sort.STATE: lambda line: states.index(line.state),
        Sort.LIVE: lambda line: line.live,
        Sort.EXPIRY: lambda line: line.soonest or never,
        Sort.USED: lambda line: line.last_used_at or never,
        Sort.CREATED: lambda line: line.account.created_at,
    }
    for sort, key in keys.items():
        lines = by(sort)
        assert [(key(line), line.account.name) for line in lines] == sorted(
            (key(line), line.account.name) for line in lines
        )
        assert len({str(key(line)) for line in lines}) > 1 or sort is Sort.CREATED


@pytest.mark.parametrize("sort", Sort)
def test_rows_that_come_and_go_between_pages_neither_repeat_nor_hide_others(many: Desk, sort: Sort) -> None:
    before = in_pages(many, 99, sort=sort)

    def meanwhile(number: int) -> None:
        many.run(accounts.create, f"aaa-{number}", purpose=Purpose.OTHER)
        many.run(accounts.create, f"zzz-{number}")

    seen = in_pages(many, 3, meanwhile, sort=sort)
    assert len(seen) == len(set(seen))
    assert [name for name in seen if name in before] == before


def test_filters_choose_by_words_state_and_purpose(many: Desk) -> None:
    def found(**how: Any) -> set[str]:
        return {line.account.name for line in many.ask(accounts.page, Filter(**how), limit=99).rows}

    assert found(state=AccountState.DISABLED) == {"bot-04", "bot-05", "bot-09"}
    assert found(state=AccountState.REMOVED) == {"bot-11"}
    assert "bot-11" not in found()
    assert len(found(removed=True)) == 17
    assert found(text="BOT-1 job") == {f"bot-1{digit}" for digit in range(7) if digit != 1}
    assert found(text="job 3", purpose=Purpose.CI) == {"bot-03", "bot-15"}
    assert found(text="CI/CD") == found(purpose=Purpose.CI)
    for nothing in ("%", "bot%", "'", '"; DROP TABLE account; --', "[red]", "\\"):
        assert found(text=nothing) == set()
    many.run(accounts.modify, "bot-00", description="50% off_ [red]")
    assert found(text="50%") == found(text="off_") == found(text="[RED]") == {"bot-00"}


def test_the_total_is_that_of_the_filter_and_the_reach(many: Desk) -> None:
    many.run(people.add, "ben")
    many.run(grants.give, "bot-01", "person:ben", Level.VIEW)
    assert many.ask(accounts.page, Filter(purpose=Purpose.CI), limit=1).total == 6
    with many.read("ben") as tx:
        page = accounts.page(tx, limit=1)
        assert ([line.account.name for line in page.rows], page.next, page.total) == (["bot-01"], None, 1)
        assert page.rows[0].level is Level.VIEW


@pytest.mark.parametrize("wanted", [Filter(), Filter(text="job"), Filter(text="bot-1")])
def test_each_page_tells_how_many_there_are_in_all(many: Desk, wanted: Filter) -> None:
    whole = many.ask(accounts.page, wanted, limit=99)
    assert whole.total == len(whole.rows)
    first = many.ask(accounts.page, wanted, limit=3)
    second = many.ask(accounts.page, wanted, limit=3, after=first.next)
    past = many.ask(accounts.page, wanted, limit=3, after=("~", "~", "~"))
    assert [page.total for page in (first, second, past)] == [whole.total] * 3
    assert (len(second.rows), past.rows) == (3, ())


@pytest.mark.sqlite
@pytest.mark.parametrize("text", ["job", "bot job"])
@pytest.mark.parametrize("state", [None, AccountState.ACTIVE, AccountState.REMOVED])
def test_a_search_reads_the_index_of_what_is_searched_once_and_not_the_table(
    many: Desk, text: str, state: AccountState | None
) -> None:
    plans: list[str] = []

    def explain(_: Any, cursor: Any, statement: str, values: Any, *__: Any) -> None:
        cursor.execute(f"EXPLAIN QUERY PLAN {statement}", values)
        plans.extend(row[3] for row in cursor.fetchall() if "LIKE" in statement)

    with many.read() as tx:
        engine = tx.session.get_bind().engine
        sqlalchemy.event.listen(engine, "before_cursor_execute", explain)
        accounts.page(tx, Filter(text=text, state=state))
        sqlalchemy.event.remove(engine, "before_cursor_execute", explain)
    assert [plan for plan in plans if plan.startswith("SCAN account")] == [
        "SCAN account USING COVERING INDEX account_search"
    ]


def test_denials_and_errors_are_told_apart_in_the_audit(desk: Desk) -> None:
    desk.run(people.add, "cleo")
    desk.run(people.modify, "cleo", standing=Standing.AUDITOR)
    with pytest.raises(AccessDenied), desk.begin("cleo") as tx:
        accounts.create(tx, "\x1b[2J\u202e\udcff bdk_7fQ2kLm9Xa_" + "s3cr3t" * 8)
    last = desk.ask(audit.page, limit=1).rows[0]
    assert (last.outcome, last.actor, last.action) == (Outcome.DENIED, "cleo", "account:created")
    assert last.detail.isprintable()
    assert "s3cr3t" not in last.detail
