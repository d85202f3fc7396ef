"""The first schema."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def _text(length: int | None = None) -> sa.String:
    """Text that is ordered and compared by its bytes, and whose letters are told apart as SQLite does."""
    kind = sa.String if length else sa.Text
    return kind(length).with_variant(kind(length, collation="C"), "postgresql")


_INSTANT = _text(27)
_ID = _text(16)
_WORD = _text(16)
_TEXT = _text()


def upgrade() -> None:
    """Make the tables, their indexes and the triggers that keep events as they are."""
    _desk()
    _people()
    _accounts()
    _tokens()
    _grants()
    _dismissals()
    _migrations()
    _events()
    for statement in _TRIGGERS[op.get_bind().dialect.name]:
        op.execute(statement)


def _desk() -> None:
    op.create_table(
        "setting",
        sa.Column("key", _text(64), primary_key=True),
        sa.Column("value", _TEXT, nullable=False),
    )


def _people() -> None:
    op.create_table(
        "person",
        sa.Column("id", _ID, primary_key=True),
        sa.Column("name", _text(64), nullable=False, unique=True),
        sa.Column("full_name", _TEXT, nullable=False),
        sa.Column("standing", _WORD, nullable=False),
        sa.Column("added_at", _INSTANT, nullable=False),
        sa.Column("added_by", _ID),
        sa.Column("disabled_at", _INSTANT),
    )
    op.create_table(
        "role",
        sa.Column("id", _ID, primary_key=True),
        sa.Column("name", _text(64), nullable=False, unique=True),
        sa.Column("description", _TEXT, nullable=False),
        sa.Column("created_at", _INSTANT, nullable=False),
        sa.Column("created_by", _ID, nullable=False),
        sa.Column("scopes", _TEXT),
    )
    op.create_table(
        "membership",
        sa.Column("role_id", _ID, sa.ForeignKey("role.id"), primary_key=True),
        sa.Column("person_id", _ID, sa.ForeignKey("person.id"), primary_key=True, index=True),
        sa.Column("added_at", _INSTANT, nullable=False),
        sa.Column("added_by", _ID, nullable=False),
    )
    op.create_table(
        "key",
        sa.Column("fingerprint", _text(64), primary_key=True),
        sa.Column("person_id", _ID, sa.ForeignKey("person.id"), nullable=False, index=True),
        sa.Column("kind", _text(64), nullable=False),
        sa.Column("blob", _TEXT, nullable=False),
        sa.Column("comment", _TEXT, nullable=False),
        sa.Column("added_at", _INSTANT, nullable=False),
        sa.Column("added_by", _ID, nullable=False),
    )


def _accounts() -> None:
    op.create_table(
        "account",
        sa.Column("id", _ID, primary_key=True),
        sa.Column("name", _text(40), nullable=False, index=True),
        sa.Column("purpose", _WORD, nullable=False),
        sa.Column("description", _TEXT, nullable=False),
        sa.Column("scopes", _TEXT, nullable=False),
        sa.Column("rotation_days", sa.Integer, nullable=False),
        sa.Column("created_at", _INSTANT, nullable=False),
        sa.Column("created_by", _ID, sa.ForeignKey("person.id"), nullable=False),
        sa.Column("owned_by", _ID, sa.ForeignKey("person.id"), nullable=False, index=True),
        sa.Column("modified_at", _INSTANT),
        sa.Column("disabled_at", _INSTANT),
        sa.Column("disabled_reason", _TEXT),
        sa.Column("removed_at", _INSTANT),
        sa.Column("scopes_added_at", _INSTANT),
    )
    live = sa.text("removed_at IS NULL")
    op.create_index("account_name_live", "account", ["name"], unique=True, sqlite_where=live, postgresql_where=live)


def _tokens() -> None:
    op.create_table(
        "token",
        sa.Column("id", _text(10), primary_key=True),
        sa.Column("account_id", _ID, sa.ForeignKey("account.id"), nullable=False, index=True),
        sa.Column("label", _TEXT, nullable=False),
        sa.Column("hash", _TEXT, nullable=False),
        sa.Column("scopes", _TEXT, nullable=False),
        sa.Column("issued_at", _INSTANT, nullable=False),
        sa.Column("issued_by", _ID, nullable=False),
        sa.Column("expires_at", _INSTANT),
        sa.Column("delivered_at", _INSTANT),
        sa.Column("delivered_to", _TEXT),
        sa.Column("predecessor_id", _text(10), sa.ForeignKey("token.id")),
        sa.Column("successor_id", _text(10), sa.ForeignKey("token.id")),
        sa.Column("overlap_seconds", sa.Integer),
        sa.Column("revoked_at", _INSTANT),
        sa.Column("revoked_reason", _TEXT),
        sa.Column("last_used_at", _INSTANT),
        sa.Column("last_used_from", _TEXT),
        sa.Column("first_used_at", _INSTANT),
        sa.Column("last_refused_at", _INSTANT, index=True),
        sa.Column("last_refused_from", _TEXT),
        sa.Column("last_refused_reason", _WORD),
        sa.Column("seen", _TEXT),
        sa.Column("prior_expires_at", _INSTANT),
    )


def _grants() -> None:
    op.create_table(
        "grant",
        sa.Column("id", _ID, primary_key=True),
        sa.Column("account_id", _ID, sa.ForeignKey("account.id"), nullable=False),
        sa.Column("role_id", _ID, sa.ForeignKey("role.id"), index=True),
        sa.Column("person_id", _ID, sa.ForeignKey("person.id"), index=True),
        sa.Column("level", _WORD, nullable=False),
        sa.Column("given_at", _INSTANT, nullable=False),
        sa.Column("given_by", _ID, nullable=False),
        sa.CheckConstraint("(role_id IS NULL) <> (person_id IS NULL)", name="grant_one_grantee"),
    )
    op.create_index("grant_role", "grant", ["account_id", "role_id"], unique=True)
    op.create_index("grant_person", "grant", ["account_id", "person_id"], unique=True)


def _dismissals() -> None:
    op.create_table(
        "dismissal",
        sa.Column("id", _ID, primary_key=True),
        sa.Column("kind", _text(32), nullable=False),
        sa.Column("account_id", _ID, sa.ForeignKey("account.id"), index=True),
        sa.Column("token_id", _text(10), sa.ForeignKey("token.id")),
        sa.Column("about", _TEXT, nullable=False),
        sa.Column("reason", _TEXT, nullable=False),
        sa.Column("until", _INSTANT, nullable=False),
        sa.Column("dismissed_at", _INSTANT, nullable=False),
        sa.Column("dismissed_by", _ID, nullable=False),
    )


def _migrations() -> None:
    op.create_table(
        "migration",
        sa.Column("id", _ID, primary_key=True),
        sa.Column("account_id", _ID, sa.ForeignKey("account.id"), nullable=False, index=True),
        sa.Column("owner_id", _ID, sa.ForeignKey("person.id"), nullable=False, index=True),
        sa.Column("what", _TEXT, nullable=False),
        sa.Column("place", _TEXT, nullable=False),
        sa.Column("platform", _WORD, nullable=False),
        sa.Column("started_at", _INSTANT, nullable=False),
        sa.Column("started_by", _ID, nullable=False),
        sa.Column("run_by", _ID, nullable=False),
        sa.Column("token_id", _text(10), sa.ForeignKey("token.id")),
        sa.Column("digest", _text(64), unique=True),
        sa.Column("registered_at", _INSTANT),
        sa.Column("registered_by", _ID),
        sa.Column("accept_until", _INSTANT),
        sa.Column("last_used_at", _INSTANT),
        sa.Column("last_used_from", _TEXT),
        sa.Column("last_refused_at", _INSTANT),
        sa.Column("last_refused_from", _TEXT),
        sa.Column("last_refused_reason", _WORD),
        sa.Column("paused_at", _INSTANT),
        sa.Column("cancelled_at", _INSTANT),
        sa.Column("ended_at", _INSTANT),
        sa.Column("ended_by", _ID),
        sa.Column("ended_how", _TEXT),
    )


def _events() -> None:
    op.create_table(
        "event",
        sa.Column("sequence", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True),
        sa.Column("at", _INSTANT, nullable=False),
        sa.Column("actor_kind", _WORD, nullable=False),
        sa.Column("actor_id", _ID, nullable=False),
        sa.Column("actor", _TEXT, nullable=False),
        sa.Column("action", _text(32), nullable=False),
        sa.Column("account_id", _ID),
        sa.Column("account", _TEXT),
        sa.Column("subject_kind", _WORD),
        sa.Column("subject_id", _text(64)),
        sa.Column("outcome", _WORD, nullable=False),
        sa.Column("source", _TEXT, nullable=False),
        sa.Column("detail", _TEXT, nullable=False),
        sa.Column("before", _text(64)),
        sa.Column("after", _text(64)),
        sa.Column("previous", _text(64), nullable=False),
        sa.Column("hash", _text(64), nullable=False),
    )
    op.create_index("event_account", "event", ["account_id", "sequence"])
    people = sa.text("actor_kind <> 'account'")
    op.create_index("event_actor", "event", ["actor_id", "sequence"], sqlite_where=people, postgresql_where=people)
    stead = sa.text("actor LIKE '% as %'")
    op.create_index("event_stead", "event", ["sequence"], sqlite_where=stead, postgresql_where=stead)
    op.create_index("event_at", "event", ["at"])
    op.create_index("event_day", "event", [sa.text("substr(at, 1, 10)"), "sequence"])
    op.create_index("event_action", "event", ["action", "sequence"])
    refused = sa.text("outcome <> 'done'")
    op.create_index("event_refused", "event", ["outcome", "sequence"], sqlite_where=refused, postgresql_where=refused)


_ARCHIVED = "FROM {0} WHERE action = 'audit:archived' AND outcome = 'done' ORDER BY sequence DESC LIMIT 1"
"""The event that records the last archive: what is not younger than what that holds may go."""

_SQLITE = (
    "CREATE TRIGGER event_no_update BEFORE UPDATE ON event BEGIN SELECT RAISE(ABORT, 'events are never changed'); END",
    "CREATE TRIGGER event_no_delete BEFORE DELETE ON event"
    " WHEN OLD.sequence > coalesce((SELECT CAST(json_extract(detail, '$.last') AS INTEGER)"
    f" {_ARCHIVED.format('event')}), 0)"
    " BEGIN SELECT RAISE(ABORT, 'events are never deleted'); END",
    "CREATE TRIGGER event_no_replace BEFORE INSERT ON event"
    " WHEN NEW.sequence <= (SELECT max(sequence) FROM event)"
    " BEGIN SELECT RAISE(ABORT, 'events are never replaced'); END",
)

_REFUSAL = """
CREATE FUNCTION event_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'events are never changed' USING ERRCODE = 'restrict_violation'; END $$
"""
_IN_ORDER = """
CREATE FUNCTION event_in_order() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  newest bigint;
BEGIN
  EXECUTE format('SELECT max(sequence) FROM %I.%I', TG_TABLE_SCHEMA, TG_TABLE_NAME) INTO newest;
  IF NEW.sequence <= newest THEN
    RAISE EXCEPTION 'events are never replaced' USING ERRCODE = 'restrict_violation';
  END IF;
  RETURN NEW;
END $$
"""
_ONLY_ARCHIVED = f"""
CREATE FUNCTION event_only_archived() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  last bigint;
BEGIN
  EXECUTE format($q$SELECT (detail::json ->> 'last')::bigint {_ARCHIVED.format("%I.%I")}$q$,
    TG_TABLE_SCHEMA, TG_TABLE_NAME) INTO last;
  IF EXISTS (SELECT FROM gone WHERE sequence > coalesce(last, 0)) THEN
    RAISE EXCEPTION 'events are never deleted' USING ERRCODE = 'restrict_violation';
  END IF;
  RETURN NULL;
END $$
"""  # noqa: S608
_POSTGRESQL = (
    _REFUSAL,
    _IN_ORDER,
    _ONLY_ARCHIVED,
    "CREATE TRIGGER event_no_update BEFORE UPDATE ON event FOR EACH STATEMENT EXECUTE FUNCTION event_refuse()",
    "CREATE TRIGGER event_no_delete AFTER DELETE ON event REFERENCING OLD TABLE AS gone"
    " FOR EACH STATEMENT EXECUTE FUNCTION event_only_archived()",
    "CREATE TRIGGER event_no_truncate BEFORE TRUNCATE ON event FOR EACH STATEMENT EXECUTE FUNCTION event_refuse()",
    "CREATE TRIGGER event_no_replace BEFORE INSERT ON event FOR EACH ROW EXECUTE FUNCTION event_in_order()",
    *(
        f"ALTER TABLE event ENABLE ALWAYS TRIGGER event_no_{what}"
        for what in ("update", "delete", "truncate", "replace")
    ),
)

_TRIGGERS = {"sqlite": _SQLITE, "postgresql": _POSTGRESQL}
