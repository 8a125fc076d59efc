"""A plan's file: sealed, readable by its owner alone, and naming nobody."""

from __future__ import annotations

import base64
import hashlib
import json
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from pipelines.review.errors import PlanFileError
from pipelines.review.plan_file import Plan, plan_of, read_plan, write_plan
from pipelines.review.seal import canonical, sealed
from tests.review.office import Office

KEY = SecretStr("a key of the office")

Document = dict[str, Any]


@pytest.fixture
def plan(office: Office) -> Plan:
    """A plan that adds two and removes one, in the office's plan file."""
    office.want("vip", *range(1, 12))
    return office.plan()


def document(office: Office) -> Document:
    """What is in the plan file."""
    read: Document = json.loads(office.plan_path.read_text())
    return read


def refusal(office: Office, changed: Document, key: SecretStr | None = None) -> str:
    """Why a changed document is refused."""
    office.plan_path.write_text(json.dumps(changed))
    with pytest.raises(PlanFileError) as refused:
        read_plan(office.plan_path, key)
    return str(refused.value)


def test_what_is_written_is_what_is_read(office: Office, plan: Plan) -> None:
    """A plan goes through its file without a change."""
    assert read_plan(office.plan_path, None) == plan
    assert document(office)["made_by"] == "ann"
    [audience] = document(office)["audiences"]
    assert (audience["adds"], audience["removes"], audience["held"]) == (2, 1, 10)
    assert [(b["op"], b["number"], b["size"]) for b in audience["batches"]] == [
        ("remove", 1, 1),
        ("add", 1, 2),
    ]
    assert audience["requests"] == 2
    assert audience["forecast"].startswith("2 requests")


EDITS: dict[str, Callable[[Document], object]] = {
    "a count": lambda d: d["audiences"][0].update(adds=1),
    "a verdict": lambda d: d["audiences"][0].update(verdict="fine!"),
    "an audience left out": lambda d: d["audiences"].clear(),
    "another audience": lambda d: d["audiences"][0].update(segment="other"),
    "another day": lambda d: d["audiences"][0].update(as_of="2017-12-30"),
    "a member left out": lambda d: d["audiences"][0]["members"].update(remove=""),
    "a batch": lambda d: d["audiences"][0]["batches"].pop(),
    "who made it": lambda d: d.update(made_by="eve"),
    "when": lambda d: d.update(made_at="2020-01-01T00:00:00Z"),
    "the salt": lambda d: d.update(salt="00"),
    "something more": lambda d: d.update(note="please"),
}


@pytest.mark.parametrize("edit", EDITS.values(), ids=EDITS)
def test_an_edited_plan_is_refused(office: Office, plan: Plan, edit: Callable[[Document], object]) -> None:
    """Whatever is changed in the file, it is refused with the reason and the way on."""
    changed = document(office)
    edit(changed)
    assert refusal(office, changed).endswith(
        "the plan is refused: it was changed after it was sealed: make it anew, never edit it"
    )


def test_another_order_of_keys_is_the_same_plan(office: Office, plan: Plan) -> None:
    """What a tool does to spaces and order is no change."""
    turned = dict(reversed(document(office).items()))
    office.plan_path.write_text(json.dumps(turned, separators=(",", ":")))
    assert read_plan(office.plan_path, None) == plan


def test_a_key_that_stands_twice_is_refused(office: Office, plan: Plan) -> None:
    """A reader would see one value, and another would be applied."""
    text = office.plan_path.read_text().replace('"adds": 2', '"adds": 1,\n   "adds": 2')
    office.plan_path.write_text(text)
    with pytest.raises(PlanFileError, match="this is no plan: 'adds' stands in it twice"):
        read_plan(office.plan_path, None)


def test_without_a_seal(office: Office, plan: Plan) -> None:
    """A plan that nobody sealed is none."""
    changed = document(office)
    del changed["seal"]
    assert "it has no seal" in refusal(office, changed)


def test_a_key_keeps_others_from_making_plans(office: Office, plan: Plan) -> None:
    """With a key, a plan that was sealed without it, or anew by somebody else, is refused."""
    assert "it is sealed without a key" in refusal(office, document(office), KEY)
    content = document(office)
    content.pop("seal")
    forged = sealed(content, SecretStr("somebody else's"))
    assert "was changed after it was sealed or was sealed with another key" in refusal(office, forged, KEY)
    assert "set TURNOUT_SEAL_KEY" in refusal(office, sealed(content, KEY))
    office.plan_path.write_text(json.dumps(sealed(content, KEY)))
    assert read_plan(office.plan_path, KEY).content == plan.content


def test_a_keyed_plan_is_applied_with_the_key(tmp_path: Path) -> None:
    """Making, reading and applying under a key go together."""
    office = Office(tmp_path, key=KEY)
    office.people(*range(5))
    office.want("vip", *range(5))
    assert [one.outcome for one in office.apply(office.plan())] == ["applied"]
    assert office.held("vip") == set(range(5))


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "no JSON at line 1, column 1"),
        ('{"turnout_plan": 1,\n "x"', "no JSON at line 2, column 5"),
        ("[]", "write one with turnout plan -o plan.json"),
        ("{}", "write one with turnout plan -o plan.json"),
        ('{"turnout_plan": 2}', "a plan of another Turnout (format 1 is read here): make it anew"),
        ("[" * 100_000, "this is no plan"),
    ],
    ids=["empty", "cut off", "a list", "something else", "a later format", "too deep"],
)
def test_what_is_no_plan(text: str, reason: str) -> None:
    """A file that is no plan is refused by a sentence, never by a traceback."""
    with pytest.raises(PlanFileError) as refused:
        plan_of(text, None, "plan.json")
    assert str(refused.value).startswith("plan.json: ")
    assert reason in str(refused.value)


def test_digests_that_are_cut_are_no_plan(office: Office, plan: Plan) -> None:
    """Also a file whose seal is whole is looked through."""
    content = document(office)
    content.pop("seal")
    content["audiences"][0]["members"]["add"] = base64.b64encode(b"short").decode()
    assert "members.add ends within a digest" in refusal(office, sealed(content, None))
    content["audiences"][0]["members"]["add"] = "no base64!"
    assert "members.add is no base64" in refusal(office, sealed(content, None))


def test_bytes_and_folders_are_no_plans(tmp_path: Path) -> None:
    """What can't be read is told with the place."""
    (tmp_path / "image.png").write_bytes(b"\x89PNG\xff")
    for path, reason in [
        (tmp_path / "image.png", "it is not text in UTF-8"),
        (tmp_path, "Is a directory"),
        (tmp_path / "none.json", "No such file"),
    ]:
        with pytest.raises(PlanFileError, match=reason):
            read_plan(path, None)


@pytest.mark.privacy("P31")
def test_only_the_owner_reads_a_plan(office: Office, plan: Plan) -> None:
    """The file is for its owner alone, also when an older one of the same name was open to all."""
    assert stat.S_IMODE(office.plan_path.stat().st_mode) == 0o600
    office.plan_path.chmod(0o644)
    write_plan(office.plan_path, plan.content, None)
    assert stat.S_IMODE(office.plan_path.stat().st_mode) == 0o600


def test_a_plan_is_written_whole_or_not_at_all(office: Office, plan: Plan) -> None:
    """Where it can't be written, the old one stays and nothing is left beside it."""
    with pytest.raises(PlanFileError, match="the plan could not be written"):
        write_plan(office.folder / "nowhere" / "plan.json", plan.content, None)
    (office.folder / "taken").mkdir()
    (office.folder / "taken" / "inside").touch()
    with pytest.raises(PlanFileError, match="the plan could not be written"):
        write_plan(office.folder / "taken", plan.content, None)
    assert [path.name for path in office.folder.iterdir() if path.name.startswith(".")] == []


@pytest.mark.privacy("P27", "P31")
@pytest.mark.promise("quiet")
def test_a_plan_names_nobody(office: Office, plan: Plan) -> None:
    """No identifier is in the file, plain or hashed as sent, whole or cut, in hex, base64 or bytes; nor the ledger's
    own keys of members."""
    text = office.plan_path.read_bytes()
    digests = b"".join(
        base64.b64decode(part) for part in document(office)["audiences"][0]["members"].values()
    )
    assert len(digests) == 3 * 16
    secrets = []
    for number, person in office.world.people.items():
        email = f"p{number}@x.example"
        hashed = hashlib.sha256(email.encode()).digest()
        sent = hashlib.sha256("\x1f".join(part or "" for part in person.handle).encode()).digest()
        for value in (hashed, sent):
            secrets += [value.hex()[:20].encode(), base64.b64encode(value[:12]), value[:8]]
        secrets.append(email.encode())
    assert [secret for secret in secrets if secret in text or secret in digests] == []


def test_the_canonical_form_is_one_for_all() -> None:
    """The same content has one text, whatever the order it was put together in."""
    assert canonical({"b": [1, "ü"], "a": None}) == '{"a":null,"b":[1,"\\u00fc"]}'
