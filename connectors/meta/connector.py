"""Meta's custom audiences as a destination."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import ClassVar

import pyarrow as pa
import requests

from connectors.base import (
    ActionNeeded,
    Audience,
    AudienceRequest,
    Batch,
    ConnectorSettings,
    Declared,
    DeliveryError,
    Finding,
    Kind,
    Limits,
    ReadBack,
    Receipt,
    Refused,
    Reported,
    SyncOptions,
    Uncertain,
    Verdicts,
)
from connectors.http import Http, HttpConnector, Timing
from connectors.meta.answers import Node, graph_error, raise_error
from connectors.meta.identity import meta_identity
from connectors.meta.receipts import receipt
from connectors.meta.settings import MetaOptions, MetaSettings
from connectors.meta.usage import WINDOWS, left, pause_seconds
from connectors.platform_ids import platform_id
from connectors.redact import redact
from connectors.wire import Answer

NORMAL = 200
"""Code of either state when all is well."""
FLAGGED = 471
"""``operation_status``: the name or description hints at health or money matters; no member may be changed."""
FIELDS = "id,name,description,operation_status"
TOO_MUCH_DATA = 1
"""Error code of a listing whose page is too large."""
MOST_PAGES = 1_000
"""An account holds 500 customer-file audiences at most; more pages than this is a loop."""
SESSION_LIMIT = 2**53
"""Session ids stay exact where JSON numbers are doubles."""
SIZE_FIELDS = (
    "approximate_count_lower_bound,approximate_count_upper_bound,delivery_status,operation_status,"
    "time_content_updated"
)
SERVING_MINIMUM = 100
"""Matched people below which Meta does not serve an audience."""


class MetaConnector(HttpConnector):
    """One ad account. A person's row is hashed before it gets here; nothing raw is ever held."""

    kind: ClassVar[Kind] = Kind.AD_PLATFORM
    title: ClassVar[str] = "Meta"
    settings_type: ClassVar[type[ConnectorSettings]] = MetaSettings
    options_type: ClassVar[type[SyncOptions]] = MetaOptions
    consent = ("ads_personalisation", "ads_user_data")
    audience_name_length: ClassVar[int] = 50
    reads_back = ReadBack(lag=timedelta(hours=48), tolerance=0.1, matched_only=True)
    forbids: ClassVar[Mapping[str, str]] = {
        "health": "Meta flags and closes customer lists that hint at health",
        "finance": "Meta flags and closes customer lists that hint at somebody's finances",
    }

    def __init__(self, destination: str, settings: MetaSettings) -> None:
        super().__init__(destination, settings)
        self.config = settings
        declared = self.declare(settings)
        self.limits, self.identity = declared.limits, declared.identity
        self._token = settings.token.get_secret_value()
        self._proof = _proof(settings)
        self.http = Http(
            settings.base_url,
            self._authorise,
            in_flight=settings.max_in_flight,
            name=self.title,
            timing=Timing(read=settings.timeout_seconds, longest_throttle=settings.max_wait_seconds),
            secrets=(self._token, *self._proof.values()),
            windows=self.limits.windows,
            what_is_left=lambda headers, _: left(headers, settings.access),
        )

    @classmethod
    def declare(cls, settings: MetaSettings) -> Declared:
        """Counts and samples; a window by the app's access."""
        limits = Limits(
            max_rows=settings.max_rows,
            max_in_flight=settings.max_in_flight,
            windows=WINDOWS[settings.access],
            verdicts=Verdicts.COUNT_AND_SAMPLES,
            settles_after=timedelta(minutes=settings.settles_after_minutes),
            min_size=SERVING_MINIMUM,
        )
        return Declared(limits, meta_identity(settings))

    def lifetime(self, options: SyncOptions) -> timedelta | None:
        """The audience's retention."""
        days = options.retention_days if isinstance(options, MetaOptions) else None
        return timedelta(days=days) if days else None

    def open_audience(self, request: AudienceRequest, options: SyncOptions) -> Audience:
        """The audience by its id, else by our mark in its description, else a new one.

        Raises AudienceGone for a deleted or unshared one, ActionNeeded for a flagged one or unaccepted terms.
        """
        if request.known_id is not None:
            path = self._path(f"/{request.known_id}")
            params = {"fields": FIELDS} | self._proof
            return self._usable(
                _object(self.http.send("GET", path, lambda a: self._judge(a, "audience"), params=params))
            )
        for listed in self._listed():
            if request.marker in str(listed.get("description", "")).split():
                return self._usable(listed)
        return self._create(request, options)

    def add(self, audience: Audience, rows: pa.Table, batch: Batch) -> Receipt:
        """POST the rows. Meta answers with counts; membership follows within a day."""
        return self._edit("POST", audience, rows, batch)

    def remove(self, audience: Audience, rows: pa.Table, batch: Batch) -> Receipt:
        """DELETE the rows, with the same keys as they were added with."""
        return self._edit("DELETE", audience, rows, batch)

    def read_back(self, audience: Audience) -> Reported:
        """Meta's range of the people it recognised; it says -1 while it has no number."""
        params = {"fields": SIZE_FIELDS} | self._proof
        path = self._path(f"/{audience.id}")
        found = _object(self.http.send("GET", path, lambda a: self._judge(a, "audience"), params=params))
        lower, upper = (_count(found.get(f"approximate_count_{end}_bound")) for end in ("lower", "upper"))
        changed = found.get("time_content_updated")
        return Reported(
            lower,
            upper,
            _status(found),
            datetime.fromtimestamp(changed, UTC) if isinstance(changed, int) and changed > 0 else None,
        )

    def examine(self) -> Iterator[Finding]:
        """The token, the ad account, and whether its audiences can be read."""
        try:
            path = self._path(f"/act_{self.config.ad_account}")
            params = {"fields": "name,account_status"} | self._proof
            self.http.send("GET", path, lambda a: self._judge(a, "account"), params=params)
            yield Finding("ad account", True, "the token reads it")
            self._page(1, "")
            yield Finding(
                "audiences", True, "they can be read; Meta tells of unaccepted terms at the first push"
            )
        except DeliveryError as error:
            yield Finding("ad account", False, str(error))

    def _edit(self, method: str, audience: Audience, table: pa.Table, batch: Batch) -> Receipt:
        schema = list(table.column_names)
        cells = [column.fill_null("").to_pylist() for column in table.columns]
        if self.config.limited_data_use and batch.op == "add":
            schema += [
                "DATA_PROCESSING_OPTIONS",
                "DATA_PROCESSING_OPTIONS_COUNTRY",
                "DATA_PROCESSING_OPTIONS_STATE",
            ]
            marks = [["LDU"], self.config.limited_data_use_country, self.config.limited_data_use_state]
            cells += [[mark] * table.num_rows for mark in marks]
        rows = list(zip(*cells, strict=True))
        payload = {"schema": schema, "is_raw": True, "data": rows}

        def body(attempt: int) -> object:
            session = {"session": _session(batch, attempt, len(rows))} if self.config.send_session else {}
            return {**session, "payload": payload, **self._proof}

        def judge(answer: Answer) -> None:
            self._judge(answer, "audience", (cell for row in rows for cell in row if isinstance(cell, str)))

        answer = self.http.send(method, self._path(f"/{audience.id}/users"), judge, body=body)
        return receipt(answer.json, rows, self.config.send_session)

    def _listed(self) -> Iterator[dict[str, object]]:
        """Every audience of the account, page by page; smaller pages when Meta finds one too large."""
        size, after = self.config.page_size, ""
        for _ in range(MOST_PAGES):
            try:
                page = self._page(size, after)
            except _PageTooLarge:
                size //= 2
                continue
            listed = page.get("data")
            yield from (item for item in listed if isinstance(item, dict)) if isinstance(listed, list) else ()
            following = _next_cursor(page)
            if not following:
                return
            if following == after:
                break
            after = following
        raise Refused("Meta: the list of audiences does not end")

    def _page(self, size: int, after: str) -> dict[str, object]:
        def judge(answer: Answer) -> None:
            error = graph_error(answer)
            if error is not None and error.code == TOO_MUCH_DATA and size > 1:
                raise _PageTooLarge
            self._judge(answer, "account")

        params = {"fields": FIELDS, "limit": str(size)} | ({"after": after} if after else {})
        path = self._path(f"/act_{self.config.ad_account}/customaudiences")
        return _object(self.http.send("GET", path, judge, params=params | self._proof))

    def _create(self, request: AudienceRequest, options: SyncOptions) -> Audience:
        if len(request.name) > self.audience_name_length:
            raise ActionNeeded(f"Meta: an audience's name has at most {self.audience_name_length} characters")
        wanted: dict[str, object] = {
            "name": request.name,
            "subtype": "CUSTOM",
            "description": f"Kept by Turnout, please leave this line: {request.marker}",
            "customer_file_source": self.config.customer_file_source,
            **self._proof,
        }
        if isinstance(options, MetaOptions):
            if options.retention_days:
                wanted["retention_days"] = options.retention_days
            if options.labels:
                wanted["audience_labels"] = list(options.labels)
        made = _object(
            self.http.send(
                "POST",
                self._path(f"/act_{self.config.ad_account}/customaudiences"),
                lambda a: self._judge(a, "account"),
                body=lambda _: wanted,
                repeatable=False,  # names are not unique: a second request would make a second audience
            )
        )
        audience_id = platform_id(made.get("id"))
        if audience_id is None:
            raise Uncertain(
                "Meta: the answer to creating an audience names no id; it is looked for next time"
            )
        return Audience(audience_id, request.name, self._url(), created=True)

    def _usable(self, found: dict[str, object]) -> Audience:
        status = found.get("operation_status")
        if isinstance(status, dict) and status.get("code") == FLAGGED:
            raise ActionNeeded(
                "Meta: the audience is flagged because its name or description hints at health or money;"
                " give it a neutral name or ask for a review in Ads Manager"
            )
        audience_id = platform_id(found.get("id"))
        if audience_id is None:
            raise Refused("Meta: the answer about the audience names no id; nothing was sent")
        return Audience(audience_id, str(found.get("name", "")), self._url())

    def _judge(self, answer: Answer, node: Node, sent: Iterable[str] = ()) -> None:
        pause = pause_seconds(answer.headers, self.config.usage_limit_percent)
        self.http.hold(min(pause, self.config.max_wait_seconds), "Meta says that most of the budget is used")
        error = graph_error(answer)
        if error is not None:
            raise_error(error, answer, node, self.destination, self.http.secrets, sent)

    def _authorise(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self._token}"
        return request

    def _path(self, node: str) -> str:
        return f"/{self.config.api_version}{node}"

    def _url(self) -> str:
        return f"https://adsmanager.facebook.com/adsmanager/audiences?act={self.config.ad_account}"


class _PageTooLarge(Exception):
    """Meta asks for a smaller page."""


def _proof(settings: MetaSettings) -> dict[str, str]:
    """The parameter that proves knowledge of the app's secret, where one is set."""
    if settings.app_secret is None:
        return {}
    key, token = (s.get_secret_value().encode() for s in (settings.app_secret, settings.token))
    return {"appsecret_proof": hmac.new(key, token, hashlib.sha256).hexdigest()}


def _session(batch: Batch, attempt: int, rows: int) -> dict[str, object]:
    """A session for one attempt at one batch, so that Meta's running counts are this request's own."""
    digest = hashlib.sha256(f"{batch.id}/{attempt}".encode()).digest()
    number = int.from_bytes(digest[:8], "big") % (SESSION_LIMIT - 1) + 1
    return {"session_id": number, "batch_seq": 1, "last_batch_flag": True, "estimated_num_total": rows}


def _next_cursor(page: dict[str, object]) -> str:
    """Where the next page starts, empty on the last. The ``next`` link is not followed: it holds the token."""
    paging = page.get("paging")
    if not isinstance(paging, dict) or "next" not in paging:
        return ""
    cursors = paging.get("cursors")
    return str(cursors.get("after", "")) if isinstance(cursors, dict) else ""


def _count(value: object) -> int | None:
    """A size; -1 means that Meta has none to tell."""
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def _status(found: dict[str, object]) -> str:
    """Codes and words of Meta's two states of an audience; its words name no person."""
    told = []
    for name in ("operation_status", "delivery_status"):
        state = found.get(name)
        if isinstance(state, dict) and state.get("code") != NORMAL:
            told.append(redact(f"{state.get('code')} {state.get('description', '')}".strip()))
    return "; ".join(told)


def _object(answer: Answer) -> dict[str, object]:
    body = answer.json
    return body if isinstance(body, dict) else {}
