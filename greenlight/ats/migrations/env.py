"""Alembic's entry: runs on the connection that `greenlight.ats.database` hands over."""

from alembic import context

from greenlight.ats.tables import Table

VERSION_TABLE = "greenlight_version"

connection = context.config.attributes["connection"]
context.configure(
    connection=connection, target_metadata=Table.metadata, version_table=VERSION_TABLE, render_as_batch=True
)
with context.begin_transaction():
    context.run_migrations()
