"""The last look at every request to an email tool before it leaves: nobody's consent is ever touched.

A tool declares all calls that an audience sync needs, the fields that must be nowhere in a request, and those that may
hold one value alone. `connectors.http.Http` asks the guard for every attempt, so no connector can pass it by.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from connectors.base import Refused


class ForbiddenRequest(Refused):
    """A connector was about to do what it must never do. Nothing was sent."""


@dataclass(frozen=True, slots=True)
class Request:
    """A request as the guard sees it."""

    method: str
    path: str
    body: object = None
    query: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Call:
    """One kind of request that is needed."""

    method: str
    path: str
    """Regular expression for the whole path, without the query."""
    must: Mapping[str, object] = field(default_factory=dict)
    """Fields that must stand in the body, at its top, with this value."""
    asks: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Of a question, which changes nothing: query parameters named like a field that must never be sent, each with the
    values that may be asked for."""

    def allows(self, request: Request) -> bool:
        """Whether it is this kind of request, whatever it holds."""
        return self.method == request.method and bool(re.fullmatch(self.path, request.path))


def nothing_packed(request: Request) -> Iterable[Request]:
    """The tool has no requests that carry other requests."""
    return ()


@dataclass(frozen=True, slots=True)
class ConsentGuard:
    """What may leave for one tool."""

    title: str
    calls: tuple[Call, ...]
    """All that is ever called; what subscribes, unsubscribes, suppresses or deletes people is not among them."""
    never: frozenset[str]
    """Fields that must be nowhere in query or body, however deep, in whatever case: they change what somebody agreed
    to, or what is sent to them."""
    only: Mapping[str, frozenset[object]] = field(default_factory=dict)
    """Fields that may hold these values alone, wherever they stand."""
    packed: Callable[[Request], Iterable[Request]] = nothing_packed
    """The requests that one carries inside, each looked at as strictly."""
    never_starting: tuple[str, ...] = ()
    """How names of forbidden fields begin, where a tool has one for every list, brand or purpose; in lower case."""

    def check(self, method: str, path: str, query: Mapping[str, str] | None, body: object) -> None:
        """Raise ForbiddenRequest unless the request may leave."""
        self._look_at(Request(method, path, body, query or {}))

    def forbids_field(self, name: str) -> bool:
        """Whether no request may set a field of this name."""
        return self._is_forbidden(name, self._forbidden) or name in self.only

    @property
    def _forbidden(self) -> frozenset[str]:
        return frozenset(name.casefold() for name in self.never)

    def _is_forbidden(self, name: str, forbidden: frozenset[str]) -> bool:
        return name.casefold() in forbidden or name.casefold().startswith(self.never_starting)

    def _look_at(self, request: Request) -> None:
        call = next((call for call in self.calls if call.allows(request)), None)
        if call is None:
            raise ForbiddenRequest(
                f"{self.title}: {request.method} on this endpoint is not part of an audience sync"
            )
        forbidden = self._forbidden
        query = {name: value for name, value in request.query.items() if not _is_asked(call, name, value)}
        for name, value in fields_in({**query, "": request.body}):
            if self._is_forbidden(name, forbidden):
                raise ForbiddenRequest(f"{self.title}: the field {name!r} must never be sent")
            if name in self.only and not _among(value, self.only[name]):
                raise ForbiddenRequest(f"{self.title}: the field {name!r} must not hold this value")
        body = request.body if isinstance(request.body, dict) else {}
        for name, value in call.must.items():
            if name not in body or not _among(body[name], (value,)):
                raise ForbiddenRequest(f"{self.title}: the field {name!r} must be sent with another value")
        for inner in self.packed(request):
            self._look_at(inner)


def _is_asked(call: Call, name: str, value: str) -> bool:
    return call.method == "GET" and value in call.asks.get(name, ())


def fields_in(value: object) -> Iterator[tuple[str, object]]:
    """Every field of a JSON value, at any depth."""
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield str(name), inner
            yield from fields_in(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from fields_in(inner)


def _among(value: object, allowed: Iterable[object]) -> bool:
    """Equal and of the same type: True is not 1 here."""
    return any(type(value) is type(one) and value == one for one in allowed)
