"""Every attack, and what honest candidates do in the same places."""

from __future__ import annotations

from redteam_attack import Attack, Effect
from redteam_courses import HONEST
from redteam_formats import FORMATS
from redteam_machine import AROUND, PROCESSES, SECRETS
from redteam_numbers import NUMBERS
from redteam_reward import REWARD

ATTACKS = (*REWARD, *NUMBERS, *FORMATS, *PROCESSES, *SECRETS, *AROUND)
HONEST_ONES = {
    course: Attack(
        name=f"an honest candidate: {course}",
        listed="",
        course=course,
        files=files,
        effect=Effect.FULL_SCORE,
        outcome="keep",
        score=1.0,
    )
    for course, files in HONEST.items()
}
"""By course: no attacks, and judged in the same way."""
BY_NAME = {each.name: each for each in (*ATTACKS, *HONEST_ONES.values())}
