from __future__ import annotations

import os
import subprocess
import sys

import dagster as dg
import pytest

from pipelines.assets.keys import audience_key, changes_key, segment_key
from tests.assets.dagster_room import Room
from tests.assets.shop import SPENDERS, Shop

AUDIENCES = [("ads", "buyers"), ("ads", "spenders"), ("mail", "browsers"), ("mail", "buyers")]


def test_everything_that_is_defined_is_in_the_graph(room: Room) -> None:
    """One asset a source, a segment, and two an audience; the definitions are valid as a whole."""
    definitions = room.definitions
    dg.Definitions.validate_loadable(definitions)
    found = {key.to_user_string() for key in definitions.resolve_asset_graph().get_all_asset_keys()}
    assert found == {
        *(f"source/{s}" for s in ("customers", "orders", "web_events", "consents", "suppressions")),
        *("people", "consents", "suppressions", "features"),
        *(f"segment/{s}" for s in ("buyers", "spenders", "browsers")),
        *(f"{kind}/{d}/{s}" for kind in ("changes", "audience") for d, s in AUDIENCES),
    }


@pytest.mark.privacy("P26")
def test_the_code_location_loads_without_any_credential(shop: Shop) -> None:
    """Importing `pipelines.definitions` reads the environment once and needs no token of any platform."""
    environment = {
        "PATH": os.environ["PATH"],
        "TURNOUT_HOME": str(shop.folder / "home"),
        "TURNOUT_SOURCES": str(shop.sources / "sources.toml"),
        "TURNOUT_SEGMENT_DEFS": str(shop.segment_defs),
        "TURNOUT_DESTINATIONS": '{"ads": "meta", "mail": "mailchimp"}',
    }
    asked = "from pipelines.definitions import defs; print(len(list(defs.resolve_all_asset_keys())))"
    done = subprocess.run(
        [sys.executable, "-c", asked],
        env=environment,
        cwd=shop.folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.strip() == "21", done.stderr
    assert not (shop.folder / "home").exists()


def test_lineage_is_read_from_the_segments_sql(room: Room) -> None:
    """A segment depends on the features and the sources of the tables it reads; audiences on segment and people."""
    graph = room.definitions.resolve_asset_graph()
    parents = {
        key.to_user_string(): {parent.to_user_string() for parent in graph.get(key).parent_keys}
        for key in (segment_key("spenders"), segment_key("browsers"), audience_key("ads", "buyers"))
    }
    assert parents == {
        "segment/spenders": {"features", "source/orders"},
        "segment/browsers": {"features", "source/web_events"},
        "audience/ads/buyers": {"segment/buyers", "people"},
    }


@pytest.mark.privacy("P06")
def test_nothing_in_the_graph_stands_between_a_push_and_its_opt_outs(room: Room) -> None:
    """A push waits for no preview, and no check blocks: Dagster would leave the push out, opt-outs with it."""
    graph = room.definitions.resolve_asset_graph()
    assert changes_key("ads", "buyers") not in graph.get(audience_key("ads", "buyers")).parent_keys
    assert not [key for key in graph.asset_check_keys if graph.get(key).blocking]


def test_a_segments_page_says_who_what_for_and_how(room: Room) -> None:
    """Owner, tags, kinds, the SQL in the description, and a link to the file at the line where the SQL begins."""
    key = segment_key("spenders")
    spec = next(s for s in room.definitions.resolve_all_asset_specs() if s.key == key)
    assert spec.owners == ["team:crm"]
    assert spec.tags["type/behavioural"] == ""
    assert {"duckdb", "sql"} <= spec.kinds
    assert spec.description is not None
    assert f"```sql\n{SPENDERS}\n```" in spec.description
    assert "A newsletter about Spenders." in spec.description
    reference = spec.metadata["dagster/code_references"].code_references[0]
    lines = (room.shop.segment_defs / "spenders.sql").read_text().splitlines()
    assert reference.file_path.endswith("segment_defs/spenders.sql")
    assert lines[reference.line_number - 1] == SPENDERS.splitlines()[0]


def test_days_are_partitions_and_the_present_has_none(room: Room) -> None:
    """Segments are daily from the first day to yesterday; audiences have no date."""
    graph = room.definitions.resolve_asset_graph()
    partitions = graph.get(segment_key("buyers")).partitions_def
    assert partitions is not None
    keys = partitions.get_partition_keys()
    assert (keys[0], keys[-1]) == ("2017-12-20", "2017-12-31")
    assert graph.get(audience_key("ads", "buyers")).partitions_def is None
    assert graph.get(changes_key("ads", "buyers")).partitions_def is None


@pytest.mark.privacy("P26")
def test_the_launchpad_holds_words_to_flip_and_no_secret(room: Room) -> None:
    """What an operator may allow for one run is the whole configuration of a push."""
    job = room.definitions.resolve_job_def("deliver")
    fields = job.graph.node_named("audience_ads").definition.config_schema.config_type.fields
    assert set(fields) == {"accept_removals", "accept_growth", "resync", "who", "why"}
    assert not any(job.resource_defs.keys() - {"io_manager"})


def test_a_broken_segment_is_in_the_graph_with_its_message(room: Room) -> None:
    """The code location loads; the broken file is an asset whose page says what is wrong and where."""
    room.shop.segment("spenders", "select person_no\nfrom ordres", ["ads"])
    definitions = room.definitions
    dg.Definitions.validate_loadable(definitions)
    spec = next(s for s in definitions.resolve_all_asset_specs() if s.key == segment_key("spenders"))
    assert spec.description is not None
    assert "spenders.sql:" in spec.description
    assert "did you mean 'orders'?" in spec.description
