"""Meta's official SDK works against the sandbox unchanged: an oracle that none of us wrote."""

from __future__ import annotations

import hashlib

import pytest

from connectors.sandbox import (
    SANDBOX_META_AD_ACCOUNT,
    SANDBOX_META_APP_SECRET,
    SANDBOX_META_TOKEN,
    SandboxServer,
)

facebook = pytest.importorskip("facebook_business.api", reason="the official SDK is not installed")
from facebook_business.adobjects.adaccount import AdAccount  # noqa: E402
from facebook_business.adobjects.customaudience import CustomAudience  # noqa: E402
from facebook_business.exceptions import FacebookRequestError  # noqa: E402
from facebook_business.session import FacebookSession  # noqa: E402


@pytest.fixture
def account(sandbox: SandboxServer) -> AdAccount:
    """The ad account through the SDK; only the address of the Graph API is another."""
    session = FacebookSession(app_secret=SANDBOX_META_APP_SECRET, access_token=SANDBOX_META_TOKEN)
    session.GRAPH = sandbox.meta_url
    return AdAccount(SANDBOX_META_AD_ACCOUNT, api=facebook.FacebookAdsApi(session))


@pytest.fixture
def audience(account: AdAccount) -> CustomAudience:
    return account.create_custom_audience(
        params={"name": "VIP", "subtype": "CUSTOM", "customer_file_source": "USER_PROVIDED_ONLY"}
    )


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def test_users_come_and_go_by_single_key(sandbox: SandboxServer, audience: CustomAudience) -> None:
    """add_users and remove_users with raw addresses, which the SDK hashes."""
    answer = audience.add_users(
        CustomAudience.Schema.email_hash, ["  Mary@Example.com", "joe@example.com"]
    ).json()
    assert (answer["num_received"], answer["num_invalid_entries"]) == (2, 0)
    audience.remove_users(CustomAudience.Schema.email_hash, ["joe@example.com"])
    assert sandbox.state.meta_members(audience["id"]) == [{"EMAIL": digest("mary@example.com")}]


def test_users_come_and_go_by_several_keys(sandbox: SandboxServer, audience: CustomAudience) -> None:
    """A multi-key upload with a session, normalised and hashed by the SDK, is taken whole and removed by one key."""
    keys = CustomAudience.Schema.MultiKeySchema
    schema = [keys.extern_id, keys.email, keys.phone, keys.fn, keys.country]
    rows = [["crm-1", "mary@example.com", "+1 (555) 987-6543", "Anne-Marie", "US"]]
    session = {"session_id": 12, "batch_seq": 1, "last_batch_flag": True, "estimated_num_total": 1}
    answer = audience.add_users(schema, rows, is_raw=True, session=session).json()
    assert (answer["session_id"], answer["num_invalid_entries"]) == ("12", 0)
    (member,) = sandbox.state.meta_members(audience["id"])
    assert member["PHONE"] == "1ef970831d7963307784fa8688e8fce101a15685d62aa765fed23f3a2c576a4e"
    assert member["EXTERN_ID"] == "crm-1"
    (upload,) = audience.get_sessions(fields=["session_id", "num_received"])
    assert (upload["session_id"], upload["num_received"]) == ("12", "1")
    audience.remove_users([keys.email], [["mary@example.com"]], is_raw=True)
    assert sandbox.state.meta_members(audience["id"]) == []


def test_what_was_made_is_read_back(account: AdAccount, audience: CustomAudience) -> None:
    """Fields of one audience, the account's list with paging, and deletion."""
    read = CustomAudience(audience["id"], api=account.get_api()).api_get(fields=["name", "operation_status"])
    assert (read["name"], read["operation_status"]["code"]) == ("VIP", 410)
    for number in range(4):
        account.create_custom_audience(
            params={"name": f"A{number}", "subtype": "CUSTOM", "customer_file_source": "USER_PROVIDED_ONLY"}
        )
    assert len(list(account.get_custom_audiences(fields=["name"], params={"limit": 2}))) == 5
    audience.api_delete()
    assert len(list(account.get_custom_audiences())) == 4


def test_replacement_and_opt_out(
    sandbox: SandboxServer, account: AdAccount, audience: CustomAudience
) -> None:
    """usersreplace and usersofanyaudience through the SDK."""
    audience.add_users(CustomAudience.Schema.email_hash, ["old@example.com"])
    payload = {"schema": "EMAIL_SHA256", "data": [digest("new@example.com"), digest("out@example.com")]}
    session = {"session_id": 3, "batch_seq": 1, "last_batch_flag": True}
    audience.create_users_replace(params={"payload": payload, "session": session})
    assert sandbox.state.audience("meta", audience["id"]).size == 2
    opt_out = {"schema": "EMAIL_SHA256", "data": [digest("out@example.com")]}
    account.delete_users_of_any_audience(params={"payload": opt_out})
    assert sandbox.state.meta_members(audience["id"]) == [{"EMAIL": digest("new@example.com")}]


def test_refusals_are_understood(sandbox: SandboxServer, audience: CustomAudience) -> None:
    """The SDK reads code, subcode and message from the sandbox's error body."""
    sandbox.state.flag_audience(audience["id"])
    with pytest.raises(FacebookRequestError) as caught:
        audience.add_users(CustomAudience.Schema.email_hash, ["a@example.com"])
    assert (caught.value.api_error_code(), caught.value.api_error_subcode()) == (100, 1713230)
