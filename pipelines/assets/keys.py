"""How things are called in the asset graph, and which boxes they stand in."""

from __future__ import annotations

import dagster as dg

SOURCES = "sources"
PEOPLE_GROUP = "people"
SEGMENTS = "segments"

PEOPLE = dg.AssetKey(["people"])
CONSENTS = dg.AssetKey(["consents"])
SUPPRESSIONS = dg.AssetKey(["suppressions"])
FEATURES = dg.AssetKey(["features"])
SCORES = dg.AssetKey(["scores"])

WAREHOUSE_POOL = "warehouse"
WAREHOUSE_RETRIES = dg.RetryPolicy(max_retries=2, delay=30, jitter=dg.Jitter.PLUS_MINUS)
"""For a warehouse that somebody else holds (the command line, say); what cannot mend by itself is not repeated."""


def source_key(source: str) -> dg.AssetKey:
    """A source as it was delivered."""
    return dg.AssetKey(["source", source])


def pulled_key(destination: str) -> dg.AssetKey:
    """What a destination told of people who are not to be reached."""
    return dg.AssetKey(["pulled", destination])


def segment_key(segment: str) -> dg.AssetKey:
    """A segment, by day."""
    return dg.AssetKey(["segment", segment])


def changes_key(destination: str, segment: str) -> dg.AssetKey:
    """What a push of an audience would change."""
    return dg.AssetKey(["changes", destination, segment])


def audience_key(destination: str, segment: str) -> dg.AssetKey:
    """An audience at a destination."""
    return dg.AssetKey(["audience", destination, segment])


def name_of(key: dg.AssetKey) -> str:
    """The last part of a key: the source's or segment's own name."""
    return key.path[-1]


def account_pool(destination: str) -> str:
    """Runs that talk to one account wait for each other; the account's ledger file is what makes sure."""
    return f"account_{step_name(destination)}"


def step_name(name: str) -> str:
    """A name as Dagster allows it for steps, pools and groups: letters, digits and underscores."""
    return "".join(c if c.isascii() and c.isalnum() else "_" for c in name)
