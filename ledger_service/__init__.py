"""The Huzheng ledger service: it accepts signed statements, keeps the log, and has it witnessed on a chain."""
