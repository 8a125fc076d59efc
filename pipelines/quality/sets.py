"""Sets of segments that are meant to divide people among them: waterfall groups, clusters, and tagged ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pipelines.quality.evidence import Floats, Together, Unknown
from pipelines.segments.model import Segment
from pipelines.segments.templates import template_of
from pipelines.warehouse import evidence

if TYPE_CHECKING:
    from pipelines.quality.gathering import Inspection

DEFAULT_FEATURES = ("days_since_last_order", "orders_90d", "spend_90d")
"""Recency, frequency and monetary value: what any two groups of customers differ in."""
SET_TAG, FEATURES_TAG = "set", "set_features"
"""Tags that name a segment's set, and the features that the set is judged by, joined by points."""


def set_of(segment: Segment) -> str | None:
    """The set that a segment belongs to: its waterfall group, its tag, the template whose part it is, or all clusters
    together; None: it stands alone.
    """
    own = segment.waterfall or segment.tags.get(SET_TAG)
    if own:
        return own
    if template := template_of(segment.name, segment.path):
        return template
    return "clusters" if "cluster" in segment.types else None


def together(inspected: Inspection, segment: Segment) -> Together | Unknown:
    """The set of a segment with everybody's features, standardised; people in several are counted and left out."""
    name = set_of(segment)
    if name is None:
        return Unknown(f"it belongs to no set: no waterfall group, no cluster, no tag {SET_TAG}")
    segments = [one for one in inspected.project.segments if set_of(one) == name]
    if len(segments) < 2:
        return Unknown(f"the set {name} has no other segment")
    people = {one.name: inspected.membership.on(one, inspected.day, replay=True) for one in segments}
    missing = [one for one, found in people.items() if found is None]
    if missing:
        return Unknown(f"{missing[0]} of the set {name} is not known on {inspected.day}")
    return _laid_out(
        inspected, name, _features(segments), {one: found or frozenset() for one, found in people.items()}
    )


def _features(segments: list[Segment]) -> tuple[str, ...]:
    """Those that a segment of the set declares, else recency, frequency and monetary value."""
    for one in segments:
        if FEATURES_TAG in one.tags:
            return tuple(one.tags[FEATURES_TAG].split("."))
    return DEFAULT_FEATURES


def _laid_out(
    inspected: Inspection, name: str, wanted: tuple[str, ...], people: dict[str, frozenset[int]]
) -> Together | Unknown:
    columns = inspected.project.catalog["features"].columns
    if unknown := [one for one in wanted if one not in columns]:
        return Unknown(f"the set {name} is to be judged by {unknown[0]}, which is no feature")
    numbers = inspected.engine.ask(lambda cursor: evidence.numbers(cursor, inspected.day, wanted))
    persons = numbers["person_no"].astype(np.int64)
    inside = np.stack([np.isin(persons, np.fromiter(one, np.int64, len(one))) for one in people.values()])
    in_one = inside.sum(axis=0) == 1
    rows = standardised([numbers[one] for one in wanted], in_one)
    groups = {one: rows[member & in_one] for one, member in zip(people, inside, strict=True)}
    return Together(name, wanted, groups, int((inside.sum(axis=0) > 1).sum()))


def standardised(columns: list[Floats], chosen: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> Floats:
    """One row a person: the logarithm of each feature (of 1 and more), its mean 0 and its deviation 1 among the chosen.

    Unknown values are the mean.
    """
    logged = np.stack([np.log1p(np.maximum(column, 0)) for column in columns], axis=1)
    known = np.ma.masked_invalid(logged[chosen])
    middle, spread = known.mean(axis=0).filled(0.0), known.std(axis=0).filled(1.0)
    rows: Floats = np.nan_to_num((logged - middle) / np.where(spread > 0, spread, 1.0), nan=0.0)
    return rows
