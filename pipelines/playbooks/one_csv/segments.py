"""Segments that a customer file allows: by when people came last, by what they spent, by where they go."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from pipelines.duck import literal, quote
from pipelines.playbooks.one_csv.columns import CustomerFile, Trait, people_in
from pipelines.worksheet.rendering import file_text

LAST = re.compile(r"last|visit|order|purchase|appointment|seen", re.IGNORECASE)
SPENT = re.compile(r"spen[dt]|total|revenue|value|amount|ltv", re.IGNORECASE)
PLACE = re.compile(r"location|store|branch|office|practice|site|clinic", re.IGNORECASE)
FEWEST = 10
"""People from which an idea becomes a segment."""
MOST_PLACES = 12


@dataclass(frozen=True, slots=True)
class Idea:
    """A segment to begin with."""

    name: str
    title: str
    description: str
    types: tuple[str, ...]
    treatment: str
    metric: str
    target: str
    sql: str

    def text(self, by: date) -> str:
        """Its file, synced to ``email``, its goal and its review due on a day."""
        answers: dict[str, Any] = {
            "title": self.title,
            "description": self.description,
            "types": list(self.types),
            "owner": "team:owner",
            "treatment": self.treatment,
            "universe": "customers",
            "min_size": FEWEST,
            "review_by": by,
            "goal": {"metric": self.metric, "direction": "up", "target": self.target, "by": by},
            "sync": {"email": {"audience": self.title}},
        }
        return file_text(answers, self.sql)


def ideas(file: CustomerFile, today: date) -> tuple[tuple[Idea, ...], tuple[str, ...]]:
    """The segments that the columns allow, everybody where they allow none; and the names of those of too few."""
    thought = _thought_of(file)
    sizes = people_in(file, {one.name: one.sql for one in thought}, today)
    found = tuple(one for one in thought if sizes[one.name] >= FEWEST)
    few = tuple(one.name for one in thought if sizes[one.name] < FEWEST)
    return found or (_everybody(),), few


def _thought_of(file: CustomerFile) -> tuple[Idea, ...]:
    days = [one for one in file.traits if one.kind in ("date", "timestamp")]
    numbers = [one for one in file.traits if one.kind in ("integer", "number")]
    return (
        *_by_last(_named(days, LAST)),
        *_by_spend(_named(numbers, SPENT)),
        *_by_place(_named([one for one in file.traits if one.values], PLACE)),
        *_newcomers(file, days),
    )


def _named(traits: Sequence[Trait], words: re.Pattern[str]) -> Trait | None:
    return next((one for one in traits if words.search(one.column)), None)


def _by_last(trait: Trait | None) -> Iterator[Idea]:
    if trait is None:
        return
    column = quote(trait.column)
    yield Idea(
        "here_lately",
        "Here lately",
        "Came in the last 90 days.",
        ("lifecycle",),
        "Thanked by e-mail, and asked to bring a friend; no vouchers.",
        "retention_90d",
        "+3 points",
        f"select person_no\nfrom profile\nwhere {column} >= $window_end - interval 90 day\n"
        f"  and {column} < $window_end",
    )
    yield Idea(
        "due_again",
        "Due again",
        "Came 90 to 180 days ago and not since.",
        ("lifecycle",),
        "A reminder by e-mail with two free dates; the others get none.",
        "reactivation_rate_30d",
        "+6 points",
        f"select person_no\nfrom profile\nwhere {column} < $window_end - interval 90 day\n"
        f"  and {column} >= $window_end - interval 180 day",
    )
    yield Idea(
        "away_half_a_year",
        "Away for half a year",
        "Came before and not in the last 180 days.",
        ("lifecycle",),
        "One e-mail with what is new; then nothing for half a year.",
        "reactivation_rate_30d",
        "+3 points",
        f"select person_no\nfrom profile\nwhere {column} < $window_end - interval 180 day",
    )


def _by_spend(trait: Trait | None) -> Iterator[Idea]:
    if trait is None:
        return
    column = quote(trait.column)
    yield Idea(
        "best_customers",
        "Best customers",
        f"The fifth with the highest {trait.column}.",
        ("value",),
        "A personal word by the owner and the first choice of dates; no vouchers.",
        "retention_90d",
        "+2 points",
        f"""with
ranked as (
  select
    person_no,
    percent_rank() over (order by {column}) as place
  from profile
  where {column} > 0
)
select person_no
from ranked
where place >= 0.8""",
    )


def _by_place(trait: Trait | None) -> Iterator[Idea]:
    if trait is None:
        return
    taken: set[str] = set()
    for value, people in trait.values[:MOST_PLACES]:
        name = "at_" + re.sub(r"[^a-z0-9]+", "_", value.lower()).strip("_")[:40]
        if people < FEWEST or name in taken or name == "at_":
            continue
        taken.add(name)
        yield Idea(
            name,
            f"At {value}",
            f"People of {value}.",
            ("geographic",),
            f"News, opening hours and people of {value}; the others hear of their own.",
            "orders_90d",
            "+4 %",
            f"select person_no\nfrom profile\nwhere {quote(trait.column)} = {literal(value)}",
        )


def _newcomers(file: CustomerFile, days: Sequence[Trait]) -> Iterator[Idea]:
    created = next((one for one in days if one.column == file.contract.get("created_at")), None)
    if created is None:
        return
    yield Idea(
        "new_with_us",
        "New with us",
        "Became known in the last 60 days.",
        ("lifecycle",),
        "A welcome by e-mail that says what to expect; the others know it.",
        "second_order_rate_60d",
        "+5 points",
        f"select person_no\nfrom profile\nwhere {quote(created.column)} >= $window_end - interval 60 day\n"
        f"  and {quote(created.column)} < $window_end",
    )


def _everybody() -> Idea:
    return Idea(
        "everybody",
        "Everybody",
        "Everybody in the file, to begin with.",
        ("lifecycle",),
        "One letter by e-mail that asks when they will come again; replace this segment by a narrower one.",
        "retention_90d",
        "+1 point",
        "select person_no\nfrom features",
    )
