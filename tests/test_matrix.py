"""Every operation by everybody, through the library, the commands, the SSH entry and the screens, against one table."""

import fcntl
import io
import json
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from textual.pilot import Pilot

from botdesk import audit, people
from botdesk.__main__ import start
from botdesk.access import Standing
from botdesk.audit import Outcome
from botdesk.cli import output
from botdesk.cli.context import Visit
from botdesk.cli.ssh import answer
from botdesk.desk import Desk, system_clock, system_user
from botdesk.errors import AccessDenied, NotFound
from botdesk.remote import Entry
from botdesk.testing import open_desk
from tests import matrix
from tests.cli.conftest import surroundings
from tests.matrix import Case, NotListed
from tests.public_keys import BENS
from tests.raw import raw
from tests.stores import Stores
from tests.tui.stage import names, opened, press, window

pytestmark = pytest.mark.dear

ROWS = matrix.rows()
OPERATIONS = list(ROWS)
TRIES = [(column, way) for column, ways in matrix.WAYS.items() for way in ways]
LISTED = {
    "account list": "name",
    "token list all": "account",
    "grant list all": "account",
    "access what": "account",
    "audit list": "account",
    "key list": "person",
    "bulk list": "run",
    "migration list": "account",
}
"""The field of a JSON listing in which the account, or the person, is looked for."""
SIGNS = {0: "ok", 3: "–", 4: "no", 9: "ok"}


@pytest.fixture(scope="session")
def furnished(stores: Stores, common: Path) -> str:
    """The desk, only to be copied; whichever process of the run comes first furnishes it."""
    shared = common / f"matrix-{stores.engine}"
    shared.mkdir(mode=0o700, exist_ok=True)
    with (shared / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = shared / "furnished"
        if not done.exists():
            store = stores.new(shared)
            matrix.furnish(store)
            done.write_text(store)
        return done.read_text()


class Copy:
    """The furnished desk's store, to be spoiled; the environment leads to it."""

    def __init__(self, stores: Stores, furnished: str, folder: Path, patch: pytest.MonkeyPatch) -> None:
        self._stores, self._furnished, self._folder, self._patch = stores, furnished, folder, patch
        self.name = ""

    def anew(self) -> None:
        """Have it as it was furnished."""
        self.drop()
        self.name = self._stores.copy(self._furnished, self._folder)
        self._patch.setenv("BOTDESK_STORE", self.name)

    def drop(self) -> None:
        if self.name:
            self._stores.drop(self.name)

    def open(self, operator: str | None = None) -> Desk:
        return open_desk(self.name, operator=operator or system_user(), seed=3, clock=system_clock)

    def head(self) -> int:
        with raw(self.name) as connection:
            return int(connection.execute("SELECT max(sequence) FROM event").fetchone()[0])

    def since(self, before: int) -> list[tuple[str, str]]:
        """Who did what was recorded after an event, and how it ended."""
        with raw(self.name) as connection:
            asked = "SELECT actor, outcome FROM event WHERE sequence > ? ORDER BY sequence"
            return [(str(actor), str(outcome)) for actor, outcome in connection.execute(asked, (before,))]


@pytest.fixture
def copy(stores: Stores, furnished: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Copy]:
    (tmp_path / "desk").mkdir(mode=0o700)
    for name, value in surroundings(tmp_path, "").items():
        monkeypatch.setenv(name, value)
    made = Copy(stores, furnished, tmp_path / "desk", monkeypatch)
    made.anew()
    yield made
    made.drop()


@pytest.fixture
def desk(copy: Copy) -> Iterator[Desk]:
    with copy.open() as opened:
        yield opened


def cases(desk: Desk) -> list[tuple[str, Case]]:
    return [(column, matrix.case(desk, way)) for column, way in TRIES]


def differing(found: dict[str, str], operation: str) -> dict[str, tuple[str, str]]:
    """What came out otherwise than the table says: by way, the table's sign and the one that was found."""
    expected = {way: ROWS[operation][column] for column, way in TRIES}
    return {way: (expected[way], sign) for way, sign in found.items() if sign != expected[way]}


def recorded(desk: Desk, before: int, sign: str, actor: str) -> bool:
    """Whether just this denial is in the audit, and nothing where nothing was denied."""
    denials = [
        event
        for event in desk.ask(audit.page, limit=10).rows
        if event.sequence > before and event.outcome is Outcome.DENIED
    ]
    if sign in ("no", "–"):
        return [event.actor.removeprefix(f"{system_user()} as ") for event in denials] == [actor]
    return denials == []


class _Over(Exception):
    """The end of what is taken back."""


def test_the_table_names_every_operation() -> None:
    assert set(ROWS) == set(matrix.LIBRARY)
    assert set(matrix.WAYS) == set(ROWS["account show"])


@pytest.mark.parametrize("operation", OPERATIONS)
def test_the_library_does_what_the_table_says(desk: Desk, operation: str) -> None:
    found = {}
    for _, case in cases(desk):
        before = desk.head().sequence
        sign = _in_library(desk, operation, case)
        found[case.way] = sign if recorded(desk, before, sign, case.person) else f"{sign} unrecorded"
    assert differing(found, operation) == {}
    assert desk.ask(audit.verify).holds


def _in_library(desk: Desk, operation: str, case: Case) -> str:
    try:
        with suppress(_Over), desk.begin(actor=case.person) as tx:
            matrix.LIBRARY[operation](tx, case)
            tx.session.flush()
            assert audit.verify(tx).holds, "a row was changed of which no event tells"
            raise _Over
    except AccessDenied:
        return "no"
    except NotFound:
        return "–"
    except NotListed:
        return "·"
    return "ok"


def test_who_is_disabled_does_nothing_at_all(copy: Copy, desk: Desk) -> None:
    everybody = cases(desk)
    for _, case in everybody:
        desk.run(people.disable, case.person)
    for _, case in everybody:
        before = desk.head().sequence
        with pytest.raises(AccessDenied):
            copy.open(case.person)
        assert recorded(desk, before, "no", case.person), case.way
        for operation in OPERATIONS:
            with pytest.raises(AccessDenied):
                _refused(desk, operation, case)


def _refused(desk: Desk, operation: str, case: Case) -> None:
    with desk.read(actor=case.person) as tx:
        matrix.LIBRARY[operation](tx, case)


Door = Callable[[list[str], str], int]


def _at_the_host(words: list[str], person: str) -> int:
    return start([*words, "--as", person])


def _over_ssh(words: list[str], person: str) -> int:
    import shlex

    try:
        return answer(Visit(entry=Entry(person, None, "ssh 203.0.113.7", True)), shlex.join(words))
    except BaseException as error:
        return output.report(error)


FIRST = [(column, ways[0]) for column, ways in matrix.WAYS.items()]
"""One way to each column: the rule itself was held through the library."""

WITHOUT_A_COMMAND = {"token deliver", "token abandon", "incident", "bulk rotate", "notify", "notify claim"}
"""The first two are parts of issuing; `incident` passes over what is not the person's to revoke; secrets of a bulk
rotation go to a command of the host alone, and whom `notify` tells is the host's."""


DOORS: dict[str, tuple[Door, str]] = {
    "at the host": (_at_the_host, f"{system_user()} as {{}}"),
    "over ssh": (_over_ssh, "{}"),
}
"""The doors, and how the audit calls whoever came in by one."""


@pytest.mark.parametrize("operation", [name for name in OPERATIONS if name not in WITHOUT_A_COMMAND])
@pytest.mark.parametrize("through", DOORS)
def test_a_command_does_what_the_table_says(
    copy: Copy,
    operation: str,
    through: str,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with copy.open() as desk:
        tries = [matrix.case(desk, way) for _, way in FIRST]
    door, called = DOORS[through]
    found = {}
    for case in tries:
        before = copy.head()
        code, out, err = _tried(door, operation, case, capfd, monkeypatch)
        sign = SIGNS.get(code, f"{code}: {err}")
        if code == 0 and operation in LISTED:
            wanted = {"key list": "guest", "bulk list": case.run}.get(operation, case.bot)
            sign = "ok" if wanted in {str(line[LISTED[operation]]) for line in json.loads(out)} else "·"
        found[case.way] = sign if _told(copy, before, sign, called.format(case.person)) else f"{sign} unrecorded"
        if sign == "ok" and operation not in LISTED:
            copy.anew()
    assert differing(found, operation) == {}


def _tried(
    door: Door, operation: str, case: Case, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> tuple[int, str, str]:
    """The exit code, and what was said."""
    given = matrix.OLD if operation == "migration register" else BENS
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(given.encode())))
    capfd.readouterr()
    code = door(matrix.words(operation, case), case.person)
    return code, *capfd.readouterr()


def _told(copy: Copy, before: int, sign: str, actor: str) -> bool:
    """Whether the audit has just the denial, or nothing but what was done, by who it was."""
    told = copy.since(before)
    return told == [(actor, "denied")] if sign in ("no", "–") else set(told) <= {(actor, "done")}


@pytest.mark.parametrize("standing", ["member", "auditor"])
def test_who_is_no_admin_does_nothing_in_the_name_of_another(
    copy: Copy, standing: str, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with copy.open() as desk:
        desk.run(people.modify, system_user(), standing=Standing(standing))
        admin = matrix.case(desk, "admin")
    for operation in (name for name in OPERATIONS if name not in WITHOUT_A_COMMAND):
        before = copy.head()
        code, _, _ = _tried(_at_the_host, operation, admin, capfd, monkeypatch)
        assert (code, copy.since(before)) == (4, [(system_user(), "denied")]), operation


ON_THE_SCREEN = {
    "issue": "token issue",
    "rotate": "token rotate",
    "revoke": "token revoke",
    "give": "grant give",
    "modify": "account modify",
    "switch": "account disable",
    "remove": "account remove",
}
"""Which operation a key of an account's screen does."""


@pytest.mark.parametrize(("column", "way"), FIRST)
async def test_the_screens_offer_what_the_table_says(copy: Copy, column: str, way: str) -> None:
    with copy.open() as desk:
        case = matrix.case(desk, way)
    before = copy.head()
    async with opened(copy.name, operator=case.person) as pilot:
        assert (case.bot in names(pilot)) is (ROWS["account list"][column] == "ok")
        assert _offered(pilot, "create") is (ROWS["account create"][column] == "ok")
        if case.bot in names(pilot):
            await press(pilot, "slash", case.bot, "enter", "enter")
            window(pilot, "token-list").seek(case.token)
            await press(pilot, "r")
            for action, operation in ON_THE_SCREEN.items():
                assert _offered(pilot, action) is (ROWS[operation][column] == "ok"), action
        await press(pilot, "4")
        assert _offered(pilot, "add") is (ROWS["person add"][column] == "ok")
        assert _offered(pilot, "switch") is (ROWS["person disable"][column] == "ok")
    assert copy.since(before) == []


def _offered(pilot: Pilot[str], action: str) -> bool:
    return bool(pilot.app.screen.check_action(action, ()))
