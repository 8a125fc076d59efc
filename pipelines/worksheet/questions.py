"""What a new segment is asked, each answer checked by the same models that read headers."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, TypeAdapter, ValidationError

from pipelines.segments.errors import nearest
from pipelines.segments.header import GoalTable, Header, SyncKeys

Path_ = tuple[str, ...]
"""A key of the header: ``("goal", "metric")`` is ``metric`` in ``[goal]``."""


@dataclass(frozen=True, slots=True)
class Question:
    """One question, and how its answer becomes a value."""

    key: Path_
    asks: str
    form: Literal["text", "list", "date"] = "text"

    @property
    def name(self) -> str:
        """The key as a header and the command's options have it."""
        return self.key[-1]

    def read(self, text: str) -> Any:
        """The value that a typed answer means. Raises ValueError for what is no date."""
        if self.form == "list":
            return [part.strip() for part in text.split(",") if part.strip()]
        if self.form == "text":
            return text
        try:
            return date.fromisoformat(text.strip())
        except ValueError:
            raise ValueError(f"{self.name!r} is no day; write YYYY-MM-DD") from None


QUESTIONS = (
    Question(("title",), "A short name that people can say: no number, no code."),
    Question(("description",), "One or two sentences: who are these people?"),
    Question(
        ("goal", "metric"), "Which number is to move? Its name in snake_case, e.g. second_order_rate_60d."
    ),
    Question(("goal", "direction"), "Is it to go up or down?"),
    Question(("goal", "target"), 'How far, e.g. "+3 points"?'),
    Question(("goal", "by"), "By which day?", "date"),
    Question(
        ("treatment",),
        "How are these people treated differently: channel, message, offer? What do others get?",
    ),
    Question(("types",), "What do they share? One or more words, with commas between.", "list"),
    Question(("owner",), "Who answers for it? team:crm or an e-mail address."),
    Question(("universe",), "The population that it is a share of."),
    Question(("review_by",), "When is it looked at again? Nothing is for ever.", "date"),
)
"""In the order in which they are asked: what for and what is done come before who."""


def checked(key: Path_, value: Any, today: date) -> Any:
    """A value as the header's own model takes it; raises ValueError with what was expected."""
    model, name = _model(key)
    field = model.model_fields[name]
    kind: Any = Annotated[(field.annotation, *field.metadata)] if field.metadata else field.annotation
    adapter: TypeAdapter[Any] = TypeAdapter(kind, config={"strict": True})
    try:
        taken = adapter.validate_python(value)
    except ValidationError as error:
        raise ValueError(_sentence(name, field.description, error.errors(include_url=False)[0])) from None
    if name in ("by", "review_by") and taken is not None and taken <= today:
        raise ValueError(f"{name!r} lies in the past; expected a day to come")
    return taken


def read_answers(path: Path) -> dict[str, Any]:
    """Answers from a TOML file with a header's keys; raises ValueError for what is no key, naming the nearest.

    Raises FileNotFoundError when there is no such file.
    """
    if not path.is_file():
        raise FileNotFoundError(f"there is no file of answers at {path}")
    try:
        answers = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"{path.name} is not TOML: {error}") from None
    known = [*Header.model_fields, "sync"]
    for key in answers:
        if key not in known:
            close = nearest(key, known)
            hint = f"did you mean {close!r}?" if close else f"expected one of {', '.join(known)}"
            raise ValueError(f"{path.name}: unknown key {key!r}; {hint}")
    for key in ("goal", "sync"):
        if not isinstance(answers.get(key, {}), Mapping):
            raise ValueError(
                f"{path.name}: {key!r} is no table; write [{'goal' if key == 'goal' else 'sync.email'}]"
            )
    return answers


def _model(key: Path_) -> tuple[type[BaseModel], str]:
    tables: dict[Path_, type[BaseModel]] = {(): Header, ("goal",): GoalTable}
    return (SyncKeys if key[0] == "sync" else tables[key[:-1]]), key[-1]


def _sentence(name: str, expected: str | None, complaint: Any) -> str:
    """A complaint in the words of a header's error."""
    if complaint["type"] == "value_error":
        found = str(complaint["ctx"]["error"])
    elif complaint["type"] == "literal_error":
        choices = [
            word.strip(" '") for word in complaint["ctx"]["expected"].replace(" or ", ", ").split(", ")
        ]
        close = nearest(str(complaint["input"]), choices)
        found = f"is no {complaint['input']!r}" + (f"; did you mean {close!r}?" if close else "")
    else:
        found = "is not usable"
    return f"{name!r} {found}; expected {expected}"
