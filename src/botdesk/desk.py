"""The desk: open a store, begin a transaction, ask a question.

Time, chance and the hasher enter here, once; everything below takes them from the transaction.
"""

import contextlib
import os
import secrets
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Concatenate, Final, ParamSpec, Self, TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import Session, select

from botdesk import access, audit, keys, settings, tokens, verification, verified, wording
from botdesk.access import Action, Actor, ActorKind, Standing
from botdesk.bearer import MINT_KEY_BYTES, Argon2id, Entropy, Hasher
from botdesk.errors import AccessDenied, AuditBroken, BotdeskError, StoreError
from botdesk.remote import Entry
from botdesk.settings import Settings, default_store
from botdesk.store import engine, files, schema
from botdesk.store.backend import Check as Check
from botdesk.store.driver import translated
from botdesk.store.stop import Stop as Stop
from botdesk.store.tables import Account, Person, Setting
from botdesk.store.transaction import Denial
from botdesk.store.transaction import Transaction as Transaction

if TYPE_CHECKING:
    from botdesk.retention import Archived, Sealed
    from botdesk.store.transfer import Moved, Progress
    from botdesk.verifier import Verifier

Clock = Callable[[], datetime]
LONGEST_SOURCE: Final = 100
_FEW: Final = 1000
_MOMENT: Final = 0.05
"""For how many seconds the store is held while archived events are let go of."""

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
        settings: How it behaves.
        operator: The name of the person who operates it.
        acting_as: The name of the person in whose stead the operator acts; None normally.
        founded: True when this opening found an empty store and made the operator its first admin.
        key: The fingerprint of the SSH key that the operator came in with; None when they are at the host.
    """

    def __init__(
        self,
        opened: Engine,
        settings: Settings,
        *,
        operator: str,
        acting_as: str | None,
        key: str | None,
        source: str,
        clock: Clock,
        entropy: Entropy,
        hasher: Hasher,
    ) -> None:
        self.settings = settings
        self.operator = operator
        self.acting_as = acting_as
        self.source = source
        self.founded = False
        self.key = key
        self.clock = clock
        self._engine = opened
        self._backend = engine.of(opened.url)
        self._entropy = entropy
        self._hasher = hasher

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
        desk = cls(
            engine.of(url).open_engine(url, create=create, make_folder=make_folder),
            settings,
            operator=operator or system_user(),
            acting_as=acting_as,
            key=key,
            source=wording.visible(source)[:LONGEST_SOURCE],
            clock=clock,
            entropy=entropy,
            hasher=hasher or _argon2id(settings),
        )
        try:
            desk._make_ready(create=create)
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
    def location(self) -> str:
        """The path of the store, or its URL without any password."""
        return self._backend.location(self._engine.url)

    @property
    def title(self) -> str:
        """What the store is called in few words."""
        return self._backend.title(self._engine.url)

    @property
    def mode(self) -> str:
        """Whom the access rules bind: `solo`, the operator holds the store; `host`, a system user; `team`, a server."""
        return "host" if self.settings.confined else self._backend.MODE

    def close(self) -> None:
        """Close all connections; the desk is not used any more."""
        self._engine.dispose()

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
            self._commit(tx)

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
        with self._system(writing=False) as tx:
            return audit.head(tx)

    def holds(self, head: audit.Head) -> bool:
        """Whether the history still has the event of a head that was seen, as it was."""
        with self._system(writing=False) as tx:
            return not head.sequence or audit.hash_at(tx, head.sequence) == head.hash

    def archived(self) -> int:
        """The sequence of the last event that was moved to an archive; 0 when none was."""
        with self._system(writing=False) as tx:
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

        with self._system(writing=False) as tx:
            key = tokens.mint_key(tx)
        return Verifier(
            partial(self._as_system, turn),
            Lookup(self._engine),
            mint_key=key,
            clock=self.clock,
            entropy=self._entropy,
            hasher=self._hasher,
            at_once=self.settings.argon2_at_once,
            queued=self.settings.argon2_queue,
            coalesce=self.settings.record_uses == "coalesced",
        )

    def ready(self) -> None:
        """Find out whether uses can be verified and recorded now: nothing is changed, but a write goes all the way.

        Raises:
            StoreError: The store cannot be read or written, or the clock is behind the audit.
        """
        with self._as_system() as tx:
            verification.check_clock(tx)
            self._backend.probe(tx.session.connection())

    def backup(self, path: Path | None = None) -> Path:
        """Copy the store into a new private file and record it.

        Args:
            path: The new file; by default one with the time in its name, in `backups` beside the store.

        Raises:
            AccessDenied: The operator is no admin.
            Conflict: The file is there already.
            InvalidInput: The store is no file; the hint says how it is backed up.
            StoreError: It cannot be written.
        """
        with self.begin() as tx:
            audit.require(tx, Action.DESK_BACKED_UP)
            made = path or self._backend.backup_path(self._engine.url, tx.now)
            audit.record(tx, Action.DESK_BACKED_UP, to=str(made))
            self._backend.copy(self._engine, made)
        return made

    def move(self, to: str | Path, *, progress: "Progress | None" = None) -> "Moved":
        """Copy the whole desk into another store, of either engine; this one is left as it is.

        Args:
            to: A path or URL of a store with nothing in it.
            progress: Told how far it is.

        Raises:
            AccessDenied: The operator is no admin.
            AuditBroken: This store does not verify, or what arrived does not; nothing was moved.
            Conflict: There is something in the other store.
            StoreError: The other store cannot be used, or one of the two failed.
        """
        from botdesk.store import transfer

        with self.read() as tx:
            audit.require(tx, Action.DESK_BACKED_UP)
            return transfer.carry(tx.session, engine.to_url(str(to)), progress=progress)

    def archive(self, before: datetime, path: Path, *, progress: "Progress | None" = None) -> "Archived":
        """Move the events before an instant to a sealed file, which is on the disk before anything is let go of.

        The events are let go of a few at a time, so that others can write meanwhile; what an archiving leaves that was
        interrupted there, the next one lets go of first.

        Args:
            before: The instant; at least `retention.KEPT` ago.
            path: A new file; it gets mode 0600, and its folder is made when it is missing.
            progress: Told how far it is.

        Raises:
            AccessDenied: The operator is no admin.
            AuditBroken: The store does not verify; nothing was moved.
            Conflict: The file is there already, or there is nothing to move.
            InvalidInput: The instant is too late, or the file cannot be made there.
            StoreError: The file cannot be written, or the store failed.
        """
        from botdesk import retention

        tell = progress or (lambda what, done, of: None)
        path = Path(files.absolute(path))
        self._clear(tell)
        with self.read() as tx:
            planned = retention.plan(tx, before)
            retention.refuse_present(path)
            _refuse_broken(self._verified(tx, progress=partial(tell, "verifying")))
            files.create_folder(path.parent)
            with retention.new_file(path) as opened:
                archived = retention.write(tx, planned, opened, partial(tell, "writing"))
        try:
            self._let_go(archived, path)
        except BaseException:
            with contextlib.suppress(BotdeskError):
                if self.ask(audit.archived) < archived.last:
                    path.unlink(missing_ok=True)
            raise
        self._clear(tell)
        return archived

    def _let_go(self, archived: "Archived", path: Path) -> None:
        """Record the archive, and let the first events go with it: a small one is done in one transaction."""
        from botdesk import retention

        with self.begin() as tx:
            retention.record(tx, archived, path)
            retention.clear(tx, _FEW)

    def _clear(self, tell: "Progress") -> None:
        """Let go of what is archived, for a moment at a time, and let others write for as long in between."""
        from botdesk import retention

        most, total, left = _FEW, 0, 1
        while left:
            with self.begin() as tx:
                begun = time.monotonic()
                audit.require(tx, Action.AUDIT_ARCHIVED)
                left = retention.clear(tx, most)
            took = time.monotonic() - begun
            total = max(total, left)
            if total:
                tell("letting go", total - left, total)
            most = max(_FEW, min(2 * most, round(most * _MOMENT / max(took, 0.001))))
            time.sleep(took if left else 0)

    def check(self) -> list[Check]:
        """Look the store over: version, integrity, schema, triggers, audit."""
        with self._system(writing=False) as tx:
            connection = tx.session.connection()
            checks = self._backend.checks(connection)
            found = schema.revision(connection)
            verdict = self._verified(tx)
        stays = f", {verdict.archived:,} of them in archives" if verdict.archived else ""
        words = f"the chain holds, {verdict.events} events{stays}" if verdict.holds else verdict.findings[0].what
        return [
            *checks,
            Check("schema", found == schema.NEWEST, f"revision {found}", "botdesk database upgrade"),
            Check("audit", verdict.holds, words, "" if verdict.holds else "botdesk audit verify"),
        ]

    def verify(
        self,
        *,
        head: audit.Head | None = None,
        from_start: bool = False,
        forget: bool = False,
        archives: Sequence[Path] = (),
        progress: audit.Progress | None = None,
    ) -> audit.Verdict:
        """Hold the chain, and the present rows against it.

        What this operator verified before is not walked again, once it is long; how far that was is kept in the state
        folder, and the history is held against that as well.

        Args:
            head: A head that was kept elsewhere.
            from_start: Walk all of it.
            forget: Do not hold the history against what was verified before, and if it holds for itself, forget that:
                for a store whose backup was restored on purpose.
            archives: The files of archives, to hold as well; heads that lie in them are held by them.
            progress: Told the number of events walked so far and that of all that are to be; it may raise, to end it.

        Raises:
            AccessDenied: The operator is no active person of this desk.
            InvalidInput: An archive cannot be read.
        """
        with self.read() as tx:
            return self._verified(
                tx, head=head, from_start=from_start, forget=forget, archives=archives, progress=progress
            )

    def _verified(
        self,
        tx: Transaction,
        *,
        head: audit.Head | None = None,
        from_start: bool = False,
        forget: bool = False,
        archives: Sequence[Path] = (),
        progress: audit.Progress | None = None,
    ) -> audit.Verdict:
        folder = self.settings.state_dir
        since = None if forget else verified.load(folder, self.location)
        read = _read(archives, [kept.sequence for kept in (head, since and since.head) if kept], progress)
        verdict = audit.verify(tx, head=head, since=since, from_start=from_start, progress=progress, archives=read)
        if forget and verdict.holds:
            verified.forget(folder, self.location)
        if verdict.footing is not None and verdict.events >= verified.WORTHWHILE:
            verified.save(folder, self.location, verdict.footing)
        return verdict

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
            with self._system(writing=writing, stop=stop) as tx:
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
        if denied is not None and denied.denial is not None and (knocks or not _knocking(denied)):
            self._record_denial(denied, denied.denial)

    @contextlib.contextmanager
    def _as_system(self, turn: contextlib.AbstractContextManager[None] | None = None) -> Iterator[Transaction]:
        with turn or contextlib.nullcontext(), self._system(writing=True) as tx:
            yield tx
            self._commit(tx)

    @contextlib.contextmanager
    def _system(self, *, writing: bool, stop: Stop | None = None) -> Iterator[Transaction]:
        with translated(), self._engine.connect() as plain:
            connection = plain.execution_options(writing=writing)
            with (
                Session(connection, expire_on_commit=False, autoflush=False) as session,
                stop.watching(connection, self._backend.interrupter(connection)) if stop else contextlib.nullcontext(),
            ):
                session.connection()
                yield Transaction(
                    session, access.SYSTEM, self.source, self.clock(), self._entropy, self._hasher, writing
                )

    def _actor(self, tx: Transaction, name: str | None) -> Actor:
        operator = _active(tx, name or self.operator)
        if name is not None or self.acting_as is None or self.acting_as == operator.name:
            return operator
        if operator.standing is not Standing.ADMIN:
            tx.actor = operator
            audit.deny(tx, Action.PERSON_MODIFIED, person=self.acting_as[:64], wanted="to act as them")
            raise AccessDenied(f"{operator.name!r} may not act as somebody else", hint="leave out --as; an admin may")
        return _active(tx, self.acting_as, by=operator)

    def _record_denial(self, denied: Transaction, denial: Denial) -> None:
        with self._as_system() as tx:
            account = tx.session.get(Account, denial.account_id) if denial.account_id else None
            tx.actor = denied.actor
            detail: dict[str, Any] = dict(denial.detail)
            audit.record(tx, denial.action, account=account, outcome=audit.Outcome.DENIED, **detail)

    def _commit(self, tx: Transaction) -> None:
        try:
            tx.session.commit()
        except SQLAlchemyError as error:
            failed = error
        else:
            return
        with contextlib.suppress(SQLAlchemyError):
            tx.session.rollback()
            _give_up(tx)
        self._tell_outcome(tx, failed)

    def _tell_outcome(self, tx: Transaction, failed: SQLAlchemyError) -> None:
        if tx.appended is None:
            raise failed
        if not self._was_saved(*tx.appended):
            raise failed

    def _was_saved(self, sequence: int, link: str) -> bool:
        """Read again whether an event is there, as a writer: so the failed commit is over, one way or the other."""
        for pause in self._backend.PATIENCE:
            time.sleep(pause)
            with contextlib.suppress(StoreError), self._system(writing=True) as again:
                return audit.hash_at(again, sequence) == link
        raise StoreError(
            "the store failed while saving; whether it was saved is unknown", hint="look again once it answers"
        )

    def _make_ready(self, *, create: bool) -> None:
        found = self._schema()
        if not create and (found is None or (found == schema.NEWEST and self._is_empty())):
            raise StoreError(f"there is no desk in '{self.location}'", hint=files.NO_DESK)
        if found == schema.NEWEST and not self._is_empty():
            self._backend.settle(self._engine)
        else:
            self._make()
        self._refuse_strangers()

    def _make(self) -> None:
        with self._backend.locked(self._engine):
            found = self._schema()
            self._backend.settle(self._engine)
            self._upgrade(found)
            if self._is_empty():
                self._found()

    def _schema(self) -> str | None:
        with translated(), self._engine.connect() as connection:
            found = schema.revision(connection)
        schema.check(found)
        return found

    def _upgrade(self, found: str | None) -> None:
        if found == schema.NEWEST:
            return
        if found is not None:
            self._backend.save(self._engine, self.clock())
        with translated(), self._engine.connect() as plain:
            connection: Connection = plain.execution_options(writing=True)
            with connection.begin():
                schema.upgrade(connection)

    def _is_empty(self) -> bool:
        with self._system(writing=False) as tx:
            return audit.head(tx).sequence == 0 and tx.session.exec(select(Person.id)).first() is None

    def _found(self) -> None:
        with self._as_system() as tx:
            audit.record(tx, Action.DESK_FOUNDED)
            for key, value in {
                "desk_id": tx.new_id("desk"),
                "mint_key": tx.entropy(MINT_KEY_BYTES).hex(),
            }.items():
                audit.record(tx, Action.DESK_SET, Setting(key=key, value=value), name=key)
            name = wording.clean(self.operator, "operator's name", longest=64, required=True)
            person = Person(id=tx.new_id("per"), name=name, standing=Standing.ADMIN, added_at=tx.now)
            audit.record(tx, Action.PERSON_ADDED, person, person=self.operator, standing="admin", reason="first admin")
        self.founded = True

    def _refuse_strangers(self) -> None:
        with self._transaction(None, writing=False, opening=True):
            pass


def _read(paths: Sequence[Path], wanted: Sequence[int], progress: audit.Progress | None) -> "list[Sealed]":
    if not paths:
        return []
    from botdesk import retention

    return [retention.read(path, wanted, progress) for path in paths]


def _refuse_broken(verdict: audit.Verdict) -> None:
    if not verdict.holds:
        raise AuditBroken(
            f"the audit does not verify: {verdict.findings[0].what}",
            hint="nothing was moved; 'botdesk audit verify' shows all that is wrong",
        )


def _give_up(tx: Transaction) -> None:
    """Drop a connection whose commit failed: it may still hold the lock for which the next look would wait."""
    connection = tx.session.get_bind()
    assert isinstance(connection, Connection)
    connection.invalidate()


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
        f"{name[:64]!r} is no active person of this desk", hint="an admin lets people in: botdesk person add NAME"
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
