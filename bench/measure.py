"""Measuring in a process of its own: CPU seconds, wall seconds, peak memory and bytes written of one call."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Figures:
    """What one call cost. Start-up of the interpreter and imports are not in ``cpu`` and ``wall``."""

    cpu: float
    wall: float
    peak_mb: float
    written_mb: float
    result: float = 0.0


def alone(module: str, *arguments: object) -> Figures:
    """Run ``python -m module arguments`` and read the figures that its ``report`` printed."""
    command = [sys.executable, "-m", module, *map(str, arguments)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return Figures(**json.loads(done.stdout.splitlines()[-1]))


def report(call: Callable[[], float]) -> None:
    """Measure ``call`` in this process and print its figures as the last line."""
    before, begun, written = _used(), time.monotonic(), _written()
    result = call()
    figures = {
        "cpu": _used() - before,
        "wall": time.monotonic() - begun,
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "written_mb": _written() - written,
        "result": result,
    }
    print(json.dumps(figures))


def cpu_seconds(call: Callable[[], object]) -> float:
    """CPU seconds of this process, all threads, that ``call`` took."""
    before = _used()
    call()
    return _used() - before


def _used() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def _written() -> float:
    """Megabytes this process has handed to write calls, by the kernel's count."""
    for line in Path("/proc/self/io").read_text().splitlines():
        if line.startswith("write_bytes:"):
            return int(line.split()[1]) / 1e6
    return 0.0


def goal(name: str, value: float, limit: float, unit: str = "") -> None:
    """One line of a benchmark's answer: the figure, the goal, and whether it holds."""
    mark = "ok  " if value <= limit else "MISS"
    print(f"{mark} {name}: {value:.2f}{unit} (goal <= {limit:g}{unit})")
