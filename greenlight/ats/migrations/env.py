"""Alembic's entry: runs on the connection that `greenlight.ats.database` hands over."""

from importlib import import_module

from alembic import context

from greenlight.ats.ledger import Table

# What of the schema stands elsewhere.
for module in (
    "api_tables",
    "changes",
    "desired_tables",
    "domain_tables",
    "fleet",
    "settled",
    "shards",
    "webhook_tables",
):
    import_module(f"greenlight.ats.{module}")
attributes = context.config.attributes
context.configure(
    connection=attributes["connection"],
    target_metadata=Table.metadata,
    version_table=attributes["version_table"],
    render_as_batch=True,
    # Alembic takes SQLite for a database that commits each change of the schema by itself.
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
