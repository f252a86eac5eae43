"""Shards of a run, which several processes take, and until when a run says that it lasts."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "shard",
        sa.Column("run_id", sa.String(36), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("cut_by", sa.String(36), nullable=False),
        sa.Column("stage", sa.String(10), nullable=False),
        sa.Column("integrations", sa.JSON(), nullable=False),
        sa.Column("insisted", sa.JSON(), nullable=False),
        sa.Column("taken_by", sa.String(36), nullable=True),
        sa.Column("take", sa.String(36), nullable=True),
        sa.Column("taken_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("crashes", sa.JSON(), nullable=False),
        sa.CheckConstraint("stage IN ('look', 'enable')", name="ck_shard_stage"),
        sa.ForeignKeyConstraint(["run_id"], ["run.run_id"], name="fk_shard_run_id"),
        sa.PrimaryKeyConstraint("run_id", "number", name="pk_shard"),
    )
    op.create_table(
        "shard_take",
        sa.Column("take", sa.String(36), nullable=False),
        sa.Column("run_id", sa.String(36), nullable=False),
        sa.Column("cut_by", sa.String(36), nullable=False),
        sa.Column("token_requests", sa.Integer(), nullable=False),
        sa.Column("verify_requests", sa.Integer(), nullable=False),
        sa.Column("enable_requests", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["run.run_id"], name="fk_shard_take_run_id"),
        sa.PrimaryKeyConstraint("take", name="pk_shard_take"),
    )
    op.create_index("ix_shard_take_run_id", "shard_take", ["run_id"])
    op.add_column("run", sa.Column("shards_until", sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("run") as table:
        table.drop_column("shards_until")
    op.drop_table("shard_take")
    op.drop_table("shard")
