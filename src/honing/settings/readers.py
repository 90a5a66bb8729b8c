"""How one setting's value is read: text from a variable or a flag, or a native value from a config file."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from honing.settings.secret import Secret

Reader = Callable[[object], Any]
"""Turns a raw value into the setting's value, or raises `Unfit`."""

_TRUE = frozenset({"1", "true", "yes", "on"})
_FALSE = frozenset({"0", "false", "no", "off"})
_SECONDS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


class Unfit(ValueError):
    """The value cannot be used. Its text says what was expected, as the end of "must be ..."."""


def text(raw: object) -> str:
    """Any text that is not empty, without the spaces around it."""
    if not isinstance(raw, str) or not raw.strip():
        raise Unfit("a text")
    return raw.strip()


def any_text(raw: object) -> str:
    """Any text, the empty one included."""
    if not isinstance(raw, str):
        raise Unfit("a text")
    return raw


def secret(raw: object) -> Secret:
    """A key: printable ASCII without spaces, so that it fits into a header and cannot break out of it."""
    value = raw.strip() if isinstance(raw, str) else ""
    if not re.fullmatch(r"[!-~]+", value):
        raise Unfit("a key: printable ASCII characters without spaces or line breaks")
    return Secret(value)


def folder(raw: object) -> Path:
    """A path; the loader resolves `~` and relative ones."""
    if isinstance(raw, Path):
        return raw
    if not isinstance(raw, str) or not raw.strip() or "\0" in raw:
        raise Unfit("a path")
    return Path(raw.strip())


def address(raw: object) -> str:
    """An http or https address, without a slash at its end."""
    value = raw.strip() if isinstance(raw, str) else ""
    try:
        parts = urlsplit(value)
        fits = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        fits = False
    if not fits or re.search(r"\s", value):
        raise Unfit("an address like https://host:port/path")
    return value.rstrip("/")


def host(raw: object) -> str:
    """An address, or `host`, or `host:port`, as OLLAMA_HOST is written."""
    value = raw.strip() if isinstance(raw, str) else ""
    if re.fullmatch(r"[A-Za-z0-9._-]+(:\d{1,5})?|\[[0-9a-fA-F:]+\](:\d{1,5})?", value):
        return value
    try:
        return address(raw)
    except Unfit:
        raise Unfit("an address like http://127.0.0.1:11434, or host:port") from None


def switch(raw: object) -> bool:
    """1, true, yes, on; or 0, false, no, off."""
    if isinstance(raw, bool):
        return raw
    word = str(raw).strip().lower() if isinstance(raw, str | int) else ""
    if word in _TRUE or word in _FALSE:
        return word in _TRUE
    raise Unfit("true or false (1, yes, on; 0, no, off)")


def whole(*, at_least: int) -> Reader:
    """A whole number; `1_000` is fine."""

    def read(raw: object) -> int:
        number = _digits(raw)
        if number is None or number < at_least:
            raise Unfit(f"a whole number, at least {at_least}")
        return number

    return read


def _digits(raw: object) -> int | None:
    if isinstance(raw, bool):
        return None
    if isinstance(raw, str) and re.fullmatch(r"[+-]?\d{1,3}(_\d{3})+|[+-]?\d{1,18}", raw.strip(), re.ASCII):
        return int(raw)
    return raw if isinstance(raw, int) else None


def money(raw: object) -> float:
    """US dollars above 0; a leading $ is fine."""
    value = _finite(raw.strip().removeprefix("$") if isinstance(raw, str) else raw)
    if value is None or value <= 0:
        raise Unfit("an amount in US dollars above 0, for example 2.50")
    return value


def duration(raw: object) -> float:
    """Seconds above 0, or a number with s, m, h or d: `90`, `90s`, `30m`, `2h`."""
    value: float | None
    if isinstance(raw, str) and (match := re.fullmatch(r"([0-9.]+)\s*([smhd])", raw.strip())):
        value = _finite(match[1])
        value = None if value is None else value * _SECONDS[match[2]]
    else:
        value = _finite(raw)
    if value is None or value <= 0:
        raise Unfit("a time in seconds above 0, or like 90s, 30m, 2h")
    return value


def _finite(raw: object) -> float | None:
    if isinstance(raw, bool) or not isinstance(raw, str | int | float):
        return None
    try:
        value = float(raw)
    except (ValueError, OverflowError):
        return None
    return value if math.isfinite(value) else None


def one_of(choices: type[StrEnum]) -> Reader:
    """One word of a closed list."""

    def read(raw: object) -> StrEnum:
        try:
            return choices(str(raw).strip().lower())
        except ValueError:
            raise Unfit("one of " + ", ".join(choice.value for choice in choices)) from None

    return read
