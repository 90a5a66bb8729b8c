"""Token log-probabilities in OpenAI's shape, which its chat and responses wires share."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from honing.llm.wires.fields import Fields


def read_logprobs(fields: Fields, name: str) -> tuple[Mapping[str, Any], ...]:
    """The entries of a list, neutral: {"token", "logprob", "top": {token: logprob}}."""
    return tuple(
        {
            "token": entry.text("token"),
            "logprob": _logprob(entry),
            "top": {top.text("token"): _logprob(top) for top in entry.each("top_logprobs")},
        }
        for entry in fields.each(name)
    )


def written_logprobs(entries: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The same entries as the wire writes them."""
    return [
        {
            **_written(entry["token"], entry["logprob"]),
            "top_logprobs": [_written(token, value) for token, value in entry["top"].items()],
        }
        for entry in entries
    ]


def _written(token: str, logprob: float) -> dict[str, Any]:
    return {
        "token": token,
        "logprob": logprob,
        "bytes": list(token.encode("utf-8", "surrogatepass")),
    }


def _logprob(fields: Fields) -> float:
    value = fields.number("logprob")
    return fields.refuse("logprob", "a number") if value is None else value
