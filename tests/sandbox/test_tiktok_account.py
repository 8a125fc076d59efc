"""TikTok in the sandbox: tokens, terms, limits, faults, and its official description."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml
from openapi_schema_validator import OAS30Validator

from connectors.sandbox import SandboxServer
from connectors.sandbox.accounts import (
    SANDBOX_ADS_CLIENT_ID,
    SANDBOX_ADS_CLIENT_SECRET,
    SANDBOX_ADS_TOKEN,
)
from connectors.sandbox.ads.tiktok import ADVERTISER, SISTER_ADVERTISER
from connectors.sandbox.faults.reading import parse_faults
from tests.sandbox.conftest import sha256
from tests.sandbox.tiktok_caller import TikTokCaller, code_of, data_of, people, to

OFFICIAL = Path(__file__).parents[2] / "../shared/specs/tiktok"


@pytest.fixture
def tiktok(sandbox: SandboxServer) -> TikTokCaller:
    return TikTokCaller(sandbox.url_of("tiktok"))


def test_the_token_has_a_header_of_its_own(sandbox: SandboxServer, tiktok: TikTokCaller) -> None:
    """Missing and wrong are two codes; `Authorization` is not looked at; a revoked one is a wrong one."""
    assert data_of(tiktok.call("GET", "/user/info/"))["display_name"] == "Sandbox"
    tiktok.session.headers["Access-Token"] = "wrong"
    assert code_of(tiktok.call("GET", "/user/info/")) == 40105
    tiktok.session.headers.pop("Access-Token")
    tiktok.session.headers["Authorization"] = f"Bearer {SANDBOX_ADS_TOKEN}"
    assert code_of(tiktok.call("GET", "/user/info/")) == 40104
    tiktok.session.headers["Access-Token"] = SANDBOX_ADS_TOKEN
    sandbox.state.set_switches(ads_token_revoked=True)
    assert code_of(tiktok.map([[{}]])) == 40105


def test_the_app_lists_its_advertisers(tiktok: TikTokCaller) -> None:
    """By its id and secret."""
    app = {"app_id": SANDBOX_ADS_CLIENT_ID, "secret": SANDBOX_ADS_CLIENT_SECRET}
    found = data_of(tiktok.call("GET", "/oauth2/advertiser/get/", params=app))["list"]
    assert [one["advertiser_id"] for one in found] == [ADVERTISER, SISTER_ADVERTISER]
    assert code_of(tiktok.call("GET", "/oauth2/advertiser/get/", params={**app, "secret": "x"})) == 40001


def test_terms_come_first(sandbox: SandboxServer, tiktok: TikTokCaller) -> None:
    """Neither creating nor mapping without them, and the text says so; looking is free."""
    audience = tiktok.audience()
    sandbox.state.set_switches(ads_terms_accepted=False)
    for answer in (
        tiktok.map(people(audience, 1)),
        tiktok.change(action="create", custom_audience_name="Other"),
    ):
        assert code_of(answer) == 40001
        assert "Terms" in answer.json()["message"]
    data_of(tiktok.dmp("list"))


def test_a_spent_minute_is_told_under_200(sandbox: SandboxServer, tiktok: TikTokCaller) -> None:
    """40100, no header; a fault may choose HTTP 429 for it."""
    sandbox.state.set_switches(ads_requests_per_minute=2)
    sandbox.advance_clock(60 - sandbox.state.now() % 60)
    assert [tiktok.dmp("list").json()["code"] for _ in range(3)] == [0, 0, 40100]
    sandbox.advance_clock(60)
    answer = tiktok.dmp("list")
    data_of(answer)
    assert not [name for name in answer.headers if "rate" in name.lower()]
    sandbox.faults.replace(parse_faults([{"platform": "tiktok", "effect": "rate_limited", "retry_after": 2}]))
    assert code_of(tiktok.dmp("list"), status=429) == 40100


@pytest.mark.parametrize(
    ("rule", "status", "code"),
    [
        ({"effect": "server_error"}, 500, 50000),
        ({"effect": "error_in_success"}, 200, 50000),
        ({"effect": "expire_token"}, 200, 40105),
        ({"effect": "terms_not_accepted"}, 200, 40001),
        ({"effect": "audience_deleted"}, 200, 40002),
        ({"effect": "audience_deleted", "really": True}, 200, 40002),
        ({"effect": "refuse", "title": "40007"}, 200, 40007),
        ({"effect": "quota_gone"}, 200, 40100),
    ],
)
def test_faults_speak_its_words(
    sandbox: SandboxServer, tiktok: TikTokCaller, rule: dict[str, object], status: int, code: int
) -> None:
    """Codes under HTTP 200, but for what is not the request's fault; the audience is found in the body."""
    audience = tiktok.audience()
    sandbox.faults.replace(parse_faults([{"platform": "tiktok", "path": "*/mapping/", **rule}]))
    assert code_of(tiktok.map(people(audience, 1)), status) == code


def test_rejected_people_are_not_told_of(sandbox: SandboxServer, tiktok: TikTokCaller) -> None:
    """The whole row is left out, with all its ids; the answer is the usual one."""
    audience = tiktok.audience()
    rule = {"platform": "tiktok", "effect": "reject_rows", "holding": [sha256("1@example.com")]}
    sandbox.faults.replace(parse_faults([rule]))
    rows = [[to(audience, f"{number}@example.com"), to(audience, f"+1555{number}")] for number in range(3)]
    assert data_of(tiktok.map(rows, ["EMAIL_SHA256", "PHONE_SHA256"])) == {}
    assert sandbox.state.audience("tiktok", audience).size == 4
    assert sandbox.state.requests("tiktok")[0].rows == 3


def test_matching_takes_its_time(sandbox: SandboxServer, tiktok: TikTokCaller) -> None:
    """The number from before is shown until then; a thousand make an audience valid."""
    audience = tiktok.audience()
    data_of(tiktok.map(people(audience, 400)))
    sandbox.state.set_switches(ads_processing_seconds=86_400)
    sandbox.advance_clock(86_400)
    for count in (700, 1_000):
        data_of(tiktok.map(people(audience, count)))
        assert tiktok.details(audience)["audience_details"]["cover_num"] == 400
    sandbox.advance_clock(86_401)
    shown = tiktok.details(audience)["audience_details"]
    assert (shown["cover_num"], shown["is_valid"], shown["is_expiring"]) == (1_000, True, False)


def test_an_audience_ends_a_year_after_its_last_change(sandbox: SandboxServer, tiktok: TikTokCaller) -> None:
    """As a whole: it says so sixty days before, and a change renews it."""
    audience = tiktok.audience()
    data_of(tiktok.map(people(audience, 1_000)))
    sandbox.advance_clock(306 * 86_400)
    assert tiktok.details(audience)["audience_details"]["is_expiring"] is True
    data_of(tiktok.map(people(audience, 1_000)))
    assert tiktok.details(audience)["audience_details"]["is_expiring"] is False
    sandbox.advance_clock(366 * 86_400)
    assert tiktok.details(audience)["audience_details"]["is_valid"] is False
    assert sandbox.state.audience("tiktok", audience).size == 1_000


def test_the_last_slash_matters(tiktok: TikTokCaller) -> None:
    """Without it there is nothing."""
    assert (
        tiktok.call("GET", "/dmp/custom_audience/list", params={"advertiser_id": ADVERTISER}).status_code
        == 404
    )
    assert tiktok.call("POST", "/segment/mapping", json={}).status_code == 404


def test_a_body_is_declared_as_json(tiktok: TikTokCaller) -> None:
    """A form is a bad parameter, and so is what only looks like JSON."""
    assert code_of(tiktok.call("POST", "/segment/mapping/", data={"action": "add"})) == 40002
    declared = {"Content-Type": "application/json"}
    assert code_of(tiktok.call("POST", "/segment/mapping/", data="{", headers=declared)) == 40002


@pytest.mark.parametrize("which", ["list", "get"])
def test_the_official_description_agrees(tiktok: TikTokCaller, which: str) -> None:
    """Parameters by name, and answers by their schema, of the audience API; the streaming API has no file."""
    file = OFFICIAL / f"dmp_custom_audience_{which}.yml"
    if not file.exists():
        pytest.skip("TikTok's official description is not at hand")
    path, operation = _operation(file)
    audience = tiktok.audience()
    query = {"custom_audience_ids": json.dumps([audience]), "history_size": 5, "page": 1, "page_size": 5}
    known = {parameter["name"] for parameter in operation["parameters"]}
    answer = tiktok.dmp(which, **{name: value for name, value in query.items() if name in known})
    data_of(answer)
    assert answer.request.url is not None
    assert requests.utils.urlparse(answer.request.url).path.endswith(path)
    schema = operation["responses"]["200"]["content"]["application/json"]["schema"]
    assert not list(OAS30Validator(schema).iter_errors(answer.json()))
    assert set(answer.json()) <= set(schema["properties"])


def _operation(file: Path) -> tuple[str, dict[str, Any]]:
    """Address and description of the only call of a file."""
    ((path, methods),) = yaml.safe_load(file.read_text("utf-8"))["paths"].items()
    return path, methods["get"]
