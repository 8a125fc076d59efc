"""Small charts drawn on the server: an audience's size, and what each request added and removed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from connectors.sandbox.state import ChangeState

WIDTH, HEIGHT = 760.0, 150.0
MOST_POINTS = 120


@dataclass(frozen=True, slots=True)
class Bar:
    """One request's adds (upwards) and removes (downwards)."""

    x: float
    width: float
    add_top: float
    add_height: float
    remove_top: float
    remove_height: float
    label: str


@dataclass(frozen=True, slots=True)
class Chart:
    """Coordinates for the template; the largest values name the axes."""

    line: str
    area: str
    bars: tuple[Bar, ...]
    middle: float
    largest_size: int
    largest_change: int


def draw(changes: Sequence[ChangeState]) -> Chart | None:
    """A chart of the newest changes, or None when nothing has happened."""
    shown = changes[-MOST_POINTS:]
    if not shown:
        return None
    step = WIDTH / len(shown)
    largest = max(1, *(change.size for change in shown))
    most = max(1, *(max(change.added, change.removed) for change in shown))
    level = _y(shown[0].size - shown[0].added + shown[0].removed, largest)
    points = [f"0,{level:.1f}"]
    for number, change in enumerate(shown):
        points.append(f"{number * step:.1f},{level:.1f}")
        level = _y(change.size, largest)
        points.append(f"{number * step:.1f},{level:.1f}")
    points.append(f"{WIDTH:.1f},{level:.1f}")
    line = " ".join(points)
    middle = HEIGHT / 2
    scale = (middle - 6) / most
    bars = tuple(
        Bar(
            x=number * step + step * 0.2,
            width=min(step * 0.6, 26),
            add_top=middle - change.added * scale,
            add_height=change.added * scale,
            remove_top=middle,
            remove_height=change.removed * scale,
            label=f"Request {change.request}, {change.at}: {change.added} added, {change.removed} removed",
        )
        for number, change in enumerate(shown)
    )
    return Chart(line, f"0,{HEIGHT} {line} {WIDTH},{HEIGHT}", bars, middle, largest, most)


def _y(size: int, largest: int) -> float:
    return HEIGHT - 4 - (HEIGHT - 14) * size / largest
