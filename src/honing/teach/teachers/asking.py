"""What a chat model is asked about a snapshot."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from honing.llm import Message, ModelRequest, Role, Sampling
from honing.teach.snapshot import ErrorType, Snapshot
from honing.teach.teachers.reading import KEYS, MAX_SENTENCES

VERSION = 1
"""Of the words below; advice to other words is other advice."""
_MOST_CHOICES = 200
"""Servers limit how many values a schema may list. With more actions the schema says text, and the reply is
checked here as ever."""

_SYSTEM = f"""\
You look at single moments in which a small agent failed at a task in a text environment, and say what it
should have done there. Reply with one JSON object and nothing around it. Its keys, all of them needed:
suggested_action: the best action now, copied exactly from the valid actions
rationale: one short sentence on why it is right
diagnosis: one or two short sentences on what went wrong, without naming the right action
error_type: one of {", ".join(ErrorType)}
confidence: a number from 0 to 1
Do not write down how you think."""
_RECENT = 12
"""Earlier actions that are shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TeacherOptions:
    """How a model is asked."""

    temperature: float | None = 0.0
    """Dropped where the server refuses it; None sends none."""
    max_tokens: int = 256
    retries: int = 2
    """Times each model is asked again after a reply that cannot be used."""


def opening(snapshot: Snapshot) -> list[Message]:
    """The conversation about a snapshot, up to the first reply."""
    earlier = snapshot.history[-_RECENT:]
    shown = [
        f"Goal: {snapshot.goal}",
        f"Actions before, the oldest first: {json.dumps(earlier, ensure_ascii=False)}",
        f"What the agent sees now:\n{snapshot.observation}",
        "Valid actions now:\n" + "\n".join(f"- {action}" for action in snapshot.valid_actions),
        f"What the agent did: {snapshot.action}",
    ]
    return [Message(Role.SYSTEM, _SYSTEM), Message(Role.USER, "\n\n".join(shown))]


def again(reply: str, problems: Sequence[str]) -> list[Message]:
    """What is added to the conversation after a reply that cannot be used."""
    wrong = "\n".join(f"- {problem}" for problem in problems)
    asked = (
        f"That cannot be used:\n{wrong}\nReply again with one JSON object with the keys {', '.join(KEYS)}."
    )
    return [Message(Role.ASSISTANT, reply or "(nothing)"), Message(Role.USER, asked)]


def schema_for(snapshot: Snapshot) -> Mapping[str, Any]:
    """The shape of the reply, for servers that hold their model to one."""
    actions: dict[str, Any] = {"type": "string"}
    if len(snapshot.valid_actions) <= _MOST_CHOICES:
        actions["enum"] = list(snapshot.valid_actions)
    schema = {
        "type": "object",
        "properties": {
            "suggested_action": actions,
            "rationale": {"type": "string"},
            "diagnosis": {"type": "string", "description": f"At most {MAX_SENTENCES} sentences."},
            "error_type": {"type": "string", "enum": list(ErrorType)},
            "confidence": {"type": "number"},
        },
        "required": list(KEYS),
        "additionalProperties": False,
    }
    return {"type": "json_schema", "name": "advice", "schema": schema, "strict": True}


def request_to(messages: Sequence[Message], snapshot: Snapshot, options: TeacherOptions) -> ModelRequest:
    """The call that carries a conversation; which model it goes to is the line's."""
    sampling = Sampling(temperature=options.temperature, max_tokens=options.max_tokens)
    return ModelRequest(
        model="", messages=tuple(messages), sampling=sampling, response_format=schema_for(snapshot)
    )
