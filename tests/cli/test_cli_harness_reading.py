"""`hone harness inspect`, `ledger`, `summarize`, `compare`: on runs that work, were killed, or are done."""

from __future__ import annotations

import json
import signal
import sqlite3
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from hone_process import Ended, Hone, make_run

from harness_candidates import agent, baseline, evaluation, kept, proposed
from harness_runs import made_run
from honing.harness.candidate import Arm, Candidate, Outcome, Proposal
from honing.harness.candidate_document import evaluation_document
from honing.harness.ledger import COMPARE_COLUMNS, LEDGER_COLUMNS, SUMMARY_COLUMNS
from honing.store import TREES, Run, RunStatus, TreeStore

LOW = {"title": 0.0, "tests": 0.5, "setup": 1.0}
HIGH = {"title": 1.0, "tests": 1.0, "setup": 1.0}
SEALED = (("c0000", 0.25), ("c0001", 0.75))
HELD_OUT = {name: evaluation_document(evaluation({"s1": score})) for name, score in SEALED}
ENDED = {"winner": "c0001", "control_winner": "b0001", "held_out": HELD_OUT}
WORK_AND_WAIT = """
import sys, time
from pathlib import Path
from harness_candidates import baseline, kept
from harness_runs import made_run
from honing.harness.loop.config import CANDIDATES
run = made_run(Path(sys.argv[1]), [baseline(), kept(1, {"title": 1.0})], name="live")
with run.supervise(), run.journal() as journal:
    journal.lease([("next", CANDIDATES, 2)], owner="me", ttl_s=60.0)
    print("ready", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def run(hone: Hone) -> Run:
    """A finished run: a winner with a diff, a violation, and a control arm."""
    store = TreeStore(hone.runs / TREES)
    trees = []
    for text in ("one\n", "one\n\x1b[2Jtwo\n"):
        folder = hone.folder / f"folder-{len(text)}"
        folder.mkdir()
        (folder / "AGENTS.md").write_text(text)
        trees.append(store.snapshot(folder))
    made: list[Candidate] = [
        replace(baseline(LOW), tree=trees[0]),
        kept(1, HIGH, tree=trees[1]),
        proposed(2, Outcome.SCOPE_VIOLATION, offending=("=evil()",), sentence='=HYPERLINK("http://evil")\tx'),
        proposed(1, Outcome.DISCARD, arm=Arm.CONTROL, evaluation=evaluation(LOW)),
    ]
    return made_run(hone.runs, made, final=ENDED)


def table_of(ended: Ended) -> list[dict[str, str]]:
    """The rows of a TSV by column."""
    header, *lines = ended.out.rstrip("\n").split("\n")
    return [dict(zip(header.split("\t"), line.split("\t"), strict=True)) for line in lines]


def test_the_ledger_lists_every_candidate_and_says_where_the_run_stands(hone: Hone, run: Run) -> None:
    ended = hone("harness", "ledger", "run")

    lines = [line.split() for line in ended.out.splitlines()]
    assert ended.code == 0
    assert lines[0][:4] == ["CANDIDATE", "FROM", "OUTCOME", "SCORE"]
    assert [line[:4] for line in lines[1:]] == [
        ["c0000", "baseline", "0.5714", "0.5714"],
        ["c0001", "*", "c0000", "keep"],
        ["c0002", "c0000", "scope-violation", "-"],
        ["b0001", "c0000", "discard", "0.5714"],
    ]
    assert ended.err.splitlines() == [
        "run: done",
        "  search: 2 of 4 proposals, best c0001 at 0.9500",
        "  control: 1 of 4 proposals, best b0001 at 0.5714",
        "  spent: 9 calls, 4,500 tokens, $0.0375, 12 task runs",
    ]


def test_the_ledger_as_tsv_has_every_column_and_inert_cells(hone: Hone, run: Run) -> None:
    found = table_of(hone("harness", "ledger", "run", "--tsv"))

    assert list(found[0]) == list(LEDGER_COLUMNS)
    assert [row["candidate_id"] for row in found] == ["c0000", "c0001", "c0002", "b0001"]
    assert found[2]["outcome_summary"] == '\'=HYPERLINK("http://evil")\\tx'
    assert found[2]["scope_violation_paths"] == "'=evil()"
    assert found[1]["test_objective"] == "0.75"


def test_the_ledger_as_json_is_one_document_with_progress_and_spend(hone: Hone, run: Run) -> None:
    document = json.loads(hone("harness", "ledger", "run", "--json").out)

    assert document["progress"]["search"]["made"] == 2
    assert document["spend"]["input_tokens"] == 3600
    outcomes = [row["outcome"] for row in document["candidates"]]
    assert outcomes == ["baseline", "keep", "scope-violation", "discard"]


def test_a_run_is_inspected_with_its_warnings(hone: Hone, run: Run) -> None:
    ended = hone("harness", "inspect", "run")

    words = dict(line.split(None, 1) for line in ended.out.splitlines() if line.strip())
    assert ended.code == 0
    assert words["project"] == "ticket-router: Route tickets to the right team."
    assert words["sandbox"] == "bubblewrap"
    assert words["baseline"] == "0.5714"
    assert "c0001 0.7500" in ended.out


def test_a_candidate_is_inspected_with_tasks_and_a_diff_that_cannot_act(hone: Hone, run: Run) -> None:
    ended = hone("harness", "inspect", "run", "best")

    assert ended.code == 0
    assert ended.out.lstrip().startswith("candidate  c0001  (best)\n")
    assert "made from  c0000, best so far\n" in ended.out
    assert ["tests", "2.0", "0.5000", "1.0000", "scored"] in [line.split() for line in ended.out.splitlines()]
    assert "+\\u001b[2Jtwo\n" in ended.out
    assert "\x1b" not in ended.out


@pytest.mark.parametrize(
    ("word", "meant"), [("baseline", "c0000"), ("best", "c0001"), ("control", "b0001"), ("c0002", "c0002")]
)
def test_a_candidate_is_named_by_id_or_by_what_it_is(hone: Hone, run: Run, word: str, meant: str) -> None:
    found = json.loads(hone("harness", "inspect", "run", word, "--json").out)

    assert found["row"]["candidate_id"] == meant


def test_a_candidate_as_json_holds_its_diff_manifest_and_tasks(hone: Hone) -> None:
    change = {"id": "a", "component": "prompt", "files": [], "predicted_fixes": ["title"], "risk_tasks": []}
    manifest = {"schema": 1, "changes": [change]}
    winner = kept(1, HIGH, proposal=Proposal(tree=None, agent=agent(), manifest=manifest))
    made_run(hone.runs, [baseline(LOW), winner])

    found = json.loads(hone("harness", "inspect", "run", "c0001", "--json").out)

    assert found["predictions"]["hits"] == 1
    assert found["candidate"]["proposal"]["manifest"] == manifest
    assert [(one["task"], one["parent"], one["score"]) for one in found["tasks"]] == [
        ("title", 0.0, 1.0),
        ("tests", 0.5, 1.0),
        ("setup", 1.0, 1.0),
    ]
    assert (found["diff"], "there is no tree" in found["diff_problem"]) == ("", True)


def test_a_candidate_that_is_not_there_is_a_usage_error_that_names_others(hone: Hone, run: Run) -> None:
    ended = hone("harness", "inspect", "run", "c0009")

    assert ended.code == 2
    assert ended.err.startswith("hone: error: run has no candidate 'c0009' yet. It has 4, such as c000")


def test_runs_are_summarised_by_name_or_by_the_folder_they_lie_in(hone: Hone, run: Run) -> None:
    made_run(hone.runs, [baseline(LOW), proposed(1, Outcome.TIMEOUT)], name="second")

    named = table_of(hone("harness", "summarize", "run", "second", "--tsv"))
    whole = table_of(hone("harness", "summarize", str(hone.runs), "--tsv"))

    shown = ("run_name", "trial_index", "improved", "best_test_objective", "iterations_to_first_improvement")
    assert [[row[name] for name in shown] for row in named] == [
        ["run", "1", "true", "0.75", "1"],
        ["second", "2", "false", "", ""],
    ]
    assert list(named[0]) == list(SUMMARY_COLUMNS)
    assert sorted(row["run_name"] for row in whole) == ["run", "second"]


def test_runs_of_the_same_kind_are_summarised_as_one(hone: Hone, run: Run) -> None:
    made_run(hone.runs, [baseline(LOW), proposed(1, Outcome.TIMEOUT)], name="second")

    (row,) = table_of(hone("harness", "summarize", str(hone.runs), "--aggregate", "--tsv"))
    shown = hone("harness", "summarize", str(hone.runs), "--aggregate").out

    assert (row["trial_count"], row["improved_count"], row["success_rate"]) == ("2", "1", "0.5")
    assert "0.500 [0.0" in shown


def test_runs_are_compared_task_by_task(hone: Hone, run: Run) -> None:
    weaker = [baseline(LOW), kept(1, {**HIGH, "tests": 0.5})]
    made_run(hone.runs, weaker, name="other", config={"agent": "codex"})

    document = json.loads(hone("harness", "compare", "other", "run", "--json").out)
    rows = table_of(hone("harness", "compare", "other", "run", "--tsv"))
    by_task = table_of(hone("harness", "compare", "other", "run", "--by-task", "--tsv"))
    shown = hone("harness", "compare", "other", "run")

    assert document["runs"][1]["better"] == 1
    assert list(rows[0]) == list(COMPARE_COLUMNS)
    assert float(rows[1]["difference"]) == pytest.approx(1.0 / 3.5)
    assert [(row["task"], row["other"], row["run"]) for row in by_task][:2] == [
        ("title", "1.0", "1.0"),
        ("tests", "0.5", "1.0"),
    ]
    assert "1/0/2" in shown.out
    assert "run and other: they start from different baselines" in shown.err


def test_damaged_rows_and_damaged_runs_are_said_and_the_rest_is_shown(hone: Hone, run: Run) -> None:
    with sqlite3.connect(run.path / "journal.sqlite") as database:
        database.execute("UPDATE results SET value = '[' WHERE value LIKE '%\"c0002\"%'")
    database.close()
    (hone.runs / "broken").mkdir()
    (hone.runs / "broken" / "run.json").write_text("{")

    ended = hone("harness", "ledger", str(hone.runs), "--tsv")

    assert ended.code == 0
    assert [row["candidate_id"] for row in table_of(ended)] == ["c0000", "c0001", "b0001"]
    assert "left out: " in ended.err
    assert "  damaged: candidates, unit 2: expected JSON" in ended.err


def test_a_run_of_another_kind_is_refused(hone: Hone) -> None:
    make_run(hone, "measured")

    ended = hone("harness", "ledger", "measured")

    assert ended.code == 2
    assert "measured is a run of kind 'measure', not of a harness" in ended.err


def test_a_folder_without_harness_runs_is_refused(hone: Hone) -> None:
    make_run(hone, "measured")

    ended = hone("harness", "summarize", str(hone.runs))

    assert ended.code == 2
    assert "there is no harness run in this folder" in ended.err


def test_everything_is_readable_while_a_run_works_and_after_it_was_killed(hone: Hone) -> None:
    path = {"PYTHONPATH": f"{hone.environ['PYTHONPATH']}:{Path(__file__).parents[1]}"}
    command = [sys.executable, "-c", WORK_AND_WAIT, str(hone.runs)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=hone.environ | path, text=True) as worker:
        assert worker.stdout is not None
        worker.stdout.readline()
        live = json.loads(hone("harness", "ledger", "live", "--json").out)
        page = hone("report", "live", "--out", "live.html")
        worker.send_signal(signal.SIGKILL)
    killed = json.loads(hone("harness", "ledger", "live", "--json").out)
    others = [hone("harness", name, "live", "--json").code for name in ("inspect", "summarize")]

    assert (live["status"], killed["status"]) == (RunStatus.RUNNING, RunStatus.INTERRUPTED)
    assert live["progress"] == killed["progress"]
    assert live["progress"]["search"]["running"] == ["c0002"]
    assert [row["candidate_id"] for row in live["candidates"]] == ["c0000", "c0001"]
    assert (page.code, others) == (0, [0, 0])
    assert "running" in (hone.folder / "live.html").read_text()


def test_json_and_tsv_together_are_refused(hone: Hone, run: Run) -> None:
    codes = [
        hone("harness", name, "run", "--json", "--tsv").code for name in ("inspect", "ledger", "summarize")
    ]

    assert codes == [2, 2, 2]
