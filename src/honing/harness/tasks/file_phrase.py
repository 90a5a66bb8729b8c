"""A file holds certain phrases. It says what is written, not whether it is of any use: see the behavioural
tasks for that."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field

from honing.documents import RelativePath
from honing.harness.tasks.base import Cascade, Place, TaskScore
from honing.harness.tasks.basics import Basics, Common, basics_of, scored

_LARGEST_BYTES = 1_000_000
_Phrase = Annotated[str, Field(min_length=1, max_length=10_000)]


class FilePhraseSpec(Basics):
    """`type: file_phrase`."""

    type: Literal["file_phrase"]
    path: RelativePath
    """The file."""
    required: Annotated[tuple[_Phrase, ...], Field(min_length=1)]
    """All of them must be in it, as they are written here."""
    ignore_case: bool = False
    hidden: bool = False
    """Whether the proposer is not told which phrases are missing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FilePhraseTask(Common):
    """1 where a plain file holds every phrase, 0 otherwise."""

    path: str
    required: tuple[str, ...]
    ignore_case: bool = False
    hidden: bool = False

    def identity(self) -> Mapping[str, Any]:
        return {
            "type": "file_phrase",
            "path": self.path,
            "required": list(self.required),
            "ignore_case": self.ignore_case,
            "hidden": self.hidden,
        }

    def judge(self, place: Place, seed: int) -> TaskScore:
        del seed
        text = place.read_text(self.path, limit_bytes=_LARGEST_BYTES)
        if text is None:
            return scored(0.0, f"{self.path} is not a plain file of at most {_LARGEST_BYTES} bytes")
        names = [f"phrase {at}" if self.hidden else phrase for at, phrase in enumerate(self.required, 1)]
        held = [self._folded(phrase) in self._folded(text) for phrase in self.required]
        checks = dict(zip(names, held, strict=True))
        missing = [name for name, there in checks.items() if not there]
        if not missing:
            return scored(1.0, checks=checks)
        which = "" if self.hidden else ": " + ", ".join(repr(name) for name in missing)
        reason = f"{self.path} lacks {len(missing)} of {len(names)} required phrases{which}"
        return scored(0.0, reason, checks=checks)

    def _folded(self, text: str) -> str:
        return text.casefold() if self.ignore_case else text


def file_phrase_task(spec: FilePhraseSpec, folder: Path) -> FilePhraseTask:
    """The task of a spec."""
    del folder
    return FilePhraseTask(
        **basics_of(spec, Cascade.STATIC),
        path=spec.path,
        required=spec.required,
        ignore_case=spec.ignore_case,
        hidden=spec.hidden,
    )
