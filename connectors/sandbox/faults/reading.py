"""Fault rules from JSON or TOML, strictly: whatever is misspelt is named with the nearest valid name."""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import get_args

from pydantic import ValidationError

from connectors.sandbox.faults.rules import AnyFault, Fault

KINDS: Mapping[str, type[Fault]] = {
    get_args(kind.model_fields["effect"].annotation)[0]: kind for kind in get_args(AnyFault)
}


class FaultRuleError(ValueError):
    """A rule that can't be used. Says where it is, what is wrong and what would be right."""


def parse_faults(rules: object, source: str = "fault rules") -> list[Fault]:
    """Rules from parsed JSON or TOML. Raises FaultRuleError for the first that is wrong."""
    if not isinstance(rules, Sequence) or isinstance(rules, str):
        raise FaultRuleError(f"{source}: expected a list of rules, found {type(rules).__name__}")
    return [_parse_one(rule, f"{source}, rule {number}") for number, rule in enumerate(rules, start=1)]


def read_faults(path: Path) -> list[Fault]:
    """Rules from a TOML file with one ``[[fault]]`` table each. Raises FaultRuleError with file and line."""
    try:
        text = path.read_text("utf-8")
        document = tomllib.loads(text)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise FaultRuleError(f"{path}: {error}") from error
    unknown = [name for name in document if name != "fault"]
    if unknown:
        raise FaultRuleError(f"{path}: unknown table {unknown[0]!r}; rules are written as [[fault]]")
    rules = document.get("fault", [])
    if not isinstance(rules, list):
        raise FaultRuleError(f"{path}: write [[fault]] with two brackets: there can be several rules")
    lines = [
        number
        for number, line in enumerate(text.splitlines(), start=1)
        if re.match(r"\s*\[\[\s*fault\s*\]\]", line)
    ]
    places = [f"{path}:{line}" for line in lines] or [f"{path}, rule {n + 1}" for n in range(len(rules))]
    return [_parse_one(rule, place) for rule, place in zip(rules, places, strict=True)]


def _parse_one(rule: object, place: str) -> Fault:
    if not isinstance(rule, Mapping):
        raise FaultRuleError(f"{place}: expected a table of settings, found {type(rule).__name__}")
    effect = rule.get("effect")
    if effect is None:
        raise FaultRuleError(f"{place}: `effect` is missing; one of {', '.join(KINDS)}")
    kind = KINDS.get(str(effect))
    if kind is None:
        raise FaultRuleError(f"{place}: unknown effect {effect!r}{_nearest(str(effect), KINDS)}")
    for name in rule:
        if name not in kind.model_fields:
            raise FaultRuleError(
                f"{place}: {effect!r} has no setting {name!r}{_nearest(str(name), kind.model_fields)}"
            )
    try:
        return kind.model_validate(rule)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        name = ".".join(str(part) for part in first["loc"])
        if first["type"] == "missing":
            raise FaultRuleError(f"{place}: {effect!r} needs {name!r}") from None
        raise FaultRuleError(f"{place}: {name} = {first['input']!r}: {first['msg'].lower()}") from None


def _nearest(name: str, valid: Iterable[str]) -> str:
    names = sorted(valid)
    close = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
    hint = f"; did you mean {close[0]!r}?" if close else ";"
    return f"{hint} Valid: {', '.join(names)}"
