"""What somebody buys most travels with them to an e-mail tool: personal messages without more segments."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from connectors.sandbox import SandboxServer, connection_settings
from pipelines.cli.demo import ACCEPTED
from pipelines.project import Project
from tests.assets.shop import BUYERS, SOURCES, TODAY, Shop, customer

CATEGORIES = {1: ["TEA", "BREAD"], 3: ["WINE", "BREAD"], 5: ["TEA"]}
"""What some people buy, by their number, most spend first; wine is sensitive."""
DECLARED = 'attributes = { "Favourite" = "top_category_90d", "Second favourite" = "second_category_90d" }'
MORE = """
[source.order_lines]
contract = "order_lines"
csv = "order_lines.csv"

[source.products]
contract = "products"
csv = "products.csv"

[source.product_groups]
contract = "product_groups"
csv = "product_groups.csv"
"""


@pytest.fixture
def sandbox(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SandboxServer]:
    """A running Klaviyo that knows the shop's people."""
    with SandboxServer(tmp_path / "sandbox") as running:
        for name, value in {**connection_settings(running.url), **ACCEPTED}.items():
            monkeypatch.setenv(name, value)
        addresses = [f"{customer(number)}@example.com" for number in range(40)]
        running.state.email.put_people("klaviyo", addresses, "subscribed")
        yield running


@pytest.fixture
def project(sandbox: SandboxServer, tmp_path: Path) -> Project:
    """The shop with what is in its baskets; its buyers go to Klaviyo with their favourites."""
    shop = Shop(tmp_path / "shop", people=40, destinations={"klaviyo": "klaviyo"}).open(
        ads="klaviyo", mail="klaviyo"
    )
    for path in shop.segment_defs.glob("*.sql"):
        path.unlink()
    path = shop.segment("buyers", BUYERS, ["klaviyo"])
    path.write_text(path.read_text().replace('audience = "Buyers"', f'audience = "Buyers"\n{DECLARED}'))
    (shop.sources / "sources.toml").write_text(SOURCES + MORE)
    shop.write("products", ["product_id", "category"], ((name, name) for name in ("TEA", "BREAD", "WINE")))
    shop.write("product_groups", ["product_id", "group_name"], [("WINE", "sensitive")])
    shop.write(
        "order_lines",
        ["order_id", "line_no", "product_id", "amount"],
        (
            (f"o{number}", place, product, 20 - place)
            for number, products in CATEGORIES.items()
            for place, product in enumerate(products)
        ),
    )
    return Project(shop.settings(today=TODAY))


@pytest.mark.requirement("TYP-21", "TYP-22", "AI-3")
def test_favourites_arrive_in_the_tool(project: Project, sandbox: SandboxServer) -> None:
    """The tool holds each member's categories, nothing for those without, and nothing sensitive of anybody."""
    assert project.load().complaints == []
    project.compute()
    (delivery,) = project.deliveries.sync("klaviyo", ["buyers"], project.deliveries.new_run())
    assert delivery.ok, delivery.errors
    assert delivery.added == 19, "one of twenty wants nothing any more"
    known = {one.email: one.attributes.get("properties", {}) for one in sandbox.state.email.people("klaviyo")}
    told = {number: known[f"{customer(number)}@example.com"] for number in (1, 3, 5, 7)}
    assert told == {
        1: {"Favourite": "TEA", "Second favourite": "BREAD"},
        3: {"Favourite": "BREAD"},
        5: {"Favourite": "TEA"},
        7: {},
    }
    again = project.deliveries.sync("klaviyo", ["buyers"], project.deliveries.new_run())
    assert [one.requests for one in again] == [0]
