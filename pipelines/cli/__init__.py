"""The command line: ``turnout``."""

from pipelines.cli.app import main

__all__ = ["main"]
