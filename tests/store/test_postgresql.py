"""What is PostgreSQL's own: who may log in, what is told of it, what holds there, and a connection that is lost."""

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, create_engine, event, text
from sqlmodel import SQLModel

from botdesk import accounts, audit, keeping, roles, settings, tokens
from botdesk.desk import Desk
from botdesk.errors import InvalidInput, SchemaMismatch, StoreError
from botdesk.store import engine
from botdesk.store.transaction import Transaction
from botdesk.testing import Clock, open_desk
from tests.integrity import house
from tests.postgres_server import OWNER, PASSWORD, Server
from tests.raw import raw
from tests.stores import Postgresql, database


@pytest.fixture
def place(postgresql: Postgresql, tmp_path: Path) -> Iterator[str]:
    """An empty database."""
    store = postgresql.new(tmp_path)
    yield store
    postgresql.drop(store)


@pytest.fixture
def desk(place: str, clock: Clock) -> Iterator[Desk]:
    """A new desk in it."""
    with open_desk(place, clock=clock) as opened:
        yield opened


def network(server: Server, store: str, **query: str) -> str:
    """The same store over the network, with TLS that is held against the server's certificate."""
    given = {"sslmode": "verify-full", "sslrootcert": f"{server.folder}/server.crt", **query}
    options = "&".join(f"{name}={value}" for name, value in given.items())
    return f"postgresql+psycopg://{OWNER}@localhost:{server.port}/{database(store)}?{options}"


def test_the_password_comes_from_the_environment_and_the_connection_is_encrypted(
    server: Server, desk: Desk, place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGPASSWORD", PASSWORD)
    with open_desk(network(server, place)) as far:
        far.run(accounts.create, "ci-bot")
        checks = {check.name: check for check in keeping.check(far)}
        assert checks["connection"].words.startswith("TLS")
        assert checks["connection"].ok
        assert far.title == f"{database(place)} on localhost"


def test_the_password_comes_from_a_file(
    server: Server, desk: Desk, place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "passwords"
    file.write_text(f"localhost:{server.port}:*:{OWNER}:{PASSWORD}\n")
    file.chmod(0o600)
    monkeypatch.setenv("PGPASSFILE", str(file))
    with open_desk(network(server, place)) as far:
        assert far.head() == desk.head()


@pytest.mark.parametrize(
    ("query", "given", "told"),
    [
        ({}, "wrong-one", "refused the login"),
        ({"sslmode": "disable"}, PASSWORD, "refused the login"),
        ({"sslrootcert": "/nowhere.crt"}, PASSWORD, "no TLS"),
        ({"sslrootcert": "system"}, PASSWORD, "no TLS"),
        ({"port": "1"}, PASSWORD, "cannot be reached"),
        ({"dbname": "nowhere"}, PASSWORD, "no such database"),
    ],
    ids=["wrong password", "plain", "no authority", "other authority", "nobody there", "no database"],
)
def test_who_cannot_connect_is_told_why_and_no_secret(
    server: Server,
    place: str,
    monkeypatch: pytest.MonkeyPatch,
    query: dict[str, str],
    given: str,
    told: str,
) -> None:
    monkeypatch.setenv("PGPASSWORD", given)
    with pytest.raises(StoreError, match=told) as refused:
        open_desk(network(server, place, **query))
    assert refused.value.hint
    assert given not in repr(refused.value) + refused.value.hint + str(refused.value.__context__)


def test_a_password_in_the_url_is_shown_nowhere(server: Server, desk: Desk, place: str) -> None:
    url = network(server, place).replace(f"{OWNER}@", f"{OWNER}:{PASSWORD}@") + f"&sslpassword={PASSWORD}"
    loaded = settings.load(store=url, environ={})
    assert PASSWORD not in repr(loaded)
    with Desk.open(settings=loaded, operator="ada") as far:
        assert far.head() == desk.head()
        assert PASSWORD not in far.location + far.title
        assert engine.to_url(far.location) == engine.to_url(network(server, place))
        with pytest.raises(InvalidInput) as refused:
            keeping.backup(far)
        assert PASSWORD not in refused.value.hint
        assert "pg_dump" in refused.value.hint


@pytest.mark.parametrize(
    "store",
    [
        "postgresql:/ada:open-sesame@host/desk",
        "postgres:ada:open-sesame@host/desk",
        "postgresql://ada:open-sesame@host:port/desk",
        "postgresql+asyncpg://ada:open-sesame@host/desk",
        "postgresql://ada:open-sesame@host",
        "mysql://ada:open-sesame@host/desk",
    ],
)
def test_a_url_that_is_none_is_refused_without_a_word_of_it(store: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        engine.to_url(store)
    assert "sesame" not in refused.value.message + refused.value.hint


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg"])
def test_a_url_is_known_by_the_names_that_people_use(scheme: str) -> None:
    url = engine.to_url(f"{scheme}://ada@db.example/desk")
    assert engine.of(url).location(url) == "postgresql+psycopg://ada@db.example/desk"
    assert engine.of(url).title(url) == "desk on db.example"
    assert engine.of(url).MODE == "team"


def test_nobody_is_let_in_to_a_database_that_would_not_keep_every_text(postgresql: Postgresql) -> None:
    with postgresql.server.connect() as connection:
        connection.execute(
            "CREATE DATABASE latin OWNER desk ENCODING 'LATIN1' LOCALE 'C' LOCALE_PROVIDER libc TEMPLATE template0"
        )
        try:
            with pytest.raises(StoreError, match="not UTF8") as refused:
                open_desk(postgresql.server.url("latin"))
            assert "createdb" in refused.value.hint
        finally:
            connection.execute("DROP DATABASE latin WITH (FORCE)")


def test_an_empty_database_is_founded_only_by_who_may_make_it(place: str) -> None:
    with pytest.raises(StoreError, match="there is no desk") as refused:
        Desk.open(place, operator="ada", create=False)
    assert refused.value.hint
    with raw(place) as connection:
        assert connection.tables() == []
    with open_desk(place) as opened:
        assert opened.founded


@pytest.mark.parametrize(
    ("statement", "kind", "told"),
    [
        ("CREATE TABLE places (url text)", StoreError, "another program's"),
        ("CREATE TABLE alembic_version (version_num text)", StoreError, "another program's"),
        ("CREATE VIEW somewhere AS SELECT 1", StoreError, "another program's"),
        ("CREATE EXTENSION pg_stat_statements", None, ""),
    ],
)
def test_another_programs_database_is_left_as_it_is(
    place: str, statement: str, kind: type[StoreError] | None, told: str
) -> None:
    with raw(place) as connection:
        connection.execute(statement)
        before = connection.tables()
    if kind is None:
        open_desk(place).close()
        return
    with pytest.raises(kind, match=told) as refused:
        open_desk(place)
    assert refused.value.hint
    with raw(place) as connection:
        assert connection.tables() == before


def test_a_schema_from_the_future_is_refused(desk: Desk, place: str) -> None:
    with raw(place) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(SchemaMismatch, match="9999"):
        open_desk(place)


def test_the_revisions_make_the_tables_of_the_classes(desk: Desk, place: str) -> None:
    made = create_engine(place)
    with made.connect() as connection:
        context = MigrationContext.configure(
            connection,
            opts={
                "compare_type": True,
                "compare_server_default": True,
                "include_object": lambda item, name, *_: name != "account_search",  # SQLite's alone
            },
        )
        assert compare_metadata(context, SQLModel.metadata) == []
    made.dispose()


def test_every_text_is_ordered_by_its_bytes(desk: Desk, place: str) -> None:
    with raw(place) as connection:
        otherwise = connection.execute(
            "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'public'"
            " AND data_type IN ('text', 'character varying') AND collation_name IS DISTINCT FROM 'C'"
            " AND table_name <> 'alembic_version'"
        ).fetchall()
        assert otherwise == []
        assert connection.execute("SELECT 'a-b' < 'ab', 'B' < 'a'").fetchone() == (True, False)
    for name in ("a-c", "ab", "a1", "a-b-c", "b2", "b-a"):
        desk.run(accounts.create, f"x{name}")
    found = [line.account.name for line in desk.ask(accounts.page).rows]
    assert found == sorted(found)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE event SET actor = 'x'",
        "DELETE FROM event",
        "DELETE FROM event WHERE sequence = 1",
        "TRUNCATE event",
        "TRUNCATE event CASCADE",
        "INSERT INTO event SELECT * FROM event WHERE sequence = 1",
        "INSERT INTO event SELECT * FROM event WHERE sequence = 1 ON CONFLICT (sequence) DO UPDATE SET actor = 'x'",
        "MERGE INTO event USING (SELECT 1 AS one) AS other ON sequence = one WHEN MATCHED THEN DELETE",
    ],
)
def test_the_triggers_keep_events_as_they_are(desk: Desk, place: str, statement: str) -> None:
    with raw(place) as connection:
        for role in ("origin", "replica"):
            connection.execute(f"SET session_replication_role = {role}")
            with pytest.raises(psycopg.errors.RestrictViolation, match="events are never"):
                connection.execute(statement)
    assert desk.ask(audit.verify).holds
    with pytest.raises(StoreError, match="the audit refuses to be changed"), desk.begin() as tx:
        tx.session.connection().execute(text(statement))


@pytest.mark.parametrize(
    ("statement", "check", "told"),
    [
        ("DROP TRIGGER event_no_truncate ON event", "triggers", "event_no_truncate"),
        ("ALTER TABLE event DISABLE TRIGGER event_no_delete", "triggers", "event_no_delete"),
        ("ALTER TABLE event ENABLE REPLICA TRIGGER event_no_update", "triggers", "event_no_update"),
        ("ALTER TABLE token DISABLE TRIGGER ALL", "integrity", "trigger RI_"),
        (
            "SET allow_system_table_mods = on;"
            "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'event_at'::regclass",
            "integrity",
            "index event_at",
        ),
    ],
)
def test_what_is_not_in_force_any_more_is_found_by_the_check(
    desk: Desk, place: str, statement: str, check: str, told: str
) -> None:
    assert [found.name for found in keeping.check(desk) if not found.ok] == ["durability"]
    with raw(place) as connection:
        connection.execute(statement)
    found = {found.name: found for found in keeping.check(desk)}[check]
    assert not found.ok
    assert told in found.words
    assert found.hint


def test_a_role_that_may_only_work_works_and_can_do_no_more(postgresql: Postgresql, place: str) -> None:
    house.furnish(place)
    with raw(place) as connection:
        with contextlib.suppress(psycopg.errors.DuplicateObject):
            connection.execute("CREATE ROLE clerk LOGIN")
        connection.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO clerk")
        connection.execute("REVOKE UPDATE, DELETE ON event FROM clerk")
        connection.execute("REVOKE INSERT, UPDATE, DELETE ON alembic_version FROM clerk")
    working = postgresql.server.url(database(place), user="clerk")
    with open_desk(working, clock=Clock(house.LATER), seed=9) as clerk:
        clerk.run(accounts.create, "clerks-bot")
        clerk.run(tokens.deliver, clerk.run(tokens.issue, "clerks-bot", "x").token.id, to="clipboard")
        clerk.run(roles.remove, "night-shift")
        assert all(check.ok for check in keeping.check(clerk) if check.name != "durability")
        for statement in ("DROP TRIGGER event_no_delete ON event", "DELETE FROM event", "DROP TABLE event"):
            with pytest.raises(StoreError, match="may not do that"), clerk.begin() as tx:
                tx.session.connection().execute(text(statement))


def test_a_role_that_may_make_no_tables_founds_nothing_and_is_told(postgresql: Postgresql, place: str) -> None:
    with raw(place) as connection, contextlib.suppress(psycopg.errors.DuplicateObject):
        connection.execute("CREATE ROLE stranger LOGIN")
    with pytest.raises(StoreError, match="may not do that") as refused:
        open_desk(postgresql.server.url(database(place), user="stranger"))
    assert "owner" in refused.value.hint
    assert "botdesk database upgrade" in refused.value.hint


def cut(place: str) -> None:
    """End all connections to a store."""
    with raw(place) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


def test_a_connection_that_was_idle_when_it_was_lost_is_made_anew_unnoticed(desk: Desk, place: str) -> None:
    before = desk.head()
    cut(place)
    assert desk.head() == before
    cut(place)
    desk.run(accounts.create, "ci-bot")


@pytest.mark.parametrize("begin", [Desk.begin, Desk.read], ids=["writing", "reading"])
def test_a_connection_lost_in_the_middle_is_told_and_nothing_is_half_done(
    desk: Desk, place: str, begin: Callable[[Desk], contextlib.AbstractContextManager[Transaction]]
) -> None:
    before = desk.head()

    def interrupted() -> None:
        with begin(desk) as tx:
            if tx.writing:
                accounts.create(tx, "ci-bot")
            cut(place)
            accounts.page(tx)

    with pytest.raises(StoreError, match="connection to the store was lost") as refused:
        interrupted()
    assert "nothing was saved" in refused.value.hint
    assert desk.head() == before
    desk.run(accounts.create, "ci-bot")
    assert desk.ask(audit.verify).holds


def test_a_commit_that_never_reached_the_server_is_told_as_not_saved(desk: Desk, place: str) -> None:
    before = desk.head()

    def interrupted() -> None:
        with desk.begin() as tx:
            accounts.create(tx, "ci-bot")
            cut(place)

    with pytest.raises(StoreError, match="lost"):
        interrupted()
    assert desk.head() == before
    desk.run(accounts.create, "ci-bot")


def test_a_commit_whose_answer_was_lost_is_no_failure(desk: Desk, place: str) -> None:
    def lose(connection: Connection) -> None:
        connection.exec_driver_sql("COMMIT")
        cut(place)

    with desk.begin() as tx:
        accounts.create(tx, "ci-bot")
        event.listen(desk.store.engine, "commit", lose, once=True)
    assert desk.ask(accounts.line, "ci-bot")
    assert desk.ask(audit.verify).holds


def test_a_connection_keeps_what_is_acknowledged_and_waits_for_no_one_for_ever(desk: Desk, place: str) -> None:
    with raw(place) as connection:
        connection.execute(f"ALTER DATABASE {database(place)} SET synchronous_commit = off")
    with open_desk(place, seed=2) as other, other.begin() as tx:
        found = tx.session.connection().exec_driver_sql(
            "SELECT current_setting('synchronous_commit'), current_setting('lock_timeout'),"
            " current_setting('idle_in_transaction_session_timeout'), current_setting('transaction_isolation')"
        )
        assert found.one() == ("on", "10s", "1min", "read committed")
    with open_desk(place, seed=3) as other, other.read() as tx:
        found = tx.session.connection().exec_driver_sql(
            "SELECT current_setting('transaction_isolation'), current_setting('transaction_read_only')"
        )
        assert found.one() == ("repeatable read", "on")
