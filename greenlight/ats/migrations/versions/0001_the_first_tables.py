"""The first tables."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "customer",
        sa.Column("customer_id", sa.String(length=128), nullable=False),
        sa.Column("customer_name", sa.String(length=200), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("customer_id", name="pk_customer"),
    )
    op.create_table(
        "plan",
        sa.Column("plan_id", sa.String(length=36), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("scope", sa.JSON(), nullable=False),
        sa.Column("token_requests", sa.Integer(), nullable=False),
        sa.Column("verify_requests", sa.Integer(), nullable=False),
        sa.Column("enable_requests", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("plan_id", name="pk_plan"),
    )
    op.create_table(
        "run",
        sa.Column("run_id", sa.String(length=36), nullable=False),
        sa.Column("command", sa.String(length=20), nullable=False),
        sa.Column("scope", sa.JSON(), nullable=False),
        sa.Column("plan_id", sa.String(length=36), nullable=True),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("verdict", sa.String(length=10), nullable=True),
        sa.Column("token_requests", sa.Integer(), nullable=False),
        sa.Column("verify_requests", sa.Integer(), nullable=False),
        sa.Column("enable_requests", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("run_id", name="pk_run"),
    )
    op.create_table(
        "child_application",
        sa.Column("customer_id", sa.String(length=128), nullable=False),
        sa.Column("client_id", sa.String(length=128), nullable=False),
        sa.Column("credentials_block", sa.String(length=200), nullable=False),
        sa.ForeignKeyConstraint(["customer_id"], ["customer.customer_id"], name="fk_child_application_customer_id"),
        sa.PrimaryKeyConstraint("customer_id", name="pk_child_application"),
        sa.UniqueConstraint("client_id", name="uq_child_application_client_id"),
    )
    op.create_table(
        "integration",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("customer_id", sa.String(length=128), nullable=False),
        sa.Column("integration_context", sa.String(length=200), nullable=False),
        sa.Column("integration_type", sa.String(length=64), nullable=False),
        sa.Column("tenant_type", sa.String(length=64), nullable=False),
        sa.Column("integration_name", sa.String(length=200), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("observed", sa.String(length=20), nullable=False),
        sa.Column("observed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("looked_for", sa.String(length=60), nullable=True),
        sa.Column("done_in_run", sa.String(length=36), nullable=True),
        sa.Column("action", sa.String(length=10), nullable=False),
        sa.Column("outcome", sa.String(length=20), nullable=False),
        sa.Column("reason", sa.String(length=40), nullable=False),
        sa.Column("detail", sa.String(length=300), nullable=True),
        sa.Column("condition_since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("checked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("next_try_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("action IN ('enable', 'none')", name=op.f("ck_integration_action")),
        sa.CheckConstraint(
            "observed IN ('NOT_REQUESTED', 'REQUESTED', 'PARTNER_READY', 'ENABLED', 'UNKNOWN')",
            name=op.f("ck_integration_observed"),
        ),
        sa.CheckConstraint(
            "outcome IN ('enabled', 'already_enabled', 'waiting', 'failed', 'unknown', 'held', 'not_looked_at')",
            name=op.f("ck_integration_outcome"),
        ),
        sa.ForeignKeyConstraint(["customer_id"], ["customer.customer_id"], name="fk_integration_customer_id"),
        sa.PrimaryKeyConstraint("id", name="pk_integration"),
        sa.UniqueConstraint(
            "customer_id", "integration_context", "integration_type", "tenant_type", name="uq_integration_key"
        ),
    )
    op.create_table(
        "attempt",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("integration_id", sa.Integer(), nullable=False),
        sa.Column("run_id", sa.String(length=36), nullable=False),
        sa.Column("client_id", sa.String(length=128), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("settles_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("outcome", sa.String(length=30), nullable=True),
        sa.Column("reason", sa.String(length=40), nullable=True),
        sa.Column("detail", sa.String(length=300), nullable=True),
        sa.CheckConstraint(
            "outcome IN ('confirmed', 'confirmed_by_looking', 'refused', 'not_applied')",
            name=op.f("ck_attempt_outcome"),
        ),
        sa.CheckConstraint("(outcome IS NULL) = (closed_at IS NULL)", name=op.f("ck_attempt_open_has_no_end")),
        sa.ForeignKeyConstraint(["integration_id"], ["integration.id"], name="fk_attempt_integration_id"),
        sa.PrimaryKeyConstraint("id", name="pk_attempt"),
    )
    op.create_index("ix_attempt_integration_id", "attempt", ["integration_id"])
    op.create_index(
        "uq_attempt_one_open",
        "attempt",
        ["integration_id"],
        unique=True,
        sqlite_where=sa.text("closed_at IS NULL"),
        postgresql_where=sa.text("closed_at IS NULL"),
    )

    op.create_table(
        "plan_item",
        sa.Column("plan_id", sa.String(length=36), nullable=False),
        sa.Column("integration_id", sa.Integer(), nullable=False),
        sa.Column("action", sa.String(length=10), nullable=False),
        sa.Column("reason", sa.String(length=40), nullable=False),
        sa.CheckConstraint("action IN ('enable', 'none')", name=op.f("ck_plan_item_action")),
        sa.ForeignKeyConstraint(["integration_id"], ["integration.id"], name="fk_plan_item_integration_id"),
        sa.ForeignKeyConstraint(["plan_id"], ["plan.plan_id"], name="fk_plan_item_plan_id"),
        sa.PrimaryKeyConstraint("plan_id", "integration_id", name="pk_plan_item"),
    )


def downgrade() -> None:
    for table in ("plan_item", "attempt", "integration", "child_application", "run", "plan", "customer"):
        op.drop_table(table)
