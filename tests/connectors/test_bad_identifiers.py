"""What the rules make of identifiers as people, forms and spreadsheets leave them: one spelling, or nothing at all.

Each case begins with the entries of the catalogue that it proves.
"""

from __future__ import annotations

import pytest

from connectors import rules
from connectors.identity import Rule
from connectors.rules.email import normalise_email
from connectors.rules.phone import normalise_phone
from tests.catalogue.cases import listed

CLEANED = [
    ("B14", "ANN@EXAMPLE.COM", "ann@example.com"),
    ("B14", "  ann@example.com  ", "ann@example.com"),
    ("B14", "ANN@EXAMPLE.COM\t\n", "ann@example.com"),
    ("B14", "ann@example.com\u00a0", "ann@example.com"),
    ("B14", "\u3000ann@example.com", "ann@example.com"),
    ("B16", "an\u200bn@exam\u00adple.com", "ann@example.com"),
    ("B16", "an\u200dn@example.com", "ann@example.com"),
    ("B16", "\ufeffann@example.com", "ann@example.com"),
    ("B17", "\u202eann@example.com\u2069", "ann@example.com"),
    ("B17", "\u200fann@example.com", "ann@example.com"),
    ("B18", "ｆｕｌｌ＠ｘ．ｃｏｍ", "full@x.com"),
    ("B19", "ann@MÜNCHEN.de", "ann@xn--mnchen-3ya.de"),
    ("B19", "ann@xn--mnchen-3ya.de", "ann@xn--mnchen-3ya.de"),
    ("B19", "ann@XN--MNCHEN-3YA.de", "ann@xn--mnchen-3ya.de"),
    ("B19", "ann@mail.münchen.de", "ann@mail.xn--mnchen-3ya.de"),
    ("B20", "JOSÉ@example.com", "josé@example.com"),
    ("B20 B44", "Jose\u0301@example.com", "josé@example.com"),
    ("B20", "用户@example.com", "用户@example.com"),
    ("B21", "İ@example.com", "i\u0307@example.com"),
    ("B21", "ΟΔΟΣ@example.com", "οδος@example.com"),
    ("B21", "STRAßE@example.com", "straße@example.com"),
    ("B21", "I@example.com", "i@example.com"),
    ("B23", "Ann Lee <Ann@Example.com>", "ann@example.com"),
    ("B24", "first.last+tag@gmail.com", "first.last+tag@gmail.com"),
    ("B24", "Ann@GoogleMail.com", "ann@googlemail.com"),
    ("B25", "ann@example.com.", "ann@example.com"),
    ("B30", "x" * 64 + "@example.com", "x" * 64 + "@example.com"),
    ("B31", "ann@exаmple.com", "ann@xn--exmple-4nf.com"),
]


@pytest.mark.parametrize(("raw", "expected"), listed(CLEANED))
def test_dirty_addresses_are_cleaned(raw: str, expected: str) -> None:
    """White space, invisible marks, widths, cases and domain forms come to one spelling."""
    assert normalise_email(raw) == expected


NO_ADDRESS: list[tuple[str, str | None]] = [
    ("", None), ("B02", ""), ("B02", "   "), ("B02", "\u00a0\t"),
    *(("B03", word) for word in ("NULL", "N/A", "nan", "None", "-", "undefined", "test@test.com", "TEST@TEST.COM")),
    ("B26", "ann"), ("B26", "ann@"), ("B26", "@example.com"), ("B26", "ann@@example.com"), ("B26", "ann@x@example.com"),
    ("B26", "ann@example"), ("B26", "ann@localhost"), ("B26", "ann@1.2.3.4"), ("B26", "ann@[1.2.3.4]"),
    ("B26", "mailto:ann@example.com"), ("B26", "ann@-example.com"), ("B26", "ann@exa_mple.com"),
    ("B26", "ann@xn--.com"),
    ("B27", "a@example.com;b@example.com"), ("B27", "a@example.com, b@example.com"),
    ("B27", "a@example.com b@example.com"), ("B27", "a@example.com/b@example.com"),
    ("B15", "an n@example.com"), ("B15", "ann@exam ple.com"), ("B15", "ann @example.com"),
    ("B22", '"a b"@example.com'), ("B22", '"a\\"b"@example.com'),
    ("B23", "(c)ann@example.com"), ("B23", "ann(work)@example.com"),
    ("B25", ".ann@example.com"), ("B25", "ann.@example.com"), ("B25", "an..n@example.com"), ("B25", "ann@example..com"),
    ("B25", "ann@.example.com"),
    ("B12", "ann\x00@example.com"), ("B12", "ann@exam\nple.com"),
    ("B30", "x" * 65 + "@example.com"), ("B30", "é" * 33 + "@example.com"), ("B30", "a@" + "x." * 130 + "com"),
    ("B30", "a" * 1001),
    ("B28", "f1904cf1a9d73a55fa5de0ac823c4403"),
    ("B28", "f1904cf1a9d73a55fa5de0ac823c4403ded71afd4c3248d00bdcd0866552bb79"),
    ("B28", "F1904CF1A9D73A55FA5DE0AC823C4403DED71AFD4C3248D00BDCD0866552BB79"),
    ("B28", "8QTPGqnXOlX6XeCsgjxEA97XGv1MMkjQC9zQhmVSu3k="), ("B28", "a94a8fe5ccb19ba61c4c0873d391e987982fbbd3"),
    ("B29", "+1 202 555 0143"), ("B29", "2025550143"),
]  # fmt: skip


@pytest.mark.parametrize("raw", listed(NO_ADDRESS))
def test_what_is_not_one_address_is_unusable(raw: str | None) -> None:
    """Placeholders, several addresses, hashes, phone numbers, broken or over-long ones are never hashed."""
    assert normalise_email(raw) is None


ONE_NUMBER = [
    ("B32", "(202) 555-0143", "US", "12025550143"),
    ("B32 B47", "1-202-555-0143", "usa", "12025550143"),
    ("B32", "+1 202 555 0143", "DE", "12025550143"),
    ("B32", "tel:+1-202-555-0143", None, "12025550143"),
    ("B33", "202-555-0143 ext. 12", "US", "12025550143"),
    ("B33", "+1 202 555 0143;ext=7", None, "12025550143"),
    ("B33", "202-555-0143 x12", "US", "12025550143"),
    ("B36", "011 44 7700 900123", "US", "447700900123"),
    ("B36", "0044 7700 900123", None, "447700900123"),
    ("B36", "+44 (0) 7700 900123", None, "447700900123"),
    ("B36 B47", "07700 900123", "UK", "447700900123"),
    ("B36", "447700900123", "GB", "447700900123"),
    ("B36", "4915112345678", "DE", "4915112345678"),
    ("B37", "+39 06 1234567", None, "39061234567"),
    ("B37 B47", "06 1234567", "Italy", "39061234567"),
    ("B39", "٠٧٧٠٠٩٠٠١٢٣", "GB", "447700900123"),
    ("B39", "＋１２０２５５５０１４３", None, "12025550143"),
]


@pytest.mark.parametrize(("raw", "country", "expected"), listed(ONE_NUMBER))
@pytest.mark.bad_input("B42")
def test_phones_come_to_one_form(raw: str, country: str | None, expected: str) -> None:
    """National, international, trunk and foreign-digit spellings are one number, with a plus where it is wanted."""
    assert normalise_phone(raw, country) == expected
    assert rules.phone_e164().normalise(raw, country) == "+" + expected


NO_NUMBER: list[tuple[str, str | None, str | None]] = [
    ("", None, "US"), ("B02", "", "US"), ("B03", "N/A", "US"), ("B03", "unknown", "US"),
    ("B32", "2025550143", None), ("B32", "2025550143", "nowhere"),
    ("B35", "112", "DE"), ("B35", "12345", "US"), ("B35", "123456", "US"),
    ("B40", "0000000000", "US"), ("B40", "9999999999", "US"), ("B40", "202555014", "US"),
    ("B40", "+1 202 555 0143 0143 0143", None),
    ("B38", "4.915E+11", "DE"), ("B38", "4,915E+11", "DE"), ("B38", "2025550143.0", "US"),
    ("B34", "1-800-FLOWERS", "US"), ("B34", "5551234 home", "US"),
    ("B41", "2025550143 / 2025550144", "US"), ("B41", "+12025550143+12025550144", "US"),
    ("B41", "2025550143;2025550144", "US"), ("", "ann@example.com", "US"),
]  # fmt: skip


@pytest.mark.parametrize(("raw", "country"), listed(NO_NUMBER))
def test_what_is_not_one_number_is_unusable(raw: str | None, country: str | None) -> None:
    """No country, too short or long, spreadsheet damage, letters, two numbers: never guessed at."""
    assert normalise_phone(raw, country) is None


@pytest.mark.bad_input("B32")
def test_a_default_country_reads_national_numbers() -> None:
    """With a default, people without a country are read there; a known country still wins."""
    rule = rules.phone_digits("us")
    assert rule.normalise("2025550143", None) == "12025550143"
    assert rule.normalise("07700 900123", "GB") == "447700900123"
    assert rule.name != rules.phone_digits().name, "another default is another rule: members differ"


OTHERS = [
    ("B43", rules.LAST_NAME, ("O'Neil-Smith",), "oneilsmith"),
    ("B43", rules.FIRST_NAME, ("J. R.",), "jr"),
    ("B43", rules.FIRST_NAME_AS_WRITTEN, ("  Anne  Marie ",), "Anne Marie"),
    ("B44", rules.FIRST_NAME, ("Jose\u0301",), "josé"),
    ("B44", rules.FIRST_NAME, ("李",), "李"),
    ("B44", rules.FIRST_NAME, ("Иван",), "иван"),
    ("B44", rules.FIRST_NAME, ("Ann 👍",), "ann"),
    ("B45", rules.FIRST_NAME, ("",), None),
    ("B45", rules.FIRST_NAME, ("  ",), None),
    ("B45", rules.LAST_NAME, ("...",), None),
    ("B03", rules.LAST_NAME, ("N/A",), None),
    ("", rules.GENDER, ("MALE",), "m"),
    ("", rules.GENDER, ("diverse",), None),
    ("B48", rules.BIRTH_YEAR, ("1980-02-29",), "1980"),
    ("B48", rules.BIRTH_MONTH, ("19800229",), "02"),
    ("B48", rules.BIRTH_DAY, ("1980-02-29T00:00:00",), "29"),
    ("B48", rules.BIRTH_YEAR, ("1981-02-29",), None),
    ("B48", rules.BIRTH_YEAR, ("31.12.1980",), None),
    ("B48", rules.BIRTH_YEAR, ("12/31/1980",), None),
    ("B48", rules.BIRTH_YEAR, ("2999-01-01",), None),
    ("B48", rules.BIRTH_YEAR, ("1899-12-31",), None),
    ("", rules.STATE, ("New South Wales", "AU"), "newsouthwales"),
    ("", rules.STATE, ("District of Columbia", "US"), "dc"),
    ("", rules.STATE, ("Nowhere", "US"), None),
    ("B46", rules.ZIP, ("94105-1234", "US"), "94105"),
    ("B46", rules.ZIP, ("M1 1AE", "UK"), "m11ae"),
    ("B46", rules.ZIP, ("2134", "US"), "02134"),
    ("B46", rules.ZIP, ("2134.0", "US"), "02134"),
    ("B46", rules.ZIP, ("00000", "US"), None),
    ("B46", rules.ZIP, ("ABCDE", "US"), None),
    ("B47", rules.COUNTRY, ("UK",), "gb"),
    ("B47", rules.COUNTRY, ("DEU",), "de"),
    ("B47", rules.COUNTRY, ("Germany",), "de"),
    ("B47", rules.COUNTRY, ("de",), "de"),
    ("B47 B86", rules.COUNTRY, ("NO",), "no"),
    ("B47", rules.COUNTRY, ("u.s.a.",), "us"),
    ("B47", rules.COUNTRY, ("Côte d'Ivoire",), "ci"),
    ("B47", rules.COUNTRY, ("Atlantis",), None),
    ("B49", rules.MADID, ("6D92078A-8246-4BA4-AE5B-76104861E7DC",), "6d92078a-8246-4ba4-ae5b-76104861e7dc"),
    ("B11 B49", rules.MADID, ("6d92078a82464ba4ae5b76104861e7dc",), "6d92078a-8246-4ba4-ae5b-76104861e7dc"),
    ("B49", rules.MADID, ("00000000-0000-0000-0000-000000000000",), None),
    ("B49", rules.MADID, ("6d92078a",), None),
    ("B09", rules.EXTERNAL_ID, (" 000123 ",), "000123"),
    ("B08", rules.EXTERNAL_ID, ("9007199254740993",), "9007199254740993"),
    ("B08", rules.EXTERNAL_ID, ("18446744073709551617",), "18446744073709551617"),
    ("B11", rules.EXTERNAL_ID, ("6D92078A-8246",), "6D92078A-8246"),
    ("B12", rules.EXTERNAL_ID, ("${x};--'",), "${x};--'"),
    ("B12", rules.EXTERNAL_ID, ("{{7*7}}",), "{{7*7}}"),
    ("B12", rules.EXTERNAL_ID, ("a\x00b",), None),
    ("B13", rules.EXTERNAL_ID, ("x" * 256,), None),
]


@pytest.mark.parametrize(
    ("rule", "raw", "expected"),
    listed(OTHERS),
    ids=lambda value: value.name if isinstance(value, Rule) else repr(value)[:40],
)
def test_other_columns(rule: Rule, raw: tuple[str | None, ...], expected: str | None) -> None:
    """Names, dates, places and ids: one spelling, or nothing."""
    assert rule.normalise(*raw) == expected
