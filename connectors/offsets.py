"""Reading a listing to its end where each page is counted off anew, so that people move up when others leave."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

from connectors.base import Refused

MOST_BEGINNINGS = 4

Item = TypeVar("Item", bound=Mapping[str, Any])


def walk(
    page_at: Callable[[int], Sequence[Item]], size: int, overlap: int, title: str
) -> Iterator[Sequence[Item]]:
    """All that is listed, ``size`` a page, some of it twice; everything has an ``id``.

    A page begins within the one before; when it shows nothing of it, more have left than that, and everything is read
    again. Raises Refused when the listing does not hold still.
    """
    offset, shown, beginnings = 0, frozenset[str](), 1
    while True:
        page = page_at(offset)
        ids = [str(one.get("id")) for one in page]
        if offset and shown.isdisjoint(ids[:overlap]):
            if beginnings == MOST_BEGINNINGS:
                raise Refused(f"{title}: people change faster than they are listed; ask again later")
            offset, beginnings = 0, beginnings + 1
            continue
        yield page
        if len(page) < size:
            return
        offset, shown = offset + size - overlap, frozenset(ids)
