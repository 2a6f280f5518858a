"""A certificate over an evidence package: a bilingual PDF that is a function of the verdict (docs/CERTIFICATE.md).

It tells what verified and what the statements say, never who is liable. After it come drafts of the declarations that
courts ask of a person, filled in as far as the statements say something. No network, no clock, no database.
"""
