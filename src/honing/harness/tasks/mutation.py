"""The candidate's own tests are tested: they must pass on right code and fail on code with a defect.

Every version runs in a fresh copy of the same prepared folder, so a script cannot know how often it was
called, and right and broken versions are written in the same way. `exit 0` notices no defect, `exit 1` fails
on right code; both score 0.
"""

from __future__ import annotations

import random
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field

from honing.documents import RelativePath
from honing.errors import StoreError, UsageError
from honing.harness.tasks.base import Cascade, Place, TaskScore
from honing.harness.tasks.basics import (
    Basics,
    Common,
    Seconds,
    Word,
    basics_of,
    plain,
    scored,
    share,
    unexpected,
    within,
)
from honing.harness.tasks.grader_files import GraderFiles, grader_files
from honing.harness.tasks.mutants import mutants, restyled
from honing.sandbox import Finished

_RIGHT_VERSIONS = 3
"""Runs on right code: as it is, and written differently each further time."""

Version = Mapping[str, bytes]
"""Contents by path in the harness."""


class MutationSpec(Basics):
    """`type: mutation`."""

    type: Literal["mutation"]
    test: Annotated[str, Field(min_length=1)]
    """Shell text that runs the candidate's tests (`bash scripts/test.sh`)."""
    files: Annotated[tuple[RelativePath, ...], Field(min_length=1)]
    """The code that is tested, as paths in the harness."""
    right: Word
    """Folder of the project with the right version of each, under the same paths."""
    broken: tuple[Word, ...] = ()
    """Folders of the project, each with broken versions of some of them, under the same paths."""
    mutants: Annotated[int, Field(ge=0, le=50)] = 4
    """Further defects to be made in those that are Python; 0 where every defect is to be the author's."""
    setup: str = ""
    """Shell text run first, once; every version begins with a copy of what it left."""
    timeout_s: Seconds | None = None
    """Of the setup, and of each version."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MutationTask(Common):
    """The share of defects that the candidate's tests notice; 0 where they fail on right code."""

    test: str
    right: Version
    broken: tuple[Version, ...]
    sources: tuple[GraderFiles, ...]
    setup: str = ""
    timeout_s: float | None = None

    def identity(self) -> Mapping[str, Any]:
        return {
            "type": "mutation",
            "test": self.test,
            "files": sorted(self.right),
            "sources": [one.digest for one in self.sources],
            "defects": len(self.broken),
            "setup": self.setup,
            "timeout_s": self.timeout_s,
        }

    def judge(self, place: Place, seed: int) -> TaskScore:
        del seed
        for source in self.sources:
            source.check()
        if self.setup:
            prepared = place.run(self.setup, limits=within(self.timeout_s))
            if (failed := unexpected(prepared, "the setup")) is not None:
                return failed
        try:
            return self._versions(place)
        except StoreError as error:
            # What the setup left cannot be copied: unreadable, endless, too large.
            return scored(0.0, f"what the setup left cannot be worked with: {plain(str(error), 200)}")

    def _versions(self, place: Place) -> TaskScore:
        # Never the same twice: what a candidate was not judged with it cannot know.
        rng = random.Random(secrets.randbits(64))
        for turn in range(_RIGHT_VERSIONS):
            finished = self._tried(place, self.right if turn == 0 else _disguised(self.right, rng))
            if (failed := unexpected(finished, "on right code, the tests")) is not None:
                return failed
        checks = {"right code passes": True}
        for number, version in enumerate(self.broken, 1):
            finished = self._tried(place, _disguised(version, rng))
            checks[f"defect {number} is noticed"] = not finished.ok
        sandbox = finished.sandbox
        caught = {name: held for name, held in checks.items() if name.startswith("defect")}
        score = share(caught)
        missed = sum(not held for held in caught.values())
        reason = f"the tests pass on code with a defect in {missed} of {len(caught)} cases" if missed else ""
        return scored(score, reason, checks=checks, sandbox=sandbox)

    def _tried(self, place: Place, version: Version) -> Finished:
        with place.branch() as copy:
            for path, content in version.items():
                copy.put(path, content)
            return copy.run(self.test, limits=within(self.timeout_s))


def _disguised(version: Version, rng: random.Random) -> dict[str, bytes]:
    """The same version, written differently where it is Python."""
    return {
        path: restyled(content.decode(), rng).encode() if path.endswith(".py") else content
        for path, content in version.items()
    }


def mutation_task(spec: MutationSpec, folder: Path) -> MutationTask:
    """The task of a spec.

    Raises:
        UsageError: A file is missing or no Python, or there is no defect to be noticed.
    """
    key = f"task '{spec.id}'"
    sources = [grader_files(folder, one, f"{key}: {name}") for name, one in _folders(spec)]
    right = {path: _content(sources[0].path / path, key) for path in spec.files}
    broken: list[Version] = []
    for source in sources[1:]:
        given = {
            path: _content(source.path / path, key) for path in spec.files if (source.path / path).exists()
        }
        if not given or all(right[path] == content for path, content in given.items()):
            raise UsageError(f"{key}: broken: {str(source.path)!r} changes none of {', '.join(spec.files)}.")
        broken.append({**right, **given})
    broken += [{**right, path: content} for path, content in _made(spec, right, key)]
    if not broken:
        raise UsageError(
            f"{key}: there is no defect to be noticed: name folders in 'broken', or set 'mutants'."
        )
    return MutationTask(
        **basics_of(spec, Cascade.FULL),
        test=spec.test,
        right=right,
        broken=tuple(broken),
        sources=tuple(sources),
        setup=spec.setup,
        timeout_s=spec.timeout_s,
    )


def _folders(spec: MutationSpec) -> Iterator[tuple[str, str]]:
    yield "right", spec.right
    yield from (("broken", one) for one in spec.broken)


def _content(file: Path, key: str) -> bytes:
    try:
        content = file.read_bytes()
        if file.suffix == ".py":
            restyled(content.decode(), random.Random(0))
    except OSError as error:
        raise UsageError(f"{key}: {str(file)!r} cannot be read ({error.strerror}).") from error
    except (SyntaxError, ValueError) as error:
        raise UsageError(f"{key}: {str(file)!r} is no Python: {plain(str(error))}.") from error
    return content


def _made(spec: MutationSpec, right: Version, key: str) -> list[tuple[str, bytes]]:
    """Defects of ours: the same for every candidate, taken from the files in turn."""
    python = [path for path in spec.files if path.endswith(".py")]
    if spec.mutants and not python and not spec.broken:
        raise UsageError(f"{key}: files: none of them is Python, so 'broken' has to name defects.")
    rng = random.Random("mutants")
    by_file = [[(path, one) for one in mutants(right[path].decode(), spec.mutants, rng)] for path in python]
    longest = max((len(found) for found in by_file), default=0)
    mixed = [found[at] for at in range(longest) for found in by_file if at < len(found)]
    return [(path, source.encode()) for path, source in mixed[: spec.mutants]]
