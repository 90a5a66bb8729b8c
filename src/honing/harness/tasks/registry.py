"""From what an author wrote to what judges."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from honing.harness.tasks.base import Task
from honing.harness.tasks.command import CommandSpec, command_task
from honing.harness.tasks.contract import ContractSpec, contract_task
from honing.harness.tasks.effect import EffectSpec, effect_task
from honing.harness.tasks.file_phrase import FilePhraseSpec, file_phrase_task
from honing.harness.tasks.hidden_tests import HiddenTestsSpec, hidden_tests_task
from honing.harness.tasks.mutation import MutationSpec, mutation_task
from honing.harness.tasks.python_task import PythonSpec, python_task
from honing.harness.tasks.spec import TaskSpec

_MAKERS: Mapping[type[Any], Callable[[Any, Path], Task]] = {
    CommandSpec: command_task,
    ContractSpec: contract_task,
    EffectSpec: effect_task,
    FilePhraseSpec: file_phrase_task,
    HiddenTestsSpec: hidden_tests_task,
    MutationSpec: mutation_task,
    PythonSpec: python_task,
}


def task_from(spec: TaskSpec, folder: Path) -> Task:
    """The task of a spec.

    Args:
        spec: As the project's author wrote it.
        folder: The project's, to which paths of graders are relative.

    Raises:
        UsageError: A file that it names is not there.
    """
    return _MAKERS[type(spec)](spec, folder)
