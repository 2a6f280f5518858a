"""Working stand-ins for ports. Each passes the same suite as the real thing."""
