"""Reads what a chat model replied, strictly: one JSON object with the keys asked for, nothing else."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from honing.teach.snapshot import Advice, ErrorType, Snapshot

Json = Any

KEYS = ("suggested_action", "rationale", "diagnosis", "error_type", "confidence")
MAX_SENTENCES = 2
MAX_WORDS = 60
"""Of a diagnosis: two sentences of ordinary length. A chain of thought is longer."""
_FENCE = re.compile(r"\A```(?:json)?\s*\n(?P<inside>.*)\n```\Z", re.DOTALL)
_SENTENCE_END = re.compile(r"(?<=[.!?])[\"')\]]*\s+(?=[\"'(\[]*[A-Z0-9])|\n+")
_PLAIN_WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What a reply says, and what is wrong with it."""

    advice: Advice | None
    """None where the reply names no valid action."""
    problems: tuple[str, ...]
    """Each a sentence for the model; empty where all is well."""


def read_advice(text: str, snapshot: Snapshot, teacher: str) -> Reading:
    """Read one reply.

    Args:
        text: As the model wrote it.
        snapshot: What it was asked about.
        teacher: Name of the model.
    """
    try:
        document = _only_object(text)
    except ValueError as error:
        return Reading(advice=None, problems=(str(error),))
    problems = [*_shape_problems(document)]
    action = document.get("suggested_action")
    if not isinstance(action, str) or action not in snapshot.valid_actions:
        problems.insert(
            0,
            f"'suggested_action' is {json.dumps(action, ensure_ascii=False)}, which is not one of the valid "
            "actions. Copy one of them exactly, character by character.",
        )
        return Reading(advice=None, problems=tuple(problems))
    diagnosis, rationale = _text(document, "diagnosis"), _text(document, "rationale")
    problems += _diagnosis_problems(diagnosis, action)
    if len(sentences(rationale)) > MAX_SENTENCES or len(rationale.split()) > MAX_WORDS:
        problems.append("'rationale' is too long. Give one short sentence and no train of thought.")
    advice = Advice(
        suggested_action=action,
        rationale=shortened(rationale, 1),
        diagnosis=_without(shortened(diagnosis, MAX_SENTENCES), action),
        error_type=_error_type(document),
        confidence=_confidence(document),
        teacher=teacher,
    )
    return Reading(advice=advice, problems=tuple(problems))


def sentences(text: str) -> list[str]:
    """A text's sentences; a line break ends one as well."""
    return [part.strip() for part in _SENTENCE_END.split(text.strip()) if part.strip()]


def shortened(text: str, count: int) -> str:
    """The first sentences of a text on one line, at most `MAX_WORDS` words."""
    words = " ".join(sentences(text)[:count]).split()
    return " ".join(words[:MAX_WORDS])


def names_action(text: str, action: str) -> bool:
    """Whether a text gives an action away.

    An action of one plain word ("back") is an ordinary word too: it counts only where it is quoted.
    """
    found, wanted = text.casefold(), action.casefold()
    if _PLAIN_WORD.fullmatch(wanted):
        return re.search(rf"([\"'`]){re.escape(wanted)}\1", found) is not None
    return re.search(rf"(?<!\w){re.escape(wanted)}(?!\w)", found) is not None


def _only_object(text: str) -> Mapping[str, Json]:
    """The JSON object that a reply is.

    Raises:
        ValueError: It is something else; the text is for the model.
    """
    inside = _FENCE.match(text.strip())
    try:
        found = json.loads(inside["inside"] if inside else text)
    except (ValueError, RecursionError):
        raise ValueError(
            "The reply is not one JSON object. Reply with the object alone: no text before or after it."
        ) from None
    if not isinstance(found, dict):
        raise ValueError(f"The reply is a JSON {type(found).__name__}. Reply with one JSON object.")
    return found


def _shape_problems(document: Mapping[str, Json]) -> list[str]:
    missing = [name for name in KEYS if name not in document]
    extra = [name for name in document if name not in KEYS]
    found = [f"The key {name!r} is missing." for name in missing]
    if extra:
        found.append(f"There is a key {extra[0]!r}, which was not asked for; write no reasoning of your own.")
    if "error_type" in document and _error_type(document) is None:
        found.append(f"'error_type' must be one of {', '.join(ErrorType)}.")
    if "confidence" in document and _confidence(document) is None:
        found.append("'confidence' must be a number from 0 to 1.")
    return found


def _diagnosis_problems(diagnosis: str, action: str) -> list[str]:
    if not diagnosis:
        return ["'diagnosis' is empty. Say in one or two sentences what went wrong."]
    found = []
    if len(sentences(diagnosis)) > MAX_SENTENCES or len(diagnosis.split()) > MAX_WORDS:
        found.append(
            f"'diagnosis' is too long: at most {MAX_SENTENCES} sentences and {MAX_WORDS} words, no train of "
            "thought."
        )
    if names_action(diagnosis, action):
        found.append("'diagnosis' names the right action. Say what went wrong without giving it away.")
    return found


def _without(diagnosis: str, action: str) -> str:
    """The diagnosis, the action in it replaced: a hint must not give it away."""
    if not names_action(diagnosis, action):
        return diagnosis
    return re.sub(re.escape(action), "another action", diagnosis, flags=re.IGNORECASE)


def _text(document: Mapping[str, Json], name: str) -> str:
    value = document.get(name)
    return value.strip() if isinstance(value, str) else ""


def _error_type(document: Mapping[str, Json]) -> ErrorType | None:
    try:
        return ErrorType(str(document.get("error_type")))
    except ValueError:
        return None


def _confidence(document: Mapping[str, Json]) -> float | None:
    value = document.get("confidence")
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        return None
    return float(value)
