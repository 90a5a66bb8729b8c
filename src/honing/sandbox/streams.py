"""A command's output, bounded while it is read and made harmless before anyone sees it.

Never more than the limit is held, whatever arrives: one endless line, gigabytes, bytes that are no text. What
is shown cannot move a cursor, set a title, hide a line or reverse the reading order of a log.
"""

from __future__ import annotations

import re

_SEQUENCES = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]?"  # CSI: colours, cursor moves
    r"|\x1b[\]PX^_][^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c)?"  # OSC, DCS, SOS, PM, APC: titles, links, clipboard
    r"|\x1b[ -/]*[0-~]?"  # two- and three-character escapes
    r"|\x9b[0-?]*[ -/]*[@-~]?"  # CSI as one C1 character
)
_LINE_ENDS = re.compile(r"\r+\n?")
# Controls but tab and newline; C1; soft hyphen; bidi marks, embeddings and isolates; zero-width and joiners;
# line and paragraph separators; invisible operators; byte order mark; interlinear marks; tag characters
# (hidden ASCII).
_HIDDEN = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b-\u200f"
    "\u2028-\u202e\u2060-\u206f\u3164\ufeff\uffa0\ufff9-\ufffb\U000e0000-\U000e007f]"
)


def sanitise(text: str) -> str:
    """Text that is safe to print, log and show.

    Escape sequences go; a carriage return becomes a line break, so nothing overwrites what came before; every
    other control, bidi or invisible character is shown by its code (\\x00, \\u202e).
    """
    text = _SEQUENCES.sub("", text)
    text = _LINE_ENDS.sub("\n", text)
    return _HIDDEN.sub(_code, text)


def _code(match: re.Match[str]) -> str:
    point = ord(match[0])
    if point < 0x100:
        return f"\\x{point:02x}"
    return f"\\u{point:04x}" if point < 0x10000 else f"\\U{point:08x}"


class Capture:
    """Keeps the first and the last half of a stream, and counts the rest.

    Args:
        limit_bytes: Most bytes held at any time, apart from the chunk being added.
    """

    def __init__(self, limit_bytes: int) -> None:
        self.total_bytes = 0
        self._head = bytearray()
        self._head_limit = limit_bytes - limit_bytes // 2
        self._tail = bytearray()
        self._tail_limit = limit_bytes // 2

    def add(self, chunk: bytes) -> None:
        self.total_bytes += len(chunk)
        room = self._head_limit - len(self._head)
        if room > 0:
            self._head += chunk[:room]
            chunk = chunk[room:]
        # Cutting the front off a bytearray moves nothing, so small chunks stay cheap.
        self._tail += chunk[max(0, len(chunk) - self._tail_limit) :]
        del self._tail[: max(0, len(self._tail) - self._tail_limit)]

    def text(self) -> str:
        """What was kept, sanitised; a line in between says how many bytes are missing."""
        tail = bytes(self._tail)
        missing = self.total_bytes - len(self._head) - len(tail)
        if not missing:
            return sanitise((bytes(self._head) + tail).decode("utf-8", "replace"))
        # A character cut in two is left out rather than shown as two broken ones.
        head = bytes(self._head).decode("utf-8", "replace").rstrip("\ufffd")
        start = next((i for i, byte in enumerate(tail[:4]) if byte & 0xC0 != 0x80), 0)
        marker = f"\n[... {missing} bytes left out ...]\n"
        return sanitise(head) + marker + sanitise(tail[start:].decode("utf-8", "replace"))
