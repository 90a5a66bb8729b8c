"""Which students a machine can train: a LoRA adapter on a base in half precision, gradients checkpointed.

The rows of 16 and 24 GB are the study plan's; the others are computed: two bytes a weight, and a quarter more
for adapters, optimiser and activations.
"""

from __future__ import annotations

from dataclasses import dataclass

GIB = 1024**3


@dataclass(frozen=True, slots=True, kw_only=True)
class StudentSize:
    """What fits."""

    student: str
    """For people: "7-8B instruct"."""
    full: bool
    """Whether a study at full size is worth starting; otherwise pilots, and studies of a tiny student."""
    example: str
    """A model of that size."""


_SIZES = (
    # A card sold as 24 GB reports 22.5 to 24 GiB, one of 16 GB reports 14.7 to 16.
    (76.0, StudentSize(student="up to 30-32B instruct", full=True, example="Qwen/Qwen2.5-32B-Instruct")),
    (38.0, StudentSize(student="up to 13-14B instruct", full=True, example="Qwen/Qwen2.5-14B-Instruct")),
    (22.0, StudentSize(student="7-8B instruct", full=True, example="Qwen/Qwen2.5-7B-Instruct")),
    (14.5, StudentSize(student="3B instruct", full=True, example="Qwen/Qwen2.5-3B-Instruct")),
    (7.5, StudentSize(student="0.5-1.5B, pilots", full=False, example="Qwen/Qwen2.5-0.5B-Instruct")),
)
_PILOTS = StudentSize(student="pilots, and the warm-started tiny student", full=False, example="")


def student_size(gpu_bytes: int | None) -> StudentSize:
    """The students that a machine can train.

    Args:
        gpu_bytes: Memory of the GPU; None without one.
    """
    room = (gpu_bytes or 0) / GIB
    return next((size for least, size in _SIZES if room >= least), _PILOTS)
