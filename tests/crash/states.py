"""State folders with an interrupted run, as each schema of the journal wrote them: made once, opened for ever.

After a change of the schema: ``python -m tests.crash.states`` writes one for the new schema; the old ones stay, as
the versions wrote them that had those schemas.
"""

from __future__ import annotations

import io
import json
import tempfile
import zipfile
from pathlib import Path

from pipelines.delivery.journal_file import SCHEMA_VERSION
from tests.crash.platform import RemotePlatform, State
from tests.crash.scenario import Scenario
from tests.crash.scenarios import FOUNDATIONS
from tests.crash.stage import Stage
from tests.crash.theatre import Theatre
from tests.crash.worker import PLAIN, Stop, state

FOLDER = Path(__file__).parent / "states"
PLATFORM = "platform.json"
KIND = "direct"


def path(schema: int) -> Path:
    """Where the state of a schema is kept."""
    return FOLDER / f"schema-{schema}.zip"


def interrupted() -> Scenario:
    """The scenario whose beginning leaves a run that was killed when its request was applied."""
    return FOUNDATIONS.scenarios["after_a_kill"]


def make(theatre: Theatre) -> bytes:
    """Play a run to the moment where it is killed; the state folder and the platform's memory, as a zip file."""
    stage = theatre.stage(KIND)
    interrupted().begin(stage)
    assert not stage.run(PLAIN, Stop("wire.remove.applied")).paused
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(state(stage.folder).iterdir()):
            if not file.name.endswith("-shm"):  # of one machine and one moment; made anew from the others
                archive.write(file, file.name)
        archive.writestr(PLATFORM, _written(stage.platform))
    return content.getvalue()


def unpack(archive: Path, stage: Stage) -> None:
    """Put a state folder in place, and let the platform remember what it did."""
    state(stage.folder).mkdir(parents=True)
    with zipfile.ZipFile(archive) as content:
        for name in content.namelist():
            (state(stage.folder) / name).write_bytes(content.read(name))
    stage.platform.restore(_read((state(stage.folder) / PLATFORM).read_text()))
    (state(stage.folder) / PLATFORM).unlink()


def _written(platform: RemotePlatform) -> str:
    audiences = {
        audience: sorted(map(list, rows), key=str) for audience, rows in platform.state.audiences.items()
    }
    return json.dumps({"audiences": audiences, "markers": platform.state.markers}, indent=1)


def _read(text: str) -> State:
    memory = json.loads(text)
    audiences = {
        audience: {(email, phone) for email, phone in rows} for audience, rows in memory["audiences"].items()
    }
    return State(audiences=audiences, markers=memory["markers"], made=len(audiences))


def main() -> None:
    """Write the state of the present schema, if there is none yet."""
    if path(SCHEMA_VERSION).exists():
        print(f"{path(SCHEMA_VERSION).name} is there already: what a schema wrote does not change")
        return
    FOLDER.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        theatre = Theatre(Path(folder))
        path(SCHEMA_VERSION).write_bytes(make(theatre))
        theatre.close()
    print(f"wrote {path(SCHEMA_VERSION).name}")


if __name__ == "__main__":
    main()
