"""A synthetic city: institutions, documents and people's decisions that exist nowhere. For showing and measuring."""
