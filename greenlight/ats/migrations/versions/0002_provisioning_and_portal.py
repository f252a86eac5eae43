"""Provisioning, and what the portal's callbacks bring."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("child_application") as table:
        table.add_column(sa.Column("application_urn", sa.String(length=200), nullable=True))
        table.add_column(sa.Column("application_name", sa.String(length=200), nullable=True))
        table.add_column(sa.Column("js_sdk_domains", sa.JSON(none_as_null=True), nullable=True))
        table.add_column(sa.Column("provisioned_at", sa.DateTime(timezone=True), nullable=True))
        table.add_column(sa.Column("works_since", sa.DateTime(timezone=True), nullable=True))
    with op.batch_alter_table("run") as table:
        table.add_column(sa.Column("provision_requests", sa.Integer(), nullable=False, server_default="0"))
    with op.batch_alter_table("integration") as table:
        table.add_column(sa.Column("requested_at", sa.DateTime(timezone=True), nullable=True))
        table.add_column(sa.Column("acted_on_at", sa.DateTime(timezone=True), nullable=True))
    op.create_index("ix_integration_requested_at", "integration", ["requested_at"])
    op.create_table(
        "provisioning",
        sa.Column("customer_id", sa.String(length=128), nullable=False),
        sa.Column("unique_foreign_id", sa.String(length=128), nullable=False),
        sa.Column("begun_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("run_id", sa.String(length=36), nullable=False),
        sa.Column("outcome", sa.String(length=20), nullable=True),
        sa.Column("reason", sa.String(length=40), nullable=True),
        sa.Column("detail", sa.String(length=300), nullable=True),
        sa.Column("checked_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "outcome IN ('created', 'adopted', 'updated', 'unchanged', 'waiting', 'failed')",
            name=op.f("ck_provisioning_outcome"),
        ),
        sa.ForeignKeyConstraint(["customer_id"], ["customer.customer_id"], name="fk_provisioning_customer_id"),
        sa.PrimaryKeyConstraint("customer_id", name="pk_provisioning"),
        sa.UniqueConstraint("unique_foreign_id", name="uq_provisioning_unique_foreign_id"),
    )
    op.create_table(
        "visit",
        sa.Column("session_digest", sa.String(length=64), nullable=False),
        sa.Column("link_id", sa.String(length=64), nullable=False),
        sa.Column("customer_id", sa.String(length=128), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["customer_id"], ["customer.customer_id"], name="fk_visit_customer_id"),
        sa.PrimaryKeyConstraint("session_digest", name="pk_visit"),
        sa.UniqueConstraint("link_id", name="uq_visit_link_id"),
    )
    op.create_index("ix_visit_customer_id", "visit", ["customer_id"])
    op.create_table(
        "request_evidence",
        sa.Column("integration_id", sa.Integer(), nullable=False),
        sa.Column("session_digest", sa.String(length=64), nullable=False),
        sa.Column("first_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("times", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["integration_id"], ["integration.id"], name="fk_request_evidence_integration_id"),
        sa.ForeignKeyConstraint(
            ["session_digest"], ["visit.session_digest"], name="fk_request_evidence_session_digest"
        ),
        sa.PrimaryKeyConstraint("integration_id", "session_digest", name="pk_request_evidence"),
    )


def downgrade() -> None:
    op.drop_table("request_evidence")
    op.drop_table("visit")
    op.drop_table("provisioning")
    op.drop_index("ix_integration_requested_at", "integration")
    with op.batch_alter_table("integration") as table:
        table.drop_column("acted_on_at")
        table.drop_column("requested_at")
    with op.batch_alter_table("run") as table:
        table.drop_column("provision_requests")
    with op.batch_alter_table("child_application") as table:
        for name in ("works_since", "provisioned_at", "js_sdk_domains", "application_name", "application_urn"):
            table.drop_column(name)
