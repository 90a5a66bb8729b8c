"""A project of plain tasks in the form of the predecessor: metaharness.json and tasks.json."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import yaml

from honing.errors import UsageError
from honing.harness.project_file import PROJECT_FILE
from honing.harness.project_spec import ProjectSpec
from honing.harness.tasks.spec import CommandSpec, FilePhraseSpec, TaskSpec


def to_legacy(folder: Path) -> None:
    """Replace the honing.yaml of a folder of ours by metaharness.json, tasks.json and test_tasks.json.

    Raises:
        UsageError: It has a task that the predecessor does not know.
    """
    file = folder / PROJECT_FILE
    spec = ProjectSpec.model_validate(yaml.safe_load(file.read_text(encoding="utf-8")))
    config: dict[str, Any] = {
        "objective": spec.objective,
        "constraints": list(spec.constraints),
        "baseline_dir": "baseline",
        "runs_dir": "runs",
        "tasks_file": "tasks.json",
        "required_files": list(spec.required),
        "allowed_write_paths": [scope.path for scope in spec.scope],
        "default_budget": spec.budget.proposals,
    }
    _write(folder / "tasks.json", [_task(task) for task in spec.tasks if not isinstance(task, str)])
    if spec.held_out:
        config["test_tasks_file"] = "test_tasks.json"
        _write(
            folder / "test_tasks.json", [_task(task) for task in spec.held_out if not isinstance(task, str)]
        )
    _write(folder / "metaharness.json", config)
    file.unlink()


def _task(task: TaskSpec) -> dict[str, Any]:
    said: dict[str, Any] = {"id": task.id, "type": task.type, "weight": task.weight}
    if isinstance(task, FilePhraseSpec):
        return {**said, "path": task.path, "required_phrases": list(task.required)}
    if isinstance(task, CommandSpec):
        return {**said, "command": task.command, "expect_exit_code": task.expected_exit_code}
    raise UsageError(f"task {task.id!r}: the predecessor knows no tasks of the type {task.type!r}.")


def _write(path: Path, value: Any) -> None:
    path.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
