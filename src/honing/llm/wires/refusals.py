"""Errors of a model server: read from any of the shapes they come in, named by status, with no key in
them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from honing.errors import (
    ModelAuthenticationError,
    ModelError,
    ModelRateLimitError,
    ModelRequestError,
    ModelServerError,
    ModelTimeoutError,
)
from honing.llm.wires.fields import strict_json

_SHOWN_CHARACTERS = 1000
_READ_BYTES = 64 * 1024
_REDACTED = "[key removed]"
_FRAGMENT = 8
"""This many characters of a key in a row are taken for a part of it."""
_SHORTEST_SECRET = 4
_KEY_SHAPES = re.compile(
    r"(?:sk|pk|rk|gsk|xai|hf|fw|nvapi|tgp|csk)[-_][A-Za-z0-9_*.\-]{8,}"
    r"|AIza[A-Za-z0-9_*\-]{10,}"
    r"|(?<=Bearer )[A-Za-z0-9._~+/*=\-]{8,}"
)
_UNPRINTABLE = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """What a server's error said."""

    status: int
    message: str
    """Bounded, printable, without keys."""
    param: str = ""
    """The parameter it names, where the server says so in a field of its own."""
    code: str = ""


def redact(text: str, secrets: Sequence[str] = ()) -> str:
    """The text without keys: those given, any eight characters in a row of them, and whatever looks like
    one."""
    for secret in secrets:
        for form in dict.fromkeys((secret, quote(secret, safe=""))):
            text = _without(text, form)
    return _KEY_SHAPES.sub(_REDACTED, text)


def _without(text: str, secret: str) -> str:
    if len(secret) < _SHORTEST_SECRET:
        return text
    if len(secret) <= _FRAGMENT:
        return text.replace(secret, _REDACTED)
    fragments = {secret[i : i + _FRAGMENT] for i in range(len(secret) - _FRAGMENT + 1)}
    kept: list[str] = []
    hidden_until = 0
    for i, character in enumerate(text):
        if text[i : i + _FRAGMENT] in fragments:
            if i >= hidden_until:
                kept.append(_REDACTED)
            hidden_until = i + _FRAGMENT
        if i >= hidden_until:
            kept.append(character)
    return "".join(kept)


def printable(text: str) -> str:
    """The text on one terminal's terms: bounded, no control or direction characters."""
    clean = _UNPRINTABLE.sub(" ", text).strip()
    return clean if len(clean) <= _SHOWN_CHARACTERS else f"{clean[:_SHOWN_CHARACTERS]}..."


def read_refusal(status: int, body: bytes, *, secrets: Sequence[str] = ()) -> Refusal:
    """What an error body says, whatever its shape: each provider's own, a list of them, or plain text."""
    body = body[:_READ_BYTES]
    try:
        value = strict_json(body)
    except ValueError:
        return Refusal(status=status, message=_safe(body.decode("utf-8", "replace"), secrets))
    found = value[0] if isinstance(value, list) and value else value
    outer = found if isinstance(found, Mapping) else {"message": found}
    inner = outer.get("error")
    detail = inner if isinstance(inner, Mapping) else outer
    message = next((text for text in (_message(detail), _message(outer), inner, value) if text), "")
    return Refusal(
        status=status,
        message=_safe(message if isinstance(message, str) else str(message), secrets),
        param=_safe(str(detail.get("param") or ""), secrets),
        code=_safe(str(detail.get("code") or detail.get("status") or detail.get("type") or ""), secrets),
    )


def _message(fields: Mapping[str, Any]) -> Any:
    return fields.get("message") or fields.get("detail")


def _safe(text: str, secrets: Sequence[str]) -> str:
    # Keys go first: cutting the text to length could leave a piece of one that is too short to be recognised.
    return printable(redact(text, secrets))


def named(refusal: Refusal) -> ModelError:
    """The error for a refusal, by its status."""
    text = f"HTTP {refusal.status}: {refusal.message or 'no message'}"
    if refusal.status in (401, 403):
        return ModelAuthenticationError(f"the server refused the key ({text}); check which key is set")
    if refusal.status == 429:
        return ModelRateLimitError(f"the server limits the rate of calls ({text})")
    if refusal.status in (408, 504):
        return ModelTimeoutError(f"the server gave up waiting ({text})")
    if refusal.status >= 500:
        return ModelServerError(f"the server failed ({text})")
    return ModelRequestError(f"the server rejected the request ({text})")
