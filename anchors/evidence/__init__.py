"""Evidence packages: one file for a dispute, judged from its bytes and a trust file (docs/spec/evidence.md).

`archive` is the file, `members` what stands in it; `verify` takes the numbered steps (`form`, `log`) over a `case`, and
`report` is their outcome. No network, no clock, no database: everything is an argument.
"""
