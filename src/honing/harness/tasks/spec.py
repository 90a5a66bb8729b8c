"""The types of tasks as a project's author writes them, told apart by `type`."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from honing.harness.tasks.command import CommandSpec
from honing.harness.tasks.contract import ContractSpec
from honing.harness.tasks.effect import EffectSpec
from honing.harness.tasks.file_phrase import FilePhraseSpec
from honing.harness.tasks.hidden_tests import HiddenTestsSpec
from honing.harness.tasks.mutation import MutationSpec
from honing.harness.tasks.python_task import PythonSpec

TaskSpec = Annotated[
    CommandSpec | ContractSpec | EffectSpec | FilePhraseSpec | HiddenTestsSpec | MutationSpec | PythonSpec,
    Field(discriminator="type"),
]

__all__ = [
    "CommandSpec",
    "ContractSpec",
    "EffectSpec",
    "FilePhraseSpec",
    "HiddenTestsSpec",
    "MutationSpec",
    "PythonSpec",
    "TaskSpec",
]
