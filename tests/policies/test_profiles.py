"""Each rule of each policy profile, broken once and refused by name."""

from __future__ import annotations

from collections.abc import Iterator
from typing import get_args

import pytest

from pipelines.policies.profile import Forbidden, read_profile
from pipelines.segments.model import Segment
from pipelines.segments.policy import CATEGORIES, ProfileName
from pipelines.settings import SHIPPED
from pipelines.sources.catalog import catalog
from pipelines.sources.demo import demo_sources
from tests.policies.conftest import SQL_LINE, Office

PROFILES: tuple[ProfileName, ...] = get_args(ProfileName)
REGULATED = PROFILES[1:]
KNOWN = catalog(demo_sources())
RULES = [(name, one) for name in PROFILES for one in read_profile(name).forbidden]


def reading(forbidden: Forbidden) -> Iterator[tuple[str, str]]:
    """Columns that break a rule, each with a rule of a segment that reads it."""
    for feature in forbidden.features:
        yield feature, f"select person_no\nfrom features\nwhere {feature} is not null"
    for table, columns in forbidden.in_tables.items():
        for column in columns:
            people = "person_no" if "person_no" in KNOWN[table].columns else "length(product_id)"
            yield column, f"select {people} as person_no\nfrom {table}\nwhere {column} is not null"
    for column in set(forbidden.columns) & {"gender", "race", "diagnosis", "zip", "age"}:
        yield column, f"select person_no\nfrom files_on_people\nwhere {column} is not null"


@pytest.mark.requirement("PRI-2")
@pytest.mark.parametrize(("name", "rule"), RULES, ids=[f"{n} {r.attribute}" for n, r in RULES])
def test_a_forbidden_attribute_is_refused_by_name(office: Office, name: ProfileName, rule: Forbidden) -> None:
    """File, line, column, attribute, profile, rule and fix; under the default profile it may be read."""
    tried = list(reading(rule))
    assert tried
    for number, (column, sql) in enumerate(tried):
        sensitive = 'policy = ["alcohol"]' if "wine" in column else ""
        office.write(f"s{number}", sql, sensitive)
        assert office.fault(f"s{number}") == ""
        said = office.fault(f"s{number}", name)
        assert said == (
            f"segment_defs/s{number}.sql:{SQL_LINE + 2}: it reads {column} ({rule.attribute}), which the policy "
            f"profile {name} forbids: {rule.rule}; leave it out; what the profile says: turnout policies"
        )


@pytest.mark.requirement("PRI-2")
def test_rows_taken_whole_are_refused(office: Office) -> None:
    """What is not named cannot be ruled out, unless the columns are left out by name."""
    office.write("whole", "with everybody as (select * from features)\nselect person_no from everybody")
    office.write("row", "select person_no\nfrom features as f\nwhere length(f::varchar) > 3")
    office.write("renamed", "select person_no\nfrom features as f(as_of, person_no, a, b)\nwhere b > 1")
    assert "it reads home_store among all columns of features (place finer than a region)" in office.fault(
        "whole", "finance"
    )
    assert "among all columns of features" in office.fault("row", "finance")
    assert "among all columns of features" in office.fault("renamed", "finance")
    assert [office.fault(name) for name in ("whole", "row", "renamed")] == ["", "", ""]
    left_out = ", ".join(c for rule in read_profile("finance").forbidden for c in rule.features)
    office.write(
        "careful",
        f"with everybody as (select * exclude ({left_out}) from features)\nselect person_no from everybody",
    )
    assert office.fault("careful", "finance") == ""


@pytest.mark.requirement("PRI-2")
def test_through_layers_and_attributes(office: Office) -> None:
    """A layer that reads it breaks itself and what stands on it; a sync that carries it breaks at its line."""
    office.write("young", "select person_no\nfrom features\nwhere age_from < 30")
    office.write("top", "select person_no\nfrom features\nsemi join young using (person_no)")
    assert "it reads age_from (age)" in office.fault("young", "employment")
    assert (
        "it reads age_from through young (age), which the policy profile employment forbids"
        in office.fault("top", "employment")
    )
    office.write(
        "carried",
        "select person_no\nfrom features\nwhere orders_90d > 1",
        syncs='\n[sync.klaviyo]\naudience = "People"\nattributes = { "Age" = "age_from" }\n',
    )
    assert "carried.sql:17: it sends age_from to klaviyo (age)" in office.fault("carried", "housing")
    assert office.fault("carried") == ""


@pytest.mark.requirement("PRI-2")
def test_a_segment_can_be_stricter_than_its_project(office: Office) -> None:
    """Its own profile holds besides the project's, and for what is built on it."""
    office.write("loans", "select person_no\nfrom features\nwhere orders_90d > 1", 'profile = "finance"')
    office.write("top", "select person_no\nfrom loans\nsemi join features using (person_no)")
    office.write("aged", "select person_no\nfrom loans\nsemi join features using (person_no)\nwhere true")
    project = office.project("housing")
    loans = project.definition("loans")
    assert isinstance(loans, Segment)
    assert list(project.policing.profiles(loans)) == ["housing", "finance"]
    assert loans.policy == ("housing", "finance")
    office.write(
        "younger",
        "select person_no\nfrom features\nsemi join loans using (person_no)\nwhere children > 0",
    )
    assert "which the policy profile finance forbids" in office.fault("younger")


@pytest.mark.requirement("PRI-2")
@pytest.mark.parametrize("name", REGULATED)
@pytest.mark.parametrize("how", ['tags = {use = "seed"}', 'tags = {lookalike = "yes"}', ""])
def test_seeds_of_lookalikes_are_refused(office: Office, name: ProfileName, how: str) -> None:
    """By tag or by name; the rule is named."""
    segment = "best" if how else "lookalike_seed_best"
    office.write(segment, "select person_no\nfrom features\nwhere spend_90d > 500", how)
    assert office.fault(segment) == ""
    said = office.fault(segment, name)
    assert f"it is a seed of lookalikes, which the policy profile {name} does not allow" in said
    assert read_profile(name).seeds_rule in said


@pytest.mark.requirement("PRI-2", "IDEA-9")
@pytest.mark.parametrize(
    ("name", "destination", "word"),
    [
        *(("healthcare", one, "HIPAA") for one in read_profile("healthcare").refused[0].connectors),
        ("finance", "google", "Google's personalised advertising policy"),
        ("finance", "meta", "finances"),
        ("housing", "google", "Google's personalised advertising policy"),
        ("employment", "google", "Google's personalised advertising policy"),
    ],
)
def test_destinations_are_refused(office: Office, name: str, destination: str, word: str) -> None:
    """Every segment of such a business, whatever it says of itself; a file and e-mail tools stay open."""
    for to in (destination, "klaviyo"):
        office.write(
            to,
            "select person_no\nfrom features\nwhere orders_90d > 1",
            syncs=f'\n[sync.{to}]\naudience = "People"\n',
        )
    deliveries = office.project(name).deliveries
    (push,) = deliveries.pushes(destination, [destination])
    assert push.forbidden is not None
    assert word in push.forbidden
    (allowed,) = deliveries.pushes("klaviyo", ["klaviyo"])
    assert allowed.forbidden is None
    (usual,) = office.project().deliveries.pushes(destination, [destination])
    assert usual.forbidden is None


@pytest.mark.requirement("PRI-2")
def test_the_smallest_cell_is_the_strictest_profiles(office: Office) -> None:
    """Of the project's profile and the segment's own."""
    office.write(
        "people",
        "select person_no\nfrom features\nwhere orders_90d > 1",
        'profile = "healthcare"',
        syncs='\n[sync.file]\naudience = "People"\n',
    )
    cells = {}
    for name in PROFILES:
        (push,) = office.project(name).deliveries.pushes("file", ["people"])
        cells[name] = push.bounds.min_cell
    assert cells == {"default": 11, "healthcare": 11, "finance": 100, "housing": 100, "employment": 100}


@pytest.mark.requirement("PRI-2")
def test_proxies_may_be_read_and_are_told(office: Office) -> None:
    """The segment loads; lint has the sentence."""
    office.write("homes", "select person_no\nfrom features\nwhere home_ownership = 'renter'")
    project = office.project("housing")
    homes = project.definition("homes")
    assert isinstance(homes, Segment)
    assert list(project.policing.proxies(homes)) == [
        "reads home_ownership, which may stand for origin, family status or age: under the policy profile housing "
        "say in its evidence why that is no pretext"
    ]
    assert list(office.project().policing.proxies(homes)) == []


@pytest.mark.requirement("PRI-2")
def test_sensitive_columns_want_their_tag(office: Office) -> None:
    """Under every profile: what a column's description calls sensitive is said in the header, by reading or sending."""
    sql = "select person_no\nfrom features\nwhere wine_orders_90d > 2"
    office.write("wine", sql)
    office.write("tagged", sql, 'policy = ["alcohol"]')
    office.write(
        "sent",
        "select person_no\nfrom features\nwhere orders_90d > 1",
        syncs='\n[sync.klaviyo]\naudience = "People"\nattributes = { "Wine" = "wine_orders_90d" }\n',
    )
    wanted = 'wine_orders_90d, which is sensitive: alcohol; add policy = ["alcohol"] to the header'
    assert office.fault("wine") == f"segment_defs/wine.sql:{SQL_LINE + 2}: it reads {wanted}"
    assert office.fault("tagged") == ""
    assert wanted in office.fault("sent")


def test_shipped_profiles_name_what_there_is() -> None:
    """Every feature, table, connector and category of the files is one, and every rule has a source."""
    for name in PROFILES:
        profile = read_profile(name)
        assert (profile.category is None) == (name == "default")
        assert profile.category is None or profile.category in CATEGORIES
        for one in profile.forbidden:
            assert set(one.features) <= KNOWN["features"].columns.keys(), one.attribute
            for table, columns in one.in_tables.items():
                assert set(columns) <= KNOWN[table].columns.keys()
            assert one.rule
            assert one.source
        for refused in profile.refused:
            assert set(refused.connectors) <= set(SHIPPED)
        for proxy in profile.proxies:
            assert set(proxy.features) <= KNOWN["features"].columns.keys()
