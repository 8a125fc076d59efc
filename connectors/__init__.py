"""Connectors: one module a platform. Found by the entry-point group ``turnout.connectors``."""
