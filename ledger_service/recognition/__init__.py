"""Mutual recognition itself: policies as data, and what a policy says of a report. Values in, values out: no clock, no
network, no database (docs/spec/policy.md)."""
