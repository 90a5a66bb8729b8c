"""The loop: both arms, every way a candidate may end, the last look, and what a run leaves."""

from __future__ import annotations

import subprocess
import threading
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from harness_words import RIGHT, WordsTask, guesser, words_project

from honing.agents import AgentRun, AgentSettings, AgentTask, ScriptedAgent, agent_named
from honing.errors import SandboxError, UsageError
from honing.harness import Asked, OptimizeOptions, OptimizeResult, Project, optimize_project
from honing.harness.candidate import Arm, Outcome
from honing.harness.candidate_document import evaluation_from
from honing.harness.project import Control, Rules, Scope
from honing.harness.tasks.base import Cascade, Place, TaskScore, TaskStatus
from honing.sandbox import Cancel
from honing.store import identity

BEST = {"prompt.md": "\n".join(RIGHT)}


def run(project: Project, agent: Any, **changes: Any) -> OptimizeResult:
    options = OptimizeOptions(
        agent=agent,
        asked=Asked(sandbox="unconfined"),
        home=project.folder.parent / "runs",
        run_name="r",
    )
    return optimize_project(project, replace(options, **changes))


def scripted(*entries: Any) -> Any:
    """Plays one entry a proposal: edits, or how the agent ends."""
    return agent_named("scripted", AgentSettings(options={"edits": list(entries)}))


def ends(result: OptimizeResult, arm: Arm = Arm.SEARCH) -> list[tuple[str, str]]:
    return [(each.id, each.outcome.value) for each in result.ledger.arm(arm)]


def test_the_ledger_is_the_same_at_any_number_of_workers(tmp_path: Path) -> None:
    found = []
    for workers in (1, 2, 4):
        project = words_project(tmp_path / "p", in_flight=2, proposals=8, name="restarts")
        result = run(project, guesser(), workers=workers, home=tmp_path / f"runs{workers}")
        found.append(identity(result.run.path))

    assert found[0] == found[1] == found[2]
    assert {"ledger.json", "ledger.tsv", "summary.json", "best.patch", "best/prompt.md"} < set(found[0])


def test_the_search_builds_on_what_it_kept_and_the_control_never_does(tmp_path: Path) -> None:
    def next_word(task: AgentTask) -> dict[str, str]:
        text = (task.workspace / "prompt.md").read_text()
        return {"prompt.md": f"{text}{RIGHT[len(text.split())]}\n"}

    result = run(words_project(tmp_path / "p", proposals=3), ScriptedAgent(next_word))

    search, control = result.ledger.arm(Arm.SEARCH), result.ledger.arm(Arm.CONTROL)
    assert [(each.parents, each.score) for each in search] == [
        (("c0000",), 0.25),
        (("c0001",), 0.375),
        (("c0002",), 0.5),
    ]
    assert [(each.id, each.parents, each.score) for each in control] == [
        ("b0001", ("c0000",), 0.25),
        ("b0002", ("c0000",), 0.25),
        ("b0003", ("c0000",), 0.25),
    ]
    assert (result.improved, result.winner.id, result.final["control_winner"]) == (True, "c0003", "b0001")
    assert result.final["comparisons"]["over_control"]["estimate"] == 0.25


def test_every_ending_is_a_row_and_none_ends_the_run(tmp_path: Path) -> None:
    project = words_project(
        tmp_path / "p",
        proposals=9,
        control=Control.NONE,
        rules=Rules(scope=(Scope("prompt.md"),), largest_bytes=10_000),
    )
    agent = scripted(
        BEST,
        {"prompt.md": "wrong0"},
        "finished",
        "crash",
        "timeout",
        "infra_error",
        {"other.md": "x"},
        {"prompt.md": "x" * 20_000},
        "refused",
    )

    result = run(project, agent)

    assert ends(result) == [
        ("c0001", "keep"),
        ("c0002", "discard"),
        ("c0003", "no-change"),
        ("c0004", "crash"),
        ("c0005", "timeout"),
        ("c0006", "infra_error"),
        ("c0007", "scope-violation"),
        ("c0008", "scope-violation"),
        ("c0009", "no-change"),
    ]
    by_id = {each.id: each for each in result.ledger.candidates}
    assert by_id["c0007"].offending == ("other.md",)
    assert by_id["c0008"].offending == ("prompt.md",)
    assert by_id["c0008"].tree is None
    assert "the workspace: 'prompt.md' brings 20,000 bytes" in by_id["c0008"].sentence
    assert by_id["c0009"].sentence.endswith("; the agent: the script says so")
    assert all(each.sentence for each in result.ledger.candidates)


@dataclass(frozen=True, slots=True)
class Raising:
    """An agent whose own code fails."""

    error: Exception
    name: str = "raising"

    def run(self, task: AgentTask, *, cancel: Cancel | None = None) -> AgentRun:
        raise self.error


@pytest.mark.parametrize(
    ("error", "outcome", "sentence"),
    [
        (ZeroDivisionError("by zero"), "crash", "ZeroDivisionError: by zero"),
        (SandboxError("no room"), "infra_error", "no room"),
    ],
    ids=["of its own", "of the sandbox"],
)
def test_what_an_agent_raises_is_the_end_of_one_candidate(
    tmp_path: Path, error: Exception, outcome: str, sentence: str
) -> None:
    project = words_project(tmp_path / "p", proposals=2, control=Control.NONE)

    result = run(project, Raising(error))

    assert ends(result) == [("c0001", outcome), ("c0002", outcome)]
    assert {each.sentence for each in result.ledger.arm(Arm.SEARCH)} == {sentence}
    assert (result.improved, result.winner.id) == (False, "c0000")


@dataclass(frozen=True, slots=True, kw_only=True)
class Odd(WordsTask):
    """Fails in its own way on harnesses that hold a word."""

    id: str = "odd"
    word: str = "right1"
    status: TaskStatus = TaskStatus.TAMPERED

    def judge(self, place: Place, seed: int) -> TaskScore:
        if self.word in (place.read_text(self.path) or ""):
            return TaskScore(status=self.status, reason="the reason")
        return WordsTask.judge(self, place, seed)


@pytest.mark.parametrize("status", [TaskStatus.TAMPERED, TaskStatus.INFRA_ERROR])
def test_what_is_no_score_is_the_outcome(tmp_path: Path, status: TaskStatus) -> None:
    project = words_project(tmp_path / "p", proposals=1, control=Control.NONE, tasks=(Odd(status=status),))

    result = run(project, scripted(BEST))

    (candidate,) = result.ledger.arm(Arm.SEARCH)
    assert (candidate.outcome.value, candidate.score) == (status.value, None)
    assert candidate.sentence == f"task 'odd' ended as {status.value}: the reason"


def test_a_baseline_that_cannot_be_scored_ends_the_run_and_says_why(tmp_path: Path) -> None:
    odd = Odd(word="right0", status=TaskStatus.INFRA_ERROR)

    with pytest.raises(UsageError, match="the baseline cannot be scored: task 'odd' ended as infra_error"):
        run(words_project(tmp_path / "p", tasks=(odd,)), guesser())


def test_thresholds_of_the_cascade_stop_candidates_and_not_what_they_are_compared_with(
    tmp_path: Path,
) -> None:
    log = tmp_path / "log"
    project = words_project(
        tmp_path / "p",
        proposals=2,
        control=Control.NONE,
        tasks=(WordsTask(), WordsTask(id="dear", words=RIGHT[:2], cascade=Cascade.FULL, log=log)),
    )
    judging = replace(project.judging, thresholds={"static": 0.9})

    result = run(replace(project, judging=judging), scripted({"prompt.md": "right1 right2"}, BEST))

    assert result.baseline.score == pytest.approx((0.125 + 0.5) / 2)
    assert ends(result) == [("c0001", "discard"), ("c0002", "keep")]
    assert "the rest is not run" in result.ledger.arm(Arm.SEARCH)[0].sentence
    assert [line.split("\t")[2] for line in log.read_text().splitlines()] == ["right0", " ".join(RIGHT)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fickle(WordsTask):
    """Noisy, and fails on fresh seeds of harnesses that hold few words."""

    id: str = "fickle"
    deterministic: bool = False

    def judge(self, place: Place, seed: int) -> TaskScore:
        if seed >= 1_000_000 and len((place.read_text(self.path) or "").split()) < 2:
            return TaskScore(status=TaskStatus.TAMPERED, reason="the reason")
        return WordsTask.judge(self, place, seed)


def test_a_parent_that_fails_in_a_retest_says_nothing_about_its_child(tmp_path: Path) -> None:
    result = run(words_project(tmp_path / "p", proposals=1, tasks=(Fickle(),)), scripted(BEST))

    (candidate,) = result.ledger.arm(Arm.SEARCH)
    assert candidate.outcome.value == "infra_error"
    assert candidate.sentence == (
        "its parent c0000 could not be run again: task 'fickle' ended as tampered: the reason"
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Meeting(WordsTask):
    """Can be judged only while as many others are."""

    others: threading.Barrier

    def judge(self, place: Place, seed: int) -> TaskScore:
        if (place.read_text(self.path) or "").split() != ["right0"]:
            self.others.wait(timeout=60)
        return WordsTask.judge(self, place, seed)


def test_nine_evaluations_run_at_the_same_time(tmp_path: Path) -> None:
    project = words_project(
        tmp_path / "p",
        proposals=9,
        in_flight=9,
        control=Control.NONE,
        tasks=(Meeting(others=threading.Barrier(9)),),
    )

    def own_words(task: AgentTask) -> dict[str, str]:
        return {"prompt.md": f"right0 {task.slot}"}

    result = run(project, ScriptedAgent(own_words), workers=9)

    assert {outcome for _, outcome in ends(result)} == {"discard"}


@dataclass(slots=True)
class Curious:
    """Reads everything it is shown, and everything it can reach in its workspace."""

    name: str = "curious"
    seen: list[str] = field(default_factory=list)

    def run(self, task: AgentTask, *, cancel: Cancel | None = None) -> AgentRun:
        self.seen.append(task.brief)
        self.seen += [f"{name}={value}" for name, value in task.env.items()]
        for folder in (task.workspace, *(mount.source for mount in task.mounts)):
            self.seen += [path.read_text() for path in sorted(folder.rglob("*")) if path.is_file()]
        return guesser().run(task, cancel=cancel)


def test_held_out_tasks_are_neither_run_nor_shown_before_the_end(tmp_path: Path) -> None:
    log = tmp_path / "log"
    project = words_project(
        tmp_path / "p",
        tasks=(WordsTask(log=log),),
        held_out=(WordsTask(id="sealed-one", words=RIGHT[:2], log=log),),
        proposals=4,
    )
    agent = Curious()

    result = run(project, agent, workers=1)

    assert len(agent.seen) > 8
    assert not [text for text in agent.seen if "sealed-one" in text]
    judged = [line.split("\t")[0] for line in log.read_text().splitlines()]
    first = judged.index("sealed-one")
    assert set(judged[first:]) == {"sealed-one"}
    looked_at = {"c0000", result.winner.id, result.final["control_winner"]}
    trees = {each.tree for each in result.ledger.candidates if each.id in looked_at}
    assert len(judged) - first == len(trees)
    assert set(result.final["held_out"]) == looked_at
    evidence = (result.run.path / "evidence.jsonl").read_text()
    assert "sealed-one" not in evidence


def test_the_winner_of_noisy_tasks_is_looked_at_on_seeds_that_nothing_used(tmp_path: Path) -> None:
    noisy = tuple(
        WordsTask(id=f"n{number}", words=(word,), noise=0.4, deterministic=False)
        for number, word in enumerate(RIGHT)
    )
    project = words_project(tmp_path / "p", tasks=noisy, proposals=6)
    judging = replace(project.judging, repeats=2, final_repeats=3)

    result = run(replace(project, judging=judging), guesser())

    used = {run.seed for each in result.ledger.candidates if each.evaluation for run in each.evaluation.runs}
    fresh = {name: evaluation_from(found) for name, found in result.final["fresh"].items()}
    assert {run.seed for found in fresh.values() for run in found.runs} & used == set()
    assert Counter(run.task for run in fresh["c0000"].runs) == {task.id: 3 for task in noisy}
    estimate = result.final["estimate"]
    assert result.score == estimate["fresh"] == fresh[result.winner.id].score
    assert estimate["gap"] == pytest.approx(estimate["raw"] - estimate["fresh"])
    assert estimate["low"] <= estimate["fresh"] <= estimate["high"]


def test_the_winner_is_left_as_a_folder_and_as_a_patch_that_makes_it(tmp_path: Path) -> None:
    project = words_project(tmp_path / "p", proposals=1)
    (project.baseline / "gone.md").write_text("old\n")

    result = run(project, scripted({**BEST, "new/tool.sh": "#!/bin/sh\n", "gone.md": None}))

    best = result.run.path / "best"
    copy = tmp_path / "copy"
    copy.mkdir()
    for path in project.baseline.iterdir():
        (copy / path.name).write_bytes(path.read_bytes())
    command = ["git", "apply", str(result.run.path / "best.patch")]
    subprocess.run(command, cwd=copy, check=True, env={"PATH": "/usr/bin:/bin", "HOME": str(tmp_path)})
    assert _files(copy) == _files(best) == {"prompt.md": BEST["prompt.md"], "new/tool.sh": "#!/bin/sh\n"}
    assert (best / "new" / "tool.sh").stat().st_mode & 0o100


def test_a_run_without_proposals_is_its_baseline(tmp_path: Path) -> None:
    result = run(words_project(tmp_path / "p", proposals=0), guesser())

    assert [each.outcome for each in result.ledger.candidates] == [Outcome.BASELINE]
    assert (result.improved, result.score) == (False, 0.125)


def test_a_candidate_costs_few_files_and_nothing_of_its_work_is_left(tmp_path: Path) -> None:
    def files(proposals: int) -> int:
        project = words_project(tmp_path / "p", proposals=proposals, control=Control.NONE)
        home = tmp_path / f"runs{proposals}"
        result = run(project, ScriptedAgent(lambda task: {"prompt.md": str(task.slot)}), home=home)
        assert not (result.run.path / "work").exists()
        return len(_files(home))

    assert (files(24) - files(4)) / 20 <= 10


def test_two_parents_that_complement_each_other_are_joined_without_an_agent(tmp_path: Path) -> None:
    project = words_project(
        tmp_path / "p",
        name="frontier",
        proposals=5,
        in_flight=2,
        control=Control.NONE,
        tasks=(
            WordsTask(id="one", words=RIGHT[:4], path="one.md"),
            WordsTask(id="two", words=RIGHT[4:], path="two.md"),
        ),
    )
    for name in ("one.md", "two.md"):
        (project.baseline / name).write_text("")
    search = replace(project.search, options={"merge_share": 1.0})
    half = {1: {"one.md": " ".join(RIGHT[:4])}, 2: {"two.md": " ".join(RIGHT[4:])}}

    def edits(task: AgentTask) -> dict[str, str]:
        return half.get(task.slot, {"two.md": "no", "one.md": "no"})

    result = run(replace(project, search=search), ScriptedAgent(edits))

    joined = [each for each in result.ledger.candidates if each.outcome is Outcome.KEEP and not each.proposal]
    assert [(len(each.parents), each.score) for each in joined[:1]] == [(2, 1.0)]
    assert result.score == 1.0


def test_whoever_asks_is_told_of_every_candidate(tmp_path: Path) -> None:
    told: list[str] = []

    run(words_project(tmp_path / "p", proposals=1), scripted(BEST), told=told.append, workers=1)

    assert [line.split(":")[0] for line in told] == ["c0001 keep 1.000", "b0001 keep 1.000"]


def _files(folder: Path) -> dict[str, str]:
    found: Sequence[Path] = [path for path in folder.rglob("*") if path.is_file()]
    return {str(path.relative_to(folder)): path.read_text(errors="replace") for path in found}
