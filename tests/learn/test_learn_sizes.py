"""Which students fit."""

from __future__ import annotations

import pytest

from honing.learn import student_size

GIB = 1024**3


@pytest.mark.parametrize(
    ("gib", "student", "full"),
    [
        (None, "pilots, and the warm-started tiny student", False),
        (4, "pilots, and the warm-started tiny student", False),
        (8, "0.5-1.5B, pilots", False),
        (15, "3B instruct", True),
        (16, "3B instruct", True),
        (22.5, "7-8B instruct", True),
        (24, "7-8B instruct", True),
        (40, "up to 13-14B instruct", True),
        (80, "up to 30-32B instruct", True),
    ],
)
def test_the_plans_sizes_hold_for_what_cards_really_report(
    gib: float | None, student: str, *, full: bool
) -> None:
    size = student_size(None if gib is None else int(gib * GIB))

    assert (size.student, size.full) == (student, full)
