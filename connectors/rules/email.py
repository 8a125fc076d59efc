"""E-mail addresses by the plain rule (trim, lower-case, keep dots and plus tags), and the rules that go on from it.

The plain rule is that of Meta, Snapchat, X, Microsoft, Pinterest, Criteo and every e-mail tool. The others are named
after what they do besides: for one raw address several digests are correct.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from functools import partial

import idna

from connectors.identity import FastPath, Rule
from connectors.rules.text import MAX_LENGTH, clean, listed, quoted, trimmed

MAX_LOCAL = 64
MAX_TOTAL = 254
"""Octets, RFC 5321 4.5.3.1 and RFC 3696 erratum 1690."""

_PLACEHOLDERS = frozenset(
    f"{local}@{domain}"
    for local, domain in [
        ("test", "test.com"),
        ("none", "none.com"),
        ("no", "no.com"),
        ("no", "email.com"),
        ("na", "na.com"),
        ("null", "null.com"),
        ("email", "email.com"),
        ("noemail", "noemail.com"),
        ("a", "a.com"),
    ]
)

# RFC 5322 atext, and any letter, mark or digit beyond ASCII (RFC 6531).
_ATOM = r"(?:[a-z0-9!#$%&'*+/=?^_`{|}~-]|[^\x00-\x7f\s])+"
_LOCAL = re.compile(rf"{_ATOM}(?:\.{_ATOM})*")
_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_TOP_LEVEL = re.compile(r"[a-z]{2,63}|xn--[a-z0-9-]{2,59}")
_DISPLAY_NAME = re.compile(r"[^<>@]*<([^<>]+)>")


def normalise_email(raw: str | None) -> str | None:
    """One address in lower case with its domain in ASCII (punycode) form; None when it is not one address."""
    text = clean(raw)
    if text is None:
        return None
    named = _DISPLAY_NAME.fullmatch(text)
    if named:
        text = named[1].strip()
    text = unicodedata.normalize("NFC", text.lower())
    local, at, domain = text.partition("@")
    if not at or not _LOCAL.fullmatch(local) or len(local.encode()) > MAX_LOCAL:
        return None
    host = _ascii_domain(domain.removesuffix("."))
    if host is None or len(local.encode()) + 1 + len(host) > MAX_TOTAL:
        return None
    address = f"{local}@{host}"
    return None if address in _PLACEHOLDERS else address


def _ascii_domain(domain: str) -> str | None:
    """The domain's one form for hashing, None when it cannot receive mail."""
    if not domain.isascii() or "xn--" in domain:
        try:
            domain = idna.encode(domain, uts46=True).decode()
        except (idna.IDNAError, UnicodeError):
            return None
    labels = domain.split(".")
    whole = len(labels) > 1 and len(domain) <= MAX_TOTAL and all(_LABEL.fullmatch(label) for label in labels)
    return domain if whole and _TOP_LEVEL.fullmatch(labels[-1]) else None


# At most 64 characters in all, so that no length limit can be passed; no "xn--" because labels hold single hyphens.
_PLAIN = (
    r"[A-Za-z0-9_%+'-]+(?:[.][A-Za-z0-9_%+'-]+)*"
    r"@(?:[A-Za-z0-9]+(?:-[A-Za-z0-9]+)*[.])+[A-Za-z]{2,24}"
)
_SPACE = "[ \\t\\r\\n]*"
# Trimming costs more than matching, so only values that begin or end with something blank are trimmed.
_VALUE = (
    f"lower(case when left(email, 1) <= ' ' or right(email, 1) <= ' ' then {trimmed('email')} else email end)"
)

GMAIL_DOMAINS = ("gmail.com", "googlemail.com")
"""Where dots and plus tags of the local part mean nothing (Google's formatting guide)."""

Step = Callable[[str, str], str]
"""From local part and domain to another local part; empty when nothing is left of it."""


def _fold_gmail(local: str, domain: str) -> str:
    return local.split("+")[0].replace(".", "") if domain in GMAIL_DOMAINS else local


def _fold_letters(local: str, _: str) -> str:
    return re.sub(r"[^a-z0-9]", "", local.split("+")[0])


def _spaceless(raw: str | None, step: Step | None = None) -> str | None:
    """As ``normalise_email``, but white space inside is dropped; then one more step for the local part."""
    if raw is None or len(raw) > MAX_LENGTH:
        return None
    address = normalise_email("".join(raw.split()))
    if address is None or step is None:
        return address
    local, _, domain = address.rpartition("@")
    folded = step(local, domain)
    return f"{folded}@{domain}" if folded else None


_WHEN = (
    f"(email is null or (length(email) <= 64 and regexp_full_match(email, {quoted(_SPACE + _PLAIN + _SPACE)})"
    f" and {_VALUE} not in {listed(_PLACEHOLDERS)}))"
)
_LOCAL_PART, _DOMAIN = f"split_part({_VALUE}, '@', 1)", f"split_part({_VALUE}, '@', 2)"
_UNTAGGED = f"split_part({_LOCAL_PART}, '+', 1)"
_WITHOUT_DOTS = f"replace({_UNTAGGED}, '.', '')"


def _folded(local: str) -> str:
    """SQL for an address whose local part is this expression; null when nothing is left of it."""
    return f"nullif({local}, '') || '@' || {_DOMAIN}"


_DIGEST = re.compile(r"[0-9a-f]{64}")


def normalise_digest(raw: str | None) -> str | None:
    """A SHA-256 digest in lower-case hex; None for anything else."""
    text = clean(raw)
    lower = text.lower() if text is not None else ""
    return lower if _DIGEST.fullmatch(lower) else None


EMAIL_DIGEST = Rule(
    "email_digest",
    1,
    ("email_sha256",),
    normalise_digest,
    FastPath(
        "(email_sha256 is null or regexp_full_match(email_sha256, '[0-9a-fA-F]{64}'))", "lower(email_sha256)"
    ),
)
"""Addresses that a source has trimmed, lower-cased and hashed: right where the platform's rule is the plain one."""

EMAIL = Rule("email", 1, ("email",), normalise_email, FastPath(_WHEN, _VALUE), hashed=EMAIL_DIGEST)
"""Trim and lower-case."""

EMAIL_SPACELESS = Rule("email_spaceless", 1, ("email",), _spaceless, FastPath(_WHEN, _VALUE))
"""Drop all white space, lower-case (TikTok, LinkedIn)."""

EMAIL_GMAIL = Rule(
    "email_gmail",
    1,
    ("email",),
    partial(_spaceless, step=_fold_gmail),
    FastPath(
        _WHEN,
        f"case when {_DOMAIN} in {listed(GMAIL_DOMAINS)} then {_folded(_WITHOUT_DOTS)} else {_VALUE} end",
    ),
)
"""Drop white space, lower-case; for Gmail's two domains also dots and the plus tag (Google's Data Manager)."""

EMAIL_LETTERS = Rule(
    "email_letters",
    1,
    ("email",),
    partial(_spaceless, step=_fold_letters),
    FastPath(_WHEN, _folded(f"regexp_replace({_UNTAGGED}, '[^a-z0-9]', '', 'g')")),
)
"""For every domain, of the local part nothing but letters and digits before the plus tag (Reddit)."""
