"""What Google says of a request afterwards: settled when the request is taken, told when it is processed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from connectors.sandbox.ads.google_destinations import Target
from connectors.sandbox.ads.google_requests import Consent
from connectors.sandbox.ads.google_rows import Kind, Row
from connectors.sandbox.ads.google_words import Violation
from connectors.sandbox.ads.holdings import AdAudience, Member
from connectors.sandbox.ads.jobs import Job
from connectors.sandbox.wire import Json

_REASON = "PROCESSING_ERROR_REASON_"
_COUNTED: dict[Kind, str] = {
    "userData": "userIdentifierCount",
    "mobileData": "mobileIdCount",
    "userIdData": "userIdCount",
}
"""What is counted besides the records; of composite data, every type by itself."""
_DATA_TYPES = {
    "emailAddress": "EMAIL",
    "phoneNumber": "PHONE_NUMBER",
    "address": "ADDRESS",
    "ipAddress": "IP_ADDRESS",
}
_WITH_MATCH_RATE = ("compositeData", "userData")


@dataclass(frozen=True, slots=True)
class Batch:
    """The people of one request that was taken."""

    kind: Kind
    rows: Sequence[Row]
    consent: Consent | None
    """The request's own, for those who bring none."""
    refused: frozenset[int]
    """Positions of those whom the processing refuses."""
    ingests: bool
    unnamed: bool
    """Refused people are counted only."""

    def judged(self, target: Target, now: float) -> tuple[list[Member], dict[str, Json]]:
        """Who will be added or removed at one destination, and what will be said of it."""
        sent = [
            i for i, row in enumerate(self.rows) if not row.references or target.reference in row.references
        ]
        reasons = {i: reason for i in sent if (reason := self._reason(i)) is not None}
        members = [self.rows[i].member for i in sent if i not in reasons]
        answer: dict[str, Json] = {
            "requestStatus": "SUCCESS" if not reasons else "PARTIAL_SUCCESS" if members else "FAILED"
        }
        counts = self._counts([self.rows[i].member for i in sent])
        if self.ingests:
            if self.kind in _WITH_MATCH_RATE:
                counts["uploadMatchRateRange"] = match_rate(len(members), len(sent))
            answer["audienceMembersIngestionStatus"] = {f"{self.kind}IngestionStatus": counts}
        else:
            answer["audienceMembersRemovalStatus"] = {f"{self.kind}RemovalStatus": counts}
        if reasons:
            answer["errorInfo"] = {"errorCounts": self._errors(reasons)}
        return members, _verdict(target.audience, now, len(sent), answer)

    def _reason(self, position: int) -> str | None:
        """Why the processing refuses somebody, None for nothing."""
        if self.ingests:
            consent = self.rows[position].consent or self.consent or Consent()
            told = {consent.adUserData, consent.adPersonalization}
            if "CONSENT_DENIED" in told:
                return f"{_REASON}DENIED_CONSENT"
            if told != {"CONSENT_GRANTED"}:
                return f"{_REASON}NO_CONSENT"
        return f"{_REASON}INVALID_FORMAT" if position in self.refused else None

    def _counts(self, members: Sequence[Member]) -> dict[str, Json]:
        """Numbers of 64 bits are texts in Google's JSON."""
        kinds = Counter(name for member in members for name, _ in member)
        counts: dict[str, Json] = {"recordCount": str(len(members))}
        if self.kind == "compositeData":
            types: list[Json] = [
                {"type": data_type, "count": str(kinds[name])}
                for name, data_type in _DATA_TYPES.items()
                if kinds[name]
            ]
            return {**counts, "dataTypeCounts": types}
        return {**counts, _COUNTED[self.kind]: str(kinds.total())}

    def _errors(self, reasons: dict[int, str]) -> list[Json]:
        errors: list[Json] = []
        for reason in sorted(set(reasons.values())):
            positions: list[Json] = [i for i, known in reasons.items() if known == reason]
            error: dict[str, Json] = {"reason": reason, "recordCount": str(len(positions))}
            errors.append(error if self.unnamed else {**error, "recordIndices": positions})
        return errors


def clearing(audience: AdAudience, now: float) -> dict[str, Json]:
    """What will be said when everybody has been removed."""
    return _verdict(audience, now, 0, {"requestStatus": "SUCCESS", "removeAllAudienceMembersStatus": {}})


def told(job: Job) -> dict[str, Json]:
    """What is said of one destination now."""
    shown: dict[str, Json] = {"destination": job.verdict["destination"]}
    if job.status == "queued":
        return {**shown, "requestStatus": "PROCESSING"}
    if job.status == "failed":
        error: dict[str, Json] = {
            "reason": f"{_REASON}INTERNAL_ERROR",
            "recordCount": job.verdict["recordCount"],
        }
        return {**shown, "requestStatus": "FAILED", "errorInfo": {"errorCounts": [error]}}
    answer = job.verdict["answer"]
    assert isinstance(answer, dict)
    return {**shown, **answer}


def age(job: Job, now: float) -> float:
    """Seconds since the request was taken."""
    return now - float(str(job.verdict["takenAt"]))


def stray(targets: Sequence[Target], rows: Sequence[Row]) -> list[Violation]:
    """People who are sent to destinations that the request does not have."""
    known = {target.reference for target in targets}
    return [
        Violation(
            f"audience_members[{i}].destination_references",
            "This Destination is not valid.",
            "INVALID_DESTINATION",
        )
        for i, row in enumerate(rows)
        if row.references - known
    ]


def match_rate(matched: int, sent: int) -> str:
    """The range that a match rate falls into."""
    if not sent:
        return "MATCH_RATE_RANGE_NOT_ELIGIBLE"
    percent = matched * 100 // sent
    if percent < 20:
        return "MATCH_RATE_RANGE_LESS_THAN_20"
    if percent <= 30:
        return "MATCH_RATE_RANGE_20_TO_30"
    low = (percent - 1) // 10 * 10 + 1
    return f"MATCH_RATE_RANGE_{low}_TO_{low + 9}"


def _verdict(audience: AdAudience, now: float, records: int, answer: dict[str, Json]) -> dict[str, Json]:
    account_type, _, account = audience.account.partition("/")
    destination: dict[str, Json] = {
        "productDestinationId": audience.id,
        "operatingAccount": {"accountType": account_type, "accountId": account},
    }
    return {"destination": destination, "takenAt": now, "recordCount": str(records), "answer": answer}
