"""Everything an operator can set, read once from the environment (``TURNOUT_*``) and ``.env``."""

from __future__ import annotations

import importlib.util
from datetime import date, datetime
from pathlib import Path
from typing import Literal
from zoneinfo import ZoneInfo

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from pipelines.cron import checked_cron
from pipelines.segments.policy import ProfileName

SHIPPED = (
    "activecampaign", "braze", "brevo", "criteo", "customerio", "file", "google", "hubspot", "iterable", "klaviyo",
    "linkedin", "mailchimp", "meta", "microsoft", "pinterest", "reddit", "sendgrid", "snapchat", "tiktok",
)  # fmt: skip
"""One account of every platform that there is a connector for; those without audiences are never opened."""


class Settings(BaseSettings):
    """Operator's settings. A destination's own settings are read at push time from ``TURNOUT_<DESTINATION>_*``."""

    model_config = SettingsConfigDict(env_prefix="TURNOUT_", env_file=".env", extra="ignore", frozen=True)

    home: Path = Field(
        Path(".turnout"),
        description="Folder for the warehouse, the delivery state and the sandbox's files. Back up `state/` in it.",
    )
    sources: Path | None = Field(
        None,
        description="The file that declares your sources; unset: `sources.toml` here if it exists, else the demo data.",
    )
    segment_defs: Path | None = Field(
        None,
        description="Folder of segment files; unset: `segment_defs/` here if it exists, else those that ship.",
    )
    destinations: dict[str, str] = Field(
        default={name: name for name in SHIPPED},
        description="Destination accounts as JSON, name to connector; each reads `TURNOUT_<NAME>_*`.",
    )
    first_day: date = Field(
        date(2017, 1, 1), description="First day of the segments' daily partitions: your go-live."
    )
    today: date | None = Field(
        None,
        description="Pretend that it is this day (the demo's data end on 2017-12-31); unset: the real day.",
    )
    timezone: str = Field("UTC", description="Time zone of days, windows and the schedule (IANA name).")
    schedule: str = Field(
        "0 5 * * *", description="Cron line of the nightly load; segment and deliver follow it."
    )
    days_kept: int = Field(
        400, ge=1, description="Days of features and segment history kept in the warehouse."
    )
    max_segment_age_days: int = Field(
        2,
        ge=0,
        description="An audience whose newest segment is older only removes opt-outs, and its run is red.",
    )
    max_removed: float = Field(
        0.3,
        ge=0,
        le=1,
        description="Share of an audience that one run may remove; a sync table may say otherwise.",
    )
    max_growth: float = Field(
        3.0,
        gt=1,
        description="A desired audience this many times the held one is stopped as a probable slip.",
    )
    guard_floor: int = Field(
        50, ge=0, description="Shares are not judged while fewer people than this are held or would change."
    )
    global_holdout: float = Field(
        0,
        ge=0,
        le=0.5,
        description="Share of all people whom no segment sends anywhere, to measure what everything together is worth.",
    )
    global_holdout_salt: str = Field(
        "global",
        min_length=1,
        description="Draws the people of the global holdout; another text draws others.",
    )
    retry_rejected_after_days: int = Field(
        7,
        ge=0,
        description="A row that a platform rejected is sent again after this many days, or when it changes.",
    )
    history_days_kept: int = Field(
        400, ge=1, description="Days for which it is kept who joined and left which audience, when and why."
    )
    pull_overlap_days: float = Field(
        3,
        ge=0,
        le=3_650,
        description="A pull asks an email tool for this much more than is new, for what it recorded late.",
    )
    pull_all_after_days: float = Field(
        30,
        gt=0,
        description="After this many days a pull asks for everything again, whatever was pulled before.",
    )
    quality_gate: Literal["block", "warn"] = Field(
        "block",
        description="Whether a new audience is made of a segment with errors of quality: `block` makes none until "
        "`turnout accept`, `warn` only tells of them.",
    )
    policy_profile: ProfileName = Field(
        "default",
        description="The kind of business whose rules hold for every segment: `default`, `healthcare`, `finance`, "
        "`housing` or `employment`.",
    )
    cell_floor: int = Field(
        20, ge=1, description="People below which a count in a breakdown is not shown, but said to be fewer."
    )
    memory_limit: str = Field("2GB", description="Memory that DuckDB may use before it spills to disk.")
    threads: int | None = Field(None, ge=1, description="DuckDB threads; unset: one per core.")
    segment_timeout_seconds: float = Field(
        300, gt=0, description="A segment's query is stopped after this long."
    )
    lock_wait_seconds: float = Field(
        60,
        ge=0,
        description="How long to wait for a store that another process holds before saying who has it.",
    )
    seal_key: SecretStr | None = Field(
        None,
        description="Key that seals plans: only plans sealed with it are applied. Unset: seals find accidents only.",
    )
    alert_webhook: SecretStr | None = Field(
        None, description="URL that receives a JSON message when a run fails (Slack, Teams, your own)."
    )
    dagster_url: str = Field(
        "http://127.0.0.1:3000", description="Where the Dagster UI is reached, for links in alerts."
    )

    @field_validator("schedule")
    @classmethod
    def _readable_schedule(cls, value: str) -> str:
        return checked_cron(value)

    @field_validator("timezone")
    @classmethod
    def _known_timezone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (KeyError, ValueError) as error:
            raise ValueError("unknown time zone; use an IANA name such as Europe/Berlin") from error
        return value

    @property
    def warehouse_path(self) -> Path:
        """The warehouse: rebuildable from the sources."""
        return self.home / "warehouse.duckdb"

    @property
    def state_dir(self) -> Path:
        """Journal and ledgers: precious, back them up together."""
        return self.home / "state"

    @property
    def sandbox_dir(self) -> Path:
        """What the sandbox platforms remember."""
        return self.home / "sandbox"

    @property
    def sources_file(self) -> Path | None:
        """The declaration of sources in force; None means the demo data."""
        if self.sources is not None:
            return self.sources
        here = Path("sources.toml")
        return here if here.is_file() else None

    @property
    def is_demo(self) -> bool:
        """No sources are declared: the demo data stand in."""
        return self.sources_file is None

    @property
    def segment_folder(self) -> Path:
        """The folder of segment files in force."""
        if self.segment_defs is not None:
            return self.segment_defs
        here = Path("segment_defs")
        return here if here.is_dir() else shipped_segments()

    @property
    def current_day(self) -> date:
        """Today in the operator's time zone, or the pretended day."""
        return self.today or datetime.now(ZoneInfo(self.timezone)).date()


def shipped_segments() -> Path:
    """The segment files inside the installed package.

    Raises FileNotFoundError when the installation is damaged.
    """
    spec = importlib.util.find_spec("segment_defs")
    if spec is None or not spec.submodule_search_locations:
        raise FileNotFoundError("the shipped segment definitions are missing: reinstall turnout")
    return Path(next(iter(spec.submodule_search_locations)))
