from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from pipelines.segments.load import load_segments
from pipelines.segments.model import Segment
from pipelines.settings import shipped_segments
from pipelines.sources import features
from pipelines.sources.catalog import catalog
from pipelines.sources.contracts import CONTRACTS
from pipelines.sources.origins import contracts_behind, feature_origins


@pytest.fixture(scope="module")
def segment() -> Segment:
    """Any segment that ships, to be given other SQL."""
    from connectors.base import SyncOptions

    destinations = dict.fromkeys(("meta", "mailchimp", "file"), SyncOptions)
    loaded = load_segments(shipped_segments(), catalog(()), destinations)
    return next(one for one in loaded if isinstance(one, Segment))


def test_every_feature_is_traced_to_contracts_that_exist() -> None:
    """A feature whose origin were unknown could be computed from a source that did not come."""
    origins = feature_origins()
    assert origins.keys() >= features.definitions().keys()
    for name in features.definitions():
        assert origins[name], name
        assert origins[name] <= CONTRACTS.keys(), name


@pytest.mark.parametrize(
    ("sql", "reads", "behind"),
    [
        ("select person_no from features where product_views_14d > 0", {"features"}, {"web_events"}),
        ("select person_no from features where Spend_90d > 0", {"features"}, {"orders"}),
        ("select person_no from web_events", {"web_events"}, {"web_events"}),
        ("select f.person_no from features as f where f.age_from > 30", {"features"}, {"demographics"}),
        (
            "select person_no from features join orders using (person_no) where cart_adds_14d > 0",
            {"features", "orders"},
            {"web_events", "orders"},
        ),
    ],
)
def test_a_segment_rests_on_the_features_it_names_and_the_tables_it_reads(
    segment: Segment, sql: str, reads: set[str], behind: set[str]
) -> None:
    """And on the customers, for only they can be in it; on nothing else."""
    changed = replace(segment, sql=sql, reads=frozenset(reads), path=Path("x.sql"))
    assert contracts_behind(changed) == behind | {"customers"}


def test_a_segment_that_takes_every_feature_rests_on_all_of_them(segment: Segment) -> None:
    """A star names everything; counting rows names nothing."""
    every = replace(
        segment, sql="select person_no from (select * from features)", reads=frozenset({"features"})
    )
    assert contracts_behind(every) >= {"web_events", "orders", "demographics"}
    counting = "select person_no from features group by person_no having count(*) = 1"
    assert contracts_behind(replace(every, sql=counting)) == {"customers"}
