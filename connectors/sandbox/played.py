"""What every platform of the sandbox is that answers JSON: from a call to a reply."""

from __future__ import annotations

import math
import re
import sqlite3
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, TypeVar

import orjson
from pydantic import BaseModel, ConfigDict, ValidationError

from connectors.sandbox import clock
from connectors.sandbox.store import Store
from connectors.sandbox.switches import Switches, read_switches
from connectors.sandbox.tokens import TokenDesk, bearer
from connectors.sandbox.wire import Call, Platform, Reply
from connectors.sandbox.words import Words


@dataclass(frozen=True, slots=True)
class Context:
    """One call within its transaction."""

    db: sqlite3.Connection
    call: Call
    switches: Switches


class Refusal(Exception):
    """Raised to end a call with this answer; what the call has changed is undone."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(reply.outcome)
        self.reply = reply


class StrictRequest(BaseModel):
    """A body without coercion and without unknown fields."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


Model = TypeVar("Model", bound=BaseModel)
Routes = tuple[tuple[str, re.Pattern[str], Callable[..., Reply]], ...]
"""Method, path below the mount, and the function that answers: it takes the platform, a Context and the groups."""


class PlayedPlatform(ABC):
    """One platform with its accounts; a subclass brings its routes and words."""

    platform: ClassVar[Platform]
    title: ClassVar[str]
    mount: ClassVar[str]
    """What follows the platform's mount in the base address that its callers use, a version for example."""
    audience_in_path: ClassVar[re.Pattern[str]]
    """Finds the audience's id in the path of a call about its members, for faults; its first group. A platform that
    names it elsewhere brings its own ``audience_of`` instead."""
    words: ClassVar[Words]
    settings: ClassVar[dict[str, str]]
    """What points a connector here besides its base address: settings' names without the destination's prefix."""
    family: ClassVar[Literal["ads", "email"]] = "ads"
    """Whose switches hold."""
    key_setting: ClassVar[str] = "TOKEN"
    """The one of the settings that is the credential, where no desk gives out tokens."""
    desk: ClassVar[TokenDesk | None] = None
    token_path: ClassVar[str] = ""
    """Where the desk is, below the mount."""
    token_seconds: ClassVar[float] = math.inf
    """No access token lives longer than this, whatever the switch says."""
    refresh_grace: ClassVar[float] = 0
    """How many seconds a refresh token still works after it was replaced."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._minute = (0, 0)

    # --- what a platform brings ------------------------------------------------------------------------------

    @property
    @abstractmethod
    def routes(self) -> Routes:
        """Everything that is answered, besides the token endpoint."""

    def token_of(self, call: Call) -> str | None:
        """The credential that a call carries."""
        return bearer(call)

    @classmethod
    @abstractmethod
    def work(cls, db: sqlite3.Connection) -> None:
        """Do what is due by the sandbox's clock: jobs, expiries."""

    @classmethod
    def audience_of(cls, call: Call) -> str | None:
        """The id of the audience that a call is addressed to, None for none; for faults."""
        named = cls.audience_in_path.search(call.path)
        return named[1] if named else None

    # --- what they share -------------------------------------------------------------------------------------

    def handle(self, call: Call) -> Reply:
        """Answer one call, refusals included."""
        try:
            with self._store.writing() as db:
                self.work(db)
            with self._store.writing() as db:
                return self._answer(Context(db, call, read_switches(db)))
        except Refusal as refusal:
            return refusal.reply

    def read(self, call: Call, model: type[Model]) -> Model:
        """The call's JSON body. Raises Refusal (400) naming the first field that is wrong, never its value."""
        if call.headers.get("content-type", "").partition(";")[0].strip() != "application/json":
            raise Refusal(
                self.words.refused(400, "invalid_request", "The body must be declared as application/json.")
            )
        try:
            return model.model_validate_json(call.body)
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            place = ".".join(str(part) for part in first["loc"])
            raise Refusal(
                self.words.refused(400, "invalid_request", f"{place or 'body'}: {first['msg']}")
            ) from None

    def _answer(self, context: Context) -> Reply:
        call = context.call
        if self.desk is not None and call.path == self.token_path:
            return self.desk.give_out(
                context.db,
                call,
                seconds=min(self._switch(context, "token_seconds"), self.token_seconds),
                revoked=self._switch(context, "token_revoked"),
                grace=self.refresh_grace,
            )
        self._check_token(context)
        self._check_rate(context)
        for method, pattern, handler in self.routes:
            match = pattern.fullmatch(call.path)
            if match and call.method == method:
                return handler(context, *match.groups())
        raise Refusal(self.words.refused(404, "not_found", "There is nothing at this address."))

    def _check_token(self, context: Context) -> None:
        token = self.token_of(context.call)
        if token is None or self._switch(context, "token_revoked"):
            raise Refusal(self.words.signed_out(expired=False))
        state = self._state_of(context, token)
        if state != "living":
            raise Refusal(self.words.signed_out(expired=state == "ended"))

    def _state_of(self, context: Context, token: str) -> str:
        if self.desk is None:
            return "living" if token == self.settings.get(self.key_setting) else "unknown"
        return self.desk.state_of(context.db, token)

    def _switch(self, context: Context, name: str) -> Any:
        return getattr(context.switches, f"{self.family}_{name}")

    def _check_rate(self, context: Context) -> None:
        """A fixed minute by the sandbox's clock: coarse, but nobody may rely on the platform's own grain."""
        allowed = self._switch(context, "requests_per_minute")
        if not allowed:
            return
        minute = int(clock.now(context.db) // 60)
        taken = self._minute[1] + 1 if self._minute[0] == minute else 1
        self._minute = (minute, taken)
        if taken > allowed:
            raise Refusal(self.words.too_many())


def json_of(call: Call) -> Any:
    """The call's body as JSON, None when it is none."""
    try:
        return orjson.loads(call.body)
    except orjson.JSONDecodeError:
        return None
