"""Faults on demand: rules that say which requests go wrong, and how."""
