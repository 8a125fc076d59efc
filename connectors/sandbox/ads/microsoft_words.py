"""Microsoft Advertising's own words: faults of a call, and errors of single items inside a success."""

from __future__ import annotations

from connectors.sandbox.wire import Json, Reply, json_reply
from connectors.sandbox.words import Words

TERMS = "CustomerListTermsAndConditionsNotAccepted"
NO_AUDIENCE = "CampaignServiceInvalidAudienceId"
CODES = {
    "InternalError": 0,
    "InvalidCredentials": 105,
    "UserIsNotAuthorized": 106,
    "AuthenticationTokenExpired": 109,
    "CallRateExceeded": 117,
    "CampaignServiceDuplicateAudienceName": 4848,
    "CustomerListInvalidItem": 8001,
    TERMS: 8003,
}
"""Numbers of the codes that have a known one; callers are to decide by the text, for numbers are used twice."""
UNPUBLISHED = 8_999
"""Stands for the number of a code whose own nobody has written down."""
OF_THE_CALL = frozenset({"InternalError", "InvalidCredentials", "UserIsNotAuthorized"}) | {
    "AuthenticationTokenExpired",
    "CallRateExceeded",
}
"""Faults of the call itself, whatever it asks for: they come in an AdApiFaultDetail, others in an ApiFaultDetail."""
TRACKING = "6f1d2a3b-0000-4000-8000-000000000001"

Problem = tuple[str, str]
"""ErrorCode and message."""


class MicrosoftWords(Words):
    """Faults with a TrackingId, told apart by ``Type``."""

    def too_many(self, status: int = 429, code: int = 0) -> Reply:
        """Code 117."""
        return self.refused(status, "CallRateExceeded", "You have exceeded the number of calls per minute.")

    def server_error(self, status: int = 500) -> Reply:
        """Code 0."""
        return self.refused(status, "InternalError", "An internal error has occurred.")

    def signed_out(self, *, expired: bool) -> Reply:
        """Code 109 for an ended token, 105 for an unknown one."""
        if expired:
            return self.refused(401, "AuthenticationTokenExpired", "Authentication token expired.")
        return self.refused(401, "InvalidCredentials", "Authentication failed.")

    def gone(self, audience_id: str, method: str = "GET") -> Reply:
        """A request about a list that does not exist."""
        return self.refused(400, NO_AUDIENCE, "The audience ID is invalid.")

    def terms(self) -> Reply:
        """Code 8003."""
        return self.refused(400, TERMS, "The Customer Match terms and conditions are not accepted.")

    def refused(self, status: int, code: str, message: str) -> Reply:
        """A fault detail by its ErrorCode."""
        error = {"Code": CODES.get(code, UNPUBLISHED), "ErrorCode": code, "Message": message}
        if code in OF_THE_CALL:
            content: dict[str, object] = {
                "TrackingId": TRACKING,
                "Type": "AdApiFaultDetail",
                "Errors": [{**error, "Detail": None}],
            }
        else:
            content = {
                "TrackingId": TRACKING,
                "Type": "ApiFaultDetail",
                "BatchErrors": [],
                "OperationErrors": [{**error, "Details": None}],
            }
        return json_reply(content, status=status, outcome=f"refused: {code}")


def batch_error(index: int, problem: Problem) -> dict[str, Json]:
    """One entry of ``PartialErrors``: what is wrong with the item at this position."""
    code, message = problem
    return {
        "Index": index,
        "Code": CODES.get(code, UNPUBLISHED),
        "ErrorCode": code,
        "Message": message,
        "FieldPath": None,
        "Details": None,
        "Type": "BatchError",
    }
