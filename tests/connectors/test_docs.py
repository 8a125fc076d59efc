"""The connector documents say what the code says."""

from __future__ import annotations

import importlib
import re
from pathlib import Path

import pyarrow as pa
import pytest

from connectors.base import Audience, AudienceRequest, Batch, Connector, SyncOptions
from connectors.registry import available
from connectors.settings import env_prefix
from tests.connectors.server import Reply, Scripted
from tests.documents import account_table, with_account_table

DOCS = Path(__file__).parents[2] / "docs/connectors"


@pytest.mark.parametrize("name", available())
def test_every_setting_is_in_its_table(name: str) -> None:
    """Each connector has a page whose settings table is exactly its settings."""
    text = (DOCS / f"{name}.md").read_text()
    assert re.findall(rf"^\| `{env_prefix(name)}.*\|$", text, re.MULTILINE) == account_table(name)
    assert with_account_table(name, text) == text


def test_the_five_minute_connector_works(
    server: Scripted, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The example on the page opens an audience and adds people over real HTTP."""
    code = re.search(r"```python\n(.*?)```", (DOCS / "README.md").read_text(), re.DOTALL)
    assert code is not None
    (tmp_path / "acme_turnout.py").write_text(code[1])
    monkeypatch.syspath_prepend(tmp_path)
    page = importlib.import_module("acme_turnout")
    settings_type, connector_type = page.AcmeSettings, page.AcmeConnector
    assert isinstance(connector_type, type)
    assert issubclass(connector_type, Connector)
    server.answers(Reply(body={"id": "7", "created": True}))
    connector = connector_type("acme", settings_type(token="t-of-the-test", base_url=server.url))
    audience = connector.open_audience(AudienceRequest("Lapsed", "turnout:lapsed", None), SyncOptions())
    rows = pa.table({"email": ["a" * 64]})
    assert (
        connector.add(audience, rows, Batch("01JD000000000000000000000A", "add", 1, 1, 1)).status == "applied"
    )
    assert audience == Audience("7", "Lapsed", created=True)
    assert [(s.method, s.path) for s in server.seen] == [
        ("PUT", "/audiences"),
        ("POST", "/audiences/7/members"),
    ]


@pytest.mark.privacy("P43")
def test_every_capability_has_its_line() -> None:
    """Both lists of what platforms ask for are answered completely."""
    text = (DOCS / "README.md").read_text()
    assert re.findall(r"^\| ([a-k]) \|", text, re.MULTILINE) == list("abcdefghijk")
    assert re.findall(r"^\| (\d+) \|", text, re.MULTILINE) == [str(n) for n in range(1, 13)]
