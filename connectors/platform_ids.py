"""Ids that platforms give: kept, put into addresses and shown, so they are looked at before they are believed."""

from __future__ import annotations

import re

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:-]{0,127}")
_REFERENCE = re.compile(r"[A-Za-z0-9_.:=+/-]{1,512}")


def platform_id(value: object) -> str | None:
    """The id as text; None for anything that cannot be one, such as a broken answer's text, a list or nothing.

    Letters, digits, ``_ . : -``: an id of another form could change the address it becomes a part of.
    """
    if isinstance(value, bool) or not isinstance(value, int | str):
        return None
    text = str(value)
    return text if _ID.fullmatch(text) else None


def opaque_reference(value: object) -> str | None:
    """What a platform gave to ask about a request later, in its own code; None for anything that cannot be one.

    Longer than an id, and with the marks of base64: it must only become a parameter that is encoded, never a path.
    """
    return value if isinstance(value, str) and _REFERENCE.fullmatch(value) else None
