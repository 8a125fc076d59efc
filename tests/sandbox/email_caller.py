"""Plain HTTP to an email tool of the sandbox; it knows nothing of our connectors."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import requests

from connectors.sandbox import SandboxServer
from connectors.sandbox.email.people import ConsentChange, Known
from connectors.sandbox.faults.reading import parse_faults


@dataclass
class EmailCaller:
    """One tool of one sandbox, with these headers on every call."""

    sandbox: SandboxServer
    tool: str
    headers: dict[str, str]
    session: requests.Session = field(default_factory=requests.Session)

    def __post_init__(self) -> None:
        self.session.headers.update(self.headers)

    def call(self, method: str, path: str, **options: Any) -> requests.Response:
        return self.session.request(method, self.sandbox.url_of(self.tool) + path, timeout=30, **options)

    def people(self) -> dict[str | None, Known]:
        """Everybody by address."""
        return {person.email: person for person in self.sandbox.state.email.people(self.tool)}

    def put(self, email: str | None, consent: str = "unknown", **more: str) -> str:
        """Somebody whom the tool knew before; returns the id."""
        state = self.sandbox.state.email
        return state.put_person(self.tool, email, consent, **more).id  # type: ignore[arg-type]

    def consent(self, person: str, channel: str = "email") -> str:
        return self.sandbox.state.email.consent(self.tool, person, channel)

    def members(self, audience: str) -> list[str | None]:
        """Addresses, in the order they came."""
        return [person.email for person in self.sandbox.state.email.members(self.tool, audience)]

    def widened(self) -> list[ConsentChange]:
        return self.sandbox.state.email.widened(self.tool)

    def fault(self, **rule: object) -> None:
        """The only rule in force, for this tool."""
        self.sandbox.faults.replace(parse_faults([{"platform": self.tool, **rule}]))

    def switch(self, **changes: object) -> None:
        self.sandbox.state.set_switches(**changes)

    def allow(self, requests_a_minute: int) -> None:
        """So many requests, from the start of a minute."""
        self.switch(email_requests_per_minute=requests_a_minute)
        self.sandbox.advance_clock(60 - self.sandbox.state.now() % 60)
