"""What Alembic runs: on the connection that was handed in, inside its transaction."""

from alembic import context
from sqlmodel import SQLModel

from botdesk.store import tables

tables.tell_conditions()
context.configure(connection=context.config.attributes["connection"], target_metadata=SQLModel.metadata)
context.run_migrations()
