"""Indexes, so that neither a click nor the end of a run reads whole tables, and old rows can be deleted one by one."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_PLAIN = (
    ("attempt", ["run_id"]),
    ("attempt", ["warrant_id"]),
    ("integration", ["integration_context"]),
    ("integration", ["observed"]),
    ("provisioning", ["run_id"]),
    ("request_evidence", ["session_digest"]),
    ("run", ["lane", "finished_at"]),
    ("visit", ["expires_at"]),
)
_OPEN = sa.text("requested_at IS NOT NULL AND (acted_on_at IS NULL OR acted_on_at < requested_at)")
_PARTIAL = (
    ("ix_customer_locked_by", ["locked_by"], sa.text("locked_by IS NOT NULL")),
    ("ix_integration_open_request", ["requested_at", "customer_id"], _OPEN),
    ("ix_integration_waits_for_a_look", ["look_due_at", "customer_id"], sa.text("look_due_at IS NOT NULL")),
)


def upgrade() -> None:
    for table, columns in _PLAIN:
        op.create_index(f"ix_{table}_{'_'.join(columns)}", table, columns)
    for name, columns, some in _PARTIAL:
        op.create_index(name, name.split("_")[1], columns, sqlite_where=some, postgresql_where=some)


def downgrade() -> None:
    for name, _, _ in reversed(_PARTIAL):
        op.drop_index(name, name.split("_")[1])
    for table, columns in reversed(_PLAIN):
        op.drop_index(f"ix_{table}_{'_'.join(columns)}", table)
