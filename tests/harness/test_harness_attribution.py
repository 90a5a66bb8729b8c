"""Which parts of a winner matter, in projects whose answer is known."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from briefed_runs import change
from judged_folders import Files, lay_out

from honing.errors import UsageError
from honing.harness.attribution import Question, attribute, planned
from honing.harness.cache import Remembered
from honing.harness.candidate import Arm, Candidate, Outcome, Proposal
from honing.harness.evaluate import Evaluator
from honing.harness.place import Places
from honing.harness.tasks.base import Cascade, Evaluation, Place, TaskScore, TaskStatus
from honing.sandbox import ScriptedSandbox
from honing.store import TreeId, TreeStore


@dataclass(frozen=True)
class Says:
    """Scores what the file prompt.md says: `when` holds, by its lines, and noise where there is some."""

    id: str
    wanted: tuple[str, ...]
    every: bool = False
    """Full marks for all of them together and none before; otherwise for any of them."""
    but: str = ""
    """A line that halves the score."""
    noise: float = 0.0
    weight: float = 1.0
    cascade: Cascade = Cascade.STATIC
    shares: str = ""
    asked: list[str] = field(default_factory=list, compare=False)

    @property
    def deterministic(self) -> bool:
        return self.noise == 0.0

    def identity(self) -> Mapping[str, Any]:
        return {"type": "says", "id": self.id, "wanted": list(self.wanted)}

    def judge(self, place: Place, seed: int) -> TaskScore:
        lines = (place.read_text("prompt.md") or "").splitlines()
        self.asked.append(f"{self.id}/{seed}")
        held = [one in lines for one in self.wanted]
        score = float(all(held) if self.every else any(held))
        score *= 0.5 if self.but in lines and self.but else 1.0
        if self.noise:
            score = (
                0.3
                + 0.4 * score
                + random.Random(f"{self.id}/{seed}/{lines}").uniform(-self.noise, self.noise)
            )
        return TaskScore(status=TaskStatus.SCORED, score=score)


@dataclass(frozen=True)
class Fails:
    """Ours fails on whatever lacks a line."""

    id: str = "fails-1"
    weight: float = 1.0
    cascade: Cascade = Cascade.STATIC
    shares: str = ""
    deterministic: bool = True

    def identity(self) -> Mapping[str, Any]:
        return {"type": "fails"}

    def judge(self, place: Place, seed: int) -> TaskScore:
        if "two" in (place.read_text("prompt.md") or ""):
            return TaskScore(status=TaskStatus.SCORED, score=1.0)
        return TaskScore(status=TaskStatus.INFRA_ERROR, reason="the disk is full")


SPACE = "\n".join(f"line {n}" for n in range(4))
BEFORE: Files = {"prompt.md": f"a\n{SPACE}\nb\n{SPACE}\nc\n"}
AFTER: Files = {"prompt.md": f"one\n{SPACE}\ntwo\n{SPACE}\nthree\n", "notes.md": "x\n", "run.sh": "echo\n"}
"""Five parts: the file notes.md, three lines of prompt.md, the file run.sh."""
ONE, TWO, THREE = "p2", "p3", "p4"


class Scene:
    """Baseline and winner, and a judge that keeps what it judged."""

    def __init__(self, folder: Path, tasks: Sequence[Any], after: Files = AFTER) -> None:
        self.trees = TreeStore(folder / "trees")
        sides = [
            self.trees.snapshot(lay_out(folder / name, files))
            for name, files in (("a", BEFORE), ("b", after))
        ]
        self.tasks = tuple(tasks)
        places = Places(trees=self.trees, sandbox=ScriptedSandbox({}), scratch=folder / "work")
        self.judge = Evaluator(places=places, memory=Remembered())
        self.question = Question(
            baseline=self._candidate("c0000", Outcome.BASELINE, sides[0]),
            winner=self._candidate("c0001", Outcome.KEEP, sides[1]),
            tasks=self.tasks,
        )

    def _candidate(self, name: str, outcome: Outcome, tree: TreeId) -> Candidate:
        return Candidate(id=name, arm=Arm.SEARCH, slot=0, outcome=outcome, sentence="", tree=tree)

    def attribute(self, **changes: Any) -> dict[str, Any]:
        return attribute(replace(self.question, **changes), self.trees, self.judge)


def findings(document: dict[str, Any]) -> dict[str, tuple[str, float | None]]:
    return {part["id"]: (part["finding"], part["contribution"]) for part in document["parts"]}


def test_the_two_parts_of_five_that_matter_are_found_and_what_each_is_worth_is_exact(tmp_path: Path) -> None:
    scene = Scene(tmp_path, [Says("first-1", ("one",), weight=3.0), Says("second-2", ("two",), weight=1.0)])

    found = scene.attribute()

    assert [part["summary"] for part in found["parts"]] == [
        "notes.md: added",
        "prompt.md: line 1 (+1 -1)",
        "prompt.md: line 6 (+1 -1)",
        "prompt.md: line 11 (+1 -1)",
        "run.sh: added",
    ]
    assert findings(found) == {
        "p1": ("no-effect", 0.0),
        ONE: ("necessary", 0.75),
        TWO: ("necessary", 0.25),
        THREE: ("no-effect", 0.0),
        "p5": ("no-effect", 0.0),
    }
    assert [part["interval"] for part in found["parts"][:2]] == [[0.0, 0.0], [0.75, 0.75]]
    assert found["parts"][1]["tasks"] == {"first-1": 1.0}
    assert (found["score"], found["gain"]["contribution"], found["deterministic"]) == (1.0, 1.0, True)
    assert found["fixed"] == [
        {"task": "first-1", "before": 0.0, "after": 1.0},
        {"task": "second-2", "before": 0.0, "after": 1.0},
    ]
    assert (found["regressed"], found["pairs"]) == ([], [])


def test_what_is_left_without_the_parts_that_do_nothing_is_as_good(tmp_path: Path) -> None:
    scene = Scene(tmp_path, [Says("first-1", ("one",)), Says("second-2", ("two",))])

    left = scene.attribute()["without_idle"]

    assert (left["taken_back"], left["score"], left["finding"]) == (["p1", THREE, "p5"], 1.0, "no-effect")
    scene.trees.materialise(TreeId(left["tree"]), tmp_path / "left")
    assert (tmp_path / "left" / "prompt.md").read_text() == f"one\n{SPACE}\ntwo\n{SPACE}\nc\n"
    assert sorted(path.name for path in (tmp_path / "left").iterdir()) == ["prompt.md"]


def test_a_part_that_harms_is_called_so_and_the_rest_scores_higher(tmp_path: Path) -> None:
    scene = Scene(tmp_path, [Says("first-1", ("one",), but="three")])

    found = scene.attribute()

    assert findings(found)[THREE] == ("harmful", -0.5)
    assert (found["score"], found["without_idle"]["score"]) == (0.5, 1.0)


def test_parts_that_need_each_other_are_complements(tmp_path: Path) -> None:
    found = Scene(tmp_path, [Says("both-1", ("one", "two"), every=True)]).attribute()

    assert [
        (pair["parts"], pair["together"], pair["contribution"], pair["excess"]) for pair in found["pairs"]
    ] == [([ONE, TWO], "complements", 1.0, -1.0)]
    assert (findings(found)[ONE], findings(found)[TWO]) == (("necessary", 1.0), ("necessary", 1.0))


def test_parts_that_replace_each_other_are_substitutes_and_one_of_them_stays(tmp_path: Path) -> None:
    found = Scene(tmp_path, [Says("either-1", ("one", "two"))]).attribute()

    assert [(pair["parts"], pair["together"], pair["contribution"]) for pair in found["pairs"]] == [
        ([ONE, TWO], "substitutes", 1.0)
    ]
    assert (findings(found)[ONE], findings(found)[TWO]) == (("no-effect", 0.0), ("no-effect", 0.0))
    left = found["without_idle"]
    assert (left["taken_back"], left["score"]) == (["p1", ONE, THREE, "p5"], 1.0)


def test_in_a_noisy_project_the_answer_has_an_interval_and_may_be_open(tmp_path: Path) -> None:
    tasks = [Says(f"noisy-{n}", ("one",), noise=0.2) for n in range(7)]
    scene = Scene(tmp_path, tasks)

    found = scene.attribute(seeds=range(4))

    first, idle = found["parts"][1], found["parts"][0]
    assert first["finding"] == "necessary"
    assert first["interval"][0] < first["contribution"] < first["interval"][1]
    assert first["contribution"] == pytest.approx(0.4, abs=0.1)
    assert (idle["finding"], idle["interval"][0] < 0 < idle["interval"][1]) == ("undecided", True)
    assert (found["without_idle"], found["pairs"], found["deterministic"]) == (None, [], False)


def test_the_same_seeds_judge_every_tree(tmp_path: Path) -> None:
    task = Says("noisy-1", ("one",), noise=0.2)

    Scene(tmp_path, [task]).attribute(seeds=(7, 9))

    assert {one: task.asked.count(one) for one in sorted(set(task.asked))} == {
        "noisy-1/7": 17,
        "noisy-1/9": 17,
    }


def test_a_budget_is_stated_and_kept_by_joining_parts_and_leaving_pairs_out(tmp_path: Path) -> None:
    tasks = [Says("first-1", ("one",)), Says("second-2", ("two",))]
    scene = Scene(tmp_path, tasks)

    found = scene.attribute(most_task_runs=12)

    assert [part["summary"] for part in found["parts"]] == [
        "notes.md: added",
        "3 changes in prompt.md",
        "run.sh: added",
    ]
    assert (found["planned_task_runs"], found["pairs_judged"], found["pairs_left_out"]) == (12, 0, 3)
    assert len(tasks[0].asked) + len(tasks[1].asked) <= 12
    assert planned(replace(scene.question, most_task_runs=12), scene.trees)["task_runs_at_most"] == 12


@pytest.mark.parametrize("most", [1, 7], ids=["one", "one too few"])
def test_a_budget_that_pays_for_no_part_is_refused_with_what_is_needed(tmp_path: Path, most: int) -> None:
    scene = Scene(tmp_path, [Says("first-1", ("one",)), Says("second-2", ("two",))])

    with pytest.raises(UsageError, match="Allow 8 or more"):
        scene.attribute(most_task_runs=most)


def test_what_was_judged_is_not_judged_again(tmp_path: Path) -> None:
    task = Says("first-1", ("one",))
    scene = Scene(tmp_path, [task])

    first = scene.attribute()
    made = len(task.asked)
    again = scene.attribute()

    assert (again, len(task.asked)) == (first, made)


def test_an_attribution_that_was_interrupted_goes_on_where_it_stopped(tmp_path: Path) -> None:
    task = Says("first-1", ("one",))
    scene = Scene(tmp_path, [task])
    lines: list[str] = []

    def stop_at_fifth(line: str) -> None:
        lines.append(line)
        if len(lines) == 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        attribute(scene.question, scene.trees, scene.judge, told=stop_at_fifth)
    made = len(task.asked)
    found = scene.attribute()

    assert (lines[:3], made) == (["the winner", "the baseline", "without p1"], 4)
    assert len(task.asked) == 18
    assert findings(found)[ONE] == ("necessary", 1.0)


def test_what_ours_could_not_judge_is_no_finding(tmp_path: Path) -> None:
    found = Scene(tmp_path, [Fails()]).attribute()

    assert findings(found)[TWO] == ("not-judged", None)
    assert found["parts"][2]["reason"].startswith(
        "what is left could not be judged in full: task 'fails-1' ended"
    )
    assert findings(found)[ONE] == ("no-effect", 0.0)


def test_a_winner_that_is_the_baseline_has_nothing_to_attribute(tmp_path: Path) -> None:
    scene = Scene(tmp_path, [Says("first-1", ("one",))], after=BEFORE)

    with pytest.raises(UsageError, match="c0001 does not differ from the baseline"):
        scene.attribute()


def test_predictions_on_the_way_are_held_against_what_came(tmp_path: Path) -> None:
    scene = Scene(tmp_path, [Says("first-1", ("one",)), Says("second-2", ("two",))])
    before, after = (
        scene.judge.evaluate(_tree(one), scene.tasks)
        for one in (scene.question.baseline, scene.question.winner)
    )
    start = replace(scene.question.baseline, evaluation=before)
    manifest = change(predicted_fixes=["first-1"], files=["prompt.md"])
    end = replace(
        scene.question.winner,
        evaluation=after,
        changed=("prompt.md",),
        proposal=Proposal(tree=None, manifest=manifest),
    )

    (found,) = scene.attribute(lineage=[start, end])["predictions"]

    assert (found["candidate"], found["parent"], found["hits"], found["hit_rate"]) == (
        "c0001",
        "c0000",
        1,
        1.0,
    )
    assert (found["fixed_unpredicted"], found["changes"][0]["verdict"]) == (["second-2"], "effective")


def _tree(candidate: Candidate) -> TreeId:
    assert candidate.tree is not None
    return candidate.tree


def test_an_incomplete_winner_is_said_to_be_what_could_not_be_judged(tmp_path: Path) -> None:
    scene = Scene(tmp_path, [Says("first-1", ("one",))])

    class Lost:
        def evaluate(self, *args: Any, **given: Any) -> Evaluation:
            return Evaluation(runs=(), complete=False, stopped="the disk is full")

    found = attribute(scene.question, scene.trees, Lost())

    assert found["score"] is None
    assert found["gain"]["reason"] == "the winner could not be judged in full: the disk is full"
