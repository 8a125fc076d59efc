"""The JSON documents that the Marketing API answers with."""

from __future__ import annotations

import sqlite3

import orjson

from connectors.sandbox.mailchimp import segments
from connectors.sandbox.mailchimp.addresses import unique_email_id
from connectors.sandbox.mailchimp.contacts import Contact
from connectors.sandbox.mailchimp.merge_fields import MergeField
from connectors.sandbox.mailchimp.requests import InclusionQuery
from connectors.sandbox.mailchimp.segments import Segment
from connectors.sandbox.wire import Json


def member(db: sqlite3.Connection, contact: Contact) -> dict[str, Json]:
    """A list member with everything the reference names."""
    tags = segments.of_contact(db, contact.list_id, contact.hash)
    merge_fields = orjson.loads(contact.merge_fields)
    names = [str(merge_fields.get(tag, "")).strip() for tag in ("FNAME", "LNAME")]
    return {
        **segment_member(contact),
        "contact_id": contact.contact_id,
        "full_name": " ".join(name for name in names if name),
        "web_id": contact.web_id,
        "consents_to_one_to_one_messaging": contact.status == "subscribed",
        "marketing_permissions": orjson.loads(contact.marketing_permissions),
        "source": contact.source,
        "tags_count": len(tags),
        "tags": [{"id": tag.id, "name": tag.name} for tag, _ in tags],
    }


def segment_member(contact: Contact) -> dict[str, Json]:
    """The shorter form used inside segments."""
    document: dict[str, Json] = {
        "id": contact.hash,
        "email_address": contact.email,
        "unique_email_id": unique_email_id(contact.hash),
        "email_type": contact.email_type,
        "status": contact.status,
        "merge_fields": orjson.loads(contact.merge_fields),
        "interests": orjson.loads(contact.interests),
        "stats": {"avg_open_rate": 0, "avg_click_rate": 0},
        "ip_signup": contact.ip_signup,
        "ip_opt": contact.ip_opt,
        "member_rating": 2,
        "last_changed": contact.last_changed,
        "language": contact.language,
        "vip": bool(contact.vip),
        "email_client": "",
        "location": {
            "latitude": contact.latitude,
            "longitude": contact.longitude,
            "gmtoff": 0,
            "dstoff": 0,
            "country_code": "",
            "timezone": "",
        },
        "list_id": contact.list_id,
    }
    # Times that never came are left out: an empty text is not a date.
    for name in ("timestamp_signup", "timestamp_opt"):
        moment = getattr(contact, name)
        if moment:
            document[name] = moment
    return document


def segment(db: sqlite3.Connection, record: Segment, wish: InclusionQuery) -> dict[str, Json]:
    """A segment; ``member_count`` counts who a read with these flags would show."""
    document: dict[str, Json] = {
        "id": record.id,
        "name": record.name,
        "member_count": segments.visible_count(db, record, wish),
        "type": record.type,
        "created_at": record.created_at,
        "updated_at": record.updated_at,
        "list_id": record.list_id,
    }
    if record.options is not None:
        document["options"] = orjson.loads(record.options)
    return document


def merge_field(field: MergeField) -> dict[str, Json]:
    """A merge field."""
    return {
        "merge_id": field.merge_id,
        "tag": field.tag,
        "name": field.name,
        "type": field.type,
        "required": bool(field.required),
        "default_value": field.default_value,
        "public": bool(field.public),
        "display_order": field.display_order,
        "options": orjson.loads(field.options),
        "help_text": field.help_text,
        "list_id": field.list_id,
    }


def audience_list(db: sqlite3.Connection, row: sqlite3.Row, *, total_contacts: bool) -> dict[str, Json]:
    """A list, which Mailchimp's pages call an audience."""
    counts = dict(
        db.execute(
            "select status, count(*) from mailchimp_contacts where list_id = ? group by status", (row["id"],)
        ).fetchall()
    )
    (field_count,) = db.execute(
        "select count(*) from mailchimp_merge_fields where list_id = ?", (row["id"],)
    ).fetchone()
    stats: dict[str, Json] = {
        "member_count": counts.get("subscribed", 0),
        "unsubscribe_count": counts.get("unsubscribed", 0),
        "cleaned_count": counts.get("cleaned", 0),
        "merge_field_count": field_count,
    }
    if total_contacts:
        stats["total_contacts"] = sum(count for status, count in counts.items() if status != "archived")
    return {
        "id": row["id"],
        "web_id": row["web_id"],
        "name": row["name"],
        "contact": {
            "company": "Sandbox",
            "address1": "",
            "city": "",
            "state": "",
            "zip": "",
            "country": "US",
        },
        "permission_reminder": "You signed up in our shop.",
        "use_archive_bar": False,
        "campaign_defaults": {
            "from_name": "Sandbox",
            "from_email": "sandbox@example.com",
            "subject": "",
            "language": "en",
        },
        "notify_on_subscribe": "",
        "notify_on_unsubscribe": "",
        "date_created": row["created_at"],
        "list_rating": 0,
        "email_type_option": False,
        "visibility": "prv",
        "double_optin": False,
        "has_welcome": False,
        "marketing_permissions": False,
        "modules": [],
        "stats": stats,
    }
