"""Presented tokens: the verdict follows the row as it is now, and every verdict is on record."""

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from botdesk import accounts, audit, bearer, ledger, tokens, verification
from botdesk.audit import Outcome
from botdesk.bearer import Argon2id, Secret
from botdesk.desk import Desk, Transaction
from botdesk.errors import InsufficientScope, InvalidToken, Overloaded, StoreError
from botdesk.proving import Outcome as Proof
from botdesk.proving import Prover
from botdesk.settings import Settings
from botdesk.store import lookup
from botdesk.store.digest import table_of
from botdesk.store.tables import Token, to_text
from botdesk.tally import Tally
from botdesk.testing import NOON, Clock, light_hasher, open_desk, seeded
from botdesk.verification import Asked, Refusal, Use
from botdesk.verifier import Verifier
from tests.stores import Stores

FROM = Asked(address="10.0.0.1", method="GET", path="/deploy")


@pytest.fixture
def verifier(desk: Desk) -> Iterator[Verifier]:
    with desk.verifier() as made:
        yield made


def handed(tx: Transaction, account: str, label: str = "farm", **how: object) -> str:
    """Issue a token and hand it over; returns the whole token."""
    issued = tokens.issue(tx, account, label, **how)  # type: ignore[arg-type]
    tokens.deliver(tx, issued.token.id, to="clipboard")
    return issued.secret.reveal()


@pytest.fixture
def token(desk: Desk) -> str:
    with desk.begin() as tx:
        accounts.create(tx, "nightly-build", scopes="catalog:read deploy:write")
        return handed(tx, "nightly-build")


def id_of(token: str) -> str:
    return token[4:14]


def uses(desk: Desk) -> list[audit.Event]:
    found = desk.ask(audit.page, audit.Filter(action="token"), limit=500).rows
    return [event for event in reversed(found) if event.action in ("token:used", "token:refused", "token:unknown")]


def test_a_live_token_tells_whose_it_is(desk: Desk, verifier: Verifier, token: str) -> None:
    account = desk.ask(accounts.find, "nightly-build")
    found = verifier.introspect(token, FROM)
    assert found.active
    assert found.scope == "catalog:read deploy:write"
    assert (found.client_id, found.sub, found.username) == (account.id, account.id, "nightly-build")
    assert (found.jti, found.token_type) == (id_of(token), "Bearer")
    assert (found.iat, found.exp) == (NOON.timestamp(), (NOON + timedelta(days=90)).timestamp())


def test_a_token_that_never_expires_has_no_end(desk: Desk, verifier: Verifier, token: str) -> None:
    with desk.begin() as tx:
        forever = handed(tx, "nightly-build", never=True)
    assert verifier.introspect(forever).exp is None


def test_an_accepted_use_is_an_event_of_the_account_itself(desk: Desk, verifier: Verifier, token: str) -> None:
    account = desk.ask(accounts.find, "nightly-build")
    verifier.introspect(token, Asked(scopes=frozenset({"catalog:read"}), address="10.0.0.1", method="GET", path="/a"))
    event = uses(desk)[-1]
    assert (event.action, event.outcome, event.source) == ("token:used", Outcome.DONE, "10.0.0.1")
    assert (event.actor_kind, event.actor_id, event.actor) == ("account", account.id, "nightly-build")
    assert audit.detail_of(event) == {"label": "farm", "method": "GET", "path": "/a", "scopes": "catalog:read"}
    row = desk.ask(tokens.find, id_of(token))
    assert (row.last_used_at, row.last_used_from) == (NOON, "10.0.0.1")
    assert desk.ask(audit.verify).holds


def _revoke(tx: Transaction, token: str) -> None:
    tokens.revoke(tx, id_of(token), reason="leaked")


def _disable(tx: Transaction, token: str) -> None:
    accounts.disable(tx, "nightly-build")


def _remove(tx: Transaction, token: str) -> None:
    accounts.remove(tx, "nightly-build")


@pytest.mark.parametrize(
    ("end", "refusal"), [(_revoke, Refusal.REVOKED), (_disable, Refusal.DISABLED), (_remove, Refusal.REMOVED)]
)
def test_what_was_ended_is_refused_at_the_next_call(
    desk: Desk, verifier: Verifier, token: str, end: Callable[[Transaction, str], None], refusal: Refusal
) -> None:
    assert verifier.introspect(token).active
    with desk.begin() as tx:
        end(tx, token)
    assert verifier.verdict(token, FROM).refusal is refusal
    event = uses(desk)[-1]
    assert (event.action, event.outcome, event.actor) == ("token:refused", Outcome.DENIED, "nightly-build")
    assert audit.detail_of(event)["reason"] == refusal
    assert desk.ask(audit.verify).holds


def test_a_token_lives_until_the_instant_of_its_end(desk: Desk, verifier: Verifier, token: str, clock: Clock) -> None:
    clock.forward(timedelta(days=90) - timedelta(microseconds=1))
    assert verifier.introspect(token).active
    clock.forward(timedelta(microseconds=1))
    assert verifier.verdict(token, FROM).refusal is Refusal.EXPIRED


def test_a_token_that_was_not_handed_over_never_works(desk: Desk, verifier: Verifier, token: str) -> None:
    pending = desk.run(tokens.issue, "nightly-build", "new").secret.reveal()
    assert verifier.verdict(pending, FROM).refusal is Refusal.PENDING


def test_a_rotated_token_works_through_its_overlap_and_no_longer(
    desk: Desk, verifier: Verifier, token: str, clock: Clock
) -> None:
    with desk.begin() as tx:
        successor = tokens.rotate(tx, id_of(token), overlap=timedelta(hours=2))
        tokens.deliver(tx, successor.token.id, to="clipboard")
    clock.forward(timedelta(hours=2) - timedelta(seconds=1))
    assert verifier.introspect(token).active
    clock.forward(timedelta(seconds=1))
    assert verifier.verdict(token, FROM).refusal is Refusal.RETIRED
    assert verifier.introspect(successor.secret.reveal()).active


def test_scopes_are_those_that_token_and_account_both_have_now(desk: Desk, verifier: Verifier, token: str) -> None:
    desk.run(accounts.modify, "nightly-build", scopes="catalog:read")
    assert verifier.introspect(token).scope == "catalog:read"
    with pytest.raises(InsufficientScope, match="deploy:write"):
        verifier.require(token, "catalog:read", "deploy:write")
    assert verifier.require(token, "catalog:read").active
    refused = [event for event in uses(desk) if event.action == "token:refused"]
    assert audit.detail_of(refused[-1])["missing"] == "deploy:write"


def test_a_refusal_is_an_error_with_its_reason(desk: Desk, verifier: Verifier, token: str) -> None:
    desk.run(tokens.revoke, id_of(token), reason="leaked")
    with pytest.raises(InvalidToken, match="it was revoked"):
        verifier.require(token)


def forged(token: str) -> str:
    return token[:20] + ("A" if token[20] != "A" else "B") + token[21:]


@pytest.mark.parametrize("form", [forged, str.upper, lambda token: token[:-1], lambda token: token + " ", lambda _: ""])
def test_a_string_that_this_desk_never_minted_costs_no_read_and_no_argon2(
    desk: Desk, verifier: Verifier, token: str, form: Callable[[str], str]
) -> None:
    before = desk.head()
    assert verifier.verdict(form(token), FROM).refusal is Refusal.UNKNOWN
    assert verifier.argon2_runs == 0
    assert desk.head() == before


@given(presented=st.one_of(st.text(), st.from_regex(bearer.LEAKED, fullmatch=True)))
def test_whatever_is_presented_the_answer_is_a_value(shared: Verifier, presented: str) -> None:
    assert shared.introspect(presented) == verification.INACTIVE


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Verifier]:
    with open_desk(tmp_path_factory.mktemp("shared") / "desk.db") as desk, desk.verifier() as made:
        yield made


def test_a_wrong_secret_with_a_right_check_is_refused_by_argon2(desk: Desk, verifier: Verifier, token: str) -> None:
    key = desk.ask(tokens.mint_key)
    proof = Secret("A" * bearer.SECRET_LENGTH)
    wrong = f"{token[:15]}{'A' * bearer.SECRET_LENGTH}{bearer._check(key, id_of(token), proof)}"
    assert verifier.verdict(wrong, FROM).refusal is Refusal.PROOF
    assert verifier.argon2_runs == 1
    assert uses(desk)[-1].action == "token:refused"


def test_argon2_runs_once_for_a_secret(verifier: Verifier, token: str) -> None:
    for _ in range(5):
        assert verifier.introspect(token).active
    assert verifier.argon2_runs == 1
    assert (verifier.figures.cache_hits, verifier.figures.cache_misses) == (4, 1)


def test_argon2_runs_once_for_all_who_present_a_secret_at_once(verifier: Verifier, token: str) -> None:
    async def crowd() -> list[verification.Answer]:
        return await asyncio.gather(*(verifier.answer(token, FROM) for _ in range(50)))

    assert all(answer.refusal is None for answer in asyncio.run(crowd()))
    assert verifier.argon2_runs == 1


def test_those_who_come_at_once_are_recorded_together_and_each(desk: Desk, verifier: Verifier, token: str) -> None:
    verifier.introspect(token)
    commits = verifier.figures.commits

    async def crowd() -> None:
        await asyncio.gather(*(verifier.answer(token, FROM) for _ in range(200)))

    asyncio.run(crowd())
    assert len([event for event in uses(desk) if event.action == "token:used"]) == 201
    assert verifier.figures.commits - commits < 5
    assert desk.ask(audit.verify).holds


class Gated:
    """A hasher that proves nothing before it is let go."""

    def __init__(self) -> None:
        self.inner = light_hasher()
        self.began = threading.Event()
        self.go = threading.Event()

    def hash(self, proof: Secret, *, salt: bytes) -> str:
        return self.inner.hash(proof, salt=salt)

    def verify(self, stored: str, proof: Secret) -> bool:
        self.began.set()
        assert self.go.wait(30)
        return self.inner.verify(stored, proof)

    def outdated(self, stored: str) -> bool:
        return False


def test_a_revoke_that_lands_while_argon2_runs_wins(place: str) -> None:
    hasher = Gated()
    with Desk.open(place, operator="ada", hasher=hasher) as desk:
        with desk.begin() as tx:
            accounts.create(tx, "nightly-build")
            token = handed(tx, "nightly-build")
        with desk.verifier() as verifier:
            found: list[Refusal | None] = []
            asking = threading.Thread(target=lambda: found.append(verifier.verdict(token, FROM).refusal))
            asking.start()
            assert hasher.began.wait(30)
            desk.run(tokens.revoke, id_of(token), reason="leaked")
            hasher.go.set()
            asking.join(30)
    assert found == [Refusal.REVOKED]


def test_beyond_its_queue_argon2_turns_away_for_a_moment() -> None:
    hasher, told = Gated(), []
    prover = Prover(hasher, bearer.Proofs(seeded()), lambda *_: None, at_once=1, queued=1)
    stored = hasher.hash(Secret("secret"), salt=b"0" * 16)

    def then(outcome: Proof) -> None:
        told.append(outcome)

    for number in range(3):
        prover.prove(bearer.Presented("0" * 10, Secret(f"secret {number}")), stored, then)
    assert [type(outcome) for outcome in told] == [Overloaded]
    hasher.go.set()
    prover.close()
    assert told[1:] == [(stored, False), (stored, False)]


class Failing(Gated):
    """A hasher that cannot tell."""

    def verify(self, stored: str, proof: Secret) -> bool:
        raise StoreError("the hash is unusable")


def test_what_fails_is_not_counted_as_turned_away(tmp_path: Path) -> None:
    with Desk.open(tmp_path / "desk.db", operator="ada", hasher=Failing()) as desk:
        with desk.begin() as tx:
            accounts.create(tx, "nightly-build")
            token = handed(tx, "nightly-build")
        with desk.verifier() as verifier:
            with pytest.raises(StoreError, match="unusable"):
                verifier.introspect(token)
            assert verifier.figures.overloaded == 0


def test_a_hash_with_other_parameters_is_renewed_on_the_first_use(desk: Desk, token: str, tmp_path: Path) -> None:
    before = desk.ask(tokens.find, id_of(token)).hash
    stronger = Argon2id(memory_kib=16, passes=2)
    with Desk.open(desk.location, operator="ada", hasher=stronger, clock=desk.clock) as later:
        with later.verifier() as verifier:
            assert verifier.introspect(token).active
            after = later.ask(tokens.find, id_of(token)).hash
            assert verifier.introspect(token).active
            assert verifier.argon2_runs == 1
        assert "m=16,t=2" in after
        assert "m=8,t=1" in before
        assert later.ask(audit.verify).holds


def test_a_clock_that_was_set_back_verifies_nothing(desk: Desk, verifier: Verifier, token: str, clock: Clock) -> None:
    clock.forward(timedelta(days=91))
    assert verifier.verdict(token, FROM).refusal is Refusal.EXPIRED
    clock.forward(-timedelta(days=2))
    with pytest.raises(StoreError, match="clock is behind"):
        verifier.introspect(token)
    desk.run(audit.accept_clock)
    assert verifier.introspect(token).active
    assert desk.ask(audit.verify).holds


def test_a_clock_a_little_behind_is_taken(desk: Desk, verifier: Verifier, token: str, clock: Clock) -> None:
    clock.forward(-timedelta(minutes=5))
    assert verifier.introspect(token).active
    clock.forward(-timedelta(seconds=1))
    with pytest.raises(StoreError, match="clock is behind"):
        verifier.introspect(token)


def test_strings_of_no_meaning_are_one_event_with_their_sources(desk: Desk) -> None:
    with desk.verifier() as verifier:
        for number in range(30):
            verifier.introspect("bdk_nothing", Asked(address=f"10.0.0.{number % 3}"))
    events = uses(desk)
    assert [event.action for event in events] == ["token:unknown"]
    assert audit.detail_of(events[0]) == {"count": 30, "sources": {f"10.0.0.{number}": 10 for number in range(3)}}


def test_what_a_client_says_is_recorded_without_its_query_its_tokens_and_what_is_unseen(
    desk: Desk, verifier: Verifier, token: str
) -> None:
    path = f"/a\x1b[31m\u202e/{token}/" + "x" * 500 + "?key=secret"
    verifier.introspect(token, Asked(address="10.0.0.1\n", method="GET" * 20, path=path))
    event = uses(desk)[-1]
    said = event.source + event.detail
    assert token not in said
    assert "secret" not in said
    assert len(audit.detail_of(event)["path"]) == 200
    assert not {"\x1b", "\u202e", "\n"} & set(event.source + audit.detail_of(event)["path"])


@pytest.mark.parametrize("form", ["/dl/key_{}", "/dl/{}.tar", "/a{}b"])
@pytest.mark.parametrize("encodings", [0, 1, 3, 20])
def test_a_token_in_a_path_is_not_recorded_however_it_is_written(token: str, form: str, encodings: int) -> None:
    path = form.format(token)
    for number in range(encodings):
        path = path.replace("_", "%5F") if number == 0 else path.replace("%", "%25")
    recorded = ledger.cleaned(path, 1000)
    for _ in range(encodings):
        recorded = unquote(recorded)
    assert token not in recorded
    assert "[redacted]" in recorded


def test_a_path_without_a_token_is_recorded_as_it_is() -> None:
    assert ledger.cleaned("/a%20b/100%25", 1000) == "/a%20b/100%25"


def test_a_string_with_a_right_check_and_no_token_is_told_apart(desk: Desk) -> None:
    forged = bearer.mint(desk.ask(tokens.mint_key), seeded()).token.reveal()
    with desk.verifier() as verifier:
        assert verifier.verdict(forged, FROM).refusal is Refusal.UNKNOWN
        assert verifier.verdict("nonsense", FROM).refusal is Refusal.UNKNOWN
    (event,) = uses(desk)
    assert (event.action, audit.detail_of(event)["count"], audit.detail_of(event)["forged"]) == ("token:unknown", 2, 1)


def test_of_several_who_end_a_token_at_once_one_does(desk: Desk, verifier: Verifier, token: str) -> None:
    verifier.introspect(token)

    async def crowd() -> list[bool]:
        return await asyncio.gather(*(verifier.end(token, FROM) for _ in range(5)))

    assert sorted(asyncio.run(crowd())) == [False] * 4 + [True]


class Unlucky:
    """A turn to record that cannot be had when it is told so."""

    def __init__(self) -> None:
        self.fails = 0

    def __enter__(self) -> None:
        if self.fails:
            self.fails -= 1
            raise OSError("no locks available")

    def __exit__(self, *_: object) -> None:
        pass


def test_whatever_fails_while_counts_are_recorded_the_next_one_is_answered(desk: Desk, token: str) -> None:
    turn = Unlucky()
    with desk.verifier(turn=turn) as verifier:
        assert verifier.introspect(token).active
        verifier.introspect("nonsense")
        turn.fails = 1
        verifier._tally._flushed -= 3600
        waited = threading.Event()
        for _ in range(600):
            if not turn.fails:
                break
            waited.wait(0.05)
        assert not turn.fails
        assert verifier.introspect(token).active
    assert [event.action for event in uses(desk)] == ["token:used", "token:used", "token:unknown"]


@pytest.fixture
def coalescing(place: str, tmp_path: Path, clock: Clock) -> Iterator[Desk]:
    settings = Settings(store=place, state_dir=tmp_path, config_file=tmp_path / "none", record_uses="coalesced")
    with Desk.open(settings=settings, operator="ada", clock=clock, hasher=light_hasher()) as desk:
        yield desk


def test_coalesced_uses_are_one_event_with_a_count_and_all_are_counted(coalescing: Desk, clock: Clock) -> None:
    with coalescing.begin() as tx:
        accounts.create(tx, "nightly-build")
        token = handed(tx, "nightly-build")
    with coalescing.verifier() as verifier:
        for _ in range(10):
            assert verifier.introspect(token, FROM).active
        assert len(uses(coalescing)) == 1
        assert verifier.introspect(token, Asked(address="10.0.0.9")).active
        clock.forward(timedelta(seconds=20))
        coalescing.run(tokens.revoke, id_of(token), reason="leaked")
        clock.forward(timedelta(seconds=20))
        assert verifier.verdict(token, FROM).refusal is Refusal.REVOKED
    assert coalescing.ask(tokens.find, id_of(token)).last_used_at == NOON
    assert audit.detail_of(uses(coalescing)[-1])["last_at"] == to_text(NOON)
    told = [(event.action, audit.detail_of(event).get("count", 1)) for event in uses(coalescing)]
    assert told == [("token:used", 1), ("token:used", 1), ("token:refused", 1), ("token:used", 9)]
    assert coalescing.ask(audit.verify).holds


def test_what_was_counted_is_told_once_when_many_come_after_the_minute(coalescing: Desk) -> None:
    with coalescing.begin() as tx:
        accounts.create(tx, "nightly-build")
        token = handed(tx, "nightly-build")
    with coalescing.verifier() as verifier:
        for _ in range(6):
            verifier.introspect(token, FROM)
        verifier._tally._clock = lambda: time.monotonic() + 61

        async def crowd() -> None:
            await asyncio.gather(*(verifier.answer(token, FROM) for _ in range(10)))

        asyncio.run(crowd())
    assert sum(audit.detail_of(event).get("count", 1) for event in uses(coalescing)) == 16


def test_a_count_is_in_the_next_event_once_the_minute_is_over(desk: Desk, token: str) -> None:
    seconds = [0.0]
    tally = Tally(lambda: seconds[0])
    presented = bearer.parse(token, desk.ask(tokens.mint_key))
    assert presented is not None
    use = Use(presented, FROM)
    assert not tally.open(use)
    tally.recorded(use)
    assert tally.open(use)
    assert tally.count(use)
    assert tally.count(use)
    seconds[0] = 60.0
    assert not tally.open(use)
    assert tally.counted(use) == 2
    tally.flush(desk.store.change)
    assert tally.counted(use) == 0
    assert audit.detail_of(uses(desk)[-1])["count"] == 2
    assert not tally.count(use)


def test_what_cannot_be_recorded_is_not_accepted_and_the_next_one_is_once_it_can(
    stores: Stores, desk: Desk, verifier: Verifier, token: str
) -> None:
    assert verifier.introspect(token).active
    with stores.away(desk.location), pytest.raises(StoreError):
        verifier.introspect(token)
    assert verifier.introspect(token).active


def test_a_token_ends_itself_as_the_account(desk: Desk, verifier: Verifier, token: str) -> None:
    assert asyncio.run(verifier.end(token, FROM))
    assert verifier.verdict(token, FROM).refusal is Refusal.REVOKED
    assert not asyncio.run(verifier.end(token, FROM))
    events = desk.ask(audit.page, audit.Filter(action="token:revoked")).rows
    assert [(event.actor_kind, event.actor) for event in events] == [("account", "nightly-build")]
    assert desk.ask(audit.verify).holds


def test_a_closed_verifier_says_so(desk: Desk, token: str) -> None:
    verifier = desk.verifier()
    verifier.close()
    with pytest.raises(StoreError, match="closed"):
        verifier.introspect(token)


def test_what_is_read_of_a_token_is_its_whole_row() -> None:
    assert lookup.Row._fields[: len(lookup.COLUMNS)] == tuple(column.name for column in table_of(Token).columns)


def test_a_row_shows_no_hash(desk: Desk, token: str) -> None:
    with desk.read() as tx:
        row = lookup.rows(tx.session.connection(), [id_of(token)])[id_of(token)]
    assert row.hash not in repr(row)
    assert "argon2" not in repr(row)
