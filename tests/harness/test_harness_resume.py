"""A run that is killed, stopped or short of budget goes on.

Nothing that ended is repeated, and the ledger is the one that the run would have had.
"""

from __future__ import annotations

import random
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from harness_kill_program import run as run_here
from harness_victim import Victim
from harness_words import WordsTask, guesser, one_more_word, words_project

from honing.agents import AgentOutcome, AgentRun, AgentTask, ScriptedAgent, Trouble
from honing.errors import BudgetExhaustedError, ModelUnreachableError, StoppedError, UsageError
from honing.harness import Asked, OptimizeOptions, optimize_project, resume
from honing.harness.project import Control
from honing.sandbox import Cancel
from honing.store import Run, RunStatus, identity

UNCONFINED = Asked(sandbox="unconfined")


def options(folder: Path, **changes: object) -> OptimizeOptions:
    plain = OptimizeOptions(agent=guesser(), asked=UNCONFINED, home=folder / "runs", run_name="r")
    return replace(plain, **changes)  # type: ignore[arg-type]


def check_kills(victim: Victim, moments: list[tuple[int, float]], unhurt: Path) -> tuple[int, int]:
    """Kill at these moments, let it end, and hold it against a run that nobody killed.

    Args:
        victim: Who.
        moments: After so many further judgements, and so many seconds more.
        unhurt: Folder in which nobody killed the same run.

    Returns:
        How often it was killed, and how many judgements were made twice because they were under way.
    """
    killed = 0
    settled = []
    for judgements, delay_s in moments:
        killed += victim.kill_after(judgements, delay_s)
        settled.append(victim.settled())
    victim.finish()

    judged, asked = victim.judged(), victim.asked()
    for was_judged, was_asked in settled:
        assert {key: judged[key] for key in was_judged} == dict(was_judged)
        assert {key: asked[key] for key in was_asked} == dict(was_asked)
    assert identity(victim.run) == identity(unhurt / "runs" / "r")
    assert set(judged) == set(Victim(unhurt, victim.proposals).judged())
    return killed, judged.total() - len(judged)


def test_three_kills_leave_the_ledger_that_no_kill_leaves(tmp_path: Path) -> None:
    run_here(tmp_path / "unhurt", 5, 1, tmp_path / "unhurt" / "runs")
    victim = Victim(tmp_path / "hurt", proposals=5)
    victim.folder.mkdir()

    killed, repeated = check_kills(victim, [(3, 0.0), (7, 0.01), (9, 0.02)], tmp_path / "unhurt")

    assert killed == 3
    # At most what each kill had under way: three workers, each with one judgement.
    assert repeated <= 3 * 3


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_thirty_two_kills_of_forty_candidates_leave_the_ledger_that_no_kill_leaves(tmp_path: Path) -> None:
    run_here(tmp_path / "unhurt", 40, 1, tmp_path / "unhurt" / "runs")
    victim = Victim(tmp_path / "hurt", proposals=40)
    victim.folder.mkdir()
    draw = random.Random(4)
    moments = [(draw.randrange(1, 7), draw.random() * 0.06) for _ in range(32)]

    killed, repeated = check_kills(victim, moments, tmp_path / "unhurt")

    sys.stderr.write(f"{killed} kills, {victim.judged().total()} judgements, {repeated} made twice\n")
    assert killed >= 30
    assert repeated <= 3 * killed


def test_a_task_budget_ends_a_run_and_a_larger_one_goes_on(tmp_path: Path) -> None:
    project = words_project(tmp_path / "p")
    small = options(tmp_path, asked=replace(UNCONFINED, task_runs=3))
    with pytest.raises(BudgetExhaustedError, match="3 task runs is spent"):
        optimize_project(project, small)

    run = Run.open(tmp_path / "runs" / "r")
    assert run.status is RunStatus.EXHAUSTED
    optimize_project(project, options(tmp_path, asked=replace(UNCONFINED, task_runs=500)))
    whole = optimize_project(project, options(tmp_path / "other"))
    assert identity(run.path) == identity(whole.run.path)


def test_a_time_budget_ends_a_run_as_a_budget(tmp_path: Path) -> None:
    project = words_project(tmp_path / "p", tasks=(WordsTask(pause_s=0.05),), proposals=40, wall_s=0.3)

    with pytest.raises(BudgetExhaustedError, match=r"0\.3 s is spent"):
        optimize_project(project, options(tmp_path))


def test_a_stop_file_ends_a_run_between_proposal_and_evaluation(tmp_path: Path) -> None:
    project = words_project(tmp_path / "p")
    stop = tmp_path / "runs" / "r" / "stop"

    def stopping(task: AgentTask) -> dict[str, str]:
        if task.slot == 2 and not (tmp_path / "stopped").exists():
            stop.touch()
            (tmp_path / "stopped").touch()
        return one_more_word(task)

    agent = ScriptedAgent(stopping, name="guesser", reads_brief=False)
    with pytest.raises(StoppedError, match="stop file"):
        optimize_project(project, options(tmp_path, agent=agent))
    assert Run.open(tmp_path / "runs" / "r").status is RunStatus.STOPPED

    again = optimize_project(project, options(tmp_path, agent=agent))
    whole = optimize_project(project, options(tmp_path / "other"))
    assert identity(again.run.path) == identity(whole.run.path)


class Unreachable:
    """Nobody answers at its model's server, for the first so many calls."""

    name = "guesser"
    reads_brief = False

    def __init__(self, calls: int) -> None:
        self.left = calls
        self.asked = 0

    def run(self, task: AgentTask, *, cancel: Cancel | None = None) -> AgentRun:
        self.asked += 1
        if self.left:
            self.left -= 1
            return AgentRun(
                agent=self.name,
                outcome=AgentOutcome.INFRA_ERROR,
                trouble=Trouble.UNREACHABLE,
                reason="nobody answers",
            )
        return guesser().run(task, cancel=cancel)


def test_a_dead_server_ends_the_session_before_it_eats_every_proposal(tmp_path: Path) -> None:
    project = words_project(tmp_path / "p", control=Control.NONE, proposals=6)
    agent = Unreachable(calls=5)

    with pytest.raises(ModelUnreachableError, match="3 proposals in a row"):
        optimize_project(project, options(tmp_path, agent=agent, workers=1))
    assert agent.asked == 3

    agent.left = 0
    result = optimize_project(project, options(tmp_path, agent=agent, workers=1))
    outcomes = [each.outcome.value for each in result.ledger.candidates]
    assert outcomes[:3] == ["baseline", "infra_error", "infra_error"]
    assert "infra_error" not in outcomes[3:]


def test_another_request_under_the_same_name_is_refused_with_what_differs(tmp_path: Path) -> None:
    project = words_project(tmp_path / "p")
    optimize_project(project, options(tmp_path))

    with pytest.raises(UsageError, match="another run: in_flight was 1, is 2; seed was 0, is 7"):
        optimize_project(project, options(tmp_path, asked=replace(UNCONFINED, in_flight=2, seed=7)))
    with pytest.raises(UsageError, match="is done"):
        optimize_project(project, options(tmp_path))


def test_a_changed_baseline_is_another_run(tmp_path: Path) -> None:
    project = words_project(tmp_path / "p")
    optimize_project(project, options(tmp_path))
    (project.baseline / "prompt.md").write_text("right1\n")

    with pytest.raises(UsageError, match="another run: baseline was"):
        optimize_project(project, options(tmp_path))


def test_the_same_call_without_a_name_goes_on_with_what_is_unfinished(tmp_path: Path) -> None:
    project = words_project(tmp_path / "p")
    nameless = options(tmp_path, run_name="")
    with pytest.raises(BudgetExhaustedError):
        optimize_project(project, replace(nameless, asked=replace(UNCONFINED, task_runs=2)))

    optimize_project(project, nameless)
    assert len(list((tmp_path / "runs").glob("20*"))) == 1
    optimize_project(project, nameless)
    assert len(list((tmp_path / "runs").glob("20*"))) == 2


def test_resume_of_a_run_that_only_its_maker_can_repeat_says_so(tmp_path: Path) -> None:
    project = words_project(tmp_path / "p")
    with pytest.raises(BudgetExhaustedError):
        optimize_project(project, options(tmp_path, asked=replace(UNCONFINED, task_runs=2)))

    with pytest.raises(UsageError, match="Make the same call again, with run_name='r'"):
        resume(Run.open(tmp_path / "runs" / "r"))


def test_resume_of_a_run_that_is_done_gives_its_result(tmp_path: Path) -> None:
    result = optimize_project(words_project(tmp_path / "p"), options(tmp_path))

    again = resume(Run.open(result.run.path))

    assert (again.final, again.winner.id, again.score) == (result.final, result.winner.id, result.score)
