"""From somebody's personal token to a service account's own: four steps, each proved by what happened."""

import shlex
import subprocess
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from botdesk import accounts, audit, grants, handoff, migration, naming, people, recipes, stages, tokens, verification
from botdesk.access import Level
from botdesk.bearer import Secret
from botdesk.desk import Desk
from botdesk.errors import AccessDenied, Conflict, InvalidInput, NotFound
from botdesk.migration import ACCEPTED_FOR, LONGEST_ACCEPTANCE, View
from botdesk.personal import FRESH_SECONDS, Registered
from botdesk.recipes import Platform
from botdesk.stages import QUIET, Facts, Stage
from botdesk.store.tables import Migration
from botdesk.target import Command, File, parse_target
from botdesk.testing import NOON, Clock
from botdesk.verification import INACTIVE, Answer, Asked, Refusal
from botdesk.verifier import Verifier

OLD = "ghp_16C7e42F292c6912E7710c838347Ae178B4a"
DAY, MINUTE = timedelta(days=1), timedelta(minutes=1)


@pytest.fixture
def began(desk: Desk) -> str:
    """A migration from ben's token to `nightly-build`; carl manages that, and dora views it."""
    for name in ("ben", "carl", "dora", "eve"):
        desk.run(people.add, name)
    desk.run(accounts.create, "nightly-build", scopes="catalog:read deploy:write")
    desk.run(grants.give, "nightly-build", "person:carl", Level.MANAGE)
    desk.run(grants.give, "nightly-build", "person:dora", Level.VIEW)
    return desk.run(migration.start, "nightly-build", "shop nightly build", owner="ben", place="host ci-1").id


@pytest.fixture
def open_(desk: Desk, began: str) -> str:
    """The same, with the old token registered and accepted."""
    desk.run(migration.register, began, Secret(OLD))
    desk.run(migration.accept, began)
    return began


@pytest.fixture
def verifier(desk: Desk) -> Iterator[Verifier]:
    with desk.verifier() as made:
        yield made


def issued(desk: Desk, migration_id: str) -> str:
    """Issue the new token and hand it over; returns the whole token."""
    with desk.begin() as tx:
        made = migration.issue(tx, migration_id)
        tokens.deliver(tx, made.token.id, to="clipboard")
        return made.secret.reveal()


def stage(desk: Desk, migration_id: str) -> Stage:
    return desk.ask(migration.line, migration_id).stage


def view(desk: Desk, migration_id: str) -> View:
    return desk.ask(migration.view, migration_id)


def presented(verifier: Verifier, token: str, address: str = "10.0.0.8", *scopes: str) -> Answer:
    return verifier.verdict(token, Asked(address=address, scopes=frozenset(scopes)))


def test_each_step_is_proved_by_what_happened(desk: Desk, clock: Clock, open_: str, verifier: Verifier) -> None:
    assert stage(desk, open_) is Stage.TOKEN
    desk.run(migration.issue, open_)
    assert stage(desk, open_) is Stage.TOKEN
    token = issued(desk, open_)
    assert stage(desk, open_) is Stage.SWITCH
    clock.forward(MINUTE)
    assert presented(verifier, token).refusal is None
    assert stage(desk, open_) is Stage.REVOKE
    assert desk.ask(migration.line, open_).facts.first_used_at == clock.now
    desk.run(migration.revoke, open_)
    assert stage(desk, open_) is Stage.DONE
    assert desk.ask(migration.listed) == []
    assert [line.migration.id for line in desk.ask(migration.listed, over=True)] == [open_]


def test_a_token_left_pending_is_revoked_when_another_is_issued(desk: Desk, began: str) -> None:
    left = desk.run(migration.issue, began).token.id
    issued(desk, began)
    assert desk.ask(tokens.line, left).state is tokens.TokenState.REVOKED
    with pytest.raises(Conflict, match="works already"):
        desk.run(migration.issue, began)


def test_a_step_that_is_not_so_any_more_comes_again(desk: Desk, began: str) -> None:
    issued(desk, began)
    new = desk.ask(migration.line, began).token
    assert new is not None
    desk.run(tokens.revoke, new.id, reason="leaked")
    assert stage(desk, began) is Stage.TOKEN
    issued(desk, began)
    assert stage(desk, began) is Stage.SWITCH
    desk.run(accounts.disable, "nightly-build")
    assert stage(desk, began) is Stage.ACCOUNT


def test_the_first_use_of_what_the_new_token_was_rotated_to_counts(desk: Desk, began: str) -> None:
    issued(desk, began)
    new = desk.ask(migration.line, began).token
    assert new is not None
    successor = desk.run(tokens.rotate, new.id, overlap=timedelta()).token.id
    desk.run(tokens.deliver, successor, to="clipboard")
    assert stage(desk, began) is Stage.SWITCH
    desk.run(verification.note, successor, Asked(address="10.0.0.8"))
    assert stage(desk, began) is Stage.REVOKE


def test_the_registered_token_counts_as_the_account_and_each_use_is_on_record(
    desk: Desk, open_: str, verifier: Verifier
) -> None:
    answer = presented(verifier, OLD, "10.0.0.8", "catalog:read")
    assert answer.refusal is None
    told = answer.introspection
    assert (told.username, told.scope, told.jti) == ("nightly-build", "catalog:read deploy:write", open_)
    event = desk.ask(audit.page, limit=1).rows[0]
    assert (event.action, event.actor, event.actor_kind, event.source) == (
        "personal-token:used", "nightly-build", "account", "10.0.0.8",
    )  # fmt: skip
    assert audit.detail_of(event)["owner"] == "ben"
    found = view(desk, open_)
    assert [(source.address, source.count) for source in found.stragglers] == [("10.0.0.8", 1)]
    assert found.scopes == {"catalog:read"}
    assert presented(verifier, OLD, "10.0.0.8", "root:all").refusal is Refusal.SCOPE
    assert desk.ask(audit.verify).holds


def test_stragglers_are_those_who_use_the_old_one_since_the_new_one_was_seen(
    desk: Desk, clock: Clock, open_: str, verifier: Verifier
) -> None:
    presented(verifier, OLD, "10.0.0.1")
    clock.forward(MINUTE)
    presented(verifier, issued(desk, open_), "10.0.0.2")
    clock.forward(MINUTE)
    for _ in range(3):
        presented(verifier, OLD, "10.0.0.3")
    assert [(source.address, source.count) for source in view(desk, open_).stragglers] == [("10.0.0.3", 3)]


def test_the_old_token_is_not_ended_before_the_new_one_was_seen_and_it_was_quiet(
    desk: Desk, clock: Clock, open_: str, verifier: Verifier
) -> None:
    token = issued(desk, open_)
    presented(verifier, OLD)
    with pytest.raises(Conflict, match="has not been used yet"):
        desk.run(migration.revoke, open_)
    presented(verifier, token)
    clock.forward(QUIET - timedelta(seconds=1))
    with pytest.raises(Conflict, match=r"was used 9 minutes ago from 10\.0\.0\.8"):
        desk.run(migration.revoke, open_)
    clock.forward(timedelta(seconds=1))
    desk.run(migration.revoke, open_)


def test_an_ended_token_is_refused_at_the_next_request_and_each_try_is_shown(
    desk: Desk, open_: str, verifier: Verifier
) -> None:
    assert presented(verifier, OLD).refusal is None
    desk.run(migration.revoke, open_, anyway=True)
    for _ in range(2):
        assert presented(verifier, OLD, "10.0.0.9") == Answer(
            INACTIVE, Refusal.REVOKED, frozenset(), open_, "nightly-build"
        )
    assert [(source.address, source.count) for source in view(desk, open_).tries] == [("10.0.0.9", 2)]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda desk, found, clock: desk.run(migration.pause, found), None),
        (lambda desk, found, clock: clock.forward(ACCEPTED_FOR - timedelta(seconds=1)), None),
        (lambda desk, found, clock: clock.forward(ACCEPTED_FOR), Refusal.EXPIRED),
        (lambda desk, found, clock: desk.run(migration.close, found), Refusal.PERSONAL),
        (lambda desk, found, clock: desk.run(migration.cancel, found), Refusal.UNKNOWN),
        (lambda desk, found, clock: desk.run(accounts.disable, "nightly-build"), Refusal.DISABLED),
        (lambda desk, found, clock: desk.run(accounts.remove, "nightly-build"), Refusal.REMOVED),
    ],
    ids=["paused", "before its end", "at its end", "closed", "cancelled", "disabled", "removed"],
)
def test_what_becomes_of_the_registered_token(
    desk: Desk,
    clock: Clock,
    open_: str,
    verifier: Verifier,
    change: Callable[[Desk, str, Clock], object],
    expected: Refusal | None,
) -> None:
    change(desk, open_, clock)
    assert presented(verifier, OLD).refusal is expected


def test_a_registered_token_is_not_accepted_by_that_alone(desk: Desk, began: str, verifier: Verifier) -> None:
    with desk.begin(actor="ben") as tx:
        migration.register(tx, began, Secret(OLD))
    with desk.verifier() as another:
        assert presented(another, OLD).refusal is Refusal.PERSONAL
    desk.run(migration.accept, began)
    desk.run(migration.register, began, Secret(f"{OLD}-another"))
    assert desk.ask(migration.line, began).facts.accept_until is None


def test_only_a_keyed_digest_of_the_old_token_is_kept(desk: Desk, open_: str) -> None:
    with desk.read() as tx:
        row = tx.session.get_one(Migration, open_)
    assert row.digest is not None
    assert len(row.digest) == 64
    assert row.digest not in repr(row)
    assert all(OLD not in event.detail for event in desk.ask(audit.page, limit=50).rows)


@pytest.mark.parametrize(
    "text", ["short", "with a space in it 0123", "aaaaaaaaaaaaaaaaaaaaaaaa", "x" * 5000, "tökens-are-ascii-alone"]
)
def test_what_cannot_be_a_personal_token_is_not_taken(desk: Desk, began: str, text: str) -> None:
    with pytest.raises(InvalidInput, match="not taken for a personal token"):
        desk.run(migration.register, began, Secret(text))


def test_a_token_of_this_desk_is_no_personal_one(desk: Desk, began: str) -> None:
    with pytest.raises(InvalidInput, match="token of this desk"):
        desk.run(migration.register, began, Secret(issued(desk, began)))


def test_one_personal_token_counts_as_one_account(desk: Desk, open_: str) -> None:
    another = desk.run(migration.start, "nightly-build", "another job", owner="ben").id
    with pytest.raises(Conflict, match="registered already"):
        desk.run(migration.register, another, Secret(OLD))
    desk.run(migration.cancel, open_)
    desk.run(migration.register, another, Secret(OLD))


def test_acceptance_needs_a_registered_token_and_a_near_date(desk: Desk, clock: Clock, began: str) -> None:
    with pytest.raises(Conflict, match="does not know the old token"):
        desk.run(migration.accept, began)
    desk.run(migration.register, began, Secret(OLD))
    for until in (clock.now, clock.now + LONGEST_ACCEPTANCE + MINUTE):
        with pytest.raises(InvalidInput):
            desk.run(migration.accept, began, until=until)
    desk.run(migration.accept, began, until=clock.now + LONGEST_ACCEPTANCE)


def test_a_token_from_elsewhere_is_confirmed_by_hand_by_whom_and_when(desk: Desk, clock: Clock, began: str) -> None:
    with pytest.raises(Conflict, match="does not know"):
        desk.run(migration.revoke, began, anyway=True)
    with pytest.raises(InvalidInput):
        desk.run(migration.confirm, began, how=" ", anyway=True)
    with desk.begin(actor="ben") as tx:
        migration.confirm(tx, began, how="deleted in GitHub's settings", anyway=True)
    line = desk.ask(migration.line, began)
    assert (line.stage, line.ender, line.migration.ended_at) == (Stage.DONE, "ben", clock.now)
    assert line.migration.ended_how == "deleted in GitHub's settings"


def test_a_paused_migration_is_resumed_by_another_who_manages_the_account(desk: Desk, began: str) -> None:
    desk.run(migration.pause, began)
    for act in (migration.issue, migration.pause):
        with pytest.raises(Conflict, match="is paused"):
            desk.run(act, began)
    with pytest.raises(AccessDenied), desk.begin(actor="dora") as tx:
        migration.resume(tx, began)
    with desk.begin(actor="carl") as tx:
        migration.resume(tx, began)
    assert desk.ask(migration.line, began).runner == "carl"


def test_cancelling_harms_neither_the_account_nor_its_new_token(desk: Desk, open_: str, verifier: Verifier) -> None:
    token = issued(desk, open_)
    desk.run(migration.cancel, open_)
    assert presented(verifier, token).refusal is None
    assert stage(desk, open_) is Stage.CANCELLED
    with pytest.raises(Conflict, match="is over"):
        desk.run(migration.cancel, open_)


def test_the_owner_sees_registers_and_ends_their_own_whatever_they_have_on_the_account(desk: Desk, began: str) -> None:
    with desk.read(actor="ben") as tx:
        assert [line.migration.id for line in migration.listed(tx)] == [began]
    with desk.begin(actor="ben") as tx:
        migration.register(tx, began, Secret(OLD))
    with pytest.raises(AccessDenied), desk.begin(actor="ben") as tx:
        migration.accept(tx, began)
    with pytest.raises(NotFound), desk.begin(actor="eve") as tx:
        migration.register(tx, began, Secret(OLD))
    with desk.begin(actor="ben") as tx:
        migration.revoke(tx, began, anyway=True)


def test_an_account_that_cannot_have_tokens_is_no_destination(desk: Desk, began: str) -> None:
    desk.run(accounts.disable, "nightly-build")
    with pytest.raises(Conflict, match="is disabled"):
        desk.run(migration.start, "nightly-build", "a job", owner="ben")


def test_what_is_nobodys_opens_no_transaction(desk: Desk, open_: str, verifier: Verifier) -> None:
    before = verifier.figures.commits
    for number in range(20):
        assert presented(verifier, f"{OLD}{number}").refusal is Refusal.UNKNOWN
    assert verifier.figures.commits == before


def test_which_are_registered_is_read_again_by_one_caller_when_that_is_long_ago() -> None:
    now, known = [0.0], {"a"}
    registered = Registered(lambda: frozenset(known), lambda: now[0])
    known.add("b")
    assert registered.suspects("a")
    assert not registered.suspects("b")
    now[0] = FRESH_SECONDS
    assert (registered.suspects("b"), registered.suspects("c")) == (True, False)
    assert registered.has("b")
    assert registered.suspects("b")


FACTS = Facts(started_at=NOON, registered=True, accept_until=NOON + DAY, delivered_at=NOON, first_used_at=NOON)


@pytest.mark.parametrize(("later", "expected"), [(DAY - MINUTE, False), (DAY, True)])
def test_an_old_token_is_overdue_at_its_end_date(later: timedelta, expected: bool) -> None:
    assert stages.overdue(FACTS, NOON + later) is expected


@pytest.mark.parametrize(
    ("what", "expected"),
    [
        ("shop nightly build", "shop-nightly-build"),
        ("GitHub: acme/shop, nightly build", "shop-nightly-build"),
        ("https://gitlab.com/acme/infra terraform plan", "infra-terraform-plan"),
        ("3rd-party sync", "rd-party-sync"),
        ("the bot", ""),
        ("日次", ""),
        ("x" * 60, "x" * 40),
    ],
)
def test_a_name_is_suggested_from_what_the_integration_is(what: str, expected: str) -> None:
    found = naming.suggested(what)
    assert found in (expected, expected.removeprefix("rd-"))
    assert not found or accounts.check_name(found) == found


@pytest.mark.parametrize("platform", Platform)
def test_a_recipe_hands_over_by_a_target_that_is_one_and_names_no_secret(platform: Platform) -> None:
    found = recipes.recipe(platform, "nightly-build")
    target = parse_target(found.target)
    assert isinstance(target, (Command, File))
    assert not any("{name}" in text or "{{" in text for text in (found.target, found.needs)), found
    assert found.steps
    assert "nightly-build" in f"{found.target} {found.steps}" or "BOTDESK_TOKEN" in found.target


@pytest.mark.parametrize(
    ("platform", "place", "expected"),
    [
        (Platform.GITHUB_ACTIONS, "acme/shop", "--repo acme/shop"),
        (Platform.GITHUB_ACTIONS, "host ci-1; true", "--repo OWNER/REPO"),
        (Platform.GITHUB_ACTIONS, "acme/shop/more", "--repo OWNER/REPO"),
        (Platform.GITLAB_CI, "acme/shop/more", "--repo acme/shop/more"),
        (Platform.GITLAB_CI, "acme", "--repo GROUP/PROJECT"),
    ],
)
def test_a_repository_stands_in_its_recipe_and_nothing_else_does(platform: Platform, place: str, expected: str) -> None:
    found = recipes.recipe(platform, "nightly-build", place)
    assert found.target.endswith(expected)
    assert expected in found.steps[-1]


@pytest.mark.parametrize("name", ["ci-bot", "a-name-that-is-rather-a-long-one"])
@pytest.mark.parametrize("platform", Platform)
def test_a_recipe_can_be_copied_from_eighty_columns_and_what_is_broken_is_still_one_command(
    platform: Platform, name: str
) -> None:
    found = recipes.recipe(platform, name)
    lines = recipes.told(found)
    assert max(map(len, lines)) <= 76
    for code in (f"  {found.target.partition(':')[2]}", *(step for step in found.steps if step.startswith("  "))):
        broken = recipes.folded(code, 76)
        where = next(place for place, line in enumerate(lines) if line == broken[0])
        assert lines[where : where + len(broken)] == broken
    command = recipes.folded(f"  {found.target.partition(':')[2]}", 40)
    joined = "\n".join(command).replace("\\\n", "")
    whole = found.target.partition(":")[2]
    assert [word.split() for word in shlex.split(joined)] == [word.split() for word in shlex.split(whole)]


@pytest.mark.parametrize(
    ("platform", "name"), [(Platform.DOTENV, ".env.botdesk"), (Platform.CLAUDE, "nightly-build.env")]
)
def test_a_recipe_for_a_file_of_variables_writes_one_that_a_shell_reads(
    platform: Platform, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    handoff.give(Secret("made-up"), parse_target(recipes.recipe(platform, "nightly-build").target))
    assert (tmp_path / name).stat().st_mode & 0o777 == 0o600
    script = f'. "./{name}"; echo "$BOTDESK_TOKEN"'
    read = subprocess.run(["sh", "-c", script], capture_output=True, text=True, timeout=60)
    assert read.stdout == "made-up\n"


def test_what_the_old_token_was_asked_for_tells_the_least_scopes(desk: Desk, open_: str, verifier: Verifier) -> None:
    assert view(desk, open_).scopes == frozenset()
    assert presented(verifier, OLD, "10.0.0.8", "catalog:read").refusal is None
    lacking = presented(verifier, OLD, "10.0.0.8", "admin:all")
    assert (lacking.refusal, lacking.missing) == (Refusal.SCOPE, frozenset({"admin:all"}))
    assert view(desk, open_).scopes == {"catalog:read"}
    assert desk.run(migration.issue, open_).token.scopes == "catalog:read"
    assert desk.run(migration.issue, open_, scopes="deploy:write").token.scopes == "deploy:write"


def test_what_a_refused_one_was_asked_for_counts_too_and_while_nothing_is_known_all_scopes_are_given(
    desk: Desk, began: str
) -> None:
    desk.run(migration.register, began, Secret(OLD))
    assert desk.run(migration.issue, began).token.scopes == "catalog:read deploy:write"
    with desk.verifier() as verifier:
        assert presented(verifier, OLD, "10.0.0.8", "deploy:write").refusal is Refusal.PERSONAL
    assert desk.run(migration.issue, began).token.scopes == "deploy:write"


def test_who_began_it_registered_the_old_token_and_issued_the_new_one_is_told(desk: Desk, began: str) -> None:
    assert (desk.ask(migration.line, began).registrar, desk.ask(migration.line, began).issuer) == ("", "")
    with desk.begin(actor="ben") as tx:
        migration.register(tx, began, Secret(OLD))
    with desk.begin(actor="carl") as tx:
        migration.issue(tx, began)
    line = desk.ask(migration.line, began)
    assert (line.starter, line.registrar, line.issuer) == (desk.operator, "ben", "carl")


def test_operating_is_not_enough_and_a_stranger_learns_nothing(desk: Desk, began: str) -> None:
    desk.run(grants.give, "nightly-build", "person:dora", Level.OPERATE)
    for person, refusal in (("dora", AccessDenied), ("eve", NotFound)):
        for act in (migration.issue, migration.pause, migration.cancel):
            with pytest.raises(refusal), desk.begin(person) as tx:
                act(tx, began)
    with desk.read("eve") as tx:
        assert migration.listed(tx, over=True) == []
    told = []
    for identity in (began, "mig_AAAAAAAAAA"):
        with pytest.raises(NotFound) as refused, desk.read("eve") as tx:
            migration.view(tx, identity)
        told.append(str(refused.value).replace(identity, "it"))
    assert told[0] == told[1]


def test_while_one_is_paused_nothing_but_the_acceptance_goes_on(desk: Desk, open_: str, verifier: Verifier) -> None:
    desk.run(migration.pause, open_)
    assert presented(verifier, OLD).refusal is None
    for act in (migration.issue, migration.accept, migration.pause, migration.revoke):
        with pytest.raises(Conflict, match="is paused"):
            desk.run(act, open_)
    desk.run(migration.close, open_)
    assert presented(verifier, OLD).refusal is Refusal.PERSONAL
