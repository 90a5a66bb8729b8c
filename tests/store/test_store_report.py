"""A report's JSON: what is written is what is read, and nothing else is read."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from honing.errors import StoreError
from honing.store import (
    Badge,
    Bars,
    Bracket,
    CellKind,
    Column,
    Diff,
    Dots,
    Estimate,
    Fact,
    Headline,
    HeatMap,
    Histogram,
    Interval,
    KeyValues,
    Lineage,
    Lines,
    Node,
    Point,
    Report,
    SampleRow,
    Samples,
    Section,
    Series,
    Shape,
    StageEvidence,
    Table,
    Text,
    Tone,
)

BRACKET = Bracket(
    title="between",
    scores=(Estimate(label="model", value=0.7, low=0.6, high=0.8),),
    ceilings=(Estimate(label="oracle", value=1),),
    floors=(Estimate(label="null", value=0.0),),
    chance=0.25,
)
BLOCKS = (
    Headline(
        label="accuracy",
        value=0.7,
        interval=Interval(0.7, 0.6, 0.8),
        kind=CellKind.PERCENT,
        badge=Badge("calibrated", Tone.GOOD),
        facts=(Fact(label="calls", value=12), Fact(label="cost", value=None, kind=CellKind.MONEY)),
        bracket=BRACKET,
    ),
    BRACKET,
    Table(
        columns=(Column(key="a", title="A", filter=True), Column(key="b", title="B", kind=CellKind.INTERVAL)),
        rows=(("x", Interval(None, -1, 2)), (True, 3), (1.5, Badge("b")), (None, None)),
        caption="rows",
    ),
    KeyValues(facts=(Fact(label="seed", value=7),)),
    Text(text="words\n\nmore", tone=Tone.WARN, title="note"),
    Diff(text="--- a\n+++ b\n", title="AGENTS.md", folded=True),
    Bars(title="bars", bars=(Estimate(label="a", value=2),)),
    Dots(title="dots", dots=(Estimate(label="a", value=-2, low=-3, high=1, group="g"),), reference=0.0),
    Lines(
        title="lines", series=(Series(name="s", points=(Point(x=0, y=1, low=0.5, high=2),), joined=False),)
    ),
    Histogram(
        title="lengths", edges=(0.0, 1.0, 2.5), counts=(3, 0), marks=(Estimate(label="mean", value=1),)
    ),
    HeatMap(title="cells", rows=("r",), columns=("c", "d"), values=((0.5, None),), centre=0.0),
    Samples(
        rows=(SampleRow(id="1", prompt="p", completion="\udcff", reward=0.5, extra={"model": "m", "n": 3}),),
        columns=(Column(key="model", title="Model", filter=True),),
        details=(Column(key="n", title="N", kind=CellKind.NUMBER),),
        right_from=0.5,
    ),
    StageEvidence(
        stage="rollout", command="true", ending="exited", ok=True, exit_code=0, capabilities=("net_cut",)
    ),
    Lineage(
        title="made from",
        nodes=(
            Node(id="a", position=0, value=None, kind="start", shape=Shape.RING),
            Node(id="b", position=1, value=2, parents=("a",), kind="kept", tone=Tone.GOOD, strong=True),
        ),
    ),
)
REPORT = Report(
    title="A run",
    subtitle="of many parts",
    badges=(Badge("L5", Tone.GOOD),),
    sections=(Section(title="All", text="every block", blocks=BLOCKS), Section(title="None")),
    footer="hone report",
)


def test_every_block_is_read_as_it_was_written() -> None:
    assert Report.from_json(REPORT.to_json()) == REPORT


def test_equal_reports_have_equal_bytes(tmp_path: Path) -> None:
    REPORT.write(tmp_path / "report.json")

    again = Report.read(tmp_path / "report.json")

    assert again.to_json() == (tmp_path / "report.json").read_bytes() == REPORT.to_json()


def changed(path: str, value: Any) -> str:
    """The report's JSON with one place replaced: `sections.0.title`; `...` removes it."""
    document = json.loads(REPORT.to_json())
    *steps, last = [int(step) if step.isdigit() else step for step in path.split(".")]
    place = document
    for step in steps:
        place = place[step]
    if value is ...:
        del place[last]
    else:
        place[last] = value
    return json.dumps(document)


HEADLINE, TABLE, BARS, SAMPLES = (f"sections.0.blocks.{number}" for number in (0, 2, 6, 11))


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("schema", 2, "'schema' is 2, this version of Honing reads 1"),
        ("schema", True, "'schema' is True, this version of Honing reads 1"),
        ("schema", ..., "expected a report with the field 'schema'"),
        ("title", ..., "r.json: the field 'title' of Report is missing"),
        ("title", 3, "r.json.title: expected a text, found 3"),
        ("color", "red", "unknown field 'color' in Report; known are title, subtitle"),
        ("sections", {}, "r.json.sections: expected a list, found {}"),
        ("sections.1.blocks", [7], "r.json.sections[1].blocks[0]: expected headline, table"),
        (f"{HEADLINE}.is", "hologram", "'is' must be one of headline, table, key-values"),
        (f"{HEADLINE}.is", ["list"], "'is' must be one of headline, table, key-values"),
        (f"{HEADLINE}.is", "interval", "'is' must be one of headline, table, key-values"),
        (f"{HEADLINE}.kind", "percents", "expected one of text, code, number, interval, percent"),
        (f"{HEADLINE}.value", "0.7", "expected float, NoneType, found '0.7'"),
        (f"{HEADLINE}.value", True, "expected float, NoneType, found True"),
        (f"{HEADLINE}.interval.low", 0.9, "low (0.9) must not exceed high (0.8)"),
        (f"{HEADLINE}.bracket.is", "bars", "'is' must be one of bracket, NoneType, found 'bars'"),
        (f"{TABLE}.rows.1", ["only one"], "row 1 has 1 cells, expected 2"),
        (f"{TABLE}.rows.1.1", [1], "expected str, int, float, bool, NoneType, interval, badge, found [1]"),
        (f"{TABLE}.sortable", "yes", "expected true or false, found 'yes'"),
        (f"{BARS}.bars.0.value", None, "expected a finite number, found None"),
        (f"{SAMPLES}.rows.0.extra", [], "expected an object, found []"),
        (f"{SAMPLES}.rows.0.extra.n", {"is": "evidence"}, "'is' must be one of"),
    ],
)
def test_a_report_is_refused_where_it_is_wrong(path: str, value: Any, message: str) -> None:
    with pytest.raises(StoreError, match=re.escape(message)):
        Report.from_json(changed(path, value), where="r.json")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "expected JSON"),
        ("[]", "expected a report with the field 'schema'"),
        ('{"schema": 1, "title": "a", "title": "b"}', "'title' occurs twice"),
        ('{"schema": 1, "title": NaN}', "NaN is not JSON"),
        ("[" * 100_000, "expected JSON"),
    ],
    ids=["empty", "a list", "a key twice", "NaN", "nested without end"],
)
def test_what_is_no_report_is_refused(text: str, message: str) -> None:
    with pytest.raises(StoreError, match=message):
        Report.from_json(text)


def test_a_number_too_large_for_any_machine_is_refused() -> None:
    text = changed(f"{BARS}.bars.0.value", 12345).replace("12345", "1e999")

    with pytest.raises(StoreError, match="expected a finite number, found inf"):
        Report.from_json(text)


@pytest.mark.parametrize(
    "make",
    [
        lambda: Interval(float("nan"), 0, 1),
        lambda: Estimate(label="a", value=float("inf")),
        lambda: Headline(label="a", value=float("nan")),
        lambda: Point(x=0, y=float("nan")),
        lambda: HeatMap(title="h", rows=("r",), columns=("c",), values=((float("nan"),),)),
        lambda: HeatMap(title="h", rows=("r",), columns=("c",), values=()),
        lambda: Node(id="n", position=0, value=float("inf"), kind="k"),
        lambda: Histogram(title="h", edges=(0.0, 1.0), counts=(1, 2)),
        lambda: Histogram(title="h", edges=(0.0, 0.0), counts=(1,)),
        lambda: Histogram(title="h", edges=(0.0, 1.0), counts=(-1,)),
        lambda: Bracket(title="b", scores=(), ceilings=(), floors=(), low=1.0, high=1.0),
        lambda: Bracket(title="b", scores=(), ceilings=(), floors=(), chance=float("nan")),
        lambda: Table(columns=(), rows=((1,),)),
        lambda: Report(title="t", sections=(Section(title="s", blocks=(row_of_nan(),)),)).to_json(),
    ],
)
def test_what_cannot_be_drawn_or_written_is_refused_at_once(make: Any) -> None:
    with pytest.raises(StoreError):
        make()


def row_of_nan() -> Table:
    return Table(columns=(Column(key="a", title="A"),), rows=((float("nan"),),))


def test_a_table_from_rows_by_key_leaves_missing_cells_empty() -> None:
    columns = [Column(key="a", title="A"), Column(key="b", title="B")]

    assert Table.of(columns, [{"b": 1, "c": 2}, {"a": "x"}]).rows == ((None, 1), ("x", None))


def test_a_run_without_a_report_says_so(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"report\.json: cannot read the report: No such file"):
        Report.read(tmp_path / "report.json")
