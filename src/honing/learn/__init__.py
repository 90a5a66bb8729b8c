"""Models whose weights lie in a folder of this machine.

`LocalServer` starts one behind a loopback address; `python -m honing.learn.serve DIR` serves one by hand.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from honing.learn.acting import (
        HARNESS_FILES,
        ActingHarness,
        Harnessed,
        Note,
        acting_files,
        acting_from_files,
        harnessed,
        noted_examples,
        read_acting,
        student_inside,
    )
    from honing.learn.adapters.micro import AdapterJob, JobOutcome, StackRoom, micro_train
    from honing.learn.adapters.stack import Stack, load_stack
    from honing.learn.adapters.student import StackedStudent
    from honing.learn.checkpoints import Checkpoint, is_adapter_folder, load_checkpoint, read_checkpoint
    from honing.learn.episode import Episode, Keep, Move, Start
    from honing.learn.example import Example
    from honing.learn.folder import folder_digest, is_model_folder
    from honing.learn.patches import CONDITIONS, Lesson, diagnosis_from_kinds, patch_text, reason_from_kind
    from honing.learn.policies import ChatOptions, ChatPolicy, Expert, MockPolicy, RandomPolicy, policy_from
    from honing.learn.policy import PerToken, Policy, Situation, Turn, choose, draw
    from honing.learn.prompt import Prompt
    from honing.learn.rollout import roll_out, verified
    from honing.learn.serving.local_model import LocalModel, LocalOptions
    from honing.learn.serving.local_server import Loader, LocalServer, ServerOptions
    from honing.learn.student import Student, StudentOptions, load_student
    from honing.learn.texts.text_row import TextRow, prompt_digest, read_text_rows
    from honing.learn.texts.text_tuning import train_text
    from honing.learn.threads import stay_on_one_thread
    from honing.learn.training.dpo import train_dpo
    from honing.learn.training.influence import gradient_sketches
    from honing.learn.training.lora import merge_adapter
    from honing.learn.training.options import Schedule, SftOptions, TrainingResult
    from honing.learn.training.sft import train_lora
    from honing.learn.training.sizes import StudentSize, student_size
    from honing.learn.warming.demonstrators import demonstrations
    from honing.learn.warming.making import warm_start
    from honing.learn.warming.options import Architecture, WarmStartOptions
    from honing.learn.warming.text_model import TextModelOptions, tiny_text_model

_HOMES = {
    "acting_files": "acting",
    "acting_from_files": "acting",
    "ActingHarness": "acting",
    "AdapterJob": "adapters.micro",
    "Architecture": "warming.options",
    "ChatOptions": "policies",
    "ChatPolicy": "policies",
    "Checkpoint": "checkpoints",
    "choose": "policy",
    "CONDITIONS": "patches",
    "demonstrations": "warming.demonstrators",
    "diagnosis_from_kinds": "patches",
    "draw": "policy",
    "Episode": "episode",
    "Example": "example",
    "Expert": "policies",
    "folder_digest": "folder",
    "gradient_sketches": "training.influence",
    "is_adapter_folder": "checkpoints",
    "is_model_folder": "folder",
    "JobOutcome": "adapters.micro",
    "HARNESS_FILES": "acting",
    "Harnessed": "acting",
    "harnessed": "acting",
    "Keep": "episode",
    "Lesson": "patches",
    "load_checkpoint": "checkpoints",
    "load_stack": "adapters.stack",
    "load_student": "student",
    "Loader": "serving.local_server",
    "LocalModel": "serving.local_model",
    "LocalOptions": "serving.local_model",
    "LocalServer": "serving.local_server",
    "merge_adapter": "training.lora",
    "micro_train": "adapters.micro",
    "MockPolicy": "policies",
    "Move": "episode",
    "Note": "acting",
    "noted_examples": "acting",
    "patch_text": "patches",
    "PerToken": "policy",
    "Policy": "policy",
    "policy_from": "policies",
    "stay_on_one_thread": "threads",
    "Prompt": "prompt",
    "prompt_digest": "texts.text_row",
    "RandomPolicy": "policies",
    "read_acting": "acting",
    "read_checkpoint": "checkpoints",
    "read_text_rows": "texts.text_row",
    "reason_from_kind": "patches",
    "roll_out": "rollout",
    "Schedule": "training.options",
    "ServerOptions": "serving.local_server",
    "SftOptions": "training.options",
    "Situation": "policy",
    "Stack": "adapters.stack",
    "StackedStudent": "adapters.student",
    "StackRoom": "adapters.micro",
    "Start": "episode",
    "Student": "student",
    "student_inside": "acting",
    "student_size": "training.sizes",
    "StudentOptions": "student",
    "StudentSize": "training.sizes",
    "tiny_text_model": "warming.text_model",
    "TextModelOptions": "warming.text_model",
    "TextRow": "texts.text_row",
    "train_dpo": "training.dpo",
    "train_lora": "training.sft",
    "train_text": "texts.text_tuning",
    "TrainingResult": "training.options",
    "Turn": "policy",
    "verified": "rollout",
    "warm_start": "warming.making",
    "WarmStartOptions": "warming.options",
}

__all__ = [
    "CONDITIONS",
    "HARNESS_FILES",
    "ActingHarness",
    "AdapterJob",
    "Architecture",
    "ChatOptions",
    "ChatPolicy",
    "Checkpoint",
    "Episode",
    "Example",
    "Expert",
    "Harnessed",
    "JobOutcome",
    "Keep",
    "Lesson",
    "Loader",
    "LocalModel",
    "LocalOptions",
    "LocalServer",
    "MockPolicy",
    "Move",
    "Note",
    "PerToken",
    "Policy",
    "Prompt",
    "RandomPolicy",
    "Schedule",
    "ServerOptions",
    "SftOptions",
    "Situation",
    "Stack",
    "StackRoom",
    "StackedStudent",
    "Start",
    "Student",
    "StudentOptions",
    "StudentSize",
    "TextModelOptions",
    "TextRow",
    "TrainingResult",
    "Turn",
    "WarmStartOptions",
    "acting_files",
    "acting_from_files",
    "choose",
    "demonstrations",
    "diagnosis_from_kinds",
    "draw",
    "folder_digest",
    "gradient_sketches",
    "harnessed",
    "is_adapter_folder",
    "is_model_folder",
    "load_checkpoint",
    "load_stack",
    "load_student",
    "merge_adapter",
    "micro_train",
    "noted_examples",
    "patch_text",
    "policy_from",
    "prompt_digest",
    "read_acting",
    "read_checkpoint",
    "read_text_rows",
    "reason_from_kind",
    "roll_out",
    "stay_on_one_thread",
    "student_inside",
    "student_size",
    "tiny_text_model",
    "train_dpo",
    "train_lora",
    "train_text",
    "verified",
    "warm_start",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
