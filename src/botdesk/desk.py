"""The desk: open a store, begin a transaction, ask a question.

Time, chance and the hasher enter here, once; everything below takes them from the transaction.
"""

import contextlib
import os
import secrets
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Concatenate, Final, ParamSpec, Self, TypeVar

from sqlmodel import select

from botdesk import access, audit, founding, keys, settings, tokens, verification, wording
from botdesk.access import Action, Actor, ActorKind, Standing
from botdesk.bearer import Argon2id, Entropy, Hasher
from botdesk.errors import AccessDenied, StoreError
from botdesk.remote import Entry
from botdesk.settings import Settings, default_store
from botdesk.store import engine
from botdesk.store.opened import Clock as Clock
from botdesk.store.opened import Store as Store
from botdesk.store.stop import Stop as Stop
from botdesk.store.tables import Account, Person
from botdesk.store.transaction import Denial
from botdesk.store.transaction import Transaction as Transaction

if TYPE_CHECKING:
    from botdesk.verifier import Verifier

LONGEST_SOURCE: Final = 100

P = ParamSpec("P")
T = TypeVar("T")


def system_clock() -> datetime:
    """The present instant, aware UTC."""
    return datetime.now(UTC)


def system_user() -> str:
    """The operating-system user of this process; never from the environment.

    Raises:
        AccessDenied: The operating system knows no name for it.
    """
    if sys.platform == "win32":
        return os.getlogin().lower()
    import pwd

    try:
        return pwd.getpwuid(os.geteuid()).pw_name.lower()
    except KeyError:
        raise AccessDenied(
            f"the user id {os.geteuid()} has no name here", hint="add it to the system's users"
        ) from None


class Desk:
    """An open desk; use it as a context manager, or `close` it.

    Attributes:
        store: The open store.
        settings: How it behaves.
        operator: The name of the person who operates it.
        acting_as: The name of the person in whose stead the operator acts; None normally.
        founded: True when this opening found an empty store and made the operator its first admin.
        key: The fingerprint of the SSH key that the operator came in with; None when they are at the host.
    """

    def __init__(
        self,
        store: Store,
        settings: Settings,
        *,
        operator: str,
        acting_as: str | None,
        key: str | None,
    ) -> None:
        self.store = store
        self.settings = settings
        self.operator = operator
        self.acting_as = acting_as
        self.founded = False
        self.key = key

    @classmethod
    def open(
        cls,
        store: str | Path | None = None,
        *,
        settings: Settings | None = None,
        operator: str | None = None,
        acting_as: str | None = None,
        key: str | None = None,
        source: str = "library",
        create: bool = True,
        as_is: bool = False,
        clock: Clock = system_clock,
        entropy: Entropy = secrets.token_bytes,
        hasher: Hasher | None = None,
    ) -> Self:
        """Open the desk's store; an older schema is upgraded after a backup, an empty store is founded.

        Args:
            store: A path or URL; overrides the settings.
            settings: How the desk behaves; read from file and environment by default.
            operator: Who operates it; the operating-system user by default.
            acting_as: The person in whose stead the operator acts; for admins only.
            key: The fingerprint of the SSH key that they came in with; it must be theirs, at every act.
            source: Where the operator comes from, as the audit shows it.
            create: Whether a missing store is made.
            as_is: Take a desk that is there, to read it alone: nothing is made, upgraded or recorded.
            clock: Gives the present instant, aware UTC.
            entropy: Gives n random bytes.
            hasher: Hashes the confidential part of tokens; argon2id by default.

        Raises:
            AccessDenied: The operator is no active person of this desk, or the key is not theirs.
            StoreError: There is no store and none was to be made, or it cannot be used as it is; it was left so.
            SchemaMismatch: The store was written by a newer botdesk.
        """
        settings = settings or _load(store)
        url = engine.to_url(str(store or settings.store))
        make_folder = str(url.database) == str(default_store())
        opened = Store(
            engine.of(url).open_engine(url, create=create and not as_is, make_folder=make_folder),
            source=wording.visible(source)[:LONGEST_SOURCE],
            clock=clock,
            entropy=entropy,
            hasher=hasher or _argon2id(settings),
            as_is=as_is,
        )
        desk = cls(opened, settings, operator=operator or system_user(), acting_as=acting_as, key=key)
        try:
            if not as_is:
                desk.founded = founding.make_ready(desk.store, desk.operator, create=create)
            elif not founding.is_ready(desk.store):
                raise StoreError(f"there is no desk of today in '{desk.location}'", hint="open it once without as_is")
            desk._refuse_strangers()
        except BaseException:
            desk.close()
            raise
        return desk

    @classmethod
    def enter(cls, entry: Entry, *, settings: Settings, **how: Any) -> Self:
        """Open the desk for somebody who came in over SSH; a store is neither made nor founded.

        Who was not let in by sshd is the store's owner, who acts in the person's stead, if they are an admin.

        Args:
            entry: Who, with which key, and from where.
            settings: How the desk behaves.
            how: As for `open`.

        Raises:
            AccessDenied: The person is no active person of this desk, or the key is not theirs.
            StoreError: There is no desk, or its store cannot be used.
        """
        who: dict[str, Any] = {"operator": entry.person} if entry.proven else {"acting_as": entry.person}
        return cls.open(settings=settings, key=entry.key, source=entry.source, create=False, **who, **how)

    @property
    def clock(self) -> Clock:
        """Gives the present instant, aware UTC."""
        return self.store.clock

    @property
    def location(self) -> str:
        """The path of the store, or its URL without any password."""
        return self.store.location

    @property
    def title(self) -> str:
        """What the store is called in few words."""
        return self.store.backend.title(self.store.engine.url)

    @property
    def mode(self) -> str:
        """Whom the access rules bind: `solo`, the operator holds the store; `host`, a system user; `team`, a server."""
        return "host" if self.settings.confined else self.store.backend.MODE

    def close(self) -> None:
        """Close all connections; the desk is not used any more."""
        self.store.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @contextlib.contextmanager
    def begin(self, actor: str | None = None) -> Iterator[Transaction]:
        """Begin a transaction that may change things; it is committed at the end, or rolled back on any error.

        What was denied is recorded after the work was rolled back; or saved, when the refusal was not let end it.

        Args:
            actor: The name of the person who acts; the operator by default.

        Raises:
            AccessDenied: The actor is no active person of this desk, or may not do this.
            StoreError: The store failed; nothing was saved, or the message says that this is unknown.
        """
        with self._transaction(actor, writing=True) as tx:
            yield tx
            self.store.commit(tx)

    @contextlib.contextmanager
    def read(self, actor: str | None = None, *, stop: Stop | None = None) -> Iterator[Transaction]:
        """Begin a transaction that only reads: one consistent view of the store.

        Args:
            actor: The name of the person who asks; the operator by default.
            stop: Ends it when it is called, from any thread.

        Raises:
            AccessDenied: The actor is no active person of this desk, or may not see this.
            BotdeskError: It was stopped.
            StoreError: The store failed.
        """
        try:
            with self._transaction(actor, writing=False, stop=stop) as tx:
                yield tx
        except StoreError:
            if stop is not None:
                stop.check()
            raise

    def run(self, function: Callable[Concatenate[Transaction, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Call an operation in a transaction of its own, as the operator."""
        with self.begin() as tx:
            return function(tx, *args, **kwargs)

    def ask(self, function: Callable[Concatenate[Transaction, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Call a question in a reading transaction of its own, as the operator."""
        with self.read() as tx:
            return function(tx, *args, **kwargs)

    def head(self) -> audit.Head:
        """The newest event: whether anything has changed is whether this has."""
        with self.store.transaction() as tx:
            return audit.head(tx)

    def holds(self, head: audit.Head) -> bool:
        """Whether the history still has the event of a head that was seen, as it was."""
        with self.store.transaction() as tx:
            return not head.sequence or audit.hash_at(tx, head.sequence) == head.hash

    def archived(self) -> int:
        """The sequence of the last event that was moved to an archive; 0 when none was."""
        with self.store.transaction() as tx:
            return audit.archived(tx)

    def verifier(self, *, turn: contextlib.AbstractContextManager[None] | None = None) -> "Verifier":
        """Make a verifier of bearer tokens on this desk; close it before the desk.

        Args:
            turn: Held while uses are recorded; where several processes record, they wait in line for it.

        Raises:
            StoreError: The store cannot be read.
        """
        from botdesk.store.lookup import Lookup
        from botdesk.verifier import Verifier

        with self.store.transaction() as tx:
            key = tokens.mint_key(tx)
        return Verifier(
            partial(self.store.change, turn),
            Lookup(self.store.engine),
            mint_key=key,
            clock=self.store.clock,
            entropy=self.store.entropy,
            hasher=self.store.hasher,
            at_once=self.settings.argon2_at_once,
            queued=self.settings.argon2_queue,
            coalesce=self.settings.record_uses == "coalesced",
        )

    def ready(self) -> None:
        """Find out whether uses can be verified and recorded now: nothing is changed, but a write goes all the way.

        Raises:
            StoreError: The store cannot be read or written, or the clock is behind the audit.
        """
        with self.store.change() as tx:
            verification.check_clock(tx)
            self.store.backend.probe(tx.session.connection())

    @contextlib.contextmanager
    def _transaction(
        self, actor: str | None, *, writing: bool, opening: bool = False, stop: Stop | None = None
    ) -> Iterator[Transaction]:
        """One transaction, and what was denied in it recorded.

        Knocking in vain is recorded when somebody opens the desk or would change something; not at each look, or a
        program that follows the desk would follow its own refusals for ever.
        """
        denied: Transaction | None = None
        try:
            with self.store.transaction(writing=writing, stop=stop) as tx:
                denied = tx
                tx.actor = self._actor(tx, actor)
                if actor is None and self.key is not None:
                    keys.prove(tx, self.key)
                yield tx
        except Exception:
            self._tell_denied(denied, knocks=writing or opening)
            raise
        self._tell_denied(denied, knocks=writing or opening)

    def _tell_denied(self, denied: Transaction | None, *, knocks: bool) -> None:
        if denied is None or denied.denial is None or self.store.as_is:
            return
        if knocks or not _knocking(denied):
            self._record_denial(denied, denied.denial)

    def _actor(self, tx: Transaction, name: str | None) -> Actor:
        operator = _active(tx, name or self.operator)
        if name is not None or self.acting_as is None or self.acting_as == operator.name:
            return operator
        if operator.standing is not Standing.ADMIN:
            tx.actor = operator
            audit.deny(tx, Action.PERSON_IMPERSONATED, person=self.acting_as[:64])
            raise AccessDenied(f"{operator.name!r} may not act as somebody else", hint="leave out --as; an admin may")
        return _active(tx, self.acting_as, by=operator)

    def _record_denial(self, denied: Transaction, denial: Denial) -> None:
        with self.store.change() as tx:
            account = tx.session.get(Account, denial.account_id) if denial.account_id else None
            tx.actor = denied.actor
            detail: dict[str, Any] = dict(denial.detail)
            audit.record(tx, denial.action, account=account, outcome=audit.Outcome.DENIED, **detail)

    def _refuse_strangers(self) -> None:
        with self._transaction(None, writing=False, opening=True):
            pass


def _knocking(denied: Transaction) -> bool:
    return denied.denial is not None and denied.denial.action is Action.DESK_OPENED


def _active(tx: Transaction, name: str, *, by: Actor | None = None) -> Actor:
    """The active person of that name; who is unknown gets the same answer as who is disabled."""
    person = tx.session.exec(select(Person).where(Person.name == name)).first()
    if person is not None:
        active = person.disabled_at is None
        actor = Actor(ActorKind.PERSON, person.id, person.name, person.standing, active=active, by=by)
        if access.allows(actor, Action.DESK_OPENED):
            return actor
        tx.actor = actor
        audit.deny(tx, Action.DESK_OPENED)
    raise AccessDenied(
        f"{name[:64]!r} is no active person of this desk",
        hint="an admin lets people in: botdesk person add NAME, or person enable NAME",
    )


def _load(store: str | Path | None) -> Settings:
    return settings.load(store=None if store is None else str(store))


def _argon2id(settings: Settings) -> Argon2id:
    return Argon2id(
        memory_kib=settings.argon2_memory_kib,
        passes=settings.argon2_passes,
        lanes=settings.argon2_lanes,
        at_once=settings.argon2_at_once,
    )
