"""Groups in words: a shallow tree that says in a few questions who is in which."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from pipelines.models.examples import Floats
from pipelines.models.extra import needed
from pipelines.models.model import Sheet
from pipelines.models.reasons import in_words, number

QUESTIONS = 4
"""At most, from everybody to one group."""
MOST_RULES = 8
"""More are not read."""
LEAST_PEOPLE = 20
"""In each answer of the tree: fewer could be told apart."""


def described(
    features: Sequence[str], values: Floats, labels: np.ndarray[Any, Any], names: Sequence[str]
) -> tuple[float, Sheet]:
    """The share of the people whom the rules put into their group, and the rules with how often each is right.

    A group that these questions do not single out has no rule.
    """
    tree = needed("sklearn.tree").DecisionTreeClassifier(
        max_depth=QUESTIONS, max_leaf_nodes=MOST_RULES, min_samples_leaf=LEAST_PEOPLE, random_state=0
    )
    known = np.nan_to_num(values)
    tree.fit(known, labels)
    rows = tuple(
        sorted(
            (names[label], rule, people, round(right, 4))
            for label, rule, people, right in _leaves(tree.tree_, tree.classes_, features)
        )
    )
    return float(tree.score(known, labels)), Sheet(
        "Who is in which", ("group", "in words", "people", "right"), rows
    )


def _leaves(
    tree: Any,
    classes: np.ndarray[Any, Any],
    features: Sequence[str],
    node: int = 0,
    path: tuple[str, ...] = (),
) -> Iterator[tuple[int, str, int, float]]:
    """Group, rule, people and share of them that are in the group, for every end of the tree."""
    left, right = int(tree.children_left[node]), int(tree.children_right[node])
    if left == right:
        shares = tree.value[node][0] / tree.value[node][0].sum()
        best = int(np.argmax(shares))
        yield int(classes[best]), " and ".join(path), int(tree.n_node_samples[node]), float(shares[best])
        return
    feature, bound = in_words(features[tree.feature[node]]), number(float(tree.threshold[node]))
    yield from _leaves(tree, classes, features, left, (*path, f"{feature} at most {bound}"))
    yield from _leaves(tree, classes, features, right, (*path, f"{feature} above {bound}"))
