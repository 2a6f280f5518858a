"""Alembic's environment: runs on the connection that `storage.database.migrate` hands over."""

from alembic import context

from ledger_service.storage import schema

context.configure(connection=context.config.attributes["connection"], target_metadata=schema.metadata)
context.run_migrations()
