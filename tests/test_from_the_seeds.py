"""docs/from-the-seeds.md is true: every command of its tables runs, and every artifact it names is left."""

from __future__ import annotations

import json
import shlex
import shutil
import subprocess
import sys
from contextlib import chdir
from pathlib import Path

import pytest

from honing.cli.app import run
from honing.demo import word_problems
from honing.llm import ModelRequest, ScriptedModel, ScriptedServer, last_user_text

PAGE = Path(__file__).parent.parent / "docs" / "from-the-seeds.md"
COMMANDS = "| There | Here | Smoke form | Exit |"
ARTIFACTS = "| Artifact there | Here |"

SMALL_STUDY = """
name: small
environment: {options: {max_steps: 15}}
student:
  architecture: gpt2
  warm_start: {hidden: 16, layers: 1, steps: 20, demonstrations: 40}
collect: {expert_tasks: 2}
mine: {per_episode: 2, failure_panel: 6, retention_tasks: 4}
leverage: {n_policy: 2, n_force: 2, n_expert: 1, retest: false}
cpt: {n_per_condition: 1, retest: false, succeeding: 2}
quadrants: {min_per_quadrant: 1}
micro_training: {similar_tasks: 2}
training: {n_steps: 1, batch_size: 2}
evaluation: {n_tasks: 4, n_snapshots_per_quadrant: 2, sampled: false}
predictor: {folds: 2}
selection: {methods: [random, entropy, predictor, oracle]}
"""
COMMANDS_CONTRACT = """
schema: 1
oracle: {file: oracle.jsonl}
metric: {name: accuracy}
stages:
  rollout: {commands: [python3 ask.py]}
  evaluate: {commands: [python3 grade.py]}
"""
ASK = """
import json, os, urllib.request
from pathlib import Path

answers = []
for i in range(12):
    turn = {"role": "user", "content": f"What is {i} + 1?"}
    body = {"model": os.environ["HONING_MODEL"], "messages": [turn]}
    request = urllib.request.Request(
        os.environ["OPENAI_BASE_URL"] + "/chat/completions",
        json.dumps(body).encode(),
        {"Content-Type": "application/json", "Authorization": "Bearer " + os.environ["OPENAI_API_KEY"]},
    )
    reply = json.load(urllib.request.urlopen(request))
    answers.append(reply["choices"][0]["message"]["content"])
Path("answers.json").write_text(json.dumps(answers))
"""
GRADE = """
import json
from pathlib import Path

answers = json.loads(Path("answers.json").read_text())
right = sum(answer.strip().endswith(str(i + 1)) and answer.strip() != "" for i, answer in enumerate(answers))
Path("metrics.json").write_text(json.dumps({"score": right / len(answers)}))
"""
VERIFY = """
from honing import env

env_ = env.setup({"target": "./words", "llm": "scripted/perfect", "mode": "smoke"})
assert env_.rollout(require_samples=True).ok
assert env_.evaluate().ok
env.teardown(env_)
"""
REGISTRY = """
schema: 1
experiments:
  - id: Exp-901
    name: word problems
    category: Contract
    goal: The contract of a data set runs.
    commands:
      smoke: hone measure ./words --llm scripted/perfect --eval-mode smoke --require-samples
      full: hone measure ./words --llm scripted/perfect --eval-mode full --require-samples
    metrics: [metrics.ok, metrics.score]
    artifacts: {metrics: "{home}/*/metrics.json"}
    done: [metrics.ok == true, number(metrics.score)]
"""


def section(title: str) -> str:
    (found,) = [part for part in PAGE.read_text().split("\n## ") if part.startswith(title)]
    return found


def table(text: str, head: str) -> list[list[str]]:
    """The cells of the rows below a table's head, backticks taken off."""
    rows = text.split(f"{head}\n", 1)[1].splitlines()[1:]
    lines = rows[: next((at for at, line in enumerate(rows) if not line.startswith("|")), len(rows))]
    return [[cell.strip().strip("`") for cell in line.strip("|").split(" | ")] for line in lines]


def endings(title: str, folder: Path, environ: dict[str, str]) -> dict[str, tuple[int, str]]:
    """How each smoke form of a section ended: its exit code, and the codes it may end with."""
    found = {}
    for _, _, smoke, exits in table(section(title), COMMANDS):
        program, *words = shlex.split(smoke)
        if program == "python":
            code = subprocess.run([sys.executable, *words], cwd=folder, env=environ, check=False).returncode
        else:
            # Targets, as on any command line, count from where the process is.
            with chdir(folder):
                code = run(["--quiet", "--no-progress", *words], environ=environ)
        found[smoke] = (code, exits)
    return found


def unexpected(found: dict[str, tuple[int, str]]) -> dict[str, tuple[int, str]]:
    return {
        smoke: (code, exits) for smoke, (code, exits) in found.items() if str(code) not in exits.split(", ")
    }


def missing(title: str, folder: Path) -> list[str]:
    """Artifacts of a section that are not there, or empty."""
    return [
        here
        for _, here in table(section(title), ARTIFACTS)
        if not any(path.stat().st_size for path in folder.glob(here))
    ]


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    return {
        "HOME": str(tmp_path),
        "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin",
        "HONING_HOME": "runs",
        "HONING_WORKERS": "1",
    }


def write_commands_target(folder: Path) -> None:
    """A benchmark with commands of its own: it asks how much i + 1 is."""
    (folder / ".honing").mkdir(parents=True)
    (folder / ".honing" / "contract.yaml").write_text(COMMANDS_CONTRACT)
    rows = [{"match": f"What is {i} + 1?", "completion": str(i + 1)} for i in range(12)]
    (folder / "oracle.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (folder / "ask.py").write_text(ASK)
    (folder / "grade.py").write_text(GRADE)


def write_few(folder: Path) -> None:
    """A data set of twelve short rows, and other rows for a model to be made of."""
    (folder / "few").mkdir()
    sums = [(f"What is {i} + 1?", str(i + 1)) for i in range(24)]
    rows = [{"question": prompt, "answer": f"#### {answer}"} for prompt, answer in sums[:12]]
    pairs = [{"prompt": prompt, "completion": f"#### {answer}"} for prompt, answer in sums[12:]]
    (folder / "few" / "test.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (folder / "words.jsonl").write_text("".join(json.dumps(pair) + "\n" for pair in pairs))


@pytest.mark.teach
@pytest.mark.timeout(300)
def test_the_contract_runners_commands_and_artifacts(tmp_path: Path, environ: dict[str, str]) -> None:
    shutil.copytree(word_problems(), tmp_path / "words")
    write_commands_target(tmp_path / "commands")
    (tmp_path / "verify.py").write_text(VERIFY)
    (tmp_path / "benchmarks.txt").write_text("./few\n")
    (tmp_path / "experiments.yaml").write_text(REGISTRY)
    write_few(tmp_path)
    found = endings("The contract runner", tmp_path, environ)

    assert unexpected(found) == {}
    assert missing("The contract runner", tmp_path) == []


def test_the_harness_optimisers_commands_and_artifacts(tmp_path: Path, environ: dict[str, str]) -> None:
    (tmp_path / "experiments.yaml").write_text(REGISTRY)
    found = endings("The harness optimiser", tmp_path, environ)

    assert unexpected(found) == {}
    assert missing("The harness optimiser", tmp_path) == []


@pytest.mark.teach
@pytest.mark.timeout(600)
def test_the_studys_commands_and_artifacts(tmp_path: Path, environ: dict[str, str]) -> None:
    (tmp_path / "small.yaml").write_text(SMALL_STUDY)
    with ScriptedServer(ScriptedModel(first_valid)) as server:
        asks = {"OPENAI_BASE_URL": f"{server.base_url}/v1", "OPENAI_API_KEY": "none"}
        found = endings("The study of teachable moments", tmp_path, environ | asks)

        assert server.requests
    assert unexpected(found) == {}
    assert missing("The study of teachable moments", tmp_path) == []


def first_valid(request: ModelRequest) -> str:
    """Advice that names the first action that is valid where it is asked."""
    action = last_user_text(request).split("Valid actions now:\n")[1].splitlines()[0].removeprefix("- ")
    advice = {
        "suggested_action": action,
        "rationale": "It leads out.",
        "diagnosis": "The agent took a door that leads nowhere.",
        "error_type": "attribute_confusion",
        "confidence": 0.9,
    }
    return json.dumps(advice)
