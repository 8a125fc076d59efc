"""People and secrets that exist nowhere else, in every form in which they could leak."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

STEM = "qvz"
"""In every canary text, so that whatever is cut, quoted, encoded or re-cased around it is still found."""

TOKEN = f"EAAB{STEM}Token0that0opens0nothing00000000"
API_KEY = f"{STEM}00000000000000000000000000-us1"
PACKED_KEY = base64.b64encode(f"turnout:{API_KEY}".encode()).decode()
"""As it travels in the header."""
DATABASE = f"postgresql://reader:{STEM}-password@127.0.0.1:1/shop"
WEBHOOK = f"http://127.0.0.1:1/{STEM}-hook"


@dataclass(frozen=True, slots=True)
class Canary:
    """One invented person, as the shop's systems have them."""

    number: int

    @property
    def id(self) -> str:
        """Id in the shop's systems; pages show the first characters of one, so the canary sings later."""
        return f"cust{self.number:04}-{STEM}-{self.number:04}"

    @property
    def email(self) -> str:
        """As written: capitals, blanks and a plus tag."""
        return f" {STEM.title()}.Anna{self.number:04}+News@Example.com "

    @property
    def phone(self) -> str:
        """As written, in the range reserved for fiction."""
        return f"+1 ({202 + self.number // 100}) 555-01{self.number % 100:02}"

    @property
    def first_name(self) -> str:
        """As written."""
        return f"{STEM.title()}anna{self.letters}"

    @property
    def last_name(self) -> str:
        """As written."""
        return f"O'{STEM.title()}neil-{self.letters}"

    @property
    def letters(self) -> str:
        """The number in letters: names have no digits."""
        return "".join("abcdefghij"[int(digit)] for digit in f"{self.number:04}")

    @property
    def digits(self) -> str:
        """The phone number as platforms want it."""
        return "".join(c for c in self.phone if c.isdigit())

    def texts(self) -> Iterator[str]:
        """Every text whose digest some platform takes, and the texts as written."""
        address = self.email.strip().lower()
        names = [self.first_name.lower(), "".join(c for c in self.last_name.lower() if c.isalpha())]
        yield from (self.id, self.id.lower(), self.email, address, address.replace("+news", ""))
        yield from (self.phone, self.digits, f"+{self.digits}", self.digits[1:], *names)


def digests(text: str) -> Iterator[str]:
    """The digests of a text in the spellings in which they travel: hex (lower case) and base64."""
    raw = text.encode()
    sha256 = hashlib.sha256(raw).digest()
    yield sha256.hex()
    yield sha256.hex()[:32]  # as keys are cut
    yield base64.b64encode(sha256).decode()
    yield base64.urlsafe_b64encode(sha256).decode()
    yield hashlib.md5(raw, usedforsecurity=False).hexdigest()
    yield hashlib.sha1(raw, usedforsecurity=False).hexdigest()
