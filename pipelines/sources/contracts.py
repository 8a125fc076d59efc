"""What each kind of table must look like, whoever delivers it."""

from __future__ import annotations

from collections.abc import Mapping

from pipelines.sources.contract import Contract, Field
from pipelines.sources.contracts_of_service import (
    AD_SPEND,
    AUDIENCE_STATUS,
    CUSTOMER_MERGES,
    HOUSEHOLD_MEMBERS,
    SUPPORT_TICKETS,
    TRAITS,
)

TEXT = "VARCHAR"
WORDS = "BOOLEAN"
MONEY = "DECIMAL(18,2)"
TIME = "TIMESTAMP"


def _required(name: str, type_: str, description: str) -> Field:
    return Field(name, type_, description, required=True)


def _personal(name: str, description: str) -> Field:
    return Field(name, TEXT, description, personal=True)


CUSTOMER = _required("customer_id", TEXT, "The person's id in your systems; kept as text, zeros and all.")

CUSTOMERS = Contract(
    "customers",
    "Everybody you know: one row a person, with whatever identifies them.",
    (
        CUSTOMER,
        _personal("email", "E-mail address, exactly as your system has it."),
        _personal("phone", "Phone number, exactly as your system has it."),
        _personal(
            "email_sha256",
            "SHA-256 (hex) of the trimmed, lower-case address, for people whose address you do not hold.",
        ),
        _personal("first_name", "First name."),
        _personal("last_name", "Last name."),
        _personal("gender", "Gender, in your system's words."),
        Field("birth_date", "DATE", "Date of birth.", personal=True),
        _personal("street", "Street and number."),
        _personal("city", "City."),
        _personal("postal_code", "Postal code, as text."),
        _personal("external_id", "Id that a destination also knows; customer_id when absent."),
        _personal("mobile_ad_id", "Advertising id of the person's phone."),
        Field("state", TEXT, "State or province."),
        Field("country", TEXT, "Country, as ISO 3166 code."),
        Field("language", TEXT, "Language, as ISO 639 code."),
        Field("region", TEXT, "Legal region that decides which rules apply (eu, california, other …)."),
        Field("created_at", TIME, "When the person became known; nobody is in a segment before it."),
    ),
    key=("customer_id",),
)

ORDERS = Contract(
    "orders",
    "One row an order, basket or invoice.",
    (
        _required("order_id", TEXT, "The order's id."),
        CUSTOMER,
        _required("ordered_at", TIME, "When it was placed."),
        _required("total", MONEY, "What was paid, after discounts."),
        Field("store_id", TEXT, "Store or channel."),
    ),
    key=("order_id",),
    time="ordered_at",
    readable=True,
)

ORDER_LINES = Contract(
    "order_lines",
    "One row a line of an order.",
    (
        _required("order_id", TEXT, "The order it belongs to."),
        _required("line_no", "BIGINT", "Number that makes the line unique within its order."),
        Field("product_id", TEXT, "What was bought."),
        Field("quantity", "DECIMAL(18,3)", "How many; null where the unit is not a piece."),
        _required("amount", MONEY, "What was paid for the line, after discounts."),
        Field("discount", MONEY, "Discount by the shop, positive."),
        Field("coupon_discount", MONEY, "Discount by a coupon, positive."),
    ),
    key=("order_id", "line_no"),
    person=None,
)

PRODUCTS = Contract(
    "products",
    "One row a product.",
    (
        _required("product_id", TEXT, "The product's id."),
        Field("department", TEXT, "Department."),
        Field("category", TEXT, "Category."),
        Field("kind", TEXT, "Product type within the category."),
        Field("brand", TEXT, "Brand."),
        Field("private_label", WORDS, "Is it the shop's own brand?"),
    ),
    key=("product_id",),
    person=None,
    readable=True,
)

PRODUCT_GROUPS = Contract(
    "product_groups",
    "Which products count as organic, fresh, convenience, wine, baby, pet, coffee, fuel or sensitive in the features.",
    (
        _required("product_id", TEXT, "The product's id."),
        _required(
            "group_name", TEXT, "organic, fresh, convenience, wine, baby, pet, coffee, fuel or sensitive."
        ),
    ),
    key=("product_id", "group_name"),
    person=None,
    readable=True,
)

CAMPAIGNS = Contract(
    "campaigns",
    "One row a marketing campaign.",
    (
        _required("campaign_id", TEXT, "The campaign's id."),
        Field("kind", TEXT, "Type of campaign."),
        _required("started_at", TIME, "When it began."),
        Field("ended_at", TIME, "When it ended."),
    ),
    key=("campaign_id",),
    time="started_at",
    person=None,
    readable=True,
)

CAMPAIGN_RECIPIENTS = Contract(
    "campaign_recipients",
    "Who was sent a campaign.",
    (
        _required("campaign_id", TEXT, "The campaign."),
        CUSTOMER,
        _required("sent_at", TIME, "When it was sent."),
    ),
    key=("campaign_id", "customer_id"),
    time="sent_at",
    readable=True,
)

COUPON_REDEMPTIONS = Contract(
    "coupon_redemptions",
    "One row a redeemed coupon.",
    (
        CUSTOMER,
        _required("redeemed_at", TIME, "When it was redeemed."),
        Field("coupon_id", TEXT, "The coupon."),
        Field("campaign_id", TEXT, "The campaign it came from."),
    ),
    time="redeemed_at",
    readable=True,
)

WEB_EVENTS = Contract(
    "web_events",
    "What people did on the website or in the app.",
    (
        _required("event_id", TEXT, "The event's id."),
        Field("customer_id", TEXT, "The person, null while unknown."),
        Field("anonymous_id", TEXT, "The browser or device.", personal=True),
        _required("event", TEXT, "product_view, cart_add, page_view, search …"),
        Field("product_id", TEXT, "The product looked at."),
        Field("page", TEXT, "Page or topic."),
        _required("occurred_at", TIME, "When it happened."),
    ),
    key=("event_id",),
    time="occurred_at",
    readable=True,
)

EMAIL_EVENTS = Contract(
    "email_events",
    "What happened to each e-mail.",
    (
        _required("event_id", TEXT, "The event's id."),
        CUSTOMER,
        _required("event", TEXT, "sent, opened (unreliable), clicked, unsubscribed, bounced, complained."),
        Field("campaign_id", TEXT, "The campaign."),
        _required("occurred_at", TIME, "When it happened."),
    ),
    key=("event_id",),
    time="occurred_at",
    readable=True,
)

SURVEY_ANSWERS = Contract(
    "survey_answers",
    "One row an answer and time.",
    (
        CUSTOMER,
        _required("question", TEXT, "Name of the question or scale item."),
        _required("answer", TEXT, "The answer; scale items as numbers from 1 to 5."),
        _required("answered_at", TIME, "When it was given."),
    ),
    key=("customer_id", "question", "answered_at"),
    time="answered_at",
    readable=True,
)

DEMOGRAPHICS = Contract(
    "demographics",
    "What is known about the household; bands as their lower and upper ends.",
    (
        CUSTOMER,
        Field("age_from", "INTEGER", "Lower end of the age band of the head of the household."),
        Field("age_to", "INTEGER", "Upper end, null when open."),
        Field("income_from", "INTEGER", "Lower end of the yearly income band."),
        Field("income_to", "INTEGER", "Upper end, null when open."),
        Field("home_ownership", TEXT, "homeowner, renter …"),
        Field("marital_status", TEXT, "married, unmarried …"),
        Field(
            "household_size", "INTEGER", "People in the household (an open top band counts as its lower end)."
        ),
        Field("children", "INTEGER", "Children in the household (〃)."),
    ),
    key=("customer_id",),
)

ACCOUNTS = Contract(
    "accounts",
    "Companies you sell to.",
    (
        _required("account_id", TEXT, "The company's id."),
        Field("name", TEXT, "The company's name."),
        Field("industry", TEXT, "Industry."),
        Field("employees", "INTEGER", "Number of employees."),
        Field("revenue", "BIGINT", "Yearly revenue."),
        Field("locations", "INTEGER", "Number of locations."),
        Field("technology", TEXT, "Main technology in use."),
        Field("stage", TEXT, "Growth stage."),
    ),
    key=("account_id",),
    person=None,
    readable=True,
)

ACCOUNT_MEMBERS = Contract(
    "account_members",
    "Which people are contacts of which company.",
    (
        _required("account_id", TEXT, "The company."),
        CUSTOMER,
        Field("role", TEXT, "Role of the contact."),
    ),
    key=("account_id", "customer_id"),
    readable=True,
)

CONSENTS = Contract(
    "consents",
    "Every consent given or taken back, with its time; the latest decides.",
    (
        CUSTOMER,
        _required("purpose", TEXT, "email_marketing, sms, ads_personalisation, ads_user_data or profiling."),
        Field("granted", WORDS, "yes, y, true, t, 1, granted or opt_in grant; everything else does not."),
        _required("changed_at", TIME, "When the person decided."),
        Field("source", TEXT, "Where: form, app, store …"),
    ),
    time="changed_at",
    opt_out=True,
)

SUPPRESSIONS = Contract(
    "suppressions",
    "Who must not be contacted any more, by any identifier you have.",
    (
        Field("customer_id", TEXT, "The person, when known."),
        _personal("email", "E-mail address."),
        _personal("phone", "Phone number."),
        _required("reason", TEXT, "unsubscribed, hard_bounce, complaint, erased …"),
        _required("since", TIME, "Since when."),
        Field("source", TEXT, "Which system says so."),
    ),
    time="since",
    opt_out=True,
)

CONTRACTS: Mapping[str, Contract] = {
    contract.name: contract
    for contract in (
        CUSTOMERS,
        ORDERS,
        ORDER_LINES,
        PRODUCTS,
        PRODUCT_GROUPS,
        CAMPAIGNS,
        CAMPAIGN_RECIPIENTS,
        COUPON_REDEMPTIONS,
        WEB_EVENTS,
        EMAIL_EVENTS,
        SURVEY_ANSWERS,
        DEMOGRAPHICS,
        ACCOUNTS,
        ACCOUNT_MEMBERS,
        HOUSEHOLD_MEMBERS,
        CUSTOMER_MERGES,
        SUPPORT_TICKETS,
        TRAITS,
        AD_SPEND,
        AUDIENCE_STATUS,
        CONSENTS,
        SUPPRESSIONS,
    )
}
"""Every contract a source may name; ``custom`` sources declare their own columns."""
