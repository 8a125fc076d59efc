"""Debug lines of the HTTP library without people: some platforms name a person in the path of a request."""

from __future__ import annotations

import logging
import re

_DIGEST = re.compile(r"[0-9A-Fa-f]{32,}")
_ADDRESS = re.compile(r"[^/?&=\s\"]+(?:@|%40)[^/?&=\s\"]+")


class _WithoutPeople(logging.Filter):
    """Masks digests and addresses in whatever a line is made of."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Every line passes, masked."""
        if isinstance(record.args, tuple):
            record.args = tuple(_masked(part) if isinstance(part, str) else part for part in record.args)
        return True


_FILTER = _WithoutPeople()


def keep_people_out() -> None:
    """Let the HTTP library's own log lines pass the mask. Doing it again changes nothing."""
    logging.getLogger("urllib3.connectionpool").addFilter(_FILTER)


def _masked(text: str) -> str:
    return _ADDRESS.sub("[address]", _DIGEST.sub("[digest]", text))
