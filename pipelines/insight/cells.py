"""Counts of few people in breakdowns: said to be few, and no more (research papers call it cell suppression)."""

from __future__ import annotations


def cell(people: int, floor: int) -> int | None:
    """The count, None where it is of fewer people than the floor, but of somebody."""
    return None if 0 < people < floor else people


def said(people: int, floor: int) -> str:
    """The count in words."""
    return f"{people:,}" if cell(people, floor) is not None else f"fewer than {floor:,}"
