import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from botdesk import accounts, audit, demo, grants, migration, people, stages, tokens
from botdesk.access import ActorKind
from botdesk.accounts import AccountState
from botdesk.audit import Outcome
from botdesk.desk import Desk
from botdesk.errors import AccessDenied, Conflict
from botdesk.stages import Stage
from botdesk.tokens import TokenState

EVERYTHING = accounts.Filter(removed=True)


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    folder = tmp_path_factory.mktemp("demo", numbered=True)
    folder.chmod(0o700)
    with demo.open_desk(folder / "demo.db") as desk:
        yield desk


def all_events(desk: Desk) -> tuple[audit.Event, ...]:
    return desk.ask(audit.page, limit=5000, oldest_first=True).rows


def test_is_the_same_in_another_process_and_place(desk: Desk, tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    script = "import sys, pathlib; from botdesk import demo; print(demo.open_desk(pathlib.Path(sys.argv[1])).head())"
    command = [sys.executable, "-c", script, str(tmp_path / "elsewhere.db")]
    assert subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip() == str(desk.head())


def test_chain_verifies(desk: Desk) -> None:
    verdict = desk.ask(audit.verify)
    assert verdict.holds, verdict.findings
    assert 400 <= verdict.events <= 1000


def test_clock_stands_still(desk: Desk) -> None:
    with desk.read() as tx:
        assert tx.now == demo.NOW


def test_time_only_goes_forward(desk: Desk) -> None:
    instants = [event.at for event in all_events(desk)]
    assert instants == sorted(instants)
    assert timedelta(weeks=10) < demo.NOW - instants[0] < timedelta(weeks=12)
    assert instants[-1] < demo.NOW


def test_has_tokens_in_every_state(desk: Desk) -> None:
    assert {line.state for line in desk.ask(tokens.listed)} == set(TokenState)


def test_has_accounts_in_every_state_and_of_every_purpose(desk: Desk) -> None:
    lines = desk.ask(accounts.page, EVERYTHING).rows
    assert {line.state for line in lines} == set(AccountState)
    assert {line.account.purpose for line in lines} == set(accounts.Purpose)
    assert len(lines) >= 14


def test_has_endings_near_far_and_never(desk: Desk) -> None:
    live = [line.token for line in desk.ask(tokens.listed, states=tokens.LIVE)]
    assert any(token.expires_at is None for token in live)
    assert any(token.expires_at and token.expires_at - demo.NOW < timedelta(days=3) for token in live)


def test_has_migrations_at_every_step_one_overdue_one_paused_and_one_with_stragglers(desk: Desk) -> None:
    lines = desk.ask(migration.listed, over=True)
    assert {line.stage for line in lines} == {Stage.TOKEN, Stage.SWITCH, Stage.REVOKE, Stage.DONE}
    assert sum(stages.overdue(line.facts, demo.NOW) for line in lines) == 1
    assert sum(line.facts.paused_at is not None for line in lines) == 1
    (switched,) = (line for line in lines if line.stage is Stage.REVOKE)
    found = desk.ask(migration.view, switched.migration.id)
    assert len(found.stragglers) == 2
    assert found.scopes == {"deploy:write"}
    assert switched.token is not None
    assert switched.token.scopes == "deploy:write"


def test_has_an_overdue_rotation(desk: Desk) -> None:
    with desk.read() as tx:
        ages = [
            (demo.NOW - line.token.issued_at).days - accounts.find(tx, line.token.account_id).rotation_days
            for line in tokens.listed(tx, states={TokenState.ACTIVE})
        ]
    assert any(over > 0 for over in ages)


def test_uses_are_recent_old_and_none(desk: Desk) -> None:
    used = [line.last_used_at for line in desk.ask(accounts.page).rows]
    ages = [demo.NOW - at for at in used if at]
    assert min(ages) < timedelta(minutes=2)
    assert any(timedelta(hours=2) < age < timedelta(days=1) for age in ages)
    assert max(ages) > timedelta(days=21)
    assert None in used


def test_activity_is_denser_lately_and_on_weekdays(desk: Desk) -> None:
    days = desk.ask(audit.counts, since=demo.NOW - timedelta(days=70), until=demo.NOW, buckets=70)
    assert sum(days[-20:]) > 2 * sum(days[:50])
    uses = [event.at.weekday() for event in all_events(desk) if event.action == "token:used"]
    assert sum(day < 5 for day in uses) / 5 > 1.5 * sum(day >= 5 for day in uses) / 2


def test_somebody_left_and_an_account_is_orphaned(desk: Desk) -> None:
    with desk.read() as tx:
        left = {line.person.id for line in people.listed(tx) if not line.active}
        orphans = [
            line.account.name
            for line in accounts.page(tx).rows
            if line.account.created_by in left and not grants.listed(tx, line.account.id)
        ]
    assert len(left) == 2
    assert orphans == ["schema-crawler"]


def test_every_refused_step_was_refused(desk: Desk) -> None:
    denied = [event for event in all_events(desk) if event.outcome is Outcome.DENIED]
    refused = [event for event in denied if event.actor_kind is ActorKind.PERSON]
    assert len(refused) == sum(step.denied for step in demo.STORY) >= 5
    assert {"ben", "dora"} <= {event.actor for event in refused}


def test_a_disabled_bot_still_knocks_and_is_refused(desk: Desk) -> None:
    wanted = audit.Filter(account="legacy-ftp-sync", action="token:refused")
    assert desk.ask(audit.page, wanted).total >= 5


def test_every_rhythm_is_of_a_token_that_was_used(desk: Desk) -> None:
    names = {event.actor for event in all_events(desk) if event.action == "token:used"}
    assert names == {rhythm.key.split()[0] for rhythm in demo.RHYTHMS if not rhythm.personal}
    with desk.read() as tx:
        moving = {line.migration.what for line in migration.listed(tx) if line.facts.old_used_at}
    assert moving == {rhythm.key for rhythm in demo.RHYTHMS if rhythm.personal}


def test_opens_for_its_people_alone(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    with demo.open_desk(tmp_path / "chen.db", operator="chen") as desk:
        assert desk.operator == "chen"
    with pytest.raises(AccessDenied):
        demo.open_desk(tmp_path / "jonas.db", operator="jonas")


def test_never_builds_over_a_file(tmp_path: Path) -> None:
    path = tmp_path / "mine.db"
    path.write_text("mine")
    with pytest.raises(Conflict):
        demo.open_desk(path)
    assert path.read_text() == "mine"


def test_live_ends_at_the_present(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    with demo.open_desk(tmp_path / "live.db", live=True) as desk:
        last = all_events(desk)[-1].at
        assert timedelta() < datetime.now(UTC) - last < timedelta(minutes=2)
        assert desk.ask(audit.verify).holds
        assert {line.state for line in desk.ask(tokens.listed)} == set(TokenState)
