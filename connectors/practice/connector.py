"""The practice platform as a destination: one request, a session of batches, or a job."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta

import pyarrow as pa

from connectors.account import count_of, items_of, object_of
from connectors.ads import AdConnector
from connectors.base import (
    ActionNeeded,
    Audience,
    AudienceRequest,
    AuthFailed,
    Batch,
    Declared,
    Finding,
    JobFailed,
    Op,
    ReadBack,
    Receipt,
    Refused,
    Reported,
    SyncOptions,
    Uncertain,
    Verdicts,
)
from connectors.identity import Column, Identity
from connectors.meanings import Told
from connectors.oauth import Credential as OAuthCredential
from connectors.platform_ids import platform_id
from connectors.practice.answers import ERRORS, NAME, REFUSED, Row, error_in, receipt
from connectors.practice.settings import PracticeSettings
from connectors.rules import EMAIL, phone_e164
from connectors.settings import env_prefix
from connectors.wire import Answer

SIGN_IN = {
    "token": ("token",),
    "client_credentials": ("client_id", "client_secret"),
    "refresh_token": ("client_id", "client_secret", "refresh_token"),
}
"""Settings that each way of signing in needs."""


class PracticeConnector(AdConnector):
    """One account. How it delivers and is answered is set, so that every way can be tried."""

    config: PracticeSettings
    title = NAME
    settings_type = PracticeSettings
    audience_name_length = 80
    reads_back = ReadBack(lag=timedelta(0))
    errors = ERRORS
    otherwise = REFUSED

    def __init__(self, destination: str, settings: PracticeSettings) -> None:
        self.consent = settings.consent
        self.signs_with = SIGN_IN[settings.sign_in]
        super().__init__(destination, settings)

    @classmethod
    def declare(cls, settings: PracticeSettings) -> Declared:
        """As the account is set to be."""
        limits = settings.limits(
            settings.max_rows,
            verdicts=Verdicts(settings.verdicts),
            asynchronous=settings.delivery == "job",
            verdict_within=timedelta(hours=settings.verdict_within_hours),
            exact_counts=True,
        )
        columns = (
            Column("email", EMAIL, "sha256_hex", identifies=True),
            Column("phone", phone_e164(settings.default_country), "sha256_hex", identifies=True),
        )
        return Declared(limits, Identity("practice", 1, columns))

    def credential(self) -> OAuthCredential | None:
        """OAuth's two grants; None for the fixed token."""
        if self.config.sign_in == "token":
            return None
        return OAuthCredential(
            token_url=f"{self.config.base_url}/oauth/token",
            client_id=self._setting("client_id"),
            client_secret=self._setting("client_secret"),
            refresh_token=self._setting("refresh_token") if self.config.sign_in == "refresh_token" else None,
            variables=self.credentials,
        )

    def headers(self) -> Mapping[str, str]:
        """The fixed token, where it signs."""
        if self.config.sign_in != "token":
            return {}
        return {"Authorization": f"Bearer {self._setting('token')}"}

    def examine_account(self) -> Iterator[Finding]:
        """Whether audiences can be read."""
        self.ask("GET", "/audiences", params={"marker": "turnout:none"})
        yield Finding("audiences", True, "they can be read")

    def told(self, answer: Answer) -> Told | None:
        """Errors may hide in an HTTP 200."""
        return error_in(answer, self.config.positions)

    def read_audience(self, audience_id: str) -> Audience:
        """Raises ActionNeeded for one that was created to answer in another way."""
        return self._usable(object_of(self.ask("GET", f"/audiences/{audience_id}")))

    def listed(self, request: AudienceRequest) -> Iterator[tuple[Audience, str]]:
        """The platform finds a mark by itself."""
        found = object_of(self.ask("GET", "/audiences", params={"marker": request.marker}))
        for item in items_of(found.get("audiences")):
            yield self._usable(item), str(item.get("marker"))

    def create_audience(self, request: AudienceRequest, options: SyncOptions) -> object:
        """An audience that answers in the account's way."""
        wanted = {"name": request.name, "marker": request.marker, **self._ways()}
        # The platform takes each mark once, but a repeated request would be refused and look like a failure.
        return object_of(self.ask("POST", "/audiences", wanted, repeatable=False)).get("id")

    def poll(self, audience: Audience, reference: str) -> Receipt:
        """What became of a job. Raises Refused when it failed, AudienceGone with its audience."""
        job = object_of(self.ask("GET", f"/audiences/{audience.id}/jobs/{reference}"))
        match job.get("status"):
            case "queued":
                return Receipt("accepted", reference)
            case "done":
                return receipt(job, None, self.config, reference)
            case "failed":
                raise JobFailed("Practice platform: the job failed; nothing was applied")
        raise Uncertain("Practice platform: the job's state is none that is documented")

    def read_back(self, audience: Audience) -> Reported:
        """The platform counts every member, at once."""
        counted = count_of(object_of(self.ask("GET", f"/audiences/{audience.id}")).get("size"))
        return Reported(counted, counted)

    def requests_for(self, op: Op, rows: int) -> int:
        """One, or a session's opening and its parts."""
        return 1 if self.config.delivery != "session" else 1 - -rows // self.config.session_rows

    # --- three ways of delivering ----------------------------------------------------------------------------

    def change(self, op: Op, audience: Audience, rows: pa.Table, batch: Batch) -> Receipt:
        """In the account's way. The platform finds people by any identifier."""
        people = self._rows(rows)
        match self.config.delivery:
            case "direct":
                body = self._send(f"/audiences/{audience.id}/members", {"op": op, "rows": people}, people)
                return receipt(body, people, self.config, batch.id)
            case "session":
                return receipt(self._upload(audience, people, batch), people, self.config, batch.id)
            case "job":
                job = self._send(f"/audiences/{audience.id}/jobs", {"op": op, "rows": people}, people)
                reference = platform_id(job.get("job"))
                if reference is None:
                    raise Uncertain("Practice platform: the answer names no job; it is sent again next time")
                return Receipt("accepted", reference)

    def _upload(self, audience: Audience, rows: Sequence[Row], batch: Batch) -> dict[str, object]:
        """Numbered requests of one session; the last one's answer. An unfinished session changes nothing."""
        path = f"/audiences/{audience.id}/sessions"
        session = platform_id(self._send(path, {"op": batch.op}, ()).get("session"))
        if session is None:
            raise Refused("Practice platform: no session was opened; nothing was sent")
        answer: dict[str, object] = {}
        for number, last, part in self._parts(rows):
            body = {"number": number, "last": last, "rows": part}
            answer = self._send(f"{path}/{session}/batches", body, part)
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

    def _send(self, path: str, body: object, rows: Sequence[Row]) -> dict[str, object]:
        sent = [value for row in rows for value in row.values() if isinstance(value, str)]
        return object_of(self.ask("POST", path, body, sent=sent))

    def _setting(self, name: str) -> str:
        """A credential's text. Raises AuthFailed when it is not set."""
        secret = getattr(self.config, name)
        if secret is None:
            raise AuthFailed(f"{self.destination}: set {env_prefix(self.destination)}{name.upper()}")
        value: str = secret.get_secret_value()
        return value
