"""Before a store is a desk: its schema is upgraded, and who comes to an empty one is its first admin."""

from sqlalchemy import Connection
from sqlmodel import select

from botdesk import audit, wording
from botdesk.access import Action, Standing
from botdesk.bearer import MINT_KEY_BYTES
from botdesk.errors import StoreError
from botdesk.store import files, schema
from botdesk.store.driver import translated
from botdesk.store.opened import Store
from botdesk.store.tables import Person, Setting


def make_ready(store: Store, operator: str, *, create: bool) -> bool:
    """Let a store be one with today's schema and somebody in it; an older schema is upgraded after a backup.

    Args:
        store: The store, just opened.
        operator: The name of the person who opened it.
        create: Whether an empty store is made a desk.

    Returns:
        Whether it was empty, so that the operator is its first admin.

    Raises:
        SchemaMismatch: The store was written by a newer botdesk.
        StoreError: There is no desk and none was to be made, or the store cannot be used.
    """
    found = _revision(store)
    if _is_desk(store, found):
        store.backend.settle(store.engine)
        return False
    if not create and found in (None, schema.NEWEST):
        raise StoreError(f"there is no desk in '{store.location}'", hint=files.NO_DESK)
    with store.backend.locked(store.engine):
        found = _revision(store)
        store.backend.settle(store.engine)
        _upgrade(store, found)
        empty = _is_empty(store)
        if empty:
            _found(store, operator)
    return empty


def is_ready(store: Store) -> bool:
    """Whether a store is a desk with today's schema already.

    Raises:
        SchemaMismatch: The store was written by a newer botdesk.
        StoreError: The store cannot be used.
    """
    return _is_desk(store, _revision(store))


def _is_desk(store: Store, found: str | None) -> bool:
    return found == schema.NEWEST and not _is_empty(store)


def _revision(store: Store) -> str | None:
    with translated(), store.engine.connect() as connection:
        found = schema.revision(connection)
    schema.check(found)
    return found


def _upgrade(store: Store, found: str | None) -> None:
    if found == schema.NEWEST:
        return
    if found is not None:
        store.backend.save(store.engine, store.clock())
    with translated(), store.engine.connect() as plain:
        connection: Connection = plain.execution_options(writing=True)
        with connection.begin():
            schema.upgrade(connection)


def _is_empty(store: Store) -> bool:
    with store.transaction() as tx:
        return audit.head(tx).sequence == 0 and tx.session.exec(select(Person.id)).first() is None


def _found(store: Store, operator: str) -> None:
    with store.change() as tx:
        audit.record(tx, Action.DESK_FOUNDED)
        for key, value in {
            "desk_id": tx.new_id("desk"),
            "mint_key": tx.entropy(MINT_KEY_BYTES).hex(),
        }.items():
            audit.record(tx, Action.DESK_SET, Setting(key=key, value=value), name=key)
        name = wording.clean(operator, "operator's name", longest=64, required=True)
        person = Person(id=tx.new_id("per"), name=name, standing=Standing.ADMIN, added_at=tx.now)
        audit.record(tx, Action.PERSON_ADDED, person, person=operator, standing="admin", reason="first admin")
