"""How the loop goes on and when it ends, on a trial that knows the one right command."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from repair_scene import BROKEN, MENDED, PATH, README, in_turn, listening

from honing.agents import Agent, AgentTask, NopAgent, ScriptedAgent
from honing.contract.controls.calibrate import Calibration, Level, OracleSource
from honing.contract.repair.base import REPAIR, RepairOptions
from honing.contract.repair.loop import Workshop, mend
from honing.contract.repair.memory import is_further
from honing.contract.repair.trial import Trial
from honing.contract.spec import ContractSpec
from honing.contract.spec_file import parse_contract
from honing.contract.stages.failures import Failure, FailureKind, StageFailedError
from honing.contract.target import Target, resolve
from honing.errors import AgentError, ContractError, StoppedError
from honing.sandbox import ScriptedSandbox
from honing.store import Run, TreeStore

Mend = Callable[..., tuple[str, list[str]]]
"""Runs the loop with an agent; its ending and the verdicts."""


class Scene:
    """A target in a store and a trial in which `python3 run.py` is the one right command."""

    def __init__(self, folder: Path, contract: str = BROKEN) -> None:
        source = folder / "target"
        (source / ".honing").mkdir(parents=True)
        files = {PATH: contract, "README.md": README, "run.py": "pass\n", "grade.py": "pass\n"}
        for name, text in {**files, "oracle.jsonl": "{}\n"}.items():
            (source / name).write_text(text)
        self.trees = TreeStore(folder / "trees")
        self.target = resolve(source, self.trees)
        self.run = Run.create(folder / "runs", kind="measure", config={}, command=(), seed=0)
        self.trials = 0

    def contract(self, target: Target) -> ContractSpec:
        entries = {entry.name: entry for entry in self.trees.load(target.tree).entries}
        if PATH not in entries:
            raise ContractError("no contract")
        return parse_contract(self.trees.read(entries[PATH]), source=PATH)

    @contextmanager
    def calibrated(self, target: Target) -> Iterator[Callable[[], Calibration]]:
        self.trials += 1
        (command,) = self.contract(target).stages.rollout.commands
        if command != "python3 run.py":
            text = f"stage rollout: `{command}` exited with 2."
            raise StageFailedError(
                Failure(kind=FailureKind.DATA_MISSING, stage="rollout", text=text, command=command)
            )
        yield lambda: Calibration(
            ok=True,
            level=Level.CALIBRATED,
            oracle_source=OracleSource.FILE,
            rows=1,
            population=1,
            controls=(),
            reasons=(),
        )

    def mend(self, agent: Agent, iterations: int = 3) -> tuple[str, list[str]]:
        shop = Workshop(
            run=self.run,
            trees=self.trees,
            sandbox=ScriptedSandbox({}),
            options=RepairOptions(agent=agent, iterations=iterations),
            trial=Trial(run=self.run, contract=self.contract, calibrated=self.calibrated),
        )
        with self.run.supervise():
            mended, record = mend(shop, self.target)
        assert (mended.tree != self.target.tree) == (record.ending.value == "repaired")
        assert self.run.read_json(REPAIR) == record.as_document()
        return record.ending.value, [one.verdict.value for one in record.iterations]


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return Scene(tmp_path)


def wrong(name: str) -> dict[str, str | None]:
    return {PATH: BROKEN.replace("ask.py", name)}


def test_a_patch_that_comes_back_ends_the_repair_untried(scene: Scene) -> None:
    assert scene.mend(ScriptedAgent(wrong("asks.py")), 9) == ("repetition", ["not-repaired", "repeated"])
    assert scene.trials == 2


def test_a_refused_patch_that_comes_back_ends_it_too(scene: Scene) -> None:
    assert scene.mend(ScriptedAgent({"grade.py": "print(1)"}), 9) == ("repetition", ["refused", "repeated"])
    assert scene.trials == 1


def test_the_limit_of_iterations_holds(scene: Scene) -> None:
    agent = in_turn(*(wrong(f"ask{number}.py") for number in range(5)))

    assert scene.mend(agent, 2) == ("iterations", ["not-repaired", "not-repaired"])


def test_a_dropped_patch_is_not_what_the_next_one_starts_from(scene: Scene) -> None:
    briefs: list[str] = []
    turns = [{**wrong("a.py"), ".honing/stages/a.sh": "true\n"}, {PATH: MENDED}]

    assert scene.mend(listening(briefs, lambda: turns.pop(0))) == ("repaired", ["not-repaired", "repaired"])
    assert ".honing/stages/a.sh" not in briefs[1].rpartition("FILES ")[2].split()


def test_an_agent_that_does_nothing_changes_nothing(scene: Scene) -> None:
    assert scene.mend(NopAgent(), 2) == ("iterations", ["no-change", "no-change"])


def test_an_agent_that_cannot_be_driven_ends_the_repair_with_its_reason(scene: Scene) -> None:
    def fail(_: AgentTask) -> dict[str, str | None]:
        raise AgentError("no such model")

    assert scene.mend(ScriptedAgent(fail)) == ("agent-failed", [])
    assert "no such model" in scene.run.read_json(REPAIR)["reason"]


def test_a_contract_that_calibrates_is_left_alone(tmp_path: Path) -> None:
    asked: list[str] = []

    found = Scene(tmp_path, MENDED).mend(listening(asked, lambda: {}))

    assert (found, asked) == (("not-needed", []), [])


def test_what_no_contract_can_close_is_not_given_to_an_agent(tmp_path: Path) -> None:
    class Down(Scene):
        @contextmanager
        def calibrated(self, target: Target) -> Iterator[Callable[[], Calibration]]:
            raise StageFailedError(
                Failure(kind=FailureKind.NO_ANSWER, stage="rollout", text="server is down")
            )
            yield

    asked: list[str] = []

    assert Down(tmp_path).mend(listening(asked, lambda: {})) == ("not-mendable", [])
    assert asked == []


def test_an_interrupted_repair_does_not_ask_again_what_was_answered(scene: Scene) -> None:
    asked: list[str] = []

    def edits() -> dict[str, str | None]:
        if len(asked) == 2:
            raise StoppedError("asked to stop")
        return wrong("asks.py") if len(asked) == 1 else {PATH: MENDED}

    with pytest.raises(StoppedError):
        scene.mend(listening(asked, edits))
    assert scene.run.read_json(REPAIR)["ending"] == "unfinished"

    assert scene.mend(listening(asked, edits)) == ("repaired", ["not-repaired", "repaired"])
    assert len(asked) == 3


def failed(stage: str, kind: FailureKind, command: str = "x", *names: str) -> Failure:
    return Failure(kind=kind, stage=stage, text="", names=names, command=command)


FURTHER = [
    (failed("evaluate", FailureKind.OTHER), failed("rollout", FailureKind.OTHER)),
    (failed("rollout", FailureKind.ARGUMENTS), failed("rollout", FailureKind.DATA_MISSING)),
    (
        failed("rollout", FailureKind.PYTHON_MODULE, "x", "scipy"),
        failed("rollout", FailureKind.PYTHON_MODULE, "x", "numpy"),
    ),
]
NO_FURTHER = [
    (failed("bootstrap", FailureKind.OTHER), failed("rollout", FailureKind.OTHER)),
    (
        failed("rollout", FailureKind.DATA_MISSING, "x", "a.py"),
        failed("rollout", FailureKind.DATA_MISSING, "y", "b.py"),
    ),
    (failed("rollout", FailureKind.OTHER), failed("rollout", FailureKind.OTHER)),
]


@pytest.mark.parametrize(("after", "before"), FURTHER, ids=["later stage", "other reason", "next module"])
def test_progress_is_a_later_stage_or_another_reason(after: Failure, before: Failure) -> None:
    assert is_further(after, before)


@pytest.mark.parametrize(("after", "before"), NO_FURTHER, ids=["earlier stage", "other typo", "the same"])
def test_another_way_to_fail_alike_is_no_progress(after: Failure, before: Failure) -> None:
    assert not is_further(after, before)
