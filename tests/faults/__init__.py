"""Faults of processes, disks and stores, with real processes and real files."""
