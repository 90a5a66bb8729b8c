"""Which action a chat model's reply names, read strictly: what is not clearly one of them is none."""

from __future__ import annotations

import json
import math
import string
from collections.abc import Mapping, Sequence
from typing import Any

from honing.learn.scoring.base import normalised


def labels_for(actions: Sequence[str]) -> tuple[str, ...]:
    """A letter for each action: one token each, so that a server's alternatives can be told apart.

    Returns:
        As many as actions; none where there are more than letters, or where an action is itself a letter.
    """
    letters = string.ascii_uppercase
    if len(actions) > len(letters) or set(actions) & set(letters):
        return ()
    return tuple(letters[: len(actions)])


def choice_schema(actions: Sequence[str]) -> dict[str, Any]:
    """A response format that allows nothing but one of the actions."""
    schema = {
        "type": "object",
        "properties": {"action": {"type": "string", "enum": list(actions)}},
        "required": ["action"],
        "additionalProperties": False,
    }
    return {"type": "json_schema", "name": "choice", "schema": schema, "strict": True}


def read_choice(text: str, actions: Sequence[str]) -> int | None:
    """Index of the action that a reply names; None where it names none, or more than one.

    A reply is an action as it is written, or its letter, or both ("B. open"), alone; or a JSON object whose
    only key `action` is one of these.
    """
    said = _from_json(text.strip())
    if said is None:
        return None
    if said in actions:
        return actions.index(said)
    for index, (label, action) in enumerate(zip(labels_for(actions), actions, strict=False)):
        if said in (
            label,
            f"{label}.",
            f"{label})",
            f"({label})",
            f"{label}. {action}",
            f"{label}) {action}",
        ):
            return index
    return None


def _from_json(text: str) -> str | None:
    """The value of `action` where the text is a JSON object; otherwise the text."""
    if not text.startswith("{"):
        return text
    try:
        found = json.loads(text)
    except ValueError:
        return text
    said = found.get("action") if isinstance(found, dict) and len(found) == 1 else None
    return said.strip() if isinstance(said, str) else None


def read_logprobs(given: Sequence[Mapping[str, Any]], actions: Sequence[str]) -> tuple[float, ...] | None:
    """The distribution over the actions, from the alternatives to a reply's first token.

    Letters that are not among the alternatives share what those leave, each at most as likely as the least
    likely alternative.

    Args:
        given: As in `ModelReply.logprobs`.
        actions: With a label each.

    Returns:
        Natural log-probabilities, shape (A,), or None where no letter is among the alternatives.
    """
    first = next((token for token in given if token["token"].strip()), None)
    if first is None:
        return None
    options = {**first["top"], first["token"]: first["logprob"]}
    labels = labels_for(actions)
    mass = dict.fromkeys(labels, 0.0)
    for token, logprob in options.items():
        if (label := token.strip()) in mass:
            mass[label] += math.exp(logprob)
    if not any(mass.values()):
        return None
    absent = [label for label in labels if mass[label] == 0.0]
    left = max(1.0 - math.fsum(math.exp(value) for value in options.values()), 1e-9)
    least = math.exp(min(options.values()))
    for label in absent:
        mass[label] = min(left / len(absent), least)
    return normalised([math.log(mass[label]) for label in labels])
