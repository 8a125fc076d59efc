"""Google's Data Manager API: user lists of an Ads account and of a Display & Video 360 advertiser, fed by requests
that are checked at once and processed later.

Consent is asked for everybody, as if all people lived in the European Economic Area. Encrypted uploads are refused.
"""

from __future__ import annotations

import re
import secrets
from datetime import datetime
from typing import ClassVar

from pydantic import ValidationError

from connectors.sandbox import clock
from connectors.sandbox.ads import google_user_lists as user_lists
from connectors.sandbox.ads import google_verdicts as verdicts
from connectors.sandbox.ads import holdings, jobs
from connectors.sandbox.ads.google_assertions import is_good
from connectors.sandbox.ads.google_destinations import (
    GOOGLE_ADS_ACCOUNT,
    MANAGER_ACCOUNT,
    OPERATING_ACCOUNTS,
    no_permission,
    resolve,
)
from connectors.sandbox.ads.google_requests import (
    Ingest,
    RemoveAll,
    Upload,
    UserListWish,
    unreadable_body,
)
from connectors.sandbox.ads.google_rows import KEY_TYPES, RowReader
from connectors.sandbox.ads.google_words import GoogleWords, Violation, invalid, missing, unreadable, wrong
from connectors.sandbox.ads.holdings import AdAudience
from connectors.sandbox.ads.platform import (
    SIGN_IN,
    AdPlatform,
    Context,
    Model,
    Refusal,
    Routes,
    ads_desk,
    json_of,
)
from connectors.sandbox.tokens import JWT_BEARER, TokenDesk
from connectors.sandbox.wire import Call, Json, Platform, Reply, json_reply
from connectors.sandbox.words import Words

MAX_MEMBERS = 10_000
FIRST_ID = 7_090_784_000
STATUS_SECONDS = 50 * 86_400
"""How long the outcome of a request is told."""
_IN_BODY = re.compile(r'"productDestinationId"\s*:\s*"(\d+)"')
_STANDARD_PARAMETERS = {"prettyPrint", "quotaUser"}


class GooglePlatform(AdPlatform):
    """Two accounts behind one API, and the manager of the first."""

    platform: ClassVar[Platform] = Platform.GOOGLE
    title: ClassVar[str] = "Google"
    mount: ClassVar[str] = "/v1"
    audience_in_path: ClassVar[re.Pattern[str]] = re.compile(r"/userLists/(\d+)")
    words: ClassVar[Words] = GoogleWords()
    desk: ClassVar[TokenDesk | None] = ads_desk(
        Platform.GOOGLE,
        client_in="form",
        rotates=False,
        grants=frozenset({"refresh_token", JWT_BEARER}),
        asserts=is_good,
    )
    token_path: ClassVar[str] = "/token"  # noqa: S105 - an address
    settings: ClassVar[dict[str, str]] = {
        "TOKEN_URL": "{url}/token",
        "ACCOUNT_TYPE": "GOOGLE_ADS",
        "OPERATING_ACCOUNT": GOOGLE_ADS_ACCOUNT,
        "LOGIN_ACCOUNT": MANAGER_ACCOUNT,
        **SIGN_IN,
    }

    @property
    def routes(self) -> Routes:
        """All calls."""
        lists = "/v1/accountTypes/([^/]+)/accounts/([^/]+)/userLists"
        one = re.compile(lists + "/([^/]+)")
        return (
            ("GET", re.compile(lists), self.list_user_lists),
            ("POST", re.compile(lists), self.create_user_list),
            ("GET", one, self.read_user_list),
            ("PATCH", one, self.change_user_list),
            ("DELETE", one, self.delete_user_list),
            ("POST", re.compile("/v1/audienceMembers:ingest"), self.ingest),
            ("POST", re.compile("/v1/audienceMembers:remove"), self.remove),
            ("POST", re.compile("/v1/audienceMembers:removeAll"), self.remove_all),
            ("GET", re.compile("/v1/requestStatus:retrieve"), self.read_status),
        )

    @classmethod
    def audience_of(cls, call: Call) -> str | None:
        """By the path of a user list, or by the first destination in the body."""
        named = super().audience_of(call)
        if named is not None or "audienceMembers:" not in call.path:
            return named
        in_body = _IN_BODY.search(call.body.decode("utf-8", "replace"))
        return in_body[1] if in_body else None

    def read(self, call: Call, model: type[Model]) -> Model:
        """The call's JSON body. Raises Refusal (400) in the words of Google's JSON parser."""
        if call.headers.get("content-type", "").partition(";")[0].strip() != "application/json":
            raise Refusal(unreadable("", "The body must be declared as application/json."))
        try:
            return model.model_validate_json(call.body)
        except ValidationError as error:
            raise Refusal(unreadable_body(error)) from None

    # --- user lists ------------------------------------------------------------------------------------------

    def list_user_lists(self, context: Context, account_type: str, account: str) -> Reply:
        """``GET …/userLists``, fifty a page unless asked otherwise."""
        _check_parameters(context, "filter", "pageSize", "pageToken")
        place = self._account(account_type, account)
        everything = [
            user_lists.document(found) for found in holdings.listed(context.db, self.platform, place)
        ]
        wanted = user_lists.found(everything, context.call.query.get("filter", ""))
        shown, following = user_lists.page(wanted, context.call.query)
        content: dict[str, Json] = {"userLists": list(shown)} if shown else {}
        if following:
            content["nextPageToken"] = following
        return json_reply(content, outcome=f"{len(shown)} user lists listed")

    def create_user_list(self, context: Context, account_type: str, account: str) -> Reply:
        """``POST …/userLists``."""
        only_checks = _only_checks(context)
        place = self._account(account_type, account)
        self.require_terms(context)
        wish = self.read(context.call, UserListWish)
        kept = user_lists.kept(wish, account_type)
        self._require_unused(context, place, wish.displayName)
        if only_checks:
            return json_reply({}, outcome="user list checked")
        number = FIRST_ID + holdings.next_number(context.db, self.platform)
        made = holdings.create(context.db, self.platform, str(number), place, wish.displayName, kept)
        return json_reply(user_lists.document(made), outcome="user list created", audience=made.id)

    def read_user_list(self, context: Context, account_type: str, account: str, list_id: str) -> Reply:
        """``GET …/userLists/{id}``."""
        _check_parameters(context)
        found = self._user_list(context, account_type, account, list_id)
        return json_reply(user_lists.document(found), outcome="user list read", audience=list_id)

    def change_user_list(self, context: Context, account_type: str, account: str, list_id: str) -> Reply:
        """``PATCH …/userLists/{id}``."""
        only_checks = _only_checks(context, "updateMask")
        found = self._user_list(context, account_type, account, list_id)
        wish = self.read(context.call, UserListWish)
        changed = user_lists.changes(wish, context.call.query.get("updateMask"))
        name = str(changed.pop("displayName", found.name))
        if name != found.name:
            self._require_unused(context, found.account, name)
        if not only_checks:
            holdings.rename(context.db, found, name)
            holdings.update(context.db, found, **changed)
        shown = user_lists.document(self.audience(context, list_id))
        return json_reply(shown, outcome="user list changed", audience=list_id)

    def delete_user_list(self, context: Context, account_type: str, account: str, list_id: str) -> Reply:
        """``DELETE …/userLists/{id}``."""
        only_checks = _only_checks(context)
        found = self._user_list(context, account_type, account, list_id)
        if not only_checks:
            holdings.delete(context.db, self.platform, found.id)
        return json_reply({}, outcome="user list deleted", audience=list_id)

    # --- members ---------------------------------------------------------------------------------------------

    def ingest(self, context: Context) -> Reply:
        """``POST /v1/audienceMembers:ingest``."""
        self.require_terms(context)
        return self._upload(context, self.read(context.call, Ingest))

    def remove(self, context: Context) -> Reply:
        """``POST /v1/audienceMembers:remove``."""
        return self._upload(context, self.read(context.call, Upload))

    def remove_all(self, context: Context) -> Reply:
        """``POST /v1/audienceMembers:removeAll``: everybody, or those who were last added before a moment."""
        _check_parameters(context)
        wish = self.read(context.call, RemoveAll)
        destinations = resolve(context, wish.destinations)
        now = clock.now(context.db)
        before = now if wish.removeAsOfTime is None else _moment(wish.removeAsOfTime)
        if before > now:
            text = "The remove as of time must be in the past or present."
            raise wrong("remove_as_of_time", text, "INVALID_REMOVE_AS_OF_TIME")
        if wish.validateOnly:
            return _checked({})
        taken = [
            jobs.queue(
                context.db,
                target.audience,
                "clear",
                (),
                verdicts.clearing(target.audience, now),
                context.call,
                wait_seconds=context.switches.ads_processing_seconds,
                added_before=before,
            )
            for target in destinations
        ]
        return _taken({}, taken, destinations[0].audience)

    def read_status(self, context: Context) -> Reply:
        """``GET /v1/requestStatus:retrieve``."""
        _check_parameters(context, "requestId")
        asked = context.call.query.get("requestId", "")
        found = [jobs.find(context.db, self.platform, job_id) for job_id in asked.split(".")]
        known = [job for job in found if job is not None]
        if not known:
            raise wrong("request_id", "The request ID is not valid.", "INVALID_REQUEST_ID")
        if any(verdicts.age(job, clock.now(context.db)) > STATUS_SECONDS for job in known):
            raise wrong("request_id", "Status is available for 50 days only.", "REQUEST_TOO_OLD")
        told: list[Json] = [verdicts.told(job) for job in known]
        return json_reply(
            {"requestStatusPerDestination": told}, outcome="status read", audience=known[0].audience
        )

    def _upload(self, context: Context, wish: Upload) -> Reply:
        """Check everything, then take it: one wrong row and nothing is taken."""
        _check_parameters(context)
        if len(wish.audienceMembers) > MAX_MEMBERS:
            text = f"Maximum number of audience members allowed per request is {MAX_MEMBERS:,}."
            raise wrong("audience_members", text, "TOO_MANY_AUDIENCE_MEMBERS")
        destinations = resolve(context, wish.destinations)
        reader = RowReader(wish.encoding)
        rows = reader.read(wish.audienceMembers)
        faults = [*reader.violations, *_faults_of(wish), *verdicts.stray(destinations, rows)]
        if faults:
            raise Refusal(invalid(faults))
        kind = reader.kind
        for target in destinations:
            target.require(KEY_TYPES[kind], ingests=isinstance(wish, Ingest))
        if isinstance(wish, Ingest) and kind != "userIdData":
            _require_accepted(wish)
        content: dict[str, Json] = {"fieldWarnings": []} if isinstance(wish, Ingest) else {}
        if wish.validateOnly:
            return _checked(content, rows=len(rows))
        refused = context.call.rejection.picks(json_of(context.call)["audienceMembers"])
        batch = verdicts.Batch(
            kind,
            rows,
            wish.consent if isinstance(wish, Ingest) else None,
            refused,
            ingests=isinstance(wish, Ingest),
            unnamed=context.call.rejection.unnamed,
        )
        taken = []
        for target in destinations:
            members, verdict = batch.judged(target, clock.now(context.db))
            taken.append(
                jobs.queue(
                    context.db,
                    target.audience,
                    "add" if batch.ingests else "remove",
                    members,
                    verdict,
                    context.call,
                    wait_seconds=context.switches.ads_processing_seconds,
                    lifetime=user_lists.lifetime(target.audience),
                )
            )
        return _taken(content, taken, destinations[0].audience, rows=len(rows))

    # --- what they share -------------------------------------------------------------------------------------

    def _account(self, account_type: str, account: str) -> str:
        place = f"{account_type}/{account}"
        if place not in OPERATING_ACCOUNTS:
            raise Refusal(no_permission())
        return place

    def _user_list(self, context: Context, account_type: str, account: str, list_id: str) -> AdAudience:
        place = self._account(account_type, account)
        found = self.audience(context, list_id)
        if found.account != place:
            raise Refusal(self.words.gone(list_id))
        return found

    def _require_unused(self, context: Context, account: str, name: str) -> None:
        if any(found.name == name for found in holdings.listed(context.db, self.platform, account)):
            text = "The display name is already being used for another user list for the account."
            raise wrong("user_list.display_name", text, "DISPLAY_NAME_ALREADY_USED")


def _faults_of(wish: Upload) -> list[Violation]:
    """What is wrong with a request besides its people and destinations."""
    faults = [] if wish.audienceMembers else [missing("audience_members")]
    if wish.encryptionInfo is not None:
        faults.append(Violation("encryption_info", "This sandbox has no keys to decrypt with."))
    return faults


def _require_accepted(wish: Ingest) -> None:
    if wish.termsOfService.customerMatchTermsOfServiceStatus != "ACCEPTED":
        field = "terms_of_service.customer_match_terms_of_service_status"
        text = "Required terms and conditions are not accepted."
        raise wrong(field, text, "TERMS_AND_CONDITIONS_NOT_SIGNED")


def _only_checks(context: Context, *others: str) -> bool:
    """The parameter ``validateOnly``; raises Refusal for a parameter that the method does not know."""
    _check_parameters(context, "validateOnly", *others)
    value = context.call.query.get("validateOnly", "false")
    if value not in ("true", "false"):
        raise Refusal(unreadable("validate_only", "Invalid value at 'validate_only' (TYPE_BOOL)."))
    return value == "true"


def _check_parameters(context: Context, *known: str) -> None:
    for name in sorted(set(context.call.query) - {*known, *_STANDARD_PARAMETERS}):
        raise Refusal(unreadable("", f'Unknown name "{name}": Cannot bind query parameter.'))


def _moment(text: str) -> float:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = datetime.min
    if moment.tzinfo is None:
        raise Refusal(unreadable("remove_as_of_time", "Invalid value at 'remove_as_of_time' (Timestamp)."))
    return moment.timestamp()


def _taken(
    content: dict[str, Json], taken: list[str], audience: AdAudience, rows: int | None = None
) -> Reply:
    """200 with the request's id: its jobs' ids, one for each destination."""
    answer = {"requestId": ".".join(taken), **content}
    return json_reply(answer, outcome="request taken", audience=audience.id, rows=rows)


def _checked(content: dict[str, Json], rows: int | None = None) -> Reply:
    """200 with an id that no status is kept of."""
    answer = {"requestId": secrets.token_hex(12), **content}
    return json_reply(answer, outcome="request checked", rows=rows)
