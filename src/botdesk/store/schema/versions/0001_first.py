"""The first schema."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_INSTANT = sa.String(27)
_ID = sa.String(16)
_WORD = sa.String(16)


def upgrade() -> None:
    """Make the tables, their indexes and the triggers that keep events as they are."""
    _desk()
    _people()
    _accounts()
    _tokens()
    _grants()
    _events()
    for statement in _TRIGGERS:
        op.execute(statement)


def _desk() -> None:
    op.create_table(
        "setting",
        sa.Column("key", sa.String(64), primary_key=True),
        sa.Column("value", sa.Text, nullable=False),
    )


def _people() -> None:
    op.create_table(
        "person",
        sa.Column("id", _ID, primary_key=True),
        sa.Column("name", sa.String(64), nullable=False, unique=True),
        sa.Column("full_name", sa.Text, nullable=False),
        sa.Column("standing", _WORD, nullable=False),
        sa.Column("added_at", _INSTANT, nullable=False),
        sa.Column("added_by", _ID),
        sa.Column("disabled_at", _INSTANT),
    )
    op.create_table(
        "role",
        sa.Column("id", _ID, primary_key=True),
        sa.Column("name", sa.String(64), nullable=False, unique=True),
        sa.Column("description", sa.Text, nullable=False),
        sa.Column("created_at", _INSTANT, nullable=False),
        sa.Column("created_by", _ID, nullable=False),
        sa.Column("scopes", sa.Text),
    )
    op.create_table(
        "membership",
        sa.Column("role_id", _ID, sa.ForeignKey("role.id"), primary_key=True),
        sa.Column("person_id", _ID, sa.ForeignKey("person.id"), primary_key=True, index=True),
        sa.Column("added_at", _INSTANT, nullable=False),
        sa.Column("added_by", _ID, nullable=False),
    )


def _accounts() -> None:
    op.create_table(
        "account",
        sa.Column("id", _ID, primary_key=True),
        sa.Column("name", sa.String(40), nullable=False, index=True),
        sa.Column("purpose", _WORD, nullable=False),
        sa.Column("description", sa.Text, nullable=False),
        sa.Column("scopes", sa.Text, nullable=False),
        sa.Column("rotation_days", sa.Integer, nullable=False),
        sa.Column("created_at", _INSTANT, nullable=False),
        sa.Column("created_by", _ID, sa.ForeignKey("person.id"), nullable=False, index=True),
        sa.Column("modified_at", _INSTANT),
        sa.Column("disabled_at", _INSTANT),
        sa.Column("disabled_reason", sa.Text),
        sa.Column("removed_at", _INSTANT),
    )
    op.create_index("account_name_live", "account", ["name"], unique=True, sqlite_where=sa.text("removed_at IS NULL"))


def _tokens() -> None:
    op.create_table(
        "token",
        sa.Column("id", sa.String(10), primary_key=True),
        sa.Column("account_id", _ID, sa.ForeignKey("account.id"), nullable=False, index=True),
        sa.Column("label", sa.Text, nullable=False),
        sa.Column("hash", sa.Text, nullable=False),
        sa.Column("scopes", sa.Text, nullable=False),
        sa.Column("issued_at", _INSTANT, nullable=False),
        sa.Column("issued_by", _ID, nullable=False),
        sa.Column("expires_at", _INSTANT),
        sa.Column("delivered_at", _INSTANT),
        sa.Column("delivered_to", sa.Text),
        sa.Column("predecessor_id", sa.String(10), sa.ForeignKey("token.id")),
        sa.Column("successor_id", sa.String(10), sa.ForeignKey("token.id")),
        sa.Column("overlap_seconds", sa.Integer),
        sa.Column("revoked_at", _INSTANT),
        sa.Column("revoked_reason", sa.Text),
        sa.Column("last_used_at", _INSTANT),
        sa.Column("last_used_from", sa.Text),
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


def _events() -> None:
    op.create_table(
        "event",
        sa.Column("sequence", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True),
        sa.Column("at", _INSTANT, nullable=False),
        sa.Column("actor_kind", _WORD, nullable=False),
        sa.Column("actor_id", _ID, nullable=False),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("action", sa.String(32), nullable=False),
        sa.Column("account_id", _ID),
        sa.Column("account", sa.Text),
        sa.Column("subject_kind", _WORD),
        sa.Column("subject_id", sa.String(64)),
        sa.Column("outcome", _WORD, nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("detail", sa.Text, nullable=False),
        sa.Column("before", sa.String(64)),
        sa.Column("after", sa.String(64)),
        sa.Column("previous", sa.String(64), nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
    )
    op.create_index("event_account", "event", ["account_id", "sequence"])
    op.create_index("event_actor", "event", ["actor_id", "sequence"])
    op.create_index("event_at", "event", ["at"])


_TRIGGERS = (
    "CREATE TRIGGER event_no_update BEFORE UPDATE ON event BEGIN SELECT RAISE(ABORT, 'events are never changed'); END",
    "CREATE TRIGGER event_no_delete BEFORE DELETE ON event BEGIN SELECT RAISE(ABORT, 'events are never deleted'); END",
    "CREATE TRIGGER event_no_replace BEFORE INSERT ON event"
    " WHEN NEW.sequence <= (SELECT max(sequence) FROM event)"
    " BEGIN SELECT RAISE(ABORT, 'events are never replaced'); END",
)
