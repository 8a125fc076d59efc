"""What goes to Brevo, against Brevo's own Python SDK: both speak to the same scripted server."""

from __future__ import annotations

from datetime import UTC, datetime
from importlib import import_module
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import pytest

from connectors.base import Audience, SyncOptions
from connectors.brevo import BrevoConnector
from connectors.testing import FastTime
from tests.connectors.brevo_account import DONE, KEY, LIST, attributes, by_path, moved, opened, people
from tests.connectors.lapsed import REQUEST, known
from tests.connectors.oauth_account import batch
from tests.connectors.server import Reply, Scripted, Seen

ANN, BOB = "ann@example.com", "bob@example.com"


def answer(seen: Seen) -> Reply:
    """An account with one folder, one list and one contact."""
    path = by_path(seen)
    listed = {"id": 36, "name": "Other", "folderId": 2}
    ann = {"id": 7, "email": ANN, "emailBlacklisted": True, "listIds": [36]}
    replies = {
        ("GET", "/v3/contacts/lists"): Reply(body={"lists": [listed], "count": 1}),
        ("POST", "/v3/contacts/lists"): Reply(201, {"id": 37}),
        ("GET", "/v3/contacts/lists/36"): Reply(body=listed),
        ("GET", "/v3/contacts/folders"): Reply(body={"folders": [], "count": 0}),
        ("POST", "/v3/contacts/folders"): Reply(201, {"id": 2}),
        ("GET", "/v3/contacts/lists/36/contacts"): Reply(body={"contacts": [ann], "count": 1}),
        ("POST", "/v3/contacts/lists/36/contacts/add"): moved(ANN, failure=(BOB,)),
        ("POST", "/v3/contacts/lists/36/contacts/remove"): moved(ANN),
        ("GET", "/v3/contacts"): Reply(body={"contacts": [ann], "count": 1}),
        ("POST", "/v3/contacts"): Reply(201, {"id": 8}),
        ("POST", "/v3/contacts/batch"): DONE,
        ("POST", "/v3/contacts/import"): Reply(202, {"processId": 78}),
        ("GET", "/v3/contacts/attributes"): attributes(("TIER", "normal", "text")),
        ("GET", "/v3/processes/78"): Reply(body={"id": 78, "status": "completed", "name": "IMPORTUSER"}),
    }
    return replies.get((seen.method, path), Reply(body=ann))


class Sdk:
    """The SDK's client for the same account; it takes seconds to import."""

    def __init__(self, server: Scripted) -> None:
        self.server = server
        self.client: Any = import_module("brevo").Brevo(api_key=KEY, base_url=f"{server.url}/v3")
        self.models: Any = import_module("brevo.contacts")

    def repeats(self, seen: Seen) -> Any:
        """The SDK, called for what it has just done, has sent our request."""
        sdk = self.server.seen[-1]
        assert (sdk.method, unquote(by_path(sdk))) == (seen.method, unquote(by_path(seen)))
        assert sorted(parse_qsl(urlsplit(sdk.path).query)) == sorted(parse_qsl(urlsplit(seen.path).query))
        assert sdk.json == seen.json
        assert sdk.headers["api-key"] == seen.headers["api-key"]


@pytest.fixture
def sdk(server: Scripted) -> Sdk:
    """Brevo's own client."""
    server.script = answer
    return Sdk(server)


def test_lists_and_folders_are_found_and_made_as_the_sdk_does(
    server: Scripted, time: FastTime, sdk: Sdk
) -> None:
    """Listing, creating, and one by its id."""
    ours = opened(server, time)
    assert ours.open_audience(REQUEST, SyncOptions()) == Audience("37", "Lapsed", created=True)
    ours.open_audience(known("36"), SyncOptions())
    listed, folders, folder, made, one = list(server.seen)
    api = sdk.client.contacts
    assert api.get_lists(limit=50, offset=0, sort="asc").lists[0].id == 36
    sdk.repeats(listed)
    api.get_folders(limit=50, offset=0, sort="asc")
    sdk.repeats(folders)
    assert api.create_folder(name="Turnout").id == 2
    sdk.repeats(folder)
    assert api.create_list(folder_id=2, name="Lapsed").id == 37
    sdk.repeats(made)
    assert api.get_list(36).name == "Other"
    sdk.repeats(one)


def test_people_are_moved_as_the_sdk_does(server: Scripted, time: FastTime, sdk: Sdk) -> None:
    """Adding, looking at who was not added, writing attributes, removing."""
    ours = opened(server, time)
    rows = people("ann", "bob", attributes=['{"TIER": "gold"}', None])
    assert ours.add(LIST, rows, batch("add", 2)).rejected == {}
    ours.remove(LIST, people("ann"), batch("remove", 1))
    named, added, looked_at, written, removed = list(server.seen)
    api, models = sdk.client.contacts, sdk.models
    assert api.get_attributes().attributes[0].name == "TIER"
    sdk.repeats(named)
    answered = api.add_contact_to_list(
        36, request=models.AddContactToListRequestBodyEmails(emails=[ANN, BOB])
    )
    assert (answered.contacts.success, answered.contacts.failure) == ([ANN], [BOB])
    sdk.repeats(added)
    assert api.get_contact_info(BOB, identifier_type="email_id").list_ids == [36]
    sdk.repeats(looked_at)
    item = models.UpdateBatchContactsRequestContactsItem(email=ANN, attributes={"TIER": "gold"})
    api.update_batch_contacts(contacts=[item])
    sdk.repeats(written)
    api.remove_contact_from_list(36, request=models.RemoveContactFromListRequestBodyEmails(emails=[ANN]))
    sdk.repeats(removed)


def test_people_are_created_and_imported_as_the_sdk_does(server: Scripted, time: FastTime, sdk: Sdk) -> None:
    """One by one, and many as a process that is asked about."""
    rows = people("ann", "bob", attributes=[None, '{"TIER": "tin"}'])
    opened(server, time, create_missing=True).add(LIST, rows, batch("add", 2))
    bulk: BrevoConnector = opened(server, time, create_missing=True, import_rows=1_000)
    receipt = bulk.add(LIST, rows, batch("add", 2))
    assert bulk.poll(LIST, str(receipt.reference)).status == "applied"
    _, _, created, _, imported, asked = list(server.seen)
    api, models = sdk.client.contacts, sdk.models
    api.create_contact(email=BOB, attributes={"TIER": "tin"}, list_ids=[36], update_enabled=True)
    sdk.repeats(created)
    row = models.ImportContactsRequestJsonBodyItem
    began = api.import_contacts(
        list_ids=[36],
        json_body=[row(email=ANN), row(email=BOB, attributes={"TIER": "tin"})],
        update_existing_contacts=True,
        empty_contacts_attributes=False,
        disable_notification=True,
    )
    assert str(began.process_id) == receipt.reference
    sdk.repeats(imported)
    assert sdk.client.process.get_process(78).status == "completed"
    sdk.repeats(asked)


def test_people_are_listed_as_the_sdk_does(server: Scripted, time: FastTime, sdk: Sdk) -> None:
    """Size and members of a list, and who has changed since a moment."""
    ours = opened(server, time)
    ours.read_back(LIST)
    list(ours.members(LIST))
    assert len(list(ours.unreachable(datetime(2026, 11, 1, tzinfo=UTC)))) == 1
    size, members, everybody = list(server.seen)
    api = sdk.client.contacts
    assert api.get_contacts_from_list(36, limit=1, offset=0).count == 1
    sdk.repeats(size)
    api.get_contacts_from_list(36, limit=500, offset=0, sort="asc")
    sdk.repeats(members)
    api.get_contacts(limit=500, offset=0, sort="asc", modified_since="2026-11-01T00:00:00.000Z")
    sdk.repeats(everybody)
