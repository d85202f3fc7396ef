"""What a token's row says its uses were like, and that the recorded uses write it."""

from datetime import date, timedelta

import pytest

from botdesk import accounts, audit, seen, tokens, verification
from botdesk.desk import Desk
from botdesk.seen import Seen, Span
from botdesk.testing import NOON, Clock
from botdesk.verification import Asked

DAY = "2026-11-02"
NONE: frozenset[str] = frozenset()


def after(*uses: tuple[str, str, str]) -> str:
    """The text after uses on a day, from a source, for scopes."""
    text = None
    for day, source, scopes in uses:
        text = seen.used(text, day, source, frozenset(scopes.split()))
    assert text is not None
    return text


def test_a_source_keeps_its_first_and_last_day_and_a_scope_its_last() -> None:
    text = after(
        (DAY, "10.0.0.7", "catalog:read"), ("2026-11-05", "10.0.0.7", ""), ("2026-11-04", "::1", "catalog:read")
    )
    assert seen.read(text) == Seen(
        sources={
            "10.0.0.7": Span(date(2026, 11, 2), date(2026, 11, 5)),
            "::1": Span(date(2026, 11, 4), date(2026, 11, 4)),
        },
        needed={"catalog:read": date(2026, 11, 4)},
    )


def test_a_second_use_of_a_day_changes_nothing() -> None:
    text = after((DAY, "10.0.0.7", "catalog:read"))
    assert seen.used(text, DAY, "10.0.0.7", frozenset({"catalog:read"})) == text


def test_a_clock_that_went_back_makes_no_day_earlier_than_it_was() -> None:
    text = seen.lacked(after(("2026-11-05", "a", "x")), "2026-11-05", frozenset({"y"}))
    text = seen.lacked(seen.used(text, "2026-11-03", "a", frozenset({"x"})), "2026-11-03", frozenset({"y"}))
    found = seen.read(text)
    assert found.sources["a"] == Span(date(2026, 11, 3), date(2026, 11, 5))
    assert found.needed == {"x": date(2026, 11, 5)}
    assert found.lacked == {"y": date(2026, 11, 5)}


def test_beyond_the_most_sources_the_oldest_is_forgotten_and_the_token_roams() -> None:
    days = [(f"2026-11-{day:02}", f"10.0.0.{day}", "") for day in range(1, seen.MOST_SOURCES + 1)]
    assert not seen.read(after(*days)).roams
    found = seen.read(after(*days, ("2026-11-30", "new", "")))
    assert found.roams
    assert len(found.sources) == seen.MOST_SOURCES
    assert "10.0.0.1" not in found.sources
    assert "new" in found.sources


def test_no_more_scopes_are_kept_than_the_most() -> None:
    many = frozenset(f"scope:{number:03}" for number in range(seen.MOST_SCOPES + 20))
    assert len(seen.read(seen.used(None, DAY, "a", many)).needed) == seen.MOST_SCOPES


@pytest.mark.parametrize("text", [None, "", "{", "7", '{"from":7}', '{"from":{"a":["x"]}}', '{"need":["a"]}', "[]"])
def test_what_cannot_be_read_says_nothing_and_a_use_begins_anew(text: str | None) -> None:
    assert seen.read(text) == Seen()
    assert seen.used(text, DAY, "a", NONE) == '{"from":{"a":["2026-11-02","2026-11-02"]}}'


@pytest.fixture
def token_id(desk: Desk) -> str:
    with desk.begin() as tx:
        account = accounts.create(tx, "nightly-build", scopes="catalog:read deploy:write")
        made = tokens.issue(tx, account.id, "runner", scopes="catalog:read").token.id
        tokens.deliver(tx, made, to="clipboard")
    return made


def use(desk: Desk, token_id: str, *scopes: str, address: str = "10.0.0.7") -> tokens.Token:
    with desk.begin() as tx:
        verification.note(tx, token_id, Asked(scopes=frozenset(scopes), address=address))
    return desk.ask(tokens.find, token_id)


def test_uses_tell_the_row_when_from_where_and_for_what(desk: Desk, clock: Clock, token_id: str) -> None:
    use(desk, token_id, "catalog:read")
    clock.forward(timedelta(days=3))
    found = use(desk, token_id, address="10.0.0.8")
    assert (found.first_used_at, found.last_used_at, found.last_used_from) == (NOON, clock.now, "10.0.0.8")
    assert seen.read(found.seen) == Seen(
        sources={
            "10.0.0.7": Span(NOON.date(), NOON.date()),
            "10.0.0.8": Span(clock.now.date(), clock.now.date()),
        },
        needed={"catalog:read": NOON.date()},
    )
    assert desk.ask(audit.verify).holds


def test_a_refused_use_tells_the_row_why_and_changes_no_use(desk: Desk, clock: Clock, token_id: str) -> None:
    use(desk, token_id)
    clock.forward(timedelta(days=1))
    found = use(desk, token_id, "deploy:write", address="10.0.0.9")
    assert (found.last_refused_at, found.last_refused_from) == (clock.now, "10.0.0.9")
    assert (found.last_refused_reason, found.last_used_at) == ("scope", NOON)
    assert seen.read(found.seen).lacked == {"deploy:write": clock.now.date()}
    assert list(seen.read(found.seen).sources) == ["10.0.0.7"]
    desk.run(tokens.revoke, token_id, reason="leaked")
    assert use(desk, token_id).last_refused_reason == "revoked"
    assert desk.ask(audit.verify).holds


def test_uses_of_one_batch_each_see_what_the_one_before_left(desk: Desk, token_id: str) -> None:
    with desk.begin() as tx:
        for address in ("10.0.0.1", "10.0.0.2", "10.0.0.1"):
            verification.note(tx, token_id, Asked(address=address))
    found = seen.read(desk.ask(tokens.find, token_id).seen)
    assert list(found.sources) == ["10.0.0.1", "10.0.0.2"]
    assert desk.ask(audit.verify).holds


def test_scopes_that_are_added_leave_their_instant_on_the_account(desk: Desk, clock: Clock, token_id: str) -> None:
    clock.forward(timedelta(days=1))
    assert desk.run(accounts.modify, "nightly-build", scopes="catalog:read").scopes_added_at is None
    assert desk.run(accounts.modify, "nightly-build", scopes="catalog:read x:y").scopes_added_at == clock.now
