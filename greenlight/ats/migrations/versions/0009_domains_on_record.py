"""Which of an application's domains are ours, what became of its list, and ids that carry an installation's name."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("child_application") as table:
        table.add_column(sa.Column("own_domains", sa.JSON(none_as_null=True), nullable=True))
    # Until now a list was written from here as a whole.
    op.execute("UPDATE child_application SET own_domains = js_sdk_domains")
    op.create_table(
        "domains_record",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("customer_id", sa.String(length=128), nullable=False),
        sa.Column("found", sa.Boolean(), nullable=False),
        sa.Column("before", sa.JSON(), nullable=False),
        sa.Column("after", sa.JSON(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("run_id", sa.String(length=36), nullable=False),
        sa.ForeignKeyConstraint(["customer_id"], ["customer.customer_id"], name="fk_domains_record_customer_id"),
        sa.PrimaryKeyConstraint("id", name="pk_domains_record"),
    )
    op.create_index("ix_domains_record_customer_id", "domains_record", ["customer_id"])
    with op.batch_alter_table("provisioning") as table:
        table.alter_column("unique_foreign_id", type_=sa.String(length=200), existing_type=sa.String(length=128))


def downgrade() -> None:
    # The longer ids stay: LinkedIn knows the applications by them.
    op.drop_index("ix_domains_record_customer_id", "domains_record")
    op.drop_table("domains_record")
    with op.batch_alter_table("child_application") as table:
        table.drop_column("own_domains")
