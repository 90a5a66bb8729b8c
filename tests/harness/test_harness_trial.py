"""What a first trial of harness runs met: odd baselines, changed projects, lucky leaders."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path

import pytest
from briefed_runs import BASELINE, a_story, judged
from harness_words import WordsTask, guesser, words_project

from honing.errors import StoreError, UsageError
from honing.harness import Asked, OptimizeOptions, optimize_project, resume
from honing.harness.briefing import Briefing
from honing.harness.candidate import Outcome
from honing.harness.loop.config import config_of, differences
from honing.store import TreeId


def test_a_baseline_with_a_pipe_is_refused_before_anybody_is_asked_for_what_it_cannot_keep(
    tmp_path: Path,
) -> None:
    project = words_project(tmp_path / "p")
    os.mkfifo(project.baseline / "pipe")
    options = OptimizeOptions(agent=guesser(), asked=Asked(sandbox="unconfined"), home=tmp_path / "runs")

    with pytest.raises(UsageError, match=r"pipe is a pipe, a socket or a device.*`transient`"):
        optimize_project(project, options)

    rules = replace(project.rules, transient=("pipe",))
    result = optimize_project(replace(project, rules=rules), options)
    assert {each.outcome for each in result.ledger.candidates[1:]} <= {Outcome.KEEP, Outcome.DISCARD}


def test_another_run_differs_in_single_tasks_and_not_in_all_of_them(tmp_path: Path) -> None:
    first, second = WordsTask(id="file"), WordsTask(id="words")
    project = words_project(tmp_path / "p", tasks=(first, second))
    changed = replace(project, tasks=(replace(first, weight=2.0), second))

    found, wanted = (
        config_of(each, TreeId("0" * 64), sandbox="auto", asked={}) for each in (project, changed)
    )

    (line,) = differences(found, wanted)
    assert line == f"tasks.file was {found['tasks']['file']!r}, is {wanted['tasks']['file']!r}"


def test_the_best_that_a_brief_names_is_the_one_that_the_search_goes_on_from(tmp_path: Path) -> None:
    story = a_story(tmp_path)
    # It beat c0001 on the same seeds; on these seeds both were less lucky.
    story.tell(
        {**BASELINE, "AGENTS.md": "Read the guide twice.\n"},
        outcome=Outcome.KEEP,
        parents=["c0001"],
        evaluation=judged({"reads-the-guide-1": 1.0, "runs-the-tests-2": 1.0}),
        estimate=0.55,
    )
    child = story.candidates[-1]

    brief = Briefing(story.project, story.trees).brief([story.named("c0001")], story.view(), tmp_path)

    assert f"The best so far is {child.id}" in brief.text


def test_what_a_tampered_candidate_printed_is_not_handed_on(tmp_path: Path) -> None:
    story = a_story(tmp_path)
    story.tell(
        {**BASELINE, "AGENTS.md": "Look around.\n"},
        outcome=Outcome.TAMPERED,
        parents=["c0001"],
        evaluation=judged({"reads-the-guide-1": 0.0}, log="the grader says 42"),
    )
    caught = story.candidates[-1]

    Briefing(story.project, story.trees).brief([story.named("c0001")], story.view(), tmp_path)

    (row,) = json.loads((tmp_path / "history" / "candidates" / caught.id / "tasks.json").read_text())
    assert (row["task"], row["log"]) == ("reads-the-guide-1", "")


def test_a_finished_run_whose_journal_is_damaged_has_no_result_and_says_why(tmp_path: Path) -> None:
    options = OptimizeOptions(agent=guesser(), asked=Asked(sandbox="unconfined"), home=tmp_path / "runs")
    done = optimize_project(words_project(tmp_path / "p", proposals=0), options).run
    (done.path / "journal.sqlite").write_bytes(b"nothing of the kind" * 400)

    with pytest.raises(StoreError, match=r"the result cannot be read: .*cannot read the journal"):
        resume(done)


def test_a_folder_of_runs_that_cannot_be_made_is_no_defect_of_ours(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    options = OptimizeOptions(
        agent=guesser(), asked=Asked(sandbox="unconfined"), home=tmp_path / "file" / "runs"
    )

    with pytest.raises(StoreError, match="making the folder of runs"):
        optimize_project(words_project(tmp_path / "p", proposals=0), options)
