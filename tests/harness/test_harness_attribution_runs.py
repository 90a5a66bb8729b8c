"""Attribution of a real run: opened again after its end, kept beside the ledger."""

from __future__ import annotations

import json
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from pathlib import Path

import pytest
from harness_words import RIGHT, WordsTask, guesser, words_project

from honing.agents import AgentTask, ScriptedAgent
from honing.errors import BudgetExhaustedError, UsageError
from honing.harness import (
    AttributionRequest,
    ContractAsked,
    ContractMeasured,
    OptimizeOptions,
    attribute_run,
    attribution_forecast,
    load_project,
    optimize_project,
    read_ledger,
)
from honing.harness.project import Control, Project
from honing.store import Run


def writes_all(task: AgentTask) -> dict[str, str]:
    return {"prompt.md": "right0\n" + "\n" * 3 + "right1 right2\n", "notes.md": "nobody reads this\n"}


def finished(folder: Path, project: Project, agent: ScriptedAgent) -> Run:
    result = optimize_project(project, OptimizeOptions(agent=agent, home=folder / "runs"))
    return Run.open(result.run.path)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return words_project(tmp_path, proposals=1, control=Control.NONE)


def test_a_finished_run_is_told_which_of_its_winners_changes_matter(tmp_path: Path, project: Project) -> None:
    run = finished(tmp_path, project, ScriptedAgent(writes_all))

    found = attribute_run(run, AttributionRequest(project=project))

    assert [(part["summary"], part["finding"], part["contribution"]) for part in found["parts"]] == [
        ("notes.md: added", "no-effect", 0.0),
        ("prompt.md: lines 2-5 (+4 -0)", "necessary", 2 / len(RIGHT)),
    ]
    assert json.loads(run.artifact("attribution.json").read_text()) == json.loads(json.dumps(found))
    assert read_ledger(run).attribution is not None
    assert "prompt.md: lines 2-5" in run.artifact("report.html").read_text()
    assert sorted(path.name for path in run.path.iterdir() if path.name in ("attributing", "work")) == []


def test_what_the_run_judged_is_not_judged_again(tmp_path: Path) -> None:
    log = tmp_path / "judged.tsv"
    project = words_project(tmp_path, proposals=1, control=Control.NONE, tasks=(WordsTask(log=log),))
    run = finished(tmp_path, project, ScriptedAgent(writes_all))
    before = len(log.read_text().splitlines())

    attribute_run(run, AttributionRequest(project=project))
    first = len(log.read_text().splitlines())
    attribute_run(run, AttributionRequest(project=project))

    # Without p1, and without p2: the winner, the baseline and what is left are known by then.
    assert (before, first - before, len(log.read_text().splitlines()) - first) == (2, 2, 0)


def test_the_ledger_is_what_it_was(tmp_path: Path, project: Project) -> None:
    run = finished(tmp_path, project, ScriptedAgent(writes_all))
    before = replace(read_ledger(run), attribution=None)

    attribute_run(run, AttributionRequest(project=project))

    assert replace(read_ledger(run), attribution=None) == before


class LongerIsBetter:
    """Measures nothing but how many of three words a system prompt holds."""

    def measure(self, asked: ContractAsked, cancel: object) -> ContractMeasured:
        return ContractMeasured(
            score=sum(word in asked.system for word in ("plan", "check", "answer")) / 3,
            low=0.0,
            high=1.0,
            higher_is_better=True,
            reason="",
            by_harness=False,
            cost_usd=0.0,
            sandbox="none",
        )


def measuring(folder: Path) -> AbstractContextManager[LongerIsBetter]:
    return nullcontext(LongerIsBetter())


def test_parts_of_a_harness_that_a_contract_measures_are_told_apart_too(tmp_path: Path) -> None:
    for folder in ("baseline", "target"):
        (tmp_path / folder).mkdir()
    (tmp_path / "baseline" / "prompt.md").write_text("answer\n")
    (tmp_path / "honing.yaml").write_text(
        "schema: 1\nname: asked\nobjective: better answers\n"
        "tasks: [{id: measured, type: contract, target: target, model: scripted/any, system: prompt.md}]\n"
        "search: {control: none}\nbudget: {proposals: 1}\n"
    )
    project = load_project(tmp_path / "honing.yaml")
    agent = ScriptedAgent({"prompt.md": "answer\nplan\n", "idle.md": "nobody reads this\n"})
    options = OptimizeOptions(
        agent=agent, home=tmp_path / "runs", contracts=lambda _: nullcontext(LongerIsBetter())
    )
    run = Run.open(optimize_project(project, options).run.path)

    found = attribute_run(run, AttributionRequest(project=project, contracts=measuring))

    assert [(part["summary"], part["finding"]) for part in found["parts"]] == [
        ("idle.md: added", "no-effect"),
        ("prompt.md: line 2 (+1 -0)", "necessary"),
    ]


def test_a_forecast_judges_nothing(tmp_path: Path) -> None:
    log = tmp_path / "judged.tsv"
    project = words_project(tmp_path, proposals=1, control=Control.NONE, tasks=(WordsTask(log=log),))
    run = finished(tmp_path, project, ScriptedAgent(writes_all))
    before = log.read_text()

    found = attribution_forecast(run, AttributionRequest(project=project))

    assert (found["evaluations"], found["task_runs_at_most"], len(found["parts"])) == (6, 6, 2)
    assert (log.read_text(), run.artifact("attribution.json").exists()) == (before, False)


def test_more_seeds_are_judged_where_they_are_asked_for(tmp_path: Path) -> None:
    tasks = tuple(WordsTask(id=f"words-{n}", noise=0.05) for n in range(3))
    project = words_project(tmp_path, proposals=1, control=Control.NONE, tasks=tasks)
    run = finished(tmp_path, project, ScriptedAgent(writes_all))

    one = attribute_run(run, AttributionRequest(project=project))
    more = attribute_run(run, AttributionRequest(project=project, repeats=4))

    assert (len(one["seeds"]), len(more["seeds"]), more["seeds"][:1]) == (1, 4, one["seeds"])


def test_a_run_that_has_not_ended_is_refused_with_the_next_step(tmp_path: Path) -> None:
    project = words_project(tmp_path, proposals=4, task_runs=2)
    options = OptimizeOptions(agent=guesser(), home=tmp_path / "runs", run_name="short")
    with pytest.raises(BudgetExhaustedError):
        optimize_project(project, options)

    with pytest.raises(UsageError, match="Go on with it first: hone harness resume short"):
        attribute_run(Run.open(tmp_path / "runs" / "short"), AttributionRequest(project=project))


def test_a_run_that_improved_nothing_is_refused(tmp_path: Path, project: Project) -> None:
    run = finished(tmp_path, project, ScriptedAgent({"notes.md": "x"}))

    with pytest.raises(UsageError, match="nothing beat the baseline"):
        attribute_run(run, AttributionRequest(project=project))


def test_a_discarded_candidate_can_be_asked_about_by_its_id(tmp_path: Path, project: Project) -> None:
    run = finished(tmp_path, project, ScriptedAgent({"prompt.md": "right0 right1 wrong0 wrong1\n"}))

    found = attribute_run(run, AttributionRequest(project=project, candidate="c0001"))

    assert [(part["finding"], part["contribution"]) for part in found["parts"]] == [("harmful", -0.125)]
    with pytest.raises(UsageError, match="there is no candidate 'c0009'"):
        attribute_run(run, AttributionRequest(project=project, candidate="c0009"))


def test_results_of_other_tasks_are_not_compared(tmp_path: Path, project: Project) -> None:
    run = finished(tmp_path, project, ScriptedAgent(writes_all))
    changed = replace(project, tasks=(WordsTask(words=RIGHT[:2]),))

    with pytest.raises(UsageError, match=r"the tasks are no longer those of the run \(words\)"):
        attribute_run(run, AttributionRequest(project=changed))
