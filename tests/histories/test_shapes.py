"""Random histories on platforms that answer as each connector declares."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from connectors.base import Kind, Limits, Verdicts
from connectors.registry import available, load
from tests.delivery.world import HASHED, IDENTITY, digest
from tests.histories.draw import Draw
from tests.histories.driver import live
from tests.histories.history import History
from tests.histories.platform import Style, Way
from tests.histories.steps import EMAILS

SEEDS = range(1_000, 1_004)
STYLES = {
    Verdicts.PER_ROW: Style.PER_ROW,
    Verdicts.WHOLE_REQUEST: Style.NAMED,
    Verdicts.COUNT_AND_SAMPLES: Style.SAMPLES,
    Verdicts.COUNT: Style.COUNT,
    Verdicts.NONE: Style.NONE,
}
CONNECTORS = [name for name in available() if load(name).kind is not Kind.FILE]


def shaped_like(limits: Limits) -> Callable[[Draw], History]:
    """A world whose platform takes, answers, forgets and settles as these limits say."""

    def begin(draw: Draw) -> History:
        history = History(
            Way.JOB if limits.asynchronous else Way.DIRECT,
            STYLES[limits.verdicts],
            limits.expires_after,
            limits.settles_after,
            exact_counts=limits.exact_counts,
            segments=draw.among([1, 2]),
        )
        history.platform.identity = draw.among([IDENTITY, HASHED])
        history.platform.bad = {str(digest(email)) for email in draw.some(EMAILS[:4], 1)}
        return history

    return begin


@pytest.mark.promise("converges", "never_lost", "never_claimed", "closes")
@pytest.mark.parametrize("connector", CONNECTORS)
def test_histories_in_every_connectors_shape(connector: str) -> None:
    """People, segments, faults and deaths at random: nobody is lost, nobody is claimed, calm ends with the desired."""
    kind = load(connector)
    limits = kind.declare(kind.settings_type.model_construct()).limits
    for seed in SEEDS:
        told = live(seed, begin=shaped_like(limits))
        assert told.failure is None, str(told)
