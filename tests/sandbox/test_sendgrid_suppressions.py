"""Who gets nothing from the sandboxed SendGrid: what a sync leaves as it is, and the calls that do not."""

from __future__ import annotations

from urllib.parse import quote

import pytest

from connectors.sandbox import SandboxServer
from tests.sandbox.sendgrid_caller import SendGridCaller, sendgrid_caller


@pytest.fixture
def sendgrid(sandbox: SandboxServer) -> SendGridCaller:
    return sendgrid_caller(sandbox)


def test_a_sync_ends_no_suppression(sendgrid: SendGridCaller) -> None:
    """Who left stays away, in the list or out of it, also when they are made anew."""
    vip, ada = sendgrid.new_list(), sendgrid.put("ada@example.com", "unsubscribed")
    sendgrid.sandbox.state.email.suppress("sendgrid", "bob@example.com", "unsubscribes")
    sendgrid.job(sendgrid.upsert({"email": "ada@example.com"}, {"email": "bob@example.com"}, lists=(vip,)))
    sendgrid.job(sendgrid.remove(vip, ada))
    assert sendgrid.consent(sendgrid.people()["bob@example.com"].id) == "unsubscribed"
    listed = sendgrid.call("GET", "/v3/suppression/unsubscribes").json()
    assert {one["email"] for one in listed} == {"ada@example.com", "bob@example.com"}
    paged = sendgrid.call("GET", "/v3/suppression/unsubscribes", params={"limit": "1", "offset": "1"}).json()
    assert paged == listed[1:]
    assert sendgrid.call("GET", "/v3/suppression/unsubscribes", params={"limit": "501"}).status_code == 400
    one = sendgrid.call("GET", f"/v3/asm/suppressions/global/{quote('ada@example.com')}").json()
    assert (one, sendgrid.widened()) == ({"recipient_email": "ada@example.com"}, [])


def test_lifting_suppressions_is_seen(sendgrid: SendGridCaller) -> None:
    """The dangerous calls: each lets somebody be written to again, and shows as a consent that got wider."""
    ada = sendgrid.put("ada@example.com")
    path = "/v3/asm/suppressions/global"
    sendgrid.call("POST", path, json={"recipient_emails": ["Ada@example.com"]})
    assert (sendgrid.consent(ada), sendgrid.widened()) == ("unsubscribed", [])
    assert sendgrid.call("DELETE", f"{path}/ada@example.com").status_code == 204
    assert sendgrid.consent(ada) == "unknown"
    assert sendgrid.session.get(sendgrid.sandbox.url_of("sendgrid") + f"{path}/ada@example.com").json() == {}
    for kind in ("bounces", "blocks", "invalid_emails", "spam_reports"):
        before = len(sendgrid.widened())
        for email in ("ada@example.com", "stranger@example.com"):
            sendgrid.sandbox.state.email.suppress("sendgrid", email, kind)
        assert len(sendgrid.call("GET", f"/v3/suppression/{kind}").json()) == 2
        assert len(sendgrid.call("GET", f"/v3/suppression/{kind}/ada@example.com").json()) == 1
        sendgrid.call("DELETE", f"/v3/suppression/{kind}/ada@example.com")
        sendgrid.call("DELETE", f"/v3/suppression/{kind}", json={"delete_all": True})
        assert sendgrid.call("GET", f"/v3/suppression/{kind}").json() == []
        assert len(sendgrid.widened()) == before + 2
    group = "/v3/asm/groups/101/suppressions"
    sendgrid.call("POST", group, json={"recipient_emails": ["ada@example.com"]})
    assert sendgrid.call("GET", group).json() == ["ada@example.com"]
    assert sendgrid.call("GET", "/v3/asm/groups").json()[0]["unsubscribes"] == 1
    sendgrid.call("DELETE", f"{group}/ada@example.com")
    assert sendgrid.widened()[-1].channel == "group:101"
    sendgrid.call("POST", "/v3/asm/groups/7/suppressions", json={"recipient_emails": ["ada@example.com"]})
    assert sendgrid.consent(ada) == "unsubscribed"
