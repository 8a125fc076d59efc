"""Our requests, digests and assertions beside Google's own: discovery document, formatting library, google-auth."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jsonschema
import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from google.ads.datamanager_util import Encoding, Formatter
from google.auth import jwt as google_jwt
from google.oauth2 import service_account
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import SecretStr

from connectors.base import AudienceRequest
from connectors.google.service_account import SCOPE, key_of
from connectors.google.settings import GoogleOptions
from connectors.identity import encode
from connectors.rules import EMAIL_GMAIL, phone_e164
from connectors.rules.address import lowered_name, trimmed_postal_code
from connectors.rules.country import normalise_region
from connectors.rules.text import clean
from connectors.sandbox.ads.google_assertions import key_file
from connectors.testing import FastTime
from tests.connectors.google_account import LIST, MARY, account
from tests.connectors.oauth_account import answers, asked, batch, table
from tests.connectors.server import Reply, Scripted, Seen

FORMATTER = Formatter()


# --- requests ------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    """The API's own description, as Google's client ships it."""
    shipped = files("googleapiclient.discovery_cache.documents") / "datamanager.v1.json"
    return dict(json.loads(shipped.read_text("utf-8")))


def methods(part: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Every method of a resource and of those below."""
    yield from part.get("methods", {}).values()
    for inner in part.get("resources", {}).values():
        yield from methods(inner)


def as_json_schema(part: Any) -> Any:
    """A schema of the document where nothing that it does not name is allowed; its formats are of texts."""
    if isinstance(part, list):
        return [as_json_schema(one) for one in part]
    if not isinstance(part, dict):
        return part
    if "$ref" in part:
        return {"$ref": f"#/$defs/{part['$ref']}"}
    kept = {key: as_json_schema(value) for key, value in part.items() if key in ("type", "items", "enum")}
    if "properties" in part:
        kept["properties"] = {name: as_json_schema(value) for name, value in part["properties"].items()}
        kept["additionalProperties"] = False
    return kept


def complaints(document: dict[str, Any], seen: Seen) -> tuple[str, list[str]]:
    """The method that a request calls, and what Google's description says against the request."""
    path, _, query = seen.path.partition("?")
    for method in methods(document):
        pattern = re.sub(r"\{\w+\}", "[^/:]+", method["flatPath"])
        if method["httpMethod"] == seen.method and re.fullmatch(pattern, f"v1{path}"):
            found = [f"no parameter {name}" for name in set(parse_qs(query)) - set(method["parameters"])]
            defs = {name: as_json_schema(schema) for name, schema in document["schemas"].items()}
            if seen.body:
                schema = {**as_json_schema(method["request"]), "$defs": defs}
                validator = jsonschema.Draft202012Validator(schema)
                found += [error.message for error in validator.iter_errors(seen.json)]
            return method["id"], found
    return "", [f"no method for {seen.method} {path}"]


def test_every_request_is_one_of_the_discovery_document(
    document: dict[str, Any], server: Scripted, time: FastTime, tmp_path: Path
) -> None:
    """Method, path, parameters and every field of every body, dry runs included."""
    opened = account(server, time, tmp_path, login_account="9990001111")
    listing = Reply(body={"userLists": [], "nextPageToken": "p2"})
    answers(server, listing, Reply(body={}), Reply(body={"id": "2"}))
    opened.open_audience(AudienceRequest("Lapsed", "turnout:lapsed", None), GoogleOptions())
    shorter = Reply(body={"id": "2", "membershipDuration": "86400s"})
    answers(server, shorter, shorter, Reply(body={"requestId": "r-1"}))
    opened.open_audience(AudienceRequest("Lapsed", "turnout:lapsed", "2"), GoogleOptions())
    home = f"{'a' * 64} {'b' * 64} US 94105"
    rows = table(emailAddress=[MARY, None], phoneNumber=["c" * 64, None], address=[home, home])
    opened.add(LIST, rows, batch("add", 2))
    opened.remove(LIST, rows, batch("remove", 2))
    opened.poll(LIST, "r-1")
    opened.read_back(LIST)
    answers(server, Reply(body={"userLists": [{"id": "2", "integrationCode": "turnout:lapsed"}]}), Reply())
    list(opened.examine())
    called = [complaints(document, seen) for seen in asked(server)]
    assert [found for _, found in called if found] == []
    assert {method for method, _ in called} == {
        "datamanager.accountTypes.accounts.userLists.create",
        "datamanager.accountTypes.accounts.userLists.get",
        "datamanager.accountTypes.accounts.userLists.list",
        "datamanager.accountTypes.accounts.userLists.patch",
        "datamanager.audienceMembers.ingest",
        "datamanager.audienceMembers.remove",
        "datamanager.requestStatus.retrieve",
    }


def test_the_check_would_notice(document: dict[str, Any]) -> None:
    """A field, a value and a parameter that Google does not know are complaints."""
    wrong = {"encoding": "HEXADECIMAL", "audience_members": []}
    seen = Seen("POST", "/audienceMembers:ingest?x=1", {}, json.dumps(wrong).encode())
    assert len(complaints(document, seen)[1]) == 3
    assert complaints(document, Seen("PUT", "/audienceMembers:ingest", {}, b""))[0] == ""


def test_the_documents_scope_and_states_are_ours(document: dict[str, Any]) -> None:
    """What we ask for, and the states that a verdict may have."""
    assert SCOPE in document["auth"]["oauth2"]["scopes"]
    status = document["schemas"]["RequestStatusPerDestination"]["properties"]["requestStatus"]
    assert {"SUCCESS", "PROCESSING", "FAILED", "PARTIAL_SUCCESS"} < set(status["enum"])
    assert urlsplit(document["rootUrl"]).hostname == "datamanager.googleapis.com"


# --- identifiers ---------------------------------------------------------------------------------------------

latin = st.characters(categories=["Lu", "Ll"], min_codepoint=0x41, max_codepoint=0x17F)
names = st.builds(
    "{}{}{}{}".format, st.sampled_from(["", " ", "  "]), st.text(latin, min_size=1, max_size=10),
    st.sampled_from(["", "-", "'", ". ", " "]), st.text(latin, max_size=8),
).filter(lambda name: clean(name) == name.strip())  # fmt: skip
locals_ = st.from_regex(r"\A[A-Za-z0-9_]{1,10}(\.[A-Za-z0-9]{1,6}){0,2}(\+[A-Za-z0-9.]{0,4}[a-z])?\Z")
domains = st.sampled_from(["gmail.com", "Gmail.com", "GOOGLEMAIL.com", "example.com", "mail.example.co.uk"])
emails = st.builds(
    "{}{}@{}{}".format, st.sampled_from(["", " "]), locals_, domains, st.sampled_from(["", " \n"])
)
phones = st.from_regex(r"\A\+1 ?\(?2[0-9]{2}\)?[ .-]?555[ -]?01[0-9]{2}\Z")
codes = st.from_regex(r"\A ?([1-9][0-9]{4}(-[0-9]{4})?)\Z")


@settings(max_examples=300, deadline=None)
@given(email=emails, phone=phones, first=names, last=names, code=codes)
def test_identifiers_are_what_googles_library_makes(
    email: str, phone: str, first: str, last: str, code: str
) -> None:
    """Whatever we take is normalised and hashed as Google's own formatter does it."""
    address, number = EMAIL_GMAIL.normalise(email), phone_e164().normalise(phone, "US")
    if address is not None:
        assert encode(address, "sha256_hex") == FORMATTER.process_email_address(email, Encoding.HEX)
    assert number is not None
    assert encode(number, "sha256_hex") == FORMATTER.process_phone_number(phone, Encoding.HEX)
    given_name, family_name = lowered_name(first), lowered_name(last)
    assert given_name is not None
    assert family_name is not None
    assert encode(given_name, "sha256_hex") == FORMATTER.process_given_name(first, Encoding.HEX)
    assert encode(family_name, "sha256_hex") == FORMATTER.process_family_name(last, Encoding.HEX)
    assert trimmed_postal_code(code, "US") == FORMATTER.process_postal_code(code)
    assert normalise_region("us") == FORMATTER.process_region_code("us")


def test_a_national_number_is_read_before_it_gets_its_plus() -> None:
    """Google's library would only put the plus in front: its trap is not ours."""
    assert FORMATTER.format_phone_number("07911 123456") == "+07911123456"
    assert phone_e164().normalise("07911 123456", "GB") == "+447911123456"


# --- signing in ----------------------------------------------------------------------------------------------


def test_an_assertion_is_the_one_that_google_auth_signs() -> None:
    """The same claims, algorithm and key id for the same key; only the moment differs."""
    info = key_file("https://oauth2.googleapis.com/token")
    theirs = service_account.Credentials.from_service_account_info(info, scopes=[SCOPE])
    official = theirs._make_authorization_grant_assertion().decode()
    ours = key_of(SecretStr(json.dumps(info))).assertion(unverified(official)["iat"] + 0.7)
    assert unverified(ours) == unverified(official)
    assert jwt.get_unverified_header(ours) == jwt.get_unverified_header(official)
    public = load_pem_private_key(info["private_key"].encode(), None).public_key()
    pem = public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    assert google_jwt.decode(ours, certs=pem, audience=info["token_uri"])["iss"] == info["client_email"]


def unverified(token: str) -> dict[str, Any]:
    """The claims."""
    return dict(jwt.decode(token, options={"verify_signature": False}))
