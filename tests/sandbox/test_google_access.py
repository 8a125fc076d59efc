"""Who may call the sandbox's Google, how often and on what terms; and its whole API against the official one."""

from __future__ import annotations

import time

import jwt
import pytest
import requests
from cryptography.hazmat.primitives.asymmetric import rsa

from connectors.sandbox import SandboxServer
from connectors.sandbox.ads.google_assertions import (
    SCOPE,
    SERVICE_ACCOUNT,
    SERVICE_KEY,
    TOKEN_ADDRESS,
    key_file,
)
from connectors.sandbox.tokens import JWT_BEARER
from tests.sandbox.ad_caller import IN_FORM
from tests.sandbox.discovery import FILE, discovered
from tests.sandbox.google_caller import (
    ADS,
    DAY,
    GoogleCaller,
    person,
    problems,
    reason,
)


@pytest.fixture
def google(sandbox: SandboxServer) -> GoogleCaller:
    return GoogleCaller(sandbox, "google", "/token")


def test_tokens_are_refreshed_and_end(google: GoogleCaller) -> None:
    """The client is in the form; a refresh token stays; what has ended or was never given out is told apart."""
    first = google.refresh(IN_FORM).json()
    assert (set(first), first["expires_in"]) == ({"access_token", "expires_in", "token_type"}, 3600)
    google.use_token(first["access_token"])
    assert google.call("GET", ADS).status_code == 200
    google.sandbox.advance_clock(3_601)
    assert reason(google.call("GET", ADS)) == (401, "UNAUTHENTICATED", "ACCESS_TOKEN_EXPIRED")
    google.use_token(google.refresh(IN_FORM).json()["access_token"])
    assert google.call("GET", ADS).status_code == 200
    google.use_token("nobody-knows-this")
    assert reason(google.call("GET", ADS)) == (401, "UNAUTHENTICATED", "ACCESS_TOKEN_TYPE_UNSUPPORTED")
    google.switch(ads_token_revoked=True)
    assert google.refresh(IN_FORM).json() == {"error": "invalid_grant"}
    assert google.refresh({**IN_FORM, "client_secret": "x"}).status_code == 401


def test_a_service_account_signs_for_a_token(google: GoogleCaller) -> None:
    """RS256 by its own key, for this endpoint, this scope and at most an hour: anything else is no grant."""
    address = f"{google.sandbox.url}/google/token"
    account = key_file(address)
    now = int(time.time())
    claims = {"iss": account["client_email"], "scope": SCOPE, "aud": address, "iat": now, "exp": now + 3600}

    def ask(assertion: str) -> requests.Response:
        form = {"grant_type": JWT_BEARER, "assertion": assertion}
        return requests.post(account["token_uri"], data=form, timeout=30)

    def signed(**changes: object) -> str:
        return jwt.encode({**claims, **changes}, account["private_key"], algorithm="RS256")

    for good in (signed(), signed(aud=TOKEN_ADDRESS), signed(scope=f"{SCOPE} {SCOPE}.partnerlink")):
        google.use_token(ask(good).json()["access_token"])
        assert google.call("GET", ADS).status_code == 200
    stranger = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    wrong = [
        signed(iss="somebody@sandbox-project.iam.gserviceaccount.com"),
        signed(aud="https://oauth2.googleapis.com/"),
        signed(scope="https://www.googleapis.com/auth/adwords"),
        signed(iat=now - 7200, exp=now - 3600),
        signed(iat=now + 3600, exp=now + 7200),
        signed(exp=now + 7200),
        signed(exp="tomorrow"),
        jwt.encode({key: claims[key] for key in claims if key != "exp"}, SERVICE_KEY, algorithm="RS256"),
        jwt.encode(claims, stranger, algorithm="RS256"),
        jwt.encode(claims, "a shared secret is no key of an account", algorithm="HS256"),
        "no assertion",
    ]
    assert [(ask(each).status_code, ask(each).json()) for each in wrong] == [
        (400, {"error": "invalid_grant"})
    ] * len(wrong)
    assert SERVICE_ACCOUNT in claims.values()


def test_terms_quotas_and_faults_are_told_in_googles_words(google: GoogleCaller) -> None:
    """Reasons in the error's details; a quota is named, and another minute has another."""
    made = google.user_list()
    google.switch(ads_terms_accepted=False)
    for answer in (google.ingest(made, person("a")), google.call("POST", ADS, json={})):
        assert reason(answer) == (403, "PERMISSION_DENIED", "TERMS_AND_CONDITIONS_NOT_SIGNED")
    assert google.remove(made, person("a")).status_code == 200
    google.switch(ads_terms_accepted=True, ads_requests_per_minute=1)
    google.sandbox.advance_clock(DAY)
    assert google.call("GET", ADS).status_code == 200
    limited = google.call("GET", ADS)
    assert reason(limited) == (429, "RESOURCE_EXHAUSTED", "RATE_LIMIT_EXCEEDED")
    assert "PerMinute" in limited.json()["error"]["details"][0]["metadata"]["quota_limit"]
    google.switch(ads_requests_per_minute=0)
    for effect, expected in [
        ({"effect": "server_error", "status": 503}, (503, "UNAVAILABLE", "INTERNAL_ERROR")),
        ({"effect": "quota_gone"}, (429, "RESOURCE_EXHAUSTED", "RATE_LIMIT_EXCEEDED")),
    ]:
        google.fault(**effect)
        assert reason(google.ingest(made, person("a"))) == expected
    google.fault(effect="audience_deleted", really=True)
    assert problems(google.ingest(made, person("a")))[0][1] == "INVALID_USER_LIST_ID"
    assert google.sandbox.state.audiences("google") == []


def test_every_method_is_as_the_discovery_document_says(google: GoogleCaller) -> None:
    """Each method that is played, with what it is sent and what it answers; the other tests are held to it too."""
    if not FILE.exists():
        pytest.skip("the discovery document is not at hand")
    official = discovered()
    assert official is not None
    official.seen.clear()
    made = google.user_list()
    google.status(google.ingest(made, person("a")))
    google.remove(made, person("a"))
    google.remove_all(made)
    google.shown(made)
    google.call("GET", ADS)
    google.call("PATCH", f"{ADS}/{made}", json={"description": "new"})
    google.call("DELETE", f"{ADS}/{made}")
    lists = {
        f"accountTypes.accounts.userLists.{verb}" for verb in ("create", "get", "list", "patch", "delete")
    }
    members = {f"audienceMembers.{verb}" for verb in ("ingest", "remove", "removeAll")}
    assert official.seen == {
        f"datamanager.{method}" for method in (*lists, *members, "requestStatus.retrieve")
    }
