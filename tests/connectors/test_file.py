"""The file destination on a real disk."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pyarrow as pa
import pytest

from connectors.base import Audience, AudienceRequest, Batch, Refused, SyncOptions
from connectors.file import FileConnector, FileSettings

COLUMNS = ("external_id", "email_sha256", "phone_sha256")


def people(*ids: str) -> pa.Table:
    nothing = pa.array([None] * len(ids), pa.string())
    return pa.table({"external_id": pa.array(ids), "email_sha256": nothing, "phone_sha256": nothing})


def opened(folder: Path) -> tuple[FileConnector, Audience]:
    connector = FileConnector("file", FileSettings(folder=folder))
    return connector, connector.open_audience(
        AudienceRequest("Lapsed VIPs / DE", "turnout:lapsed", None), SyncOptions()
    )


def batch(op: str, number: int = 1) -> Batch:
    return Batch(f"01JD00000000000000000000{number:02}", op, number, number, 1)  # type: ignore[arg-type]


def lines(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_members_and_changes_are_readable(tmp_path: Path) -> None:
    """One folder, one JSON object a member, one a change with its batch, nothing for what did not change."""
    connector, audience = opened(tmp_path)
    connector.add(audience, people("a", "b"), batch("add", 1))
    connector.add(audience, people("b", "c"), batch("add", 2))
    connector.remove(audience, people("a", "z"), batch("remove", 3))
    folder = tmp_path / "lapsed-vips-de"
    assert [row["external_id"] for row in lines(folder / "members.jsonl")] == ["b", "c"]
    changes = [
        (c["batch"][-2:], c["op"], c["member"]["external_id"]) for c in lines(folder / "changes.jsonl")
    ]  # type: ignore[index]
    assert changes == [("01", "add", "a"), ("01", "add", "b"), ("02", "add", "c"), ("03", "remove", "a")]
    assert audience.url == (folder / "members.jsonl").as_uri()


@pytest.mark.privacy("P31")
def test_only_the_owner_can_read(tmp_path: Path) -> None:
    """Folders 0700, files 0600."""
    connector, audience = opened(tmp_path / "files")
    connector.add(audience, people("a"), batch("add"))
    folder = tmp_path / "files" / audience.id
    assert os.stat(folder).st_mode & 0o777 == 0o700
    assert {os.stat(file).st_mode & 0o777 for file in folder.iterdir()} == {0o600}


@pytest.mark.fault(
    "F57",
    injected="a half-written file and a torn line from a killed process",
    outcome="members stay whole, the log stays readable",
)
def test_a_crash_before_the_renaming_changes_nothing(tmp_path: Path) -> None:
    """A half-written new file and a torn change line are got over: members stay whole, the log stays readable."""
    connector, audience = opened(tmp_path)
    connector.add(audience, people("a"), batch("add", 1))
    folder = tmp_path / audience.id
    (folder / "members.jsonl.new").write_text('{"half')
    with (folder / "changes.jsonl").open("a") as log:
        log.write('{"batch":"torn')
    connector.add(audience, people("b"), batch("add", 2))
    assert [row["external_id"] for row in lines(folder / "members.jsonl")] == ["a", "b"]
    whole = [line for line in (folder / "changes.jsonl").read_text().splitlines() if line.endswith("}")]
    assert [json.loads(line)["member"]["external_id"] for line in whole] == ["a", "b"]


@pytest.mark.fault(
    "F42", injected="the destination's folder cannot be written", outcome="refused: nothing was applied"
)
def test_a_disk_that_refuses_is_certain(tmp_path: Path) -> None:
    """What cannot be written was not applied."""
    connector, audience = opened(tmp_path)
    connector.add(audience, people("a"), batch("add", 1))
    (tmp_path / audience.id / "members.jsonl.new").mkdir()
    with pytest.raises(Refused, match="disk"):
        connector.add(audience, people("b"), batch("add", 2))
    assert len(lines(tmp_path / audience.id / "members.jsonl")) == 1


@pytest.mark.bad_input("B88")
@pytest.mark.privacy("P40")
def test_names_never_leave_the_folder(tmp_path: Path) -> None:
    """A name with dots and slashes becomes a plain folder; equal names of other segments get their own."""
    connector = FileConnector("file", FileSettings(folder=tmp_path / "files"))
    made = [
        connector.open_audience(AudienceRequest(name, f"turnout:{i}", None), SyncOptions()).id
        for i, name in enumerate(["../../etc", "..", "VIP", "vip", "日本"])
    ]
    assert made == ["etc", "audience", "vip", "vip-2", "audience-2"]
    assert sorted(os.listdir(tmp_path)) == ["files"]


def test_purposes_can_be_chosen(tmp_path: Path) -> None:
    """The account's consent is the setting's."""
    assert FileConnector("file", FileSettings(folder=tmp_path)).consent == ("profiling",)
    settings = FileSettings(folder=tmp_path, consent=("email_marketing",))
    assert FileConnector("file", settings).consent == ("email_marketing",)
