"""Every key's line, in every spelling that TOML knows."""

from __future__ import annotations

import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.segments.toml_lines import Toml, TomlError

TEXT = '''# a comment
title = "one"

text = """
owner = "not a key"
"""
list = [
  1,
  2,
]
goal.metric = "m"
"quoted key" = 1
inline = { a = 1, b.c = 2 }

# about the table
[sync.ads]
audience = "x"

[sync . letters]
audience = 'y'
'''


@pytest.mark.parametrize(
    ("path", "line"),
    [
        (("title",), 2),
        (("text",), 4),
        (("list",), 7),
        (("goal",), 11),
        (("goal", "metric"), 11),
        (("quoted key",), 12),
        (("inline", "b", "c"), 13),
        (("sync",), 16),
        (("sync", "ads"), 16),
        (("sync", "ads", "audience"), 17),
        (("sync", "letters"), 19),
        (("sync", "letters", "audience"), 20),
        (("sync", "letters", "missing"), 19),
        (("missing",), 1),
        ((), 1),
    ],
)
def test_a_keys_line_is_where_it_stands(path: tuple[str, ...], line: int) -> None:
    """A key that is not there has the line of its table."""
    assert Toml(TEXT).line(path) == line


@given(
    st.lists(
        st.sampled_from(["", "# note", 'k{n} = "v"', "k{n} = [\n  1,\n]", 'k{n} = """\na\n"""']), max_size=12
    )
)
def test_lines_are_right_whatever_stands_between(pieces: list[str]) -> None:
    """Comments, blank lines and values over several lines never shift a key's line."""
    rows: list[str] = []
    expected = {}
    for number, piece in enumerate(pieces):
        if "{n}" in piece:
            expected[f"k{number}"] = len(rows) + 1
        rows += piece.format(n=number).split("\n")
    text = "\n".join(rows)
    toml = Toml(text)
    assert toml.values == tomllib.loads(text)
    assert {key: toml.line((key,)) for key in expected} == expected


def test_what_is_not_toml_has_its_line() -> None:
    """An error's line is the text's own; unending text ends at the last line."""
    with pytest.raises(TomlError) as raised:
        Toml("a = 1\nb = = 2\n")
    assert (str(raised.value), raised.value.line) == ("Invalid value", 2)
    with pytest.raises(TomlError) as raised:
        Toml('a = 1\nb = "open')
    assert raised.value.line == 2
    with pytest.raises(TomlError, match="longer than 400 lines"):
        Toml("\n" * 1000)
