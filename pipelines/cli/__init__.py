"""The command line: ``turnout``."""
