"""Programs of ours and the author's that judge beside the copy, and the strict reading of what they found."""

from __future__ import annotations

import json
import secrets
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from honing.documents import parse_json, read_plain_file
from honing.errors import GraderError, MetricsError
from honing.harness.tasks.base import Place
from honing.harness.tasks.basics import plain
from honing.sandbox import Finished, Forward, Limits, Mount, python_mounts

PROGRAMS = Path(__file__).parent / "programs"
_RESULTS = "results.json"
_FORGED = 99
"""Exit code with which a program says so (`programs/honing_wire.py`)."""


class ForgedError(GraderError):
    """Results are not, or not only, from the program that was started to write them: somebody reached for the
    judge. Becomes `tampered`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """A program that judges, started where nothing of the candidate's is."""

    program: str
    """File name in `programs`."""
    arguments: Sequence[str] = ()
    """Before the folder of results."""
    mounts: Sequence[Mount] = ()
    forwards: Sequence[Forward] = ()
    limits: Limits | None = None


def judged_beside(place: Place, beside: Beside, asked: Mapping[str, Any]) -> tuple[Finished, Any]:
    """Run a program that judges.

    Args:
        place: Where the candidate's copy is.
        beside: The program.
        asked: What it reads from its standard input; a fresh nonce is added.

    Returns:
        How it ended, and the document that it wrote; None where it did not end by itself with 0.

    Raises:
        ForgedError: It ended with 0, and what stands in its folder is not, or not only, what it wrote.
        SandboxError: The sandbox failed.
    """
    nonce = secrets.token_hex(16)
    results = place.scratch / nonce
    results.mkdir()
    own = place.mount(PROGRAMS, "programs")
    seen = place.mount(results, "results", writable=True)
    program = seen_at(own) / beside.program
    finished = place.beside(
        (sys.executable, "-I", str(program), *beside.arguments, str(seen_at(seen))),
        # The environment that Honing runs in: what an author's grader imports is there.
        mounts=(seen, own, *beside.mounts, *python_mounts()),
        env={"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        forwards=beside.forwards,
        limits=beside.limits,
        stdin=json.dumps({**asked, "nonce": nonce}).encode(),
    )
    if finished.exit_code == _FORGED:
        raise ForgedError(f"{beside.program}: something stood where it was to write its results.")
    if not finished.ok:
        return finished, None
    return finished, _document(results, nonce, beside.program)


def seen_at(mount: Mount) -> Path:
    """Where a mount is seen."""
    return mount.inside or mount.source


def _document(results: Path, nonce: str, program: str) -> Any:
    extra = sorted(path.name for path in results.iterdir() if path.name != _RESULTS)
    try:
        document = parse_json(read_plain_file(results, _RESULTS), source=f"the results of {program}")
    except MetricsError as error:
        # The program writes this file once, at its end, and ended with 0.
        raise ForgedError(f"{program}: its results are not as it writes them: {error}") from error
    if not isinstance(document, dict) or document.get("nonce") != nonce or extra:
        raise ForgedError(f"{program}: its results were not written by the program that was started.")
    return document


def broke(finished: Finished, what: str) -> GraderError:
    """The error for a grader that ended badly by itself."""
    said = plain(finished.stderr[-600:], 600)
    return GraderError(f"{what} ended with {finished.exit_code}: {said or 'it printed nothing'}")
