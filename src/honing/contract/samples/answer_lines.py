"""Answers that lack the line a prompt asks for: right ones among them may be read as wrong."""

from __future__ import annotations

import re
from collections.abc import Sequence

from honing.contract.samples.sample import Sample, SampleStatus
from honing.contract.scorers import answers

_ASKED = re.compile(r"^(Answer:|####) ?<", re.MULTILINE)


def line_asked(template: str) -> str:
    """How the line begins with which a prompt asks answers to end; empty where it asks for none."""
    found = _ASKED.findall(template)
    return found[-1] if found else ""


def answers_without(samples: Sequence[Sample], line: str) -> int:
    """How many answered samples have no line that begins so, markdown emphasis aside."""
    pattern = re.compile(rf"^\W*{re.escape(line)}\s*\S", re.MULTILINE | re.IGNORECASE)
    answered = [one for one in samples if one.status is SampleStatus.COMPLETED]
    return sum(pattern.search(answers.plain(one.completion)) is None for one in answered)
