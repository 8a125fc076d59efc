"""Finding models by name.

Some ship with Turnout. A package of yours adds others by an entry point of the group ``turnout.models``, which leads
to an object that fulfils ``pipelines.models.model.Model``. Nothing is imported before it is asked for by name.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import EntryPoint, entry_points

from pipelines.models.errors import ModelError
from pipelines.models.model import Model
from pipelines.names import unknown_name

GROUP = "turnout.models"
SHIPPED: Mapping[str, str] = {
    "churn_60d": "pipelines.models.shipped.churn:CHURN",
    "clusters": "pipelines.models.shipped.clusters:CLUSTERS",
    "coupon_60d": "pipelines.models.shipped.coupon:COUPON",
    "lifetime_26w": "pipelines.models.shipped.lifetime:LIFETIME",
    "wine_60d": "pipelines.models.shipped.wine:WINE",
}
"""Model to where its declaration is."""


def available() -> tuple[str, ...]:
    """Names of every model, sorted. Imports none of them."""
    return tuple(sorted(_announced()))


def load(name: str) -> Model:
    """The model of this name. Raises UnknownName with the nearest, ModelError for a faulty announcement."""
    announced = _announced()
    if name not in announced:
        raise unknown_name("model", name, list(announced))
    model: Model = announced[name].load()
    if getattr(model, "name", None) != name:
        raise ModelError(
            f"the entry point {name} ({announced[name].value}) leads to no model of that name; mend its package"
        )
    return model


def _announced() -> dict[str, EntryPoint]:
    """A name that ships is ours, whoever else announces it."""
    theirs = {point.name: point for point in entry_points(group=GROUP)}
    return theirs | {name: EntryPoint(name, place, GROUP) for name, place in SHIPPED.items()}
