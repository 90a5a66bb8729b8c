"""Errors of a document name its line, the key as the author wrote it, and the nearest one that is known."""

from __future__ import annotations

from typing import Annotated, Literal

import pytest
from pydantic import Discriminator, Field, Tag

from honing.documents import Record, checked, known_keys, parse_located
from honing.errors import ProjectError


class Circle(Record):
    kind: Literal["circle"]
    radius: float = Field(gt=0)


class Square(Record):
    kind: Literal["square"]
    side: int
    circle: str = ""
    """Named like the tag of the other kind."""


Shape = Annotated[Circle | Square, Field(discriminator="kind")]


class Drawing(Record):
    title: str
    shapes: tuple[Shape, ...] = ()
    named: dict[str, Shape] = Field(default_factory=dict)
    source: Annotated[
        Annotated[tuple[Shape, ...], Tag("shapes")] | Annotated[str, Tag("file")],
        Discriminator(lambda value: "file" if isinstance(value, str) else "shapes"),
    ] = ()
    size: int | None = None
    single: Square | None = None
    kind_: str = Field(default="", alias="class")


GOOD = """\
title: two
class: plain
shapes:
  - {kind: circle, radius: 2}
  - kind: square
    side: 3
    circle: none
named:
  big: {kind: square, side: 9}
source:
  - {kind: circle,
     radius: 1}
size: 4
single:
  kind: square
  side: 1
"""


def read(text: str, source: str = "d.yaml") -> Drawing:
    value, lines = parse_located(text.encode(), source=source, error=ProjectError, what="a drawing")
    return checked(Drawing, value, lines, source=source, error=ProjectError, what="the drawing")


def refusal(text: str, source: str = "d.yaml") -> str:
    with pytest.raises(ProjectError) as caught:
        read(text, source)
    return str(caught.value)


def test_a_good_document_becomes_its_record() -> None:
    assert read(GOOD) == Drawing.model_validate(
        {
            "title": "two",
            "class": "plain",
            "shapes": [
                {"kind": "circle", "radius": 2},
                {"kind": "square", "side": 3, "circle": "none"},
            ],
            "named": {"big": {"kind": "square", "side": 9}},
            "source": [{"kind": "circle", "radius": 1}],
            "size": 4,
            "single": {"kind": "square", "side": 1},
        }
    )


FAULTS = [
    ("title: two", "titel: two", "d.yaml:1: unknown key 'titel'; did you mean 'title'?"),
    ("class: plain", "clas: plain", "d.yaml:2: unknown key 'clas'; did you mean 'class'?"),
    ("title: two", "", "d.yaml:2: title: field required."),
    ("radius: 2}", "radius: -2}", "d.yaml:4: shapes.0.radius: input should be greater than 0, got -2."),
    (
        "radius: 2}",
        "radios: 2, radius: 2}",
        "d.yaml:4: unknown key 'shapes.0.radios'; did you mean 'radius'?",
    ),
    ("radius: 2}", "zzz: 2, radius: 2}", "d.yaml:4: unknown key 'shapes.0.zzz'; known keys: kind, radius."),
    ("side: 3", "side: wide", "d.yaml:6: shapes.1.side: input should be a valid integer"),
    # The tag of a kind and a key of another may be the same word: the line is the key's.
    ("    circle: none", "    circle: [none]", "d.yaml:7: shapes.1.circle: input should be a valid string"),
    (
        "kind: circle, radius: 2",
        "kind: cirle, radius: 2",
        "d.yaml:4: shapes.0: there is no kind 'cirle'; did you",
    ),
    (
        "kind: circle, radius: 2",
        "kind: line, radius: 2",
        "there is no kind 'line'; there are circle, square.",
    ),
    (
        "{kind: circle, radius: 2}",
        "{radius: 2}",
        "d.yaml:4: shapes.0: there is no 'kind', which says what",
    ),
    ("side: 9", "side: x", "d.yaml:9: named.big.side: input should be a valid integer"),
    ("     radius: 1", "     radius: x", "d.yaml:12: source.0.radius: input should be a valid number"),
    ("size: 4", "size: many", "d.yaml:13: size: input should be a valid integer"),
    ("  side: 1", "  side: 1\n  sid: 1", "d.yaml:17: unknown key 'single.sid'; did you mean 'side'?"),
]


@pytest.mark.parametrize(("good", "bad", "said"), FAULTS, ids=[said for _, _, said in FAULTS])
def test_a_fault_is_said_with_its_line(good: str, bad: str, said: str) -> None:
    assert said in refusal(GOOD.replace(good, bad, 1))


def test_a_fault_in_one_of_several_kinds_is_said_once() -> None:
    said = refusal(GOOD.replace("     radius: 1", "     radius: x"))

    assert len(said.splitlines()) == 1


def test_every_fault_is_listed() -> None:
    said = refusal(GOOD.replace("size: 4", "size: many").replace("side: 9", "side: x"))

    assert [line.split(":")[1] for line in said.splitlines()] == ["9", "13"]


def test_json_is_read_by_its_name_and_has_lines_too() -> None:
    text = '{\n  "title": "one",\n\t"shapes": [\n    {"kind": "circle",\n     "radius": 0}\n  ]\n}\n'

    assert refusal(text, "d.json") == "d.json:5: shapes.0.radius: input should be greater than 0, got 0."


def test_the_known_keys_of_a_place_are_those_of_the_record_there() -> None:
    assert known_keys(Drawing, ()) == ["class", "named", "shapes", "single", "size", "source", "title"]
    assert known_keys(Drawing, ("shapes", 0, "circle")) == ["kind", "radius"]
    assert known_keys(Drawing, ("source", "shapes", 3, "square")) == ["circle", "kind", "side"]
    assert known_keys(Drawing, ("size",)) == []
    assert known_keys(Drawing, ("nowhere", "at", "all")) == []
