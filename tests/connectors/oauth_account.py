"""A scripted platform whose accounts sign in by OAuth: it gives out tokens beside its scripted answers."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import pyarrow as pa

from connectors.account import AccountConnector
from connectors.base import Batch, Op
from connectors.identity import encode
from connectors.testing import FastTime
from tests.connectors.server import Reply, Scripted, Seen

TOKEN_PATH = "/token"


def signed_in(
    kind: type[AccountConnector], server: Scripted, time: FastTime, folder: Path, **more: Any
) -> Any:
    """A connector of this kind whose platform is the server."""
    urls = {"base_url": server.url, "token_url": server.url + TOKEN_PATH, "token_folder": folder}
    credential = {"client_id": "id-1", "client_secret": "secret-1", "refresh_token": "refresh-1"}
    name = kind.__module__.split(".")[1]
    settings = {**urls, **credential, **more}
    opened = kind(name, kind.settings_type(_env_file=None, **settings))  # type: ignore[call-arg]
    opened.http.use_clock(time.clock)
    assert opened.tokens is not None
    opened.tokens.clock = time.clock
    return opened


def answers(server: Scripted, *replies: Reply, **given: object) -> None:
    """Answer requests with these in turn, the last again and again, and each renewal with a token of its own."""
    left, renewals = list(replies), iter(range(1, 100))

    def script(seen: Seen) -> Reply:
        if seen.path != TOKEN_PATH:
            return left.pop(0) if len(left) > 1 else left[0]
        return Reply(body={"access_token": f"access-{next(renewals)}", "expires_in": 3600, **given})

    server.script = script


def asked(server: Scripted) -> list[Seen]:
    """What came, renewals aside."""
    return [seen for seen in server.seen if seen.path != TOKEN_PATH]


def renewals(server: Scripted) -> list[tuple[dict[str, str], str | None]]:
    """Form and ``Authorization`` header of each renewal."""
    came = [seen for seen in server.seen if seen.path == TOKEN_PATH]
    return [(dict(parse_qsl(seen.body.decode())), seen.headers.get("Authorization")) for seen in came]


def batch(op: Op, size: int) -> Batch:
    """A batch."""
    return Batch("01JD000000000000000000000A", op, 1, 1, size)


def table(**columns: list[str | None]) -> pa.Table:
    """Rows as the engine hands them over."""
    return pa.table({name: pa.array(values, pa.string()) for name, values in columns.items()})


def digest(opened: AccountConnector, name: str, *raw: str | None) -> str | None:
    """What a raw value becomes in a column."""
    column = next(column for column in opened.identity.columns if column.name == name)
    value = column.rule.normalise(*raw)
    return value if value is None else encode(value, column.encoding)
