"""What a colleague does in Mailchimp's own pages, behind Turnout's back."""

from __future__ import annotations

from dataclasses import dataclass

import requests

from connectors.sandbox import SANDBOX_MAILCHIMP_KEY, SANDBOX_MAILCHIMP_LIST, SandboxServer


@dataclass
class ToolPages:
    """One tag of the sandboxed Mailchimp, changed by hand."""

    sandbox: SandboxServer
    tag: str = "Buyers"

    @property
    def tag_id(self) -> str:
        """The tag's id."""
        return self.sandbox.state.audience("mailchimp", self.tag).id

    def put_in(self, *emails: str) -> None:
        """Give contacts the tag; whom the list does not have is made a subscriber first."""
        self.sandbox.state.put_contacts(emails)
        self._edit(members_to_add=list(emails))

    def take_out(self, *emails: str) -> None:
        """Take the tag from contacts."""
        self._edit(members_to_remove=list(emails))

    def members(self) -> set[str]:
        """Who has the tag."""
        return set(self.sandbox.state.mailchimp_members(self.tag_id))

    def _edit(self, **change: list[str]) -> None:
        for kind, emails in change.items():
            for start in range(0, len(emails), 500):
                answer = requests.post(
                    f"{self.sandbox.mailchimp_url}/lists/{SANDBOX_MAILCHIMP_LIST}/segments/{self.tag_id}",
                    json={kind: emails[start : start + 500]},
                    auth=("colleague", SANDBOX_MAILCHIMP_KEY),
                    timeout=30,
                )
                assert answer.status_code == 200, answer.text
                assert answer.json()["error_count"] == 0
