"""Models: trained on purpose, versioned, frozen, and scored every day from what was kept of their training.

A model only makes the table ``scores``; who is meant stays a segment's SQL over it.
"""
