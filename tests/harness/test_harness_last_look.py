"""The last look: what it makes of winners that were lucky, and of winners that are nothing new."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness_words import WordsTask, guesser, words_project

from honing.harness import Asked, OptimizeOptions, OptimizeResult, Project, optimize_project
from honing.harness.accept import final_seeds
from honing.harness.candidate import Outcome
from honing.harness.ledger import warnings_of
from honing.harness.loop.result import result_document
from honing.harness.project import Judging
from honing.harness.tasks.base import Place, TaskScore, TaskStatus


def run(project: Project, agent: Any) -> OptimizeResult:
    home = project.folder.parent / "runs"
    return optimize_project(
        project, OptimizeOptions(agent=agent, asked=Asked(sandbox="unconfined"), home=home)
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class LuckTask(WordsTask):
    """What is not the baseline is ahead of it on every seed but those of the last look."""

    deterministic: bool = False

    def judge(self, place: Place, seed: int) -> TaskScore:
        edited = place.read_text("prompt.md") != "right0\n"
        lucky = edited and seed not in final_seeds(Judging())
        return TaskScore(status=TaskStatus.SCORED, score=0.75 if lucky else 0.5)


def test_a_gain_that_is_gone_on_the_seeds_of_the_last_look_is_no_improvement(tmp_path: Path) -> None:
    tasks = tuple(LuckTask(id=f"task{number}") for number in range(3))

    result = run(words_project(tmp_path / "p", tasks=tasks, proposals=1), guesser())

    assert (result.winner.id, result.winner.outcome) == ("c0001", Outcome.KEEP)
    gain = result.final["comparisons"]["gain"]
    assert (gain["estimate"], result.improved, result.ledger.improved) == (0.0, False, False)
    assert "On fresh seeds c0001 does not beat the baseline: what it was kept for was luck." in warnings_of(
        result.ledger
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class FailingTask(WordsTask):
    """A task whose grader fails."""

    def judge(self, place: Place, seed: int) -> TaskScore:
        raise ZeroDivisionError("graders.py")


def test_a_failure_of_the_last_look_is_said_where_the_result_stands(tmp_path: Path) -> None:
    sealed = (FailingTask(id="sealed", words=("sealed",)),)

    result = run(words_project(tmp_path / "p", held_out=sealed, proposals=1), guesser())

    assert result.final["comparisons"]["held_out_gain"] is None
    (said,) = result_document(result)["unjudged"]
    assert said in warnings_of(result.ledger)
    assert " got no score on the held-out tasks: task 'sealed' ended as infra_error: " in said
    assert "graders.py (tried 2 times)" in said
