"""Whether micro-training bore the labels out: phases after it say so beside their figures."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from honing.teach.verdicts.artifacts import CORRELATION, document

Json = Any


def validated(folder: Path) -> bool | None:
    """Whether ELP passed its validation by micro-training in the setting that decides.

    Args:
        folder: The run.

    Returns:
        None where micro-training has not run or decided nothing.
    """
    found = document(folder, CORRELATION)
    answer: Json = found.get("validated") if found else None
    return answer if isinstance(answer, bool) else None
