"""Which way an example pulls: the gradient of its loss on a fresh LoRA adapter, as a short sketch.

Examples whose sketches point the same way teach the same thing; the cosine with the sketch of held-out
examples is how far learning one helps with the others, to first order (Pruthi and others 2020; Xia and others
2024 use adapters and a random projection as well).
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from honing.learn.example import Example
from honing.learn.student import load_student
from honing.learn.training.lora import with_lora
from honing.learn.training.options import SftOptions
from honing.learn.training.quiet import quietly, training_at, without_dropout
from honing.learn.training.rows import Row, check_examples, rows_of
from honing.learn.training.trl_loop import device_of

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

SKETCH = 1024
"""Numbers in a sketch: a cosine of sketches is that of the gradients up to about 1 / sqrt(1024) = 0.03."""


def gradient_sketches(
    checkpoint: str | Path, examples: Sequence[Example], options: SftOptions, *, dim: int = SKETCH
) -> Floats:
    """A sketch of each example's gradient on the first weights of an adapter.

    The loss is that of training: mean negative log-probability of the action's tokens. At the first weights B
    is zero, so the gradient lies in B alone. A sketch adds every coordinate, with a sign, to one of `dim`
    places; places and signs come from a hash of the weight's name, so inner products are kept on average
    (Charikar and others 2002).

    Args:
        checkpoint: Hub id or folder of the base.
        examples: What to look at.
        options: Rank, targets, seed, history and device count.
        dim: Length of a sketch.

    Returns:
        Shape (examples, dim). Row by row the same, whatever other examples are given.

    Raises:
        LeakageError: An example comes from an episode that was tampered with.
        TrainingError: A gradient cannot be taken; the text says at which example.
        MissingToolError: The extra `teach` is not installed.
    """
    import numpy as np

    check_examples(examples)
    student = load_student(checkpoint, device=device_of(options), prompt=options.wording)
    rows = rows_of(student, examples)
    done = [0]
    with training_at(f"{checkpoint}: gradients of examples", done), quietly():
        without_dropout(student.model)
        wrapped = with_lora(student.model, options)
        places = _places(wrapped, dim)
        found = np.zeros((len(rows), dim))
        for number, row in enumerate(rows):
            found[number] = _sketch(wrapped, row, places, dim)
            done[0] = number + 1
    return found


def _sketch(wrapped: Any, row: Row, places: Sequence[tuple[Any, Any, Any]], dim: int) -> Floats:
    import torch

    device = wrapped.device
    tokens = torch.tensor([row.tokens], device=device)
    labels = torch.tensor([row.labels], device=device)
    wrapped.zero_grad(set_to_none=True)
    wrapped(input_ids=tokens, attention_mask=torch.ones_like(tokens), labels=labels).loss.backward()
    total = torch.zeros(dim, dtype=torch.float64)
    for weight, place, sign in places:
        if weight.grad is not None:
            total.index_add_(0, place, weight.grad.detach().cpu().double().flatten() * sign)
    found: Floats = total.numpy()
    return found


def _places(wrapped: Any, dim: int) -> list[tuple[Any, Any, Any]]:
    """Each trained B with the place and sign of its coordinates."""
    import torch

    found = []
    for name, weight in wrapped.named_parameters():
        if not weight.requires_grad or "lora_B" not in name:
            continue
        key = hashlib.blake2b(name.encode(), digest_size=7).digest()
        generator = torch.Generator().manual_seed(int.from_bytes(key, "big"))
        place = torch.randint(dim, (weight.numel(),), generator=generator)
        sign = torch.randint(2, (weight.numel(),), generator=generator).double() * 2 - 1
        found.append((weight, place, sign))
    return found
