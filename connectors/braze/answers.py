"""What Braze's answers mean: errors by status, and people who were not taken by their place in the request."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from connectors.account import count_of, items_of
from connectors.base import Uncertain
from connectors.email import Person
from connectors.meanings import NO_SUCH_CALL, Meaning, Then

ERRORS: Mapping[str | int, Meaning] = {
    400: Meaning(
        Then.REFUSE, "the request is not valid; where it holds too many people, set {prefix}MAX_ROWS lower"
    ),
    401: Meaning(Then.SIGN_IN, "the key is not valid at {prefix}BASE_URL, or lacks a permission"),
    403: Meaning(Then.ACT, "the contract does not include this call"),
    404: NO_SUCH_CALL,
    413: Meaning(Then.REFUSE, "the request is too large; set {prefix}MAX_ROWS lower"),
    415: Meaning(Then.REFUSE, "the request is no JSON to Braze"),
}
"""By status: Braze has sentences, no codes."""
SUCCESSES = ("success", "queued")
"""Messages; the second comes while Braze can take changes and not look at them, so it counts nobody."""
REASONS = {"EXTERNAL_USER_ID_TOO_LARGE": "invalid_id", "BLACKLISTED_EXTERNAL_USER_ID": "blocked_id"}
"""Of a person who was not taken; most types of errors are sentences."""


def not_taken(answer: Mapping[str, object], people: Sequence[Person]) -> tuple[dict[int, str], int]:
    """Braze names places in the request. Raises Uncertain where it does not."""
    processed = count_of(answer.get("attributes_processed"))
    rejected: dict[int, str] = {}
    for error in items_of(answer.get("errors")):
        index = count_of(error.get("index"))
        if index is None or index >= len(people) or error.get("input_array") != "attributes":
            raise Uncertain("Braze: an error does not say whom it is about; the batch is sent again")
        rejected[people[index].position] = REASONS.get(str(error.get("type")), "refused")
    if processed is None:
        raise Uncertain("Braze: the answer does not say how many people were taken")
    return rejected, max(0, len(people) - len(rejected) - processed)
