"""Clocks beside the chain."""
