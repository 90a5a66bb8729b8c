"""The loop over a measured target: rows kept apart, prompts rewritten, no benchmark known."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from honing.contract import SetupOptions, asked_rows
from honing.errors import CalibrationError, StoppedError, UsageError
from honing.executors import InlineExecutor
from honing.experiments import (
    ContractOptions,
    ImproveOptions,
    ImproveResult,
    ImproveSpec,
    Part,
    Proposers,
    contract_subject,
    improve_subject,
    plan_improvement,
)
from honing.experiments.improve.contracts.prompt_folder import Names, read_harness
from honing.llm import ModelRequest, Role, Sampling, ScriptedModel, ScriptedServer
from honing.store import RunStatus, identity, load_run

COUNT = 40
EDITS = [{"system.md": "Always add.\n"}, {"harness.yaml": "temperature: hot\n"}]
"""A prompt that helps, and settings that cannot be read."""
SPEC = ImproveSpec(proposals=2, training_steps=10, retest_repeats=1, final_repeats=1)


def number_in(question: str) -> int:
    return int(question.split("Ann has ")[1].split()[0])


def answer(request: ModelRequest) -> str:
    """Right where it was told to add; otherwise by chance, which the seed decides."""
    number = number_in(request.messages[-1].text)
    told = any("add" in one.text for one in request.messages if one.role is Role.SYSTEM)
    drawn = hashlib.sha256(f"{number} {request.sampling.seed}".encode()).digest()[0] / 256
    return f"#### {2 * number + 1 if told or drawn < 0.4 else -1}"


class Counting:
    """Answers as `answer` does and remembers which questions were asked, with the system prompt."""

    def __init__(self) -> None:
        self.asked: list[tuple[int, str]] = []

    def __call__(self, request: ModelRequest) -> str:
        system = "".join(one.text for one in request.messages if one.role is Role.SYSTEM)
        self.asked.append((number_in(request.messages[-1].text), system.strip()))
        return answer(request)


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with questions, a harness and a script of edits."""
    root = tmp_path_factory.mktemp("scene")
    (root / "data").mkdir()
    rows = (
        {"question": f"Ann has {i} and gets {i + 1} more. How many?", "answer": f"Add.\n#### {2 * i + 1}"}
        for i in range(COUNT)
    )
    (root / "data" / "test.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (root / "prompts").mkdir()
    (root / "prompts" / "system.md").write_text("Guess.\n")
    (root / "edits.json").write_text(json.dumps(EDITS))
    return root


def options_in(scene: Path) -> ContractOptions:
    return ContractOptions(
        target=str(scene / "data"),
        harness=scene / "prompts",
        model="careful",
        proposers=Proposers(agent=f"scripted:{scene / 'edits.json'}"),
    )


def ran(
    options: ContractOptions, home: Path, server: ScriptedServer, spec: ImproveSpec = SPEC
) -> ImproveResult:
    endpoints = {"OPENAI_BASE_URL": f"{server.base_url}/v1", "OPENAI_API_KEY": "k"}
    asked = ImproveOptions(home=home, run_name="one", executor=InlineExecutor(), endpoints=endpoints)
    return improve_subject(contract_subject(options), spec, asked)


@pytest.fixture(scope="module")
def done(scene: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[ImproveResult, Counting]]:
    """One loop, from its beginning to its end, and what the model was asked."""
    counting = Counting()
    with ScriptedServer(ScriptedModel(counting)) as server:
        yield ran(options_in(scene), tmp_path_factory.mktemp("whole"), server), counting


def test_a_prompt_that_helps_is_found_kept_and_proven(done: tuple[ImproveResult, Counting]) -> None:
    result, _ = done
    rows = {row["name"]: row for row in result.rows}

    assert {name: row["ending"] for name, row in rows.items()} == {
        "baseline": "baseline",
        "+ harness": "kept",
        "control of harness": "control",
        "+ weights": "nothing",
    }
    assert result.improved
    assert (rows["+ harness"]["score"], rows["+ harness"]["tasks"]) == (1.0, 10)
    assert rows["+ weights"]["reason"].startswith("the weights of careful cannot be trained here")
    assert (result.run.path / "final" / "harness" / "system.md").read_text() == "Always add.\n"


def test_rows_of_the_last_look_are_asked_only_after_every_step_is_decided(
    done: tuple[ImproveResult, Counting], scene: Path
) -> None:
    result, counting = done
    asked = asked_rows(str(scene / "data"), SetupOptions())
    numbers = {row.id: number_in(row.prompt) for row in asked.rows}
    panel = result.run.read_json("panel.json")["tasks"]
    parts = {part: {numbers[task["id"]] for task in panel[part.value]} for part in Part}
    last = [k for k, (number, _) in enumerate(counting.asked) if number in parts[Part.HELD_OUT]]

    assert {part: len(found) for part, found in parts.items()} == {
        Part.SEARCH: 20,
        Part.CHECK: 10,
        Part.HELD_OUT: 10,
    }
    # The baseline's and the winner's; the control is the same prompt, so nobody is asked again.
    assert last == list(range(len(counting.asked) - 20, len(counting.asked)))


def test_the_panel_is_certified_by_its_calibration(done: tuple[ImproveResult, Counting]) -> None:
    certificate = done[0].document["panel"]["certificate"]

    assert (certificate["level"], certificate["ok"]) == ("L5", True)
    assert (certificate["oracle"], certificate["null"]) == (1.0, 0.0)


def test_a_candidate_whose_settings_cannot_be_read_scores_worst_with_the_reason(
    done: tuple[ImproveResult, Counting],
) -> None:
    from honing.harness import read_ledger

    ledger = read_ledger(load_run(done[0].run.path / "steps" / "harness"))
    bad = [each for each in ledger.candidates if "harness.yaml" in each.changed]

    assert bad
    assert {each.score for each in bad} == {0.0}
    assert all(
        "temperature" in run.score.reason for each in bad if each.evaluation for run in each.evaluation.runs
    )


def test_what_a_loop_costs_is_counted(done: tuple[ImproveResult, Counting]) -> None:
    result, counting = done
    spent = result.document["spent"]

    # The candidate whose settings cannot be read is judged without asking, in both arms, and what the control
    # arm proposes first is the prompt that the search proposed: its answers are known.
    assert spent["task_runs"] - len(counting.asked) == 3 * 20
    assert spent["proposals"] == 4


VICTIM = """
import os, signal, sys
from pathlib import Path
import test_experiments_improve_contracts as scene_of
from honing.llm import ScriptedModel, ScriptedServer
count, at = 0, int(sys.argv[3])
def answer(request):
    global count
    count += 1
    if count == at:
        os.kill(os.getpid(), signal.SIGKILL)
    return scene_of.answer(request)
with ScriptedServer(ScriptedModel(answer)) as server:
    scene_of.ran(scene_of.options_in(Path(sys.argv[1])), Path(sys.argv[2]), server)
"""


@pytest.mark.parametrize(
    "call",
    [
        pytest.param(5, id="measuring the baseline", marks=pytest.mark.slow),
        pytest.param(45, id="searching", marks=pytest.mark.slow),
        pytest.param(125, id="at the last look", marks=pytest.mark.slow),
    ],
)
def test_a_loop_killed_while_it_asks_goes_on_and_asks_nothing_twice(
    scene: Path, tmp_path: Path, done: tuple[ImproveResult, Counting], call: int
) -> None:
    path = {"PYTHONPATH": str(Path(__file__).parent)}
    victim = [sys.executable, "-c", VICTIM, str(scene), str(tmp_path), str(call)]
    ended = subprocess.run(victim, capture_output=True, check=False, env={**os.environ, **path})
    counting = Counting()
    with ScriptedServer(ScriptedModel(counting)) as server:
        result = ran(options_in(scene), tmp_path, server)

    assert ended.returncode == -signal.SIGKILL, ended.stderr.decode()
    assert lasting(result.run.path) == lasting(done[0].run.path)
    # Asked again is what was under way when it died, 8 calls at most, and as many that had just ended.
    assert len(counting.asked) <= len(done[1].asked) - call + 16


def test_a_stop_reaches_the_questions_that_are_under_way(scene: Path, tmp_path: Path) -> None:
    asked: list[str] = []

    def slow(request: ModelRequest) -> str:
        asked.append(request.messages[-1].text)
        load_run(tmp_path / "one").request_stop()
        time.sleep(0.5)
        return answer(request)

    options = replace(
        options_in(scene),
        sizes={Part.SEARCH: 1, Part.CHECK: 1, Part.HELD_OUT: 38},
        setup=SetupOptions(max_connections=2),
    )
    spec = ImproveSpec(proposals=0, training_steps=0)
    with ScriptedServer(ScriptedModel(slow)) as server, pytest.raises(StoppedError):
        ran(options, tmp_path, server, spec)
    before = len(asked)
    with ScriptedServer(ScriptedModel(answer)) as server:
        result = ran(options, tmp_path, server, spec)

    assert before < 10
    assert result.rows[0]["tasks"] == 38


def lasting(run: Path) -> Mapping[str, str]:
    """What two equal loops share: the artifacts of the loop and of its search, without proposals' times."""
    return {name: digest for name, digest in identity(run).items() if not name.startswith("steps/")}


def test_a_target_that_does_not_calibrate_is_refused(scene: Path, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    same = ({"question": f"Which number is {i}?", "answer": "#### 7"} for i in range(COUNT))
    (tmp_path / "data" / "test.jsonl").write_text("".join(json.dumps(row) + "\n" for row in same))
    options = replace(options_in(scene), target=str(tmp_path / "data"))

    with (
        ScriptedServer(ScriptedModel(answer)) as server,
        pytest.raises(CalibrationError, match="no score on it"),
    ):
        ran(options, tmp_path / "runs", server)
    assert load_run(tmp_path / "runs" / "one").status is RunStatus.FAILED


def test_a_plan_is_made_without_a_run(scene: Path, tmp_path: Path) -> None:
    split = plan_improvement(
        contract_subject(options_in(scene)), SPEC, ImproveOptions(home=tmp_path / "runs")
    )

    assert split is not None
    # 20 search tasks: baseline and 4 proposals, each perhaps twice, and a last look at both winners.
    assert [share["task_runs"] for share in split.as_document()["shares"].values()] == [240, 0, 80, 50]
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"template.txt": "no place"}, "template.txt must hold {prompt} exactly once, found 0"),
        ({"harness.yaml": "temperature: 3\n"}, "temperature"),
        ({"harness.yaml": "temprature: 1\n"}, "did you mean"),
        ({"harness.yaml": "a: &x [1]\nb: *x\n"}, "aliases"),
        ({"harness.yaml": "temperature: .nan\n"}, "temperature"),
        ({"harness.yaml": "[" * 2000}, "harness.yaml"),
    ],
    ids=["no place for the prompt", "out of range", "unknown key", "aliases", "not a number", "too deep"],
)
def test_a_harness_that_cannot_be_used_says_why(files: dict[str, str], expected: str) -> None:
    with pytest.raises(UsageError) as found:
        read_harness(files.get, Names())
    assert expected.casefold() in str(found.value).casefold()


def test_a_harness_says_how_a_model_is_asked() -> None:
    files = {
        "system.md": "Think.",
        "template.txt": "Q: {prompt}",
        "harness.yaml": "temperature: 0.5\nmax_tokens: 9\n",
    }
    found = read_harness(files.get, Names())

    assert (found.system, found.template) == ("Think.", "Q: {prompt}")
    assert found.sampling == Sampling(temperature=0.5, max_tokens=9)


def test_a_loop_without_anybody_who_proposes_says_so(scene: Path, tmp_path: Path) -> None:
    with (
        ScriptedServer(ScriptedModel(answer)) as server,
        pytest.raises(UsageError, match="Who rewrites the harness"),
    ):
        ran(replace(options_in(scene), proposers=Proposers()), tmp_path, server)
