"""What goes to Microsoft Advertising, against Microsoft's own Python SDK: both speak to the same scripted server."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from connectors.base import Audience, AudienceGone, AudienceRequest
from connectors.microsoft import MicrosoftConnector, MicrosoftOptions
from connectors.testing import FastTime
from tests.connectors.oauth_account import TOKEN_PATH, asked, batch, signed_in, table
from tests.connectors.server import Reply, Scripted, Seen

pytestmark = pytest.mark.filterwarnings("ignore:`__get_validators__` is deprecated")

BASE = "/CampaignManagement/v13"
LIST = Audience("8002468", "Lapsed")
ANSWERS = {
    "/CustomerListUserData/Apply": {"PartialErrors": []},
    "/Audiences": {"AudienceIds": ["8002468"], "PartialErrors": []},
    "/Audiences/QueryByIds": {"Audiences": [], "PartialErrors": []},
}


@pytest.fixture
def ours(server: Scripted, time: FastTime, tmp_path: Path) -> Any:
    """A connector for the account."""

    def script(seen: Seen) -> Reply:
        if seen.path == TOKEN_PATH:
            return Reply(body={"access_token": "access-1", "expires_in": 3600})
        return Reply(body=ANSWERS[seen.path.removeprefix(BASE)])

    server.script = script
    account = {"customer_account_id": "180012345", "customer_id": "250012345", "developer_token": "dev-1"}
    account |= {"base_url": server.url + BASE, "accept_customer_match_terms": "true"}
    return signed_in(MicrosoftConnector, server, time, tmp_path, **account)


@pytest.fixture
def theirs(server: Scripted) -> Any:
    """The SDK's client for the same account; it takes seconds to import."""
    from openapi_client.api.campaign_management_service_api import CampaignManagementServiceApi
    from openapi_client.api_client import ApiClient
    from openapi_client.configuration import Configuration

    keys = {"DeveloperToken": "dev-1", "CustomerAccountId": "180012345", "CustomerId": "250012345"}
    return CampaignManagementServiceApi(ApiClient(Configuration(host=server.url, api_key=keys)))


def without_nulls(value: Any) -> Any:
    """The SDK also writes what is not set."""
    if isinstance(value, dict):
        return {key: without_nulls(item) for key, item in value.items() if item is not None}
    return [without_nulls(item) for item in value] if isinstance(value, list) else value


def test_applying_items_is_what_the_sdk_sends(server: Scripted, ours: Any, theirs: Any) -> None:
    """Method, path, body, and the headers of developer and account, for adding and removing."""
    rows = table(Email=["a" * 64, "b" * 64])
    ours.add(LIST, rows, batch("add", 2))
    ours.remove(LIST, rows, batch("remove", 2))
    for seen in asked(server):
        check(server, seen, theirs.apply_customer_list_user_data, "apply_customer_list_user_data_request")


def test_creating_and_finding_lists_is_what_the_sdk_sends(server: Scripted, ours: Any, theirs: Any) -> None:
    """Listing, creating and asking for one by its id."""
    request = AudienceRequest("Lapsed", "turnout:lapsed", None)
    ours.open_audience(request, MicrosoftOptions(retention_days=30))
    with pytest.raises(AudienceGone):
        ours.open_audience(AudienceRequest("Lapsed", "turnout:lapsed", "8002468"), MicrosoftOptions())
    listed, created, one = asked(server)
    check(server, listed, theirs.get_audiences_by_ids, "get_audiences_by_ids_request")
    check(server, created, theirs.add_audiences, "add_audiences_request")
    check(server, one, theirs.get_audiences_by_ids, "get_audiences_by_ids_request")


def check(server: Scripted, seen: Seen, send: Callable[..., Any], model: str) -> None:
    """Our request's body, read by the SDK's model and sent by its client, is our request."""
    module = importlib.import_module(f"openapi_client.models.campaign.{model}")
    kind = getattr(module, model.title().replace("_", ""))
    send(kind.from_dict(seen.json))
    sdk = server.seen[-1]
    assert (sdk.method, sdk.path) == (seen.method, seen.path)
    assert without_nulls(sdk.json) == seen.json
    for header in ("DeveloperToken", "CustomerAccountId", "Content-Type"):
        assert sdk.headers[header] == seen.headers[header]
