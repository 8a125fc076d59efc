"""Models: what segments know beyond what happened."""
