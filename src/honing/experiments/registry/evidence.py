"""Files on the disk as the names of signals: found by pattern, read strictly, told apart by content."""

from __future__ import annotations

import csv
import hashlib
import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from honing.documents import parse_json, read_plain_file
from honing.errors import MetricsError, RegistryError
from honing.experiments.registry.expression import Expression
from honing.experiments.registry.judging import NoValueError, Verdict, judge, value_of

OUTPUT = "output"
"""The artifact that every mode has: what its last command printed."""
OUTPUT_PATTERN = "{run}/commands/output.*"
LARGEST_DOCUMENT = 64 * 1024 * 1024
_PLACEHOLDER = re.compile(r"\{\{|\}\}|\{(\w*)\}")
_MOST_FILES = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """What placeholders stand for in one run of one mode."""

    values: Mapping[str, str]
    """`run`, `home`, `root`, `results`, `id`, `mode` and the registry's data, by name."""
    created: float
    """When the run was made, Unix time in seconds: what lies outside of the run must not be older."""

    def fill(self, text: str) -> str:
        """A text with its placeholders replaced.

        Raises:
            RegistryError: One is not known.
        """
        return fill(text, self.values)

    def split(self, pattern: str) -> tuple[Path, str]:
        """The folder in which an artifact is looked for, and the pattern below it.

        Raises:
            RegistryError: The pattern leaves its folder.
        """
        name, _, rest = pattern.removeprefix("{").partition("}/") if pattern.startswith("{") else ("", "", "")
        root, below = (self.values[name], rest) if name in self.values else (self.values["run"], pattern)
        below = self.fill(below)
        if not below or below.startswith("/") or ".." in below.split("/"):
            raise RegistryError(
                f"the artifact {pattern!r} must lie below {{run}} or another folder by name, without '..'"
            )
        return Path(root), below


def fill(text: str, values: Mapping[str, str]) -> str:
    """A text with its placeholders replaced; `{{` and `}}` are braces.

    Raises:
        RegistryError: One is not known.
    """

    def found(match: re.Match[str]) -> str:
        if match[0] in ("{{", "}}"):
            return match[0][0]
        if match[1] not in values:
            known = ", ".join(f"{{{name}}}" for name in sorted(values))
            raise RegistryError(f"{match[0]} in {text!r} stands for nothing; there are {known}")
        return values[match[1]]

    return _PLACEHOLDER.sub(found, text)


def placeholders(text: str) -> set[str]:
    """The names that a text has filled in."""
    return {match[1] for match in _PLACEHOLDER.finditer(text) if match[1] is not None}


@dataclass(frozen=True, slots=True)
class Found:
    """One file that an artifact's pattern matches."""

    root: Path
    relative: str

    @property
    def path(self) -> Path:
        return self.root / self.relative

    def sha256(self) -> str:
        """Hash of its content; empty where it cannot be read."""
        digest = hashlib.sha256()
        try:
            with self.path.open("rb") as stream:
                for chunk in iter(lambda: stream.read(1 << 20), b""):
                    digest.update(chunk)
        except OSError:
            return ""
        return digest.hexdigest()


@dataclass(frozen=True)
class Evidence:
    """The artifacts of one run of one mode. Nothing is read before it is asked for, and each file once."""

    patterns: Mapping[str, str]
    places: Places
    only: Mapping[str, Found] = field(default_factory=dict)
    """The one match that a name stands for at the moment, where there are several."""

    @cached_property
    def _read(self) -> dict[Path, Any]:
        return {}

    def files(self, name: str) -> list[Found]:
        """What an artifact's pattern matches, sorted by path; links and folders count for nothing.

        Raises:
            RegistryError: The pattern leaves its folder, or matches too much to be evidence.
        """
        root, below = self.places.split(self.patterns[name])
        found = []
        for path in sorted(root.glob(below)) if root.is_dir() else []:
            if self._counts(path, root):
                found.append(Found(root, path.relative_to(root).as_posix()))
            if len(found) > _MOST_FILES:
                raise RegistryError(
                    f"the artifact {name!r} matches more than {_MOST_FILES} files; narrow it down"
                )
        return found

    def _counts(self, path: Path, root: Path) -> bool:
        if path.is_symlink() or not path.is_file() or not path.resolve().is_relative_to(root.resolve()):
            return False
        own = path.is_relative_to(self.places.values["run"])
        # One second of slack: some file systems keep whole seconds.
        return own or path.stat().st_mtime >= self.places.created - 1

    def count(self, name: str) -> int:
        """How many files an artifact has; 0 where there is no artifact of that name."""
        return len(self.files(name)) if name in self.patterns else 0

    def value(self, name: str) -> Any:
        """The document of an artifact; of another name, the output's key of that name.

        Raises:
            NoValueError: There is none, or it cannot be read.
        """
        if name in self.patterns:
            return self._document(name)
        output = self._document(OUTPUT)
        if isinstance(output, dict) and name in output:
            return output[name]
        known = ", ".join(sorted(self.patterns))
        raise NoValueError(f"{name!r} is no artifact ({known}) and no key of what the last command printed")

    def lines(self, file: str) -> list[str]:
        """The lines of a text file beside the registry, without comments and empty ones.

        Raises:
            NoValueError: It cannot be read.
        """
        path = Path(self.places.values["root"]) / self.places.fill(file)
        try:
            text = path.read_text("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise NoValueError(f"{path}: cannot be read ({error})") from None
        return [line for one in text.splitlines() if (line := one.partition("#")[0].strip())]

    def judge(self, signal: str) -> Verdict:
        """Whether a signal holds; for an artifact with several files it must hold for each of them.

        Raises:
            RegistryError: The signal, or a pattern, is not allowed.
        """
        several = self._several(signal)
        if len(several) > 1:
            reason = f"{' and '.join(several)} match several files each; only one artifact of a signal may"
            return Verdict(expression=signal, holds=False, reason=reason)
        verdicts = [judge(signal, scope) for scope in self._each(several)]
        reads = tuple(read for verdict in verdicts for read in verdict.reads)
        failed = [
            f"{scope.told()}{verdict.reason}"
            for scope, verdict in zip(self._each(several), verdicts, strict=True)
            if not verdict.holds
        ]
        return Verdict(expression=signal, holds=not failed, reason="; ".join(failed[:3]), reads=reads)

    def value_of(self, expression: str) -> Any:
        """What an expression comes to, as it is shown; of several files a list, one value each."""
        several = self._several(expression)
        found = [value_of(expression, scope) for scope in self._each(several[:1])]
        return found if several else found[0]

    def told(self) -> str:
        """Which file is meant, as the start of a sentence; empty where there is no choice."""
        return "".join(f"{one.relative}: " for one in self.only.values())

    def _several(self, expression: str) -> list[str]:
        names = sorted(Expression.parse(expression).names & set(self.patterns))
        return [name for name in names if self.count(name) > 1]

    def _each(self, several: Sequence[str]) -> Iterator[Evidence]:
        if not several:
            yield self
        for name in several:
            for one in self.files(name):
                yield replace(self, only={name: one})

    def _document(self, name: str) -> Any:
        found = [self.only[name]] if name in self.only else self.files(name)
        if not found:
            raise NoValueError(f"no file matches {name} ({self.patterns[name]})")
        one = found[0]
        if one.path not in self._read:
            self._read[one.path] = _parsed(one)
        return self._read[one.path]


def _parsed(one: Found) -> Any:
    """The value of a file, by its kind.

    Raises:
        NoValueError: It is no plain file, too large, damaged, or of a kind that has no value.
    """
    try:
        content = read_plain_file(one.root, one.relative, max_bytes=LARGEST_DOCUMENT)
        return _value(content, one)
    except (MetricsError, UnicodeDecodeError, OSError, csv.Error) as error:
        raise NoValueError(f"{one.relative}: {error}") from None


def _value(content: bytes, one: Found) -> Any:
    kind = one.path.suffix
    if kind == ".json":
        return parse_json(content, source=one.relative)
    if kind == ".jsonl":
        lines = enumerate(content.splitlines(), start=1)
        return [parse_json(line, source=f"{one.relative}:{number}") for number, line in lines if line.strip()]
    if kind in (".tsv", ".csv"):
        rows = csv.DictReader(
            content.decode("utf-8").splitlines(),
            delimiter="\t" if kind == ".tsv" else ",",
            quoting=csv.QUOTE_NONE if kind == ".tsv" else csv.QUOTE_MINIMAL,
        )
        return [{key: _cell(cell) for key, cell in row.items()} for row in rows]
    if kind in (".txt", ".log", ".md"):
        return content.decode("utf-8").splitlines()
    raise NoValueError(
        f"{one.relative}: of {kind or 'such'} files only exists() and count() can be asked; "
        "values are read from json, jsonl, tsv, csv, txt, log and md"
    )


def _cell(text: Any) -> Any:
    """A number where the text is one, otherwise the text; true and false as JSON writes them."""
    try:
        value = json.loads(text, parse_constant=lambda _: text)
    except (ValueError, TypeError, RecursionError):
        return text
    return value if isinstance(value, bool | int | float) else text


def relative_to(path: Path, folder: Path) -> str:
    """A path as it is written down: relative to a folder where it lies below it."""
    return os.path.relpath(path, folder) if path.is_relative_to(folder) else str(path)
