"""What an audience may leave out: segments that are there and whole; leaving people out chooses people as well."""

from __future__ import annotations

import pytest

from pipelines.assets.audiences import audience_assets, changes_assets
from pipelines.assets.keys import audience_key, segment_key
from pipelines.segments.model import Segment
from tests.policies.conftest import Office

SYNC = '\n[sync.file]\naudience = "People"\nexclude = {}\n'
RULE = "select person_no\nfrom features\nwhere orders_90d > 1"


@pytest.mark.requirement("TYP-20")
def test_exclusions_are_named_in_the_sync(office: Office) -> None:
    """Each once, in the file's order."""
    office.write("calm", RULE)
    office.write("buyers", RULE)
    office.write("people", RULE, syncs=SYNC.format('["calm", "buyers", "calm"]'))
    people = office.project().definition("people")
    assert isinstance(people, Segment)
    assert people.syncs[0].exclude == ("calm", "buyers")
    assert people.layers == ()


@pytest.mark.requirement("TYP-20")
@pytest.mark.parametrize(
    ("written", "said"),
    [
        ('["buyer"]', "its audience leaves out 'buyer', which is no segment; did you mean 'buyers'?"),
        ('["people"]', "its audience leaves out the segment itself; take it out of exclude"),
        ('["broken"]', "its audience leaves out broken, which is broken; mend broken.sql"),
        ('"buyers"', "'exclude' is the text 'buyers'; expected names of segments whose people"),
        ("[3]", "'exclude' is the number 3; expected names of segments whose people"),
    ],
)
def test_a_wrong_exclusion_is_an_error_at_its_line(office: Office, written: str, said: str) -> None:
    """File, line, what was found and what was meant."""
    office.write("buyers", RULE)
    office.write("broken", "select person_no from nowhere")
    office.write("people", RULE, syncs=SYNC.format(written))
    assert said in office.fault("people")
    assert office.fault("people").startswith("segment_defs/people.sql:17: ")


@pytest.mark.requirement("PRI-2", "TYP-20")
def test_leaving_people_out_is_choosing_them(office: Office) -> None:
    """An attribute that a profile forbids may not be used to leave people out either, nor may a layer use it."""
    office.write("old", "select person_no\nfrom features\nwhere age_from > 60")
    office.write("others", RULE, 'profile = "employment"', syncs=SYNC.format('["old"]'))
    assert office.fault("old") == ""
    said = office.fault("others")
    assert "it reads age_from through old (age), which the policy profile employment forbids" in said


@pytest.mark.requirement("TYP-20")
def test_the_graph_shows_what_an_audience_leaves_out(office: Office) -> None:
    """Both what would change and the push wait for the excluded segment, as for the audience's own."""
    office.write("buyers", RULE)
    office.write("people", RULE, syncs=SYNC.format('["buyers"]'))
    project = office.project()
    for made in (changes_assets(project, "file"), audience_assets(project, "file")):
        (spec,) = made.specs
        upstream = {dep.asset_key for dep in spec.deps}
        assert {segment_key("people"), segment_key("buyers")} <= upstream
    assert spec.key == audience_key("file", "people")
