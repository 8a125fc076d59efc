"""ActiveCampaign's imports and tags of people, against a scripted account and the project's description."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest

from connectors.base import (
    AudienceGone,
    Receipt,
    RowsRefused,
    Uncertain,
)
from connectors.testing import FastTime
from tests.connectors.activecampaign_account import (
    CONTACTS,
    FIELDS,
    IMPORTS,
    KEY,
    TAG,
    TAGS,
    TIES,
    Account,
    no_result,
    opened,
    people,
    query,
)
from tests.connectors.described import as_described
from tests.connectors.oauth_account import batch
from tests.connectors.server import Reply, Scripted


@pytest.fixture
def activecampaign(server: Scripted, time: FastTime) -> Any:
    """Makes connectors with other settings."""
    return partial(opened, server, time)


def ties(contact: str) -> str:
    return f"{CONTACTS}/{contact}/contactTags"


def row_refusal(*rows: object) -> Reply:
    return Reply(400, {"success": 0, "message": "not valid", "failureReasons": list(rows)})


def test_people_are_looked_up_and_then_imported(server: Scripted, activecampaign: Any) -> None:
    """An import creates people, so whom ActiveCampaign does not know is left out; ids are learned on the way."""
    account = Account(server, ada=10)
    receipt = activecampaign().add(TAG, people("ada", "eve"), batch("add", 2))
    asked = [query(seen) for seen in account.asked("GET", CONTACTS)[1:]]
    assert asked == [{"email": f"{name}@example.com", "status": "-1"} for name in ("ada", "eve")]
    (sent,) = account.asked("POST", IMPORTS)
    assert sent.json == {"contacts": [{"email": "ada@example.com", "tags": ["Lapsed"]}]}
    assert sent.headers["Api-Token"] == KEY
    assert receipt == Receipt("accepted", "import-1", {1: "unknown_person"}, learned={0: "10", 1: None})


def test_many_people_are_looked_up_by_reading_all_contacts(server: Scripted, activecampaign: Any) -> None:
    """Once for all batches of a run, where that is fewer requests; removals know them too."""
    names = {f"p{number}": number for number in range(1, 251)}
    account = Account(server, **names)
    account.total = "250"
    connector = activecampaign()
    for _ in range(2):
        receipt = connector.add(TAG, people(*list(names)[:4], "eve"), batch("add", 5))
        assert receipt.rejected == {4: "unknown_person"}
        assert receipt.learned == {0: "1", 1: "2", 2: "3", 3: "4", 4: None}
    account.tied("5", TAG.id)
    connector.remove(TAG, people("p5"), batch("remove", 1))
    page = {"limit": "100", "orders[id]": "ASC", "status": "-1"}
    assert [query(seen) for seen in account.asked("GET", CONTACTS)] == [
        {"limit": "1", "status": "-1"},
        page,
        *(page | {"id_greater": last} for last in ("100", "200", "250")),
    ]


@pytest.mark.parametrize("total", ["400", None, "many"])
def test_few_people_are_asked_for_one_by_one(server: Scripted, activecampaign: Any, total: object) -> None:
    """Also where nobody knows how many contacts there are; that is asked once."""
    account = Account(server, ada=10)
    account.total = total
    connector = activecampaign()
    for _ in range(2):
        connector.add(TAG, people("ada", "bob", "cy"), batch("add", 3))
    assert [query(seen).get("email") for seen in account.asked("GET", CONTACTS)].count(None) == 1
    assert len(account.asked("GET", CONTACTS)) == 7


def test_a_remembered_id_is_no_reason_to_create(server: Scripted, activecampaign: Any) -> None:
    """Who was deleted in ActiveCampaign since is unknown, and forgotten here."""
    account = Account(server)
    receipt = activecampaign().add(TAG, people("ada", ids={"ada": "10"}), batch("add", 1))
    assert receipt == Receipt("applied", batch("add", 1).id, {0: "unknown_person"}, learned={0: None})
    assert not account.asked("POST", IMPORTS)


def test_missing_people_may_be_created(server: Scripted, activecampaign: Any) -> None:
    """Then nobody is looked up, and nothing but address and tag is sent."""
    account = Account(server)
    connector = activecampaign(create_missing=True)
    receipt = connector.add(TAG, people("ada", "eve"), batch("add", 2))
    assert receipt == Receipt("accepted", "import-1")
    assert len(server.seen) == connector.requests_for("add", 2) == 2
    assert [set(one) for one in account.asked("POST", IMPORTS)[0].json["contacts"]] == [{"email", "tags"}] * 2  # type: ignore[index]


def test_the_tag_goes_by_its_name_of_today(server: Scripted, activecampaign: Any) -> None:
    """An import with an old name would make another tag; of a tag that is gone nothing is sent."""
    account = Account(server, ada=10)
    account.says("GET", f"{TAGS}/20", Reply(body={"tag": {"id": "20", "tag": "Renamed"}}), no_result("Tag"))
    activecampaign().add(TAG, people("ada"), batch("add", 1))
    assert account.asked("POST", IMPORTS)[0].json["contacts"][0]["tags"] == ["Renamed"]  # type: ignore[index]
    with pytest.raises(AudienceGone):
        activecampaign().add(TAG, people("ada"), batch("add", 1))
    assert len(account.asked("POST", IMPORTS)) == 1


def test_people_lose_the_tag_one_by_one(server: Scripted, activecampaign: Any) -> None:
    """Remembered ids are used, others looked up; only what ties our tag is deleted."""
    account = Account(server, ada=10)
    account.tied("10", "7", TAG.id)
    account.tied("11", TAG.id, "8")
    connector = activecampaign()
    receipt = connector.remove(TAG, people("ada", "bob", ids={"bob": "11"}), batch("remove", 2))
    assert receipt == Receipt("applied", batch("remove", 2).id, learned={0: "10"})
    assert [seen.path for seen in server.seen if seen.method == "DELETE"] == [f"{TIES}/920", f"{TIES}/920"]
    assert query(account.asked("GET", ties("10"))[0]) == {"limit": "100", "offset": "0"}
    assert len(server.seen) == 5 <= connector.requests_for("remove", 2)


def test_who_has_no_tag_is_out(server: Scripted, activecampaign: Any) -> None:
    """Unknown, gone, never tagged, or untagged meanwhile; then it is asked whether the tag is there at all."""
    account = Account(server, ada=10, cy=12)
    account.tied("10", "7")
    account.tied("12", TAG.id)
    account.says("DELETE", f"{TIES}/920", no_result("SubscriberTag"))
    rows = people("ada", "bob", "cy", "eve", ids={"bob": "11"})
    receipt = activecampaign().remove(TAG, rows, batch("remove", 4))
    assert receipt == Receipt("applied", batch("remove", 4).id, learned={0: "10", 1: None, 2: "12", 3: None})
    assert len(account.asked("GET", f"{TAGS}/20")) == 1
    account.says("GET", f"{TAGS}/20", no_result("Tag"))
    with pytest.raises(AudienceGone):
        activecampaign().remove(TAG, people("ada"), batch("remove", 1))


def test_an_id_that_is_gone_is_looked_up_anew(server: Scripted, activecampaign: Any) -> None:
    """404 of a contact: the address may have another one now, which is learned."""
    account = Account(server, ada=10)
    account.tied("10", TAG.id)
    receipt = activecampaign().remove(TAG, people("ada", ids={"ada": "9"}), batch("remove", 1))
    assert receipt == Receipt("applied", batch("remove", 1).id, learned={0: "10"})
    assert len(account.asked("DELETE", f"{TIES}/920")) == 1
    account.says("GET", ties("10"), no_result("Subscriber"))
    with pytest.raises(Uncertain):
        activecampaign().remove(TAG, people("ada", ids={"ada": "9"}), batch("remove", 1))


def test_the_tag_is_found_among_many(server: Scripted, activecampaign: Any) -> None:
    """Page by page, though pages are smaller than was asked for."""
    account = Account(server, ada=10)
    pages = [[str(100 * page + n) for n in range(20)] for page in (1, 2)]
    answers = [Reply(body={"contactTags": [{"id": f"9{tag}", "tag": tag} for tag in page]}) for page in pages]
    account.says("GET", ties("10"), *answers, Reply(body={"contactTags": [{"id": "920", "tag": "20"}]}))
    activecampaign().remove(TAG, people("ada"), batch("remove", 1))
    assert [query(seen)["offset"] for seen in account.asked("GET", ties("10"))] == ["0", "20", "40"]
    assert len(account.asked("DELETE", f"{TIES}/920")) == 1


def test_a_listing_without_pages_ends(server: Scripted, activecampaign: Any) -> None:
    """All tags of a contact come each time: ours is not among them."""
    account = Account(server, ada=10)
    account.tied("10", *[str(n) for n in range(100, 130)])
    activecampaign().remove(TAG, people("ada"), batch("remove", 1))
    assert len(account.asked("GET", ties("10"))) == 2


def test_a_fault_after_the_first_removal_leaves_doubt(server: Scripted, activecampaign: Any) -> None:
    """One is out, the other is refused: the batch comes again as a whole."""
    account = Account(server, ada=10, bob=11)
    account.tied("10", TAG.id)
    account.says("GET", ties("11"), Reply(422, {"errors": [{"title": "no"}]}))
    with pytest.raises(Uncertain):
        activecampaign().remove(TAG, people("ada", "bob"), batch("remove", 2))


def test_large_imports_are_parted(server: Scripted, activecampaign: Any) -> None:
    """By bytes, which is a setting; 250 people at most in any case."""
    account = Account(server)
    connector = activecampaign(create_missing=True, max_bytes=10_000)
    names = [f"{'x' * 55}{number}" for number in range(100, 300)]
    receipt = connector.add(TAG, people(*names), batch("add", 200))
    imports = account.asked("POST", IMPORTS)
    assert all(len(seen.body) <= 10_000 for seen in imports)
    assert sum(len(seen.json["contacts"]) for seen in imports) == 200  # type: ignore[index,misc]
    assert receipt.reference == "import-1,import-2,import-3"
    with pytest.raises(ValueError, match="250"):
        activecampaign(max_rows=251)


def test_named_rows_are_dropped_and_the_others_sent(server: Scripted, activecampaign: Any) -> None:
    """One bad row refuses the import; ActiveCampaign names it by its place."""
    account = Account(server)
    named = row_refusal(
        {"contact": 1, "failureReason": "email incorrect format"}, {"contact": "2", "failureReason": "field"}
    )
    account.says("POST", IMPORTS, named, Reply(body={"Success": 1, "batchId": "b"}))
    receipt = activecampaign(create_missing=True).add(TAG, people("ada", "bob", "cy", "di"), batch("add", 4))
    assert receipt == Receipt("accepted", "b", {1: "invalid_address", 2: "refused"})
    again = account.asked("POST", IMPORTS)[1].json["contacts"]  # type: ignore[index]
    assert [one["email"] for one in again] == ["ada@example.com", "di@example.com"]
    account.says("POST", IMPORTS, row_refusal({"contact": 0, "failureReason": "email"}))
    alone = activecampaign(create_missing=True).add(TAG, people("bob"), batch("add", 1))
    assert alone == Receipt("applied", batch("add", 1).id, {0: "invalid_address"})
    account.says("POST", IMPORTS, row_refusal({"contact": 7, "failureReason": "email"}))
    with pytest.raises(RowsRefused):
        activecampaign(create_missing=True).add(TAG, people("bob"), batch("add", 1))


def test_requests_are_as_described(server: Scripted, activecampaign: Any) -> None:
    """An import with attributes, its verdict and a removal, held to the project's second reading of the API."""
    account = Account(server, ada=10)
    account.tied("10", TAG.id)
    account.says("GET", FIELDS, Reply(body={"fields": [{"id": "1", "title": "Tier", "type": "text"}]}))
    connector = activecampaign()
    rows = people("ada", attributes='{"Tier": "gold", "last_name": "L"}')
    connector.poll(TAG, connector.add(TAG, rows, batch("add", 1)).reference)
    connector.remove(TAG, people("ada"), batch("remove", 1))
    described = as_described("activecampaign", server.seen)
    assert described == ["bulk_import", "bulk_import_info", "contact_tag_remove"]
