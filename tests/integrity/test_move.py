"""A desk that is moved is the same desk, on the other engine and back; a move that fails leaves nothing behind."""

import itertools
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from botdesk import accounts, audit, keeping, people
from botdesk.audit import Filter, Outcome
from botdesk.desk import Desk
from botdesk.errors import AccessDenied, AuditBroken, BotdeskError, Conflict, StoreError
from botdesk.testing import Clock, open_desk
from tests.integrity import house
from tests.integrity.worker import Workers
from tests.raw import raw
from tests.stores import ENGINES, Postgresql, Sqlite, Stores

PAIRS = [(one, two) for one in ENGINES for two in ENGINES]

both_ways = pytest.mark.parametrize(
    ("origin", "aim"), [("sqlite", "postgresql"), ("postgresql", "sqlite")], indirect=True
)


@pytest.fixture(scope="session")
def engines(postgresql: Postgresql) -> dict[str, Stores]:
    return {"sqlite": Sqlite(), "postgresql": postgresql}


@pytest.fixture(scope="session")
def houses(engines: dict[str, Stores], tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The furnished house on each engine, closed; only to be copied."""
    made = {name: stores.new(tmp_path_factory.mktemp(name)) for name, stores in engines.items()}
    for store in made.values():
        house.furnish(store)
    return made


@pytest.fixture
def origin(
    request: pytest.FixtureRequest, engines: dict[str, Stores], houses: dict[str, str], tmp_path: Path
) -> Iterator[str]:
    """A furnished store."""
    (tmp_path / "from").mkdir(mode=0o700)
    store = engines[request.param].copy(houses[request.param], tmp_path / "from")
    yield store
    engines[request.param].drop(store)


@pytest.fixture
def aim(request: pytest.FixtureRequest, engines: dict[str, Stores], tmp_path: Path) -> Iterator[str]:
    """A store with nothing in it."""
    (tmp_path / "to").mkdir(mode=0o700)
    store = engines[request.param].new(tmp_path / "to")
    yield store
    engines[request.param].drop(store)


def opened(store: str, operator: str = "bea", seed: int = 4) -> Desk:
    return open_desk(store, operator=operator, clock=Clock(house.LATER), seed=seed)


def is_empty(store: str) -> bool:
    if "://" not in store and not Path(store).exists():
        return True
    with raw(store) as connection:
        return connection.tables() == []


def test_the_same_work_is_the_same_to_the_last_byte_on_both_engines(houses: dict[str, str]) -> None:
    kept = [house.contents(store) for store in houses.values()]
    assert kept[0] == kept[1]
    told = []
    for store in houses.values():
        with opened(store) as desk:
            for form in ("jsonl", "csv"):
                with desk.begin() as tx:
                    told.append((form, list(audit.export(tx, form=form))))
    assert told[:2] == told[2:]


@pytest.mark.parametrize(("origin", "aim"), PAIRS, indirect=True)
def test_a_moved_desk_is_the_same_and_goes_on(origin: str, aim: str) -> None:
    before = house.contents(origin)
    steps: list[tuple[str, int, int]] = []
    with opened(origin) as desk:
        moved = keeping.move(desk, aim, progress=lambda *step: steps.append(step))
        assert moved.head == desk.head()
    assert house.contents(origin) == before
    assert house.contents(aim) == before
    assert moved.rows == sum(len(rows) for name, rows in before.items() if name != "alembic_version")
    assert [step for step in steps if step[0] == "copying"][-1] == ("copying", moved.rows, moved.rows)
    assert all(done <= total for _, done, total in steps)
    with opened(aim) as desk:
        assert moved.location == desk.location
        assert not desk.founded
        assert [check.name for check in keeping.check(desk) if not check.ok] in ([], ["durability"])
        desk.run(accounts.remove, "nightly-build")
        desk.run(people.disable, "ben")
        assert desk.ask(audit.verify).holds
        with pytest.raises(StoreError, match="the audit refuses"), desk.begin() as tx:
            tx.session.connection().execute(text("DELETE FROM event"))


@both_ways
def test_there_and_back_again_is_where_one_was(
    origin: str, aim: str, engines: dict[str, Stores], tmp_path: Path
) -> None:
    (tmp_path / "back").mkdir(mode=0o700)
    stores = engines["postgresql" if "://" in origin else "sqlite"]
    back = stores.new(tmp_path / "back")
    with opened(origin) as desk:
        keeping.move(desk, aim)
    with opened(aim) as desk:
        keeping.move(desk, back)
    assert house.contents(back) == house.contents(origin)
    stores.drop(back)


def _tampered(store: str) -> None:
    with house.tampering(store) as sql:
        sql("UPDATE token SET revoked_at = NULL, revoked_reason = NULL WHERE label = 'revoked'")


@both_ways
def test_a_damaged_source_is_not_moved(origin: str, aim: str) -> None:
    with opened(origin) as desk:
        _tampered(origin)
        with pytest.raises(AuditBroken, match="token") as refused:
            keeping.move(desk, aim)
    assert "nothing was moved" in refused.value.hint
    assert is_empty(aim)


def _founded(store: str) -> None:
    open_desk(store).close()


def _emptied_by_hand(store: str) -> None:
    _founded(store)
    with house.tampering(store) as sql:
        for table in ("event", "setting", "person"):
            sql(f"DELETE FROM {table}")


def _of_another(store: str) -> None:
    with raw(store) as connection:
        connection.execute("CREATE TABLE places (url text)")
    if "://" not in store:
        Path(store).chmod(0o600)


@both_ways
@pytest.mark.parametrize(
    ("make", "kind"), [(_founded, Conflict), (_emptied_by_hand, Conflict), (_of_another, StoreError)]
)
def test_a_target_with_something_in_it_is_left_as_it_is(
    origin: str, aim: str, make: Callable[[str], None], kind: type[BotdeskError]
) -> None:
    make(aim)
    before = house.contents(aim)
    with opened(origin) as desk, pytest.raises(kind) as refused:
        keeping.move(desk, aim)
    assert refused.value.hint
    assert house.contents(aim) == before


@pytest.mark.parametrize("origin", ENGINES, indirect=True)
def test_a_store_is_not_moved_into_itself(origin: str) -> None:
    before = house.contents(origin)
    with opened(origin) as desk, pytest.raises(Conflict):
        keeping.move(desk, origin)
    assert house.contents(origin) == before


@both_ways
@pytest.mark.parametrize("operator", ["ben", "cleo"])
def test_only_admins_move_a_desk(origin: str, aim: str, operator: str) -> None:
    with opened(origin, operator) as desk, pytest.raises(AccessDenied):
        keeping.move(desk, aim)
    assert is_empty(aim)
    with opened(origin) as desk:
        last = desk.ask(audit.page, Filter(outcome=Outcome.DENIED), limit=1).rows[0]
    assert (last.actor, last.action) == (operator, "desk:backed-up")


@pytest.mark.parametrize(("origin", "aim"), [("sqlite", "postgresql")], indirect=True)
def test_a_target_that_is_lost_while_it_is_filled_has_nothing_in_it(
    origin: str, aim: str, postgresql: Postgresql
) -> None:
    before = house.contents(origin)

    def lose(what: str, done: int, total: int) -> None:
        if what == "copying" and done > 20:
            with postgresql.away(aim):
                pass

    with opened(origin) as desk, pytest.raises(StoreError, match="lost"):
        keeping.move(desk, aim, progress=lose)
    assert is_empty(aim)
    assert house.contents(origin) == before


@pytest.mark.parametrize("aim", ["sqlite"], indirect=True)
@pytest.mark.parametrize("origin", ["postgresql"], indirect=True)
def test_a_file_that_a_desk_was_moved_into_is_private(origin: str, aim: str) -> None:
    with opened(origin) as desk:
        keeping.move(desk, aim)
    assert all(path.stat().st_mode & 0o777 == 0o600 for path in Path(aim).parent.iterdir())


@both_ways
def test_killed_at_any_step_a_move_has_arrived_wholly_or_not_at_all(origin: str, aim: str, workers: Workers) -> None:
    before = house.contents(origin)
    for step in itertools.count(1):
        ended = workers.run("move", store=origin, to=aim, kill_at=step)
        assert house.contents(origin) == before
        if ended.code == 0:
            break
        assert ended.code == -signal.SIGKILL, ended.said
        assert is_empty(aim)
    assert step > len(before)
    assert house.contents(aim) == before
