"""Mailchimp's batches: queued, worked off one by one, results in an archive behind a link that ends."""

from __future__ import annotations

import io
import json
import tarfile
import time
from pathlib import Path
from typing import Any

import pytest
import requests

from connectors.sandbox import SANDBOX_MAILCHIMP_LIST, SandboxServer
from tests.sandbox.conftest import MailchimpCaller, md5, problem

PATH = f"/lists/{SANDBOX_MAILCHIMP_LIST}"


def upsert(email: str, **fields: object) -> dict[str, object]:
    body = {"email_address": email, "status_if_new": "transactional", **fields}
    return {
        "method": "PUT",
        "path": f"{PATH}/members/{md5(email)}",
        "operation_id": email,
        "params": {"skip_merge_validation": "true"},
        "body": json.dumps(body),
    }


def finish(mailchimp: MailchimpCaller, batch_id: str) -> dict[str, Any]:
    deadline = time.monotonic() + 20
    while True:
        content: dict[str, Any] = mailchimp.call("GET", f"/batches/{batch_id}").json()
        if content["status"] == "finished":
            return content
        assert time.monotonic() < deadline, content
        time.sleep(0.05)


def results(batch: dict[str, Any]) -> list[dict[str, Any]]:
    answer = requests.get(batch["response_body_url"], timeout=5)
    assert answer.status_code == 200
    with tarfile.open(fileobj=io.BytesIO(answer.content), mode="r:gz") as archive:
        files = [archive.extractfile(entry) for entry in archive if entry.isfile()]
        return [result for file in files if file is not None for result in json.load(file)]


def test_every_operation_gets_its_result(sandbox: SandboxServer, mailchimp: MailchimpCaller) -> None:
    """Each operation is answered as the call itself would be, named by its operation_id, in no promised order."""
    sandbox.state.put_contacts(["left@b.co"], "unsubscribed")
    operations = [upsert(f"p{n}@b.co") for n in range(250)]
    operations += [upsert("left@b.co", status="subscribed"), upsert("bad address")]
    operations += [{"method": "GET", "path": "/batches"}, {"method": "GET", "path": f"{PATH}/members?x=1"}]
    batch = mailchimp.call("POST", "/batches", json={"operations": operations}).json()
    assert (batch["status"], batch["total_operations"], batch["response_body_url"]) == ("pending", 254, "")
    done = finish(mailchimp, batch["id"])
    assert (done["finished_operations"], done["errored_operations"]) == (254, 4)
    found = {result["operation_id"]: result for result in results(done)}
    assert len(results(done)) == 254
    assert json.loads(found["p7@b.co"]["response"])["status"] == "transactional"
    assert json.loads(found["left@b.co"]["response"])["title"] == "Member In Compliance State"
    assert found["bad address"]["status_code"] == 400
    assert found[None]["status_code"] == 404, "batches hold no batches"
    assert len(sandbox.state.contacts()) == 251


@pytest.mark.parametrize(
    "operations",
    [
        [],
        [{"method": "PUT"}],
        [{"method": "put", "path": "/ping"}],
        [{"method": "GET", "path": "/ping", "id": "x"}],
        [{"method": "PUT", "path": "/ping", "body": {"a": 1}}],
        [{"method": "GET", "path": "/ping"}] * 1001,
    ],
    ids=["none", "no path", "lower-case method", "unknown field", "body not text", "more than 1000"],
)
def test_malformed_batches_are_refused(mailchimp: MailchimpCaller, operations: list[object]) -> None:
    """The whole batch is refused when its form is wrong; a body must be JSON in a string."""
    assert problem(mailchimp.call("POST", "/batches", json={"operations": operations}))[0] == 400


def test_result_links_end(mailchimp: MailchimpCaller, monkeypatch: pytest.MonkeyPatch) -> None:
    """A link without signature, with a false one, or after ten minutes is refused; a new read gives a new link."""
    batch = mailchimp.call("POST", "/batches", json={"operations": [upsert("a@b.co")]}).json()
    link = finish(mailchimp, batch["id"])["response_body_url"]
    assert requests.get(link.partition("?")[0], timeout=5).status_code == 403
    assert requests.get(link[:-1] + ("0" if link[-1] != "0" else "1"), timeout=5).status_code == 403
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 601)
    assert requests.get(link, timeout=5).status_code == 403
    assert len(results(mailchimp.call("GET", f"/batches/{batch['id']}").json())) == 1


def test_a_batch_waits_and_can_be_stopped(sandbox: SandboxServer, mailchimp: MailchimpCaller) -> None:
    """Until its turn a batch is pending; deleting it leaves nothing done; batches are listed newest first."""
    sandbox.state.set_switches(mailchimp_batch_seconds=30)
    ids = [
        mailchimp.call("POST", "/batches", json={"operations": [upsert("a@b.co")]}).json()["id"]
        for _ in range(2)
    ]
    listed = mailchimp.call("GET", "/batches").json()
    assert [batch["id"] for batch in listed["batches"]] == ids[::-1]
    assert listed["batches"][0]["status"] == "pending", "one batch runs at a time"
    for batch_id in ids:
        assert mailchimp.call("DELETE", f"/batches/{batch_id}").status_code == 204
    assert problem(mailchimp.call("GET", f"/batches/{ids[0]}"))[0] == 404
    assert sandbox.state.contacts() == []


def test_a_restart_finishes_what_was_pending(tmp_path: Path) -> None:
    """A batch accepted before a restart is worked off after it."""
    with SandboxServer(tmp_path) as first:
        first.state.set_switches(mailchimp_batch_seconds=30)
        caller = MailchimpCaller(first.mailchimp_url, None)
        batch_id = caller.call("POST", "/batches", json={"operations": [upsert("a@b.co")]}).json()["id"]
    with SandboxServer(tmp_path) as second:
        second.state.set_switches(mailchimp_batch_seconds=0)
        assert finish(MailchimpCaller(second.mailchimp_url, None), batch_id)["errored_operations"] == 0
        assert [contact.email for contact in second.state.contacts()] == ["a@b.co"]
