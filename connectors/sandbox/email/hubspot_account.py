"""HubSpot's account: properties that are defined in it, what people subscribed to, and who it is."""

from __future__ import annotations

from connectors.sandbox.email import fields, people, suppressions
from connectors.sandbox.email import hubspot_bodies as bodies
from connectors.sandbox.email.hubspot_contacts import MARKETABLE, OPTED_OUT, OWN, READ_ONLY
from connectors.sandbox.email.hubspot_search import SearchCalls
from connectors.sandbox.email.people import Consent
from connectors.sandbox.email.platform import Context, Refusal
from connectors.sandbox.wire import Json, Reply, json_reply

SUBSCRIPTIONS = {"1001": "Marketing Information", "1002": "Newsletter"}


class AccountCalls(SearchCalls):
    """What HubSpot answers about an account, besides its contacts and lists."""

    def list_properties(self, context: Context) -> Reply:
        """``GET /crm/properties/{version}/contacts``: those that every account has, and those defined here."""
        shown = [_own(name) for name in sorted({*OWN, *READ_ONLY, "hs_email_optout"})]
        shown += [
            {"name": each.name, **each.document, "archived": False}
            for each in fields.listed(context.db, self.platform)
        ]
        return json_reply({"results": shown}, outcome=f"{len(shown)} properties listed")

    def create_property(self, context: Context) -> Reply:
        """``POST /crm/properties/{version}/contacts``; 409 for a name that is taken."""
        wish = self.read(context.call, bodies.NewProperty)
        if any(each.name == wish.name for each in fields.listed(context.db, self.platform)):
            raise Refusal(self.words.refused(409, "CONFLICT", "A property with this name exists already."))
        kept = wish.model_dump(exclude={"name"})
        fields.create(context.db, self.platform, wish.name, wish.name, kept)
        content = {"name": wish.name, **kept, "archived": False}
        return json_reply(content, status=201, outcome="property created")

    def read_subscriptions(self, context: Context, address: str) -> Reply:
        """``GET /communication-preferences/…/status/email/{email}``."""
        shown: list[Json] = [self._subscription(context, address, number) for number in SUBSCRIPTIONS]
        return json_reply({"recipient": address, "subscriptionStatuses": shown}, outcome="subscriptions read")

    def subscribe(self, context: Context) -> Reply:
        """``POST …/subscribe``: what a sync must never do."""
        return self._subscribe(context, "subscribed")

    def unsubscribe(self, context: Context) -> Reply:
        """``POST …/unsubscribe``."""
        return self._subscribe(context, "unsubscribed")

    def read_account(self, context: Context) -> Reply:
        """``GET /account-info/…/details``."""
        content = {
            "portalId": 146_000_000,
            "accountType": "STANDARD",
            "timeZone": "UTC",
            "utcOffset": "+00:00",
        }
        return json_reply(content, outcome="account read")

    def _subscribe(self, context: Context, state: Consent) -> Reply:
        wish = self.read(context.call, bodies.Subscription)
        if wish.subscriptionId not in SUBSCRIPTIONS:
            raise self.invalid("There is no such subscription.")
        person = suppressions.person_of(context.db, self.platform, wish.emailAddress)
        number = context.call.number
        people.set_consent(
            context.db, self.platform, person, state, number, f"subscription:{wish.subscriptionId}"
        )
        if state == "subscribed":
            suppressions.lift(context.db, self.platform, wish.emailAddress, OPTED_OUT, number, "email")
            people.set_consent(context.db, self.platform, person, state, number)
        shown = self._subscription(context, wish.emailAddress, wish.subscriptionId)
        return json_reply(shown, outcome=f"somebody {state}", rows=1)

    def _subscription(self, context: Context, address: str, number: str) -> dict[str, Json]:
        person = suppressions.person_of(context.db, self.platform, address)
        here = people.consent(context.db, self.platform, person, f"subscription:{number}")
        left = self.has_left(context, person, address.lower())
        return {
            "id": number,
            "name": SUBSCRIPTIONS[number],
            "description": "",
            "status": "SUBSCRIBED" if here == "subscribed" and not left else "NOT_SUBSCRIBED",
            "sourceOfStatus": "PORTAL_WIDE_STATUS" if left else "SUBSCRIPTION_STATUS",
        }


def _own(name: str) -> dict[str, Json]:
    """A property that every account has, as it is listed."""
    kinds = {
        "hs_email_optout": "bool",
        MARKETABLE: "bool",
        "createdate": "datetime",
        "lastmodifieddate": "datetime",
    }
    kinds |= {"hs_object_id": "number", "lifecyclestage": "enumeration", "hs_lead_status": "enumeration"}
    return {
        "name": name,
        "label": name,
        "type": kinds.get(name, "string"),
        "fieldType": "text",
        "groupName": "contactinformation",
        "description": "",
        "options": [],
        "hasUniqueValue": name == "email",
        "hubspotDefined": True,
        "modificationMetadata": {"readOnlyValue": name in READ_ONLY},
        "archived": False,
    }
