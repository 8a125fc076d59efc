"""A seal over a document, so that what is applied is what was reviewed.

Without a key the seal finds accidents: a line that an editor, a merge or a mail program changed. With a key
(``TURNOUT_SEAL_KEY``) nobody without it can make or change a document that is accepted.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Any

from pydantic import SecretStr

PLAIN, KEYED = "sha256", "hmac-sha256"


class BrokenSeal(Exception):
    """The document is not the one that was sealed; the sentence says how that is known."""


def sealed(document: Mapping[str, Any], key: SecretStr | None) -> dict[str, Any]:
    """The document with its seal, as a last entry ``seal``."""
    word = KEYED if key else PLAIN
    return {**document, "seal": f"{word}:{_digest(document, word, key)}"}


def opened(document: Mapping[str, Any], key: SecretStr | None) -> tuple[dict[str, Any], str]:
    """The document without its seal, and the seal.

    Raises BrokenSeal when it was changed, or sealed with another key, with none where there is one, or the reverse.
    """
    content = dict(document)
    seal = content.pop("seal", None)
    word, _, digest = seal.partition(":") if isinstance(seal, str) else ("", "", "")
    if word not in (PLAIN, KEYED):
        raise BrokenSeal("it has no seal; only what turnout plan -o wrote can be applied")
    if word == KEYED and key is None:
        raise BrokenSeal("it is sealed with a key: set TURNOUT_SEAL_KEY to the same as where it was made")
    if word == PLAIN and key is not None:
        raise BrokenSeal(
            "it is sealed without a key, and TURNOUT_SEAL_KEY is set here: make it anew with the key"
        )
    if not hmac.compare_digest(_digest(content, word, key), digest):
        other = " or was sealed with another key" if key else ""
        raise BrokenSeal(f"it was changed after it was sealed{other}: make it anew, never edit it")
    return content, str(seal)


def derived(salt: str, key: SecretStr | None) -> str:
    """What a plan's member digests are made with: of no use to anybody who lacks the key, where there is one."""
    if key is None:
        return hashlib.sha256(salt.encode()).hexdigest()
    return hmac.new(_secret(key), b"members:" + salt.encode(), hashlib.sha256).hexdigest()


def _digest(document: Mapping[str, Any], word: str, key: SecretStr | None) -> str:
    text = canonical(document).encode()
    if word == KEYED and key is not None:
        return hmac.new(_secret(key), text, hashlib.sha256).hexdigest()
    return hashlib.sha256(text).hexdigest()


def canonical(document: Mapping[str, Any]) -> str:
    """JSON in which the same content has one form: keys sorted, no spaces, ASCII."""
    return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)


def _secret(key: SecretStr) -> bytes:
    return key.get_secret_value().encode()
