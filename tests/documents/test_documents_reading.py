"""YAML and JSON are read without their pitfalls, and every refusal names file and line."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from honing.documents import (
    LARGEST_BYTES,
    Document,
    Lines,
    Tagged,
    parse_json,
    parse_located,
    parse_yaml,
    read_bytes,
)
from honing.errors import ProjectError, SettingsError


def parsed(text: str, source: str = "f.yaml", *, foreign: bool = False) -> Any:
    return parse_located(text.encode(), source=source, error=ProjectError, foreign=foreign)[0]


def refusal(text: str, source: str = "f.yaml") -> str:
    with pytest.raises(ProjectError) as caught:
        parsed(text, source)
    return str(caught.value)


BOMB = "a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n"
REFUSED = [
    ("f.yaml", "a: 1\nb: 2\na: 3\n", "f.yaml:3: not YAML: the key 'a' stands twice."),
    ("f.yaml", "a:\n  b: 1\n  b: 2\n", "f.yaml:3: not YAML: the key 'b' stands twice."),
    ("f.yaml", BOMB, "f.yaml:2: not YAML: aliases (*name) are not used here."),
    ("f.yaml", "? [a]\n: 1\n", "f.yaml:1: not YAML: a key is a list or a mapping."),
    ("f.yaml", "a: [1\n", "f.yaml:2: not YAML: expected ',' or ']', but got '<stream end>'."),
    ("f.yaml", "a: !!python/object:os.system x\n", "f.yaml:1: not YAML: could not determine a constructor"),
    ("f.yaml", "a: 1\n---\nb: 2\n", "f.yaml:2: not YAML: but found another document."),
    ("f.yaml", "[" * 3000 + "]" * 3000, "f.yaml: not YAML ("),
    ("f.json", '{"a": 1,\n "b": {"c": 1,\n  "c": 2}}', "f.json:3: the key 'c' stands twice."),
    ("f.json", '{"a": 1,\n "a": 2}', "f.json:2: the key 'a' stands twice."),
    ("f.json", '{"a": 1,\n}', "f.json:2: not JSON: "),
    ("f.json", '{"a": NaN}', "f.json contains NaN"),
    ("f.json", '{"a": 1e999}', "f.json contains 1e999"),
    ("f.json", "[" * 100_000 + "]" * 100_000, "f.json: nested too deeply"),
    ("f.json", "1" * 5000, "f.json: nested too deeply, or with a number too long"),
]


@pytest.mark.parametrize(("source", "text", "said"), REFUSED, ids=[said[:60] for _, _, said in REFUSED])
def test_a_pitfall_is_refused(source: str, text: str, said: str) -> None:
    assert refusal(text, source).startswith(said)


def test_bytes_that_are_no_text_are_refused_with_their_place() -> None:
    with pytest.raises(ProjectError, match=r"^f\.json: not UTF-8 at byte 2\.$"):
        parse_located(b'{"\xff": 1}', source="f.json", error=ProjectError)
    with pytest.raises(ProjectError, match=r"^f\.yaml: not YAML \("):
        parse_located(b"a: \xff\n", source="f.yaml", error=ProjectError)


def test_words_that_older_yaml_reads_as_true_and_false_stay_words() -> None:
    assert parsed("a: on\nb: no\nc: true\nd: Yes\n") == {"a": "on", "b": "no", "c": True, "d": "Yes"}


def test_another_tools_document_keeps_its_aliases_tags_and_truths() -> None:
    found = parsed("a: &x {k: on}\nb: *x\nc: !function m.f\n", foreign=True)

    assert found == {"a": {"k": True}, "b": {"k": True}, "c": Tagged("!function", "m.f")}


def test_an_alias_that_holds_itself_has_lines_all_the_same() -> None:
    _, lines = parse_yaml(b"a: &a\n  - *a\n  - 1\n", source="f", error=ProjectError, foreign=True)

    assert [lines.line_of(("a", 1)), lines.line_of(("a", 0, 0, 0, 1))] == [3, 3]


def test_an_empty_document_is_nothing() -> None:
    assert parsed("") is None
    assert parsed("# a remark\n") is None


def test_the_kind_of_error_is_the_callers() -> None:
    with pytest.raises(SettingsError, match="x is not UTF-8"):
        parse_json(b"\xff", source="x", error=SettingsError)


plain = st.none() | st.booleans() | st.integers() | st.text(max_size=8)
documents = st.recursive(
    plain, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4)
)


@given(documents, st.sampled_from([None, 0, 2]))
def test_every_part_of_a_json_document_has_the_line_at_which_it_begins(
    value: Any, indent: int | None
) -> None:
    text = json.dumps({"top": value}, indent=indent)
    found, lines = parse_located(text.encode(), source="f.json", error=ProjectError)

    assert found == {"top": value}
    _same_parts(found, lines)
    _lines_hold(text.splitlines(), found, lines)


def _same_parts(value: Any, lines: Lines) -> None:
    inside = (
        dict(value) if isinstance(value, dict) else dict(enumerate(value)) if isinstance(value, list) else {}
    )
    assert list(lines.parts) == list(inside)
    for part, one in inside.items():
        _same_parts(one, lines.parts[part][1])


def _lines_hold(text: list[str], value: Any, lines: Lines) -> None:
    if isinstance(value, dict):
        for key, one in value.items():
            assert json.dumps(key) in text[lines.parts[key][0] - 1]
            _lines_hold(text, one, lines.parts[key][1])


def test_a_file_that_is_none_is_said(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "big").write_bytes(b"x" * (LARGEST_BYTES + 1))

    def said(name: str) -> str:
        with pytest.raises(ProjectError) as caught:
            read_bytes(tmp_path / name, source=name, error=ProjectError, what="a project")
        return str(caught.value)

    assert said("none") == "none: cannot be read (No such file or directory)."
    assert said("pipe") == "pipe: cannot be read (it is no plain file)."
    assert said(".") == ".: cannot be read (Is a directory)."
    assert said("big") == f"big: {LARGEST_BYTES + 1} bytes; a project has at most {LARGEST_BYTES}."


def document(text: str) -> Document:
    value, lines = parse_yaml(text.encode(), source="d", error=ProjectError)
    return Document("d", value, lines, ProjectError)


PARTS = "a: text\nb: [x, y]\nc: {n: 3, off: false}\nd: 0.5\n"
WRONG = [
    (lambda d: d.text(("b",)), "d:2: b must be a text, got ['x', 'y']."),
    (lambda d: d.number(("a",)), "d:1: a must be a number above 0, got 'text'."),
    (lambda d: d.number(("c", "off")), "d:3: c.off must be a number above 0, got False."),
    (lambda d: d.count(("d",)), "d:4: d must be a whole number of 0 or more, got 0.5."),
    (lambda d: d.texts(("c",)), "d:3: c must be a text or a list of texts, got {'n': 3, 'off': False}."),
    (lambda d: d.mapping(("b",)), "d:2: b must be a mapping, got ['x', 'y']."),
    (lambda d: d.check_keys(("c",), ("n", "of")), "d:3: unknown key 'c.off'; did you mean 'of'?"),
]


@pytest.mark.parametrize(("ask", "said"), WRONG, ids=[said for _, said in WRONG])
def test_a_part_of_another_kind_is_refused_with_its_line(ask: Any, said: str) -> None:
    with pytest.raises(ProjectError) as caught:
        ask(document(PARTS))

    assert str(caught.value) == said


def test_parts_are_asked_for_one_by_one() -> None:
    found = document(PARTS)

    assert [found.text(("a",)), found.text(("z",), "none"), found.texts(("a",)), found.texts(("b",))] == [
        "text",
        "none",
        ["text"],
        ["x", "y"],
    ]
    assert [found.count(("c", "n")), found.number(("d",)), found.variables(("c",))] == [
        3,
        0.5,
        {"n": "3", "off": "false"},
    ]
    assert [found.anchor(), found.anchor("b", 1), found.anchor("c", "x", "y")] == ["d:1", "d:2", "d:3"]
