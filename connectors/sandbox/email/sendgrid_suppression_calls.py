"""SendGrid's suppressions: who left, bounced or complained, and the calls that put people there or take them off."""

from __future__ import annotations

import re

from connectors.sandbox.email import suppressions
from connectors.sandbox.email.platform import Context, Refusal, Routes
from connectors.sandbox.email.sendgrid_account import SendGridAccount
from connectors.sandbox.email.sendgrid_bodies import LiftBody, RecipientsBody
from connectors.sandbox.email.sendgrid_contacts import EMAIL, UNSUBSCRIBES
from connectors.sandbox.email.sendgrid_words import error, errors
from connectors.sandbox.wire import Json, Reply, json_reply

GROUP: dict[str, Json] = {
    "id": 101,
    "name": "Newsletter",
    "description": "What the newsletter sends.",
    "is_default": True,
}
"""The one group that people can leave."""
PAGE = 500
_DETAILS: dict[str, dict[str, Json]] = {
    UNSUBSCRIBES: {},
    "blocks": {"reason": "550 blocked", "status": "5.5.0"},
    "bounces": {"reason": "550 5.1.1 unknown user", "status": "5.1.1"},
    "invalid_emails": {"reason": "Mail domain mentioned in email address is unknown"},
    "spam_reports": {"ip": "192.0.2.1"},
}
"""By kind, what is told of each address besides the moment."""


class SuppressionCalls(SendGridAccount):
    """Lists of addresses that get nothing."""

    @property
    def suppression_routes(self) -> Routes:
        """All calls about suppressions."""
        globally, group = "/v3/asm/suppressions/global", "/v3/asm/groups/([0-9]+)/suppressions"
        kind = "/v3/suppression/(blocks|bounces|invalid_emails|spam_reports)"
        return (
            ("POST", re.compile(globally), self.suppress_globally),
            ("GET", re.compile(globally + "/([^/]+)"), self.read_global),
            ("DELETE", re.compile(globally + "/([^/]+)"), self.lift_global),
            ("GET", re.compile(f"/v3/suppression/({UNSUBSCRIBES})"), self.list_kind),
            ("GET", re.compile(kind), self.list_kind),
            ("DELETE", re.compile(kind), self.lift_many),
            ("GET", re.compile(kind + "/([^/]+)"), self.read_kind),
            ("DELETE", re.compile(kind + "/([^/]+)"), self.lift_one),
            ("GET", re.compile("/v3/asm/groups"), self.list_groups),
            ("GET", re.compile(group), self.list_group),
            ("POST", re.compile(group), self.suppress_in_group),
            ("DELETE", re.compile(group + "/([^/]+)"), self.lift_in_group),
        )

    # --- who left everything ---------------------------------------------------------------------------------

    def suppress_globally(self, context: Context) -> Reply:
        """``POST /v3/asm/suppressions/global``."""
        return self._suppress(context, UNSUBSCRIBES)

    def read_global(self, context: Context, email: str) -> Reply:
        """``GET /v3/asm/suppressions/global/{email}``: an empty object for who gets everything."""
        is_on = email.lower() in dict(self._listed(context, UNSUBSCRIBES))
        content = {"recipient_email": email.lower()} if is_on else {}
        return json_reply(content, outcome="suppressed" if is_on else "not suppressed")

    def lift_global(self, context: Context, email: str) -> Reply:
        """``DELETE /v3/asm/suppressions/global/{email}``: written to again."""
        return self._lift(context, UNSUBSCRIBES, [email])

    # --- by kind ---------------------------------------------------------------------------------------------

    def list_kind(self, context: Context, kind: str) -> Reply:
        """``GET /v3/suppression/{kind}``, by ``limit`` and ``offset``, within a time, or by how addresses begin."""
        query = context.call.query
        numbers = {
            "limit": PAGE,
            "offset": 0,
            "start_time": 0,
            "end_time": 9_999_999_999,
        }
        for name in numbers:
            given = query.get(name, str(numbers[name]))
            if not re.fullmatch(r"[0-9]{1,10}", given):
                raise Refusal(errors([error("must be a number", name)]))
            numbers[name] = int(given)
        if not 1 <= numbers["limit"] <= PAGE:
            raise Refusal(errors([error(f"must be between 1 and {PAGE}", "limit")]))
        found: list[Json] = [
            {"created": int(at), "email": email, **_DETAILS[kind]}
            for email, at in self._listed(context, kind)
            if numbers["start_time"] <= int(at) <= numbers["end_time"]
            and email.startswith(query.get("email", "").strip("%").lower())
        ]
        page = found[numbers["offset"] : numbers["offset"] + numbers["limit"]]
        return json_reply(page, outcome=f"{len(page)} of {kind}")

    def read_kind(self, context: Context, kind: str, email: str) -> Reply:
        """``GET /v3/suppression/{kind}/{email}``: an empty list for who is not on it."""
        found: list[Json] = [
            {"created": int(at), "email": one, **_DETAILS[kind]}
            for one, at in self._listed(context, kind)
            if one == email.lower()
        ]
        return json_reply(found, outcome=f"{len(found)} of {kind}")

    def lift_one(self, context: Context, kind: str, email: str) -> Reply:
        """``DELETE /v3/suppression/{kind}/{email}``."""
        return self._lift(context, kind, [email])

    def lift_many(self, context: Context, kind: str) -> Reply:
        """``DELETE /v3/suppression/{kind}``, with a body: some, or all."""
        wish = self.read(context.call, LiftBody)
        if wish.delete_all == bool(wish.emails):
            raise Refusal(errors([error("either delete_all or emails must be set")]))
        return self._lift(
            context,
            kind,
            wish.emails or [email for email, _ in self._listed(context, kind)],
        )

    # --- by group --------------------------------------------------------------------------------------------

    def list_groups(self, context: Context) -> Reply:
        """``GET /v3/asm/groups``."""
        size = len(self._listed(context, _channel(str(GROUP["id"]))))
        return json_reply([{**GROUP, "unsubscribes": size}], outcome="1 group")

    def list_group(self, context: Context, group: str) -> Reply:
        """``GET /v3/asm/groups/{id}/suppressions``."""
        found = [email for email, _ in self._listed(context, _channel(group))]
        return json_reply(found, outcome=f"{len(found)} of the group")

    def suppress_in_group(self, context: Context, group: str) -> Reply:
        """``POST /v3/asm/groups/{id}/suppressions``: from everything, where there is no such group."""
        return self._suppress(context, _channel(group) if int(group) == GROUP["id"] else UNSUBSCRIBES)

    def lift_in_group(self, context: Context, group: str, email: str) -> Reply:
        """``DELETE /v3/asm/groups/{id}/suppressions/{email}``."""
        return self._lift(context, _channel(group), [email])

    # --- all of them -----------------------------------------------------------------------------------------

    def _listed(self, context: Context, kind: str) -> list[tuple[str, float]]:
        return suppressions.listed(context.db, self.platform, kind, _consented(kind))

    def _suppress(self, context: Context, kind: str) -> Reply:
        emails = self.read(context.call, RecipientsBody).recipient_emails
        if not all(EMAIL.fullmatch(email) for email in emails):
            raise Refusal(errors([error("an address is not valid", "recipient_emails")]))
        for email in emails:
            suppressions.add(context.db, self.platform, email, kind, context.call.number, _consented(kind))
        shown = [email.lower() for email in emails]
        return json_reply({"recipient_emails": shown}, status=201, outcome=f"{len(shown)} suppressed")

    def _lift(self, context: Context, kind: str, emails: list[str]) -> Reply:
        lifted = sum(
            suppressions.lift(context.db, self.platform, email, kind, context.call.number, _consented(kind))
            for email in emails
        )
        return Reply(204, outcome=f"{lifted} written to again")


def _channel(group: str) -> str:
    return f"group:{group}"


def _consented(kind: str) -> str:
    """The channel that a kind of suppression is about."""
    return "email" if kind == UNSUBSCRIBES else kind
