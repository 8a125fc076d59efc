"""Delivery's process is killed at every boundary that it has, for real, and what comes after is judged."""
