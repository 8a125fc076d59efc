"""A scripted Braze workspace: whom it knows, which attributes it has, and what it answers to changes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from urllib.parse import urlsplit

from connectors.base import Audience
from connectors.braze import BrazeConnector
from connectors.braze.settings import BrazeSettings
from connectors.testing import FastTime
from tests.connectors.server import Reply, Scripted, Seen

VIP = Audience("aud_vip", "aud_vip")
TRACKS = ("/users/track", "/users/track/bulk")


def opened(server: Scripted, time: FastTime, **more: Any) -> BrazeConnector:
    """A connector whose platform is the server, and whose people have external ids."""
    settings = BrazeSettings(
        _env_file=None,
        **{"api_key": "key-1-of-braze", "base_url": server.url} | more,
    )
    connector = BrazeConnector("braze", settings)
    connector.http.use_clock(time.clock)
    return connector


def took(processed: object = 1, *errors: dict[str, object], status: int = 201) -> Reply:
    """The answer to a change."""
    told: dict[str, object] = {"message": "success", "attributes_processed": processed}
    return Reply(status, {**told, "errors": list(errors)} if errors else told)


def at(index: object, kind: str = "Invalid object", array: str = "attributes") -> dict[str, object]:
    """An error about one place of a request."""
    return {"type": kind, "input_array": array, "index": index}


def attribute(name: str, kind: str = "Boolean", status: str = "Active") -> dict[str, object]:
    """One custom attribute as the workspace lists it."""
    return {"name": name, "data_type": kind, "status": status, "array_length": None, "tag_names": []}


def workspace(
    server: Scripted,
    change: Reply,
    *,
    unknown: Iterable[str] = (),
    attributes: Iterable[dict[str, object]] = (),
) -> None:
    """A workspace that knows everybody else, has these attributes, and answers every change like this."""

    def script(seen: Seen) -> Reply:
        match urlsplit(seen.path).path:
            case "/users/export/ids":
                asked = seen.json["external_ids"]  # type: ignore[index]
                known = [{"external_id": one} for one in asked if one not in unknown]
                missing = [one for one in asked if one in unknown]
                return Reply(201, {"message": "success", "users": known, "invalid_user_ids": missing})
            case "/custom_attributes":
                return Reply(body={"message": "success", "attributes": list(attributes)})
        return change

    server.script = script


def changes(server: Scripted) -> list[Any]:
    """Bodies of the requests that change people."""
    return [seen.json for seen in server.seen if seen.path in TRACKS]
