"""Microsoft Advertising's requests, verdicts, errors and customer lists, against a scripted server and the SDK."""

from __future__ import annotations

import json
from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from connectors.base import (
    ActionNeeded,
    Audience,
    AudienceGone,
    AudienceRequest,
    AuthFailed,
    QuotaExhausted,
    Refused,
    Reported,
    Uncertain,
    Window,
)
from connectors.microsoft import MicrosoftConnector, MicrosoftOptions
from connectors.testing import FastTime
from tests.connectors.lapsed import ANN, MARY, REQUEST, known
from tests.connectors.oauth_account import answers, asked, batch, digest, renewals, table
from tests.connectors.server import Reply, Scripted

LIST = Audience("8002468", "Lapsed")
TAKEN = Reply(body={"PartialErrors": []})
HELD = Reply(body={"Audiences": [{"Id": "8002468", "Name": "Lapsed"}], "PartialErrors": []})
NOBODY = Reply(body={"Audiences": [None], "PartialErrors": []})
TERMS = "TURNOUT_MICROSOFT_ACCEPT_CUSTOMER_MATCH_TERMS"


@pytest.fixture
def microsoft(sign_in: Any) -> Any:
    """Makes connectors with other settings."""
    account = {"customer_account_id": "180012345", "customer_id": "250012345", "developer_token": "dev-1"}
    return partial(sign_in, MicrosoftConnector, **account)


def partly(*errors: tuple[int | None, str]) -> Reply:
    """200 with errors of items."""
    told = [
        {"Index": index, "Code": 8001, "ErrorCode": code, "Message": f"{MARY} is odd", "Type": "BatchError"}
        for index, code in errors
    ]
    return Reply(body={"PartialErrors": told})


def fault(code: int, word: str, part: str = "Errors", status: int = 400) -> Reply:
    """A fault of the request as a whole."""
    error = {"Code": code, "ErrorCode": word, "Message": f"ann@example.com {MARY}", "Detail": None}
    kind = "AdApiFaultDetail" if part == "Errors" else "ApiFaultDetail"
    return Reply(status, {"TrackingId": "track-1", "Type": kind, part: [error]})


def add(opened: MicrosoftConnector, *emails: str) -> Any:
    """Add these addresses."""
    return opened.add(LIST, table(Email=list(emails)), batch("add", len(emails)))


@pytest.mark.parametrize(
    ("raw", "sent"),
    [
        ("Test@Contoso.com", "f25ad364d33972379a7a4f4df33db142205f5c40eb19cfdb2fc5aaf117e10101"),
        ("  Mary.Smith+news@Gmail.com ", MARY),
        (" Mary@Example.com", ANN),
    ],
)
def test_addresses_are_trimmed_lowered_and_hashed(microsoft: Any, raw: str, sent: str) -> None:
    """The fact sheet's digests: no Gmail rule, no salt."""
    assert digest(microsoft(), "Email", raw) == sent


def test_a_persons_own_id_goes_as_it_is_and_only_if_asked_for(microsoft: Any) -> None:
    """``CRM`` is off by default; ``Phone`` has no published rule and cannot be set."""
    assert [column.name for column in microsoft().identity.columns] == ["Email"]
    assert digest(microsoft(identifiers=("CRM",)), "CRM", " C-0012 ") == "C-0012"
    with pytest.raises(ValueError, match="identifiers"):
        microsoft(identifiers=("Phone",))


def test_each_kind_is_a_request_of_its_own(server: Scripted, microsoft: Any) -> None:
    """Path, headers and bodies of adding and removing; equal identifiers go once."""
    answers(server, TAKEN)
    opened = microsoft(identifiers=("Email", "CRM"))
    rows = table(Email=[MARY, None, MARY], CRM=[None, "C-1", "C-2"])
    assert opened.add(LIST, rows, batch("add", 3)).status == "applied"
    opened.remove(LIST, rows.slice(0, 1), batch("remove", 1))
    applied = [("Add", "Email", [MARY]), ("Add", "CRM", ["C-1", "C-2"]), ("Remove", "Email", [MARY])]
    names = ("ActionType", "CustomerListItemSubType", "CustomerListItems")
    assert [seen.json for seen in asked(server)] == [
        {"CustomerListUserData": {"AudienceId": "8002468", **dict(zip(names, change, strict=True))}}
        for change in applied
    ]
    account = {"CustomerAccountId": "180012345", "CustomerId": "250012345"}
    headers = {"Authorization": "Bearer access-1", "DeveloperToken": "dev-1", **account}
    for seen in asked(server):
        assert (seen.method, seen.path) == ("POST", "/CustomerListUserData/Apply")
        assert headers.items() <= seen.headers.items()
        assert seen.headers["Content-Type"] == "application/json"


def test_terms_are_accepted_only_if_somebody_says_so(server: Scripted, microsoft: Any) -> None:
    """Absent by default, since false would refuse the call; true when set."""
    answers(server, TAKEN)
    add(microsoft(), MARY)
    add(microsoft(accept_customer_match_terms=True), MARY)
    told = [json.loads(seen.body)["CustomerListUserData"] for seen in asked(server)]
    assert [one.get("AcceptCustomerMatchTerm") for one in told] == [None, True]
    assert "AcceptCustomerMatchTerm" not in told[0]


def test_each_refused_item_is_its_rows(server: Scripted, microsoft: Any) -> None:
    """``Index`` is the place among the items that were sent, each once."""
    answers(server, partly((1, "InvalidEmailHash"), (2, "")))
    receipt = add(microsoft(), MARY, ANN, ANN, "c" * 64)
    assert receipt.rejected == {1: "invalid_email_hash", 2: "invalid_email_hash", 3: "refused"}
    assert receipt.rejected_unlocated == 0


def test_an_error_at_the_first_item_may_be_the_lists(server: Scripted, microsoft: Any) -> None:
    """No code is documented for a list that is gone, so the list is looked at before a row is blamed."""
    answers(server, partly((0, "InvalidItem")), HELD)
    assert add(microsoft(), MARY, ANN).rejected == {0: "invalid_item"}
    for gone in (
        partly((0, "InvalidId")),
        partly((None, "InvalidId")),
        fault(4099, "InvalidId", "BatchErrors"),
    ):
        answers(server, gone, NOBODY)
        with pytest.raises(AudienceGone):
            add(microsoft(), MARY)


@pytest.mark.parametrize(
    "answer", [partly((7, "InvalidItem")), partly((None, "Odd")), Reply(body={}), Reply(body={"Index": 1})]
)
def test_an_answer_that_names_no_item_is_in_doubt(server: Scripted, microsoft: Any, answer: Reply) -> None:
    """Nobody knows which items were taken."""
    answers(server, answer, HELD)
    with pytest.raises(Uncertain):
        add(microsoft(), MARY, ANN)


CONSEQUENCES: list[tuple[int, str, type[Exception]]] = [
    (117, "CallRateExceeded", QuotaExhausted),
    (4204, "BulkServiceNoMoreCallsPermittedForTheTimePeriod", QuotaExhausted),
    (109, "AuthenticationTokenExpired", AuthFailed),
    (105, "InvalidCredentials", AuthFailed),
    (106, "", AuthFailed),
    (8003, "CustomerListTermsAndConditionsNotAccepted", ActionNeeded),
    (3913, "TermsAndConditionsNotAccepted", ActionNeeded),
    (8003, "TermsAndConditionsNotAccepted", ActionNeeded),
    (0, "InternalError", Uncertain),
    (4242, "NobodyKnows", Refused),
]


@pytest.mark.parametrize("part", ["Errors", "BatchErrors", "OperationErrors"])
@pytest.mark.parametrize(("code", "word", "consequence"), CONSEQUENCES)
def test_every_fault_has_its_consequence(
    server: Scripted, microsoft: Any, code: int, word: str, consequence: type[Exception], part: str
) -> None:
    """The word decides, wherever the error stands; the fault is traceable and quotes nobody."""
    answers(server, fault(code, word, part), HELD if consequence is Refused else fault(code, word, part))
    with pytest.raises(consequence) as failed:
        add(microsoft(), MARY)
    told = str(failed.value)
    assert isinstance(failed.value, consequence)
    assert "track-1" in told
    assert not [text for text in ("ann@", MARY, "secret-1", "access-", "dev-1") if text in told]
    assert (TERMS in told) == (consequence is ActionNeeded)


@pytest.mark.parametrize(("code", "word", "consequence"), [c for c in CONSEQUENCES if c[1] and c[0] != 4242])
def test_the_same_words_under_http_200(
    server: Scripted, microsoft: Any, code: int, word: str, consequence: type[Exception]
) -> None:
    """Errors of the whole request also come as errors of an item."""
    answers(server, partly((0, word)))
    with pytest.raises(consequence):
        add(microsoft(), MARY)


@pytest.mark.parametrize(
    ("status", "consequence"),
    [(401, AuthFailed), (403, AuthFailed), (404, Refused), (429, QuotaExhausted), (500, Uncertain)],
)
def test_a_fault_without_a_code_is_judged_by_its_status(
    server: Scripted, microsoft: Any, status: int, consequence: type[Exception]
) -> None:
    """Proxies in between answer with an empty object."""
    answers(server, Reply(status, {}))
    with pytest.raises(consequence):
        add(microsoft(), MARY)


def test_too_many_calls_wait_for_the_window(server: Scripted, time: FastTime, microsoft: Any) -> None:
    """117 slides over a minute."""
    answers(server, fault(117, "CallRateExceeded"), TAKEN)
    assert add(microsoft(), MARY).status == "applied"
    assert sum(time.pauses) == pytest.approx(60)
    assert microsoft().limits.windows == (Window(60, timedelta(minutes=1)),)


def test_a_renewed_refresh_token_is_used_from_then_on(server: Scripted, microsoft: Any) -> None:
    """The client and the scope go in the form; an ended access token is renewed once, with the newest token."""
    answers(server, fault(109, "AuthenticationTokenExpired", status=401), TAKEN, refresh_token="refresh-2")
    assert add(microsoft(), MARY).status == "applied"
    form = {"grant_type": "refresh_token", "client_id": "id-1", "client_secret": "secret-1"}
    scope = {"scope": "https://ads.microsoft.com/msads.manage offline_access"}
    first, second = ({**form, **scope, "refresh_token": token} for token in ("refresh-1", "refresh-2"))
    assert renewals(server) == [(first, None), (second, None)]


@pytest.mark.parametrize(
    ("more", "options", "scope", "parent", "days"),
    [
        ({}, MicrosoftOptions(), "Account", "180012345", 390),
        ({"audience_scope": "Customer"}, MicrosoftOptions(retention_days=30), "Customer", "250012345", 30),
    ],
)
def test_a_new_list_has_scope_mark_and_lifetime(
    server: Scripted, microsoft: Any, more: Any, options: Any, scope: str, parent: str, days: int
) -> None:
    """Without a duration members would fall out after 30 days; unchanged ones are sent again in time."""
    made = Reply(body={"AudienceIds": ["8002468"], "PartialErrors": []})
    answers(server, Reply(body={"Audiences": [], "PartialErrors": []}), made)
    opened = microsoft(**more)
    assert opened.open_audience(REQUEST, options) == Audience("8002468", "Lapsed", created=True)
    assert opened.lifetime(options) == timedelta(days=days)
    listed, created = asked(server)
    assert (listed.path, listed.json) == ("/Audiences/QueryByIds", {"Type": "CustomerList"})
    wanted = {"Type": "CustomerList", "Name": "Lapsed", "Description": "turnout:lapsed", "Scope": scope}
    assert (created.method, created.path) == ("POST", "/Audiences")
    assert created.json == {"Audiences": [{**wanted, "ParentId": parent, "MembershipDuration": days}]}


def test_a_refused_list_under_http_200(server: Scripted, microsoft: Any) -> None:
    """No id and an error: refused with its word; no id and no error: in doubt."""
    none = Reply(body={"Audiences": [], "PartialErrors": []})
    refused = {"AudienceIds": [None], "PartialErrors": [{"Index": 0, "ErrorCode": "DuplicateName"}]}
    answers(server, none, Reply(body=refused))
    with pytest.raises(Refused, match="duplicate_name"):
        microsoft().open_audience(REQUEST, MicrosoftOptions())
    for body in ({"AudienceIds": [None], "PartialErrors": []}, {"AudienceIds": "x"}, {}):
        answers(server, none, Reply(body=body))
        with pytest.raises(Uncertain):
            microsoft().open_audience(REQUEST, MicrosoftOptions())


def test_ours_is_found_by_mark_or_by_id(server: Scripted, microsoft: Any) -> None:
    """A mark that only begins alike is somebody else's; the listing can be left out; a list may be gone."""
    others = {"Id": "5", "Name": "Lapsed VIP", "Description": "turnout:lapsed_vip"}
    ours = {"Id": "8002468", "Name": "Lapsed", "Description": "synced turnout:lapsed"}
    answers(server, Reply(body={"Audiences": [None, others, ours], "PartialErrors": []}))
    assert microsoft().open_audience(REQUEST, MicrosoftOptions()) == LIST
    assert microsoft().open_audience(known("8002468"), MicrosoftOptions()) == LIST
    assert asked(server)[1].json == {"AudienceIds": ["8002468"], "Type": "CustomerList"}
    answers(server, NOBODY)
    with pytest.raises(AudienceGone):
        microsoft().open_audience(known("8002468"), MicrosoftOptions())
    answers(server, Reply(body={"AudienceIds": ["9"], "PartialErrors": []}))
    assert microsoft(find_by_mark=False).open_audience(REQUEST, MicrosoftOptions()).id == "9"
    long = AudienceRequest("x" * 129, "turnout:x", None)
    with pytest.raises(ActionNeeded, match="128"):
        microsoft(find_by_mark=False).open_audience(long, MicrosoftOptions())


@pytest.mark.parametrize(
    ("told", "reported"),
    [
        (
            {"SearchSize": "1200", "AudienceNetworkSize": "1500", "MembershipDuration": 390},
            Reported(1200, 1500, "SearchSize 1200; AudienceNetworkSize 1500; members stay for 390 days"),
        ),
        ({"SearchSize": None, "AudienceNetworkSize": None}, Reported(None, None, "")),
    ],
)
def test_sizes_are_read_back(server: Scripted, microsoft: Any, told: Any, reported: Reported) -> None:
    """Texts, null while Microsoft counts."""
    answers(server, Reply(body={"Audiences": [{"Id": "8002468", **told}], "PartialErrors": []}))
    assert microsoft().read_back(LIST) == reported


def test_the_doctor_tells_how_terms_are_accepted(server: Scripted, microsoft: Any) -> None:
    """Lists can be read; nothing tells whether the terms are accepted, so it says what to do."""
    answers(server, HELD)
    findings = list(microsoft().examine())
    assert [finding.ok for finding in findings] == [True, True, True]
    assert TERMS in findings[-1].says
    assert "each call" in list(microsoft(accept_customer_match_terms=True).examine())[-1].says
    answers(server, fault(106, "UserIsNotAuthorized"))
    assert [finding.ok for finding in microsoft().examine()] == [True, False]
