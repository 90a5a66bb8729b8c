"""What holds for every type of task, on honest and on hostile harnesses."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, get_args

import pytest
from harness_judging import Bench, write

from honing.harness.tasks.base import CASCADE, Task, TaskStatus
from honing.harness.tasks.spec import TaskSpec
from honing.sandbox import describe

GRADER = {
    "hidden/test_app.py": "import app\ndef test_one():\n    assert app.one() == 1\n",
    "right/app.py": "def one():\n    return 1\n",
    "grade.py": (
        "from honing.harness.tasks.callable import read\n\n\ndef score(folder):\n"
        "    return float((read(folder, 'AGENTS.md') or '') == 'text')\n"
    ),
    "contained.py": (
        "def score(folder):\n    file = folder / 'AGENTS.md'\n"
        "    return float(file.is_file() and not file.is_symlink() and file.read_text() == 'text')\n"
    ),
    "data/.keep": "",
}
SPECS: dict[str, dict[str, Any]] = {
    "file_phrase": {"type": "file_phrase", "path": "AGENTS.md", "required": ["text"]},
    "command": {"type": "command", "command": "bash test.sh"},
    "hidden_tests": {"type": "hidden_tests", "tests": "hidden"},
    "mutation": {
        "type": "mutation", "test": "bash test.sh", "files": ["app.py"], "right": "right", "mutants": 1,
    },
    "effect": {"type": "effect", "setup": "bash make.sh", "run": "bash test.sh", "program": "bin/tool"},
    "python": {"type": "python", "grader": "contained.py:score"},
    "python in process": {"type": "python", "grader": "grade.py:score", "in_process": True},
    "contract": {"type": "contract", "target": "data", "model": "scripted/perfect", "system": "AGENTS.md"},
}  # fmt: skip
HONEST = {
    "AGENTS.md": "text",
    "app.py": "def one():\n    return 1\n",
    "make.sh": "mkdir -p bin && printf '#!/bin/sh\\nexit 0\\n' > bin/tool && chmod +x bin/tool",
    "test.sh": "{ [ ! -e bin ] || bin/tool; } && python3 -c 'import app; assert app.one() == 1'",
}
JUDGED = [name for name in SPECS if name != "contract"]
"""A contract needs something that measures; it has tests of its own."""


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    bench = Bench(tmp_path)
    bench.grader(GRADER)
    return bench


@pytest.fixture(params=SPECS.values(), ids=SPECS.keys())
def task(request: pytest.FixtureRequest, bench: Bench) -> Task:
    return bench.task(**request.param)


def test_every_type_is_tried_here() -> None:
    union, _ = get_args(TaskSpec)

    types = {get_args(kind.model_fields["type"].annotation)[0] for kind in get_args(union)}
    assert types == {spec["type"] for spec in SPECS.values()}


def test_an_identity_is_plain_and_the_same_whenever_it_is_asked_for(task: Task, bench: Bench) -> None:
    assert json.loads(json.dumps(task.identity(), allow_nan=False)) == task.identity()
    assert task.identity()["type"] in {spec["type"] for spec in SPECS.values()}
    assert task.cascade in CASCADE


@pytest.mark.parametrize("spec", SPECS.values(), ids=SPECS.keys())
def test_a_name_and_a_weight_do_not_decide_a_score(spec: dict[str, Any], bench: Bench) -> None:
    one, other = bench.task(**spec), bench.task(**{**spec, "id": "other", "weight": 3.5, "cascade": "smoke"})

    assert one.identity() == other.identity()
    assert (other.id, other.weight, other.cascade.value, other.shares) == ("other", 3.5, "smoke", "")


CHANGES: dict[str, dict[str, Any]] = {
    "file_phrase": {"required": ["other"]},
    "command": {"timeout_s": 5},
    "hidden_tests": {"tests": "hidden2"},
    "mutation": {"right": "right2"},
    "effect": {"program": "bin/other"},
    "python": {"grader": "contained.py:other"},
    "python in process": {"grader": "grade2.py:score"},
    "contract": {"system": "other.md"},
}


@pytest.mark.parametrize("name", SPECS)
def test_what_decides_a_score_is_part_of_the_identity(name: str, bench: Bench) -> None:
    bench.grader(
        {
            "hidden2/test_app.py": "def test_one():\n    pass\n",
            "right2/app.py": "def one():\n    return 2\n",
            "grade2.py": "def score(folder):\n    return 0\n",
        }
    )
    before, after = bench.task(**SPECS[name]), bench.task(**{**SPECS[name], **CHANGES[name]})

    assert before.identity() != after.identity()


@pytest.mark.parametrize("name", JUDGED)
def test_an_honest_harness_scores_in_full_each_time(name: str, bench: Bench) -> None:
    first, second = (bench.judge(HONEST, **{**SPECS[name], "id": word}) for word in ("one", "two"))

    assert (first.status, first.score, first.reason) == (TaskStatus.SCORED, 1.0, "")
    assert first == second


def test_an_honest_harness_scores_in_full_in_every_sandbox_that_works_here(tmp_path: Path) -> None:
    found = {}
    for status in describe():
        if status.ready:
            (tmp_path / status.name).mkdir()
            bench = Bench(tmp_path / status.name, sandbox_name=status.name)
            bench.grader(GRADER)
            tasks = [bench.task(**{**SPECS[name], "id": name}) for name in JUDGED]
            runs = bench.evaluator.evaluate(bench.candidate(HONEST), tasks).runs
            found[status.name] = {run.task: run.score.score for run in runs}

    assert found == {name: dict.fromkeys(JUDGED, 1.0) for name in found}
    assert "unconfined" in found


def hostile(folder: Path) -> None:
    """Names and kinds of files that break careless readers, under the names that tasks look for."""
    write(folder, {"deep/" + "d/" * 60 + "x": "", "bin/tool": b"\x00\xff\xfe", "-rf": "", " ": ""})
    (folder / "AGENTS.md").symlink_to("AGENTS.md")
    (folder / "app.py").symlink_to("/dev/zero")
    (folder / "test.sh").symlink_to("/proc/self/mem")
    (folder / "make.sh").mkdir()
    (folder / ".venv").symlink_to("/usr")
    (folder / "root").symlink_to("/")
    with open(bytes(folder) + b"/bad\xff\nname", "w"):  # noqa: PTH123 - a name that is no text
        pass


@pytest.mark.parametrize("name", JUDGED)
def test_a_hostile_harness_scores_nothing_and_breaks_nothing(name: str, bench: Bench, tmp_path: Path) -> None:
    folder = tmp_path / "hostile"
    folder.mkdir()
    hostile(folder)
    tree = bench.trees.snapshot(folder)
    found = bench.evaluator.evaluate(tree, [bench.task(**{**SPECS[name]})]).runs[0].score

    assert (found.status, found.score) == (TaskStatus.SCORED, 0.0)
    assert found.reason
    assert list(bench.scratch.iterdir()) == []


@pytest.mark.parametrize("name", JUDGED)
def test_an_empty_harness_scores_nothing(name: str, bench: Bench) -> None:
    found = bench.judge({}, **SPECS[name])

    assert (found.status, found.score) == (TaskStatus.SCORED, 0.0)
