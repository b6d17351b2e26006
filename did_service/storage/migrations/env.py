"""What alembic runs for an upgrade: the steps, in the transaction that was handed in."""

from __future__ import annotations

from alembic import context

_GIVEN = context.config.attributes

context.configure(connection=_GIVEN["connection"], version_table=_GIVEN["version_table"])
context.run_migrations()
