"""Where everybody is: the two sums of a delivery, line by line, the same for every page, table and file.

Every desired person is in one line of the first, every member held before in one line of the second.
"""

from __future__ import annotations

from pipelines.delivery.model import Delivery

Lines = list[tuple[str, int]]
"""What became of people, and how many they are."""


def of_desired(delivery: Delivery) -> Lines:
    """The desired people; the numbers add up to ``desired``."""
    planned = delivery.status == "planned"
    held_back = delivery.withheld.get("guard", 0) + delivery.withheld.get("budget", 0)
    return _told(
        [
            ("already there", delivery.kept),
            ("there or perhaps there, sent again", delivery.resends if planned else 0),
            ("to be added" if planned else "added", delivery.adds - held_back if planned else delivery.added),
            ("without a receipt", delivery.uncertain_desired),
            *((f"rejected: {reason}", n) for reason, n in sorted(delivery.rejected_reasons.items())),
            *((f"withheld: {reason}", n) for reason, n in sorted(delivery.withheld.items())),
        ]
    )


def of_held_before(delivery: Delivery) -> Lines:
    """The members held before; the numbers add up to ``held_before``."""
    planned = delivery.status == "planned"
    return _told(
        [
            ("kept", delivery.kept),
            ("kept, sent again", delivery.resends if planned else 0),
            ("kept back by a guard", delivery.kept_back),
            (
                "to be removed" if planned else "removed",
                _due(delivery) if planned else delivery.removed,
            ),
            ("leaving, the platform has not finished", delivery.leaving),
            ("not there after all", delivery.dropped),
            ("without a receipt", delivery.uncertain_held),
        ]
    )


def _due(delivery: Delivery) -> int:
    """The removals that a push would send: under a guard only those that must never wait."""
    return delivery.removes if delivery.verdict in ("fine", "overridden") else delivery.must_go


def _told(lines: Lines) -> Lines:
    return [(what, number) for what, number in lines if number]
