"""A callable of the project's author says how good a harness is."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field

from honing.errors import UsageError
from honing.harness.tasks.base import Cascade
from honing.harness.tasks.basics import Basics, Seconds, basics_of
from honing.harness.tasks.callable import CallableTask
from honing.harness.tasks.grader_files import GraderFiles, grader_files


class PythonSpec(Basics):
    """`type: python`."""

    type: Literal["python"]
    grader: Annotated[str, Field(pattern=r"^[^:]+:[A-Za-z_]\w*$")]
    """`FILE.py:NAME` (relative to the project) or `MODULE:NAME`, called with the copy's path and, where it
    takes two, the seed. Gives a score in [0, 1], or a mapping with `score` and perhaps more."""
    in_process: bool = False
    """Call it in Honing's own process: fast, and only for graders that run nothing of the candidate's."""
    timeout_s: Seconds | None = None


def python_task(spec: PythonSpec, folder: Path) -> CallableTask:
    """The task of a spec.

    Raises:
        UsageError: There is no such file, module or callable.
    """
    place, name = spec.grader.rsplit(":", 1)
    basics = basics_of(spec, Cascade.FULL)
    files = _files(place, folder, spec.id)
    call = _loaded(place, files, name, spec.id)
    return CallableTask(**basics, call=call, words={"grader": name, "digest": files.digest})


def _files(place: str, folder: Path, task: str) -> GraderFiles:
    if place.endswith(".py"):
        return grader_files(folder, place, f"task '{task}': grader")
    top = place.partition(".")[0]
    try:
        found = importlib.util.find_spec(top)
    except (ImportError, ValueError):
        found = None
    if found is None or found.origin is None:
        raise UsageError(
            f"task '{task}': grader: there is no module {top!r}. Write FILE.py:NAME, or install the package."
        )
    origin = Path(found.origin)
    return grader_files(folder, str(origin.parent if origin.name == "__init__.py" else origin), task)


def _loaded(place: str, files: GraderFiles, name: str, task: str) -> Callable[..., Any]:
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
        raise UsageError(f"task '{task}': grader: {files.path} has no callable {name!r}.")
    found: Callable[..., Any] = call
    return found
