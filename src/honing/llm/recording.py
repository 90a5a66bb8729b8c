"""A file of recorded answers, from which a run is repeated with no network and no key.

An answer is filed under the key of its request (`canonical.request_key`: model, sampling, prompt, tools) and
its
occurrence: the first answer to a request, the second, and so on, failed calls not counted. On replay every
request takes, of the answers under its key that nobody has taken, the first one with its own tag (header
`x-honing-tag`), or the first one at all where there is none with its tag.

So the answers that a set of requests gets do not depend on how many are under way at once. Which of several
identical requests gets which of their answers depends on the order of arrival, unless they carry different
tags.
"""

from __future__ import annotations

import threading
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from honing.errors import StoreError
from honing.llm.base import ModelReply, ModelRequest
from honing.llm.canonical import key_parts, last_user_text, reply_dict, reply_from, request_key
from honing.llm.failures import CallFailedError, ErrorKind
from honing.llm.linelog import LineLog, read_line, read_lines_at

SCHEMA = 1
_EXCERPT = 400


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """One recorded answer."""

    reply: ModelReply
    wire: str = ""
    """The wire of `raw`."""
    streamed: bool = False
    """Whether `raw` is a stream of events rather than one JSON document."""
    raw: str = ""
    """The server's own text where it was passed on unchanged: a caller of the same wire gets it again."""


class RecordingFile:
    """Appends answers to a recording; one that exists is continued. Safe to use from several threads."""

    def __init__(self, path: Path) -> None:
        self._lock = threading.Lock()
        self._occurrences: Counter[str] = Counter()
        self._log = LineLog(path)
        for _, line in read_lines_at(path):
            self._occurrences[_checked(path, line)["key"]] += 1

    def add(self, request: ModelRequest, tag: str, recorded: Recorded) -> None:
        """Keep one answer under the next occurrence of its request."""
        key = request_key(request)
        with self._lock:
            self._log.append(
                {
                    "schema": SCHEMA,
                    "key": key,
                    "occurrence": self._occurrences[key],
                    "tag": tag,
                    "parts": key_parts(request),
                    "asked": last_user_text(request)[:_EXCERPT],
                    "reply": reply_dict(recorded.reply),
                    "wire": recorded.wire,
                    "streamed": recorded.streamed,
                    "raw": recorded.raw,
                }
            )
            self._occurrences[key] += 1

    def sync(self) -> None:
        """Force what was added onto the disk."""
        self._log.sync()

    def close(self) -> None:
        self._log.close()


@dataclass(slots=True)
class _Entry:
    """Where one answer lies in the file, and what tells it from others."""

    offset: int
    line: int
    tag: str
    parts: Mapping[str, str]
    asked: str
    taken: bool = False


@dataclass(slots=True)
class _Near:
    """How much a recorded request is like the one that was not found."""

    entry: _Entry
    same: list[str] = field(default_factory=list)
    common: int = 0
    """Leading characters of the last user message that are equal."""

    def rank(self) -> tuple[bool, bool, int, int]:
        return ("prompt" in self.same, "model" in self.same, self.common, len(self.same))


class RecordingReader:
    """Gives out the answers of a recording, each once. Safe to use from several threads.

    Raises:
        StoreError: There is no such file, or it is of a newer schema.
        EvidenceError: A line is damaged.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._entries: defaultdict[str, list[_Entry]] = defaultdict(list)
        for number, (offset, line) in enumerate(read_lines_at(path), start=1):
            found = _checked(path, line)
            entry = _Entry(offset, number, found["tag"], found["parts"], found["asked"])
            self._entries[found["key"]].append(entry)

    def __len__(self) -> int:
        return sum(len(entries) for entries in self._entries.values())

    def take(self, request: ModelRequest, tag: str) -> Recorded:
        """The next answer to this request.

        Raises:
            CallFailedError: Of kind `replay_miss`; the text names the nearest request that was recorded.
        """
        key = request_key(request)
        with self._lock:
            entries = self._entries.get(key, [])
            left = [entry for entry in entries if not entry.taken]
            if not left:
                raise CallFailedError(ErrorKind.REPLAY_MISS, self._miss(request, key, len(entries)))
            entry = next((entry for entry in left if entry.tag == tag), left[0])
            entry.taken = True
        found = read_line(self._path, entry.offset)
        return Recorded(
            reply=reply_from(found["reply"]),
            wire=found["wire"],
            streamed=found["streamed"],
            raw=found["raw"],
        )

    def _miss(self, request: ModelRequest, key: str, recorded: int) -> str:
        where = f"{self._path.name} holds no answer for this call (key {key[:12]})"
        if recorded:
            return (
                f"{where} beyond the {recorded} that were given out already; record again with more repeats."
            )
        near = self._nearest(request)
        if near is None:
            return f"{where}: it is empty. Record the run first."
        differs = sorted(set(near.entry.parts) - set(near.same))
        return (
            f"{where}. Nearest is line {near.entry.line}, which differs in {', '.join(differs)} and asks "
            f"{near.entry.asked[:80]!r} where this call asks {last_user_text(request)[:80]!r}. "
            "Repeat the run with the same settings, or record again."
        )

    def _nearest(self, request: ModelRequest) -> _Near | None:
        parts, asked = key_parts(request), last_user_text(request)
        found = [
            _Near(
                entry=entries[0],
                same=[name for name, value in entries[0].parts.items() if parts.get(name) == value],
                common=_common(entries[0].asked, asked),
            )
            for entries in self._entries.values()
        ]
        return max(found, key=_Near.rank, default=None)


def _checked(path: Path, line: Mapping[str, Any]) -> Mapping[str, Any]:
    if line.get("schema") != SCHEMA:
        raise StoreError(
            f"{path}: a recording of schema {line.get('schema')!r} cannot be read, expected {SCHEMA}. "
            "Is it a recording of model calls, and from this version of Honing?"
        )
    return line


def _common(one: str, other: str) -> int:
    """Leading characters that are equal."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((n for n, (a, b) in pairs if a != b), min(len(one), len(other)))
