"""What each rule makes of good, dirty and hopeless values."""

from __future__ import annotations

import pytest

from connectors import rules
from connectors.identity import Rule, encode
from connectors.rules.email import normalise_email
from connectors.rules.phone import normalise_phone

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


@pytest.mark.parametrize(("rule", "raw", "normalised", "digest"), GOLDEN, ids=lambda v: str(v)[:24])
def test_digests_are_those_that_meta_prints(
    rule: Rule, raw: tuple[str | None, ...], normalised: str, digest: str
) -> None:
    """Raw value to normalised value to digest, as in Meta's documents."""
    assert rule.normalise(*raw) == normalised
    assert encode(normalised, "sha256_hex") == digest


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("ANN@EXAMPLE.COM\t\n", "ann@example.com"),
        ("ann@example.com\u00a0", "ann@example.com"),
        ("\u3000ann@example.com", "ann@example.com"),
        ("an\u200bn@exam\u00adple.com", "ann@example.com"),
        ("\ufeffann@example.com", "ann@example.com"),
        ("\u202eann@example.com\u2069", "ann@example.com"),
        ("ｆｕｌｌ＠ｘ．ｃｏｍ", "full@x.com"),
        ("ann@MÜNCHEN.de", "ann@xn--mnchen-3ya.de"),
        ("ann@xn--mnchen-3ya.de", "ann@xn--mnchen-3ya.de"),
        ("JOSÉ@example.com", "josé@example.com"),
        ("Jose\u0301@example.com", "josé@example.com"),
        ("İ@example.com", "i\u0307@example.com"),
        ("ΟΔΟΣ@example.com", "οδος@example.com"),
        ("STRAßE@example.com", "straße@example.com"),
        ("Ann Lee <Ann@Example.com>", "ann@example.com"),
        ("first.last+tag@gmail.com", "first.last+tag@gmail.com"),
        ("ann@example.com.", "ann@example.com"),
        ("x" * 64 + "@example.com", "x" * 64 + "@example.com"),
    ],
)
def test_dirty_addresses_are_cleaned(raw: str, expected: str) -> None:
    """White space, invisible marks, widths, cases and domain forms come to one spelling."""
    assert normalise_email(raw) == expected


@pytest.mark.parametrize(
    "raw",
    [
        None, "", "   ", "NULL", "N/A", "nan", "None", "-", "undefined", "test@test.com", "TEST@TEST.COM",
        "ann", "ann@", "@example.com", "ann@@example.com", "ann@x@example.com", "ann@example", "ann@localhost",
        "ann@1.2.3.4", "ann@[1.2.3.4]", "mailto:ann@example.com", "a@example.com;b@example.com",
        "a@example.com, b@example.com", "a@example.com b@example.com", "an n@example.com", '"a b"@example.com',
        "(c)ann@example.com", ".ann@example.com", "ann.@example.com", "an..n@example.com", "ann@example..com",
        "ann@-example.com", "ann@exa_mple.com", "ann\x00@example.com", "ann@exam\nple.com", "x" * 65 + "@example.com",
        "é" * 33 + "@example.com", "a@" + "x." * 130 + "com", "a" * 1001, "f1904cf1a9d73a55fa5de0ac823c4403",
        "+1 202 555 0143", "ann@xn--.com",
    ],
)  # fmt: skip
def test_what_is_not_one_address_is_unusable(raw: str | None) -> None:
    """Placeholders, several addresses, broken or over-long ones are never hashed."""
    assert normalise_email(raw) is None


@pytest.mark.parametrize(
    ("raw", "country", "expected"),
    [
        ("(202) 555-0143", "US", "12025550143"),
        ("1-202-555-0143", "usa", "12025550143"),
        ("+1 202 555 0143", "DE", "12025550143"),
        ("tel:+1-202-555-0143", None, "12025550143"),
        ("202-555-0143 ext. 12", "US", "12025550143"),
        ("+1 202 555 0143;ext=7", None, "12025550143"),
        ("011 44 7700 900123", "US", "447700900123"),
        ("0044 7700 900123", None, "447700900123"),
        ("07700 900123", "UK", "447700900123"),
        ("447700900123", "GB", "447700900123"),
        ("4915112345678", "DE", "4915112345678"),
        ("+39 06 1234567", None, "39061234567"),
        ("06 1234567", "Italy", "39061234567"),
        ("٠٧٧٠٠٩٠٠١٢٣", "GB", "447700900123"),
        ("＋１２０２５５５０１４３", None, "12025550143"),
    ],
)
def test_phones_come_to_one_form(raw: str, country: str | None, expected: str) -> None:
    """National, international, trunk and foreign-digit spellings are one number."""
    assert normalise_phone(raw, country) == expected
    assert rules.phone_e164().normalise(raw, country) == "+" + expected


@pytest.mark.parametrize(
    ("raw", "country"),
    [
        (None, "US"), ("", "US"), ("2025550143", None), ("2025550143", "nowhere"), ("112", "DE"), ("12345", "US"),
        ("0000000000", "US"), ("9999999999", "US"), ("4.915E+11", "DE"), ("2025550143.0", "US"),
        ("1-800-FLOWERS", "US"), ("2025550143 / 2025550144", "US"), ("+12025550143+12025550144", "US"), ("N/A", "US"),
        ("ann@example.com", "US"), ("+1 202 555 0143 0143 0143", None), ("202555014", "US"), ("5551234 home", "US"),
    ],
)  # fmt: skip
def test_what_is_not_one_number_is_unusable(raw: str | None, country: str | None) -> None:
    """No country, too short or long, spreadsheet damage, letters, two numbers: never guessed at."""
    assert normalise_phone(raw, country) is None


def test_a_default_country_reads_national_numbers() -> None:
    """With a default, people without a country are read there; a known country still wins."""
    rule = rules.phone_digits("us")
    assert rule.normalise("2025550143", None) == "12025550143"
    assert rule.normalise("07700 900123", "GB") == "447700900123"
    assert rule.name != rules.phone_digits().name, "another default is another rule: members differ"


@pytest.mark.parametrize(
    ("rule", "raw", "expected"),
    [
        (rules.FIRST_NAME, ("Jose\u0301",), "josé"),
        (rules.FIRST_NAME, ("李",), "李"),
        (rules.FIRST_NAME, ("Ann 👍",), "ann"),
        (rules.FIRST_NAME, ("",), None),
        (rules.LAST_NAME, ("...",), None),
        (rules.LAST_NAME, ("N/A",), None),
        (rules.FIRST_NAME_AS_WRITTEN, ("  Anne  Marie ",), "Anne Marie"),
        (rules.GENDER, ("MALE",), "m"),
        (rules.GENDER, ("diverse",), None),
        (rules.BIRTH_YEAR, ("1980-02-29",), "1980"),
        (rules.BIRTH_MONTH, ("19800229",), "02"),
        (rules.BIRTH_DAY, ("1980-02-29T00:00:00",), "29"),
        (rules.BIRTH_YEAR, ("1981-02-29",), None),
        (rules.BIRTH_YEAR, ("31.12.1980",), None),
        (rules.BIRTH_YEAR, ("2999-01-01",), None),
        (rules.STATE, ("New South Wales", "AU"), "newsouthwales"),
        (rules.STATE, ("District of Columbia", "US"), "dc"),
        (rules.STATE, ("Nowhere", "US"), None),
        (rules.ZIP, ("2134", "US"), "02134"),
        (rules.ZIP, ("2134.0", "US"), "02134"),
        (rules.ZIP, ("00000", "US"), None),
        (rules.ZIP, ("ABCDE", "US"), None),
        (rules.COUNTRY, ("UK",), "gb"),
        (rules.COUNTRY, ("NO",), "no"),
        (rules.COUNTRY, ("u.s.a.",), "us"),
        (rules.COUNTRY, ("Côte d'Ivoire",), "ci"),
        (rules.COUNTRY, ("Atlantis",), None),
        (rules.MADID, ("6D92078A-8246-4BA4-AE5B-76104861E7DC",), "6d92078a-8246-4ba4-ae5b-76104861e7dc"),
        (rules.MADID, ("6d92078a82464ba4ae5b76104861e7dc",), "6d92078a-8246-4ba4-ae5b-76104861e7dc"),
        (rules.MADID, ("00000000-0000-0000-0000-000000000000",), None),
        (rules.EXTERNAL_ID, (" 000123 ",), "000123"),
        (rules.EXTERNAL_ID, ("9007199254740993",), "9007199254740993"),
        (rules.EXTERNAL_ID, ("${x};--'",), "${x};--'"),
        (rules.EXTERNAL_ID, ("a\x00b",), None),
        (rules.EXTERNAL_ID, ("x" * 256,), None),
    ],
    ids=lambda value: value.name if isinstance(value, Rule) else repr(value)[:40],
)
def test_other_columns(rule: Rule, raw: tuple[str | None, ...], expected: str | None) -> None:
    """Names, dates, places and ids: one spelling, or nothing."""
    assert rule.normalise(*raw) == expected
