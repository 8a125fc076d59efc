"""A scripted ActiveCampaign account: contacts, one tag and what ties it to them, imports."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pyarrow as pa

from connectors.activecampaign import ActiveCampaignConnector
from connectors.activecampaign.settings import ActiveCampaignSettings
from connectors.base import Audience
from connectors.testing import FastTime
from tests.connectors.server import Reply, Scripted, Seen

TAG = Audience("20", "Lapsed")
KEY = "key-1-of-the-test"
BASE = "/api/3"
TAGS, CONTACTS = f"{BASE}/tags", f"{BASE}/contacts"
IMPORTS, INFO = f"{BASE}/import/bulk_import", f"{BASE}/import/info"
FIELDS, TIES = f"{BASE}/fields", f"{BASE}/contactTags"


def opened(server: Scripted, time: FastTime, **more: Any) -> ActiveCampaignConnector:
    """A connector whose ActiveCampaign is the server."""
    settings: dict[str, Any] = {"api_key": KEY, "base_url": server.url, **more}
    connector = ActiveCampaignConnector("activecampaign", ActiveCampaignSettings(_env_file=None, **settings))
    connector.http.use_clock(time.clock)
    return connector


class Account:
    """Answers as ActiveCampaign does, or as a test says for a method and path."""

    def __init__(self, server: Scripted, **ids: int) -> None:
        self.server = server
        self.ids = {f"{name}@example.com": str(number) for name, number in ids.items()}
        """Of contacts, by the name before ``@example.com``."""
        self.total: object = "100000"
        """What it says of how many contacts there are."""
        self.replies: dict[tuple[str, str], list[Reply]] = {}
        self.imports = 0
        server.script = self._answer

    def says(self, method: str, path: str, *replies: Reply) -> None:
        """Answer such requests with these in turn, the last again and again."""
        self.replies[method, path] = list(replies)

    def asked(self, method: str, path: str) -> list[Seen]:
        """Requests of a method to a path, its query aside."""
        return [s for s in self.server.seen if (s.method, urlsplit(s.path).path) == (method, path)]

    def tied(self, contact: str, *tags: str) -> None:
        """The contact has these tags; each tie's id is the tag's with a nine before."""
        ties = [{"id": f"9{tag}", "contact": contact, "tag": tag} for tag in tags]
        self.says("GET", f"{CONTACTS}/{contact}/contactTags", Reply(body={"contactTags": ties}))

    def _answer(self, seen: Seen) -> Reply:
        path = urlsplit(seen.path).path
        scripted = self.replies.get((seen.method, path))
        if scripted:
            return scripted.pop(0) if len(scripted) > 1 else scripted[0]
        match seen.method, path:
            case "GET", "/api/3/tags/20":
                return Reply(body={"tag": {"id": "20", "tag": "Lapsed", "tagType": "contact"}})
            case "GET", "/api/3/contacts":
                return self._contacts(query(seen))
            case "POST", "/api/3/import/bulk_import":
                self.imports += 1
                return Reply(body={"Success": 1, "batchId": f"import-{self.imports}", "message": "queued"})
            case "GET", "/api/3/import/info":
                return Reply(body={"status": "completed", "success": ["1"], "failure": []})
            case "DELETE", _ if path.startswith(TIES):
                return Reply(body={})
            case "GET", _ if path.endswith("/contactTags"):
                return no_result("Subscriber")
        raise AssertionError(f"nobody expected {seen.method} {seen.path}")

    def _contacts(self, asked: dict[str, str]) -> Reply:
        found = [
            {"id": number, "email": address}
            for address, number in sorted(self.ids.items(), key=lambda entry: int(entry[1]))
            if asked.get("email", address) == address and int(number) > int(asked.get("id_greater", "0"))
        ]
        return Reply(body={"contacts": found[: int(asked.get("limit", "20"))], "meta": {"total": self.total}})


def no_result(kind: str) -> Reply:
    """404 in ActiveCampaign's words."""
    return Reply(404, {"message": f"No Result found for {kind} with id 1"})


def query(seen: Seen) -> dict[str, str]:
    """Of a request."""
    return dict(parse_qsl(urlsplit(seen.path).query))


def people(*names: str, ids: dict[str, str] | None = None, attributes: str | None = None) -> pa.Table:
    """Rows as the engine hands them over."""
    known = ids or {}
    columns: dict[str, list[str | None]] = {
        "EMAIL": [f"{name}@example.com" for name in names],
        "remote_id": [known.get(name) for name in names],
    }
    if attributes is not None:
        columns["attributes"] = [attributes] * len(names)
    return pa.table({name: pa.array(values, pa.string()) for name, values in columns.items()})
