"""The audit finds what was changed and names it. Real chain, real databases, real statements; all content synthetic."""
