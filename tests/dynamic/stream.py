"""A shop to whose files rows are added all day, and a judge who knows every row that was ever added."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path

from pipelines import dynamic
from pipelines.duck import open_duckdb
from pipelines.dynamic import Reacted
from pipelines.project import Project
from tests.assets.shop import TODAY, Shop, customer

ARRIVING = ("orders", "web_events")
HOT = """\
select person_no
from features
where product_views_14d >= 3
  and (days_since_last_order is null or days_since_last_order > 14)"""
LAYERED = """\
with spent as (
  select
    person_no,
    sum(total) as total
  from orders
  where ordered_at >= $window_end - interval 30 days
  group by person_no
)
select person_no
from hot
anti join spent
  using (person_no)
union
select person_no
from spent
where total >= 60"""


@dataclass
class Stream:
    """The shop, its clock, and what was written to its files."""

    shop: Shop
    today: date = TODAY
    views: list[tuple[int, datetime]] = field(default_factory=list)
    orders: list[tuple[int, datetime, int]] = field(default_factory=list)
    pretends: bool = True
    """Whether the settings pretend the day; otherwise it is the real one."""
    _project: Project | None = None

    @classmethod
    def open(cls, folder: Path, *, people: int = 24, destinations: Mapping[str, str] | None = None) -> Stream:
        """A shop without events, two dynamic segments, one built on the other."""
        shop = Shop(folder, people=people)
        if destinations is not None:
            shop.destinations = dict(destinations)
        shop.open()
        for path in shop.segment_defs.glob("*.sql"):
            path.unlink()
        declared = shop.sources / "sources.toml"
        text = declared.read_text()
        for name in ARRIVING:
            text = text.replace(f'csv = "{name}.csv"', f'csv = "{name}.csv"\narrives = "continuously"')
        declared.write_text(text)
        stream = cls(shop)
        shop.write("web_events", ["event_id", "customer_id", "event", "occurred_at"], [])
        shop.write("orders", ["order_id", "customer_id", "ordered_at", "total"], [])
        stream.view(0, datetime(2017, 1, 1))
        stream.order(0, datetime(2017, 1, 1), 5)
        stream.segment("hot", HOT)
        stream.segment("keen", LAYERED)
        return stream

    @property
    def project(self) -> Project:
        """The project as a process that was started today would have it."""
        day = self.today if self.pretends else None
        if self._project is None or self._project.settings.today != day:
            self._project = Project(self.shop.settings(today=day, max_removed=1.0))
        return self._project

    def segment(self, name: str, sql: str, mode: str = "dynamic") -> None:
        """A segment file that syncs everywhere."""
        path = self.shop.segment(name, sql, tuple(self.shop.destinations))
        text = path.read_text().replace('universe = "customers"', f'universe = "customers"\nmode = "{mode}"')
        path.write_text(text)

    def night(self) -> None:
        """Everything is loaded, and the segments of the last whole day are computed."""
        project = self.project
        assert project.load().ok
        project.compute()

    def react(self) -> Reacted:
        """One micro-batch."""
        done = dynamic.react(self.project)
        assert done.complaints == []
        return done

    def view(self, person: int, at: datetime, *, times: int = 1) -> None:
        """Product pages are viewed, and the lines arrive."""
        for _ in range(times):
            self.views.append((person, at))
            self.line("web_events", f"v{len(self.views)},{customer(person)},product_view,{at}")

    def order(self, person: int, at: datetime, total: int) -> None:
        """An order, and its line arrives."""
        self.orders.append((person, at, total))
        self.line("orders", f"o{len(self.orders)},{customer(person)},{at},{total}")

    def line(self, source: str, line: str, end: str = "\r\n") -> None:
        """Something is added to a source's file."""
        with (self.shop.sources / f"{source}.csv").open("a", newline="") as file:
            file.write(line + end)

    def members(self, segment: str) -> set[str]:
        """Who is in a segment now, by the sources' own ids."""
        return members(self.project, segment)

    # --- the judge -----------------------------------------------------------------------------------------

    def hot(self) -> set[str]:
        """Who should be in ``hot``, counted from all that was ever written."""
        end = datetime.combine(self.today, datetime.min.time()) + timedelta(days=1)
        views = [p for p, at in self.views if end - timedelta(days=14) <= at < end]
        last = {
            p: max(at for q, at, _ in self.orders if p == q and at < end)
            for p, at, _ in self.orders
            if at < end
        }
        return {
            customer(p)
            for p in range(self.shop.people)
            if views.count(p) >= 3 and (p not in last or (self.today - last[p].date()).days > 14)
        }

    def keen(self) -> set[str]:
        """Who should be in ``keen``."""
        end = datetime.combine(self.today, datetime.min.time()) + timedelta(days=1)
        spent: dict[str, int] = {}
        for person, at, total in self.orders:
            if end - timedelta(days=30) <= at < end:
                spent[customer(person)] = spent.get(customer(person), 0) + total
        return (self.hot() - spent.keys()) | {name for name, total in spent.items() if total >= 60}

    def computed_anew(self, folder: Path) -> dict[str, set[str]]:
        """Who is in each segment when everybody is computed for today, in a warehouse that never saw a micro-batch."""
        project = Project(self.shop.settings(today=self.today, home=folder))
        assert project.load(self.today).ok
        outcomes = project.compute(self.today)
        return {one.segment.name: members(project, one.segment.name) for one in outcomes}  # type: ignore[union-attr]


def members(project: Project, segment: str) -> set[str]:
    """Who is in a segment on its newest day, by the sources' own ids."""
    with project.engine(read_only=True) as engine:
        day = engine.latest(segment)
    connection = open_duckdb(project.settings.warehouse_path, read_only=True)
    try:
        found = connection.execute(
            f'select person_id from person_numbers join segment."{segment}" using (person_no) where as_of = ?',
            [day],
        ).fetchall()
    finally:
        connection.close()
    return {name for (name,) in found}


def sent(done: Reacted) -> Sequence[tuple[str, str, int, int]]:
    """What a micro-batch pushed: destination, segment, added, removed."""
    return [(d.destination, d.segment, d.added, d.removed) for d in done.deliveries]
