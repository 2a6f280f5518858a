"""FHIR in and out (docs/FHIR.md): a report becomes a draft, a timeline becomes Provenance and AuditEvent resources."""

STATEMENT = "urn:huzheng:statement"
"""Identifiers under this system are statement ids, 0x and hex. A version of a report is the statement that made it."""
INSTITUTION = "urn:huzheng:institution"
"""Identifiers under this system are codes of institutions, as the registry has them."""
