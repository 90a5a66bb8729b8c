"""Matching a contract's regular expression, which its author chose, against lines, which a stage printed.

Both may be hostile, and Python's matcher can take for ever over thirty characters: it works in a process of
its own that is ended at a limit.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass

from honing.errors import MetricsError

LIMIT_S = 20.0
"""Far more than any honest pattern takes over what one stage printed, its interpreter's start included."""
_LINE = 10_000
"""Characters of a line that are looked at."""
_PROGRAM = """
import json, re, sys
asked = json.load(sys.stdin)
expression = re.compile(asked["pattern"])
json.dump([
    [[line, match[0], match["score"]] for line in lines if (match := expression.search(line)) is not None]
    for lines in asked["texts"]
], sys.stdout)
"""


@dataclass(frozen=True, slots=True)
class Found:
    """A line that a pattern matches."""

    line: str
    matched: str
    """The part of it that the whole pattern matches."""
    score: str | None
    """The part that its group `score` matches."""


def matching_lines(pattern: str, texts: Sequence[str], *, limit_s: float = LIMIT_S) -> list[list[Found]]:
    """The lines of each text that a pattern matches, in order.

    Args:
        pattern: A regular expression with the group `score`.
        texts: What was printed.
        limit_s: Wall-clock limit over all texts.

    Raises:
        MetricsError: The limit was reached.
    """
    lines = [[line[:_LINE] for line in text.splitlines()] for text in texts]
    try:
        done = subprocess.run(
            [sys.executable, "-I", "-S", "-c", _PROGRAM],
            input=json.dumps({"pattern": pattern, "texts": lines}).encode(),
            capture_output=True,
            timeout=limit_s,
            env={},
            check=True,
        )
    except subprocess.TimeoutExpired:
        raise MetricsError(
            f"stages.evaluate.pattern {pattern!r} took more than {limit_s:g} s over what the stage printed. "
            "Write it without a repetition inside a repetition."
        ) from None
    return [[Found(*one) for one in text] for text in json.loads(done.stdout)]
