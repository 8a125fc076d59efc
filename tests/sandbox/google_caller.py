"""Plain HTTP to the sandbox's Google; what is sent and answered is held against the discovery document."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import requests

from connectors.sandbox.ads.google_destinations import ADVERTISER, GOOGLE_ADS_ACCOUNT, MANAGER_ACCOUNT
from tests.sandbox.ad_caller import AdCaller
from tests.sandbox.conftest import sha256
from tests.sandbox.discovery import Discovered, discovered

ADS = f"/accountTypes/GOOGLE_ADS/accounts/{GOOGLE_ADS_ACCOUNT}/userLists"
DV360 = f"/accountTypes/DISPLAY_VIDEO_ADVERTISER/accounts/{ADVERTISER}/userLists"
GRANTED = {"adUserData": "CONSENT_GRANTED", "adPersonalization": "CONSENT_GRANTED"}
ACCEPTED = {"customerMatchTermsOfServiceStatus": "ACCEPTED"}
CONTACTS = {
    "uploadKeyTypes": ["CONTACT_ID"],
    "contactIdInfo": {"dataSourceType": "DATA_SOURCE_TYPE_FIRST_PARTY"},
}
DEVICES = {"uploadKeyTypes": ["MOBILE_ID"], "mobileIdInfo": {"keySpace": "IOS", "appId": "org.example.app"}}
DAY = 86_400


@dataclass
class GoogleCaller(AdCaller):
    """The Data Manager API."""

    official: Discovered | None = field(default_factory=discovered)

    def call(self, method: str, path: str, **options: Any) -> requests.Response:
        answer = super().call(method, path, **options)
        if self.official is not None and answer.status_code == 200:
            self.official.check(answer)
        return answer

    def user_list(self, name: str = "seg_high_value", parent: str = ADS, **fields: object) -> str:
        wish = {"displayName": name, "ingestedUserListInfo": CONTACTS, **fields}
        answer = self.call("POST", parent, json=wish)
        assert answer.status_code == 200, answer.text
        return str(answer.json()["id"])

    def shown(self, user_list: str, parent: str = ADS) -> dict[str, Any]:
        return dict(self.call("GET", f"{parent}/{user_list}").json())

    def ingest(self, user_list: str, *members: object, **fields: object) -> requests.Response:
        body = {"consent": GRANTED, "termsOfService": ACCEPTED}
        return self._upload("ingest", user_list, members, {**body, **fields})

    def remove(self, user_list: str, *members: object, **fields: object) -> requests.Response:
        return self._upload("remove", user_list, members, fields)

    def remove_all(self, user_list: str, **fields: object) -> requests.Response:
        body = {"destinations": [destination(user_list)], **fields}
        return self.call("POST", "/audienceMembers:removeAll", json=body)

    def status(self, taken: requests.Response) -> list[dict[str, Any]]:
        assert taken.status_code == 200, taken.text
        answer = self.call("GET", "/requestStatus:retrieve", params={"requestId": taken.json()["requestId"]})
        assert answer.status_code == 200, answer.text
        return list(answer.json()["requestStatusPerDestination"])

    def outcome(self, taken: requests.Response) -> str:
        return str(self.status(taken)[0]["requestStatus"])

    def _upload(
        self, verb: str, user_list: str, members: tuple[object, ...], fields: dict[str, Any]
    ) -> requests.Response:
        body = {
            "destinations": [destination(user_list)],
            "encoding": "HEX",
            "audienceMembers": list(members),
            **fields,
        }
        kept = {name: value for name, value in body.items() if value is not None}
        return self.call("POST", f"/audienceMembers:{verb}", json=kept)


def destination(user_list: str, **fields: object) -> dict[str, object]:
    """A user list of the Ads account, by its manager."""
    return {
        "loginAccount": {"accountType": "GOOGLE_ADS", "accountId": MANAGER_ACCOUNT},
        "operatingAccount": {"accountType": "GOOGLE_ADS", "accountId": GOOGLE_ADS_ACCOUNT},
        "productDestinationId": user_list,
        **fields,
    }


def identified(*identifiers: object, **fields: object) -> dict[str, object]:
    """One person by what Google calls composite data."""
    return {"compositeData": {"userData": {"userIdentifiers": list(identifiers)}}, **fields}


def person(email: str, **fields: object) -> dict[str, object]:
    """One person known by e-mail only."""
    return identified({"emailAddress": sha256(email)}, **fields)


def device(number: int) -> dict[str, object]:
    """One person known by a device."""
    return {"mobileData": {"mobileIds": [f"00000000-0000-4000-8000-{number:012}"]}}


def problems(answer: requests.Response) -> list[tuple[str, str]]:
    """Field and reason of every violation of a 400, after checking the error's shape."""
    assert answer.status_code == 400, answer.text
    error = answer.json()["error"]
    assert (error["code"], error["status"]) == (400, "INVALID_ARGUMENT")
    kinds = [detail["@type"].rpartition(".")[2] for detail in error["details"]]
    assert kinds[-2:] == ["BadRequest", "RequestInfo"]
    return [(v["field"], v.get("reason", "")) for v in error["details"][-2]["fieldViolations"]]


def reason(answer: requests.Response) -> tuple[int, str, str]:
    """Status as a number and in words, and the reason, of an error that is about no field."""
    error = answer.json()["error"]
    assert set(error) == {"code", "message", "status", "details"}
    info = error["details"][0]
    assert info["@type"] == "type.googleapis.com/google.rpc.ErrorInfo"
    return answer.status_code, error["status"], info["reason"]
