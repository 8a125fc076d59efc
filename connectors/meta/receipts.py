"""From Meta's counts and samples to the rows of a batch."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

from connectors.base import Receipt, Uncertain

Row = Sequence[object]

REASON = "invalid_identifier"


def receipt(body: object, rows: Sequence[Row], session_alone: bool) -> Receipt:
    """The receipt for ``rows`` by the answer's counts.

    ``session_alone``: the session held nothing but this request, so that ``num_received`` (which counts the session)
    must equal the rows. Raises Uncertain when it does not, or when counts are missing.
    """
    counts = body if isinstance(body, dict) else {}
    received, invalid = counts.get("num_received"), counts.get("num_invalid_entries", 0)
    if not _is_count(received) or not _is_count(invalid):
        raise Uncertain("Meta: the answer lacks its counts")
    if session_alone and received != len(rows):
        raise Uncertain(f"Meta: {received} rows received of {len(rows)} sent")
    located = _locate(counts.get("invalid_entry_samples"), rows) if invalid else set()
    rejected = dict.fromkeys(sorted(located)[:invalid], REASON)
    return Receipt(
        "applied",
        reference=str(counts.get("session_id", "")) or None,
        rejected=rejected,
        rejected_unlocated=min(invalid, len(rows)) - len(rejected),
    )


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _locate(samples: object, rows: Sequence[Row]) -> set[int]:
    """Positions of rows that a sample can only mean: those holding every text of it, when that is one row."""
    holders: dict[str, set[int]] = defaultdict(set)
    for position, row in enumerate(rows):
        for cell in row:
            if isinstance(cell, str) and cell:
                holders[cell].add(position)
    found: set[int] = set()
    for sample in _each(samples):
        texts = [text for text in _texts(sample) if text in holders]
        if texts:
            candidates = set.intersection(*(holders[text] for text in texts))
            found |= candidates if len(candidates) == 1 else set()
    return found


def _each(samples: object) -> Iterator[object]:
    """Samples come as a list, or as a map whose keys or values hold them."""
    if isinstance(samples, dict):
        for key, value in samples.items():
            yield [key, value]
    elif isinstance(samples, list):
        yield from samples


def _texts(sample: object) -> Iterator[str]:
    if isinstance(sample, str):
        yield sample.strip()
        yield from (part.strip(" \"'[]") for part in sample.split(",") if "," in sample)
    elif isinstance(sample, list):
        for part in sample:
            yield from _texts(part)
    elif isinstance(sample, dict):
        for key, value in sample.items():
            yield from _texts([key, value])
