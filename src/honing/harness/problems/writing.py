"""A problem as a project in a folder: the same grades and edits, through the whole loop."""

from __future__ import annotations

import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from honing.harness.problems.base import Problem
from honing.harness.problems.registry import problem_named
from honing.harness.scaffold.template import write_project

_GRADERS = '''"""One callable for each task; `honing.yaml` names them."""

from honing.harness.problems.base import graders
from honing.harness.problems.registry import problem_named

globals().update(graders(problem_named({name!r}, {instance})))
'''
_HEAD = """\
# {sentence}.
# A program proposes and a function grades, both of Honing: no model, no key, no --agent.
"""


def write_problem(name: str, folder: Path, instance: int = 0) -> tuple[str, ...]:
    """Write a problem as a project.

    Args:
        name: One of `PROBLEM_NAMES`.
        folder: Must not exist, or be empty.
        instance: Which of its kind.

    Returns:
        The files written, relative to the folder, sorted.

    Raises:
        UsageError: There is no such problem, or something lies there already.
    """
    problem = problem_named(name, instance)
    with TemporaryDirectory(prefix="honing-problem-") as scratch:
        draft = Path(scratch)
        for path, text in problem.baseline.items():
            (draft / "baseline" / path).parent.mkdir(parents=True, exist_ok=True)
            (draft / "baseline" / path).write_text(text, encoding="utf-8")
        graders = _GRADERS.format(name=name, instance=instance)
        (draft / "graders.py").write_text(graders, encoding="utf-8")
        # JSON is YAML, so nothing has to be quoted by hand.
        lines = (f"{key}: {_value(value)}" for key, value in _project(problem, name, instance).items())
        head = _HEAD.format(sentence=problem.sentence)
        (draft / "honing.yaml").write_text(head + "\n".join(lines) + "\n", encoding="utf-8")
        return write_project((draft,), folder)


def _project(problem: Problem, name: str, instance: int) -> dict[str, Any]:
    return {
        "schema": 1,
        "name": problem.name,
        "objective": problem.objective,
        "agent": {
            "name": "honing.harness.problems.registry:propose",
            "options": {"problem": name, "instance": instance},
        },
        "budget": problem.proposals,
        # The last look decides what is reported, and costs little beside the search.
        "judging": {} if problem.deterministic else {"final_repeats": 5},
        "tasks": [_task(problem, task) for task in problem.tasks],
        "held_out": [_task(problem, task) for task in problem.held_out],
    }


def _task(problem: Problem, task: str) -> dict[str, Any]:
    return {
        "id": task,
        "type": "python",
        "grader": f"graders.py:{task}",
        "in_process": True,
        "deterministic": problem.deterministic,
    }


def _value(value: Any) -> str:
    """A value in one line; a list of mappings, one of them a line."""
    if isinstance(value, list) and value:
        return "\n" + "\n".join(f"  - {json.dumps(each)}" for each in value)
    return json.dumps(value)
