"""What people said and asked outside the shop, whom they live with, and what ad platforms report.

None of these is ever required; `contracts` has the whole list.
"""

from __future__ import annotations

from pipelines.sources.contract import Contract, Field

TEXT = "VARCHAR"
MONEY = "DECIMAL(18,2)"
TIME = "TIMESTAMP"
CUSTOMER = Field("customer_id", TEXT, "The person.", required=True)

SUPPORT_TICKETS = Contract(
    "support_tickets",
    "What people asked or complained about.",
    (
        Field("ticket_id", TEXT, "The ticket's id.", required=True),
        CUSTOMER,
        Field("category", TEXT, "complaint, question, return …"),
        # Free text names people and illnesses; nothing decides by it.
        Field("subject", TEXT, "What it was about, in the person's words.", personal=True),
        Field("priority", TEXT, "low, normal, high …"),
        Field("opened_at", TIME, "When it was opened.", required=True),
        Field(
            "closed_at", TIME, "When it was closed; was it open on the day: null, or not before $window_end."
        ),
    ),
    key=("ticket_id",),
    time="opened_at",
    readable=True,
)

TRAITS = Contract(
    "traits",
    "Whatever else is known or guessed of people, in long form: social insights, interests, panels.",
    (
        CUSTOMER,
        Field("trait", TEXT, "Name of the trait.", required=True),
        Field("value", TEXT, "Its value.", required=True),
        Field("source", TEXT, "Who says so.", required=True),
        Field("confidence", "DOUBLE", "How sure they are, 0 to 1; null when they do not say."),
        Field("observed_at", TIME, "Since when it is known.", required=True),
    ),
    key=("customer_id", "trait", "source", "observed_at"),
    time="observed_at",
    readable=True,
)

HOUSEHOLD_MEMBERS = Contract(
    "household_members",
    "Who lives together, so that a household can be counted, or written to, once.",
    (
        Field("household_id", TEXT, "The household's id.", required=True),
        CUSTOMER,
    ),
    key=("customer_id",),
    readable=True,
)

CUSTOMER_MERGES = Contract(
    "customer_merges",
    "The log of merges: ids of customers that turned out to be one person, and were given up for another id.",
    (
        Field("customer_id", TEXT, "The id that was given up.", required=True, personal=True),
        Field("merged_into", TEXT, "The id that stands for the person since.", required=True, personal=True),
        Field("merged_at", TIME, "When they were merged.", required=True),
    ),
    key=("customer_id",),
    time="merged_at",
    person=None,
)

AD_SPEND = Contract(
    "ad_spend",
    "What an audience's campaigns cost and brought a day, as the platform reports it: told, never believed.",
    (
        Field("destination", TEXT, "The destination account, as in TURNOUT_DESTINATIONS.", required=True),
        Field("audience", TEXT, "The segment whose audience was used.", required=True),
        Field("day", TIME, "The day, at midnight.", required=True),
        Field("spend", MONEY, "What it cost.", required=True),
        Field("impressions", "BIGINT", "How often an ad was shown."),
        Field("clicks", "BIGINT", "How often one was clicked."),
        Field("conversions", "DOUBLE", "Conversions that the platform claims, fractions too."),
    ),
    key=("destination", "audience", "day"),
    time="day",
    person=None,
)

AUDIENCE_STATUS = Contract(
    "audience_status",
    "How large an audience was on its platform a day, as the platform reports it.",
    (
        Field("destination", TEXT, "The destination account, as in TURNOUT_DESTINATIONS.", required=True),
        Field("audience", TEXT, "The segment whose audience it is.", required=True),
        Field("day", TIME, "The day, at midnight.", required=True),
        Field("size", "BIGINT", "People that the platform could reach.", required=True),
        Field("matched", "BIGINT", "Of those sent, how many it recognised."),
    ),
    key=("destination", "audience", "day"),
    time="day",
    person=None,
)
