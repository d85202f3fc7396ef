"""The rows of the store, one class a table.

Every value is stored as text or a whole number, the same on SQLite and PostgreSQL: an instant as ISO 8601 UTC
with microseconds (27 characters, so that order by text is order by time), a word as itself. A column that
is added later must be nullable and start as NULL: digests leave NULL out, so old events still bind.
"""

import contextlib
import re
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import BigInteger, CheckConstraint, Dialect, Index, Integer, String, Text, TypeDecorator, text
from sqlmodel import Field, SQLModel

from botdesk.access import ActorKind, Level, Standing
from botdesk.errors import StoreError
from botdesk.recipes import Platform

_INSTANT: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", re.ASCII)


class Purpose(StrEnum):
    """What a service account is for."""

    CI = "ci"
    CATALOG = "catalog"
    METRICS = "metrics"
    WEBHOOK = "webhook"
    SCHEDULE = "schedule"
    AGENT = "agent"
    OTHER = "other"


class Outcome(StrEnum):
    """How the thing that an event tells of ended (NIST SP 800-53 AU-3)."""

    DONE = "done"
    DENIED = "denied"
    FAILED = "failed"


def unreadable(what: str) -> StoreError:
    """The error for a stored value that botdesk never wrote."""
    return StoreError(f"the store holds an unreadable {what}", hint="run 'botdesk audit verify': it may be tampered")


def to_text(instant: datetime) -> str:
    """Write an aware instant as the store and the audit do: `2026-11-23T09:30:00.000000Z`."""
    return instant.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def from_text(stored: str) -> datetime:
    """Read a stored instant.

    Raises:
        StoreError: The text is no instant.
    """
    if _INSTANT.fullmatch(stored):
        with contextlib.suppress(ValueError):
            return datetime.fromisoformat(stored)
    raise unreadable("time")


class Instant(TypeDecorator[datetime]):
    """An aware UTC time."""

    impl = String(27)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> str | None:
        """Write the instant as text."""
        return None if value is None else to_text(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        """Read the instant back, aware."""
        return None if value is None else from_text(str(value))


class Word(TypeDecorator[Any]):
    """A word out of a closed list."""

    impl = String(16)
    cache_ok = True

    def __init__(self, words: type[StrEnum]) -> None:
        super().__init__()
        self.words = words

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        """Write the word as text."""
        return None if value is None else self.words(value).value

    def process_result_value(self, value: Any, dialect: Dialect) -> StrEnum | None:
        """Read the word back as a member of its list."""
        if value is None:
            return None
        try:
            return self.words(value)
        except ValueError:
            raise unreadable(self.words.__name__.lower()) from None


class Setting(SQLModel, table=True):
    """A fact of the desk itself: its id, its mint key."""

    __tablename__ = "setting"

    key: str = Field(primary_key=True, sa_type=String(64))
    value: str = Field(sa_type=Text)


class Person(SQLModel, table=True):
    """Somebody who may use the desk, known by their operating-system name."""

    __tablename__ = "person"

    id: str = Field(primary_key=True, sa_type=String(16))
    name: str = Field(unique=True, sa_type=String(64))
    full_name: str = Field(default="", sa_type=Text)
    standing: Standing = Field(sa_type=Word(Standing))
    added_at: datetime = Field(sa_type=Instant)
    added_by: str | None = Field(default=None, sa_type=String(16))
    disabled_at: datetime | None = Field(default=None, sa_type=Instant)


class Role(SQLModel, table=True):
    """A named team of people, and the scopes that its members may put on accounts."""

    __tablename__ = "role"

    id: str = Field(primary_key=True, sa_type=String(16))
    name: str = Field(unique=True, sa_type=String(64))
    description: str = Field(default="", sa_type=Text)
    created_at: datetime = Field(sa_type=Instant)
    created_by: str = Field(sa_type=String(16))
    scopes: str | None = Field(default=None, sa_type=Text)


class Membership(SQLModel, table=True):
    """A person's place in a role."""

    __tablename__ = "membership"

    role_id: str = Field(primary_key=True, foreign_key="role.id", sa_type=String(16))
    person_id: str = Field(primary_key=True, foreign_key="person.id", index=True, sa_type=String(16))
    added_at: datetime = Field(sa_type=Instant)
    added_by: str = Field(sa_type=String(16))


class Key(SQLModel, table=True):
    """A public key with which a person comes in over SSH."""

    __tablename__ = "key"

    fingerprint: str = Field(primary_key=True, sa_type=String(64))
    person_id: str = Field(foreign_key="person.id", index=True, sa_type=String(16))
    kind: str = Field(sa_type=String(64))
    blob: str = Field(sa_type=Text)
    comment: str = Field(default="", sa_type=Text)
    added_at: datetime = Field(sa_type=Instant)
    added_by: str = Field(sa_type=String(16))


SEARCHED: Final = ("name", "description", "scopes", "id")
SEARCHED_WITH: Final = ("name", "id", "removed_at", "disabled_at", "purpose", "owned_by")
"""The columns of an account that are searched for words, and those that a search reads besides.

SQLite has all of them in an index, side by side; what PostgreSQL holds in a row of an index is too short for that.
"""


class Account(SQLModel, table=True):
    """A bot's identity: a service account. Removed ones stay as tombstones.

    `owned_by` is who created it, until it is handed over: by rule they always keep access. `scopes_added_at` is when it
    was last given a scope that it did not have, if that was after its creation.
    """

    __tablename__ = "account"
    __table_args__ = (
        Index("account_name_live", "name", unique=True),
        Index("account_search", *SEARCHED_WITH, text(" || ' ' || ".join(SEARCHED))).ddl_if(dialect="sqlite"),
    )

    id: str = Field(primary_key=True, sa_type=String(16))
    name: str = Field(index=True, sa_type=String(40))
    purpose: Purpose = Field(sa_type=Word(Purpose))
    description: str = Field(default="", sa_type=Text)
    scopes: str = Field(default="", sa_type=Text)
    rotation_days: int = Field(sa_type=Integer)
    created_at: datetime = Field(sa_type=Instant)
    created_by: str = Field(foreign_key="person.id", sa_type=String(16))
    owned_by: str = Field(foreign_key="person.id", index=True, sa_type=String(16))
    modified_at: datetime | None = Field(default=None, sa_type=Instant)
    disabled_at: datetime | None = Field(default=None, sa_type=Instant)
    disabled_reason: str | None = Field(default=None, sa_type=Text)
    removed_at: datetime | None = Field(default=None, sa_type=Instant)
    scopes_added_at: datetime | None = Field(default=None, sa_type=Instant)


class Token(SQLModel, table=True):
    """A bearer token: everything about it but its secret, of which only an argon2id hash is kept.

    `seen` is what the recorded uses were like (`botdesk.seen`); `prior_expires_at` is when a token in its overlap would
    have expired without the rotation.
    """

    __tablename__ = "token"

    id: str = Field(primary_key=True, sa_type=String(10))
    account_id: str = Field(foreign_key="account.id", index=True, sa_type=String(16))
    label: str = Field(sa_type=Text)
    hash: str = Field(sa_type=Text, repr=False)
    scopes: str = Field(default="", sa_type=Text)
    issued_at: datetime = Field(sa_type=Instant)
    issued_by: str = Field(sa_type=String(16))
    expires_at: datetime | None = Field(default=None, sa_type=Instant)
    delivered_at: datetime | None = Field(default=None, sa_type=Instant)
    delivered_to: str | None = Field(default=None, sa_type=Text)
    predecessor_id: str | None = Field(default=None, foreign_key="token.id", sa_type=String(10))
    successor_id: str | None = Field(default=None, foreign_key="token.id", sa_type=String(10))
    overlap_seconds: int | None = Field(default=None, sa_type=Integer)
    revoked_at: datetime | None = Field(default=None, sa_type=Instant)
    revoked_reason: str | None = Field(default=None, sa_type=Text)
    last_used_at: datetime | None = Field(default=None, sa_type=Instant)
    last_used_from: str | None = Field(default=None, sa_type=Text)
    first_used_at: datetime | None = Field(default=None, sa_type=Instant)
    last_refused_at: datetime | None = Field(default=None, index=True, sa_type=Instant)
    last_refused_from: str | None = Field(default=None, sa_type=Text)
    last_refused_reason: str | None = Field(default=None, sa_type=String(16))
    seen: str | None = Field(default=None, sa_type=Text)
    prior_expires_at: datetime | None = Field(default=None, sa_type=Instant)


class Grant(SQLModel, table=True):
    """A level on an account, given to a role or to a person."""

    __tablename__ = "grant"
    __table_args__ = (
        CheckConstraint("(role_id IS NULL) <> (person_id IS NULL)", name="grant_one_grantee"),
        Index("grant_role", "account_id", "role_id", unique=True),
        Index("grant_person", "account_id", "person_id", unique=True),
    )

    id: str = Field(primary_key=True, sa_type=String(16))
    account_id: str = Field(foreign_key="account.id", sa_type=String(16))
    role_id: str | None = Field(default=None, foreign_key="role.id", index=True, sa_type=String(16))
    person_id: str | None = Field(default=None, foreign_key="person.id", index=True, sa_type=String(16))
    level: Level = Field(sa_type=Word(Level))
    given_at: datetime = Field(sa_type=Instant)
    given_by: str = Field(sa_type=String(16))


class Dismissal(SQLModel, table=True):
    """A line of advice that is hidden until a date; its id is the advice's own."""

    __tablename__ = "dismissal"

    id: str = Field(primary_key=True, sa_type=String(16))
    kind: str = Field(sa_type=String(32))
    account_id: str | None = Field(default=None, foreign_key="account.id", index=True, sa_type=String(16))
    token_id: str | None = Field(default=None, foreign_key="token.id", sa_type=String(10))
    about: str = Field(default="", sa_type=Text)
    reason: str = Field(sa_type=Text)
    until: datetime = Field(sa_type=Instant)
    dismissed_at: datetime = Field(sa_type=Instant)
    dismissed_by: str = Field(sa_type=String(16))


class Migration(SQLModel, table=True):
    """An integration on its way from somebody's personal token to a service account.

    `digest` is a keyed digest of the old personal token, if it was registered; until `accept_until` the gate takes that
    token for the account's. How far it is follows from all this and the new token (`botdesk.stages`).
    """

    __tablename__ = "migration"

    id: str = Field(primary_key=True, sa_type=String(16))
    account_id: str = Field(foreign_key="account.id", index=True, sa_type=String(16))
    owner_id: str = Field(foreign_key="person.id", index=True, sa_type=String(16))
    what: str = Field(sa_type=Text)
    place: str = Field(default="", sa_type=Text)
    platform: Platform = Field(sa_type=Word(Platform))
    started_at: datetime = Field(sa_type=Instant)
    started_by: str = Field(sa_type=String(16))
    run_by: str = Field(sa_type=String(16))
    token_id: str | None = Field(default=None, foreign_key="token.id", sa_type=String(10))
    digest: str | None = Field(default=None, unique=True, sa_type=String(64), repr=False)
    registered_at: datetime | None = Field(default=None, sa_type=Instant)
    registered_by: str | None = Field(default=None, sa_type=String(16))
    accept_until: datetime | None = Field(default=None, sa_type=Instant)
    last_used_at: datetime | None = Field(default=None, sa_type=Instant)
    last_used_from: str | None = Field(default=None, sa_type=Text)
    last_refused_at: datetime | None = Field(default=None, sa_type=Instant)
    last_refused_from: str | None = Field(default=None, sa_type=Text)
    last_refused_reason: str | None = Field(default=None, sa_type=String(16))
    paused_at: datetime | None = Field(default=None, sa_type=Instant)
    cancelled_at: datetime | None = Field(default=None, sa_type=Instant)
    ended_at: datetime | None = Field(default=None, sa_type=Instant)
    ended_by: str | None = Field(default=None, sa_type=String(16))
    ended_how: str | None = Field(default=None, sa_type=Text)


class Event(SQLModel, table=True):
    """A line of the audit; never changed and never deleted.

    `before` and `after` are digests of the subject's row; `hash` is over `previous` and all the rest.
    """

    __tablename__ = "event"
    __table_args__ = (
        Index("event_account", "account_id", "sequence"),
        Index("event_actor", "actor_id", "sequence"),
        Index("event_stead", "sequence"),
        Index("event_at", "at"),
        Index("event_day", text("substr(at, 1, 10)"), "sequence"),
        Index("event_action", "action", "sequence"),
        Index("event_refused", "outcome", "sequence"),
    )

    sequence: int = Field(primary_key=True, sa_type=BigInteger().with_variant(Integer, "sqlite"))
    at: datetime = Field(sa_type=Instant)
    actor_kind: ActorKind = Field(sa_type=Word(ActorKind))
    actor_id: str = Field(sa_type=String(16))
    actor: str = Field(sa_type=Text)
    action: str = Field(sa_type=String(32))
    account_id: str | None = Field(default=None, sa_type=String(16))
    account: str | None = Field(default=None, sa_type=Text)
    subject_kind: str | None = Field(default=None, sa_type=String(16))
    subject_id: str | None = Field(default=None, sa_type=String(64))
    outcome: Outcome = Field(sa_type=Word(Outcome))
    source: str = Field(sa_type=Text)
    detail: str = Field(default="{}", sa_type=Text)
    before: str | None = Field(default=None, sa_type=String(64))
    after: str | None = Field(default=None, sa_type=String(64))
    previous: str = Field(sa_type=String(64))
    hash: str = Field(sa_type=String(64))


TABLES = (Setting, Person, Role, Membership, Key, Account, Token, Grant, Dismissal, Migration, Event)


CONDITIONS: Final = {
    "account_name_live": "removed_at IS NULL",
    "event_refused": "outcome <> 'done'",
    "event_actor": "actor_kind <> 'account'",
    "event_stead": "actor LIKE '% as %'",
}
"""What the indexes are of that are not of all rows."""


def tell_conditions() -> None:
    """Tell SQLAlchemy what partial indexes are of, for whoever makes or compares a schema.

    It is not told with the tables: that would load the dialect of PostgreSQL and what all its drivers need into every
    start.
    """
    for table in SQLModel.metadata.tables.values():
        for index in table.indexes:
            for engine in ("sqlite", "postgresql") if index.name in CONDITIONS else ():
                index.dialect_options[engine]["where"] = text(CONDITIONS[str(index.name)])
