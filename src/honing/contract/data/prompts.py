"""Prompt templates: text with placeholders such as {input}, and nothing that could run."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from honing.errors import ContractError

PLACEHOLDERS = (
    "input",
    "context",
    "choices",
    "labels",
    "answers",
    "entry_point",
    "names",
    "example",
    "tests",
)
"""What a template may hold. Which of them a row fills depends on the kind of task."""

NUMBER = "{input}\n\nReason step by step, then end with a line of the form\n#### <number>"
TEXT = "{input}\n\nEnd with a line of the form\nAnswer: <a few words>"
LABELS = "{input}\n\nEnd with a line of the form\nAnswer: <one of: {answers}>"
CHOICE = "{input}\n\n{choices}\n\nEnd with a line of the form\nAnswer: <the letter of the right choice>"
COMPLETE = (
    "Complete the following Python code. Reply with the whole of it, completed, in one ```python block.\n\n"
    "```python\n{input}\n```"
)
WRITE = (
    "{input}\n\nWrite it in Python and define {names}. For example, this must hold:\n\n{example}\n\n"
    "Reply with one ```python block."
)

_TOKEN = re.compile(r"\{\{|\}\}|\{([a-z_]+)\}")


def with_context(template: str) -> str:
    """The template with the text a question is about before it."""
    return "{context}\n\n" + template


def check_template(template: str) -> None:
    """Refuse a template that would leave out the question or that holds an unknown placeholder.

    Raises:
        ContractError: The text names the placeholder and those that exist.
    """
    used = {match.group(1) for match in _TOKEN.finditer(template)} - {None}
    unknown = sorted(name for name in used if name not in PLACEHOLDERS)
    if unknown:
        raise ContractError(
            f"the prompt template holds {{{unknown[0]}}}; placeholders are: {', '.join(PLACEHOLDERS)}. "
            "Write {{ and }} for braces that stand for themselves."
        )
    if "input" not in used:
        raise ContractError("the prompt template lacks {input}, so every row would be asked the same.")


def render(template: str, values: Mapping[str, Any]) -> str:
    """The template with placeholders replaced, in one pass: braces inside a value stay as they are.

    A placeholder without a value becomes empty.
    """

    def replaced(match: re.Match[str]) -> str:
        token = match.group()
        if token in {"{{", "}}"}:
            return token[0]
        return str(values.get(match.group(1), ""))

    return _TOKEN.sub(replaced, template)


def framed(frame: str, prompt: str) -> str:
    """A prompt with the text around it that a contract asks for (`chat.template`)."""
    return frame.replace("{prompt}", prompt, 1) if frame else prompt


def listed_choices(labels: Iterable[str], choices: Iterable[str]) -> str:
    """Choices as a prompt shows them, one a line: "A. Paris"."""
    return "\n".join(f"{label}. {choice}" for label, choice in zip(labels, choices, strict=True))
