"""What connectors to JSON APIs share: settings of an account, signing in, finding an audience, judging answers.

A connector brings what is particular to its platform: addresses, bodies, its table of errors, its identity.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import parse_qs

import requests
from pydantic import Field, ImportString, SecretStr

from connectors.base import (
    ActionNeeded,
    Audience,
    AudienceGone,
    AudienceRequest,
    AuthFailed,
    ConnectorSettings,
    DeliveryError,
    Finding,
    Limits,
    SyncOptions,
    Uncertain,
    Window,
)
from connectors.consent_guard import ConsentGuard
from connectors.http import Http, HttpConnector, Timing
from connectors.meanings import Meaning, Told, meaning_of, raise_meaning
from connectors.oauth import Credential, TokenProvider
from connectors.platform_ids import platform_id
from connectors.settings import Credential as Secret
from connectors.settings import SettlingMinutes, env_prefix
from connectors.token_store import TokenStore
from connectors.wire import Answer, NoAnswer

TOKEN_FOLDER = Path(".turnout/tokens")
"""Where tokens are kept by whoever uses a connector without a state folder."""
MOST_AUDIENCES = 100_000
"""Of an account; a longer listing is a loop."""
MOST_PAGES = 1_000
"""Of a listing, for the same reason."""
WINDOWS: Mapping[str, timedelta] = {
    "requests_per_second": timedelta(seconds=1),
    "requests_per_minute": timedelta(minutes=1),
    "requests_per_quarter_hour": timedelta(minutes=15),
    "requests_per_day": timedelta(days=1),
}
"""Settings that are windows of an account's budget, where a platform has them."""


class AccountSettings(ConnectorSettings):
    """What is set for every account."""

    max_in_flight: int = Field(2, ge=1, le=10, description="Requests under way at once.")
    max_wait_seconds: float = Field(
        120, ge=1, description="Longest wait that the platform may ask for; longer ones end the run."
    )
    settles_after_minutes: SettlingMinutes = 60
    timeout_seconds: float = Field(60, ge=0.1, description="Silence after which an answer counts as lost.")
    credential_ends: date | None = Field(
        None, description="Day on which the credential ends for good, where the platform does not tell it."
    )

    @property
    def secrets(self) -> tuple[str, ...]:
        """Texts that no message may hold."""
        return tuple(value.get_secret_value() for _, value in self if isinstance(value, SecretStr))

    def limits(self, max_rows: int, *more: Window, **particular: Any) -> Limits:
        """The account's limits under these settings, with those that are particular to the platform.

        Every ``requests_per_…`` that is set is a window, besides those in ``more``.
        """
        named = ((getattr(self, name, None), per) for name, per in WINDOWS.items())
        return Limits(
            max_rows=max_rows,
            max_in_flight=self.max_in_flight,
            windows=(*(Window(requests, per) for requests, per in named if requests), *more),
            settles_after=timedelta(minutes=self.settles_after_minutes),
            **particular,
        )


class TokenSettings(AccountSettings):
    """Where tokens are kept that were given out."""

    token_folder: Path | None = Field(
        None, description="Where tokens that were given out are kept, encrypted; unset: in the state folder."
    )
    token_store: ImportString[Callable[[str], TokenStore]] | None = Field(
        None,
        description="Your own secret store instead of the folder: `package.module:function`, called with the "
        "destination's name (`connectors/token_store.py`).",
    )


class ClientSettings(TokenSettings):
    """What is set for an account that signs in by OAuth 2.0, as a client alone."""

    client_id: Secret = Field(description="OAuth client of your app.")
    client_secret: Secret = Field(description="The client's secret.")


class OAuthSettings(ClientSettings):
    """What is set for an account that signs in by OAuth 2.0 with a refresh token."""

    refresh_token: Secret = Field(
        description="Refresh token as first given; where refreshing replaces it, the new one is kept."
    )


class AccountConnector(HttpConnector):
    """One account of a platform with a JSON API and, usually, OAuth; its settings have a ``base_url``."""

    config: Any
    """The settings, by their own type in a subclass."""
    errors: ClassVar[Mapping[str | int, Meaning]]
    """The platform's own codes."""
    otherwise: ClassVar[Meaning | None] = None
    """What a code means that the table does not know; None: what its status means."""
    answers_empty: ClassVar[tuple[int, ...]] = (204,)
    """Statuses of successes without a body; any other empty answer is no answer."""
    signs_with: tuple[str, ...] = ("client_id", "client_secret", "refresh_token")
    """Of the class, or of an account that signs in otherwise: settings to look at when the credential is refused."""
    tokens: TokenProvider | None = None

    def __init__(self, destination: str, settings: Any) -> None:
        super().__init__(destination, settings)
        self.config = settings
        declared = self.declare(settings)
        self.limits, self.identity = declared.limits, declared.identity
        self.prefix = env_prefix(destination)
        self.credentials = " and ".join(self.prefix + name.upper() for name in self.signs_with)
        credential = self.credential()
        if credential is not None:
            self.tokens = TokenProvider(
                credential,
                settings.token_folder or TOKEN_FOLDER,
                self.title,
                store=settings.token_store(destination) if settings.token_store else None,
            )
        self._secrets = (*(credential.secrets if credential else ()), *settings.secrets)
        self.http = self.http_at(settings.base_url, self.limits.windows)

    # --- what a platform brings ------------------------------------------------------------------------------

    @abstractmethod
    def told(self, answer: Answer) -> Told | None:
        """The error in an answer, None for a success. Only asked about JSON objects and empty answers."""

    @abstractmethod
    def read_audience(self, audience_id: str) -> Audience:
        """The audience by its id. Raises AudienceGone."""

    @abstractmethod
    def listed(self, request: AudienceRequest) -> Iterator[tuple[Audience, str]]:
        """Audiences of the account that may be ours, each with the text in which our mark may stand."""

    @abstractmethod
    def create_audience(self, request: AudienceRequest, options: SyncOptions) -> object:
        """Create the audience; returns the id that the answer names."""

    def credential(self) -> Credential | None:
        """What signs requests by OAuth; None where the platform has tokens of its own kind."""
        return None

    def headers(self) -> Mapping[str, str]:
        """Headers of every request besides the credential."""
        return {}

    def guard(self) -> ConsentGuard | None:
        """What may leave at all, where there is consent to protect."""
        return None

    def examine_account(self) -> Iterator[Finding]:
        """What else ``turnout doctor`` can look at: permissions, terms, a dry run."""
        yield from ()

    def http_for(self, path: str) -> Http:
        """What carries a request; platforms with a second address have another for some paths."""
        return self.http

    # --- what they share -------------------------------------------------------------------------------------

    def http_at(
        self,
        base_url: str,
        windows: Sequence[Window],
        sign: Callable[[requests.PreparedRequest], requests.PreparedRequest] | None = None,
    ) -> Http:
        """Requests to an address of the platform, within these windows, signed as others unless ``sign`` does it."""
        return Http(
            base_url,
            sign or self.sign,
            in_flight=self.limits.max_in_flight,
            name=self.title,
            timing=Timing(
                read=self.settings.timeout_seconds,
                answer=self.settings.timeout_seconds,
                longest_throttle=self.settings.max_wait_seconds,
            ),
            secrets=self._secrets,
            windows=windows,
            guard=self.guard(),
        )

    def oauth(self, **particular: Any) -> Credential:
        """The credential of `OAuthSettings`, or of `ClientSettings`, at the settings' ``token_url``."""
        refresh_token: SecretStr | None = getattr(self.settings, "refresh_token", None)
        return Credential(
            self.settings.token_url,
            self.settings.client_id.get_secret_value(),
            self.settings.client_secret.get_secret_value(),
            refresh_token.get_secret_value() if refresh_token else None,
            self.credentials,
            **particular,
        )

    def sign(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Put credential and headers into a request."""
        request.headers.update(self.headers())
        return self.tokens.sign(request) if self.tokens else request

    def open_audience(self, request: AudienceRequest, options: SyncOptions) -> Audience:
        """The audience by its id, else by our mark, else by its name where no mark can be kept, else a new one.

        Raises AudienceGone for a deleted one, ActionNeeded for what a person must do first.
        """
        if request.known_id is not None:
            return self.read_audience(request.known_id)
        for number, (found, text) in enumerate(self.listed(request)):
            if request.marker in text.split():
                return found
            if number >= MOST_AUDIENCES:
                raise self._endless()
        if len(request.name) > self.audience_name_length:
            raise ActionNeeded(
                f"{self.title}: an audience's name has at most {self.audience_name_length} characters"
            )
        return replace(self.audience(self.create_audience(request, options), request.name), created=True)

    def audience(self, audience_id: object, name: object) -> Audience:
        """An audience with an id that was looked at. Raises Uncertain for none."""
        known = platform_id(audience_id)
        if known is None:
            raise Uncertain(f"{self.title}: the answer names no audience; it is looked for next time")
        return Audience(known, str(name or ""))

    def ask(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        params: Mapping[str, str] | None = None,
        repeatable: bool = True,
        sent: Iterable[str] = (),
        text: bool = False,
    ) -> Answer:
        """One request, judged by the platform's table; with a new token once when the old one has ended.

        ``sent``: identifiers in the body, which an error's text may repeat. ``repeatable``: as for ``Http.send``.
        ``text``: a success is no JSON.
        """

        def judged(answer: Answer) -> None:
            if not (text and answer.status < 300):
                self.judge(answer, sent)

        def send() -> Answer:
            made = None if body is None else (lambda _: body)
            return self.http_for(path).send(
                method, path, judged, params=params, body=made, repeatable=repeatable
            )

        return self.tokens.with_renewal(send) if self.tokens else send()

    def pages(
        self,
        path: str,
        following: Callable[[dict[str, Any]], Mapping[str, str]],
        *,
        most: int | None = None,
        body: object = None,
        **query: str,
    ) -> Iterator[dict[str, Any]]:
        """Every page of a listing; ``following`` is the query that leads to the next one, empty on the last.

        ``most``: pages of people, who are more than audiences; ``body``: what is searched for, where that is no query.
        Raises ActionNeeded for a listing without end.
        """
        method = "GET" if body is None else "POST"
        more: Mapping[str, str] = {}
        for _ in range(most or MOST_PAGES):
            page = object_of(self.ask(method, path, body, params={**query, **more}))
            yield page
            before, more = more, following(page)
            if not more:
                return
            if more == before:
                break
        raise self._endless()

    def judge(self, answer: Answer, sent: Iterable[str] = ()) -> None:
        """Raise what an answer means unless it is a success."""
        empty = not answer.body.strip() and answer.status in self.answers_empty
        if not empty and not isinstance(answer.json, dict):
            raise NoAnswer(f"HTTP {answer.status} without JSON")
        told = self.told(answer)
        if told is not None:
            raise_meaning(
                meaning_of(told, answer.status, self.errors, self.otherwise),
                told,
                title=self.title,
                prefix=self.prefix,
                credentials=self.credentials,
                secrets=self.http.secrets,
                sent=sent,
            )

    def credential_ends(self) -> datetime | None:
        """The day set by the operator, or what the platform said of the refresh token."""
        ends = self.settings.credential_ends
        if ends is not None:
            return datetime.combine(ends, time(), UTC)
        known = self.tokens.refresh_ends_at() if self.tokens else None
        return None if known is None else datetime.fromtimestamp(known, UTC)

    def examine(self) -> Iterator[Finding]:
        """The credential, then what the platform can be asked about the account."""
        try:
            if self.tokens is not None:
                self.tokens.token()
                yield Finding("credential", True, "an access token is there")
            yield from self.examine_account()
        except (AuthFailed, ActionNeeded, AudienceGone) as error:
            yield Finding("account", False, str(error))
        except DeliveryError as error:
            yield Finding("connection", False, str(error))

    def use_state(self, folder: Path) -> None:
        """Keep budget and tokens in this folder, unless the tokens have one of their own."""
        super().use_state(folder)
        if self.tokens is not None and self.settings.token_folder is None:
            self.tokens.folder = folder / TOKEN_FOLDER.name

    def close(self) -> None:
        """Close connections."""
        super().close()
        if self.tokens is not None:
            self.tokens.close()

    def _endless(self) -> ActionNeeded:
        return ActionNeeded(f"{self.title}: the list of audiences does not end")


def object_of(found: object) -> dict[str, Any]:
    """The JSON object of an answer, or in a place of one; empty for what is none."""
    value = found.json if isinstance(found, Answer) else found
    return value if isinstance(value, dict) else {}


def items_of(value: object) -> Iterator[dict[str, Any]]:
    """The JSON objects in a list; nothing for what is none."""
    yield from (item for item in value if isinstance(item, dict)) if isinstance(value, list) else ()


def texts_of(value: object) -> list[str]:
    """The texts in a list; nothing for what is none."""
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []


def count_of(value: object) -> int | None:
    """A size, also where it comes as text; None for anything else."""
    if isinstance(value, str) and value.isdecimal():
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def query_of(link: object) -> dict[str, str]:
    """The query of a link to another page. Nothing else is believed: the credential must not follow to another host."""
    return {name: values[0] for name, values in parse_qs(str(link or "").partition("?")[2]).items()}
