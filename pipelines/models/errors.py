"""What can go wrong with a model, said so that its operator can repair it."""

from __future__ import annotations


class ModelError(Exception):
    """A model that cannot be trained, used or scored; the sentence says why and what to do. Names no person."""
