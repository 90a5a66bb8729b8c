"""Patches: short texts put in context, each framed as an example from a similar situation, never as an
instruction. A placebo has the same form and about the same length, and says nothing of the task."""

from __future__ import annotations

import re
from dataclasses import dataclass

FRAME = "Example from a similar situation:"
"""Every patch begins with it."""
CONDITIONS = ("base", "placebo", "demo", "contrast", "hint")
"""What a state is tried under; base is no patch."""
_SUMMARY_WORDS = 8
_PLACEBO = (
    "it was an ordinary day",
    "the room was quiet",
    "the light was good",
    "the morning had been long",
    "and after some time",
    "things went on much as before",
    "while the weather stayed fair",
    "and nobody said very much",
    "until the evening came",
    "and all was calm again",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lesson:
    """What a teacher says about one state."""

    observation: str
    action: str
    """The right one."""
    reason: str
    """Why it is right, a clause or a sentence."""
    wrong: str = ""
    """The action that was taken; empty where none is known, and then a contrast is a demo."""
    diagnosis: str = ""
    """What went wrong, without naming the right action."""


def patch_text(condition: str, lesson: Lesson) -> str:
    """The patch of a condition; empty for `base`.

    Raises:
        KeyError: The condition is not one of `CONDITIONS`.
    """
    if condition == "base":
        return ""
    makers = {"placebo": placebo, "demo": demo, "contrast": contrast, "hint": hint}
    return makers[condition](lesson)


def demo(lesson: Lesson) -> str:
    """A summary of what is seen, the right action, the reason."""
    return f"{FRAME} at {summary(lesson.observation)}, {lesson.action} was right: {_clause(lesson.reason)}."


def contrast(lesson: Lesson) -> str:
    """The wrong action and why it fails, then the right one and why it works."""
    if not lesson.wrong or lesson.wrong == lesson.action:
        return demo(lesson)
    return (
        f"{FRAME} at {summary(lesson.observation)}, {lesson.wrong} was wrong: {_clause(lesson.diagnosis)}; "
        f"{lesson.action} was right: {_clause(lesson.reason)}."
    )


def hint(lesson: Lesson) -> str:
    """What went wrong, without the action that is right."""
    return f"{FRAME} at {summary(lesson.observation)}, {_clause(lesson.diagnosis)}."


def placebo(lesson: Lesson) -> str:
    """As long as the demo of the same lesson, give or take a clause, and of no use."""
    words = len(demo(lesson).split())
    said: list[str] = []
    while len(f"{FRAME} {', '.join(said)}.".split()) < words and len(said) < len(_PLACEBO):
        said.append(_PLACEBO[len(said)])
    return f"{FRAME} {', '.join(said or _PLACEBO[:1])}."


def summary(observation: str) -> str:
    """The first sentence or line of an observation, at most eight words of it."""
    first = re.split(r"[.;\n]", observation.strip(), maxsplit=1)[0]
    return " ".join(first.split()[:_SUMMARY_WORDS]).lower() or "a place"


def reason_from_kind(kind: str) -> str:
    """Why an action is right, by its kind alone (`World.kind`): for a teacher who is no writer."""
    return f"{_named(kind)} leads on from there"


def diagnosis_from_kinds(kind: str, wrong_kind: str = "") -> str:
    """What went wrong, by the kinds of the right and of the wrong action: never names an action.

    Args:
        kind: Of the right action, as `World.kind` says it.
        wrong_kind: Of the action that was taken; empty where none was.
    """
    if not wrong_kind:
        return f"it called for {_named(kind)}"
    if kind == wrong_kind:
        return f"it called for {_named(kind)}, but another one"
    return f"it called for {_named(kind)}, not {_named(wrong_kind)}"


def _named(kind: str) -> str:
    if not kind:
        return "a step"
    return f"{'an' if kind[0].lower() in 'aeiou' else 'a'} {kind} step"


def _clause(text: str) -> str:
    """A sentence as a clause: one line, without its last full stop."""
    return " ".join(text.split()).rstrip(".") or "it did not help"
