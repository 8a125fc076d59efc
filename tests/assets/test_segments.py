from __future__ import annotations

import re
from datetime import date

import dagster as dg
import pytest

from pipelines.assets.keys import audience_key, segment_key
from tests.assets.dagster_room import Room, attempts, failed_checks, failure, made, metadata
from tests.assets.shop import NEWEST

THE_DAY_BEFORE = date(2017, 12, 30)


def test_a_day_is_computed_and_plotted(room: Room) -> None:
    """A partition run makes features and every segment of that day, with size and share of the universe."""
    room.load()
    result = room.segment()
    assert made(result) == {"features", "segment/buyers", "segment/spenders", "segment/browsers"}
    shown = metadata(result, "segment/buyers")
    assert re.fullmatch("[0-9a-f]{12}", str(shown.pop("definition")))
    assert shown == {
        "dagster/partition_row_count": 60,
        "people": 60,
        "universe": 120,
        "share of universe": 0.5,
        "reachable/ads": 59,
        "reachable/mail": 59,
    }, "one buyer wants nothing any more"
    assert room.instance.get_materialized_partitions(segment_key("buyers")) == {NEWEST.isoformat()}


def test_an_old_day_is_replayed_as_it_was(room: Room) -> None:
    """The partition's key is the last day that counts: later orders are not there."""
    room.load()
    result = room.segment(date(2017, 12, 22))
    before = {
        n
        for n in range(room.shop.people)
        if n % 2 and NEWEST.toordinal() - (n // 4) % 20 <= date(2017, 12, 22).toordinal()
    }
    assert metadata(result, "segment/buyers")["people"] == len(before)
    assert 0 < len(before) < 60


def test_a_broken_file_fails_alone_and_its_message_says_where(room: Room) -> None:
    """The others are computed and kept; the step is red with the list, and is not tried again for nothing."""
    room.load()
    room.shop.segment("spenders", "select person_no\nfrom ordres", ["ads"])
    result = room.segment()
    assert made(result) == {"features", "segment/buyers", "segment/browsers"}
    assert failure(result).startswith("1 of 3 segments could not be computed; the others were.")
    assert "spenders.sql:19:6: unknown table" in failure(result)
    assert attempts(result) == 0


def test_a_query_that_fails_on_the_data_fails_alone(room: Room) -> None:
    """A mistake that only real rows show stops its segment, never a neighbour."""
    room.load()
    room.shop.segment(
        "spenders", "select person_no\nfrom orders\nwhere cast(order_id as integer) > 0", ["ads"]
    )
    result = room.segment()
    assert made(result) == {"features", "segment/buyers", "segment/browsers"}
    assert "spenders.sql" in failure(result)
    assert "o1" not in failure(result)


def test_a_broken_source_is_red_and_the_people_are_brought_up_to_date_all_the_same(room: Room) -> None:
    """One source that breaks its contract stops neither the others nor an opt-out."""
    room.load()
    room.shop.break_source("web_events")
    room.shop.opt_out(3)
    result = room.load()
    assert made(result) == {
        *(f"source/{s}" for s in ("customers", "orders", "consents", "suppressions")),
        *("people", "consents", "suppressions"),
    }
    assert metadata(result, "people")["suppressed"] == 2
    assert "web_events.csv" in failure(result)
    assert "column 'event_id' is missing" in failure(result)


def test_a_broken_source_stops_only_the_segments_that_read_it(room: Room) -> None:
    """Directly or through the features that a segment names; the failure names source and file."""
    room.shop.segment("visitors", "select person_no\nfrom features\nwhere product_views_14d > 0", ["ads"])
    room.shop.segment("regulars", "select person_no\nfrom features\nwhere orders_ever > 0", ["ads"])
    room.load()
    room.shop.break_source("web_events")
    room.load()
    result = room.segment()
    assert made(result) == {"features", "segment/buyers", "segment/spenders", "segment/regulars"}
    assert "visitors" in failure(result)
    assert "its source web_events could not be loaded" in failure(result)


def test_days_before_a_source_broke_can_still_be_computed(room: Room) -> None:
    """The tables of the last good load are whole for earlier days, so a backfill does not wait for a repair."""
    room.load()
    room.shop.break_source("web_events")
    room.load()
    assert "segment/browsers" in made(room.segment(THE_DAY_BEFORE))


def test_one_source_can_be_loaded_alone(room: Room) -> None:
    """Materializing one source reads that source and no other."""
    room.load()
    job = room.definitions.resolve_implicit_global_asset_job_def()
    result = job.execute_in_process(
        instance=room.instance, asset_selection=[dg.AssetKey(["source", "orders"])]
    )
    assert made(result) == {"source/orders"}


def test_data_checks_show_what_they_measured(room: Room) -> None:
    """A negative order is a warning with its figure, on the source's own page; it stops nothing."""
    rows = [("o1", "c0001", "2017-12-30 10:00:00", -5), ("o2", "c0003", "2017-12-30 10:00:00", 5)]
    room.shop.write("orders", ["order_id", "customer_id", "ordered_at", "total"], rows)
    result = room.load()
    assert result.success
    assert failed_checks(result) == {("source/orders", "orders_are_not_negative")}
    check = next(e for e in result.get_asset_check_evaluations() if e.check_name == "orders_are_not_negative")
    assert check.metadata["figure"].value == 1
    assert check.severity is dg.AssetCheckSeverity.WARN


@pytest.mark.requirement("DEF-5")
def test_a_segment_built_from_others_shows_its_layers(room: Room) -> None:
    """The graph has an edge from each layer, the page what each contributes; alone it is computed all the same."""
    room.load()
    room.shop.segment("at_both", "select person_no\nfrom buyers\nsemi join browsers using (person_no)", [])
    result = room.segment()
    shown = metadata(result, "segment/at_both")
    assert shown["layers"] == (
        "| layer | people | of them here |\n| :--- | ---: | ---: |\n"
        f"| browsers | {metadata(result, 'segment/browsers')['people']:,} | {shown['people']:,} |\n"
        f"| buyers | {metadata(result, 'segment/buyers')['people']:,} | {shown['people']:,} |"
    )
    keys = {segment_key("buyers"), segment_key("browsers")}
    graph = room.definitions.resolve_asset_graph()
    assert keys <= graph.get(segment_key("at_both")).parent_keys
    job = room.definitions.resolve_job_def("segment")
    alone = job.execute_in_process(
        instance=room.instance, partition_key=NEWEST.isoformat(), asset_selection=[segment_key("at_both")]
    )
    assert made(alone) == {"segment/at_both"}


@pytest.mark.requirement("DEF-10")
def test_a_waterfall_is_in_the_graph_and_on_the_page(room: Room) -> None:
    """Who comes first stands above who comes after, also where a name sorts the other way; the page says who took."""
    room.load()
    first = 'waterfall = "care"\npriority = 1'
    room.shop.segment("z_first", "select distinct person_no\nfrom orders", [], more=first)
    after = 'waterfall = "care"\npriority = 2'
    room.shop.segment("a_second", "select person_no\nfrom features", [], more=after)
    result = room.segment()
    assert metadata(result, "segment/a_second")["lost to z_first"] == 60
    assert "lost to z_first" not in metadata(result, "segment/z_first")
    assert metadata(result, "segment/a_second")["people"] == 60
    graph = room.definitions.resolve_asset_graph()
    assert segment_key("z_first") in graph.get(segment_key("a_second")).parent_keys


@pytest.mark.requirement("TYP-3", "MIS-11")
def test_a_template_has_a_page_for_each_part(room: Room) -> None:
    """Each part is an asset below the whole, with an audience of its own, and links to the one file."""
    path = room.shop.segment("regulars", "select person_no\nfrom features\nwhere orders_ever > 0", ["ads"])
    text = path.read_text().replace('audience = "Regulars"', 'audience = "Regulars {value}"')
    template = '[template]\nover = "orders_ever"\nvalues = [1]\nmin_size = 10\n\n[goal]'
    path.write_text(text.replace("[goal]", template))
    room.load()
    result = room.segment()
    sizes = {
        name: metadata(result, f"segment/{name}")["people"]
        for name in ("regulars", "regulars__1", "regulars__other")
    }
    assert sizes["regulars"] == sizes["regulars__1"] + sizes["regulars__other"] == 60
    graph = room.definitions.resolve_asset_graph()
    part = graph.get(segment_key("regulars__1"))
    assert segment_key("regulars") in part.parent_keys
    assert audience_key("ads", "regulars__1") in part.child_keys
    assert audience_key("ads", "regulars") not in graph.get(segment_key("regulars")).child_keys
