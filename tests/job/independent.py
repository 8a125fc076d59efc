"""Who should be where, worked out in plain Python from the tables as they were delivered.

Nothing here is shared with the product but the segments' computed members: consent, suppression and identity are
a second, slower reading of the documented rules.
"""

from __future__ import annotations

import hashlib
import re
import string
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

import duckdb
import phonenumbers

ADS = frozenset({"ads_personalisation", "ads_user_data"})
EMAIL = frozenset({"email_marketing"})
PROFILING = frozenset({"profiling"})

Pair = tuple[str | None, str | None]


@dataclass(frozen=True, slots=True)
class Person:
    """One customer with what a platform could be told about them."""

    id: str
    email: str | None
    phone: str | None
    external_id: str
    purposes: frozenset[str]
    suppressed: bool

    def may(self, purposes: frozenset[str]) -> bool:
        """Whether a payload for these purposes may hold this person."""
        return not self.suppressed and purposes <= self.purposes

    @property
    def hashed(self) -> Pair:
        """E-mail and phone as an ad platform knows them."""
        return digest(self.email), digest(self.phone)


def digest(text: str | None) -> str | None:
    """SHA-256 in hex."""
    return hashlib.sha256(text.encode()).hexdigest() if text else None


def email_of(raw: str | None) -> str | None:
    """Trimmed, lower case; none when it is no address."""
    plain = (raw or "").strip().lower()
    return plain if re.fullmatch(r"[^@\s]+@[^@\s]+\.[a-z]+", plain) else None


def phone_of(raw: str | None, country: str | None) -> str | None:
    """Digits with country code: a possible length, and what the library says of all numbers of that country."""
    if not raw:
        return None
    try:
        parsed = phonenumbers.parse(raw, country)
    except phonenumbers.NumberParseException:
        return None
    region = phonenumbers.region_code_for_country_code(parsed.country_code)
    general = phonenumbers.PhoneMetadata.metadata_for_region(region).general_desc.national_number_pattern
    national = phonenumbers.national_significant_number(parsed)
    if not phonenumbers.is_possible_number(parsed) or not re.fullmatch(general, national):
        return None
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164).removeprefix("+")


def everybody(con: duckdb.DuckDBPyConnection, as_of: date) -> dict[str, Person]:
    """All customers as of the end of a day, by id."""
    customers = con.execute(
        "select customer_id, email, phone, country, external_id from source.customers"
    ).fetchall()
    purposes = _purposes(con, datetime.combine(as_of + timedelta(days=1), time()))
    # Whom a suppression is about: the named customer, or whoever has the address; then all who share with them.
    rows = con.execute("select customer_id, email from source.suppressions").fetchall()
    written = {row[0]: _letters(row[1]) for row in customers}
    phones = {row[0]: _subscriber(row[2]) for row in customers}
    unnamed = {_letters(email) for customer, email in rows if customer is None}
    direct = {customer for customer, _ in rows if customer}
    direct |= {customer for customer, email in written.items() if email in unnamed - {None}}
    blocked = {_letters(email) for _, email in rows} | {written.get(customer) for customer in direct}
    blocked |= {phones.get(customer) for customer in direct}
    blocked -= {None}
    return {
        number: Person(
            number,
            email_of(email),
            phone_of(phone, country),
            external_id or number,
            frozenset(purposes[number]),
            number in direct or written[number] in blocked or phones[number] in blocked,
        )
        for number, email, phone, country, external_id in customers
    }


def _letters(raw: str | None) -> str | None:
    """An address as far as two spellings of it are the same, malformed ones too."""
    return re.sub(r"\s", "", (raw or "").lower()) or None


def _subscriber(raw: str | None) -> str | None:
    """The last ten digits: enough to see that two people share a phone, however it is written."""
    digits = re.sub(r"\D", "", raw or "").lstrip("0")
    return digits[-10:] or None


def _purposes(con: duckdb.DuckDBPyConnection, day_after: datetime) -> dict[str, set[str]]:
    """What each customer has granted and not taken back; a grant of the future is none, a withdrawal always counts."""
    latest: dict[tuple[str, str], tuple[datetime, bool]] = {}
    for customer, purpose, granted, changed_at in con.execute(
        "select customer_id, purpose, granted, changed_at from source.consents"
    ).fetchall():
        if granted and changed_at >= day_after:
            continue
        entry = (changed_at, not granted)
        latest[customer, purpose] = max(latest.get((customer, purpose), entry), entry)
    found: dict[str, set[str]] = defaultdict(set)
    for (customer, purpose), (_, withdrawn) in latest.items():
        if not withdrawn:
            found[customer].add(purpose)
    return found


def members(con: duckdb.DuckDBPyConnection, segment: str, as_of: date) -> list[str]:
    """The customers in a computed segment."""
    rows = con.execute(
        f'select person_id from segment."{segment}" join person_numbers using (person_no) where as_of = ?',
        [as_of],
    ).fetchall()
    return [customer for (customer,) in rows]


def on_meta(people: list[Person]) -> Counter[Pair]:
    """How often each pair of e-mail and phone should be in an audience: once for each person."""
    return Counter(p.hashed for p in people if p.may(ADS) and any(p.hashed))


def on_mailchimp(people: list[Person], contacts: set[str]) -> Counter[str]:
    """The addresses that should have the tag: one that left keeps its state and may be tagged, strangers are not."""
    return Counter({p.email for p in people if p.may(EMAIL) and p.email and p.email in contacts})


def in_files(people: list[Person]) -> Counter[tuple[str | None, ...]]:
    """The external id and the digests that should be in a file, phones with their plus, once for each person."""
    return Counter(
        (p.external_id, digest(p.email), digest(f"+{p.phone}" if p.phone else None))
        for p in people
        if p.may(PROFILING)
    )


def _letters_only(email: str) -> str:
    local, _, domain = email.partition("@")
    return (
        "".join(c for c in local.split("+")[0] if c in string.ascii_lowercase + string.digits) + "@" + domain
    )


def _gmail(email: str) -> str:
    local, _, domain = email.partition("@")
    folded = local.split("+")[0].replace(".", "") if domain in ("gmail.com", "googlemail.com") else local
    return f"{folded}@{domain}"


AD_EMAILS: dict[str, Callable[[str], str]] = {
    **dict.fromkeys(("criteo", "linkedin", "microsoft", "pinterest", "snapchat", "tiktok"), str),
    "google": _gmail,
    "reddit": _letters_only,
}
"""What each ad platform makes of a plain address before it is hashed."""


def on_ads(platform: str, people: list[Person]) -> set[str]:
    """The e-mail digests that should be in an audience of an ad platform besides Meta."""
    made = AD_EMAILS[platform]
    return {str(digest(made(p.email))) for p in people if p.may(ADS) and p.email}


def described(
    con: duckdb.DuckDBPyConnection, columns: dict[str, str], as_of: date
) -> dict[str, dict[str, str | float]]:
    """What is known of each customer on a day, by the tool's field, without what is not known."""
    found: dict[str, dict[str, str | float]] = defaultdict(dict)
    for field, column in columns.items():
        for customer, value in con.execute(
            f"select person_id, {column} from features join person_numbers using (person_no) "
            f"where as_of = ? and {column} is not null",
            [as_of],
        ).fetchall():
            found[customer][field] = value if isinstance(value, str) else float(value)
    return found
