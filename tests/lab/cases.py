"""The faults of the table: what is done to requests that change members, and what the run must make of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Outcome = Literal["survived", "repaired", "told"]
"""Survived by the same run; left to the next one; left to the next one after somebody was told what to do."""

EVERYWHERE = ("meta", "mailchimp", "direct", "session", "job")
PRACTICE = ("direct", "session", "job")
PLAIN = ("direct",)


@dataclass(frozen=True, slots=True)
class Case:
    """One fault, and where it applies."""

    effect: str
    outcome: Outcome
    catalogue: tuple[str, ...]
    """Numbers of the fault catalogue."""
    settings: Mapping[str, object] = field(default_factory=dict)
    kinds: tuple[str, ...] = EVERYWHERE

    @property
    def id(self) -> str:
        """For reports."""
        said = ",".join(f"{name}={value}" for name, value in self.settings.items())
        return f"{self.effect}({said[:60]})"

    @property
    def injected(self) -> str:
        """In words, for the catalogue."""
        requests = "one request" if self.settings.get("times") == 1 else "every request"
        said = ", ".join(f"{name} = {value}" for name, value in self.settings.items() if name != "times")
        return f"{requests} of a run meets `{self.effect}`" + (f" ({said})" if said else "")


def once(effect: str, *catalogue: str, kinds: tuple[str, ...] = EVERYWHERE, **settings: object) -> Case:
    """Met by one request; the same run gets over it."""
    return Case(effect, "survived", catalogue, {**settings, "times": 1}, kinds)


def always(
    effect: str,
    outcome: Outcome,
    *catalogue: str,
    kinds: tuple[str, ...] = EVERYWHERE,
    **settings: object,
) -> Case:
    """Met by every request of the run."""
    return Case(effect, outcome, catalogue, settings, kinds)


CASES = (
    once("delay", kinds=("direct", "job"), seconds=0.02),
    once("lost_answer", "F02", "F03"),
    once("reset", "F03"),
    once("reset_midway", "F03"),
    once("timeout", "F01", seconds=0.3),
    once("timeout", "F02", seconds=0.3, applied=True),
    once("server_error", "F04", status=503),
    once("server_error", "F05", applied=True),
    once("html", "F13", status=200, applied=True),
    once("broken_answer", "F13"),
    once("broken_answer", "F13", empty=True),
    once("error_in_success", "F11"),
    once("rate_limited", "F06", retry_after=7),
    once("rate_limited", "F08", kinds=("meta", "mailchimp", "direct")),
    once("rate_limited", "F07", kinds=PLAIN, retry_after=0),
    once("rate_limited", "F07", kinds=PLAIN, retry_after=-5),
    once("rate_limited", "F07", kinds=PLAIN, retry_after=-5, as_date=True),
    once("twice", "F19"),
    once("tokens_end", "F26", kinds=PRACTICE),
    always("lost_answer", "repaired", "F02", "F03"),
    always("reset", "repaired", "F03", "F25", kinds=("meta", "session"), after=1),
    always("server_error", "repaired", "F04", status=500),
    always("server_error", "repaired", "F05", applied=True),
    always("broken_answer", "repaired", "F13"),
    always("html", "repaired", "F13", kinds=("meta", "mailchimp", "direct"), applied=True),
    always("huge_answer", "repaired", "F15", kinds=("meta", "direct"), megabytes=9),
    always("huge_answer", "repaired", "F15", kinds=PLAIN, megabytes=64, shape="gzip"),
    always("huge_answer", "repaired", "F15", kinds=PLAIN, megabytes=1, shape="nested"),
    always("slow_drip", "repaired", "F14", kinds=("mailchimp", "direct"), seconds_per_byte=0.1),
    always("redirect", "told", "F16", location="http://127.0.0.1:9/"),
    always("rate_limited", "repaired", "F08", kinds=("meta", "direct")),
    always("rate_limited", "repaired", "F07", retry_after=10**9),
    always("rate_limited", "repaired", "F07", kinds=PLAIN, retry_after=10**9, as_date=True),
    always("quota_gone", "repaired", "F06"),
    always("refuse", "repaired", status=422, title="too_large"),
    always("expire_token", "told", "F28"),
    always("terms_not_accepted", "told", "F28", kinds=("meta", *PRACTICE)),
    always("audience_flagged", "told", "F30", kinds=("meta",)),
    always("audience_deleted", "repaired", "F29", really=True, times=1),
)
