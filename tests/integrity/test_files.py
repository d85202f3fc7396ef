"""The store as a file: private whatever the umask; what cannot be used is refused with a hint and left as it is."""

import json
import os
import shutil
import stat
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pysqlite3
import pytest

from botdesk import accounts, audit, keeping, people, roles
from botdesk.desk import Desk
from botdesk.errors import AccessDenied, BotdeskError, Conflict, InvalidInput, NotFound, SchemaMismatch, StoreError
from botdesk.store.sqlite import wal_is_safe
from botdesk.testing import Clock, open_desk
from tests.integrity import house
from tests.integrity.worker import Workers

NOBODY = 65534
PAGE = 4096

Scene = Callable[[Path], object]


def tree(folder: Path) -> dict[str, tuple[int, bytes]]:
    """Every file below a folder: its mode and its bytes."""
    return {
        str(path.relative_to(folder)): (path.lstat().st_mode, path.read_bytes() if path.is_file() else b"")
        for path in (folder, *sorted(folder.rglob("*")))
    }


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder that any user can reach."""
    folder = Path(tempfile.mkdtemp(prefix="botdesk-test-"))
    folder.chmod(0o755)
    yield folder
    for path in (folder, *folder.rglob("*")):
        if path.is_dir() and not path.is_symlink():
            path.chmod(0o700)
    shutil.rmtree(folder)


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077, 0o177], ids="{:03o}".format)
def test_all_files_are_private_whatever_the_umask(workers: Workers, tmp_path: Path, umask: int) -> None:
    data = tmp_path / "data"
    store = data / "botdesk" / "botdesk.db"
    assert workers.run("try_to", store=store, out=tmp_path / "out", umask=umask, data_home=data).code == 0
    found = json.loads((tmp_path / "out").read_text("utf-8"))
    assert found["error"] == ""
    modes = found["modes"]
    assert {"botdesk.db", "botdesk.db-wal", "botdesk.db-shm", "backups"} < set(modes)
    for name, mode in modes.items():
        assert mode == (0o700 if name == "backups" else 0o600), name
    assert store.parent.stat().st_mode & 0o777 == 0o700
    assert data.stat().st_mode & 0o777 == 0o700


def test_others_lose_the_right_to_read_the_store(store: Path) -> None:
    store.chmod(0o644)
    with open_desk(store):
        assert store.stat().st_mode & 0o777 == 0o600


def _another_program(store: Path, *statements: str) -> None:
    with house.raw(store) as connection:
        for statement in statements:
            connection.execute(statement)
    store.chmod(0o640)


def _cut(size: int) -> Scene:
    return lambda store: os.truncate(store, size)


def _execute(*statements: str) -> Scene:
    def act(store: Path) -> None:
        with house.tampering(store) as sql:
            for statement in statements:
                sql(statement)

    return act


def _moved(store: Path) -> Path:
    return store.rename(store.with_name("moved.db"))


def _in_place(make: Callable[[Path], object]) -> Scene:
    def act(store: Path) -> None:
        store.unlink()
        make(store)

    return act


def _rollback(store: Path) -> None:
    with house.raw(store) as connection:
        connection.execute("PRAGMA journal_mode=DELETE")
        connection.execute("UPDATE alembic_version SET version_num = '9999'")


SCENES: dict[str, tuple[Scene, type[BotdeskError], str]] = {
    "a symlink": (lambda store: store.symlink_to(_moved(store)), StoreError, "symlink"),
    "a symlink to nothing": (_in_place(lambda store: store.symlink_to("nowhere")), StoreError, "symlink"),
    "the group may write": (lambda store: store.chmod(0o660), StoreError, "others may write"),
    "everybody may write": (lambda store: store.chmod(0o606), StoreError, "others may write"),
    "the group may write to the folder": (lambda store: store.parent.chmod(0o770), StoreError, "others may write"),
    "everybody may write to the folder": (lambda store: store.parent.chmod(0o707), StoreError, "others may write"),
    "a folder": (_in_place(lambda store: store.mkdir()), StoreError, "is no file"),
    "a pipe": (_in_place(os.mkfifo), StoreError, "is no file"),
    "garbage": (lambda store: store.write_bytes(bytes(range(256)) * 64), StoreError, "damaged"),
    "a text": (lambda store: store.write_text("dear diary\n"), StoreError, "damaged"),
    "one byte": (lambda store: store.write_bytes(b"S"), StoreError, "damaged"),
    "cut within the header": (_cut(60), StoreError, "damaged"),
    "cut after the header": (_cut(100), StoreError, "damaged"),
    "cut within the first page": (_cut(1000), StoreError, "damaged"),
    "cut after the first page": (_cut(PAGE), StoreError, "damaged"),
    "cut in the middle": (_cut(20 * PAGE + 7), StoreError, "damaged"),
    "cut by a page": (lambda store: os.truncate(store, store.stat().st_size - PAGE), StoreError, "damaged"),
    "another program's": (
        _in_place(lambda store: _another_program(store, "CREATE TABLE places (url TEXT)")),
        StoreError,
        "another program's",
    ),
    "another program's, with a log": (
        _in_place(lambda store: _another_program(store, "PRAGMA journal_mode=WAL", "CREATE TABLE places (url TEXT)")),
        StoreError,
        "another program's",
    ),
    "another program's, with Alembic": (
        _in_place(
            lambda store: _another_program(
                store, "CREATE TABLE alembic_version (version_num)", "INSERT INTO alembic_version VALUES ('0001')"
            )
        ),
        StoreError,
        "another program's",
    ),
    "another program's, marked but without tables": (
        _in_place(lambda store: _another_program(store, "PRAGMA application_id=7")),
        StoreError,
        "another program's",
    ),
    "from the future": (_execute("UPDATE alembic_version SET version_num = '9999'"), SchemaMismatch, "'9999'"),
    "from the future, of an old SQLite": (_rollback, SchemaMismatch, "'9999'"),
    "of no schema": (_execute("DELETE FROM alembic_version"), SchemaMismatch, "schema"),
    "of two schemas": (_execute("INSERT INTO alembic_version VALUES ('0001')"), SchemaMismatch, "schema"),
}


@pytest.mark.parametrize("create", [True, False], ids=["may create", "may not create"])
@pytest.mark.parametrize("scene", SCENES)
def test_what_cannot_be_used_is_refused_with_a_hint_and_left_as_it_is(store: Path, scene: str, create: bool) -> None:
    make, kind, words = SCENES[scene]
    make(store)
    before = tree(store.parent)
    with pytest.raises(kind, match=words) as refused:
        Desk.open(store, operator="ada", create=create)
    assert refused.value.hint
    assert tree(store.parent) == before


@pytest.mark.parametrize("create", [True, False], ids=["may create", "may not create"])
@pytest.mark.parametrize("what", ["missing/botdesk.db", "missing/too/botdesk.db", "file/botdesk.db"])
def test_a_store_in_no_folder_is_refused_with_a_hint(tmp_path: Path, what: str, create: bool) -> None:
    (tmp_path / "file").write_text("dear diary")
    before = tree(tmp_path)
    with pytest.raises(StoreError, match="folder") as refused:
        Desk.open(tmp_path / what, operator="ada", create=create)
    assert refused.value.hint
    assert tree(tmp_path) == before


def test_a_missing_store_is_refused_when_none_was_to_be_made(tmp_path: Path) -> None:
    with pytest.raises((NotFound, StoreError), match="there is no store") as refused:
        Desk.open(tmp_path / "botdesk.db", operator="ada", create=False)
    assert refused.value.hint
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("store", ["postgres://host", "sqlite://", "sqlite:///:memory:", "://", "mysql://host/db"])
def test_a_store_of_another_kind_is_refused_with_a_hint(store: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        Desk.open(store, operator="ada")
    assert refused.value.hint


def test_every_damaged_page_is_reported_and_left_as_it_is(furnished: Path, tmp_path: Path) -> None:
    whole = furnished.read_bytes()
    pages = len(whole) // PAGE
    assert pages > 20
    for page in range(pages):
        store = tmp_path / f"{page}.db"
        store.write_bytes(whole[: page * PAGE] + b"\xa5" * PAGE + whole[(page + 1) * PAGE :])
        store.chmod(0o600)
        damaged = store.read_bytes()
        assert _complaint(store), f"page {page + 1}"
        assert store.read_bytes() == damaged


def _complaint(store: Path) -> str:
    try:
        with open_desk(store, operator="bea") as desk:
            return "; ".join(check.words for check in keeping.check(desk) if not check.ok and check.hint)
    except BotdeskError as error:
        return error.hint and error.message


def test_a_damaged_store_is_not_copied(store: Path) -> None:
    size = store.stat().st_size
    with store.open("r+b") as file:
        file.seek(size - 3 * PAGE)
        file.write(b"\xa5" * 3 * PAGE)
    backup = store.with_name("saved.db")
    with pytest.raises(StoreError) as refused, open_desk(store, operator="bea") as desk:
        keeping.backup(desk, backup)
    assert refused.value.hint
    assert not backup.exists()


def test_a_backup_is_a_whole_and_private_store(store: Path) -> None:
    with open_desk(store, clock=Clock(house.LATER)) as desk:
        made = keeping.backup(desk)
        head = desk.head()
    assert made.parent == store.parent / "backups"
    assert made.stat().st_mode & 0o777 == 0o600
    with open_desk(made) as desk:
        assert desk.ask(audit.verify).holds
        assert desk.head().sequence == head.sequence - 1


@pytest.mark.parametrize(
    "there",
    [lambda path: path.write_text("precious"), lambda path: path.mkdir(), lambda path: path.symlink_to("nowhere")],
    ids=["a file", "a folder", "a symlink to nothing"],
)
def test_a_backup_replaces_nothing(store: Path, there: Scene) -> None:
    made = store.with_name("saved.db")
    there(made)
    before, head = tree(store.parent)["saved.db"], _head(store)
    with open_desk(store) as desk, pytest.raises(Conflict) as refused:
        keeping.backup(desk, made)
    assert refused.value.hint
    assert tree(store.parent)["saved.db"] == before
    assert _head(store) == head


def _head(store: Path) -> audit.Head:
    with open_desk(store) as desk:
        return desk.head()


def test_a_backup_into_no_folder_is_refused_and_not_recorded(store: Path) -> None:
    head = _head(store)
    with open_desk(store) as desk, pytest.raises(StoreError) as refused:
        keeping.backup(desk, store / "saved.db")
    assert refused.value.hint
    assert _head(store) == head


def test_only_admins_make_backups(store: Path) -> None:
    with open_desk(store, operator="ben") as desk, pytest.raises(AccessDenied):
        keeping.backup(desk, store.with_name("saved.db"))
    assert not store.with_name("saved.db").exists()


Use = Callable[..., dict[str, Any]]


@pytest.fixture
def use(workers: Workers, tmp_path: Path) -> Use:
    """Use a store in a process of its own, as nobody."""

    def try_to(store: Path, **conditions: Any) -> dict[str, Any]:
        out = tmp_path / "out"
        out.unlink(missing_ok=True)
        conditions.setdefault("uid", NOBODY if os.geteuid() == 0 else 0)
        assert workers.run("try_to", store=store, out=out, **conditions).code == 0
        found: dict[str, Any] = json.loads(out.read_text("utf-8"))
        return found

    return try_to


def _given_to_nobody(furnished: Path, place: Path) -> Path:
    folder = place / "desk"
    folder.mkdir(mode=0o700)
    store = Path(shutil.copy(furnished, folder / "botdesk.db"))
    if os.geteuid() == 0:
        os.chown(folder, NOBODY, NOBODY)
        os.chown(store, NOBODY, NOBODY)
    return store


def test_another_user_uses_a_store_of_their_own(furnished: Path, place: Path, use: Use) -> None:
    found = use(_given_to_nobody(furnished, place))
    assert (found["error"], found["got"]) == ("", ["opened", "read", "written", "copied"])


@pytest.mark.parametrize(
    ("file", "folder", "got"),
    [
        (0o000, 0o700, []),
        (0o200, 0o700, []),
        (0o600, 0o000, []),
        (0o600, 0o400, []),
        (0o400, 0o700, ["opened", "read"]),
        (0o400, 0o500, []),
        (0o600, 0o500, []),
    ],
    ids=lambda value: f"{value:03o}" if isinstance(value, int) else None,
)
def test_what_the_permissions_forbid_is_told_with_a_hint(
    furnished: Path, place: Path, use: Use, file: int, folder: int, got: list[str]
) -> None:
    store = _given_to_nobody(furnished, place)
    before = store.read_bytes()
    store.chmod(file)
    store.parent.chmod(folder)
    found = use(store)
    assert (found["error"], found["got"]) == ("StoreError", got), found
    assert found["hint"]
    store.parent.chmod(0o700)
    assert store.stat().st_mode & 0o777 == file
    store.chmod(0o600)
    assert store.read_bytes() == before


@pytest.mark.parametrize("folder", [0o500, 0o400, 0o000], ids="{:03o}".format)
def test_a_store_is_not_made_where_nothing_may_be_written(place: Path, use: Use, folder: int) -> None:
    desk = place / "desk"
    desk.mkdir()
    if os.geteuid() == 0:
        os.chown(desk, NOBODY, NOBODY)
    desk.chmod(folder)
    found = use(desk / "botdesk.db")
    assert found["error"] == "StoreError", found
    assert found["hint"]


def test_the_default_folder_is_not_made_where_nothing_may_be_written(place: Path, use: Use) -> None:
    found = use(place / "botdesk" / "botdesk.db", data_home=str(_closed(place)))
    assert found["error"] == "StoreError", found
    assert found["hint"]


def _closed(folder: Path) -> Path:
    folder.chmod(0o555)
    return folder


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
@pytest.mark.parametrize("owner", [4321, 0])
def test_a_store_of_another_user_is_refused(furnished: Path, place: Path, use: Use, owner: int) -> None:
    store = _given_to_nobody(furnished, place)
    os.chown(store, owner, owner)
    store.chmod(0o644)
    before = tree(store.parent)
    found = use(store)
    assert (found["error"], found["got"]) == ("StoreError", [])
    assert "belongs to another user" in found["message"]
    assert found["hint"]
    assert tree(store.parent) == before


@pytest.mark.parametrize(("pages", "is_written"), [(1, False), (2, False), (5, False), (16, True)])
def test_a_full_disk_is_told_and_nothing_is_half_done(
    furnished: Path, place: Path, use: Use, pages: int, is_written: bool
) -> None:
    store = _given_to_nobody(furnished, place)
    before = house.contents(store)
    found = use(store, largest=pages * PAGE)
    assert found["error"] == "StoreError", found
    assert found["hint"]
    assert ("written" in found["got"]) is is_written
    with open_desk(store, operator="bea") as desk:
        assert desk.ask(audit.verify).holds
    assert (house.contents(store) != before) is is_written


def test_a_full_disk_leaves_no_half_backup(furnished: Path, place: Path, use: Use) -> None:
    store = _given_to_nobody(furnished, place)
    found = use(store, largest=store.stat().st_size - PAGE)
    assert (found["error"], found["got"]) == ("StoreError", ["opened", "read", "written"])
    assert list((store.parent / "backups").iterdir()) == []


@pytest.mark.parametrize("what", ["removed", "replaced"])
def test_nothing_is_written_to_a_store_that_was_taken_away(store: Path, furnished: Path, what: str) -> None:
    with open_desk(store) as desk:
        shutil.rmtree(store.parent)
        if what == "replaced":
            store.parent.mkdir()
            shutil.copy(furnished, store)
        for work in (lambda: desk.run(accounts.create, "new-job"), desk.head):
            with pytest.raises(StoreError, match="replaced or removed") as refused:
                work()
            assert refused.value.hint
    assert what == "removed" or store.read_bytes() == furnished.read_bytes()


def test_who_looks_while_the_store_is_away_makes_none_in_its_place_and_sees_it_again(store: Path) -> None:
    with open_desk(store) as desk:
        head = desk.head()
        with desk.read():
            aside = store.rename(store.with_name("aside.db"))
            with pytest.raises(StoreError, match="replaced or removed"):
                desk.head()
            assert not store.exists()
            aside.rename(store)
        with desk.read():
            assert desk.head() == head


@pytest.mark.parametrize(
    ("version", "safe"),
    [
        ((3, 7, 0), False),
        ((3, 34, 1), False),
        ((3, 40, 1), False),
        ((3, 44, 5), False),
        ((3, 44, 6), True),
        ((3, 45, 0), False),
        ((3, 49, 9), False),
        ((3, 50, 6), False),
        ((3, 50, 7), True),
        ((3, 51, 0), False),
        ((3, 51, 2), False),
        ((3, 51, 3), True),
        ((3, 52, 0), True),
        ((3, 53, 4), True),
        ((4, 0, 0), True),
    ],
    ids=str,
)
def test_the_log_is_used_only_in_versions_that_lose_nothing(version: tuple[int, ...], safe: bool) -> None:
    assert wal_is_safe(version) is safe


def test_a_store_has_the_journal_that_is_safe_here(store: Path) -> None:
    with house.raw(store) as connection:
        assert connection.execute("PRAGMA journal_mode=DELETE").fetchone() == ("delete",)
    with open_desk(store), house.raw(store) as connection:
        wanted = "wal" if wal_is_safe(pysqlite3.sqlite_version_info) else "delete"
        assert connection.execute("PRAGMA journal_mode").fetchone() == (wanted,)


def test_what_is_deleted_is_overwritten(store: Path) -> None:
    words = "whom to call by night"
    with open_desk(store, seed=2) as desk:
        desk.run(roles.create, "on-call", description=words)
    assert words.encode() in store.read_bytes()
    with open_desk(store, seed=3) as desk:
        desk.run(roles.remove, "on-call")
    assert words.encode() not in store.read_bytes()


def test_a_store_is_opened_by_path_and_by_url(store: Path) -> None:
    for name in (store, str(store), f"sqlite:///{store}"):
        with Desk.open(name, operator="ada") as desk:
            assert desk.location == str(store)


def test_the_sticky_folder_of_everybody_is_refused_and_stays_as_it_is(tmp_path: Path) -> None:
    tmp_path.chmod(0o1777)
    with pytest.raises(StoreError, match="others may write") as refused:
        open_desk(tmp_path / "botdesk.db")
    assert refused.value.hint.endswith(f"mkdir -m 700 '{tmp_path / 'botdesk'}'")
    assert list(tmp_path.iterdir()) == []
    assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o1777


def _open_to_all(beside: Path) -> None:
    beside.touch()
    beside.chmod(0o666)


PLANTED: dict[str, Scene] = {
    "a symlink": lambda beside: beside.symlink_to("elsewhere"),
    "a pipe": os.mkfifo,
    "open to all": _open_to_all,
}


@pytest.mark.parametrize("scene", PLANTED)
@pytest.mark.parametrize("ending", ["-wal", "-shm", "-journal", ".lock"])
def test_what_was_planted_beside_the_store_is_refused_and_left(store: Path, ending: str, scene: str) -> None:
    beside = store.with_name(store.name + ending)
    beside.unlink(missing_ok=True)
    PLANTED[scene](beside)
    mode = beside.lstat().st_mode
    with pytest.raises(StoreError, match="not the store's own") as refused:
        open_desk(store)
    assert refused.value.hint
    assert beside.lstat().st_mode == mode


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_a_log_that_another_user_planted_brings_no_rows_into_the_store(store: Path, place: Path) -> None:
    with open_desk(place / "evil.db", operator="mallory") as theirs:
        theirs.run(people.add, "ada")
        log = Path(shutil.copy(theirs.location + "-wal", store.with_name(store.name + "-wal")))
    os.chown(log, NOBODY, NOBODY)
    with pytest.raises(StoreError, match="not the store's own"):
        open_desk(store, operator="mallory")
    log.unlink()
    with open_desk(store) as desk:
        assert "mallory" not in {line.person.name for line in desk.ask(people.listed)}


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_a_store_in_another_users_folder_is_refused(store: Path) -> None:
    os.chown(store.parent, NOBODY, NOBODY)
    with pytest.raises(StoreError, match="belongs to another user") as refused:
        open_desk(store)
    assert refused.value.hint
