"""Criteo's contact lists and the audiences over them: found, made, replaced, against a scripted server."""

from __future__ import annotations

from functools import partial
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from connectors.base import ActionNeeded, Audience, AudienceGone, Uncertain
from connectors.criteo import CriteoConnector, CriteoOptions
from tests.connectors.lapsed import REQUEST, known
from tests.connectors.oauth_account import answers, asked
from tests.connectors.server import Reply, Scripted

SEGMENT = Audience("987654", "Lapsed")
ALONE = CriteoOptions(audience=False)


@pytest.fixture
def criteo(sign_in: Any) -> Any:
    """Makes connectors with other settings."""
    return partial(sign_in, CriteoConnector, advertiser="12345")


def found(*resources: dict[str, Any], total: int | None = None) -> Reply:
    """A page of a search."""
    meta = {"totalItems": len(resources) if total is None else total, "limit": 100, "offset": 0}
    return Reply(body={"meta": meta, "data": list(resources), "errors": [], "warnings": []})


def resource(number: str, **attributes: object) -> dict[str, Any]:
    """A segment or an audience."""
    return {"id": number, "type": "x", "attributes": {"name": "Lapsed", **attributes}}


def test_a_new_list_gets_an_audience_over_it(server: Scripted, criteo: Any) -> None:
    """Segment and audience are created, each with our mark; a later run asks for the segment alone."""
    made, over = (
        Reply(body={"data": [resource(n)], "errors": [], "warnings": []}) for n in ("987654", "345")
    )
    answers(server, found(), made, found(), over, found(resource("987654")))
    opened = criteo()
    assert opened.open_audience(REQUEST, CriteoOptions()) == Audience("987654", "Lapsed", created=True)
    assert opened.open_audience(known(SEGMENT.id), CriteoOptions()) == SEGMENT
    search, create, audiences, audience, again = asked(server)
    about = {"advertiserId": "12345", "name": "Lapsed", "description": "turnout:lapsed"}
    segment = {"type": "AudienceSegment", "attributes": {**about, "contactList": {}}}
    assert (create.path, create.json) == ("/audience-segments/create", {"data": [segment]})
    algebra = {"algebra": {"audienceSegmentId": "987654"}}
    assert audience.path == "/audiences/create"
    assert audience.json == {"data": [{"type": "Audience", "attributes": {**about, **algebra}}]}
    assert urlsplit(search.path).path == "/audience-segments/search"
    assert dict(parse_qsl(urlsplit(search.path).query)) == {"limit": "100", "offset": "0"}
    mine = {"advertiserIds": ["12345"]}
    assert search.json == {"data": {"attributes": {"audienceSegmentTypes": ["ContactList"], **mine}}}
    assert (urlsplit(audiences.path).path, audiences.json) == (
        "/audiences/search",
        {"data": {"attributes": mine}},
    )
    assert again.json == {"data": {"attributes": {"audienceSegmentIds": ["987654"], **mine}}}


@pytest.mark.parametrize(
    ("algebra", "changed"),
    [
        ({"audienceSegmentId": "987654"}, False),
        ({"audienceSegmentId": "1"}, True),
        ({"or": [{"audienceSegmentId": "1"}, {"audienceSegmentId": "2"}]}, False),
    ],
)
def test_our_audience_gets_a_list_that_replaces_another(
    server: Scripted, criteo: Any, algebra: dict[str, Any], changed: bool
) -> None:
    """Campaigns keep their audience; what somebody made of it is theirs."""
    ours = resource("987654", description="turnout:lapsed", contactList={"isReadOnly": False})
    audience = resource("345", description="turnout:lapsed", algebra=algebra)
    answers(server, found(ours), found(resource("1", algebra=None), audience), Reply(body={"data": []}))
    assert criteo().open_audience(REQUEST, CriteoOptions()) == SEGMENT
    change = {"id": "345", "type": "Audience", "attributes": {"algebra": {"audienceSegmentId": "987654"}}}
    assert [seen.json for seen in asked(server)[2:]] == ([{"data": [change]}] if changed else [])


def test_ours_is_found_on_any_page(server: Scripted, criteo: Any) -> None:
    """By the mark as a word of its own, page by page, never a list that is managed elsewhere."""
    others = [resource(str(n), description="turnout:lapsed_vip") for n in range(1, 100)]
    foreign = resource("500", description="turnout:lapsed", contactList={"isReadOnly": True})
    ours = resource("987654", description="synced turnout:lapsed")
    answers(server, found(*others, foreign, total=101), found(ours, total=101))
    assert criteo().open_audience(REQUEST, ALONE) == SEGMENT
    assert "offset=100" in asked(server)[1].path
    answers(server, found(resource("987654", contactList={"isReadOnly": True})))
    with pytest.raises(ActionNeeded, match="managed elsewhere"):
        criteo().open_audience(known(SEGMENT.id), ALONE)
    answers(server, found())
    with pytest.raises(AudienceGone):
        criteo().open_audience(known(SEGMENT.id), ALONE)


def test_a_creation_that_failed_under_http_200(server: Scripted, criteo: Any) -> None:
    """A name that is taken needs a person; an answer that names nothing is in doubt."""
    taken = {"data": [], "errors": [], "warnings": [{"type": "validation", "code": "name-must-be-unique"}]}
    answers(server, found(), Reply(body=taken))
    with pytest.raises(ActionNeeded, match="of this name"):
        criteo().open_audience(REQUEST, ALONE)
    made = Reply(body={"data": [resource("987654")]})
    for replies in ((found(), Reply(body={})), (found(), made, found(), Reply(body={"data": [{}]}))):
        answers(server, *replies)
        with pytest.raises(Uncertain):
            criteo().open_audience(REQUEST, CriteoOptions())
