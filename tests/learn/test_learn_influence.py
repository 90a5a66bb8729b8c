"""Gradients of examples as sketches: a row of its own, true to the gradient, and the pull of training."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from honing.environments import ScriptedWorld
from honing.errors import LeakageError
from honing.learn import (
    Example,
    SftOptions,
    WarmStartOptions,
    demonstrations,
    gradient_sketches,
    load_student,
    warm_start,
)
from honing.learn.training.lora import with_lora
from honing.learn.training.rows import rows_of

pytestmark = pytest.mark.teach

TINY = WarmStartOptions(hidden=16, heads=2, layers=1, steps=20, demonstrations=60, patched=0.0)
OPTIONS = SftOptions(rank=2, alpha=4)


@pytest.fixture(scope="module")
def student(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return warm_start(ScriptedWorld(), TINY, tmp_path_factory.mktemp("cache"))


@pytest.fixture(scope="module")
def examples() -> list[Example]:
    return demonstrations(ScriptedWorld(), "replay", 12, TINY, seed=0)[:12]


def cosine(first: np.ndarray, second: np.ndarray) -> float:
    return float(first @ second / np.linalg.norm(first) / np.linalg.norm(second))


def test_a_sketch_does_not_depend_on_the_other_examples(student: Path, examples: list[Example]) -> None:
    together = gradient_sketches(student, examples[:3], OPTIONS, dim=64)
    alone = gradient_sketches(student, examples[2:3], OPTIONS, dim=64)

    assert np.array_equal(together[2:3], alone)


def test_products_of_sketches_are_about_those_of_the_gradients(
    student: Path, examples: list[Example]
) -> None:
    import torch

    loaded = load_student(student)
    rows = rows_of(loaded, examples)
    wrapped = with_lora(loaded.model, OPTIONS)
    gradients = []
    for row in rows:
        wrapped.zero_grad(set_to_none=True)
        tokens = torch.tensor([row.tokens])
        logits = wrapped(input_ids=tokens).logits[0, row.n_prompt - 1 : -1]
        loss = torch.nn.functional.cross_entropy(logits, tokens[0, row.n_prompt :])
        loss.backward()
        parts = [w.grad.flatten() for n, w in wrapped.named_parameters() if "lora_B" in n]
        gradients.append(torch.cat(parts).double().numpy())

    sketches = gradient_sketches(student, examples, OPTIONS, dim=4096)

    pairs = [(i, j) for i in range(len(rows)) for j in range(i)]
    exact = np.array([cosine(gradients[i], gradients[j]) for i, j in pairs])
    sketched = np.array([cosine(sketches[i], sketches[j]) for i, j in pairs])
    assert np.allclose(sketched, exact, atol=0.08)
    assert exact.std() > 0.1


def test_what_was_tampered_with_has_no_gradient(student: Path, examples: list[Example]) -> None:
    with pytest.raises(LeakageError):
        gradient_sketches(student, [replace(examples[0], tampered="reward without a step")], OPTIONS)
