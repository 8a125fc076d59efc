"""Meta refuses what its documents forbid, with its own codes."""

from __future__ import annotations

import hashlib
import hmac

import pytest
import requests

from connectors.sandbox import (
    SANDBOX_META_AD_ACCOUNT,
    SANDBOX_META_APP_SECRET,
    SANDBOX_META_TOKEN,
    SandboxServer,
)
from connectors.sandbox.meta.audiences import MAX_AUDIENCES
from tests.sandbox.conftest import MetaCaller, graph_error, sha256

ACCOUNT = SANDBOX_META_AD_ACCOUNT
MARY = sha256("mary@example.com")


@pytest.mark.parametrize("version", ["v24.0", "v27.0", "v26", "26.0"])
def test_only_versions_in_force_are_served(meta: MetaCaller, version: str) -> None:
    """A retired, future or malformed version is answered with code 2635."""
    meta.version = version
    assert graph_error(meta.call("GET", "me")) == (2635, None)


def test_unversioned_calls_fail(sandbox: SandboxServer) -> None:
    """Marketing calls without a version fail."""
    answer = requests.get(f"{sandbox.meta_url}/{ACCOUNT}/customaudiences", timeout=5)
    assert graph_error(answer) == (2635, None)


@pytest.mark.parametrize(
    ("header", "code"),
    [(None, (104, None)), ("Bearer wrong", (190, None)), ("Basic abc", (104, None))],
)
def test_a_token_is_needed(meta: MetaCaller, header: str | None, code: tuple[int, None]) -> None:
    """A call without a token, or with a wrong one, is refused before anything else is looked at."""
    meta.session.headers.pop("Authorization")
    if header:
        meta.session.headers["Authorization"] = header
    assert graph_error(meta.call("POST", f"{ACCOUNT}/customaudiences", json={})) == code


def test_the_token_may_be_a_parameter(meta: MetaCaller) -> None:
    """`access_token` in the query works as the header does."""
    meta.session.headers.pop("Authorization")
    assert meta.call("GET", "me", params={"access_token": SANDBOX_META_TOKEN}).status_code == 200


def test_an_expired_token_says_so(sandbox: SandboxServer, meta: MetaCaller) -> None:
    """Expiry is code 190 with subcode 463."""
    sandbox.state.set_switches(meta_token_expired=True)
    assert graph_error(meta.call("GET", "me")) == (190, 463)


def test_the_proof_of_the_app_secret_is_checked(sandbox: SandboxServer, meta: MetaCaller) -> None:
    """A wrong proof is always refused, a missing one where the app demands it, the timed form is understood."""
    assert graph_error(meta.call("GET", "me", params={"appsecret_proof": "0" * 64}))[0] == 100
    sandbox.state.set_switches(meta_appsecret_required=True)
    assert "appsecret_proof" in meta.call("GET", "me").json()["error"]["message"]
    for message, extra in ((SANDBOX_META_TOKEN, {}), (f"{SANDBOX_META_TOKEN}|17", {"appsecret_time": "17"})):
        proof = hmac.new(SANDBOX_META_APP_SECRET.encode(), message.encode(), hashlib.sha256).hexdigest()
        assert meta.call("GET", "me", params={"appsecret_proof": proof, **extra}).status_code == 200


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"name": None}, "name"),
        ({"subtype": None}, "subtype"),
        ({"subtype": "LOOKALIKE"}, "subtype"),
        ({"customer_file_source": None}, "customer_file_source"),
        ({"customer_file_source": "CRM"}, "customer_file_source"),
        ({"retention_days": 181}, "retention_days"),
        ({"retention_days": 0}, "retention_days"),
        ({"nmae": "x"}, "nmae"),
    ],
)
def test_creating_needs_the_right_fields(meta: MetaCaller, change: dict[str, object], named: str) -> None:
    """A missing, wrong or unknown field is code 100 with the field's name."""
    wish = {"name": "A", "subtype": "CUSTOM", "customer_file_source": "USER_PROVIDED_ONLY", **change}
    body = {name: value for name, value in wish.items() if value is not None}
    answer = meta.call("POST", f"{ACCOUNT}/customaudiences", json=body)
    assert graph_error(answer) == (100, None)
    assert named in answer.json()["error"]["message"]


def test_the_account_holds_500_audiences(sandbox: SandboxServer, meta: MetaCaller) -> None:
    """The 501st customer-file audience is refused, and a deleted one makes room."""
    ids = [meta.audience(f"Audience {number}") for number in range(MAX_AUDIENCES)]
    wish = {"name": "One more", "subtype": "CUSTOM", "customer_file_source": "USER_PROVIDED_ONLY"}
    assert graph_error(meta.call("POST", f"{ACCOUNT}/customaudiences", json=wish))[0] == 2654
    meta.call("DELETE", ids[0])
    assert meta.audience("One more") not in ids


@pytest.mark.parametrize(
    ("schema", "rows"),
    [
        (("EMAIL", "PHONE"), [[MARY]]),
        (("EMAIL",), [[MARY, ""]]),
        (("EMAIL",), []),
        (("EMAIL",), [MARY]),
        (("EMAIL",), [[None]]),
        (("EMAIL",), [[5]]),
        (("E_MAIL",), [[MARY]]),
        (("EMAIL", "EMAIL"), [[MARY, MARY]]),
        ("EMAIL", [MARY]),
        ((), [[]]),
        (("UID",), [["1"]]),
        (("EMAIL",), [[MARY]] * 10_001),
    ],
    ids=[
        "row too narrow", "row too wide", "no rows", "row not a list", "null cell", "number cell", "unknown key",
        "repeated key", "list key as text", "no keys", "UID without app", "more than 10,000 rows",
    ],
)  # fmt: skip
def test_a_malformed_upload_is_refused_whole(
    sandbox: SandboxServer, meta: MetaCaller, schema: object, rows: list[object]
) -> None:
    """Wrong shape is code 100 and nobody is added, not even by the good rows."""
    audience = meta.audience()
    assert graph_error(meta.users(audience, rows, schema)) == (100, None)
    assert sandbox.state.meta_members(audience) == []


@pytest.mark.parametrize(
    ("schema", "cell", "valid"),
    [
        ("EMAIL", MARY, True),
        ("EMAIL", MARY.upper(), False),
        ("EMAIL", "mary@example.com", False),
        ("EMAIL", MARY[:-1], False),
        ("COUNTRY", "us", False),
        ("MADID", "38400000-8cf0-11bd-b23e-10b96e40000d", True),
        ("MADID", "38400000-8CF0-11BD-B23E-10B96E40000D", False),
        ("MADID", sha256("38400000-8cf0-11bd-b23e-10b96e40000d"), False),
        ("EXTERN_ID", "crm-000123", True),
        ("EXTERN_ID", "", False),
    ],
)
def test_badly_hashed_rows_are_counted_not_refused(
    sandbox: SandboxServer, meta: MetaCaller, schema: str, cell: str, valid: bool
) -> None:
    """Each row's form is judged alone: bad ones are counted and sampled, good ones of the same call are added."""
    audience = meta.audience()
    answer = meta.users(audience, [[cell, ""], ["", sha256("15559876543")]], (schema, "PHONE"))
    assert answer.status_code == 200
    content = answer.json()
    assert content["num_received"] == 2
    assert content["num_invalid_entries"] == len(content["invalid_entry_samples"]) == (0 if valid else 1)
    assert len(sandbox.state.meta_members(audience)) == (2 if valid else 1)


def test_a_body_counts_only_with_its_content_type(meta: MetaCaller) -> None:
    """JSON sent as plain text carries no parameters, so the payload is missing."""
    answer = meta.call(
        "POST", f"{meta.audience()}/users", data='{"payload": {}}', headers={"Content-Type": "text/plain"}
    )
    assert graph_error(answer) == (100, None)
    assert "payload is required" in answer.json()["error"]["message"]


@pytest.mark.parametrize(
    ("method", "path", "code"),
    [
        ("GET", "999", (100, 33)),
        ("POST", "999/users", (100, None)),
        ("GET", "act_5/customaudiences", (100, 33)),
        ("GET", f"{ACCOUNT}/campaigns", (100, None)),
        ("PUT", f"{ACCOUNT}/customaudiences", (100, 33)),
        ("POST", f"{ACCOUNT}/nothing", (2500, None)),
        ("GET", "a/b/c", (2500, None)),
        ("GET", f"{ACCOUNT}?fields=nothing", (100, None)),
    ],
)
def test_what_does_not_exist_is_said_so(
    meta: MetaCaller, method: str, path: str, code: tuple[int, int | None]
) -> None:
    """Unknown objects, edges, fields and methods each have their code."""
    assert graph_error(meta.call(method, path)) == code


def test_terms_must_be_accepted(sandbox: SandboxServer, meta: MetaCaller) -> None:
    """Without accepted terms nothing can be created or uploaded, and the account says so."""
    audience = meta.audience()
    sandbox.state.set_switches(meta_terms_accepted=False)
    assert graph_error(meta.users(audience, [[MARY]])) == (200, 1870090)
    tos = meta.call("GET", ACCOUNT, params={"fields": "tos_accepted"}).json()["tos_accepted"]
    assert tos["custom_audience_tos"] == 0
    assert meta.call("GET", f"{ACCOUNT}/customaudiencestos").json() == {"data": []}


@pytest.mark.parametrize("name", ["Diabetes newsletter", "High income households", "Low credit score"])
def test_a_telling_name_flags_the_audience(meta: MetaCaller, name: str) -> None:
    """A name that hints at health or money makes the audience status 471, and every edit fails."""
    audience = meta.audience(name)
    assert meta.status(audience) == 471
    assert graph_error(meta.users(audience, [[MARY]])) == (100, 1713230)
    meta.call("POST", audience, json={"name": "Group 7"})
    assert meta.users(audience, [[MARY]]).status_code == 200


def test_a_deleted_audience_is_gone(sandbox: SandboxServer, meta: MetaCaller) -> None:
    """Reads and edits of a deleted audience are 100/33, whoever deleted it."""
    audience = meta.audience()
    sandbox.state.delete_audience("meta", audience)
    assert graph_error(meta.call("GET", audience)) == (100, 33)
    assert graph_error(meta.users(audience, [[MARY]])) == (100, 33)
    assert audience not in [a.id for a in sandbox.state.audiences()]
