"""A callable of the project's author says how good a harness is.

It is called in a process of its own, contained, with the copy mounted read-only; what it gives comes back
through a folder that nothing of the candidate's can see, so that printing proves nothing.
"""

from __future__ import annotations

import importlib
import importlib.util
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field

from honing.errors import UsageError
from honing.harness.tasks.base import Cascade, Place, TaskScore
from honing.harness.tasks.basics import Basics, Common, Seconds, Word, basics_of, cut_short, within
from honing.harness.tasks.callable import CallableTask, score_of
from honing.harness.tasks.grader_files import GraderFiles, grader_files
from honing.harness.tasks.graders import Beside, broke, judged_beside, seen_at


class PythonSpec(Basics):
    """`type: python`."""

    type: Literal["python"]
    grader: Annotated[str, Field(pattern=r"^[^:]+:[A-Za-z_]\w*$")]
    """`FILE.py:NAME` (relative to the project) or `MODULE:NAME`. Called with the copy's path and, where it
    takes two arguments, the seed; gives a score in [0, 1], or a mapping with `score` and perhaps more."""
    needs: tuple[Word, ...] = ()
    """Further files and folders of the project that the grader reads; it finds them beside its own file."""
    in_process: bool = False
    """Call it in Honing's own process: fast, and only for graders that run nothing of the candidate's."""
    timeout_s: Seconds | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PythonTask(Common):
    """What a callable says of a candidate, asked in a process of its own."""

    place: str
    """Module, or the file's name."""
    name: str
    files: GraderFiles
    """The file, or the module's package."""
    needs: tuple[GraderFiles, ...] = ()
    timeout_s: float | None = None

    def identity(self) -> Mapping[str, Any]:
        return {
            "type": "python",
            "grader": [self.place, self.name],
            "digests": [self.files.digest, *(one.digest for one in self.needs)],
            "timeout_s": self.timeout_s,
        }

    def hidden_texts(self) -> tuple[str, ...]:
        """For the gate: no candidate can come by these lines honestly. What is installed is public."""
        return self.files.texts() if self.place.endswith(".py") else ()

    def judge(self, place: Place, seed: int) -> TaskScore:
        for one in (self.files, *self.needs):
            one.check()
        # Under another name each time: a link that the candidate left cannot lead a grader to its own key.
        folder = f"grader-{secrets.token_hex(8)}"
        mounts = [place.mount(one.path, f"{folder}/{one.path.name}") for one in (self.files, *self.needs)]
        copy = place.mount(place.workspace, "candidate")
        found = seen_at(mounts[0])
        asked = {
            "place": str(found) if self.place.endswith(".py") else self.place,
            "name": self.name,
            "paths": [str(found.parent)],
            "copy": str(seen_at(copy)),
            "seed": seed,
        }
        beside = Beside(program="grade.py", mounts=(copy, *mounts), limits=within(self.timeout_s))
        finished, document = judged_beside(place, beside, asked)
        if document is not None:
            return score_of(document.get("grade"), self.id)
        if (cut := cut_short(finished, "the grader")) is not None:
            return cut
        raise broke(finished, f"task '{self.id}': its grader")


def python_task(spec: PythonSpec, folder: Path) -> PythonTask | CallableTask:
    """The task of a spec.

    Raises:
        UsageError: There is no such file, module or callable.
    """
    place, name = spec.grader.rsplit(":", 1)
    key = f"task '{spec.id}': grader"
    files = grader_files(folder, place, key) if place.endswith(".py") else _package(folder, place, key)
    basics = basics_of(spec, Cascade.FULL)
    if spec.in_process:
        call = _loaded(place, files, name, key)
        return CallableTask(**basics, call=call, words={"grader": [place, name], "digest": files.digest})
    return PythonTask(
        **basics,
        place=files.path.name if place.endswith(".py") else place,
        name=name,
        files=files,
        needs=tuple(grader_files(folder, one, f"task '{spec.id}': needs") for one in spec.needs),
        timeout_s=spec.timeout_s,
    )


def _package(folder: Path, module: str, key: str) -> GraderFiles:
    """The package of a module that can be imported here; nothing of it is run to find out."""
    top = module.partition(".")[0]
    try:
        found = importlib.util.find_spec(top)
    except (ImportError, ValueError):
        found = None
    if found is None or found.origin is None or not Path(found.origin).exists():
        raise UsageError(f"{key}: there is no module {top!r}. Write FILE.py:NAME, or install the package.")
    origin = Path(found.origin)
    return grader_files(folder, str(origin.parent if origin.name == "__init__.py" else origin), key)


def _loaded(place: str, files: GraderFiles, name: str, key: str) -> Callable[..., Any]:
    module: Any
    if place.endswith(".py"):
        spec = importlib.util.spec_from_file_location(f"honing_grader_{files.digest[:12]}", files.path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    else:
        module = importlib.import_module(place)
    call: Any = getattr(module, name, None)
    if not callable(call):
        raise UsageError(f"{key}: {str(files.path)!r} has no callable {name!r}.")
    found: Callable[..., Any] = call
    return found
