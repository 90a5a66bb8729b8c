"""A small data set made by us, so that a first measurement needs no download: arithmetic word problems."""

from __future__ import annotations

from pathlib import Path

__all__ = ["word_problems"]


def word_problems() -> Path:
    """The folder with `train.jsonl`, `test.jsonl` and a README: a target like any other."""
    return Path(__file__).parent / "word_problems"
