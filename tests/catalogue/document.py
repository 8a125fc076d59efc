"""The tables of docs/reliability.md and docs/segmentation.md, from the entries and their proofs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from tests.catalogue.entries import Catalogue, Entry, Kind
from tests.catalogue.proofs import Proof, Proofs

ROOT = Path(__file__).parents[2]
RELIABILITY = ROOT / "docs" / "reliability.md"
SEGMENTATION = ROOT / "docs" / "segmentation.md"
DOCUMENTS = {kind: SEGMENTATION if kind is Kind.REQUIREMENT else RELIABILITY for kind in Kind}
"""Where the table of each list stands."""


def complaints(catalogue: Catalogue, proofs: Proofs) -> list[str]:
    """What keeps the catalogue from being true: one sentence each."""
    return [*_wrong_markers(catalogue, proofs), *_wrong_entries(catalogue, proofs)]


def _wrong_markers(catalogue: Catalogue, proofs: Proofs) -> Iterator[str]:
    for proof in sorted(proofs, key=str):
        place = f"{proof.file}::{proof.test}"
        if proof.id not in catalogue[proof.kind]:
            yield f"{place}: there is no {proof.kind} {proof.id!r}; see tests/catalogue/{proof.kind}.toml"
        elif proof.kind is Kind.FAULT and not (proof.injected and proof.outcome):
            yield f"{place}: the marker fault({proof.id!r}) says neither injected=… nor outcome=…"


def _wrong_entries(catalogue: Catalogue, proofs: Proofs) -> Iterator[str]:
    proved = {(proof.kind, proof.id) for proof in proofs}
    for kind, entries in catalogue.items():
        for entry in entries.values():
            if (kind, entry.id) in proved and entry.reason:
                yield f"{kind} {entry.id} has a test: remove its reason from tests/catalogue/{kind}.toml"
            elif (kind, entry.id) not in proved and not entry.reason:
                yield f"{kind} {entry.id} ({entry.name}) has neither a test nor a reason"
            if kind is Kind.BAD_INPUT and not entry.happens and not entry.reason:
                yield f"{kind} {entry.id} does not say what happens"


def with_tables(text: str, catalogue: Catalogue, proofs: Proofs, kinds: Iterable[Kind] = Kind) -> str:
    """A document with every made part as entries and markers have it now; ``kinds`` are the lists that it shows."""
    for kind in kinds:
        entries = catalogue[kind]
        by_id = _by_id(proofs, kind)
        text = _replaced(text, f"{kind} count", _count(kind, entries, by_id))
        text = _replaced(text, str(kind), _table(kind, entries, by_id))
    return text


def _replaced(text: str, name: str, made: str) -> str:
    start, end = f"<!-- {name} -->", f"<!-- /{name} -->"
    if text.count(start) != 1 or text.count(end) != 1:
        raise ValueError(f"the document needs {start} and {end}, once each")
    before, rest = text.split(start)
    _, after = rest.split(end)
    return f"{before}{start}\n{made}\n{end}{after}"


def _by_id(proofs: Proofs, kind: Kind) -> dict[str, Proofs]:
    found: dict[str, Proofs] = {}
    for proof, cases in proofs.items():
        if proof.kind is kind:
            found.setdefault(proof.id, Proofs())[proof] = cases
    return found


def _count(kind: Kind, entries: Mapping[str, Entry], proofs: Mapping[str, Proofs]) -> str:
    proved = [entry for entry in entries.values() if entry.id in proofs]
    tests = {(proof.file, proof.test) for entry in proved for proof in proofs[entry.id]}
    cases = sum(sum(proofs[entry.id].values()) for entry in proved)
    left = len(entries) - len(proved)
    sentence = f"Proved: {len(proved)} of {len(entries)} (tests: {len(tests)}, cases: {cases})"
    return sentence + (f"; left out with a reason: {left}." if left else ".")


def _table(kind: Kind, entries: Mapping[str, Entry], proofs: Mapping[str, Proofs]) -> str:
    heads = {
        Kind.PROMISE: ("promise", "what it says", "held by"),
        Kind.FAULT: ("id", "fault", "injected how", "outcome", "test"),
        Kind.BAD_INPUT: ("id", "input", "what happens", "test"),
        Kind.PRIVACY: ("id", "requirement", "test"),
        Kind.REQUIREMENT: ("id", "requirement", "test"),
    }[kind]
    lines = [_row(heads), _row(["---"] * len(heads))]
    group = None
    for entry in entries.values():
        if entry.group != group:
            group = entry.group
            lines.append(_row(["", f"**{group}**", ""]))
        lines.append(_row(_cells(kind, entry, proofs.get(entry.id, Proofs()))))
    return "\n".join(lines)


def _cells(kind: Kind, entry: Entry, proofs: Proofs) -> list[str]:
    tests = _tests(proofs) or f"*{entry.reason or 'no test'}*"
    match kind:
        case Kind.PROMISE:
            return [f"**{entry.name}**", entry.happens or "", tests]
        case Kind.FAULT:
            told = sorted({(proof.injected or "", proof.outcome or "") for proof in proofs})
            return [entry.id, entry.name, _matched(i for i, _ in told), _matched(o for _, o in told), tests]
        case Kind.BAD_INPUT:
            return [entry.id, entry.name, entry.happens or "", tests]
        case Kind.PRIVACY | Kind.REQUIREMENT:
            return [entry.id, entry.name, tests]


def _tests(proofs: Proofs) -> str:
    """Links to the tests' files, each with its number of cases where that is more than one."""
    cases: dict[tuple[str, str], int] = {}
    for proof, number in proofs.items():
        place = (proof.file, proof.test)
        cases[place] = max(cases.get(place, 0), number)
    return _lines(_link(file, test, number) for (file, test), number in sorted(cases.items()))


def _link(file: str, test: str, cases: int) -> str:
    name = test.rpartition(".")[2].removeprefix("test_").replace("_", " ")
    return f"[{name}](../{file})" + (f" ({cases})" if cases > 1 else "")


def _lines(texts: Iterable[str]) -> str:
    return "<br>".join(dict.fromkeys(text for text in texts if text))


def _matched(texts: Iterable[str]) -> str:
    """Lines with numbers, so that the outcome of each injection is found beside it."""
    listed = list(texts)
    return "<br>".join(listed if len(listed) < 2 else (f"({n}) {text}" for n, text in enumerate(listed, 1)))


def _row(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in cells) + " |"


def proofs_of(*proofs: Proof) -> Proofs:
    """Proofs with one case each."""
    return Proofs(proofs)
