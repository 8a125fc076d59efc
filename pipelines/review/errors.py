"""What goes wrong before anything is done; each sentence names the place and the way on."""

from __future__ import annotations


class ReviewError(Exception):
    """What an operator asked for can't be done as asked; nothing was done."""


class PlanFileError(ReviewError):
    """A plan's file can't be read, written or trusted."""
