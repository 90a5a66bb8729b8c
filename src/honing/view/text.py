"""Foreign text made safe to show: every character visible, markup inert, length bounded."""

from __future__ import annotations

import html
import json
import re
from typing import Any

# Characters that act instead of being seen: controls (escape sequences of terminals), format characters
# (bidirectional overrides, zero-width joiners, tags), lone surrogates, line separators, variation selectors
# other than the two of emoji, and letters that are blank by design.
_INVISIBLE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u034f\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u115f\u1160\u17b4\u17b5"
    "\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f\u2800\u3164\ud800-\udfff\ufe00-\ufe0d\ufeff\uffa0\ufff0-\ufffb"
    "\U000110bd\U000110cd\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
WORDS = 2000
"""Characters of a title, a label, a note or a cell that are shown."""
# Only what could end the script element or start a comment in it; the rest of JSON is inert there.
_IN_SCRIPT = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}


def visible(text: str) -> str:
    r"""The text with every invisible or acting character written as its escape (`\x1b`, `\u202e`).

    Newlines and tabs stay; CR LF becomes LF. The result can always be encoded as UTF-8.
    """
    return _INVISIBLE.sub(_spelled, text.replace("\r\n", "\n"))


def escape(text: str) -> str:
    """Text as HTML, for element content and for quoted attribute values alike."""
    return html.escape(visible(text), quote=True)


def words(text: str) -> str:
    """A title, a label or a note as HTML: of a length that a page can hold."""
    return escape(bounded(text, WORDS))


def bounded(text: str, limit: int) -> str:
    """At most about `limit` characters: the first three quarters, what is missing in a line, the last one."""
    if len(text) <= limit:
        return text
    tail = limit // 4
    head = limit - tail
    missing = len(text) - limit
    return f"{text[:head]}\n[... {missing:,} characters not shown ...]\n{text[-tail:] if tail else ''}"


def script_json(value: Any) -> str:
    """JSON that can stand inside a script element: nothing in it can end the element."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return re.sub("[<>&\u2028\u2029]", lambda match: _IN_SCRIPT[match.group()], text)


def shortened(text: str, characters: int) -> str:
    """One line of at most `characters`, with an ellipsis where something was cut."""
    line = " ".join(visible(text[: 4 * characters]).split())
    return line if len(line) <= characters else f"{line[: characters - 1].rstrip()}…"


def _spelled(match: re.Match[str]) -> str:
    code = ord(match.group())
    if code <= 0xFF:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"
