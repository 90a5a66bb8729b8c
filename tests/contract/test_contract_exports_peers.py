"""Exports read by the tools they are for, each installed in an environment of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from made_tables import sums

from honing.contract import Form, export_run
from honing.contract.data.dataset import derive
from honing.contract.data.task import DatasetTask
from honing.contract.exports.base import Rows
from honing.contract.exports.verifiers_package import write_verifiers
from honing.contract.results.measured import read_measured
from made_runs import made_run

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]

READ_LOG = """
import json, sys
from inspect_ai.log import read_eval_log, read_eval_log_sample_summaries
found = []
for path in sys.argv[1:]:
    log, header = read_eval_log(path), read_eval_log(path, header_only=True)
    samples = sorted(log.samples, key=lambda one: one.id)
    metric, = log.results.scores[0].metrics.values()
    found.append({
        "status": log.status,
        "header": [header.status, header.eval.model, header.samples],
        "metric": [metric.name, metric.value, metric.metadata["ci95_low"]],
        "samples": [[one.id, one.epoch, one.target, one.output.completion] for one in samples],
        "scores": [[score.value for score in (one.scores or {}).values()] for one in samples],
        "errors": [one.error.message if one.error else None for one in samples],
        "label": log.eval.metadata["honing"]["label"],
        "summaries": sorted(one.id for one in read_eval_log_sample_summaries(path)),
    })
print(json.dumps(found))
"""

LOAD_TASKSET = """
import asyncio, json, types
import verifiers.v1 as vf
from verifiers.v1.utils.loaders import load_taskset
tasks = list(load_taskset(vf.TasksetConfig(id="honing-made")))
gold = tasks[0].data.row["golds"][0]
rewards = [
    asyncio.run(tasks[0].correct(types.SimpleNamespace(last_reply=reply)))
    for reply in (f"#### {gold}", "nothing", None)
]
names = [hook.__name__ for hook in tasks[0].hooks("reward")]
print(json.dumps([len(tasks), tasks[0].key, tasks[0].data.prompt, rewards, names]))
"""


def environment(folder: Path, *packages: str) -> Path:
    """The interpreter of a new environment with these packages."""
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    python = folder / "bin" / "python"
    command = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *packages]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=900)
    if done.returncode:
        pytest.fail(
            f"this test needs {', '.join(packages)} from the package index, and it cannot be installed:\n"
            f"{done.stderr[-1500:]}"
        )
    return python


def run(python: Path, program: str, *arguments: Path) -> object:
    """What a program prints as JSON, in that environment alone."""
    command = [python, "-I", "-c", program, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])


def test_inspect_reads_both_forms_of_the_log(tmp_path: Path) -> None:
    python = environment(tmp_path / "venv", "inspect_ai")
    export_run(made_run(tmp_path / "runs", [1.0, 0.0, None, 1.0]), Form.INSPECT, tmp_path / "logs")
    found = run(python, READ_LOG, tmp_path / "logs" / "made.json", tmp_path / "logs" / "made.eval")
    expected = {
        "status": "success",
        "header": ["success", "made/model", None],
        "metric": ["accuracy", 2 / 3, 0.2],
        "samples": [
            ["r000", 1, "1", "#### 1"],
            ["r001", 1, "2", "#### 2"],
            ["r002", 1, "3", ""],
            ["r003", 1, "4", "#### 4"],
        ],
        "scores": [[1.0], [0.0], [], [1.0]],
        "errors": [None, None, "the server failed", None],
        "label": "calibrated",
        "summaries": ["r000", "r001", "r002", "r003"],
    }

    assert found == [expected, expected]


def test_verifiers_loads_the_package_and_its_reward_judges(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    rows = "".join(json.dumps(row) + "\n" for row in sums(12))
    (tmp_path / "data" / "test.jsonl").write_text(rows)
    task = derive(tmp_path / "data")
    assert isinstance(task, DatasetTask)
    made = read_measured(made_run(tmp_path / "runs", [1.0]))
    write_verifiers(made, Rows(task=task, rows=tuple(task.rows())), tmp_path / "package")
    python = environment(tmp_path / "venv", "verifiers>=0.4", str(tmp_path / "package"))
    first = task.rows()[0]

    assert run(python, LOAD_TASKSET) == [12, first.id, task.prompt(first), [1.0, 0.0, 0.0], ["correct"]]
