"""Packs are begun and run as their users do it: commands in a folder, with no settings from anywhere else."""

from __future__ import annotations

from tests.cli.conftest import bare, turnout

__all__ = ["bare", "turnout"]
