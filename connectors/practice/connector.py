"""The practice platform as a destination: one request, a session of batches, or a job."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import ClassVar

import pyarrow as pa
import requests

from connectors.base import (
    ActionNeeded,
    Audience,
    AudienceRequest,
    AuthFailed,
    Batch,
    ConnectorSettings,
    Kind,
    Limits,
    Op,
    ReadBack,
    Receipt,
    Refused,
    Reported,
    SyncOptions,
    Uncertain,
    Verdicts,
)
from connectors.http import Http, HttpConnector, Timing
from connectors.identity import Column, Identity
from connectors.oauth import Credential, TokenProvider
from connectors.platform_ids import platform_id
from connectors.practice.answers import Row, judge, receipt
from connectors.practice.settings import PracticeSettings
from connectors.rules import EMAIL, phone_e164
from connectors.settings import env_prefix
from connectors.wire import Answer

POLL_AFTER = timedelta(minutes=1)
SIGN_IN = {
    "token": ("token",),
    "client_credentials": ("client_id", "client_secret"),
    "refresh_token": ("client_id", "client_secret", "refresh_token"),
}
"""Settings that each way of signing in needs."""


class PracticeConnector(HttpConnector):
    """One account. How it delivers and is answered is set, so that every way can be tried."""

    kind: ClassVar[Kind] = Kind.AD_PLATFORM
    title: ClassVar[str] = "Practice platform"
    settings_type: ClassVar[type[ConnectorSettings]] = PracticeSettings
    consent: tuple[str, ...] = ("ads_personalisation",)
    audience_name_length: ClassVar[int] = 80
    reads_back = ReadBack(lag=timedelta(0))

    def __init__(self, destination: str, settings: PracticeSettings) -> None:
        super().__init__(destination, settings)
        self.config = settings
        self.consent = settings.consent
        self.limits = Limits(
            max_rows=settings.max_rows,
            max_in_flight=settings.max_in_flight,
            verdicts=Verdicts(settings.verdicts),
            asynchronous=settings.delivery == "job",
            verdict_within=timedelta(hours=settings.verdict_within_hours),
            exact_counts=True,
            settles_after=timedelta(seconds=settings.settles_after_seconds),
        )
        self.identity = Identity(
            "practice",
            1,
            (
                Column("email", EMAIL, "sha256_hex", identifies=True),
                Column("phone", phone_e164(settings.default_country), "sha256_hex", identifies=True),
            ),
        )
        self._token = self._setting("token") if settings.sign_in == "token" else ""
        self._variables = self._named_settings(SIGN_IN[settings.sign_in])
        self.tokens = None if settings.sign_in == "token" else self._provider()
        self.http = Http(
            settings.base_url,
            self.tokens.sign if self.tokens else self._sign,
            in_flight=settings.max_in_flight,
            name=self.title,
            timing=Timing(
                read=settings.timeout_seconds,
                answer=settings.timeout_seconds,
                longest_throttle=settings.max_wait_seconds,
            ),
            secrets=self.tokens.credential.secrets if self.tokens else (self._token,),
        )

    def open_audience(self, request: AudienceRequest, options: SyncOptions) -> Audience:
        """The audience by its id, else by our mark, else a new one.

        Raises AudienceGone for a deleted one, ActionNeeded for one that was created to answer in another way.
        """
        if request.known_id is not None:
            return self._usable(self._ask("GET", f"/audiences/{request.known_id}"))
        listed = self._ask("GET", "/audiences", params={"marker": request.marker}).get("audiences")
        for found in listed if isinstance(listed, list) else []:
            return self._usable(found)
        wanted = {"name": request.name, "marker": request.marker, **self._ways()}
        # The platform takes each mark once, but a repeated request would be refused and look like a failure.
        made = self._ask("POST", "/audiences", wanted, repeatable=False)
        return replace(self._usable(made), created=True)

    def add(self, audience: Audience, rows: pa.Table, batch: Batch) -> Receipt:
        """Send the rows in the account's way."""
        return self._deliver(audience, rows, batch)

    def remove(self, audience: Audience, rows: pa.Table, batch: Batch) -> Receipt:
        """Send the rows in the account's way; the platform finds people by any identifier."""
        return self._deliver(audience, rows, batch)

    def poll(self, audience: Audience, reference: str) -> Receipt:
        """What became of a job. Raises Refused when it failed, AudienceGone with its audience."""
        job = self._ask("GET", f"/audiences/{audience.id}/jobs/{reference}")
        match job.get("status"):
            case "queued":
                return Receipt("accepted", reference, poll_after=POLL_AFTER)
            case "done":
                return receipt(job, None, self.config, reference)
            case "failed":
                raise Refused("Practice platform: the job failed; nothing was applied")
        raise Uncertain("Practice platform: the job's state is none that is documented")

    def read_back(self, audience: Audience) -> Reported:
        """The platform counts every member, at once."""
        size = self._ask("GET", f"/audiences/{audience.id}").get("size")
        counted = size if isinstance(size, int) and not isinstance(size, bool) else None
        return Reported(counted, counted)

    def requests_for(self, op: Op, rows: int) -> int:
        """One, or a session's opening and its parts."""
        return 1 if self.config.delivery != "session" else 1 - -rows // self.config.session_rows

    def close(self) -> None:
        """Close connections."""
        super().close()
        if self.tokens is not None:
            self.tokens.close()

    # --- three ways of delivering ----------------------------------------------------------------------------

    def _deliver(self, audience: Audience, table: pa.Table, batch: Batch) -> Receipt:
        rows = self._rows(table)
        match self.config.delivery:
            case "direct":
                body = self._ask("POST", f"/audiences/{audience.id}/members", {"op": batch.op, "rows": rows})
                return receipt(body, rows, self.config, batch.id)
            case "session":
                return receipt(self._upload(audience, rows, batch), rows, self.config, batch.id)
            case "job":
                job = self._ask("POST", f"/audiences/{audience.id}/jobs", {"op": batch.op, "rows": rows}).get(
                    "job"
                )
                reference = platform_id(job)
                if reference is None:
                    raise Uncertain("Practice platform: the answer names no job; it is sent again next time")
                return Receipt("accepted", reference, poll_after=POLL_AFTER)

    def _upload(self, audience: Audience, rows: Sequence[Row], batch: Batch) -> dict[str, object]:
        """Numbered requests of one session; the last one's answer. An unfinished session changes nothing."""
        path = f"/audiences/{audience.id}/sessions"
        session = platform_id(self._ask("POST", path, {"op": batch.op}).get("session"))
        if session is None:
            raise Refused("Practice platform: no session was opened; nothing was sent")
        answer: dict[str, object] = {}
        for number, last, part in self._parts(rows):
            body = {"number": number, "last": last, "rows": part}
            answer = self._ask("POST", f"{path}/{session}/batches", body)
        return answer

    def _parts(self, rows: Sequence[Row]) -> Iterator[tuple[int, bool, Sequence[Row]]]:
        size = self.config.session_rows
        for number, start in enumerate(range(0, len(rows), size), 1):
            yield number, start + size >= len(rows), rows[start : start + size]

    def _rows(self, table: pa.Table) -> list[Row]:
        rows: list[Row] = table.to_pylist()
        if self.config.positions != "key":
            return rows
        return [{**row, "key": str(position)} for position, row in enumerate(rows)]

    # --- audiences and requests ------------------------------------------------------------------------------

    def _ways(self) -> dict[str, object]:
        """What an audience is asked to do when it is created."""
        names = ("delivery", "verdicts", "blame", "positions", "errors_in_success")
        return {name: getattr(self.config, name) for name in names}

    def _usable(self, found: dict[str, object]) -> Audience:
        audience_id = platform_id(found.get("id"))
        if audience_id is None:
            raise Uncertain("Practice platform: the answer names no audience; it is looked for next time")
        other = [name for name, way in self._ways().items() if found.get(name) != way]
        if other:
            setting = f"{env_prefix(self.destination)}{other[0].upper()}"
            raise ActionNeeded(
                f"Practice platform: the audience was created with another {other[0]};"
                f" set {setting} back, or delete the audience"
            )
        return Audience(audience_id, str(found.get("name", "")))

    def _ask(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        params: dict[str, str] | None = None,
        repeatable: bool = True,
    ) -> dict[str, object]:
        def judged(answer: Answer) -> None:
            judge(answer, self._variables, self.config.positions, self.http.secrets, _values(body))

        def sent() -> Answer:
            made = None if body is None else (lambda _: body)
            return self.http.send(method, path, judged, params=params, body=made, repeatable=repeatable)

        found = (self.tokens.with_renewal(sent) if self.tokens else sent()).json
        return found if isinstance(found, dict) else {}

    # --- signing in ------------------------------------------------------------------------------------------

    def _sign(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self._token}"
        return request

    def _provider(self) -> TokenProvider:
        refreshing = self.config.sign_in == "refresh_token"
        credential = Credential(
            token_url=f"{self.config.base_url}/oauth/token",
            client_id=self._setting("client_id"),
            client_secret=self._setting("client_secret"),
            refresh_token=self._setting("refresh_token") if refreshing else None,
            variables=self._variables,
        )
        return TokenProvider(credential, self.config.token_folder, self.title)

    def _named_settings(self, names: Sequence[str]) -> str:
        """The environment variables of settings, for a sentence."""
        return " and ".join(env_prefix(self.destination) + name.upper() for name in names)

    def _setting(self, name: str) -> str:
        """A credential's text. Raises AuthFailed when it is not set."""
        secret = getattr(self.config, name)
        if secret is None:
            raise AuthFailed(f"{self.destination}: set {env_prefix(self.destination)}{name.upper()}")
        value: str = secret.get_secret_value()
        return value


def _values(body: object) -> Iterator[str]:
    """The identifiers in a request's rows, which an error's text may repeat."""
    rows = body.get("rows") if isinstance(body, dict) else None
    for row in rows if isinstance(rows, list) else []:
        yield from (value for value in row.values() if isinstance(value, str))
