"""What of a platform's answer may be shown: enough to act on, never an identifier or a credential."""

from __future__ import annotations

import re
from collections.abc import Iterable

MAX_LENGTH = 240
SHORTEST_VALUE = 3
"""Shorter values (countries, genders) name nobody, and would mask parts of other words."""

_ADDRESS = re.compile(r"[^\s@<>\"'(),;:]+@[^\s@<>\"'(),;:]+")
_DIGEST = re.compile(r"\b[0-9A-Fa-f]{32,}\b")
_TOKEN = re.compile(r"[A-Za-z0-9_-]{40,}")
_NUMBER = re.compile(r"\+?\d[\d ().-]{6,}\d")


def redact(text: str, secrets: Iterable[str] = (), sent: Iterable[str] = ()) -> str:
    """One bounded line of ``text`` in which addresses, digests, tokens and long numbers are masked.

    ``sent``: the values of the request that ``text`` answers; a plain id or name looks like any word otherwise.
    """
    for secret in secrets:
        if secret:
            text = text.replace(secret, "[secret]")
    for value in sent:
        if len(value) >= SHORTEST_VALUE and value.lower() in text.lower():
            text = re.sub(re.escape(value), "[value]", text, flags=re.IGNORECASE)
    text = _ADDRESS.sub("[address]", text)
    text = _DIGEST.sub("[digest]", text)
    text = _TOKEN.sub("[token]", text)
    text = _NUMBER.sub("[number]", text)
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return line if len(line) <= MAX_LENGTH else line[:MAX_LENGTH] + "…"
