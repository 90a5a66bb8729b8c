"""Parts of a message that are not text: kept as each wire writes them, and images carried between wires."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from honing.errors import ModelRequestError
from honing.llm.base import Message

_OWN = {
    "openai_chat": {"image_url", "input_audio", "file", "audio_url", "video_url"},
    "openai_responses": {"input_image", "input_file", "input_audio"},
    "anthropic_messages": {"image", "document", "search_result", "thinking", "redacted_thinking"},
    "gemini": {"inlineData", "fileData", "executableCode", "codeExecutionResult", "thought"},
}
"""The kinds of part each wire writes. Gemini's parts have no type; the one key that is set names the kind."""
_HIDDEN = {"thinking", "redacted_thinking", "thought", "executableCode", "codeExecutionResult"}
"""What a model wrote for itself. No other wire has a place for it, and a conversation goes on without it."""


def kind(part: Mapping[str, Any]) -> str:
    """The kind of a part on any wire; "" where it has none that we know."""
    if isinstance(part.get("type"), str):
        return str(part["type"])
    if part.get("thought") is True:
        return "thought"
    return next((name for name in part if name in _OWN["gemini"]), "")


def uncarried_parts(parts: Iterable[tuple[str, Mapping[str, Any]]]) -> list[str]:
    """Of (path, part) pairs, the paths with kinds of those that no other wire can be given."""
    return [
        f"{path} ({kind(part) or 'unknown'})"
        for path, part in parts
        if kind(part) not in _HIDDEN and _image_address(part) is None
    ]


def parts_for(wire: str, message: Message, index: int) -> list[dict[str, Any]]:
    """A message's parts as a wire writes them.

    Raises:
        ModelRequestError: A part has no shape there.
    """
    found: list[dict[str, Any]] = []
    for part in message.parts:
        if kind(part) in _OWN[wire]:
            found.append(dict(part))
        elif (address := _image_address(part)) is not None:
            found.append(_IMAGE_WRITERS[wire](address))
        elif kind(part) not in _HIDDEN:
            raise ModelRequestError(
                f"messages[{index}]: a part of kind {kind(part) or 'unknown'!r} cannot be sent to a server "
                f"that speaks {wire}; send it to one that speaks the wire it was written for"
            )
    return found


def _image_address(part: Mapping[str, Any]) -> str | None:
    """An image's URL, a data: URL where the image itself is in the part; None for what is no image."""
    found: Any = None
    match kind(part):
        case "image_url" | "input_image":
            value = part.get("image_url")
            found = value.get("url") if isinstance(value, Mapping) else value
        case "image":
            found = _source_address(part.get("source"))
        case "inlineData" | "fileData" as name:
            found = _gemini_address(part[name])
    return found if isinstance(found, str) and found else None


def _source_address(source: Any) -> Any:
    if not isinstance(source, Mapping):
        return None
    if source.get("type") == "base64":
        return f"data:{source.get('media_type')};base64,{source.get('data')}"
    return source.get("url")


def _gemini_address(value: Any) -> Any:
    if not isinstance(value, Mapping) or not str(value.get("mimeType", "")).startswith("image/"):
        return None
    if "data" in value:
        return f"data:{value['mimeType']};base64,{value['data']}"
    return value.get("fileUri")


def _inline(address: str) -> tuple[str, str] | None:
    """Media type and base64 text of a data: URL; None for another URL."""
    if not address.startswith("data:") or ";base64," not in address:
        return None
    media_type, _, encoded = address.removeprefix("data:").partition(";base64,")
    return media_type, encoded


def _anthropic_image(address: str) -> dict[str, Any]:
    inline = _inline(address)
    if inline is None:
        return {"type": "image", "source": {"type": "url", "url": address}}
    return {"type": "image", "source": {"type": "base64", "media_type": inline[0], "data": inline[1]}}


def _gemini_image(address: str) -> dict[str, Any]:
    inline = _inline(address)
    if inline is None:
        return {"fileData": {"mimeType": "image/*", "fileUri": address}}
    return {"inlineData": {"mimeType": inline[0], "data": inline[1]}}


_IMAGE_WRITERS: dict[str, Callable[[str], dict[str, Any]]] = {
    "openai_chat": lambda address: {"type": "image_url", "image_url": {"url": address}},
    "openai_responses": lambda address: {"type": "input_image", "image_url": address},
    "anthropic_messages": _anthropic_image,
    "gemini": _gemini_image,
}
