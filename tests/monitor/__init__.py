"""Watching a log from outside."""
