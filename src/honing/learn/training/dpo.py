"""Preference training of a LoRA adapter through TRL: the right action over the wrong one.

Direct preference optimisation, Rafailov et al. 2023, equation 7; the base without the adapter is the
reference.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from honing.errors import TrainingError
from honing.learn.example import Example
from honing.learn.policy import draw
from honing.learn.training.fit import Fit, Setting, Told, fit, silent
from honing.learn.training.options import SftOptions, TrainingResult
from honing.learn.training.trl_loop import dataset_of


def train_dpo(
    checkpoint: str | Path,
    examples: Sequence[Example],
    replay: Sequence[Example],
    options: SftOptions,
    out: Path,
    *,
    told: Told = silent,
) -> TrainingResult:
    """Train an adapter on pairs: `action` over `rejected`. Resumed as `train_lora` is.

    Losses of the result before and after are of the right actions, as in `train_lora`.

    Args:
        checkpoint: As in `train_lora`.
        examples: Pairs.
        replay: A demonstration without a wrong action is set against another valid one of its situation,
            drawn by the seed; one without another valid action is left out.
        options: `beta` says how strongly the student is held to its base.
        out: As in `train_lora`.
        told: As in `train_lora`.

    Raises:
        TrainingError: An example is no pair; and as in `train_lora`.
    """
    for example in examples:
        if not example.rejected or example.rejected == example.action:
            raise TrainingError(
                f"Example {example.source or repr(example.action)} is no pair: preference training needs a "
                "rejected action beside the right one, and another than it."
            )
    pairs = [pair for example in replay if (pair := _against_another(example, options.seed)) is not None]
    work = Fit(checkpoint=checkpoint, examples=examples, replay=pairs, options=options, out=out)
    return fit(work, "dpo", _trainer, told)


def _against_another(example: Example, seed: int) -> Example | None:
    """A demonstration as a pair."""
    if example.rejected:
        return example
    others = [action for action in example.situation.actions if action != example.action]
    if not others:
        return None
    seen = example.situation
    u = draw(seed, "rejected", example.source, seen.goal, seen.observation, *seen.history, example.action)
    return replace(example, rejected=others[int(u * len(others))])


def _trainer(setting: Setting) -> Any:
    """TRL's trainer over the plan's pairs, in the plan's order."""
    from trl import DPOConfig, DPOTrainer
    from trl.trainer.dpo_trainer import DataCollatorForPreference

    class Trainer(DPOTrainer):  # type: ignore[misc, unused-ignore]
        """Takes rows that are tokens already: what is trained is what the student scores."""

        def _prepare_dataset(self, dataset: Any, *_: Any) -> Any:
            return dataset

    student = setting.student
    rows = [
        {
            "prompt_ids": list(student.encode(pair.situation)),
            "chosen_ids": list(student.encode_action(pair.action)),
            "rejected_ids": list(student.encode_action(pair.rejected)),
        }
        for step in setting.plan.steps
        for pair in step
    ]
    return Trainer(
        model=setting.wrapped,
        args=DPOConfig(**setting.arguments, beta=setting.options.beta),
        train_dataset=dataset_of(rows),
        data_collator=DataCollatorForPreference(pad_token_id=0),
        processing_class=student.tokenizer,
    )
