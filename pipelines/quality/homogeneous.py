"""QUA-6: alike within, different between, for a set of segments that is meant to divide people."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from pipelines.quality.criterion import Criterion, Rule
from pipelines.quality.evidence import Evidence, Floats, Unknown

LOOSE = 0.2
"""Mean silhouette below which the groups of a set run into one another."""
MOST = 2_000
"""People whose silhouettes are computed; of more, evenly many of each group by their order."""

RULE = Rule("QUA-6", "homogeneous", f"warning when the silhouette of its set is below {LOOSE}")


def judge(found: Evidence) -> Criterion:
    """The mean silhouette of the set that the segment belongs to, and the share of variance between its groups."""
    if isinstance(found.together, Unknown):
        return RULE.unknown(found.together.reason)
    one = found.together
    groups = {name: rows for name, rows in one.groups.items() if len(rows)}
    if len(groups) < 2:
        return RULE.unknown(f"of the set {one.name} only one has people of its own")
    score = silhouette(groups)
    told = (
        f"set {one.name} ({', '.join(groups)}): silhouette {score:.2f}, {between(groups):.0%} of the variance of "
        f"{', '.join(one.features)} lies between them"
    )
    if one.shared:
        told += f"; {one.shared:,} people are in several and not counted"
    return RULE.answer(round(score, 4), told, [RULE.warning(told)] if score < LOOSE else [])


def between(groups: Mapping[str, Floats]) -> float:
    """Eta²: the sum of squares between the groups over the total one, over all features; 0 to 1."""
    everybody = np.concatenate(list(groups.values()))
    middle = everybody.mean(axis=0)
    total = float(((everybody - middle) ** 2).sum())
    apart = sum(len(rows) * float(((rows.mean(axis=0) - middle) ** 2).sum()) for rows in groups.values())
    return apart / total if total else 0.0


def silhouette(groups: Mapping[str, Floats], most: int = MOST) -> float:
    """The mean silhouette (Rousseeuw 1987), -1 to 1: how much nearer people are to their own group than to the next.

    Euclidean distances; a group of one person counts 0. Of more than ``most`` people evenly spaced ones are taken.
    """
    share = min(1.0, most / sum(map(len, groups.values())))
    chosen = [rows[_evenly(len(rows), max(2, int(len(rows) * share)))] for rows in groups.values()]
    points = np.concatenate(chosen)
    of = np.repeat(np.arange(len(chosen)), [len(rows) for rows in chosen])
    sizes = np.bincount(of)
    # Sum of each person's distances to each group: one row a person, one column a group.
    sums = np.stack(
        [np.sqrt(((points[:, None, :] - rows[None, :, :]) ** 2).sum(axis=2)).sum(axis=1) for rows in chosen],
        axis=1,
    )
    people = np.arange(len(points))
    own = sums[people, of] / np.maximum(sizes[of] - 1, 1)
    means = sums / sizes
    means[people, of] = np.inf
    other = means.min(axis=1)
    scores = np.where(sizes[of] > 1, (other - own) / np.maximum(np.maximum(own, other), 1e-12), 0.0)
    return float(scores.mean())


def _evenly(length: int, count: int) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    return np.unique(np.linspace(0, length - 1, min(count, length)).astype(np.int64))
