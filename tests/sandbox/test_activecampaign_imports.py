"""ActiveCampaign's bulk imports as the sandbox plays them: refused as a whole, done later, read back."""

from __future__ import annotations

import re

import pytest

from connectors.sandbox import SandboxServer
from connectors.sandbox.accounts import SANDBOX_ACTIVECAMPAIGN_KEY
from tests.sandbox.activecampaign_caller import ActiveCampaignCaller, message

UUID = r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"


@pytest.fixture
def campaign(sandbox: SandboxServer) -> ActiveCampaignCaller:
    return ActiveCampaignCaller(sandbox, "activecampaign", {"Api-Token": SANDBOX_ACTIVECAMPAIGN_KEY})


def test_an_import_is_done_later(campaign: ActiveCampaignCaller) -> None:
    """Queued, then completed with the contacts' ids; tags by name are made where they are missing."""
    campaign.switch(email_processing_seconds=60)
    ada = campaign.contact("ada@example.com")
    answer = campaign.bulk(
        {"email": "Ada@example.com", "first_name": "Ada", "tags": ["aud:vip"]},
        {"email": "bob@example.com", "tags": ["AUD:VIP"]},
        callback={"url": "https://example.com/cb", "requestType": "POST", "detailed_results": "true"},
    )
    content = answer.json()
    assert answer.status_code == 200
    assert re.fullmatch(UUID, content.pop("batchId"))
    assert content == {"Success": 1, "queued_contacts": 2, "message": "Contact import queued"}
    batch = answer.json()["batchId"]
    assert campaign.info(batch) == {"status": "waiting", "success": [], "failure": []}
    assert campaign.call("GET", "/import/bulk_import").json()["outstanding"] == [{"batchId": batch}]
    campaign.sandbox.advance_clock(61)
    done = campaign.info(batch)
    assert (done["status"], done["success"][0], len(done["success"]), done["failure"]) == (
        "completed",
        ada,
        2,
        [],
    )
    assert campaign.call("GET", "/import/bulk_import").json()["recentlyCompleted"] == [{"batchId": batch}]
    (tag,) = campaign.call("GET", "/tags").json()["tags"]
    assert (tag["tag"], campaign.members(tag["id"])) == ("aud:vip", ["ada@example.com", "bob@example.com"])
    assert campaign.widened() == []


def test_one_wrong_contact_refuses_all(campaign: ActiveCampaignCaller) -> None:
    """Each is named by its position, with a reason that repeats no value."""
    answer = campaign.bulk(
        {"email": "ada@example.com"},
        {"email": "nobody"},
        {"email": "bob@example.com", "fields": [{"id": 7, "value": "x"}]},
        {"email": "eve@example.com", "firstName": "Eve"},
        {"email": "fay@example.com", "subscribe": [{"listid": "77"}]},
    )
    content = answer.json()
    assert (answer.status_code, content["success"]) == (400, 0)
    assert [reason["contact"] for reason in content["failureReasons"]] == [1, 2, 3, 4]
    assert ("nobody" in answer.text, "Eve" in answer.text, campaign.people()) == (False, False, {})


def test_imports_have_limits(campaign: ActiveCampaignCaller) -> None:
    """250 contacts and 400,000 bytes; a body that cannot be read is refused in the same way."""
    contacts: list[dict[str, object]] = [{"email": f"p{number}@example.com"} for number in range(251)]
    large: dict[str, object] = {"email": "ada@example.com", "first_name": "x" * 400_000}
    for answer in (campaign.bulk(*contacts), campaign.bulk(large), campaign.bulk(), campaign.bulk(more=1)):
        assert (answer.status_code, answer.json()["success"]) == (400, 0)
        assert all(isinstance(reason, str) for reason in answer.json()["failureReasons"])
    assert len(campaign.imported(*contacts[:250])["success"]) == 250


def test_refused_rows(campaign: ActiveCampaignCaller) -> None:
    """A fault names contacts by position, or only counts them; without them the import is taken."""
    ada, eve = {"email": "ada@example.com"}, {"email": "eve@example.com"}
    campaign.fault(effect="reject_rows", holding=["eve@example.com"])
    reasons = campaign.bulk(ada, eve).json()["failureReasons"]
    assert [reason["contact"] for reason in reasons] == [1]
    assert campaign.imported(ada)["status"] == "completed"
    campaign.fault(effect="reject_rows", holding=["eve@example.com"], unnamed=True)
    assert campaign.bulk(eve).json()["failureReasons"] == ["1 not valid"]


def test_what_becomes_of_jobs(campaign: ActiveCampaignCaller) -> None:
    """Failed without having done anything, late, or waiting for ever; an unknown one is a 404."""
    for effect, seconds, status in (
        ("job_fails", 0, "failed"),
        ("job_late", 500, "completed"),
        ("job_never_ends", None, "waiting"),
    ):
        campaign.fault(effect=effect, times=1, **({} if seconds is None else {"seconds": seconds}))
        batch = campaign.bulk({"email": f"{effect}@example.com"}).json()["batchId"]
        campaign.sandbox.advance_clock(1_000)
        assert campaign.info(batch)["status"] == status
    assert set(campaign.people()) == {"job_late@example.com"}
    for batch in ("77", "00000000-0000-4000-8000-000000000000"):
        assert message(campaign.call("GET", "/import/info", params={"batchId": batch}))[0] == 404


def test_excluded_addresses_fail(campaign: ActiveCampaignCaller) -> None:
    """By their address, within a completed import; the others are written."""
    campaign.sandbox.state.email.suppress("activecampaign", "ada@example.com", "excluded")
    done = campaign.imported({"email": "Ada@example.com"}, {"email": "bob@example.com"})
    assert (done["status"], done["failure"], len(done["success"])) == ("completed", ["Ada@example.com"], 1)


def test_imports_bring_nobody_back(campaign: ActiveCampaignCaller) -> None:
    """Subscribing takes in whoever is new, not whoever left; unsubscribing lets go."""
    newsletter = campaign.newsletter()
    left = campaign.put("left@example.com", "unsubscribed")
    subscribe = {"subscribe": [{"listid": newsletter}]}
    campaign.bulk_with_consent(
        {"email": "ada@example.com", **subscribe}, {"email": "left@example.com", **subscribe}
    )
    assert campaign.members(newsletter) == ["ada@example.com"]
    assert (campaign.consent(left), campaign.status(left)) == ("unsubscribed", {newsletter: "2"})
    assert {change.person for change in campaign.widened()} == {campaign.people()["ada@example.com"].id}
    campaign.bulk_with_consent({"email": "ada@example.com", "unsubscribe": [{"listid": int(newsletter)}]})
    campaign.bulk_with_consent({"email": "ada@example.com", **subscribe})
    assert campaign.members(newsletter) == []
