"""What platforms say of an audience's size becomes a range, or nothing where they say nothing usable."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from connectors.base import Audience, AudienceGone, AudienceRequest, Reported, SyncOptions
from connectors.file import FileConnector, FileSettings
from connectors.mailchimp import MailchimpConnector
from connectors.mailchimp.settings import MailchimpSettings
from connectors.meta import MetaConnector
from connectors.meta.settings import MetaSettings
from tests.connectors.server import Reply, Scripted

AUDIENCE = Audience("7", "Buyers")
NORMAL = {"code": 200, "description": "Normal"}


@pytest.mark.parametrize(
    ("body", "reported"),
    [
        (
            {
                "approximate_count_lower_bound": 1000,
                "approximate_count_upper_bound": 1200,
                "operation_status": NORMAL,
                "delivery_status": NORMAL,
                "time_content_updated": 1_514_764_800,
            },
            Reported(1000, 1200, "", datetime(2018, 1, 1, tzinfo=UTC)),
        ),
        (
            {
                "approximate_count_lower_bound": -1,
                "approximate_count_upper_bound": -1,
                "delivery_status": {"code": 300, "description": "This audience is too small."},
            },
            Reported(None, None, "300 This audience is too small."),
        ),
        ({"id": "7"}, Reported(None, None)),
        (
            {"approximate_count_lower_bound": "many", "approximate_count_upper_bound": True},
            Reported(None, None),
        ),
        ({"operation_status": {"code": 441, "description": "mail a@example.com"}}, None),
    ],
)
def test_meta(server: Scripted, body: dict[str, object], reported: Reported | None) -> None:
    """Two bounds, -1 for none; both states with code and words, in which nobody's address is repeated."""
    server.answers(Reply(body=body))
    settings = MetaSettings(token="tok-of-the-test", ad_account="12", base_url=server.url)  # type: ignore[arg-type]
    found = MetaConnector("meta", settings).read_back(AUDIENCE)
    assert reported is None or found == reported
    assert "a@example.com" not in found.status
    [asked] = server.seen
    assert asked.method == "GET"
    assert "approximate_count_lower_bound" in asked.path


@pytest.mark.parametrize(
    ("body", "reported"),
    [
        ({"id": 7, "member_count": 59}, Reported(59, 59)),
        ({"id": 7}, Reported(None, None)),
        ({"id": 7, "member_count": "59"}, Reported(None, None)),
    ],
)
def test_mailchimp(server: Scripted, body: dict[str, object], reported: Reported) -> None:
    """One count of all who have the tag, whatever their subscription."""
    server.answers(Reply(body=body))
    settings = MailchimpSettings(  # type: ignore[call-arg]
        api_key="0123456789abcdef0123456789abcdef-us1",
        list_id="abc123def4",
        base_url=server.url,  # type: ignore[arg-type]
    )
    assert MailchimpConnector("mail", settings).read_back(AUDIENCE) == reported
    [asked] = server.seen
    assert "include_unsubscribed=true" in asked.path


def test_file(tmp_path: Path) -> None:
    """The lines of the member file; a folder that is gone is an audience that is gone."""
    connector = FileConnector("files", FileSettings(folder=tmp_path))  # type: ignore[call-arg]
    audience = connector.open_audience(AudienceRequest("Buyers", "turnout:buyers", None), SyncOptions())
    assert connector.read_back(audience) == Reported(0, 0)
    (tmp_path / audience.id / "members.jsonl").write_text("{}\n{}\n")
    assert connector.read_back(audience) == Reported(2, 2)
    (tmp_path / audience.id / "members.jsonl").unlink()
    with pytest.raises(AudienceGone):
        connector.read_back(audience)
