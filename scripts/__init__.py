"""The project's own machinery: set-up, checks, and a local chain. Not part of the package that is installed."""
