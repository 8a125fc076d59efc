"""TikTok's bodies, codes and audiences, against a scripted server, its help page's digests and its own documents."""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import jsonschema
import pyarrow as pa
import pytest
import yaml

from connectors.base import (
    ActionNeeded,
    Audience,
    AudienceGone,
    AudienceRequest,
    AuthFailed,
    QuotaExhausted,
    Receipt,
    Refused,
    Reported,
    SyncOptions,
    Uncertain,
)
from connectors.identity import encode
from connectors.testing import FastTime
from connectors.tiktok import TikTokConnector, TikTokSettings
from tests.connectors.lapsed import MARY, REQUEST
from tests.connectors.oauth_account import batch
from tests.connectors.server import Reply, Scripted, Seen

AUDIENCE = Audience("240000001", "Lapsed")
ADVERTISER = "7000000000000000001"
PHONE = "a6e349c7a8850f27ebcfa1865854e845c074da83ff19384d4b4c9df78357fa5a"
OFFICIAL_LIST = Path(__file__).parents[3] / "shared/specs/tiktok/dmp_custom_audience_list.yml"
DONE = Reply(body={"code": 0, "message": "OK", "request_id": "20261122AB", "data": {}})


def connector(server: Scripted, time: FastTime, **changes: object) -> TikTokConnector:
    settings = TikTokSettings(token="tok-of-the-test", advertiser=ADVERTISER, base_url=server.url, **changes)  # type: ignore[arg-type]
    opened = TikTokConnector("tiktok", settings)
    opened.http.use_clock(time.clock)
    return opened


def people(*emails: str | None, phones: tuple[str | None, ...] = ()) -> pa.Table:
    cells = {"EMAIL_SHA256": emails, "PHONE_SHA256": phones or (None,) * len(emails)}
    return pa.table({name: pa.array(values, pa.string()) for name, values in cells.items()})


def add(opened: TikTokConnector) -> Receipt:
    return opened.add(AUDIENCE, people(MARY), batch("add", 1))


def error(code: int, message: str = "Invalid value ann@example.com") -> Reply:
    return Reply(body={"code": code, "message": message, "request_id": "20261122AB", "data": {}})


def listing(*audiences: dict[str, object], page: int = 1, pages: int | None = 1) -> Reply:
    data = {"list": list(audiences), "page_info": {"page": page, "page_size": 100, "total_page": pages}}
    return Reply(body={"code": 0, "message": "OK", "data": data})


def query(seen: Seen) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(seen.path).query).items()}


MADID = "38400000-8CF0-11BD-B23E-10B96E40000D"
MADID_SHA256 = "d4181bb455a74b3bc8b37c75ac9b2c702eb6b9930bd040b861403b31ca85634d"
DIGESTS = [
    ("EMAIL_SHA256", ("  Mary.Smith+news@Gmail.com ",), MARY),
    ("EMAIL_SHA256", ("janedoe@gmail.com",), "d6117306485ed0e50afab3ac871e98f81699151f30281527d63ff5f233656c69"),
    ("PHONE_SHA256", ("+1 (555) 987-6543", None), PHONE),
    ("AAID_SHA256", (MADID,), MADID_SHA256),
    ("IDFA_SHA256", (MADID,), MADID_SHA256),
    ("AAID_MD5", (MADID,), "5756ae9022b2ea1e47d84fead75220c8"),
    ("IDFA_MD5", (MADID,), "5756ae9022b2ea1e47d84fead75220c8"),
    ("IDFA_SHA256", ("5f3a2b18-9c4d-4e7f-b8e2-17d3a1e69b25",),
     "83dc3f5f32b9472613b0f038d36f22585a609d018af6f6067f50da318bf354bd"),
]  # fmt: skip
"""The sheet's; those of janedoe and of the last id are printed on TikTok's help page."""


@pytest.mark.parametrize(("name", "raw", "digest"), DIGESTS)
def test_people_become_tiktoks_digests(
    server: Scripted, time: FastTime, name: str, raw: tuple[str | None, ...], digest: str
) -> None:
    """Raw values end as the digests that TikTok's rules give."""
    identifiers = ("EMAIL_SHA256", "PHONE_SHA256", "IDFA_SHA256", "AAID_SHA256", "IDFA_MD5", "AAID_MD5")
    columns = connector(server, time, identifiers=identifiers).identity.columns
    column = next(column for column in columns if column.name == name)
    value = column.rule.normalise(*raw)
    assert value is not None
    assert encode(value, column.encoding) == digest


def test_the_help_pages_phone_is_ours_without_its_plus(server: Scripted, time: FastTime) -> None:
    """TikTok takes both forms; the one digest that it prints is of the other."""
    value = connector(server, time).identity.columns[1].rule.normalise("+374 93 828222", None)
    assert value == "+37493828222"
    printed = "65b7e6dcf6f4310f8d7cbfbd78289a753062fb054d6664fb9aaac5df66a422d4"
    assert sha256(value.removeprefix("+").encode()).hexdigest() == printed


@pytest.mark.parametrize(("op", "action"), [("add", "add"), ("remove", "delete")])
def test_every_identifier_keeps_its_place(server: Scripted, time: FastTime, op: str, action: str) -> None:
    """The whole request: one list a person, an unknown identifier as an empty object, TikTok's own header."""
    server.answers(DONE)
    opened = connector(server, time)
    rows = people(MARY, None, phones=(None, PHONE))
    receipt = (opened.add if op == "add" else opened.remove)(AUDIENCE, rows, batch(op, 2))
    assert receipt == Receipt("applied", "20261122AB")
    (seen,) = server.seen
    assert (seen.method, seen.path) == ("POST", "/segment/mapping/")
    assert seen.headers["Access-Token"] == "tok-of-the-test"
    assert "Authorization" not in seen.headers
    assert seen.json == {
        "advertiser_ids": [ADVERTISER],
        "action": action,
        "id_schema": ["EMAIL_SHA256", "PHONE_SHA256"],
        "batch_data": [
            [{"id": MARY, "audience_ids": ["240000001"]}, {}],
            [{}, {"id": PHONE, "audience_ids": ["240000001"]}],
        ],
    }


CONSEQUENCES: list[tuple[int, type[Exception]]] = [
    (20001, Uncertain),
    *[(code, QuotaExhausted) for code in (40100, 40133, 40016)],
    *[(code, Uncertain) for code in (50000, 50002, 51000, 51010)],
    *[(code, AuthFailed) for code in (40001, 40104, 40105)],
    (40007, AudienceGone),
    *[(code, Refused) for code in (40002, 40908, 99999)],
]


@pytest.mark.parametrize(("code", "consequence"), CONSEQUENCES)
def test_every_code_has_its_consequence(
    server: Scripted, time: FastTime, code: int, consequence: type[Exception]
) -> None:
    """Though HTTP says 200; the message names the code and the request, and quotes nobody."""
    there = {"audience_id": "240000001", "name": "Lapsed"}
    server.script = lambda seen: listing(there) if seen.method == "GET" else error(code)
    with pytest.raises(consequence) as failed:
        add(connector(server, time))
    assert type(failed.value) is consequence
    assert str(code) in str(failed.value)
    assert "ann@" not in str(failed.value)


@pytest.mark.parametrize(
    ("reply", "consequence"),
    [
        (Reply(body={"message": "OK"}), Uncertain),
        (Reply(body={}), Uncertain),
        (Reply(404, {"message": "no route"}), ActionNeeded),
        (Reply(429, {}), QuotaExhausted),
        (Reply(503, {"code": 0}), Uncertain),
        (Reply(401, {}), AuthFailed),
    ],
)
def test_what_is_no_code_is_no_success(
    server: Scripted, time: FastTime, reply: Reply, consequence: type[Exception]
) -> None:
    """An answer without a code, or with a status of its own; a wrong address never counts as a missing audience."""
    server.answers(reply)
    with pytest.raises(consequence) as failed:
        add(connector(server, time))
    assert type(failed.value) is consequence


def test_a_missing_audience_is_looked_for(server: Scripted, time: FastTime) -> None:
    """TikTok calls it an invalid parameter: it is gone when the list does not have it, refused when it does."""
    server.script = lambda seen: listing() if seen.method == "GET" else error(40002)
    with pytest.raises(AudienceGone):
        add(connector(server, time))
    assert query(server.seen[1]) == {"advertiser_id": ADVERTISER, "custom_audience_ids": '["240000001"]'}


def test_a_revoked_token_names_its_setting(server: Scripted, time: FastTime) -> None:
    """There is nothing to renew."""
    server.answers(error(40105))
    with pytest.raises(AuthFailed, match="check TURNOUT_TIKTOK_TOKEN"):
        add(connector(server, time))
    assert len(server.seen) == 1


def test_our_audience_is_found_on_any_page(server: Scripted, time: FastTime) -> None:
    """By its whole name among those that the account made: no part of a name, none that was shared with it."""
    pages = {
        "1": listing(
            {"audience_id": "1", "name": "Lapsed", "is_creator": False},
            {"audience_id": "2", "name": "Lapsed vip", "is_creator": True},
            pages=None,
        ),
        "2": listing({"audience_id": "240000001", "name": "Lapsed"}, page=2, pages=2),
    }
    server.script = lambda seen: pages[query(seen)["page"]]
    assert connector(server, time).open_audience(REQUEST, SyncOptions()) == AUDIENCE
    asked = [query(seen) for seen in server.seen]
    assert asked == [{"advertiser_id": ADVERTISER, "page": page, "page_size": "100"} for page in ("1", "2")]


def test_a_listing_without_end_stops(server: Scripted, time: FastTime) -> None:
    """A page without anybody is the last, whatever number of pages is told."""
    server.script = lambda seen: (
        error(0)
        if seen.path == "/segment/audience/"
        else listing(pages=10**9)
        if query(seen)["page"] == "2"
        else listing({"audience_id": "2", "name": "Else"}, pages=10**9)
    )
    with pytest.raises(Uncertain, match="names no audience"):
        connector(server, time).open_audience(REQUEST, SyncOptions())
    assert len(server.seen) == 3


def test_an_audience_is_created_once(server: Scripted, time: FastTime) -> None:
    """The body of the creating request; without an answer it is not repeated."""
    made = Reply(body={"code": 0, "message": "OK", "data": {"audience_id": "240000001"}})
    server.script = lambda seen: made if seen.method == "POST" else listing()
    opened = connector(server, time).open_audience(REQUEST, SyncOptions())
    assert opened == Audience("240000001", "Lapsed", created=True)
    assert server.seen[-1].path == "/segment/audience/"
    wanted = {"advertiser_id": ADVERTISER, "action": "create", "custom_audience_name": "Lapsed"}
    assert server.seen[-1].json == wanted
    server.script = lambda seen: Reply(how="reset") if seen.method == "POST" else listing()
    with pytest.raises(Uncertain):
        connector(server, time).open_audience(REQUEST, SyncOptions())
    assert [seen.method for seen in server.seen] == ["GET", "POST", "GET", "POST"]


def test_a_name_that_would_be_cut_is_refused(server: Scripted, time: FastTime) -> None:
    """Under 71 characters, or TikTok would keep another name than the one that is looked for."""
    server.answers(listing())
    with pytest.raises(ActionNeeded, match="70 characters"):
        connector(server, time).open_audience(AudienceRequest("x" * 71, "m", None), SyncOptions())


@pytest.mark.parametrize(
    ("more", "reported"),
    [
        ({"cover_num": 1200, "is_valid": True}, Reported(1200, 1200, "valid")),
        ({"cover_num": None}, Reported(None, None, "not valid")),
        (
            {"cover_num": 7, "is_valid": True, "is_expiring": True, "expired_time": "2027-01-01 00:00:00"},
            Reported(7, 7, "valid; expires 2027-01-01 00:00:00"),
        ),
    ],
)
def test_the_size_is_what_tiktok_matched(
    server: Scripted, time: FastTime, more: dict[str, object], reported: Reported
) -> None:
    """Matched users, whether it can be used, and when it ends if that is near."""
    server.answers(listing({"audience_id": "240000001", "name": "Lapsed", **more}))
    assert connector(server, time).read_back(AUDIENCE) == reported


def test_the_doctor_asks_for_token_and_account(server: Scripted, time: FastTime) -> None:
    """Two questions that change nothing; it ends with the step that fails."""
    server.script = lambda seen: error(40001) if seen.path.startswith("/dmp/") else DONE
    first, second = connector(server, time).examine()
    assert (first.step, first.ok, second.step, second.ok) == ("credential", True, "account", False)
    assert "Audience Management" in second.says
    assert [seen.method for seen in server.seen] == ["GET", "GET"]


@pytest.mark.skipif(not OFFICIAL_LIST.exists(), reason="TikTok's official documents are not at hand")
def test_the_list_is_asked_for_as_documented(server: Scripted, time: FastTime) -> None:
    """Path, names and values of both questions are those of TikTok's own description."""
    described = yaml.safe_load(OFFICIAL_LIST.read_text())
    ((path, calls),) = described["paths"].items()
    parameters = {each["name"]: each for each in calls["get"]["parameters"]}
    server.answers(listing({"audience_id": "240000001", "name": "Lapsed"}))
    opened = connector(server, time)
    opened.read_audience("240000001")
    opened.open_audience(REQUEST, SyncOptions())
    required = {name for name, each in parameters.items() if each["required"]}
    for seen in server.seen:
        asked = query(seen) | {"Access-Token": seen.headers["Access-Token"]}
        assert urlsplit(seen.path).path == path
        assert required <= asked.keys()
        for name, text in asked.items():
            each = parameters[name]
            schema = each.get("schema") or each["content"]["application/json"]["schema"]
            value = text if schema["type"] == "string" else json.loads(text)
            jsonschema.validate(value, schema)
