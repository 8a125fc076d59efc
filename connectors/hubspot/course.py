"""The course of one batch: record ids may be out of date, or so new that a list does not know them yet."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from connectors.email import UNKNOWN_PERSON, Person


@dataclass(slots=True)
class Course:
    """What has become of a batch's people so far, by position."""

    ids: dict[int, str] = field(default_factory=dict)
    created: set[int] = field(default_factory=set)
    rejected: dict[int, str] = field(default_factory=dict)

    def again(self, people: Sequence[Person]) -> Iterator[Person]:
        """Whom HubSpot did not know by an id that was remembered, or that it gave just now."""
        for person in people:
            if self.rejected.get(person.position) == UNKNOWN_PERSON:
                if person.position in self.created:
                    yield replace(person, id=self.ids[person.position], attributes={})
                elif person.id:
                    yield replace(person, id=None)

    def forget(self, person: Person) -> None:
        """Begin anew with somebody."""
        del self.rejected[person.position]
        self.ids.pop(person.position, None)

    def learned(self, people: Sequence[Person]) -> dict[int, str | None]:
        """Ids that were not remembered, and None for those that are none any more."""
        unknown = {position for position, reason in self.rejected.items() if reason == UNKNOWN_PERSON}
        known = {p.position: None if p.position in unknown else self.ids.get(p.position) for p in people}
        return {p.position: known[p.position] for p in people if known[p.position] != p.id}
