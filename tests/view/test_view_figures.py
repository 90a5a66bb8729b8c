"""Figures: the same bytes for the same numbers, everything drawn inside, and the story told right."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from honing.store import (
    Bars,
    Bracket,
    Dots,
    Estimate,
    Figure,
    HeatMap,
    Histogram,
    Interval,
    Lineage,
    Lines,
    Node,
    Point,
    Series,
    Shape,
    Step,
    Steps,
    Tone,
)
from honing.view.figures import describe, draw, interval_bar
from honing.view.svg import Scale, apart, fit, ticks

NUMBERS = st.floats(-1e9, 1e9, allow_nan=False) | st.floats(0, 1) | st.sampled_from([0.0, 1.0, -0.0, 1e-12])
EDGES = st.lists(NUMBERS.map(lambda edge: round(edge, 6) + 0.0), min_size=1, max_size=8, unique=True).map(
    sorted
)
COLUMNS = ["short", "a much longer name", "c", "d"]


@st.composite
def estimates(draw: st.DrawFn, labels: st.SearchStrategy[str]) -> Estimate:
    low, value, high = sorted(draw(st.tuples(NUMBERS, NUMBERS, NUMBERS)))
    ends = (low, high) if draw(st.booleans()) else (None, None)
    return Estimate(
        label=draw(labels), value=value, low=ends[0], high=ends[1], group=draw(st.sampled_from("abc"))
    )


@st.composite
def heat_maps(draw: st.DrawFn, labels: st.SearchStrategy[str]) -> HeatMap:
    rows, columns = draw(st.integers(0, 4)), draw(st.integers(0, 4))
    values = [[draw(st.none() | NUMBERS) for _ in range(columns)] for _ in range(rows)]
    return HeatMap(
        title=draw(labels),
        rows=tuple("abcd"[:rows]),
        columns=tuple(COLUMNS[:columns]),
        values=tuple(tuple(row) for row in values),
        centre=draw(st.none() | st.just(0.0)),
    )


@st.composite
def lineages(draw: st.DrawFn, labels: st.SearchStrategy[str]) -> Lineage:
    node = st.builds(
        Node,
        id=labels,
        position=st.integers(0, 1000),
        value=st.none() | NUMBERS,
        parents=st.lists(labels, max_size=2).map(tuple),
        group=labels,
        kind=labels,
        shape=st.sampled_from(Shape),
        tone=st.sampled_from(Tone),
        label=labels,
        strong=st.booleans(),
    )
    nodes = draw(st.lists(node, max_size=6).map(tuple))
    return Lineage(title=draw(labels), nodes=nodes, x_label=draw(labels), y_label=draw(labels))


@st.composite
def stairs(draw: st.DrawFn, labels: st.SearchStrategy[str]) -> Steps:
    found = []
    for each in draw(st.lists(estimates(labels), max_size=6)):
        low, value, high = sorted(draw(st.tuples(NUMBERS, NUMBERS, NUMBERS)))
        gain = draw(st.none() | st.just(Interval(value, low, high)))
        taken, word, note = draw(st.tuples(st.booleans(), labels, labels))
        found.append(
            Step(
                label=each.label, value=each.value, low=each.low, high=each.high, gain=gain, taken=taken,
                word=word, note=note, tone=draw(st.sampled_from(Tone)),
            )
        )  # fmt: skip
    reference = draw(st.none() | NUMBERS)
    return Steps(title=draw(labels), steps=tuple(found), y_label=draw(labels), reference=reference)


def figures(labels: st.SearchStrategy[str]) -> st.SearchStrategy[Figure]:
    """Figures of every kind with any numbers, their words taken from `labels`."""
    many = st.lists(estimates(labels), max_size=5).map(tuple)
    points = st.lists(st.builds(Point, x=NUMBERS, y=NUMBERS), max_size=5).map(tuple)
    series = st.lists(st.builds(Series, name=labels, points=points, joined=st.booleans()), max_size=8).map(
        tuple
    )
    chance = st.none() | st.floats(0, 1)
    return st.one_of(
        st.builds(Bracket, title=labels, scores=many, ceilings=many, floors=many, chance=chance),
        st.builds(Bars, title=labels, bars=many, unit=labels),
        st.builds(Dots, title=labels, dots=many, reference=st.none() | NUMBERS),
        st.builds(Lines, title=labels, series=series, x_label=labels, y_label=labels),
        st.builds(
            lambda edges, marks: Histogram(
                title="h", edges=tuple(edges), counts=tuple(range(len(edges) - 1)), marks=marks
            ),
            EDGES,
            many,
        ),
        heat_maps(labels),
        lineages(labels),
        stairs(labels),
    )


def marks(svg: str, css: str) -> list[ET.Element]:
    return [node for node in ET.fromstring(svg).iter() if css in node.get("class", "").split()]


def number(node: ET.Element, name: str) -> float:
    return float(node.get(name, "nan"))


@settings(max_examples=150, deadline=None)
@given(figures(st.text(max_size=40)), st.sampled_from([330, 420, 780]))
def test_any_figure_is_well_formed_finite_and_drawn_inside(figure: Figure, width: int) -> None:
    svg = draw(figure, width, "f-1")

    root = ET.fromstring(svg)
    box = [float(part) for part in root.get("viewBox", "").split()]
    assert not re.search(r'="-?(nan|inf)|[ML]-?(nan|inf)|[ML]\S+ -?(nan|inf)', svg)
    for node in root.iter():
        for names, end in ((("x", "x1", "x2", "cx"), box[2]), (("y", "y1", "y2", "cy"), box[3])):
            outside = [
                node.get(name)
                for name in names
                if name in node.attrib and not -1 <= number(node, name) <= end + 1
            ]
            assert outside == [], ET.tostring(node)
    assert svg == draw(figure, width, "f-1")


@pytest.mark.parametrize("seed", ["1", "2"])
def test_the_bytes_do_not_depend_on_the_process(seed: str) -> None:
    program = (
        "from honing.store import *; from honing.view.figures import draw;"
        "dots = tuple(Estimate(label=group, value=1.5, group=group) for group in 'xyz');"
        "print(draw(Dots(title='t', dots=dots), 400, 'i'))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONHASHSEED": seed},
        capture_output=True,
        text=True,
        check=True,
    )

    figure = Dots(title="t", dots=tuple(Estimate(label=group, value=1.5, group=group) for group in "xyz"))
    assert done.stdout == draw(figure, 400, "i") + "\n"


def test_the_bracket_shows_the_score_between_its_controls() -> None:
    bracket = Bracket(
        title="b",
        scores=(Estimate(label="model", value=0.6, low=0.5, high=0.7),),
        ceilings=(Estimate(label="oracle", value=1.0),),
        floors=(Estimate(label="null", value=0.0), Estimate(label="shuffled", value=0.02, high=0.05)),
    )

    svg = draw(bracket, 420, "b")

    (top,) = {number(node, "y1") for node in marks(svg, "ceiling") if node.tag == "line"}
    floor = {number(node, "y1") for node in marks(svg, "floor") if node.tag == "line"}
    (dot,) = marks(svg, "score-dot")
    (zone,) = marks(svg, "floor-zone")
    height = max(floor) - top
    assert (number(dot, "cy") - top) / height == pytest.approx(0.4, abs=1e-3)
    assert number(zone, "height") / height == pytest.approx(0.05, abs=1e-3)
    assert describe(bracket) == "oracle 1.000; model 0.600 [0.500, 0.700]; null 0.000; shuffled 0.020"
    labels = [node.text for node in marks(svg, "floor") + marks(svg, "ceiling") if node.tag == "text"]
    assert labels == ["shuffled 0.020", "null 0.000", "oracle 1.000"]


def test_where_less_is_better_the_floor_is_at_the_top() -> None:
    figure = Bracket(
        title="perplexity",
        scores=(Estimate(label="model", value=12),),
        ceilings=(Estimate(label="oracle", value=1),),
        floors=(Estimate(label="null", value=90, low=80, high=95),),
        high=100,
    )

    svg = draw(figure, 420, "b")

    words = {node.text: number(node, "y") for node in marks(svg, "tick")}
    (zone,) = marks(svg, "floor-zone")
    assert number(zone, "y") == min(number(node, "y1") for node in marks(svg, "grid"))
    assert words["given no answer"] < words["given every answer"]


@pytest.mark.parametrize("width", [330, 780])
@settings(max_examples=60, deadline=None)
@given(figure=figures(st.text("abc", max_size=20)))
def test_every_number_on_an_axis_stands_where_the_axis_says(width: int, figure: Figure) -> None:
    ticks_of: dict[str, list[tuple[float, float]]] = {"x": [], "y": []}
    for node in marks(draw(figure, width, "f"), "tick"):
        text = (node.text or "").replace("\u2212", "-")
        if re.fullmatch(r"-?[\d.]+(e[-+]\d+)?", text) and not node.get("transform"):
            axis = "y" if node.get("text-anchor") == "end" else "x"
            ticks_of[axis].append((float(text), number(node, axis)))

    for pairs in ticks_of.values():
        distinct = sorted(set(pairs))
        if len({value for value, _ in distinct}) == len(distinct) >= 3:
            (low, start), *_, (high, end) = distinct
            wanted = [start + (value - low) / (high - low) * (end - start) for value, _ in distinct]
            assert [place for _, place in distinct] == pytest.approx(wanted, abs=2)


@pytest.mark.parametrize(("last", "between"), [(2.0, 0), (1.75, 1)])
def test_halves_of_what_is_counted_are_not_marked(last: float, between: int) -> None:
    points = tuple(Point(x=x, y=0.5) for x in (0.0, 1.0, last))

    svg = draw(Lines(title="t", series=(Series(name="s", points=points),)), 780, "b")

    texts = [node.text for node in marks(svg, "tick") if node.get("text-anchor") == "middle"]
    assert texts.count("0.5") == between


def test_labels_of_controls_that_score_alike_do_not_overlap() -> None:
    floors = tuple(Estimate(label=f"control {n}", value=n / 1000) for n in range(5))
    bracket = Bracket(title="b", scores=(), ceilings=(Estimate(label="oracle", value=1),), floors=floors)

    svg = draw(bracket, 420, "b")

    ys = sorted(number(node, "y") for node in marks(svg, "floor") if node.tag == "text")
    assert min(b - a for a, b in pairwise(ys)) >= 15.99


def test_a_bar_starts_at_zero_and_is_as_long_as_its_value() -> None:
    svg = draw(Bars(title="b", bars=(Estimate(label="a", value=2), Estimate(label="b", value=-1))), 780, "b")

    (axis,) = marks(svg, "axis")
    long, short = marks(svg, "bar")
    assert number(long, "x") == pytest.approx(number(axis, "x1"))
    assert number(short, "x") + number(short, "width") == pytest.approx(number(axis, "x1"), abs=0.02)
    assert number(long, "width") / number(short, "width") == pytest.approx(2, rel=1e-3)


def test_shades_of_a_heat_map_follow_the_values() -> None:
    values = ((0.0, 0.5, 1.0, None),)
    plain = HeatMap(title="h", rows=("r",), columns=("a", "b", "c", "d"), values=values)
    around = HeatMap(title="h", rows=("r",), columns=("a", "b", "c", "d"), values=values, centre=0.5)

    shades = [
        [node.get("class") for node in marks(draw(figure, 780, "h"), "heat")] for figure in (plain, around)
    ]

    assert shades == [
        ["heat h0", "heat h4", "heat h8", "heat none"],
        ["heat n8", "heat h0", "heat p8", "heat none"],
    ]


def test_a_lineage_has_a_panel_for_each_group_and_an_edge_for_each_parent_of_a_value() -> None:
    start = Node(id="c0", position=0, value=0.2, kind="baseline", shape=Shape.SQUARE)
    nodes = (
        start,
        Node(id="c1", position=1, value=0.6, parents=("c0",), group="search", kind="keep", strong=True),
        Node(
            id="c2", position=2, value=None, parents=("c1",), group="search", kind="crash", shape=Shape.CROSS
        ),
        Node(id="c3", position=3, value=0.8, parents=("c1", "c0"), group="search", kind="keep", label="c3"),
        Node(id="b1", position=1, value=0.4, parents=("c0",), group="control", kind="keep"),
    )

    svg = draw(Lineage(title="l", nodes=nodes), 780, "l")

    # Those of the legend have no tool tip.
    shapes = [node for node in marks(svg, "node") if len(node)]
    assert [node[0].text for node in shapes] == [
        "c0: baseline, 0.2",
        "c1: keep, 0.6, from c0",
        "c2: crash, no value, from c1",
        "c3: keep, 0.8, from c1 and c0",
        "c0: baseline, 0.2",
        "b1: keep, 0.4, from c0",
    ]
    assert sorted(node.get("class", "") for node in marks(svg, "edge")) == [
        "edge", "edge", "edge second", "edge strong",
    ]  # fmt: skip
    # The scale is shared: the better of both arms stands higher in its own panel.
    better, worse = (number(node, "cy") for node in (shapes[3], shapes[5]))
    assert worse - better == pytest.approx(168 + 24 + 44 + 0.4 / 0.6 * 156)
    assert [node.text for node in marks(svg, "row-label")] == ["search", "control"]


def test_kinds_of_a_lineage_differ_without_colour() -> None:
    nodes = tuple(
        Node(id=shape.value, position=1, value=1.0, kind=shape.value, shape=shape) for shape in Shape
    )

    svg = draw(Lineage(title="l", nodes=nodes), 780, "l")

    drawn = [
        (node.tag, "".join(re.findall("[A-Z]", node.get("d", ""))), "hollow" in node.get("class", ""))
        for node in marks(svg, "node")
    ]
    # Once in the legend and once in the panel.
    assert len(drawn) == 2 * len(Shape)
    assert len(set(drawn)) == len(Shape)


def test_an_interval_bar_marks_zero_only_where_zero_is_inside() -> None:
    assert "zero" in interval_bar(-0.1, 0.1, 0.3, (-0.5, 0.5))
    assert "zero" not in interval_bar(0.1, None, 0.3, (0.0, 0.5))
    assert "dot" not in interval_bar(0.1, None, 0.3, (0.0, 0.5))


@given(st.floats(-1e12, 1e12), st.floats(-1e12, 1e12), st.integers(2, 9))
def test_ticks_are_round_and_cover_the_range(a: float, b: float, about: int) -> None:
    low, high = sorted((a, b))

    found = ticks(low, high, about)

    slack = 1e-6 * max(abs(low), abs(high), 1e-9)
    assert found[0] <= low + slack
    assert found[-1] >= high - slack
    assert 2 <= len(found) <= 3 * about


@given(st.lists(st.floats(0, 100), max_size=6).map(sorted), st.floats(1, 16))
def test_labels_moved_apart_stay_in_order_and_in_room(positions: list[float], gap: float) -> None:
    placed = apart(positions, gap, 0, 100)

    assert all(b - a >= gap - 1e-6 for a, b in pairwise(placed))
    assert all(place <= 100 + 1e-6 for place in placed)
    assert all(place >= -1e-6 for place in placed)


def test_a_scale_keeps_what_is_beyond_it_at_its_end() -> None:
    scale = Scale(0, 10, 100, 200)

    assert [scale(-5), scale(5), scale(15)] == [100, 150, 200]


def test_a_label_is_cut_to_its_room() -> None:
    assert fit("short", 200) == "short"
    assert fit("a name that is much too long", 60) == "a name\u2026"


def test_equal_points_of_a_scatter_are_one_dot_whose_area_says_how_many() -> None:
    points = (*[Point(x=1, y=1)] * 9, Point(x=2, y=1, label="alone", named=True))
    figure = Lines(title="t", series=(Series(name="s", points=points, joined=False),))

    svg = draw(figure, 780, "f")

    assert [number(node, "r") for node in marks(svg, "mark")] == [10.5, 3.5]
    tips = [node[0].text for node in marks(svg, "mark")]
    assert tips == ["s: 1, 1 (9 points)", "alone: 2, 1"]
    assert [node.text for node in marks(svg, "value")] == ["alone"]


def test_a_control_keeps_its_number_however_long_its_name_is() -> None:
    figure = Bracket(
        title="b",
        scores=(Estimate(label="m", value=0.5),),
        ceilings=(Estimate(label="the worst of a great many formats " * 3, value=0.817),),
        floors=(),
    )

    (words,) = [node.text or "" for node in marks(draw(figure, 330, "b"), "ceiling") if node.tag == "text"]

    assert words.endswith("\u2026 0.817")
