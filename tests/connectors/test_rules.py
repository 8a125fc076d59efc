"""The worked examples of a platform, from raw value to digest. Dirty and hopeless values: test_bad_identifiers."""

from __future__ import annotations

import pytest

from connectors import rules
from connectors.identity import Rule, encode

# Digests from Meta's guide and worked examples: rule, raw columns, normalised, SHA-256.
GOLDEN: list[tuple[Rule, tuple[str | None, ...], str, str]] = [
    (
        rules.EMAIL,
        ("  Mary.Smith+news@Gmail.com ",),
        "mary.smith+news@gmail.com",
        "76365336b543faa970d4315c7d661e3aa5f722ccb5faf6c943edec83dcfb8113",
    ),
    (
        rules.EMAIL,
        ("mary@example.com",),
        "mary@example.com",
        "f1904cf1a9d73a55fa5de0ac823c4403ded71afd4c3248d00bdcd0866552bb79",
    ),
    (
        rules.phone_digits(),
        ("+1 (555) 987-6543", None),
        "15559876543",
        "1ef970831d7963307784fa8688e8fce101a15685d62aa765fed23f3a2c576a4e",
    ),
    (
        rules.phone_digits(),
        ("+44 (0) 7911 123456", None),
        "447911123456",
        "40b5c38342a9c584ec707e8679b003f8c779c6aaa138c976ef94e049cc05208f",
    ),
    (
        rules.FIRST_NAME,
        ("  Anne-Marie ",),
        "annemarie",
        "67495eb5715de43c26f7c18b25cc7f62a7540236516bd59d5162a6f743598083",
    ),
    (
        rules.LAST_NAME,
        ("O'Neil-Smith",),
        "oneilsmith",
        "825e66cf3a9a1ab140083fc38941c75ce6e41b49991e839f15b071b53dad639b",
    ),
    (rules.FIRST_NAME, ("José",), "josé", "d994e1d001886fe5b45b1267bd1fa2b752ac50742579bd3dad7b2a2aa0ed6866"),
    (
        rules.CITY,
        ("St. Louis",),
        "stlouis",
        "8ba24bdf99947996f3000259be455de791b06fcc0e802ce05031030df1ee8ea3",
    ),
    (rules.STATE, ("CA", "US"), "ca", "6959097001d10501ac7d54c0bdb8db61420f658f2922cc26e46d536119a31126"),
    (
        rules.STATE,
        ("California", "US"),
        "ca",
        "6959097001d10501ac7d54c0bdb8db61420f658f2922cc26e46d536119a31126",
    ),
    (
        rules.ZIP,
        ("94105-1234", "US"),
        "94105",
        "e73ac16e69f060ee98b0fda5f66f48c4648ee26950e9bab3a097389853fd859e",
    ),
    (
        rules.ZIP,
        ("M1 1AE", "UK"),
        "m11ae",
        "1dc694c2070e697769fb959b50671d76cafd430d8ca191fbdd0affcaea344ac5",
    ),
    (rules.COUNTRY, ("US",), "us", "79adb2a2fce5c6ba215fe5f27f532d4e7edbac4b6a5e09e1ef3a08084a904621"),
    (rules.GENDER, ("Female",), "f", "252f10c83610ebca1a059c0bae8255eba2f95be4d1d7bcfa89d7248a82d9f111"),
]


@pytest.mark.bad_input("B24", "B42", "B43", "B46")
@pytest.mark.privacy("P21")
@pytest.mark.parametrize(("rule", "raw", "normalised", "digest"), GOLDEN, ids=lambda v: str(v)[:24])
def test_digests_are_those_that_meta_prints(
    rule: Rule, raw: tuple[str | None, ...], normalised: str, digest: str
) -> None:
    """Raw value to normalised value to digest, as in Meta's documents."""
    assert rule.normalise(*raw) == normalised
    assert encode(normalised, "sha256_hex") == digest
