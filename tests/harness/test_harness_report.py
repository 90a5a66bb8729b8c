"""The page of a run: what was found, how sure it is, and everything that a reader has to be told first."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import pytest

from harness_candidates import agent, baseline, evaluation, kept, proposed, task_run
from harness_runs import CONFIG, made_run
from harness_search_made_up import made_up_ledger
from honing.harness.candidate import Arm, Candidate, Outcome, Proposal
from honing.harness.ledger import Ledger, read_ledger
from honing.harness.loop.config import KIND
from honing.harness.report import report_from, report_of, write_report
from honing.harness.report.figures import MOST_ROWS, budget_figure
from honing.harness.tasks.base import Evaluation
from honing.store import (
    TREES,
    Badge,
    Diff,
    Headline,
    HeatMap,
    Interval,
    Lineage,
    Lines,
    Report,
    Run,
    RunStatus,
    Section,
    Shape,
    Table,
    Text,
    Tone,
    TreeId,
    TreeStore,
)
from honing.view import render

LOW = {"title": 0.0, "tests": 0.0, "setup": 1.0}
HIGH = {"title": 1.0, "tests": 1.0, "setup": 1.0}
HOSTILE = "<script>alert(1)</script>\x1b[2J\u202e"
Kind = TypeVar("Kind")


def blocks(report: Report, kind: type[Kind], title: str = "") -> list[Kind]:
    sections = [each for each in report.sections if title in ("", each.title)]
    return [block for section in sections for block in section.blocks if isinstance(block, kind)]


def rows(table: Table) -> list[dict[str, Any]]:
    keys = [column.key for column in table.columns]
    return [dict(zip(keys, row, strict=True)) for row in table.rows]


def warnings(report: Report) -> list[tuple[str, Tone]]:
    return [(block.text, block.tone) for block in blocks(report, Text, "Result")]


def snapshots(home: Path, texts: dict[str, str]) -> dict[str, TreeId]:
    """Trees of a folder with one file each, in the store beside the runs."""
    store = TreeStore(home / TREES)
    found = {}
    for name, text in texts.items():
        folder = home / f"folder-{name}"
        folder.mkdir(parents=True)
        (folder / "AGENTS.md").write_text(text)
        found[name] = store.snapshot(folder)
    return found


def run_with_changes(home: Path) -> Run:
    """A run whose winner came in two steps, with trees to compare."""
    trees = snapshots(home, {"c0000": "one\n", "c0001": "one\ntwo\n", "c0002": f"one\ntwo\n{HOSTILE}\n"})
    start = replace(baseline(LOW), tree=trees["c0000"])
    first = kept(1, {**LOW, "title": 1.0}, tree=trees["c0001"])
    second = kept(2, HIGH, tree=trees["c0002"], parents=("c0001",), sentence=HOSTILE)
    return made_run(home, [start, first, second])


def test_a_finished_run_has_every_section() -> None:
    report = report_from(made_up_ledger(12, tasks=6))

    assert [section.title for section in report.sections] == [
        "Result",
        "Held-out tasks",
        "Score over budget",
        "Candidates",
        "Tasks",
        "What was believed",
        "Changes",
        "Cost",
        "What was asked",
    ]
    assert report.badges == (Badge("improved", Tone.GOOD), Badge("codex", Tone.INFO))
    assert Report.from_json(report.to_json()) == report


def test_the_headline_is_the_winner_on_fresh_seeds_with_its_interval() -> None:
    ledger = made_up_ledger(12, tasks=6)

    (headline,) = blocks(report_from(ledger), Headline)

    best = ledger.best()
    assert best is not None
    fresh = ledger.fresh[best.id].score
    assert (headline.value, headline.badge) == (fresh, Badge("improved", Tone.GOOD))
    assert headline.interval is not None
    assert headline.interval.low < fresh < headline.interval.high  # type: ignore[operator]
    assert headline.note == f"As it was selected it scored {best.score:.3f}; on fresh seeds {fresh:.3f}."
    facts = [(fact.label, fact.value, fact.note) for fact in headline.facts[1:3]]
    assert facts == [("gain", "+0.300", "+0.100 to +0.500"), ("held-out gain", "+0.300", "+0.100 to +0.500")]


def test_the_control_arm_stands_beside_the_search_in_every_figure() -> None:
    ledger = made_up_ledger(12, tasks=6)

    report = report_from(ledger)

    (curves,) = blocks(report, Lines)
    (lineage,) = blocks(report, Lineage)
    table = rows(blocks(report, Table, "Held-out tasks")[0])
    assert [series.name for series in curves.series] == ["search", "control: best of n"]
    assert {node.group for node in lineage.nodes} == {"", "search", "control: best of n"}
    assert [row["what"] for row in table] == ["baseline", "the search's winner", "the control's winner"]
    assert [row["arm"] for row in rows(blocks(report, Table, "Cost")[0])] == [
        "search",
        "control",
        "in all, with the baseline",
    ]


def test_the_curve_of_an_arm_steps_up_where_a_better_candidate_was_kept() -> None:
    found = [baseline({"a": 0.0, "b": 0.5}), proposed(1, Outcome.CRASH), kept(2, {"a": 1.0, "b": 0.5})]
    found += [kept(3, {"a": 1.0, "b": 1.0}, parents=("c0002",)), proposed(4, Outcome.TIMEOUT)]
    ledger = replace(made_up_ledger(1), candidates=found, final=None)

    curves = budget_figure(ledger)

    assert curves is not None
    (search,) = curves.series
    # Kept candidates count with the estimate of their re-test, 0.05 below what they scored at first.
    assert [(point.x, point.y) for point in search.points] == [
        (0, 0.25), (2, 0.25), (2, 0.7), (3, 0.7), (3, 0.95), (4, 0.95),
    ]  # fmt: skip
    assert all(each.low is not None and each.low < each.y for each in search.points)


def test_every_ending_has_a_look_of_its_own() -> None:
    everything = [
        baseline(LOW),
        *(proposed(slot, way) for slot, way in enumerate(list(Outcome)[1:], start=1)),
    ]
    ledger = replace(made_up_ledger(1), candidates=everything, final=None)

    (lineage,) = blocks(report_from(ledger), Lineage)

    looks = {node.kind: (node.shape, node.tone) for node in lineage.nodes}
    assert len(set(looks.values())) == len(Outcome)
    assert looks["keep"] == (Shape.DISC, Tone.GOOD)


@pytest.mark.parametrize("where", ["agent", "task"])
def test_unconfined_is_shown_beside_everything_it_touched(where: str) -> None:
    told = agent() | {"sandbox": "unconfined" if where == "agent" else "bubblewrap"}
    inside = "unconfined" if where == "task" else "bubblewrap"
    judged = Evaluation(runs=tuple(task_run(task, 1.0, sandbox=inside) for task in HIGH), complete=True)
    free = replace(kept(1, HIGH, proposal=Proposal(tree=None, agent=told)), evaluation=judged)
    found = [baseline(LOW), free, proposed(2, Outcome.DISCARD, evaluation=evaluation(LOW))]
    ledger = replace(made_up_ledger(1), candidates=found, final=None, held_out={})

    report = report_from(ledger)

    (headline,) = blocks(report, Headline)
    (lineage,) = blocks(report, Lineage)
    (tasks,) = blocks(report, HeatMap)
    listed = {row["candidate_id"]: row["contained"] for row in rows(blocks(report, Table, "Candidates")[1])}
    assert Badge("unconfined", Tone.BAD) in report.badges
    assert headline.badge == Badge("unconfined", Tone.BAD)
    assert warnings(report)[0] == (
        "No sandbox contained c0001: what ran there could reach its judge.",
        Tone.BAD,
    )
    assert listed == {"c0000": None, "c0001": Badge("unconfined", Tone.BAD), "c0002": "bubblewrap"}
    assert [(node.id, node.label) for node in lineage.nodes][1] == ("c0001 (unconfined)", "c0001 unconfined")
    assert tasks.rows == ("c0000 baseline", "c0001 keep unconfined", "c0002 discard")


def test_what_is_damaged_killed_or_missing_is_said_first() -> None:
    ledger = replace(
        made_up_ledger(2, tasks=3),
        status=RunStatus.INTERRUPTED,
        damage=("candidates, unit 3: expected JSON",),
        final=None,
        held_out={},
        fresh={},
    )
    ledger = replace(ledger, facts=replace(ledger.facts, control=False, held_out_tasks=0))

    report = report_from(ledger)

    assert [text for text, _ in warnings(report)][:2] == [
        "candidates, unit 3: expected JSON",
        "The run is interrupted: `hone harness resume made-up` goes on where it ended.",
    ]
    words = " ".join(text for text, _ in warnings(report))
    assert "There is no control arm" in words
    assert "There are no held-out tasks" in words
    assert Badge("interrupted", Tone.WARN) in report.badges


def test_held_out_tasks_are_sealed_on_the_page_of_a_run_that_works() -> None:
    ledger = replace(made_up_ledger(3, tasks=3), status=RunStatus.RUNNING, final=None, held_out={}, fresh={})

    report = report_from(ledger)

    assert blocks(report, Text, "Held-out tasks") == [Text(text="They are sealed until the run ends.")]


def test_a_run_that_has_not_begun_has_a_page() -> None:
    ledger = replace(made_up_ledger(1), candidates=(), final=None, held_out={}, fresh={})

    report = report_from(ledger)

    assert warnings(report)[0] == ("The baseline is not evaluated yet.", Tone.WARN)
    assert [each.title for each in report.sections] == ["Result", "Held-out tasks", "Cost", "What was asked"]
    assert "not evaluated yet" in render(report)


def test_the_winners_diff_comes_first_then_each_step(tmp_path: Path) -> None:
    report = report_of(run_with_changes(tmp_path))

    diffs = blocks(report, Diff)
    assert [(diff.title, diff.folded) for diff in diffs] == [
        ("c0000 to c0002, all changes", False),
        ("c0000 to c0001", True),
        ("c0001 to c0002", True),
    ]
    assert diffs[1].text.endswith("@@ -1 +1,2 @@\n one\n+two\n")


def test_a_tree_that_is_gone_costs_its_diff_and_nothing_else(tmp_path: Path) -> None:
    run = made_run(tmp_path, [baseline(LOW), kept(1, HIGH)])

    report = report_of(run)

    (words,) = blocks(report, Text, "Changes")
    assert (words.tone, words.title) == (Tone.WARN, "c0000 to c0001, all changes")
    assert "Cannot be shown" in words.text


def test_hostile_text_is_inert_on_the_page(tmp_path: Path) -> None:
    page = render(report_of(run_with_changes(tmp_path)))

    assert "<script>alert(1)</script>" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;\\x1b[2J\\u202e" in page


def test_attribution_is_shown_and_said_to_be_old_where_the_winner_changed(tmp_path: Path) -> None:
    run = run_with_changes(tmp_path)
    parts = [
        {
            "id": "p1",
            "finding": "necessary",
            "contribution": 0.2,
            "interval": [0.1, 0.3],
            "tasks": {"title": 0.5},
        },
        {"id": "p2", "finding": "no-effect", "contribution": 0, "interval": [0, 0], "tasks": {}},
        "nonsense",
    ]
    both = {"parts": ["p1", "p2"], "together": "substitutes", "contribution": 0.5, "interval": [0.4, 0.6]}
    document = {"winner": "c0002", "level": 0.95, "parts": parts, "pairs": [both]}
    run.write_json("attribution.json", document)
    fresh = report_of(run)
    run.write_json("attribution.json", document | {"winner": "c0001"})
    stale = report_of(run)

    single, pairs = (rows(table) for table in blocks(fresh, Table, "Changes"))
    assert single == [
        {
            "id": "p1",
            "finding": Badge("necessary", Tone.GOOD),
            "contribution": Interval(0.2, 0.1, 0.3),
            "tasks": "title +0.5",
        },
        {"id": "p2", "finding": Badge("no-effect"), "contribution": 0.0, "tasks": None},
    ]
    assert [(row["parts"], row["together"].text) for row in pairs] == [("p1, p2", "substitutes")]
    assert blocks(fresh, Text, "Changes") == []
    assert [each.text for each in blocks(stale, Text, "Changes")] == [
        "This attribution is of c0001; the winner is now c0002."
    ]


def test_two_hundred_candidates_of_both_arms_stay_readable_and_small() -> None:
    ledger = made_up_ledger(200)

    report = report_from(ledger)
    page = render(report)

    (tasks,) = blocks(report, HeatMap, "Tasks")
    listed = blocks(report, Table, "Candidates")[1]
    assert len(page.encode()) < 5_000_000
    assert len(tasks.rows) == MOST_ROWS
    assert "c0000 baseline" in tasks.rows
    assert any(row.startswith(f"{best.id} ") for row in tasks.rows if (best := ledger.best()) is not None)
    assert (listed.folded, len(listed.rows)) == (True, 400)
    assert listed.caption == "The first 400 candidates; the ledger has 1 more."


def test_the_page_of_a_run_is_the_same_whenever_it_is_made(tmp_path: Path) -> None:
    first, second = (made_run(tmp_path / name, [baseline(LOW), kept(1, HIGH)]) for name in ("a", "b"))

    pages = []
    for run in (first, second):
        write_report(run, read_ledger(run))
        pages.append(((run.path / "report.json").read_bytes(), (run.path / "report.html").read_bytes()))

    assert pages[0] == pages[1]


def test_a_run_that_was_only_made_has_a_report(tmp_path: Path) -> None:
    run = Run.create(tmp_path, kind=KIND, config=CONFIG, command=["hone"], seed=7, name="new")

    assert report_of(run).title == "ticket-router"


def _section(report: Report, title: str) -> Section:
    return next(section for section in report.sections if section.title == title)


def test_a_project_without_held_out_tasks_is_warned_of() -> None:
    ledger = made_up_ledger(2, tasks=3)
    ledger = replace(ledger, facts=replace(ledger.facts, held_out_tasks=0, held_out=""), held_out={})

    (words,) = _section(report_from(ledger), "Held-out tasks").blocks

    assert isinstance(words, Text)
    assert (words.tone, "nothing says whether the gain reaches" in words.text) == (Tone.WARN, True)


def test_arms_without_a_kept_candidate_stand_for_the_baseline() -> None:
    found: list[Candidate] = [
        baseline(LOW),
        proposed(1, Outcome.CRASH),
        proposed(1, Outcome.CRASH, arm=Arm.CONTROL),
    ]
    ledger: Ledger = replace(made_up_ledger(1), candidates=found, final=None, fresh={}, held_out={})

    report = report_from(ledger)

    (headline,) = blocks(report, Headline)
    assert (headline.badge, headline.note) == (Badge("not improved", Tone.NEUTRAL), "The baseline itself.")
    assert blocks(report, Diff) == []
