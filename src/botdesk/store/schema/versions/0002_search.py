"""What a search of accounts reads, side by side."""

from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Make the index that a search reads from end to end, in the table's stead."""
    if op.get_bind().dialect.name == "sqlite":
        op.execute(
            "CREATE INDEX account_search ON account (name, id, removed_at, disabled_at, purpose, owned_by,"
            " name || ' ' || description || ' ' || scopes || ' ' || id)"
        )
