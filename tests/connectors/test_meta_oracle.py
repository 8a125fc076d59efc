"""Our payloads beside those of Meta's official SDK; each listed deviation is one where its documents say otherwise."""

from __future__ import annotations

import pyarrow as pa
import pytest
from facebook_business.adobjects.customaudience import CustomAudience
from hypothesis import given
from hypothesis import strategies as st

from connectors.base import Audience, Batch
from connectors.identity import encode
from connectors.meta import MetaConnector
from connectors.meta.identity import UNHASHED, meta_identity
from connectors.meta.settings import MetaSettings
from connectors.testing import FastTime
from tests.connectors.server import Reply, Scripted

IDENTIFIERS = (
    "EXTERN_ID", "EMAIL", "PHONE", "FN", "LN", "GEN", "DOBY", "DOBM", "DOBD", "CT", "ST", "ZIP", "COUNTRY",
)  # fmt: skip


def settings(url: str = "https://graph.facebook.com", **changes: object) -> MetaSettings:
    return MetaSettings(token="token-of-the-test", ad_account="act_12", base_url=url, **changes)  # type: ignore[arg-type]


def ours(person: dict[str, str]) -> list[str]:
    """The row as the engine makes it from our identity."""
    row = []
    for column in meta_identity(settings(identifiers=IDENTIFIERS)).columns:
        value = column.rule.normalise(*(person.get(name) for name in column.rule.inputs))
        row.append(encode(value, column.encoding) if value else "")
    return row


def theirs(schema: tuple[str, ...], raw: list[str]) -> list[str]:
    """The row as the SDK makes it from raw values."""
    found: list[str] = CustomAudience.format_params(list(schema), [raw], is_raw=True)["payload"]["data"][0]
    return found


words = st.text("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ", min_size=1, max_size=12).filter(
    lambda word: word.lower() not in {"null", "none", "nan", "nil", "undefined", "unknown"}
)
people = st.fixed_dictionaries(
    {
        "external_id": st.from_regex(r"\Acrm-[0-9]{1,8}\Z"),
        "email": st.builds(lambda a, b: f" {a}+{b}@example.com", words, words),
        "phone": st.from_regex(r"\A\+1 \(2[0-9]{2}\) 555-01[0-9]{2}\Z"),
        "first_name": st.builds("{}-{}".format, words, words),
        "last_name": st.builds("O'{} ".format, words),
        "gender": st.sampled_from(["m", "F", "Male", "female"]),
        "birth": st.dates(),
        "city": st.builds("St. {}".format, words),
        "state": st.sampled_from(["CA", "ny", "Tx"]),
        "postal_code": st.from_regex(r"\A[1-9][0-9]{4}(-[0-9]{4})?\Z"),
        "country": st.sampled_from(["US", "us"]),
    }
)


@pytest.mark.privacy("P21")
@given(people)
def test_plain_people_hash_as_the_sdk_hashes_them(person: dict[str, object]) -> None:
    """For ASCII people every cell equals the official SDK's."""
    birth = person.pop("birth")
    values = {name: str(value) for name, value in person.items()}
    usable = birth.year >= 1900 and birth.year < 2026  # type: ignore[attr-defined]
    values["birth_date"] = birth.isoformat()  # type: ignore[attr-defined]
    raw = [
        values["external_id"], values["email"], values["phone"], values["first_name"], values["last_name"],
        values["gender"], f"{birth:%Y}", f"{birth:%m}", f"{birth:%d}", values["city"], values["state"],
        values["postal_code"], values["country"],
    ]  # fmt: skip
    mine, sdk = ours(values), theirs(IDENTIFIERS, raw)
    if not usable:
        mine[6:9] = sdk[6:9]
    assert mine == sdk


@pytest.mark.parametrize(
    ("key", "raw", "person", "why"),
    [
        ("FN", "José", {"first_name": "José"}, "letters beyond a-z are kept"),
        ("ZIP", "M1 1AE", {"postal_code": "M1 1AE", "country": "GB"}, "no white space inside"),
        ("ST", "California", {"state": "California", "country": "US"}, "names become codes"),
        ("PHONE", "+44 (0) 7911 123456", {"phone": "+44 (0) 7911 123456"}, "the trunk 0 goes"),
        ("EMAIL", ".ann@example.com", {"email": ".ann@example.com"}, "an outer dot is an error, not dirt"),
    ],
)
def test_deviations_from_the_sdk_are_these(key: str, raw: str, person: dict[str, str], why: str) -> None:
    """Where Meta's documents and its SDK differ, the documents win."""
    assert ours(person)[IDENTIFIERS.index(key)] != theirs((key,), [raw])[0], why


def test_advertising_ids_are_not_hashed_though_the_sdk_does() -> None:
    """The SDK hashes MADID in a list schema; Meta's guide says never to."""
    assert "MADID" in UNHASHED
    assert len(theirs(("MADID",), ["6d92078a-8246-4ba4-ae5b-76104861e7dc"])[0]) == 64


def test_a_request_is_what_the_sdk_would_send(server: Scripted) -> None:
    """Schema, is_raw, data and session have the SDK's form and place; the empty cell is an empty text."""
    server.answers(Reply(body={"num_received": 2, "num_invalid_entries": 0}))
    connector = MetaConnector("meta", settings(server.url, identifiers=("EMAIL", "PHONE")))
    connector.http.use_clock(FastTime().clock)
    rows = [["a" * 64, "b" * 64], ["c" * 64, None]]
    table = pa.table({"EMAIL": [r[0] for r in rows], "PHONE": pa.array([r[1] for r in rows], pa.string())})
    batch = Batch("01JD000000000000000000000A", "add", 1, 1, 2)
    connector.add(Audience("120210000000000001", "x"), table, batch)
    sent = server.seen[0]
    body = sent.json
    assert isinstance(body, dict)
    session = body.pop("session")
    expected = CustomAudience.format_params(
        ["EMAIL", "PHONE"], [["a" * 64, "b" * 64], ["c" * 64, ""]], is_raw=True, pre_hashed=True
    )
    assert body == expected
    assert (sent.method, sent.path) == ("POST", "/v26.0/120210000000000001/users")
    assert sent.headers["Authorization"] == "Bearer token-of-the-test"
    assert 0 < session.pop("session_id") < 2**53
    assert session == {"batch_seq": 1, "last_batch_flag": True, "estimated_num_total": 2}
