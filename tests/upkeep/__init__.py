"""Backup, erasure, retirement, reconciliation, expiry: what keeps state and platforms honest."""
