"""Tool-call arguments between the wires that carry them as text and those that carry them as an object."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from honing.llm.wires.fields import strict_json

_AS_WRITTEN = "honing_arguments_as_written"
"""A model may write arguments that are no JSON object. Where the wire has room for an object only, the text
goes under this name, so that it reaches the reader (whose schema check rejects it) instead of ending the
call."""


def arguments_object(text: str) -> dict[str, Any]:
    """The arguments as an object; {} for blank text. Text that is no object is carried under our own name."""
    if not text.strip():
        return {}
    try:
        value = strict_json(text)
        if isinstance(value, dict) and (_AS_WRITTEN not in value or _is_carrier(value)):
            json.dumps(value, allow_nan=False)
            return value
    except ValueError:
        pass
    return {_AS_WRITTEN: text}


def arguments_text(value: Mapping[str, Any]) -> str:
    """The arguments as text: the one carried under our own name, otherwise compact JSON."""
    if _is_carrier(value):
        return str(value[_AS_WRITTEN])
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def _is_carrier(value: Mapping[str, Any]) -> bool:
    return set(value) == {_AS_WRITTEN} and isinstance(value[_AS_WRITTEN], str)
